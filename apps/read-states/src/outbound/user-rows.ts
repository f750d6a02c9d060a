// Users as they are in the rows: one row a part, 64 entries each, so that a user of a hundred
// entries is two rows next to each other, which are copied as they are into its block.
import { readPart } from '@guildhall/read-state-table';
import type { ReadStateTable, UserRef } from '@guildhall/read-state-table';
import type { Snowflake } from '@guildhall/snowflake';
import type { Queryable } from '@guildhall/store';

interface Row {
  user_id: bigint;
  part: number;
  version: bigint;
  entries: Buffer;
}

const LOAD = {
  name: 'load-users',
  text: `SELECT user_id, part, version, entries FROM read_state_parts
         WHERE user_id = ANY($1::bigint[]) ORDER BY user_id, part`,
};

/** One part as it is stored. */
export interface PartRow {
  readonly part: number;
  readonly version: number;
  /** Empty when the user no longer has the part. */
  readonly entries: Buffer;
}

const NOTHING: readonly PartRow[] = [];

/** The rows of users, in the order of their parts; of one without rows none. */
export async function loadRows(
  db: Queryable,
  userIds: readonly Snowflake[],
): Promise<(userId: Snowflake) => readonly PartRow[]> {
  if (userIds.length === 0) return () => NOTHING;
  const signed = userIds.map((id) => BigInt.asIntN(64, id));
  const { rows } = await db.query<Row>(LOAD, [`{${signed.join(',')}}`]);
  const byUser = new Map<Snowflake, PartRow[]>();
  for (const { user_id: signedId, part, version, entries } of rows) {
    const userId = BigInt.asUintN(64, signedId);
    const row = { part, version: Number(version), entries };
    const known = byUser.get(userId);
    if (known === undefined) byUser.set(userId, [row]);
    else known.push(row);
  }
  return (userId) => byUser.get(userId) ?? NOTHING;
}

/**
 * Puts a user that is not in the table there, as its rows say. Returns where it is; 0 when there is
 * no room: then it is not there. Throws a Fault (`malformed`) for rows that cannot be, likewise.
 */
export function addUser(
  table: ReadStateTable,
  userHi: number,
  userLo: number,
  rows: readonly PartRow[],
): UserRef {
  const entriesCount = rows.reduce((sum, { entries }) => sum + (entries[6] ?? 0), 0);
  let user = table.add(userHi, userLo, entriesCount);
  if (user === 0) return 0;
  try {
    for (const { part, version, entries } of rows) {
      if (entries.length > 0) {
        const view = new DataView(entries.buffer, entries.byteOffset, entries.length);
        const moved = readPart(table, user, part, view, 0, entries.length);
        if (moved === 0) {
          table.drop(table.peek(userHi, userLo));
          return 0;
        }
        user = moved;
      }
      table.raiseVersion(user, version);
    }
  } catch (error) {
    table.drop(table.peek(userHi, userLo));
    throw error;
  }
  return user;
}
