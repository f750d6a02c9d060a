// One timer for all sockets and sessions. Each entry knows when it is due; the wheel has a slot per
// tick, and looks at an entry only when the slot it was put in comes round. A heartbeat moves an
// entry's due time by writing one number; the entry is put into the slot of its new time when the
// old one comes round. So 100,000 sockets cost two moves of an entry per heartbeat interval each.

/** What waits in a wheel. One object may wait in one wheel only. */
export interface WheelEntry {
  /** When it is due, on the clock that `turn` is called with; moved freely. Infinity: never. */
  dueMs: number;
  /** The slot it waits in, -1 when it does not, and its index there; kept by the wheel. */
  wheelSlot: number;
  wheelIndex: number;
}

/** Calls back for entries whose time has come, at the granularity of its ticks. */
export class TimerWheel<E extends WheelEntry> {
  readonly #tickMs: number;
  readonly #slots: E[][];
  #count = 0;
  #turnedTick: number;

  /** @param slotsCount ticks in a round; entries further ahead are looked at once a round. */
  constructor(options: { tickMs: number; slotsCount: number; nowMs: number }) {
    this.#tickMs = options.tickMs;
    this.#slots = Array.from({ length: options.slotsCount }, (): E[] => []);
    this.#turnedTick = Math.floor(options.nowMs / options.tickMs);
  }

  get size(): number {
    return this.#count;
  }

  /** Waits for `entry.dueMs`. Called again it looks at the time anew: needed to make it earlier. */
  add(entry: E): void {
    this.remove(entry);
    const dueTick = Math.max(this.#turnedTick + 1, this.#tickOf(entry.dueMs));
    const ticksAhead = Math.min(dueTick - this.#turnedTick, this.#slots.length);
    const slot = (this.#turnedTick + ticksAhead) % this.#slots.length;
    entry.wheelSlot = slot;
    entry.wheelIndex = this.#slots[slot]!.push(entry) - 1;
    this.#count += 1;
  }

  /** Waits no more. May be called for an entry that does not wait. */
  remove(entry: E): void {
    if (entry.wheelSlot < 0) return;
    const slot = this.#slots[entry.wheelSlot]!;
    const last = slot.pop()!;
    if (last !== entry) {
      slot[entry.wheelIndex] = last;
      last.wheelIndex = entry.wheelIndex;
    }
    entry.wheelSlot = -1;
    this.#count -= 1;
  }

  /** Removes and returns what is due at `nowMs`; to be called every tick, late is no harm. */
  turn(nowMs: number): E[] {
    const due: E[] = [];
    const nowTick = Math.floor(nowMs / this.#tickMs);
    const firstTick = Math.max(this.#turnedTick + 1, nowTick - this.#slots.length + 1);
    for (let tick = firstTick; tick <= nowTick; tick += 1) {
      this.#turnedTick = tick;
      const at = tick % this.#slots.length;
      const slot = this.#slots[at]!;
      this.#slots[at] = [];
      this.#count -= slot.length;
      for (const entry of slot) {
        entry.wheelSlot = -1;
        if (entry.dueMs <= nowMs) due.push(entry);
        else this.add(entry);
      }
    }
    return due;
  }

  /** The first tick at whose turn the entry is due. */
  #tickOf(dueMs: number): number {
    return dueMs === Infinity ? Number.MAX_SAFE_INTEGER : Math.ceil(dueMs / this.#tickMs);
  }
}
