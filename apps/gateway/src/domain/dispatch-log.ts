// What was sent to any session lately, once for all of them: an event to ten thousand sessions is
// here once, and each of them remembers its number.
//
//   numbers    ... 41 42 43 44 45 46        each dispatch gets the next when it is first sent
//   kept              `------------'        bounded in bytes, in number and in age
//
// What is forgotten cannot be replayed, and whoever missed it has to identify anew. So the age is
// as long as a session may be resumed; the other two bounds are for when that would be too much.
import type { Dispatch } from './dispatch.js';

export interface DispatchLogLimits {
  /** Bytes of events, as JSON; with their encodings they take about three times that. */
  readonly bytesMax: number;
  readonly eventsMax: number;
  readonly ageMaxMs: number;
}

const CAPACITY_FIRST = 64;

/** A bounded memory of dispatches by number, the oldest forgotten first. */
export class DispatchLog {
  readonly #limits: DispatchLogLimits;
  /** A ring; its length is a power of two, grown as needed. */
  #ring: (Dispatch | undefined)[] = [];
  #oldest = 1;
  #next = 1;
  #bytes = 0;
  /** What the next number was at past moments, oldest first. */
  readonly #marks: { readonly atMs: number; readonly next: number }[] = [];

  constructor(limits: DispatchLogLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#next - this.#oldest;
  }

  /** Bytes of the events kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Hot path. The number of a dispatch, which is kept from now on; never 0. */
  numberOf(dispatch: Dispatch): number {
    return dispatch.logNumber >= this.#oldest ? dispatch.logNumber : this.#enter(dispatch);
  }

  /** The dispatch with a number; undefined when it is forgotten. */
  at(number: number): Dispatch | undefined {
    if (number < this.#oldest || number >= this.#next) return undefined;
    return this.#ring[number & (this.#ring.length - 1)];
  }

  /** Forgets what is too old. To be called every few seconds. */
  tick(nowMs: number): void {
    const marks = this.#marks;
    let passedCount = 0;
    while (passedCount < marks.length && marks[passedCount]!.atMs <= nowMs - this.#limits.ageMaxMs)
      passedCount += 1;
    if (passedCount > 0) {
      const { next } = marks[passedCount - 1]!;
      while (this.#oldest < next) this.#forgetOldest();
      marks.splice(0, passedCount);
    }
    marks.push({ atMs: nowMs, next: this.#next });
    if (this.count === 0) this.#ring = [];
  }

  #enter(dispatch: Dispatch): number {
    const { bytesMax, eventsMax } = this.#limits;
    if (this.count === this.#ring.length) this.#grow();
    const number = this.#next;
    this.#next += 1;
    this.#ring[number & (this.#ring.length - 1)] = dispatch;
    dispatch.logNumber = number;
    this.#bytes += dispatch.size;
    // The newest is kept whatever its size.
    while (this.count > 1 && (this.#bytes > bytesMax || this.count > eventsMax)) {
      this.#forgetOldest();
    }
    return number;
  }

  #forgetOldest(): void {
    const slot = this.#oldest & (this.#ring.length - 1);
    this.#bytes -= this.#ring[slot]!.size;
    this.#ring[slot] = undefined;
    this.#oldest += 1;
  }

  #grow(): void {
    const larger = new Array<Dispatch | undefined>(
      Math.max(CAPACITY_FIRST, this.#ring.length * 2),
    ).fill(undefined);
    for (let number = this.#oldest; number < this.#next; number += 1) {
      larger[number & (larger.length - 1)] = this.at(number);
    }
    this.#ring = larger;
  }
}
