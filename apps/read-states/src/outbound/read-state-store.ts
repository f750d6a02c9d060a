// The rows: what is known of each entry, up to what the log still holds.
import type { Snowflake } from '@guildhall/snowflake';
import type { Queryable } from '@guildhall/store';
import type { ReadState, ReadStateType, UserReadState } from '../domain/read-state.js';

interface Row {
  user_id: bigint;
  type: number;
  channel_id: bigint;
  last_message_id: bigint;
  mention_count: bigint;
  last_pin_timestamp_ms: bigint;
  flags: bigint;
  last_viewed: bigint;
  version: bigint;
  manual_until_message_id: bigint;
  is_deleted: boolean;
}

const LOAD = {
  name: 'load-users',
  text: `SELECT * FROM read_states WHERE user_id = ANY($1::bigint[])`,
};

// In one order everywhere, so that two writers of the same rows do not wait for each other in a
// circle. What is newer stays: a row is never put back by an owner of before, nor by a batch that
// is applied twice.
const WRITE = {
  name: 'write-read-states',
  text: `INSERT INTO read_states AS r
         SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::bigint[], $4::bigint[],
           $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
           $10::bigint[], $11::boolean[])
           AS v(user_id, type, channel_id, last_message_id, mention_count, last_pin_timestamp_ms,
             flags, last_viewed, version, manual_until_message_id, is_deleted)
         ORDER BY v.user_id, v.type, v.channel_id
         ON CONFLICT (user_id, type, channel_id) DO UPDATE SET
           last_message_id = excluded.last_message_id,
           mention_count = excluded.mention_count,
           last_pin_timestamp_ms = excluded.last_pin_timestamp_ms,
           flags = excluded.flags,
           last_viewed = excluded.last_viewed,
           version = excluded.version,
           manual_until_message_id = excluded.manual_until_message_id,
           is_deleted = excluded.is_deleted
         WHERE r.version < excluded.version`,
};

/** The rows of some users, deleted entries included; users without rows have an empty list. */
export async function loadUsers(
  db: Queryable,
  userIds: readonly Snowflake[],
): Promise<Map<Snowflake, ReadState[]>> {
  const { rows } = await db.query<Row>(LOAD, [arrayOf(userIds, signed)]);
  const byUser = new Map<Snowflake, ReadState[]>(userIds.map((userId) => [userId, []]));
  for (const row of rows) byUser.get(unsigned(row.user_id))?.push(toReadState(row));
  return byUser;
}

/** Writes entries, each at most once in `changes`; rows that are newer stay. May be done twice. */
export async function writeReadStates(
  db: Queryable,
  changes: readonly UserReadState[],
): Promise<void> {
  if (changes.length === 0) return;
  await db.query(WRITE, [
    arrayOf(changes, (change) => signed(change.userId)),
    arrayOf(changes, (change) => change.type),
    arrayOf(changes, (change) => signed(change.channelId)),
    arrayOf(changes, (change) => signed(change.lastMessageId)),
    arrayOf(changes, (change) => change.mentionCount),
    arrayOf(changes, (change) => change.lastPinTimestampMs),
    arrayOf(changes, (change) => change.flags),
    arrayOf(changes, (change) => change.lastViewed),
    arrayOf(changes, (change) => change.version),
    arrayOf(changes, (change) => signed(change.manualUntilMessageId)),
    arrayOf(changes, (change) => change.isDeleted),
  ]);
}

function toReadState(row: Row): ReadState {
  return {
    // Written by us alone, and checked on the way in.
    type: row.type as ReadStateType,
    channelId: unsigned(row.channel_id),
    lastMessageId: unsigned(row.last_message_id),
    mentionCount: Number(row.mention_count),
    lastPinTimestampMs: Number(row.last_pin_timestamp_ms),
    flags: Number(row.flags),
    lastViewed: Number(row.last_viewed),
    version: row.version,
    manualUntilMessageId: unsigned(row.manual_until_message_id),
    isDeleted: row.is_deleted,
  };
}

const signed = (id: Snowflake): bigint => BigInt.asIntN(64, id);
const unsigned = (id: bigint): Snowflake => BigInt.asUintN(64, id);

/** An array as PostgreSQL writes it; the client library would quote every number on its own. */
function arrayOf<T>(items: readonly T[], text: (item: T) => bigint | number | boolean): string {
  return `{${items.map(text).join(',')}}`;
}
