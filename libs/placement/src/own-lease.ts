// Whether the others still take us for alive.
//
// A beat is heard by the others not before it was sent, and they bury us a lease after they last
// heard us. Our own beats come back to us as they go to the others; so from the moment at which a
// beat that came back was *sent*, we are safe for one lease, and not a moment longer: a process
// that is cut off, or stood still, stops being an owner before anybody takes over.

const UNHEARD_BEATS_MAX = 64;

/** The lease that our own beats keep up. Times are on the monotonic clock. */
export class OwnLease {
  readonly #leaseMs: number;
  readonly #sentAtMs = new Map<bigint, number>();
  #validUntilMs = -Infinity;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  get validUntilMs(): number {
    return this.#validUntilMs;
  }

  /** Hot path. */
  isValid(nowMs: number): boolean {
    return nowMs < this.#validUntilMs;
  }

  sent(beat: bigint, nowMs: number): void {
    this.#sentAtMs.set(beat, nowMs);
    if (this.#sentAtMs.size <= UNHEARD_BEATS_MAX) return;
    const [oldest] = this.#sentAtMs.keys();
    this.#sentAtMs.delete(oldest!);
  }

  /**
   * Our own beat came back. False when the lease had ended before the beat was sent: for a while
   * the others may have taken us for dead.
   */
  heard(beat: bigint): boolean {
    const sentAtMs = this.#sentAtMs.get(beat);
    if (sentAtMs === undefined) return true;
    for (const earlier of this.#sentAtMs.keys()) {
      if (earlier <= beat) this.#sentAtMs.delete(earlier);
    }
    const isUnbroken = sentAtMs <= this.#validUntilMs;
    this.#validUntilMs = Math.max(this.#validUntilMs, sentAtMs + this.#leaseMs);
    return isUnbroken;
  }
}
