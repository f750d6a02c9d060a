/**
 * Messages as PostgreSQL has them. History is read from here; the owner's memory has only what
 * commands are about. Writing is the group commit's, nobody else's.
 *
 * Every query stays within one topic and follows a primary key: `(topic, channel, message)` for
 * messages and mentions, `(topic, message, emoji, user)` for reactions.
 */
import type { Queryable, Store } from '@guildhall/store';
import type { CachedMessage } from '../domain/message-cache.js';
import type { CountedUser } from '../domain/mention-log.js';
import { messageFromDocument, type Message } from '../domain/message.js';
import { Reactions, type Emoji } from '../domain/reactions.js';
import type { Document } from '../domain/tables.js';
import { userFromDocument, type User } from '../domain/user-document.js';
import type { StoredRow } from './stored-row.js';

/** Which part of a channel's history. At most one of the three is not 0n; none: the newest. */
export interface PageQuery {
  readonly limit: number;
  readonly before: bigint;
  readonly after: bigint;
  readonly around: bigint;
}

/** The reactions with one emoji to one message, as one viewer sees them. */
export interface ReactionCount {
  readonly emoji: Emoji;
  readonly count: number;
  readonly isMine: boolean;
}

/** Whose mentions are counted between two positions, the lower one not included. */
export interface MentionRange extends Omit<CountedUser, 'joinedAtMs'> {
  readonly topicId: bigint;
  readonly channelId: bigint;
  /** The first message that may count. */
  readonly since: bigint;
  readonly after: bigint;
  readonly until: bigint;
}

interface MessageRow {
  message_id: bigint;
  document: Document;
}

const BY_IDS = {
  name: 'messages-by-ids',
  text: `SELECT message_id, document FROM messages
         WHERE topic_id = $1 AND channel_id = $2 AND message_id = ANY($3::bigint[])`,
};
const ALL_REACTIONS = {
  name: 'reactions-all',
  text: `SELECT message_id, emoji, user_id, document FROM reactions
         WHERE topic_id = $1 AND message_id = ANY($2::bigint[])
         ORDER BY (document->>'at_ms')::bigint, emoji, user_id`,
};
const NEWEST = {
  name: 'messages-newest',
  text: `SELECT message_id, document FROM messages WHERE topic_id = $1 AND channel_id = $2
         ORDER BY message_id DESC LIMIT $3`,
};
const BEFORE = {
  name: 'messages-before',
  text: `SELECT message_id, document FROM messages
         WHERE topic_id = $1 AND channel_id = $2 AND message_id < $4
         ORDER BY message_id DESC LIMIT $3`,
};
const AFTER = {
  name: 'messages-after',
  text: `SELECT message_id, document FROM (
           SELECT message_id, document FROM messages
           WHERE topic_id = $1 AND channel_id = $2 AND message_id > $4
           ORDER BY message_id LIMIT $3) oldest
         ORDER BY message_id DESC`,
};
const AROUND = {
  name: 'messages-around',
  text: `SELECT message_id, document FROM (
           (SELECT message_id, document FROM messages
            WHERE topic_id = $1 AND channel_id = $2 AND message_id > $4
            ORDER BY message_id LIMIT $3 / 2)
           UNION ALL
           (SELECT message_id, document FROM messages
            WHERE topic_id = $1 AND channel_id = $2 AND message_id <= $4
            ORDER BY message_id DESC LIMIT $3 - $3 / 2)) middle
         ORDER BY message_id DESC`,
};
const REACTION_COUNTS = {
  name: 'reaction-counts',
  text: `SELECT message_id, count(*)::int AS count, bool_or(user_id = $3) AS is_mine,
           (array_agg(document))[1] AS document
         FROM reactions WHERE topic_id = $1 AND message_id = ANY($2::bigint[])
         GROUP BY message_id, emoji
         ORDER BY message_id, min((document->>'at_ms')::bigint), emoji`,
};
const REACTORS = {
  name: 'reactors',
  text: `SELECT user_id, document FROM reactions
         WHERE topic_id = $1 AND message_id = $2 AND emoji = $3 AND user_id > $4
         ORDER BY user_id LIMIT $5`,
};
const PINS = {
  name: 'pins',
  text: `SELECT message_id, document FROM messages
         WHERE topic_id = $1 AND channel_id = $2 AND document ? 'pinned_at'
           AND ($4::text IS NULL OR document->>'pinned_at' < $4)
         ORDER BY document->>'pinned_at' DESC LIMIT $3`,
};
const PINS_COUNT = {
  name: 'pins-count',
  text: `SELECT count(*)::int AS count FROM messages
         WHERE topic_id = $1 AND channel_id = $2 AND document ? 'pinned_at'`,
};
const LAST_OF_AUTHOR = {
  name: 'last-of-author',
  text: `SELECT message_id FROM messages
         WHERE topic_id = $1 AND channel_id = $2 AND message_id > $4
           AND document->'author'->>'id' = $3::text
         ORDER BY message_id DESC LIMIT 1`,
};
const OF_AUTHOR = {
  name: 'messages-of-author',
  text: `SELECT channel.id AS channel_id, found.message_id, found.document
         FROM unnest($2::bigint[]) AS channel(id), LATERAL (
           SELECT message_id, document FROM messages
           WHERE topic_id = $1 AND channel_id = channel.id AND message_id > $4
             AND document->'author'->>'id' = $3::text
           ORDER BY message_id) found`,
};
const MENTIONS_BETWEEN = {
  name: 'mentions-between',
  text: `SELECT count(*)::int AS count FROM mentions
         WHERE topic_id = $1 AND channel_id = $2
           AND message_id > $3 AND message_id <= $4 AND message_id >= $5
           AND document->>'author_id' <> $6::text
           AND (document->'user_ids' ? $6::text
             OR (document ? 'everyone' AND NOT $8::boolean)
             OR (NOT $9::boolean AND (document->'role_user_ids' ? $6::text
               OR document->'role_ids' ?| $7::text[])))`,
};
// As for the last messages in topic-store.ts: one probe per channel finds it, a second its newest
// rows.
const NEWEST_MENTIONS = {
  name: 'newest-mentions',
  text: `WITH RECURSIVE channel AS (
           (SELECT channel_id AS id FROM mentions WHERE topic_id = $1
            ORDER BY channel_id LIMIT 1)
           UNION ALL
           SELECT next.channel_id FROM channel, LATERAL (
             SELECT channel_id FROM mentions WHERE topic_id = $1 AND channel_id > channel.id
             ORDER BY channel_id LIMIT 1) next)
         SELECT channel.id AS channel_id, newest.message_id, newest.document
         FROM channel, LATERAL (
           SELECT message_id, document FROM mentions
           WHERE topic_id = $1 AND channel_id = channel.id
           ORDER BY message_id DESC LIMIT $2) newest
         ORDER BY channel_id, message_id`,
};

/**
 * The newest rows of the mention log of each channel, sorted by channel and message: what
 * `MentionLog.restore` takes. For the transaction in which a topic is loaded.
 */
export async function newestMentions(
  tx: Queryable,
  topicId: bigint,
  perChannelMax: number,
): Promise<StoredRow[]> {
  const found = await tx.query<{ channel_id: bigint; message_id: bigint; document: Document }>(
    NEWEST_MENTIONS,
    [topicId, perChannelMax],
  );
  return found.rows.map((row) => ({
    key: [row.channel_id, row.message_id],
    document: row.document,
  }));
}

export class MessageStore {
  readonly #store: Queryable;

  constructor(store: Pick<Store, 'query'>) {
    this.#store = store;
  }

  /** A message with all its reactions; undefined if there is none. */
  async message(
    topicId: bigint,
    channelId: bigint,
    messageId: bigint,
  ): Promise<CachedMessage | undefined> {
    const found = await this.messages(topicId, channelId, [messageId]);
    return this.#withReactions(topicId, found).then((entries) => entries[0]);
  }

  /** Those of these messages that there are, in no order, without reactions. */
  async messages(topicId: bigint, channelId: bigint, ids: readonly bigint[]): Promise<Message[]> {
    if (ids.length === 0) return [];
    const found = await this.#store.query<MessageRow>(BY_IDS, [topicId, channelId, ids]);
    return found.rows.map((row) => messageOf(channelId, row));
  }

  /**
   * A part of the history, newest first: the newest before one, the oldest after one, or those on
   * both sides of one, which is then among them. The message named need not exist.
   */
  async page(topicId: bigint, channelId: bigint, query: PageQuery): Promise<Message[]> {
    const { limit, before, after, around } = query;
    const values = [topicId, channelId, limit];
    const found = await (around !== 0n
      ? this.#store.query<MessageRow>(AROUND, [...values, around])
      : before !== 0n
        ? this.#store.query<MessageRow>(BEFORE, [...values, before])
        : after !== 0n
          ? this.#store.query<MessageRow>(AFTER, [...values, after])
          : this.#store.query<MessageRow>(NEWEST, values));
    return found.rows.map((row) => messageOf(channelId, row));
  }

  /** By message, its reactions in the order in which the emoji came. One query for all. */
  async reactionCounts(
    topicId: bigint,
    messageIds: readonly bigint[],
    viewerId: bigint,
  ): Promise<Map<bigint, ReactionCount[]>> {
    const counts = new Map<bigint, ReactionCount[]>();
    if (messageIds.length === 0) return counts;
    const found = await this.#store.query<{
      message_id: bigint;
      count: number;
      is_mine: boolean;
      document: Document;
    }>(REACTION_COUNTS, [topicId, messageIds, viewerId]);
    for (const { message_id: messageId, count, is_mine: isMine, document } of found.rows) {
      const id = BigInt((document['emoji_id'] as string | undefined) ?? 0);
      const reaction = { emoji: { id, name: document['name'] as string }, count, isMine };
      const others = counts.get(messageId);
      if (others === undefined) counts.set(messageId, [reaction]);
      else others.push(reaction);
    }
    return counts;
  }

  /**
   * Who reacted with an emoji (its key), by ascending id, after one; as they were then, if known.
   */
  async reactors(
    topicId: bigint,
    messageId: bigint,
    emojiKey: string,
    after: bigint,
    limit: number,
  ): Promise<{ readonly userId: bigint; readonly user: User | undefined }[]> {
    const found = await this.#store.query<{ user_id: bigint; document: Document }>(REACTORS, [
      topicId,
      messageId,
      emojiKey,
      after,
      limit,
    ]);
    return found.rows.map(({ user_id: userId, document }) => {
      const user = document['user'] as Document | undefined;
      return { userId, user: user && userFromDocument(user) };
    });
  }

  /**
   * Pinned messages, the latest pin first. `before`: those pinned before that time, as it is
   * stored.
   */
  async pins(
    topicId: bigint,
    channelId: bigint,
    limit: number,
    before: string | undefined,
  ): Promise<Message[]> {
    const values = [topicId, channelId, limit, before ?? null];
    const found = await this.#store.query<MessageRow>(PINS, values);
    return found.rows.map((row) => messageOf(channelId, row));
  }

  async pinsCount(topicId: bigint, channelId: bigint): Promise<number> {
    const found = await this.#store.query<{ count: number }>(PINS_COUNT, [topicId, channelId]);
    return found.rows[0]!.count;
  }

  /** The last message of an author after a position; undefined if there is none. */
  async lastOfAuthor(
    topicId: bigint,
    channelId: bigint,
    authorId: bigint,
    after: bigint,
  ): Promise<bigint | undefined> {
    const values = [topicId, channelId, String(authorId), after];
    const found = await this.#store.query<{ message_id: bigint }>(LAST_OF_AUTHOR, values);
    return found.rows[0]?.message_id;
  }

  /**
   * What somebody wrote in these channels after a position, with the reactions, by channel. For a
   * ban that takes messages along.
   */
  async messagesOf(
    topicId: bigint,
    channelIds: readonly bigint[],
    authorId: bigint,
    after: bigint,
  ): Promise<Map<bigint, CachedMessage[]>> {
    const found = await this.#store.query<MessageRow & { channel_id: bigint }>(OF_AUTHOR, [
      topicId,
      channelIds,
      String(authorId),
      after,
    ]);
    const messages = found.rows.map((row) => messageOf(row.channel_id, row));
    const byChannel = new Map<bigint, CachedMessage[]>();
    for (const entry of await this.#withReactions(topicId, messages)) {
      const others = byChannel.get(entry.message.channelId);
      if (others === undefined) byChannel.set(entry.message.channelId, [entry]);
      else others.push(entry);
    }
    return byChannel;
  }

  /** As MentionLog.count, for what lies further back than memory goes. */
  async mentionsBetween(range: MentionRange): Promise<number> {
    const found = await this.#store.query<{ count: number }>(MENTIONS_BETWEEN, [
      range.topicId,
      range.channelId,
      range.after,
      range.until,
      range.since,
      String(range.userId),
      range.roleIds.map(String),
      range.suppressEveryone,
      range.suppressRoles,
    ]);
    return found.rows[0]!.count;
  }

  async #withReactions(topicId: bigint, messages: readonly Message[]): Promise<CachedMessage[]> {
    if (messages.length === 0) return [];
    const ids = messages.map(({ id }) => id);
    const found = await this.#store.query<{
      message_id: bigint;
      emoji: string;
      user_id: bigint;
      document: Document;
    }>(ALL_REACTIONS, [topicId, ids]);
    const rows = Map.groupBy(found.rows, (row) => row.message_id);
    return messages.map((message) => ({
      message,
      reactions: Reactions.restore(
        (rows.get(message.id) ?? []).map(({ user_id: userId, document }) => ({
          userId,
          document,
        })),
      ),
    }));
  }
}

const messageOf = (channelId: bigint, row: MessageRow): Message =>
  messageFromDocument(row.message_id, channelId, row.document);
