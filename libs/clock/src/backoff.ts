import type { Clock } from './clock.js';

export interface BackoffOptions {
  /** The longest first wait. */
  firstMs: number;
  /** The longest wait of all. */
  capMs: number;
  /** How much longer each wait may be than the one before. Default 2. */
  factor?: number;
  /**
   * Chance in [0, 1), seeded in specs. Without it a fleet that failed together retries together.
   */
  random: () => number;
}

/**
 * How long to wait before retry number `attempt` (0 is the first): between half and the whole of
 * `firstMs * factor ** attempt`, never more than `capMs`.
 */
export function backoffMs(attempt: number, options: BackoffOptions): number {
  const wholeMs = Math.min(options.capMs, options.firstMs * (options.factor ?? 2) ** attempt);
  return wholeMs / 2 + (wholeMs / 2) * options.random();
}

/** Waits that grow from one failure to the next, until something succeeds. */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempt = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** How many waits were handed out since the last success. */
  get attemptsCount(): number {
    return this.#attempt;
  }

  /** The next wait. */
  nextMs(): number {
    return backoffMs(this.#attempt++, this.#options);
  }

  /** It worked: the next failure starts small again. */
  reset(): void {
    this.#attempt = 0;
  }
}

/**
 * Waits on the clock, for backoff in platform code; domain code never waits. Rejects with the
 * signal's reason when it aborts, at once if it already has, and leaves no timer behind.
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const aborted = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(ms, () => {
      signal?.removeEventListener('abort', aborted);
      resolve();
    });
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
