/** Whole member lists are dear: one request for each guild and bot in 30 s. */
export class MemberListLimiter {
  readonly #intervalMs: number;
  /** By `bot:guild`, in the order of their times. */
  readonly #askedMs = new Map<string, number>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** 0 when it may be asked now, which then counts; else ms until it may. */
  ask(userId: bigint, guildId: bigint, nowMs: number): number {
    for (const [key, askedMs] of this.#askedMs) {
      if (askedMs > nowMs - this.#intervalMs) break;
      this.#askedMs.delete(key);
    }
    const key = `${userId}:${guildId}`;
    const askedMs = this.#askedMs.get(key);
    if (askedMs !== undefined) return askedMs + this.#intervalMs - nowMs;
    this.#askedMs.set(key, nowMs);
    return 0;
  }
}
