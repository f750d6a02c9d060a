/**
 * When each member last wrote in channels with slow mode. What is not in it is found among the
 * messages: see `lastSentAt` in outbound/message-store.ts.
 */

/** The most entries of one topic; those unused for longest go first, and are looked up again. */
export const SEND_TIMES_MAX = 5_000;

export class SendTimes {
  readonly #times = new Map<string, number>();

  /** 0: not within the slow mode, as far as that was looked up; undefined: not known. */
  get(channelId: bigint, userId: bigint): number | undefined {
    return this.#times.get(`${channelId}/${userId}`);
  }

  note(channelId: bigint, userId: bigint, atMs: number): void {
    const key = `${channelId}/${userId}`;
    this.#times.delete(key);
    this.#times.set(key, atMs);
    if (this.#times.size > SEND_TIMES_MAX) this.#times.delete(this.#times.keys().next().value!);
  }
}
