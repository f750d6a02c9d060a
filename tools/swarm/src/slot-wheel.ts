// Heartbeats of thousands of sessions on one timer: each is in the slot in which its next beat is
// due. Slots are lists by number, so a turn allocates nothing.

/** Places of `count` members on a wheel of `slotsCount` slots, one slot per turn. */
export class SlotWheel {
  readonly #heads: Int32Array;
  readonly #nexts: Int32Array;
  readonly #slots: Int32Array;
  #now = 0;

  constructor(count: number, slotsCount: number) {
    this.#heads = new Int32Array(slotsCount).fill(-1);
    this.#nexts = new Int32Array(count).fill(-1);
    this.#slots = new Int32Array(count).fill(-1);
  }

  /** Puts a member where it is due in `turns` (at least 1, at most all slots); from where it was. */
  put(member: number, turns: number): void {
    this.remove(member);
    const slotsCount = this.#heads.length;
    const slot = (this.#now + Math.max(1, Math.min(turns, slotsCount))) % slotsCount;
    this.#slots[member] = slot;
    this.#nexts[member] = this.#heads[slot]!;
    this.#heads[slot] = member;
  }

  /** Takes a member off; nothing if it is on none. */
  remove(member: number): void {
    const slot = this.#slots[member]!;
    if (slot === -1) return;
    this.#slots[member] = -1;
    let at = this.#heads[slot]!;
    if (at === member) {
      this.#heads[slot] = this.#nexts[member]!;
      return;
    }
    while (this.#nexts[at] !== member) at = this.#nexts[at]!;
    this.#nexts[at] = this.#nexts[member]!;
  }

  /** Goes on to the next slot and takes its members off, calling back for each. */
  turn(onDue: (member: number) => void): void {
    this.#now = (this.#now + 1) % this.#heads.length;
    let member = this.#heads[this.#now]!;
    this.#heads[this.#now] = -1;
    while (member !== -1) {
      const next = this.#nexts[member]!;
      this.#slots[member] = -1;
      onDue(member);
      member = next;
    }
  }
}
