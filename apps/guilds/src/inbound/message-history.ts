/**
 * What is read of messages: pages of history, single ones, reactions, pins. Permission is asked in
 * memory, the rows come from PostgreSQL, and the answer is rendered with the users as they are now.
 *
 * The read begins when everything decided before it is committed, so an answer has what its asker
 * was told is done; and rows are only there when they are committed.
 */
import {
  refuse,
  type GetMessageRequest,
  type ListMessagesRequest,
  type ListPinsRequest,
  type ListReactionsRequest,
} from '@guildhall/contracts';
import { userJson } from '@guildhall/contracts';
import type { Clock } from '@guildhall/clock';
import { isoTime } from '../domain/iso-time.js';
import { messageJson } from '../domain/message-json.js';
import { Place, type MessageTopic } from '../domain/message-place.js';
import { MessageType, type Message } from '../domain/message.js';
import { emojiOf } from '../domain/reaction-decisions.js';
import { emojiKey, reactionJson } from '../domain/reactions.js';
import type { MessageStore, ReactionCount } from '../outbound/message-store.js';
import { WITH_MESSAGES } from './message-loader.js';
import { json } from './replies.js';
import type { TopicHost } from './topic-host.js';
import type { TopicRef } from './topic-shelf.js';
import { ref } from './topic-handlers.js';

const PAGE_MAX = 100;
const PINS_PAGE_MAX = 50;

/** A request about a channel. */
type ChannelRequest = Pick<GetMessageRequest, 'command' | 'channelId'>;

/** Messages as they were read, with what is rendered beside them. */
interface ReadMessages {
  readonly messages: readonly Message[];
  readonly referenced: ReadonlyMap<bigint, Message>;
  readonly reactions: ReadonlyMap<bigint, readonly ReactionCount[]>;
}

export class MessageHistory {
  readonly #host: TopicHost;
  readonly #store: MessageStore;
  readonly #clock: Clock;

  constructor(host: TopicHost, store: MessageStore, clock: Clock) {
    this.#host = host;
    this.#store = store;
    this.#clock = clock;
  }

  /** Newest first. Without READ_MESSAGE_HISTORY there is nothing. */
  async page(request: ListMessagesRequest): Promise<Uint8Array> {
    const { topicId, mayReadHistory } = await this.#open(request);
    if (!mayReadHistory) return json([]);
    const limit = clamp(request.limit, PAGE_MAX);
    const messages = await this.#store.page(topicId, request.channelId, { ...request, limit });
    const read = await this.#read(topicId, request, messages);
    return this.#render(request, (place) => messages.map((message) => shown(place, message, read)));
  }

  async message(request: GetMessageRequest): Promise<Uint8Array> {
    const { topicId, mayReadHistory } = await this.#open(request);
    if (!mayReadHistory) throw refuse('MissingPermissions');
    const { channelId, messageId } = request;
    const [message] = await this.#store.messages(topicId, channelId, [messageId]);
    if (message === undefined) throw refuse('UnknownMessage');
    const read = await this.#read(topicId, request, [message]);
    return this.#render(request, (place) => shown(place, message, read));
  }

  /** The users who reacted with one emoji, by ascending id. */
  async reactions(request: ListReactionsRequest): Promise<Uint8Array> {
    const { topicId, mayReadHistory } = await this.#open(request);
    if (!mayReadHistory) throw refuse('MissingPermissions');
    const { channelId, messageId, after } = request;
    const emoji = emojiKey(emojiOf(request));
    const limit = clamp(request.limit, PAGE_MAX);
    const [found, reactors] = await Promise.all([
      this.#store.messages(topicId, channelId, [messageId]),
      this.#store.reactors(topicId, messageId, emoji, after, limit),
    ]);
    if (found.length === 0) throw refuse('UnknownMessage');
    return this.#render(request, (place) =>
      reactors.flatMap(({ userId, user }) => {
        const current = place.user(userId) ?? user;
        return current === undefined ? [] : userJson(current);
      }),
    );
  }

  /** The latest pin first. Without READ_MESSAGE_HISTORY there is nothing. */
  async pins(request: ListPinsRequest): Promise<Uint8Array> {
    const { topicId, mayReadHistory } = await this.#open(request);
    const limit = request.legacy ? PINS_PAGE_MAX : clamp(request.limit, PINS_PAGE_MAX);
    const before = request.beforeMs === 0n ? undefined : isoTime(Number(request.beforeMs));
    const found = mayReadHistory
      ? await this.#store.pins(topicId, request.channelId, limit + 1, before)
      : [];
    const messages = found.slice(0, limit);
    const read = await this.#read(topicId, request, messages);
    return this.#render(request, (place) => {
      if (request.legacy) return messages.map((message) => shown(place, message, read));
      return {
        items: messages.map((message) => ({
          pinned_at: isoTime(message.pinnedAtMs),
          message: shown(place, message, read),
        })),
        has_more: found.length > limit,
      };
    });
  }

  /** Asks for permission, and waits for what is decided to be committed. */
  async #open(request: ChannelRequest): Promise<{ topicId: bigint; mayReadHistory: boolean }> {
    let opened = { topicId: 0n, mayReadHistory: false };
    await this.#host.query<MessageTopic>(refOf(request), WITH_MESSAGES, (topic) => {
      const { mayReadHistory, hasMessages } = this.#place(topic, request);
      if (!hasMessages) throw refuse('WrongChannelType');
      opened = { topicId: topic.id, mayReadHistory };
      return new Uint8Array();
    });
    return opened;
  }

  async #read(
    topicId: bigint,
    request: ChannelRequest,
    messages: readonly Message[],
  ): Promise<ReadMessages> {
    const byId = new Map(messages.map((message) => [message.id, message]));
    const missing = messages.flatMap(({ type, reference }) =>
      type === MessageType.Reply && reference !== undefined && !byId.has(reference.messageId)
        ? [reference.messageId]
        : [],
    );
    const [others, reactions] = await Promise.all([
      this.#store.messages(topicId, request.channelId, [...new Set(missing)]),
      this.#store.reactionCounts(topicId, [...byId.keys()], request.command?.actorId ?? 0n),
    ]);
    for (const message of others) byId.set(message.id, message);
    return { messages, referenced: byId, reactions };
  }

  /** Asks for permission once more, since it may have gone while the rows were read. */
  #render(request: ChannelRequest, render: (place: Place) => object): Promise<Uint8Array> {
    return this.#host.query<MessageTopic>(refOf(request), WITH_MESSAGES, (topic) => {
      const place = this.#place(topic, request);
      return json(render(place));
    });
  }

  #place(topic: MessageTopic, request: ChannelRequest): Place {
    const actorId = request.command?.actorId ?? 0n;
    return new Place(topic, request.channelId, actorId, this.#clock.nowMs());
  }
}

/** The topic that a request about a channel goes to. */
export function refOf(request: ChannelRequest): TopicRef {
  return ref(request.command, request.channelId);
}

function shown(place: Place, message: Message, read: ReadMessages): object {
  const { reference } = message;
  const reactions = read.reactions.get(message.id) ?? [];
  return messageJson(place, message, {
    referenced: reference && read.referenced.get(reference.messageId),
    reactions: reactions.map(({ emoji, count, isMine }) => reactionJson(emoji, count, isMine)),
  });
}

/** A limit as it is meant: 0 is not given. */
const clamp = (limit: number, max: number): number => Math.min(limit === 0 ? max : limit, max);
