/**
 * The rows of a topic. Keys are columns, the rest of a row is one document: its owner is the only
 * one who reads and writes it, always whole, and a field added to a document needs no migration.
 * Every key begins with the topic, which is the distribution key of a sharded PostgreSQL.
 */
export const TABLES = {
  channels: ['topic_id', 'channel_id'],
  roles: ['topic_id', 'role_id'],
  members: ['topic_id', 'user_id'],
  bans: ['topic_id', 'user_id'],
  invites: ['topic_id', 'code'],
  /** Of a user's topic: the guilds and private channels it has. */
  memberships: ['topic_id', 'member_of'],
  /** Of a user's topic: how it wants to be notified, by guild; 0: of its private channels. */
  user_guild_settings: ['topic_id', 'guild_id'],
  messages: ['topic_id', 'channel_id', 'message_id'],
  reactions: ['topic_id', 'message_id', 'emoji', 'user_id'],
  /** The mention log: one row per message that mentions anybody. */
  mentions: ['topic_id', 'channel_id', 'message_id'],
  /** Channels that are gone and whose messages are still to be deleted, in the background. */
  purges: ['topic_id', 'channel_id'],
} as const;

export type TableName = keyof typeof TABLES;

/** A JSON document as it is stored; snowflakes are decimal strings in it. */
export type Document = Readonly<Record<string, unknown>>;

/** One row put (inserted or replaced) or, without a document, deleted. May be applied twice. */
export interface RowChange {
  readonly table: TableName;
  /** In the order of TABLES[table], without the topic. */
  readonly key: readonly (bigint | string)[];
  readonly document: Document | undefined;
}
