/** How IDENTIFYs of one bot are spaced. */
export interface IdentifyPace {
  /** Keys that may identify at the same time: `shard_id % max_concurrency`. */
  readonly maxConcurrency: number;
  /** One IDENTIFY for each key in this time. */
  readonly intervalMs: number;
}

/**
 * `max_concurrency`: one IDENTIFY for each bot and rate limit key in 5 s. Kept per process: a bot
 * that comes by way of several gateways is let in by each, which costs a few READYs more.
 */
export class IdentifyLimiter {
  readonly #pace: IdentifyPace;
  /** By `bot:key`, when it was last let in; in the order of those times. */
  readonly #admittedMs = new Map<string, number>();

  constructor(pace: IdentifyPace) {
    this.#pace = pace;
  }

  /** Lets one in, or says no; a no does not push the next chance away. */
  admit(botId: bigint, shardId: number, nowMs: number): boolean {
    this.#forgetBefore(nowMs - this.#pace.intervalMs);
    const key = `${botId}:${shardId % this.#pace.maxConcurrency}`;
    if (this.#admittedMs.has(key)) return false;
    this.#admittedMs.set(key, nowMs);
    return true;
  }

  get size(): number {
    return this.#admittedMs.size;
  }

  #forgetBefore(beforeMs: number): void {
    for (const [key, admittedMs] of this.#admittedMs) {
      if (admittedMs > beforeMs) return;
      this.#admittedMs.delete(key);
    }
  }
}
