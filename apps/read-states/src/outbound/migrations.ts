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
] as const;
