import type { Clock } from '@guildhall/clock';

interface Entry<V> {
  readonly value: V;
  readonly untilMs: number;
}

/**
 * Remembers values for a short while, the most recently used ones when there are too many. Holds at
 * most `entriesMax`; what is older than `ttlMs` is never given out.
 */
export class RecentMap<K, V> {
  readonly #clock: Clock;
  readonly #entriesMax: number;
  readonly #ttlMs: number;
  readonly #entries = new Map<K, Entry<V>>();

  constructor(options: { clock: Clock; entriesMax: number; ttlMs: number }) {
    this.#clock = options.clock;
    this.#entriesMax = options.entriesMax;
    this.#ttlMs = options.ttlMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What was set for the key less than `ttlMs` ago. */
  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.untilMs <= this.#clock.monotonicMs()) return undefined;
    // A Map keeps the order of insertion: the one used now goes to the end.
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#entriesMax) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    this.#entries.set(key, { value, untilMs: this.#clock.monotonicMs() + this.#ttlMs });
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  /** Forgets every value the predicate is true for. */
  deleteWhere(predicate: (value: V) => boolean): void {
    for (const [key, entry] of this.#entries) {
      if (predicate(entry.value)) this.#entries.delete(key);
    }
  }
}
