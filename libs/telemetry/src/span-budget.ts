import { samplingRate, type SamplingRate } from './sampling.js';

const HALVINGS = 4;

/**
 * What tracing may cost this process, in spans a second: a token bucket that holds one second.
 *
 * Every span takes a token and is never refused: a trace is not cut in the middle. What gives way
 * is the rate of *new* roots: full while the bucket is at least half full, then halved at every
 * halving of what is left, and zero when nothing is. The rate that was applied travels in the
 * trace as its threshold, so counts made from kept traces stay right under load.
 */
export class SpanBudget {
  readonly #spansPerSecondMax: number;
  #tokens: number;
  #refilledAtMs: number;

  /** @param spansPerSecondMax `Infinity` for no limit. */
  constructor(spansPerSecondMax: number, nowMs: number) {
    this.#spansPerSecondMax = spansPerSecondMax;
    this.#tokens = spansPerSecondMax;
    this.#refilledAtMs = nowMs;
  }

  /** Hot path. How often to halve the rate of new roots: 0 to 4; -1 means start none. */
  halvings(nowMs: number): number {
    if (this.#spansPerSecondMax === Infinity) return 0;
    this.#refill(nowMs);
    let bound = this.#spansPerSecondMax / 2;
    for (let halvings = 0; halvings <= HALVINGS; halvings += 1, bound /= 2) {
      if (this.#tokens >= bound) return halvings;
    }
    return this.#tokens >= 1 ? HALVINGS : -1;
  }

  /** One span was made, whoever asked for it. The debt is bounded to one second's worth. */
  take(nowMs: number): void {
    if (this.#spansPerSecondMax === Infinity) return;
    this.#refill(nowMs);
    this.#tokens = Math.max(-this.#spansPerSecondMax, this.#tokens - 1);
  }

  #refill(nowMs: number): void {
    const elapsedMs = nowMs - this.#refilledAtMs;
    if (elapsedMs <= 0) return;
    this.#refilledAtMs = nowMs;
    this.#tokens = Math.min(
      this.#spansPerSecondMax,
      this.#tokens + (elapsedMs * this.#spansPerSecondMax) / 1000,
    );
  }
}

/** The rates for 0 to 4 halvings of `probability`, made once so that choosing one is an index. */
export function halvedRates(probability: number): readonly SamplingRate[] {
  return Array.from({ length: HALVINGS + 1 }, (_, halvings) =>
    samplingRate(probability / 2 ** halvings),
  );
}
