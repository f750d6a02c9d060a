/**
 * Topics in PostgreSQL: taking them, reading them whole, and what is read of them later. Writing is
 * the group commit's (group-commit.ts), nobody else's.
 */
import { TopicEventSchema, type TopicEvent } from '@guildhall/contracts';
import { fromBinary } from '@bufbuild/protobuf';
import type { Queryable, Store } from '@guildhall/store';
import { MENTIONS_PER_CHANNEL_MAX } from '../domain/mention-log.js';
import { TABLES, type Document, type TableName } from '../domain/tables.js';
import { newestMentions } from './message-store.js';
import type { StoredRow } from './stored-row.js';

/** A topic as it was when this process took it. */
export interface StoredTopic {
  readonly topicId: bigint;
  readonly kind: number;
  readonly epoch: bigint;
  readonly seq: bigint;
  readonly document: Document;
  /** The tables that are kept in memory; messages and what belongs to them are read when needed. */
  readonly rows: ReadonlyMap<TableName, readonly StoredRow[]>;
  /** By channel, the newest message there is. */
  readonly lastMessageIds: ReadonlyMap<bigint, bigint>;
  /** Oldest first. */
  readonly recentEvents: readonly LoggedEvent[];
  /** What other topics have still to be told, oldest first. */
  readonly errands: readonly StoredErrand[];
}

export interface LoggedEvent {
  readonly event: TopicEvent;
  readonly reply: Uint8Array | undefined;
}

export interface StoredErrand {
  readonly topicId: bigint;
  readonly errandId: bigint;
  readonly targetTopicId: bigint;
  /** An encoded DeliverRequest. */
  readonly request: Uint8Array;
}

const LOADED_TABLES: readonly TableName[] = [
  'channels',
  'roles',
  'members',
  'bans',
  'invites',
  'memberships',
  'user_guild_settings',
];

const CLAIM = {
  name: 'claim',
  text: `UPDATE topics SET epoch = epoch + 1, owner = $2 WHERE topic_id = $1
         RETURNING kind, epoch, seq, document`,
};
const CLAIM_OR_CREATE = {
  name: 'claim-or-create',
  text: `INSERT INTO topics AS t (topic_id, kind, epoch, seq, owner, document)
         VALUES ($1, 0, 1, 0, $2, '{}')
         ON CONFLICT (topic_id) DO UPDATE SET epoch = t.epoch + 1, owner = $2
         RETURNING kind, epoch, seq, document`,
};
const RECENT_EVENTS = {
  name: 'recent-events',
  text: `SELECT event, reply FROM (
           SELECT seq, event, reply,
             sum(octet_length(event)) OVER (ORDER BY seq DESC) - octet_length(event) AS newer_bytes
           FROM events WHERE topic_id = $1 AND seq > LEAST($3, (
             SELECT min(seq) - 1 FROM events
             WHERE topic_id = $1 AND seq > $2 AND at > now() - make_interval(secs => $4)))) recent
         WHERE newer_bytes < $5 ORDER BY seq`,
};
// A skip scan over the primary key: one index probe per channel, however many messages there are.
const LAST_MESSAGES = {
  name: 'last-messages',
  text: `WITH RECURSIVE newest AS (
           (SELECT channel_id, message_id FROM messages WHERE topic_id = $1
            ORDER BY channel_id DESC, message_id DESC LIMIT 1)
           UNION ALL
           SELECT next.channel_id, next.message_id FROM newest, LATERAL (
             SELECT channel_id, message_id FROM messages
             WHERE topic_id = $1 AND channel_id < newest.channel_id
             ORDER BY channel_id DESC, message_id DESC LIMIT 1) next)
         SELECT channel_id, message_id FROM newest`,
};
const EVENTS_AFTER = {
  name: 'events-after',
  text: `SELECT event FROM (
           SELECT seq, event,
             sum(octet_length(event)) OVER (ORDER BY seq) - octet_length(event) AS older_bytes
           FROM (SELECT seq, event FROM events WHERE topic_id = $1 AND seq > $2
                 ORDER BY seq LIMIT $3) page) sized
         WHERE older_bytes < $4 ORDER BY seq`,
};
const ERRANDS = {
  name: 'errands',
  text: `SELECT topic_id, errand_id, target_topic_id, request FROM outbox
         ORDER BY errand_id LIMIT $1`,
};
const ERRANDS_OF_TOPIC = {
  name: 'errands-of-topic',
  text: `SELECT topic_id, errand_id, target_topic_id, request FROM outbox
         WHERE topic_id = $1 ORDER BY errand_id LIMIT $2`,
};
const ERRAND_DONE = {
  name: 'errand-done',
  text: 'DELETE FROM outbox WHERE topic_id = $1 AND errand_id = $2',
};
const TOPIC_OF_CHANNEL = {
  name: 'topic-of-channel',
  text: 'SELECT topic_id FROM channels WHERE channel_id = $1',
};
const ACTIVE_SINCE = {
  name: 'active-since',
  text: `SELECT DISTINCT topic_id FROM events WHERE at > now() - make_interval(secs => $1)`,
};

/** Events that are read with a topic, at most, so that their commands are recognised. */
const RECENT_EVENTS_MAX = 16_384;
const RECENT_BYTES_MAX = 64 * 1024 * 1024;
const ERRANDS_LOADED_MAX = 10_000;

interface ClaimedRow {
  kind: number;
  epoch: bigint;
  seq: bigint;
  document: Document;
}
interface EventRow {
  event: Buffer;
  reply: Buffer | null;
}
interface ErrandRow {
  topic_id: bigint;
  errand_id: bigint;
  target_topic_id: bigint;
  request: Buffer;
}

export interface TopicStoreOptions {
  readonly store: Store;
  /** Written beside the epoch, for people who look into the table. */
  readonly instance: string;
  /** How many of the last events a topic is loaded with, however old. */
  readonly recentEventsMax: number;
  /** With those that are no older than this. */
  readonly recentEventsMs: number;
}

export class TopicStore {
  readonly #options: TopicStoreOptions;
  readonly #store: Store;

  constructor(options: TopicStoreOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /**
   * Takes a topic and reads it, in one transaction that begins with raising the epoch: a commit of
   * the owner before is either finished, and read here, or will find the epoch raised. Undefined if
   * there is no such topic and it is not to be made. A new topic is of kind 0 until its first
   * commit. May be called twice; each call replaces the owner before, this process included.
   */
  claim(topicId: bigint, mayCreate: boolean): Promise<StoredTopic | undefined> {
    return this.#store.transaction(async (tx) => {
      const claimed = await tx.query<ClaimedRow>(mayCreate ? CLAIM_OR_CREATE : CLAIM, [
        topicId,
        this.#options.instance,
      ]);
      const row = claimed.rows[0];
      if (row === undefined) return undefined;
      const [tables, mentions, events, newest, errands] = await Promise.all([
        Promise.all(LOADED_TABLES.map((table) => readTable(tx, table, topicId))),
        newestMentions(tx, topicId, MENTIONS_PER_CHANNEL_MAX),
        tx.query<EventRow>(RECENT_EVENTS, [
          topicId,
          row.seq - BigInt(RECENT_EVENTS_MAX),
          row.seq - BigInt(this.#options.recentEventsMax),
          this.#options.recentEventsMs / 1_000,
          RECENT_BYTES_MAX,
        ]),
        tx.query<{ channel_id: bigint; message_id: bigint }>(LAST_MESSAGES, [topicId]),
        tx.query<ErrandRow>(ERRANDS_OF_TOPIC, [topicId, ERRANDS_LOADED_MAX]),
      ]);
      const lastMessageIds = new Map(newest.rows.map((last) => [last.channel_id, last.message_id]));
      const rows = new Map<TableName, readonly StoredRow[]>(
        LOADED_TABLES.map((table, index) => [table, tables[index]!] as const),
      );
      rows.set('mentions', mentions);
      return {
        topicId,
        ...row,
        rows,
        lastMessageIds,
        recentEvents: events.rows.map(loggedEvent),
        errands: errands.rows.map(storedErrand),
      };
    });
  }

  /** The guild a channel is in, or undefined if no guild has it. */
  async topicOfChannel(channelId: bigint): Promise<bigint | undefined> {
    const found = await this.#store.query<{ topic_id: bigint }>(TOPIC_OF_CHANNEL, [channelId]);
    return found.rows[0]?.topic_id;
  }

  /**
   * Events after a seq, oldest first, as many as fit into so many bytes but one at least; a hole at
   * the beginning means that they are pruned.
   */
  async eventsAfter(
    topicId: bigint,
    seq: bigint,
    limit: number,
    bytesMax: number,
  ): Promise<TopicEvent[]> {
    const values = [topicId, seq, limit, bytesMax];
    const found = await this.#store.query<{ event: Buffer }>(EVENTS_AFTER, values);
    return found.rows.map((row) => fromBinary(TopicEventSchema, row.event));
  }

  /** Topics with events in the last seconds, of every partition. */
  async activeSince(seconds: number): Promise<bigint[]> {
    const found = await this.#store.query<{ topic_id: bigint }>(ACTIVE_SINCE, [seconds]);
    return found.rows.map((row) => row.topic_id);
  }

  /** Errands not yet run, of every partition, oldest first. */
  async errands(limit: number): Promise<StoredErrand[]> {
    const found = await this.#store.query<ErrandRow>(ERRANDS, [limit]);
    return found.rows.map(storedErrand);
  }

  /** Forgets an errand that was run. May be called twice. */
  async errandDone(topicId: bigint, errandId: bigint): Promise<void> {
    await this.#store.query(ERRAND_DONE, [topicId, errandId]);
  }
}

async function readTable(tx: Queryable, table: TableName, topicId: bigint): Promise<StoredRow[]> {
  const keys = TABLES[table].slice(1);
  const columns = keys.join(', ');
  const found = await tx.query<Record<string, bigint | string> & { document: Document }>(
    {
      name: `read-${table}`,
      text: `SELECT ${columns}, document FROM ${table} WHERE topic_id = $1 ORDER BY ${columns}`,
    },
    [topicId],
  );
  return found.rows.map((row) => ({ key: keys.map((key) => row[key]!), document: row.document }));
}

function storedErrand(row: ErrandRow): StoredErrand {
  const { topic_id: topicId, errand_id: errandId, target_topic_id: targetTopicId } = row;
  return { topicId, errandId, targetTopicId, request: row.request };
}

function loggedEvent(row: EventRow): LoggedEvent {
  return { event: fromBinary(TopicEventSchema, row.event), reply: row.reply ?? undefined };
}
