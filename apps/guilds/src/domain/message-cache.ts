/**
 * The messages of a topic that were written or asked for lately, with their reactions. Its owner is the
 * only writer and writes through it, so what is in it is exact, committed or not.
 *
 * What is not in it is read from PostgreSQL, and two things keep such a read from bringing back the past:
 *
 * - It begins after everything decided before it is committed (see inbound/message-loader.ts), so that what
 *   was changed and then evicted is read as changed.
 * - While it is under way the message may be loaded by another, changed, even deleted. What the cache knows
 *   by then wins, and deleted messages are remembered for a while.
 */
import type { Message } from './message.js';
import { NonceMemory } from './nonce-memory.js';
import type { Reactions } from './reactions.js';
import { SendTimes } from './send-times.js';

/** The most a cache holds: messages and single reactions count one each. */
export const CACHED_MAX = 600;
/** How many deleted messages are remembered. */
export const DELETED_MAX = 2_000;

/** A message as it is now. */
export interface CachedMessage {
  readonly message: Message;
  readonly reactions: Reactions;
}

export class MessageCache {
  /** Lately sent nonces, and when each member last wrote where: memory of the same kind, lost with it. */
  readonly nonces = new NonceMemory();
  readonly sendTimes = new SendTimes();

  /** Least recently used first. */
  readonly #entries = new Map<bigint, CachedMessage>();
  readonly #deleted = new Set<bigint>();
  #weight = 0;

  /** The message, if it is here; then it stays for longer. */
  get(messageId: bigint): CachedMessage | undefined {
    const entry = this.#entries.get(messageId);
    if (entry === undefined) return undefined;
    this.#entries.delete(messageId);
    this.#entries.set(messageId, entry);
    return entry;
  }

  /** Whether it is here, or known to be deleted. */
  knows(messageId: bigint): boolean {
    return this.#entries.has(messageId) || this.#deleted.has(messageId);
  }

  isDeleted(messageId: bigint): boolean {
    return this.#deleted.has(messageId);
  }

  /** What a decision has written or changed. */
  put(entry: CachedMessage): void {
    this.#drop(entry.message.id);
    this.#entries.set(entry.message.id, entry);
    this.#weight += weightOf(entry);
    this.#evict(entry.message.id);
  }

  /** Notes that a reaction of this message was added or taken away. */
  reactionsChanged(difference: number): void {
    this.#weight += difference;
  }

  /** What a read found. Ignored if the cache knows better. */
  install(entry: CachedMessage): void {
    if (!this.knows(entry.message.id)) this.put(entry);
  }

  /** A decision has deleted it. */
  delete(messageId: bigint): void {
    this.#drop(messageId);
    this.#deleted.add(messageId);
    if (this.#deleted.size > DELETED_MAX)
      this.#deleted.delete(this.#deleted.values().next().value!);
  }

  /** The channel is gone, and its messages with it. */
  forgetChannel(channelId: bigint): void {
    for (const { message } of [...this.#entries.values()]) {
      if (message.channelId === channelId) this.delete(message.id);
    }
  }

  /** How much is in it; for metrics. */
  get weight(): number {
    return this.#weight;
  }

  #drop(messageId: bigint): void {
    const entry = this.#entries.get(messageId);
    if (entry === undefined) return;
    this.#entries.delete(messageId);
    this.#weight -= weightOf(entry);
  }

  /** The one in use stays, however many reactions it has. */
  #evict(keptId: bigint): void {
    for (const messageId of this.#entries.keys()) {
      if (this.#weight <= CACHED_MAX) return;
      if (messageId !== keptId) this.#drop(messageId);
    }
  }
}

const weightOf = (entry: CachedMessage): number => 1 + entry.reactions.size;
