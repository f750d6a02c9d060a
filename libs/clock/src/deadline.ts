import type { Clock } from './clock.js';

/** A moment by which something must be done, on the monotonic clock. Travels as what remains. */
export class Deadline {
  readonly #clock: Clock;
  readonly #atMs: number;

  private constructor(clock: Clock, atMs: number) {
    this.#clock = clock;
    this.#atMs = atMs;
  }

  /** The deadline `ms` from now; 0 or less is one that has already passed. */
  static after(clock: Clock, ms: number): Deadline {
    return new Deadline(clock, clock.monotonicMs() + ms);
  }

  /** What is left, never below 0. */
  remainingMs(): number {
    return Math.max(0, this.#atMs - this.#clock.monotonicMs());
  }

  isExpired(): boolean {
    return this.#clock.monotonicMs() >= this.#atMs;
  }
}
