// The whole app against a plain model: random batches over more users than fit into memory, with a
// database that fails, folds that are cut off half-way, and deaths in between.
import { callMethod } from '@guildhall/bus';
import {
  batchFaultCode,
  OperationWriter,
  ReadStateOperation,
  ReadStates as Contract,
  versionAfterDeletion,
  ResultReader,
  type BatchEntry,
} from '@guildhall/contracts';
import { BYTES_MIN } from '@guildhall/read-state-table';
import { partitionOf } from '@guildhall/snowflake';
import {
  eventually,
  removePostgres,
  SeededRandom,
  seedFromEnv,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { Fleet, userIn } from './testing/fleet.js';

const START_MS = 120_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const random = new SeededRandom(seedFromEnv(process.env['SEED']));
let server: PostgresServer;
let fleet: Fleet;

jest.setTimeout(START_MS);

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
}, START_MS);

afterAll(async () => {
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

beforeEach(() => {
  fleet = new Fleet(server, random);
});

afterEach(() => fleet.close(), START_MS);

type Entry = Omit<BatchEntry, 'version'> & { readonly version: bigint };

interface Operation {
  readonly kind: number;
  readonly user: bigint;
  readonly channelId: bigint;
  readonly messageId: bigint;
  readonly manual: boolean;
  readonly mentionCount: number;
  readonly flags: number | undefined;
}

/** What one user should have. Small enough to be copied and compared as text. */
class User {
  entries = new Map<bigint, Entry>();
  version = 0n;

  copy(): User {
    const copy = new User();
    copy.entries = new Map(this.entries);
    copy.version = this.version;
    return copy;
  }

  /** Whether it moved. */
  do(operation: Operation): boolean {
    const { kind, channelId, messageId } = operation;
    const before = this.entries.get(channelId);
    switch (kind) {
      case ReadStateOperation.Delete:
        if (!this.entries.delete(channelId)) return false;
        this.version = BigInt(versionAfterDeletion(Number(this.version)));
        return true;
      case ReadStateOperation.AckPins:
        if (messageId <= (before?.lastPinTimestampMs ?? 0n)) return false;
        this.#put(channelId, { ...before, lastPinTimestampMs: messageId });
        return true;
      case ReadStateOperation.Ack:
        return this.#ack(operation, before);
      default:
        return false;
    }
  }

  shown(): string {
    const entries = [...this.entries.values()].sort((a, b) => Number(a.version - b.version));
    return text([this.version, entries]);
  }

  #ack({ channelId, messageId, manual, mentionCount, flags }: Operation, before?: Entry): boolean {
    const after = {
      ...before,
      lastMessageId: messageId,
      mentionCount,
      flags: flags ?? before?.flags ?? 0,
      manualUntilMessageId: manual ? 7n : 0n,
    };
    if (manual) {
      if (before !== undefined && text(after) === text(before)) return false;
    } else if (messageId <= (before?.lastMessageId ?? 0n)) return false;
    this.#put(channelId, after);
    return true;
  }

  #put(channelId: bigint, entry: Partial<Entry>): void {
    this.version += 1n;
    const empty = { type: 0, lastMessageId: 0n, mentionCount: 0, lastPinTimestampMs: 0n };
    const rest = { flags: 0, lastViewed: 0, manualUntilMessageId: 0n };
    const { version } = this;
    this.entries.set(channelId, { ...empty, ...rest, ...entry, channelId, version });
  }
}

const KEYS = [
  'type',
  'channelId',
  'lastMessageId',
  'mentionCount',
  'lastPinTimestampMs',
  'flags',
  'lastViewed',
  'version',
  'manualUntilMessageId',
] as const satisfies readonly (keyof Entry)[];

/** Fields in one order, whatever made the object. */
const text = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'bigint') return String(one);
    if (typeof one !== 'object' || one === null || !('channelId' in one)) return one;
    return KEYS.map((key) => (one as Entry)[key]);
  });

/** Users, what they should have, and operations on them. */
class World {
  readonly users: readonly bigint[];
  readonly models: Map<bigint, User>;
  readonly #channelsCount: number;
  readonly #random: SeededRandom;

  constructor(usersCount: number, channelsCount: number, own: SeededRandom) {
    this.users = Array.from({ length: usersCount }, (_, at) => userIn((at * 37) % 1_024, at + 1));
    this.models = new Map(this.users.map((user) => [user, new User()]));
    this.#channelsCount = channelsCount;
    this.#random = own;
  }

  some(count: number): Operation[] {
    const own = this.#random;
    const few = Array.from({ length: Math.ceil(count / 4) }, () => own.pick(this.users));
    const { Ack, AckPins, Delete, Get } = ReadStateOperation;
    return Array.from({ length: count }, () => ({
      kind: own.pick([Ack, Ack, Ack, Ack, Ack, AckPins, Delete, Get]),
      user: own.pick(few),
      channelId: BigInt(own.int(this.#channelsCount)),
      messageId: BigInt(own.int(1_000)),
      manual: own.chance(0.1),
      mentionCount: own.pick([0, 0, 0, 1, 5_000]),
      flags: own.chance(0.3) ? own.pick([0, 1, 70_000]) : undefined,
    }));
  }

  /** Each user's entries by `Load`, which is asked for until it is answered. */
  async check(users: Iterable<bigint>): Promise<void> {
    const rest = [...users];
    while (rest.length > 0) await Promise.all(rest.splice(0, 50).map((user) => this.#check(user)));
  }

  async #check(user: bigint): Promise<void> {
    const { version, entries } = await fleet.load(user);
    const shown = new User();
    shown.version = version;
    for (const entry of entries) shown.entries.set(entry.channelId, entry);
    if (shown.shown() !== this.models.get(user)!.shown()) {
      throw new Error(
        `${random}: user ${user} has\n${shown.shown()}\nand not\n${this.models.get(user)!.shown()}`,
      );
    }
  }
}

async function send(operations: readonly Operation[]): Promise<ResultReader> {
  const writer = new OperationWriter();
  for (const { kind, user, channelId, messageId, ...more } of operations) {
    if (kind === ReadStateOperation.Get) writer.get(user, 0, channelId);
    else if (kind === ReadStateOperation.Delete) writer.delete(user, 0, channelId);
    else if (kind === ReadStateOperation.AckPins) writer.ackPins(user, channelId, messageId);
    else writer.ack(user, { channelId, messageId, channelLastMessageId: 7n, ...more });
  }
  const partition = partitionOf(operations[0]!.user);
  const request = { operations: writer.take() };
  const once = { timeoutMs: 20_000 };
  return new ResultReader(
    await callMethod(fleet.edge, Contract.method.batch, { partition }, request, once),
  );
}

/** Checks every answer, and returns the users of whom it is not known what they have now. */
function follow(
  world: World,
  operations: readonly Operation[],
  results: ResultReader,
): Set<bigint> {
  const codes = operations.map((_, at) => batchFaultCode(results.statusAt(at)));
  const inDoubt = new Set<bigint>();
  for (const [at, { user }] of operations.entries()) {
    if (codes[at] !== undefined && codes[at] !== 'overloaded') inDoubt.add(user);
  }
  for (const [at, operation] of operations.entries()) {
    // When there was no room for it, it was not done, whatever became of the others.
    if (inDoubt.has(operation.user) || codes[at] === 'overloaded') continue;
    const model = world.models.get(operation.user)!;
    const isMoved = model.do(operation);
    const answer = [at, results.statusAt(at), results.versionAt(at)];
    expect(answer).toEqual([at, isMoved ? 1 : 0, model.version]);
    if (operation.kind !== ReadStateOperation.Get) continue;
    expect(text(results.entryAt(at))).toBe(text(model.entries.get(operation.channelId)));
  }
  return inDoubt;
}

describe(`Random batches (${random})`, () => {
  it('are answered as the model says, by a memory too small for all users', async () => {
    const fold = { foldIntervalMs: 10, foldWriteMax: 50 };
    // Partitions stay where they are, however busy the machine is.
    const knobs = { tableBytesMax: BYTES_MIN, ...fold, leaseMs: 60_000 };
    const one = await fleet.start(knobs);
    const world = new World(3_000, 60, random.fork('small memory'));
    const metrics = (): string => one.telemetry.metrics.writeOpenMetrics();
    const count = (name: string): number =>
      Number(new RegExp(`${name} (\\d+)`).exec(metrics())![1]);
    for (let round = 0; round < 30 || count('read_states_evictions_total') < 100; round += 1) {
      if (round === 1_000) throw new Error(`${random}: nobody was evicted\n${metrics()}`);
      const operations = world.some(1_000);
      const inDoubt = follow(world, operations, await send(operations));
      expect([...inDoubt]).toEqual([]);
    }
    expect(count('read_states_table_bytes')).toBeLessThanOrEqual(BYTES_MIN);
    await fleet.drain(one);
    await fleet.start();
    await world.check(world.users.slice(0, 500));
  });

  it('lose nothing and do nothing twice, whatever fails and dies', async () => {
    const knobs = { foldIntervalMs: 15, foldWriteMax: 10, sweepIntervalMs: 100 };
    const own = random.fork('faults');
    const world = new World(60, 130, own.fork('world'));
    let one = await fleet.start(knobs);
    let failedCount = 0;
    const unsure = (text: string): 'lost' | 'unheard' | undefined => {
      const share = /ack_log|read_state_parts|logs/.test(text) ? 0.06 : 0;
      return own.chance(share) ? own.pick(['lost', 'unheard'] as const) : undefined;
    };
    for (let round = 0; round < 150; round += 1) {
      one.store.mishap = round % 3 === 0 ? () => undefined : unsure;
      const operations = world.some(1 + own.int(120));
      // On a busy machine the partitions may be between two owners: then nobody answers.
      const results = await send(operations).catch(() => undefined);
      const inDoubt =
        results === undefined
          ? new Set(operations.map(({ user }) => user))
          : follow(world, operations, results);
      one.store.mishap = () => undefined;
      failedCount += inDoubt.size;
      for (const user of inDoubt) await settle(world, user, operations);
      if (own.chance(0.04)) {
        await fleet[own.chance(0.7) ? 'crash' : 'drain'](one);
        one = await fleet.start(knobs);
        await world.check(world.users);
      }
    }
    expect(failedCount).toBeGreaterThan(0);
    await eventually(async () => (await fleet.logRows()) === 0n, { label: 'all is folded' });
    await world.check(world.users);
  });
});

/** Of one message the changes to a user are in one commit: all of them are so, or none. */
async function settle(
  world: World,
  userId: bigint,
  operations: readonly Operation[],
): Promise<void> {
  const before = world.models.get(userId)!;
  const after = before.copy();
  for (const operation of operations) if (operation.user === userId) after.do(operation);
  const { version } = await fleet.load(userId);
  world.models.set(userId, version === before.version ? before : after);
  await world.check([userId]);
}
