/** The tables of the read-states app. */
export const MIGRATIONS = [
  {
    id: '0001-read-states',
    sql: [
      // What is remembered. Ids are 64 bits without a sign and stored as the bigint with the same
      // bits. A deleted entry stays as a mark: the highest version among the rows of a user is the
      // user's.
      `CREATE TABLE read_states (
         user_id bigint NOT NULL,
         type smallint NOT NULL,
         channel_id bigint NOT NULL,
         last_message_id bigint NOT NULL,
         mention_count bigint NOT NULL,
         last_pin_timestamp_ms bigint NOT NULL,
         flags bigint NOT NULL,
         last_viewed bigint NOT NULL,
         version bigint NOT NULL,
         manual_until_message_id bigint NOT NULL,
         is_deleted boolean NOT NULL,
         PRIMARY KEY (user_id, type, channel_id)) WITH (fillfactor = 85)`,
      // One row for each log, that is for each commit lane of each process. It is the fence: a
      // commit counts only while `generation` is what its writer believes, and whoever takes a
      // partition from the log raises it. `batch_no` is the last batch that was committed.
      `CREATE SEQUENCE log_ids`,
      `CREATE TABLE logs (
         log_id bigint PRIMARY KEY,
         owner text NOT NULL,
         generation bigint NOT NULL,
         batch_no bigint NOT NULL,
         touched_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 30)`,
      // Append only: one row is what one group commit wrote. Compressing it would cost more than it
      // saves.
      `CREATE TABLE ack_log (
         log_id bigint NOT NULL,
         batch_no bigint NOT NULL,
         payload bytea NOT NULL,
         at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (log_id, batch_no))`,
      `ALTER TABLE ack_log ALTER COLUMN payload SET STORAGE EXTERNAL`,
      // Who owns a partition of users. `epoch` is raised by each owner that takes it.
      // `tail_log_id` is the log that may hold changes of the partition that are not in the rows:
      // the owner's own once it serves, that of the owner before until then.
      `CREATE TABLE partitions (
         partition int PRIMARY KEY,
         epoch bigint NOT NULL,
         log_id bigint NOT NULL,
         tail_log_id bigint)`,
      `CREATE INDEX partitions_by_log ON partitions (log_id)`,
    ].join(';\n'),
  },
  {
    id: '0002-read-state-parts',
    sql: [
      // One row for 64 entries of a user, the bytes of a part (@guildhall/read-state-table): what
      // is written and read a part at a time is not taken apart. `version` is what the user's was
      // when the part was written; the highest among the rows of a user is the user's, and the rows
      // are what the user was then. A part that the user no longer has is an empty row.
      `CREATE TABLE read_state_parts (
         user_id bigint NOT NULL,
         part int NOT NULL,
         version bigint NOT NULL,
         entries bytea NOT NULL,
         PRIMARY KEY (user_id, part)) WITH (fillfactor = 75)`,
      // At most 3.6 kB: in the row itself, as it is.
      `ALTER TABLE read_state_parts ALTER COLUMN entries SET STORAGE PLAIN`,
      ...convertRows(),
      `DROP TABLE read_states`,
    ].join(';\n'),
  },
] as const;

/** What was one row an entry becomes parts; the bytes are drawn in the table's `part.ts`. */
function convertRows(): string[] {
  return [
    `CREATE FUNCTION le(value bigint, bytes int) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
       SELECT string_agg(substring(int8send($1) FROM 9 - i FOR 1), ''::bytea ORDER BY i)
       FROM generate_series(1, $2) AS i $$`,
    `WITH users AS (
       SELECT user_id, max(version) AS version FROM read_states GROUP BY user_id),
     numbered AS (
       SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY type, channel_id) - 1 AS number,
         mention_count > 2047 OR flags > 7 OR last_viewed > 16383 OR last_pin_timestamp_ms <> 0
           OR manual_until_message_id <> 0 AS is_extended
       FROM read_states WHERE NOT is_deleted),
     placed AS (
       SELECT *, number / 64 AS part, number % 64 AS place,
         min(version) OVER (PARTITION BY user_id, number / 64) AS base,
         count(*) FILTER (WHERE is_extended) OVER (
           PARTITION BY user_id, number / 64 ORDER BY number) - 1 AS extension
       FROM numbered),
     parts AS (
       SELECT user_id, part, count(*) AS entries_count, min(base) AS base,
         count(*) FILTER (WHERE is_extended) AS extensions_count,
         string_agg(
           le(channel_id, 8) || le(last_message_id, 8) || le(version - base, 4) || le(
             CASE WHEN is_extended THEN type | 64 | (extension << 7)
             ELSE type | (flags << 3) | (last_viewed << 7) | (mention_count << 21) END, 4),
           ''::bytea ORDER BY place) AS rows,
         string_agg(
           le(mention_count, 4) || le(flags, 4) || le(last_viewed, 4)
             || le(last_pin_timestamp_ms, 8) || le(manual_until_message_id, 8) || le(place, 4),
           ''::bytea ORDER BY place) FILTER (WHERE is_extended) AS extensions
       FROM placed GROUP BY user_id, part)
     INSERT INTO read_state_parts (user_id, part, version, entries)
     SELECT users.user_id, coalesce(part, 0), version, coalesce(
       le(1, 2) || le(24, 2) || le(32, 2) || le(entries_count, 1) || le(extensions_count, 1)
         || le(version, 8) || le(base, 8) || rows || coalesce(extensions, ''::bytea), ''::bytea)
     FROM users LEFT JOIN parts ON parts.user_id = users.user_id`,
    `DROP FUNCTION le`,
  ];
}
