/**
 * Brings into a topic's cache what a command about messages will ask for, before it is decided. See
 * message-cache.ts for why a read must begin after everything decided before it is committed.
 */
import { refuse, type CreateMessageRequest } from '@guildhall/contracts';
import { snowflakeAt, timestampOf } from '@guildhall/snowflake';
import type { Guild } from '../domain/guild.js';
import type { CachedMessage } from '../domain/message-cache.js';
import type { MessageTopic } from '../domain/message-place.js';
import { TopicKind } from '../domain/topic-kind.js';
import type { MessageStore } from '../outbound/message-store.js';
import type { TopicHost } from './topic-host.js';
import type { QueryOptions, TopicRef } from './topic-shelf.js';

/** What has messages: guilds and private channels, asked for by channel. */
export const WITH_MESSAGES: QueryOptions = {
  kinds: [TopicKind.Guild, TopicKind.PrivateChannel],
  refuseUnknown: () => refuse('UnknownChannel'),
};

const NOTHING = new Uint8Array();

export class MessageLoader {
  readonly #host: TopicHost;
  readonly #store: MessageStore;
  /** Reads under way, so that those who need the same share one. */
  readonly #reads = new WeakMap<MessageTopic, Map<string, Promise<unknown>>>();

  constructor(host: TopicHost, store: MessageStore) {
    this.#host = host;
    this.#store = store;
  }

  topic(ref: TopicRef): Promise<MessageTopic> {
    return this.#host.topic<MessageTopic>(ref, WITH_MESSAGES);
  }

  /** Resolves when everything decided in the topic so far is committed. */
  async committed(ref: TopicRef): Promise<void> {
    await this.#host.query(ref, WITH_MESSAGES, () => NOTHING);
  }

  /**
   * Loads messages; those that there are not are known to be absent then. Resolves to those that
   * there are. 0n is passed over.
   */
  async messages(ref: TopicRef, ids: readonly bigint[]): Promise<CachedMessage[]> {
    const topic = await this.topic(ref);
    const { channelId } = ref;
    const found = await Promise.all(
      [...new Set(ids)].map((id) => {
        if (id === 0n) return undefined;
        if (topic.messages.knows(channelId, id)) return topic.messages.get(channelId, id);
        return this.#once(topic, `message/${channelId}/${id}`, ref, async () => {
          const read = await this.#store.message(topic.id, channelId, id);
          topic.messages.install(channelId, id, read);
          return topic.messages.get(channelId, id);
        });
      }),
    );
    return found.filter((entry) => entry !== undefined);
  }

  /** Loads a message and, if it is a reply, the one it is to. */
  async messageAndReferenced(ref: TopicRef, id: bigint): Promise<void> {
    await this.messages(ref, [id]);
    const topic = await this.topic(ref);
    const reference = topic.messages.get(ref.channelId, id)?.message.reference;
    if (reference !== undefined) await this.messages(ref, [reference.messageId]);
  }

  /**
   * What a new message needs: the one it replies to, the one its nonce was sent with, and, in slow
   * mode, when its author last wrote. Most need nothing.
   */
  async forNew(ref: TopicRef, request: CreateMessageRequest, nowMs: number): Promise<void> {
    const topic = await this.topic(ref);
    const authorId = request.command?.actorId ?? 0n;
    const { nonce, enforceNonce, channelId, referenceMessageId } = request;
    if (referenceMessageId !== 0n) await this.messages(ref, [referenceMessageId]);
    if (enforceNonce && nonce !== '') {
      const sentId = topic.messages.nonces.find(channelId, authorId, nonce, nowMs);
      if (sentId !== undefined) await this.messageAndReferenced(ref, sentId);
    }
    if (topic.kind === TopicKind.Guild) await this.#sendTime(topic, ref, authorId, nowMs);
  }

  /** Counts a channel's pins, if that was not done before. */
  async pinsCount(ref: TopicRef): Promise<void> {
    const topic = await this.topic(ref);
    const { channelId } = ref;
    const { pinCounts } = topic.messages;
    if (pinCounts.has(channelId)) return;
    await this.#once(topic, `pins/${channelId}`, ref, async () => {
      const count = await this.#store.pinsCount(topic.id, channelId);
      if (!pinCounts.has(channelId)) pinCounts.set(channelId, count);
    });
  }

  async #sendTime(topic: Guild, ref: TopicRef, userId: bigint, nowMs: number): Promise<void> {
    const { channelId } = ref;
    const slowmodeMs = (topic.channel(channelId)?.rateLimitPerUser ?? 0) * 1_000;
    const { sendTimes } = topic.messages;
    if (slowmodeMs === 0 || sendTimes.get(channelId, userId) !== undefined) return;
    await this.#once(topic, `sent/${channelId}/${userId}`, ref, async () => {
      const since = snowflakeAt(nowMs - slowmodeMs);
      const last = await this.#store.lastOfAuthor(topic.id, channelId, userId, since);
      if (sendTimes.get(channelId, userId) !== undefined) return;
      sendTimes.note(channelId, userId, last === undefined ? 0 : timestampOf(last));
    });
  }

  #once<T>(topic: MessageTopic, what: string, ref: TopicRef, read: () => Promise<T>): Promise<T> {
    let reads = this.#reads.get(topic);
    if (reads === undefined) this.#reads.set(topic, (reads = new Map()));
    const underway = reads.get(what);
    if (underway !== undefined) return underway as Promise<T>;
    const started = this.committed(ref)
      .then(read)
      .finally(() => reads.delete(what));
    reads.set(what, started);
    return started;
  }
}
