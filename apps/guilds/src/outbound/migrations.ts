/** The tables of the guilds app. See domain/tables.ts for why rows are documents. */
const topicTable = (name: string, columns: string, key: string): string =>
  `CREATE TABLE ${name} (topic_id bigint NOT NULL, ${columns}, document jsonb NOT NULL, PRIMARY KEY (topic_id, ${key}))`;

export const MIGRATIONS = [
  {
    id: '0001-topics',
    sql: [
      // `epoch` is the fencing token: raised by each owner that takes the topic, checked by each
      // commit. `seq` is the number of the last event.
      `CREATE TABLE topics (
         topic_id bigint PRIMARY KEY,
         kind smallint NOT NULL,
         epoch bigint NOT NULL,
         seq bigint NOT NULL,
         owner text NOT NULL,
         document jsonb NOT NULL)`,
      // The event log: also how a command that comes twice is recognised, and answered as before.
      `CREATE TABLE events (
         topic_id bigint NOT NULL,
         seq bigint NOT NULL,
         command_id bigint NOT NULL,
         at timestamptz NOT NULL DEFAULT now(),
         event bytea NOT NULL,
         reply bytea,
         PRIMARY KEY (topic_id, seq))`,
      `CREATE INDEX events_by_age ON events (at)`,
      `CREATE TABLE outbox (
         topic_id bigint NOT NULL,
         errand_id bigint NOT NULL,
         target_topic_id bigint NOT NULL,
         request bytea NOT NULL,
         PRIMARY KEY (topic_id, errand_id))`,
      topicTable('channels', 'channel_id bigint NOT NULL', 'channel_id'),
      `CREATE INDEX channels_by_id ON channels (channel_id)`,
      topicTable('roles', 'role_id bigint NOT NULL', 'role_id'),
      topicTable('members', 'user_id bigint NOT NULL', 'user_id'),
      topicTable('bans', 'user_id bigint NOT NULL', 'user_id'),
      topicTable('invites', 'code text NOT NULL', 'code'),
      topicTable('memberships', 'member_of bigint NOT NULL', 'member_of'),
      topicTable(
        'messages',
        'channel_id bigint NOT NULL, message_id bigint NOT NULL',
        'channel_id, message_id',
      ),
      `CREATE INDEX messages_pinned ON messages (topic_id, channel_id, (document->>'pinned_at'))
         WHERE document ? 'pinned_at'`,
      topicTable(
        'reactions',
        'message_id bigint NOT NULL, emoji text NOT NULL, user_id bigint NOT NULL',
        'message_id, emoji, user_id',
      ),
      topicTable(
        'mentions',
        'channel_id bigint NOT NULL, message_id bigint NOT NULL',
        'channel_id, message_id',
      ),
      topicTable('purges', 'channel_id bigint NOT NULL', 'channel_id'),
    ].join(';\n'),
  },
  {
    id: '0002-user-guild-settings',
    sql: topicTable('user_guild_settings', 'guild_id bigint NOT NULL', 'guild_id'),
  },
] as const;
