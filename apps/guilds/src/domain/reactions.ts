/** The reactions to one message: which emoji, by whom, in the order in which the emoji came. */
import type { Document } from './tables.js';
import { userDocument, type User } from './user-document.js';

/** A unicode emoji by its text (id 0n), or a custom one by id and name. */
export interface Emoji {
  readonly id: bigint;
  readonly name: string;
}

/**
 * Tells emoji apart, and is the key of their rows. A custom emoji is its id, whatever it is called.
 */
export function emojiKey(emoji: Emoji): string {
  return emoji.id === 0n ? emoji.name : `:${emoji.id}`;
}

/** An emoji as in Discord's API. */
export function emojiJson(emoji: Emoji): { id: string | null; name: string } {
  return { id: emoji.id === 0n ? null : String(emoji.id), name: emoji.name };
}

/** All reactions with one emoji. */
export interface EmojiReactions {
  readonly emoji: Emoji;
  /** Who, and when. */
  readonly users: Map<bigint, number>;
}

/** A row of the `reactions` table. */
export interface ReactionRow {
  readonly userId: bigint;
  readonly document: Document;
}

export class Reactions {
  readonly #byEmoji = new Map<string, EmojiReactions>();
  #size = 0;
  #lastAtMs = 0;

  /** From all the rows of a message, sorted by time. */
  static restore(rows: readonly ReactionRow[]): Reactions {
    const reactions = new Reactions();
    for (const { userId, document } of rows) {
      const { emoji_id: id, name, at_ms: atMs } = document as unknown as ReactionDocument;
      reactions.add({ id: BigInt(id ?? 0), name }, userId, atMs);
    }
    return reactions;
  }

  /** How many there are of all emoji together. */
  get size(): number {
    return this.#size;
  }

  /** How many different emoji. */
  get emojiCount(): number {
    return this.#byEmoji.size;
  }

  of(emoji: Emoji): EmojiReactions | undefined {
    return this.#byEmoji.get(emojiKey(emoji));
  }

  has(emoji: Emoji, userId: bigint): boolean {
    return this.of(emoji)?.users.has(userId) ?? false;
  }

  /** By emoji, in the order of their first reaction. */
  all(): IterableIterator<EmojiReactions> {
    return this.#byEmoji.values();
  }

  /** When the next one is: later than every other, since their times are their order. */
  nextAtMs(nowMs: number): number {
    return Math.max(nowMs, this.#lastAtMs + 1);
  }

  /** Says whether it was not there. */
  add(emoji: Emoji, userId: bigint, atMs: number): boolean {
    const key = emojiKey(emoji);
    let reactions = this.#byEmoji.get(key);
    if (reactions === undefined) this.#byEmoji.set(key, (reactions = { emoji, users: new Map() }));
    if (reactions.users.has(userId)) return false;
    reactions.users.set(userId, atMs);
    this.#lastAtMs = Math.max(this.#lastAtMs, atMs);
    this.#size += 1;
    return true;
  }

  /**
   * Says whether it was there. An emoji without reactions is gone, and its place in the order too.
   */
  remove(emoji: Emoji, userId: bigint): boolean {
    const reactions = this.of(emoji);
    if (reactions === undefined || !reactions.users.delete(userId)) return false;
    if (reactions.users.size === 0) this.#byEmoji.delete(emojiKey(emoji));
    this.#size -= 1;
    return true;
  }

  /** What one viewer sees of them in a message. */
  json(viewerId: bigint): object[] {
    return [...this.#byEmoji.values()].map(({ emoji, users }) =>
      reactionJson(emoji, users.size, users.has(viewerId)),
    );
  }
}

/** One entry of a message's `reactions`. */
export function reactionJson(emoji: Emoji, count: number, isMine: boolean): object {
  return {
    emoji: emojiJson(emoji),
    count,
    count_details: { burst: 0, normal: count },
    burst_colors: [],
    me_burst: false,
    burst_me: false,
    me: isMine,
    burst_count: 0,
  };
}

/** The row of one reaction. `user` is who it was then, for when it is no longer here. */
export function reactionDocument(emoji: Emoji, atMs: number, user: User | undefined): Document {
  return {
    name: emoji.name,
    at_ms: atMs,
    ...(user === undefined ? {} : { user: userDocument(user) }),
    ...(emoji.id === 0n ? {} : { emoji_id: String(emoji.id) }),
  };
}

interface ReactionDocument {
  readonly name: string;
  readonly at_ms: number;
  readonly emoji_id?: string;
}
