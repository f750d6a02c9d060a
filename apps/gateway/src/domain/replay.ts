// What a session was sent, so that RESUME can send it again.
//
// What went to others as well is in the gateway's log, once for all; here is its number, in a typed
// array that the collector never walks: eight bytes a dispatch. Only what was made for one session
// (READY and its guilds) weighs on that session alone. A client confirms with each heartbeat what
// it has; what it confirmed is of use only to a client that forgot it again, so most of it is let
// go.
import type { Dispatch } from './dispatch.js';
import type { DispatchLog } from './dispatch-log.js';

export interface ReplayLimits {
  /** Where shared dispatches are kept. */
  readonly log: DispatchLog;
  /** Dispatches kept. */
  readonly eventsMax: number;
  /** Bytes kept of dispatches made for this session alone. */
  readonly ownBytesMax: number;
  /** Shared dispatches remembered although the client has confirmed them. */
  readonly confirmedMax: number;
}

/** A dispatch made for this session alone. */
interface Own {
  readonly s: number;
  readonly dispatch: Dispatch;
}

const CAPACITY_FIRST = 8;
const EMPTY = new Float64Array(0);
const NONE: Own[] = [];
/** In the place of a number: the dispatch is among the session's own. */
const OWN = 0;

/** A bounded memory of dispatches by their `s`, the oldest forgotten first. */
export class Replay {
  readonly #limits: ReplayLimits;
  /** A ring of numbers in the log; its length is a power of two, grown as needed. */
  #ring = EMPTY;
  /** By `s`, oldest first. */
  #own = NONE;
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
    const s = this.#next;
    if (s - this.#oldest === this.#ring.length) this.#grow();
    this.#next = s + 1;
    if (dispatch.isOwn) {
      this.#pushOwn(s, dispatch);
    } else {
      this.#ring[s & (this.#ring.length - 1)] = this.#limits.log.numberOf(dispatch);
      if (s - this.#oldest >= this.#limits.eventsMax) this.#forgetBefore(this.#oldest + 1);
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
    const lastOwn = this.#own.findLast(({ s }) => s <= confirmed)?.s ?? 0;
    this.#forgetBefore(Math.max(confirmed - this.#limits.confirmedMax, lastOwn) + 1);
    if (this.count === 0) this.#ring = EMPTY;
  }

  /**
   * Everything after `seq`, oldest first; undefined when that is not known any more, or was never
   * sent. The first entry has `s = seq + 1`.
   */
  after(seq: number): Dispatch[] | undefined {
    if (!Number.isInteger(seq) || seq < this.#oldest - 1 || seq >= this.#next) return undefined;
    const missed: Dispatch[] = [];
    let ownAt = this.#own.findIndex(({ s }) => s > seq);
    for (let s = seq + 1; s < this.#next; s += 1) {
      const number = this.#ring[s & (this.#ring.length - 1)]!;
      const dispatch = number === OWN ? this.#own[ownAt++]?.dispatch : this.#limits.log.at(number);
      if (dispatch === undefined) return undefined;
      missed.push(dispatch);
    }
    return missed;
  }

  #pushOwn(s: number, dispatch: Dispatch): void {
    const { eventsMax, ownBytesMax } = this.#limits;
    this.#ring[s & (this.#ring.length - 1)] = OWN;
    if (this.#own.length === 0) this.#own = [];
    this.#own.push({ s, dispatch });
    this.#ownBytes += dispatch.size;
    this.#forgetBefore(this.#next - eventsMax);
    while (this.#ownBytes > ownBytesMax) this.#forgetBefore(this.#own[0]!.s + 1);
  }

  /** Forgets everything with a lower `s`. */
  #forgetBefore(s: number): void {
    if (s <= this.#oldest) return;
    this.#oldest = s;
    let ownCount = 0;
    while (ownCount < this.#own.length && this.#own[ownCount]!.s < s) {
      this.#ownBytes -= this.#own[ownCount]!.dispatch.size;
      ownCount += 1;
    }
    if (ownCount > 0) this.#own = ownCount === this.#own.length ? NONE : this.#own.slice(ownCount);
  }

  #grow(): void {
    const larger = new Float64Array(Math.max(CAPACITY_FIRST, this.#ring.length * 2));
    for (let s = this.#oldest; s < this.#next; s += 1) {
      larger[s & (larger.length - 1)] = this.#ring[s & (this.#ring.length - 1)]!;
    }
    this.#ring = larger;
  }
}
