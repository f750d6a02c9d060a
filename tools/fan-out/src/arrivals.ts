/**
 * When each of a series of events reached the last of its recipients.
 *
 * Events come to every recipient in the order in which they were published, so the k-th event that
 * a recipient gets is event k: who keeps a count per recipient needs to read no event to know it.
 */
export class Arrivals {
  readonly eventsCount: number;
  readonly #recipientsCount: number;
  readonly #lastAtMs: Float64Array;
  #received = 0;
  #surplus = 0;

  /** Expects `eventsCount` events at each of `recipientsCount`. */
  constructor(eventsCount: number, recipientsCount: number) {
    this.eventsCount = eventsCount;
    this.#recipientsCount = recipientsCount;
    this.#lastAtMs = new Float64Array(eventsCount);
  }

  /** A recipient got its `index`-th event (from 0). Times must not run backwards. */
  add(index: number, atMs: number): void {
    if (index >= this.eventsCount) {
      this.#surplus += 1;
      return;
    }
    this.#received += 1;
    this.#lastAtMs[index] = atMs;
  }

  /** Deliveries so far, without those in {@link surplus}. */
  get received(): number {
    return this.#received;
  }

  /** Deliveries of more events than there were. */
  get surplus(): number {
    return this.#surplus;
  }

  get isComplete(): boolean {
    return this.#received === this.eventsCount * this.#recipientsCount;
  }

  /** By event, when the last recipient had it; 0 for what nobody got. */
  lastAtMs(): number[] {
    return [...this.#lastAtMs];
  }
}

/** The later of each pair: of the same events at two groups of recipients. */
export function laterOf(one: readonly number[], other: readonly number[]): number[] {
  return one.map((atMs, index) => Math.max(atMs, other[index] ?? 0));
}
