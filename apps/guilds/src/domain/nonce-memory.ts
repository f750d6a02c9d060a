/** Which message a client has sent under which nonce, for a few minutes. Lost with the topic. */

/** How long a nonce is remembered. */
export const NONCE_MS = 5 * 60_000;
/** The most nonces of one topic; the oldest go first. */
export const NONCES_MAX = 1_000;

interface Noted {
  readonly messageId: bigint;
  readonly atMs: number;
}

export class NonceMemory {
  readonly #noted = new Map<string, Noted>();

  /** The message that was sent under it, if that was not long ago. */
  find(channelId: bigint, authorId: bigint, nonce: string, nowMs: number): bigint | undefined {
    const noted = this.#noted.get(keyOf(channelId, authorId, nonce));
    return noted !== undefined && nowMs - noted.atMs < NONCE_MS ? noted.messageId : undefined;
  }

  note(channelId: bigint, authorId: bigint, nonce: string, messageId: bigint, nowMs: number): void {
    const key = keyOf(channelId, authorId, nonce);
    this.#noted.delete(key);
    this.#noted.set(key, { messageId, atMs: nowMs });
    for (const [oldest, { atMs }] of this.#noted) {
      if (this.#noted.size <= NONCES_MAX && nowMs - atMs < NONCE_MS) return;
      this.#noted.delete(oldest);
    }
  }
}

const keyOf = (channelId: bigint, authorId: bigint, nonce: string): string =>
  `${channelId}/${authorId}/${nonce}`;
