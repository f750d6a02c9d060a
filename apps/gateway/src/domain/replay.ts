// What a session was sent, so that RESUME can send it again.
//
// The entries are references to shared dispatches: a message to a thousand sessions is in memory
// once and costs each of them eight bytes here. Only what was made for one session (READY and its
// guilds) weighs on that session alone. A client confirms with each heartbeat what it has; what it
// confirmed is of use only to a client that forgot it again, so most of it is let go.
import type { Dispatch } from './dispatch.js';

export interface ReplayLimits {
  /** Dispatches kept. */
  readonly eventsMax: number;
  /** Bytes kept of dispatches made for this session alone. */
  readonly ownBytesMax: number;
  /** Shared dispatches kept although the client has confirmed them. */
  readonly confirmedMax: number;
}

const CAPACITY_FIRST = 8;

/** A bounded memory of dispatches by their `s`, the oldest forgotten first. */
export class Replay {
  readonly #limits: ReplayLimits;
  /** A ring; its length is a power of two, grown as needed. */
  #ring: (Dispatch | undefined)[] = [];
  /** `s` of the oldest kept; `#next - #oldest` are kept. */
  #oldest = 1;
  #next = 1;
  #ownBytes = 0;
  /** What the client said it has. */
  #confirmed = 0;

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#next - this.#oldest;
  }

  get ownBytes(): number {
    return this.#ownBytes;
  }

  /** The `s` of the newest dispatch; 0 before the first. */
  get seq(): number {
    return this.#next - 1;
  }

  /** Hot path. Remembers the next dispatch and returns its `s`. */
  push(dispatch: Dispatch): number {
    if (this.count === this.#ring.length) this.#grow();
    this.#ring[this.#next & (this.#ring.length - 1)] = dispatch;
    if (dispatch.isOwn) this.#ownBytes += dispatch.size;
    const s = this.#next++;
    while (this.count > this.#limits.eventsMax || this.#ownBytes > this.#limits.ownBytesMax) {
      this.#forgetOldest();
    }
    return s;
  }

  /**
   * The client has everything up to `seq`. What is forgotten is what it had confirmed the time
   * before: one that steps back a little finds it still here. Nonsense changes nothing.
   */
  confirm(seq: number): void {
    if (!Number.isInteger(seq) || seq >= this.#next) return;
    const confirmed = this.#confirmed;
    this.#confirmed = Math.max(confirmed, seq);
    const forgetUpTo = Math.max(
      confirmed - this.#limits.confirmedMax,
      this.#lastOwnUpTo(confirmed),
    );
    while (this.#oldest <= forgetUpTo) this.#forgetOldest();
    if (this.count === 0) this.#ring = [];
  }

  /**
   * Everything after `seq`, oldest first; undefined when that is not known any more, or was never
   * sent. The first entry has `s = seq + 1`.
   */
  after(seq: number): Dispatch[] | undefined {
    if (!Number.isInteger(seq) || seq < this.#oldest - 1 || seq >= this.#next) return undefined;
    const missed: Dispatch[] = [];
    for (let s = seq + 1; s < this.#next; s += 1) missed.push(this.#at(s));
    return missed;
  }

  #at(s: number): Dispatch {
    return this.#ring[s & (this.#ring.length - 1)]!;
  }

  #lastOwnUpTo(seq: number): number {
    if (this.#ownBytes === 0) return 0;
    for (let s = seq; s >= this.#oldest; s -= 1) if (this.#at(s).isOwn) return s;
    return 0;
  }

  #forgetOldest(): void {
    const slot = this.#oldest & (this.#ring.length - 1);
    const dispatch = this.#ring[slot]!;
    if (dispatch.isOwn) this.#ownBytes -= dispatch.size;
    this.#ring[slot] = undefined;
    this.#oldest += 1;
  }

  #grow(): void {
    const larger: (Dispatch | undefined)[] = new Array<Dispatch | undefined>(
      Math.max(CAPACITY_FIRST, this.#ring.length * 2),
    ).fill(undefined);
    for (let s = this.#oldest; s < this.#next; s += 1) {
      larger[s & (larger.length - 1)] = this.#at(s);
    }
    this.#ring = larger;
  }
}
