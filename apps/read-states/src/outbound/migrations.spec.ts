import { BYTES_MIN, ReadStateTable } from '@guildhall/read-state-table';
import { migrate, openStore, type Store } from '@guildhall/store';
import {
  removePostgres,
  SeededRandom,
  seedFromEnv,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { MIGRATIONS } from './migrations.js';
import { addUser, loadRows } from './user-rows.js';

const START_MS = 120_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const random = new SeededRandom(seedFromEnv(process.env['SEED']));
let server: PostgresServer;
let store: Store;

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  const { url: databaseUrl } = server;
  const names = { schema: 'read_states', applicationName: 'spec' };
  store = openStore({ databaseUrl, ...names, connectionsMax: 2 });
}, START_MS);

afterAll(async () => {
  await store?.close();
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

const signed = (id: bigint): bigint => BigInt.asIntN(64, id);

/** An entry as the first migration stored it. */
function entryOf(userId: bigint, channelId: bigint, version: bigint, isDeleted: boolean) {
  const isPlain = random.chance(0.6);
  return {
    user_id: userId,
    type: random.int(6),
    channel_id: channelId,
    last_message_id: random.bigint(64),
    mention_count: BigInt(isPlain ? random.int(2_048) : random.uint32()),
    last_pin_timestamp_ms: isPlain ? 0n : BigInt(random.int(2 ** 31)) << 10n,
    flags: BigInt(isPlain ? random.int(8) : random.uint32()),
    last_viewed: BigInt(isPlain ? random.int(16_384) : random.uint32()),
    version,
    manual_until_message_id: isPlain ? 0n : random.bigint(64),
    is_deleted: isDeleted,
  };
}

describe(`Rows of single entries (${random})`, () => {
  it(
    'become parts that say the same, for users of every size',
    async () => {
      await migrate(store, [MIGRATIONS[0]]);
      const sizes = [1, 2, 63, 64, 65, 128, 129, 300];
      const users = sizes.map((size, at) => {
        const userId = at === 0 ? 2n ** 64n - 1n : BigInt(at) << 40n;
        const entries = Array.from({ length: size }, (_, number) =>
          entryOf(
            userId,
            random.bigint(64),
            BigInt(1 + number) << 20n,
            size > 1 && number % 9 === 8,
          ),
        );
        return { userId, entries };
      });
      // One of which only the version is left.
      users.push({ userId: 5n, entries: [entryOf(5n, 1n, 77n, true)] });
      for (const one of users.flatMap(({ entries }) => entries)) {
        await store.query(
          { text: 'INSERT INTO read_states VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)' },
          Object.values(one).map((value) => (typeof value === 'bigint' ? signed(value) : value)),
        );
      }
      await migrate(store, MIGRATIONS);

      const table = new ReadStateTable({ bytesMax: BYTES_MIN });
      const rowsOf = await loadRows(
        store,
        users.map(({ userId }) => userId),
      );
      for (const { userId, entries } of users) {
        const hi = Number(userId >> 32n);
        const user = addUser(table, hi, Number(userId & 0xffffffffn), rowsOf(userId));
        const versions = entries.map(({ version }) => Number(version));
        expect(table.versionOf(user)).toBe(Math.max(...versions));
        const present = entries.filter((one) => !one.is_deleted);
        expect(table.entriesCountOf(user)).toBe(present.length);
        const half = (id: bigint): [number, number] => [
          Number(id >> 32n),
          Number(id & 0xffffffffn),
        ];
        for (const one of present) {
          const entry = table.findEntry(user, one.type, ...half(one.channel_id));
          expect([
            [table.messageHi(entry), table.messageLo(entry)],
            [table.manualHi(entry), table.manualLo(entry)],
            table.mentionsOf(entry),
            table.pinMsOf(entry),
            table.flagsOf(entry),
            table.lastViewedOf(entry),
            table.entryVersionOf(user, entry),
          ]).toEqual([
            half(one.last_message_id),
            half(one.manual_until_message_id),
            Number(one.mention_count),
            Number(one.last_pin_timestamp_ms),
            Number(one.flags),
            Number(one.last_viewed),
            Number(one.version),
          ]);
        }
      }
      table.check();
    },
    START_MS,
  );
});
