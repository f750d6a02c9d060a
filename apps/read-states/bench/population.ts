// Who uses the fleet of the bench: users that have read in so many channels each.
import { ReadStateTable } from '@guildhall/read-state-table';
import { PARTITIONS_COUNT } from '@guildhall/snowflake';
import { migrate, type Store } from '@guildhall/store';
import { MIGRATIONS } from '../src/outbound/migrations.js';
import { PartWrites } from '../src/outbound/part-writes.js';

const WRITE_ROWS = 512;
const TABLE_BYTES = 64 * 2 ** 20;

/** User number `at`; they are spread over all partitions. */
export function userIdOf(at: number): bigint {
  const partition = BigInt(at % PARTITIONS_COUNT);
  return (BigInt(1_000_000 + at) << 22n) | (partition << 12n) | 1n;
}

/** Channel number `at`; everybody is in all of them. */
export function channelIdOf(at: number): bigint {
  return (BigInt(2_000_000 + at) << 22n) | (BigInt((at * 7) % PARTITIONS_COUNT) << 12n) | 2n;
}

/** Writes the rows of all users, as a fold would have. */
export async function fill(store: Store, usersCount: number, channelsCount: number): Promise<void> {
  await migrate(store, MIGRATIONS);
  const table = new ReadStateTable({ bytesMax: TABLE_BYTES });
  const writes = new PartWrites();
  const channels = Array.from({ length: channelsCount }, (_, at) => channelIdOf(at));
  for (let at = 0; at < usersCount; at += 1) {
    const userId = userIdOf(at);
    const user = table.add(Number(userId >> 32n), Number(userId & 0xffffffffn), channelsCount);
    for (const channelId of channels) {
      const entry = table.addEntry(
        user,
        0,
        Number(channelId >> 32n),
        Number(channelId & 0xffffffffn),
      );
      table.write(user, entry, 1, at + 1, 0, 1, 4_000, 0, 0);
    }
    writes.take(table, user);
    table.drop(user);
    if (writes.count < WRITE_ROWS && at < usersCount - 1) continue;
    await writes.write(store);
    writes.clear();
  }
  await store.query({ text: 'ANALYZE read_state_parts' });
  await store.query({ text: 'CHECKPOINT' });
}
