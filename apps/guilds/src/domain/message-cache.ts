/**
 * The messages of a topic that were written or asked for lately, with their reactions. Its owner is
 * the only writer and writes through it, so what is in it is exact, committed or not.
 *
 * What is not in it is read from PostgreSQL, and two things keep such a read from bringing back the
 * past:
 *
 * - It begins after everything decided before it is committed (see inbound/message-loader.ts), so
 *   that what was changed and then evicted is read as changed.
 * - While it is under way the message may be loaded by another, changed, even deleted. What the
 *   cache knows by then wins, and that a message is gone is remembered for a while.
 */
import type { Message } from './message.js';
import { NonceMemory } from './nonce-memory.js';
import type { Emoji, Reactions } from './reactions.js';
import { SendTimes } from './send-times.js';

/** The most a cache holds: messages and single reactions count one each. */
export const CACHED_MAX = 600;
/**
 * So many of the last used stay whatever their reactions, since a command may be about to use them.
 */
export const KEPT_MIN = 16;
/** How many messages are remembered as not there. */
export const ABSENT_MAX = 2_000;

/** A message as it is now. */
export interface CachedMessage {
  readonly message: Message;
  readonly reactions: Reactions;
}

export class MessageCache {
  /** Memory of the same kind, lost with it: nonces, who wrote when, how many pins a channel has. */
  readonly nonces = new NonceMemory();
  readonly sendTimes = new SendTimes();
  readonly pinCounts = new Map<bigint, number>();

  /** Least recently used first. */
  readonly #entries = new Map<bigint, CachedMessage>();
  readonly #absent = new Set<string>();
  #weight = 0;

  /** How much is in it; for metrics. */
  get weight(): number {
    return this.#weight;
  }

  /** The message, if it is here; then it stays for longer. */
  get(channelId: bigint, messageId: bigint): CachedMessage | undefined {
    const entry = this.#entries.get(messageId);
    if (entry === undefined || entry.message.channelId !== channelId) return undefined;
    this.#entries.delete(messageId);
    this.#entries.set(messageId, entry);
    return entry;
  }

  /** Whether it is known that there is no such message in the channel. */
  isAbsent(channelId: bigint, messageId: bigint): boolean {
    const entry = this.#entries.get(messageId);
    if (entry !== undefined) return entry.message.channelId !== channelId;
    return this.#absent.has(`${channelId}/${messageId}`);
  }

  /** Whether nothing has to be read to say what it is, or that it is not. */
  knows(channelId: bigint, messageId: bigint): boolean {
    return this.#entries.has(messageId) || this.#absent.has(`${channelId}/${messageId}`);
  }

  /** What a decision has written or changed. */
  put(entry: CachedMessage): void {
    const { id, channelId } = entry.message;
    this.#drop(id);
    this.#absent.delete(`${channelId}/${id}`);
    this.#entries.set(id, entry);
    this.#weight += weightOf(entry);
    this.#evict();
  }

  /** What a read found: the message, or that there is none. Ignored if the cache knows better. */
  install(channelId: bigint, messageId: bigint, found: CachedMessage | undefined): void {
    if (this.knows(channelId, messageId)) return;
    if (found === undefined) this.#noteAbsent(channelId, messageId);
    else this.put(found);
  }

  /** A decision has deleted it. */
  delete(channelId: bigint, messageId: bigint): void {
    this.#drop(messageId);
    this.#noteAbsent(channelId, messageId);
  }

  /** Says whether it was not there. The message must be in the cache. */
  addReaction(entry: CachedMessage, emoji: Emoji, userId: bigint, atMs: number): boolean {
    const isNew = entry.reactions.add(emoji, userId, atMs);
    if (isNew) this.#weight += 1;
    this.#evict();
    return isNew;
  }

  /** Says whether it was there. The message must be in the cache. */
  removeReaction(entry: CachedMessage, emoji: Emoji, userId: bigint): boolean {
    const wasThere = entry.reactions.remove(emoji, userId);
    if (wasThere) this.#weight -= 1;
    return wasThere;
  }

  /** The channel is gone, and its messages with it. */
  forgetChannel(channelId: bigint): void {
    this.pinCounts.delete(channelId);
    for (const { message } of [...this.#entries.values()]) {
      if (message.channelId === channelId) this.delete(channelId, message.id);
    }
  }

  #noteAbsent(channelId: bigint, messageId: bigint): void {
    this.#absent.add(`${channelId}/${messageId}`);
    if (this.#absent.size > ABSENT_MAX) this.#absent.delete(this.#absent.values().next().value!);
  }

  #drop(messageId: bigint): void {
    const entry = this.#entries.get(messageId);
    if (entry === undefined) return;
    this.#entries.delete(messageId);
    this.#weight -= weightOf(entry);
  }

  #evict(): void {
    for (const messageId of this.#entries.keys()) {
      if (this.#weight <= CACHED_MAX || this.#entries.size <= KEPT_MIN) return;
      this.#drop(messageId);
    }
  }
}

const weightOf = (entry: CachedMessage): number => 1 + entry.reactions.size;
