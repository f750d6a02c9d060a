import { create, toBinary } from '@bufbuild/protobuf';
import { SystemClock } from '@guildhall/clock';
import { TopicEventSchema } from '@guildhall/contracts';
import { FaultCode, type Fault } from '@guildhall/fault';
import { migrate, openStore, type Store } from '@guildhall/store';
import { removePostgres, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import type { Document, RowChange } from '../domain/tables.js';
import { GroupCommit, storableJson, type CommitEntry, type CommitReport } from './group-commit.js';
import { MIGRATIONS } from './migrations.js';
import { Sweeper } from './sweeper.js';
import { TopicStore } from './topic-store.js';

const START_MS = 120_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
let server: PostgresServer;
let store: Store;
let topics: TopicStore;
let reports: CommitReport[];
let commit: GroupCommit;
let nextTopicId = 1_000n;

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  store = openStore({
    databaseUrl: server.url,
    schema: 'guilds',
    connectionsMax: 8,
    applicationName: 'group-commit-spec',
  });
  await migrate(store, MIGRATIONS);
  topics = new TopicStore({ store, instance: 'spec', recentEventsMax: 100, recentEventsMs: 0 });
}, START_MS);

afterAll(async () => {
  await store.close();
  await server.stop();
  removePostgres(databaseDir);
  dir.remove();
});

beforeEach(() => {
  reports = [];
  commit = new GroupCommit({
    store,
    lanesCount: 1,
    batchMax: 100,
    waitingMax: 1_000,
    monotonicMs: () => performance.now(),
    report: (report) => reports.push(report),
  });
});

interface Written {
  readonly entry: CommitEntry;
  readonly settled: Promise<Fault | undefined>;
}

/** An entry with `count` events that ends at `seq`. */
function entryOf(
  topicId: bigint,
  epoch: bigint,
  seq: bigint,
  more: Partial<CommitEntry> & { count?: number } = {},
): Written {
  const { promise, resolve } = Promise.withResolvers<Fault | undefined>();
  const count = more.count ?? 1;
  const events = Array.from({ length: count }, (_, index) =>
    toBinary(
      TopicEventSchema,
      create(TopicEventSchema, { topicId, seq: seq - BigInt(count - 1 - index), type: 'X' }),
    ),
  );
  const entry: CommitEntry = {
    topicId,
    epoch,
    seq,
    commandId: seq * 10n,
    events,
    reply: new Uint8Array([Number(seq)]),
    rows: [],
    errands: [],
    document: undefined,
    kind: 1,
    isDeleted: false,
    settled: resolve,
    ...more,
  };
  return { entry, settled: promise };
}

const row = (id: bigint, document: Document | undefined): RowChange => ({
  table: 'roles',
  key: [id],
  document,
});

/** How many events and messages one sweep deletes. */
async function sweep(batchMax: number): Promise<[number, number]> {
  let counts: [number, number] = [0, 0];
  const sweeper = new Sweeper({
    store,
    clock: new SystemClock(),
    intervalMs: 1_000,
    batchMax,
    eventRetentionS: 600,
    swept: (events, messages) => (counts = [events, messages]),
    failed: (error) => {
      throw error;
    },
  });
  await sweeper.sweep();
  return counts;
}

async function newTopic(): Promise<{ topicId: bigint; epoch: bigint }> {
  const topicId = (nextTopicId += 1n);
  const stored = await topics.claim(topicId, true);
  const { epoch } = stored!;
  const born = entryOf(topicId, epoch, 1n, { document: { name: 'born' } });
  commit.add(born.entry);
  expect(await born.settled).toBeUndefined();
  return { topicId, epoch };
}

describe('GroupCommit', () => {
  it('writes what came together in one transaction, in order, the last of each row', async () => {
    const { topicId, epoch } = await newTopic();
    const other = await newTopic();
    reports.length = 0;
    const written = [
      entryOf(topicId, epoch, 3n, { count: 2, rows: [row(1n, { name: 'a' }), row(2n, {})] }),
      entryOf(other.topicId, other.epoch, 2n),
      entryOf(topicId, epoch, 4n, {
        rows: [row(1n, { name: 'b' }), row(2n, undefined)],
        document: { name: 'changed' },
        errands: [{ errandId: 77n, targetTopicId: 5n, request: new Uint8Array([1, 2]) }],
      }),
    ];
    for (const { entry } of written) commit.add(entry);
    expect(await Promise.all(written.map(({ settled }) => settled))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(reports).toMatchObject([{ entriesCount: 3, fault: undefined }]);

    const stored = (await topics.claim(topicId, false))!;
    expect(stored).toMatchObject({ kind: 1, seq: 4n, document: { name: 'changed' } });
    expect(stored.rows.get('roles')).toEqual([{ key: [1n], document: { name: 'b' } }]);
    const logged = stored.recentEvents.map(({ event, reply }) => [event.seq, reply?.[0]]);
    expect(logged).toEqual([
      [1n, 1],
      [2n, 3],
      [3n, undefined],
      [4n, 4],
    ]);
    const errands = await topics.errands(10);
    expect(errands).toMatchObject([{ topicId, errandId: 77n, targetTopicId: 5n }]);
    await topics.errandDone(topicId, 77n);
    expect(await topics.errands(10)).toEqual([]);
  });

  it('writes nothing of a topic that was taken, and everything of the others', async () => {
    const mine = await newTopic();
    const taken = await newTopic();
    const newEpoch = (await topics.claim(taken.topicId, false))!.epoch;
    expect(newEpoch).toBe(taken.epoch + 1n);
    const kept = entryOf(mine.topicId, mine.epoch, 2n, { rows: [row(1n, {})] });
    const fenced = entryOf(taken.topicId, taken.epoch, 2n, { rows: [row(1n, {})] });
    commit.add(fenced.entry);
    commit.add(kept.entry);
    expect((await fenced.settled)?.code).toBe(FaultCode.WrongOwner);
    expect(await kept.settled).toBeUndefined();
    const after = (await topics.claim(taken.topicId, false))!;
    expect(after.seq).toBe(1n);
    expect(after.rows.get('roles')).toEqual([]);
    expect(after.recentEvents).toHaveLength(1);
    expect((await topics.claim(mine.topicId, false))!.seq).toBe(2n);
  });

  it('lets a topic go on while the commit of another one is held up', async () => {
    const slow = await newTopic();
    const quick = await newTopic();
    const twoLanes = new GroupCommit({
      store,
      lanesCount: 2,
      batchMax: 100,
      waitingMax: 1_000,
      monotonicMs: () => 0,
      report: () => undefined,
    });
    const lock = { text: 'SELECT FROM topics WHERE topic_id = $1 FOR UPDATE' };
    const held = entryOf(slow.topicId, slow.epoch, 2n);
    const behind = entryOf(slow.topicId, slow.epoch, 3n);
    await store.transaction(async (tx) => {
      await tx.query(lock, [slow.topicId]);
      twoLanes.add(held.entry);
      // Not in the same turn, where they would share a commit.
      await store.query({ text: 'SELECT 1' });
      twoLanes.add(behind.entry);
      for (let seq = 2n; seq <= 4n; seq += 1n) {
        const going = entryOf(quick.topicId, quick.epoch, seq);
        twoLanes.add(going.entry);
        expect(await going.settled).toBeUndefined();
      }
      expect(twoLanes.waitingCount).toBe(2);
    });
    await twoLanes.settled();
    expect(await Promise.all([held.settled, behind.settled])).toEqual([undefined, undefined]);
    expect((await topics.claim(slow.topicId, false))!.seq).toBe(3n);
    expect((await topics.claim(quick.topicId, false))!.seq).toBe(4n);
  });

  it('does not let one topic that cannot be stored fail the others', async () => {
    const good = await newTopic();
    const bad = await newTopic();
    const poison = entryOf(bad.topicId, bad.epoch, 2n, {
      rows: [{ table: 'roles', key: ['no number'], document: {} }],
    });
    const fine = entryOf(good.topicId, good.epoch, 2n);
    commit.add(poison.entry);
    commit.add(fine.entry);
    expect((await poison.settled)?.code).toBeDefined();
    expect(await fine.settled).toBeUndefined();
    expect((await topics.claim(bad.topicId, false))!.seq).toBe(1n);
  });

  it('stores text that jsonb would refuse', async () => {
    const { topicId, epoch } = await newTopic();
    const name = 'a\u0000b\ud800c\\u0000';
    const written = entryOf(topicId, epoch, 2n, { rows: [row(1n, { name })] });
    commit.add(written.entry);
    expect(await written.settled).toBeUndefined();
    const stored = (await topics.claim(topicId, false))!;
    expect(stored.rows.get('roles')![0]!.document).toEqual({ name: 'ab\ufffdc\\u0000' });
    expect(storableJson({ name: 'plain' })).toBe('{"name":"plain"}');
  });

  it('deletes a topic and its rows, and keeps the errands that tell of it', async () => {
    const { topicId, epoch } = await newTopic();
    const written = entryOf(topicId, epoch, 2n, {
      rows: [row(1n, {})],
      errands: [{ errandId: 78n, targetTopicId: 5n, request: new Uint8Array([1]) }],
      isDeleted: true,
    });
    commit.add(written.entry);
    expect(await written.settled).toBeUndefined();
    expect(await topics.claim(topicId, false)).toBeUndefined();
    expect(await topics.errands(10)).toMatchObject([{ errandId: 78n }]);
    await topics.errandDone(topicId, 78n);
  });

  it('leaves the messages of a deleted topic to the sweeper, which takes all that hangs on them', async () => {
    const { topicId, epoch } = await newTopic();
    const messages = [1n, 2n, 3n].flatMap((id): RowChange[] => [
      { table: 'messages', key: [7n, id], document: {} },
      { table: 'mentions', key: [7n, id], document: {} },
      { table: 'reactions', key: [id, 'x', 9n], document: {} },
    ]);
    const channel: RowChange = { table: 'channels', key: [7n], document: {} };
    const filled = entryOf(topicId, epoch, 2n, { rows: [channel, ...messages] });
    commit.add(filled.entry);
    await filled.settled;
    const deleted = entryOf(topicId, epoch, 3n, { isDeleted: true });
    commit.add(deleted.entry);
    await deleted.settled;
    const left = async (): Promise<number> => {
      const counts = ['messages', 'mentions', 'reactions', 'purges'].map((table) =>
        store.query({ text: `SELECT FROM ${table} WHERE topic_id = $1` }, [topicId]),
      );
      return (await Promise.all(counts)).reduce((sum, { rowCount }) => sum + rowCount, 0);
    };
    expect(await left()).toBe(10);
    expect(await sweep(2)).toEqual([0, 2]);
    expect(await left()).toBe(4);
    expect(await sweep(2)).toEqual([0, 1]);
    expect(await sweep(2)).toEqual([0, 0]);
    expect(await left()).toBe(0);
  });

  it('says that it is full, and when all is settled', async () => {
    const { topicId, epoch } = await newTopic();
    const small = new GroupCommit({
      store,
      lanesCount: 1,
      batchMax: 1,
      waitingMax: 2,
      monotonicMs: () => 0,
      report: () => undefined,
    });
    const written = [entryOf(topicId, epoch, 2n), entryOf(topicId, epoch, 3n)];
    for (const { entry } of written) small.add(entry);
    expect(small.isFull).toBe(true);
    await small.settled();
    expect(small.waitingCount).toBe(0);
    expect(await written[1]!.settled).toBeUndefined();
  });
});

describe('TopicStore', () => {
  it('raises the epoch with each claim, and knows no topic that nobody made', async () => {
    const { topicId, epoch } = await newTopic();
    expect((await topics.claim(topicId, false))!.epoch).toBe(epoch + 1n);
    expect((await topics.claim(topicId, true))!.epoch).toBe(epoch + 2n);
    expect(await topics.claim(999_999n, false)).toBeUndefined();
  });

  it('reads events after a seq, and prunes old ones', async () => {
    const { topicId, epoch } = await newTopic();
    const written = entryOf(topicId, epoch, 5n, { count: 4 });
    commit.add(written.entry);
    await written.settled;
    const after = await topics.eventsAfter(topicId, 2n, 2, 1_000_000);
    expect(after.map((event) => event.seq)).toEqual([3n, 4n]);
    expect(await topics.activeSince(60)).toContain(topicId);
    await store.query(
      { text: `UPDATE events SET at = now() - interval '1 hour' WHERE topic_id = $1` },
      [topicId],
    );
    expect(await topics.activeSince(60)).not.toContain(topicId);
    expect(await sweep(3)).toEqual([3, 0]);
    expect(await sweep(100)).toEqual([2, 0]);
    expect(await topics.eventsAfter(topicId, 0n, 10, 1_000_000)).toEqual([]);
  });

  it('finds the newest message of each channel when a topic is loaded', async () => {
    const { topicId, epoch } = await newTopic();
    const message = (channelId: bigint, id: bigint): RowChange => ({
      table: 'messages',
      key: [channelId, id],
      document: {},
    });
    const rows = [message(7n, 1n), message(7n, 3n), message(9n, 2n)];
    const written = entryOf(topicId, epoch, 2n, {
      rows: [...rows, { table: 'channels', key: [7n], document: { name: 'x' } }],
    });
    commit.add(written.entry);
    await written.settled;
    expect((await topics.claim(topicId, false))!.lastMessageIds).toEqual(
      new Map([
        [7n, 3n],
        [9n, 2n],
      ]),
    );
    expect(await topics.topicOfChannel(7n)).toBe(topicId);
    expect(await topics.topicOfChannel(8n)).toBeUndefined();
  });
});
