import { SystemClock } from '@guildhall/clock';
import { refuse } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { SnowflakeMint } from '@guildhall/snowflake';
import { migrate, openStore, type Store } from '@guildhall/store';
import { silentTelemetry, type TraceContext } from '@guildhall/telemetry';
import { removePostgres, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import type { Changes } from '../domain/changes.js';
import { TopicKind } from '../domain/topic-kind.js';
import { UserTopic } from '../domain/user-topic.js';
import { GroupCommit } from '../outbound/group-commit.js';
import { MIGRATIONS } from '../outbound/migrations.js';
import type { StoredErrand } from '../outbound/topic-store.js';
import { TopicStore } from '../outbound/topic-store.js';
import { TopicHost, type CommandOptions } from './topic-host.js';
import { TopicShelf, type Courier } from './topic-shelf.js';

const START_MS = 120_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const clock = new SystemClock();
const ids = new SnowflakeMint(clock);
let server: PostgresServer;
let store: Store;

const USER: CommandOptions = {
  kinds: [TopicKind.User],
  refuseUnknown: () => refuse('UnknownUser'),
  create: (id) => new UserTopic(id),
};
const KNOWN_USER: CommandOptions = { kinds: USER.kinds, refuseUnknown: USER.refuseUnknown };

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  store = openStore({
    databaseUrl: server.url,
    schema: 'guilds',
    connectionsMax: 8,
    applicationName: 'topic-host-spec',
  });
  await migrate(store, MIGRATIONS);
}, START_MS);

afterAll(async () => {
  await store.close();
  await server.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

interface Process {
  readonly host: TopicHost;
  readonly shelf: TopicShelf;
  readonly commit: GroupCommit;
  /** Everything that left, in order: `event 3 type`, and whatever a spec adds. */
  readonly left: string[];
  /** How many events each message on the bus had. */
  readonly batchSizes: number[];
  readonly errands: StoredErrand[];
  readonly errandTraces: (TraceContext | undefined)[];
  readonly owned: { all: boolean };
}

/** One guilds process, without a bus: what it publishes is recorded. */
function startProcess(more: { courier?: () => Promise<void>; waitingMax?: number } = {}): Process {
  const left: string[] = [];
  const batchSizes: number[] = [];
  const errands: StoredErrand[] = [];
  const errandTraces: (TraceContext | undefined)[] = [];
  const owned = { all: true };
  const commit = new GroupCommit({
    store,
    lanesCount: 2,
    batchMax: 100,
    waitingMax: more.waitingMax ?? 1_000,
    monotonicMs: () => clock.monotonicMs(),
    report: () => undefined,
  });
  const courier: Courier = {
    run: async (more_, trace) => {
      errands.push(...more_);
      errandTraces.push(trace);
      await more.courier?.();
    },
  };
  const shelf = new TopicShelf({
    store: new TopicStore({ store, instance: 'spec', recentEventsMax: 100, recentEventsMs: 0 }),
    courier,
    clock,
    ownsPartition: () => owned.all,
    settled: () => commit.settled(),
    onLoaded: () => undefined,
    onLost: () => undefined,
    topicsMax: 2,
    tailMax: 8,
    tailBytesMax: 1_000_000,
    repliesMax: 100,
    replyKeepMs: 60_000,
  });
  const host = new TopicHost({
    shelf,
    commit,
    publisher: {
      durable: (_, events) => {
        batchSizes.push(events.length);
        left.push(...events.map(({ seq, type }) => `event ${seq} ${type}`));
      },
      ephemeral: (_, events) => left.push(...events.map(({ type }) => `whisper ${type}`)),
    },
    courier,
    clock,
    mint: ids,
    random: Math.random,
    tracer: silentTelemetry().tracer,
    errandWaitMs: 1_000,
  });
  return { host, shelf, commit, left, batchSizes, errands, errandTraces, owned };
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const newId = (): bigint => ids.mintTopicId(Math.random);
const refOf = (topicId: bigint) => ({ topicId, channelId: 0n });
const commandOf = (commandId: bigint) => ({
  commandId,
  actorId: 1n,
  actorIsBot: false,
  reason: '',
});

/** Joins a guild, which is one event and one row. */
function join(
  process: Process,
  topicId: bigint,
  commandId: bigint,
  guildId: bigint,
  options = USER,
) {
  return process.host.command<UserTopic>(
    refOf(topicId),
    commandOf(commandId),
    options,
    (topic, changes) => {
      topic.joinGuild(guildId, changes);
      return bytes(`joined ${guildId}`);
    },
  );
}

const guildsOf = async (process: Process, topicId: bigint): Promise<bigint[]> => {
  let guilds: bigint[] = [];
  await process.host.query<UserTopic>(refOf(topicId), USER, (topic) => {
    guilds = [...topic.guildIds];
    return bytes('');
  });
  return guilds;
};

describe('TopicHost', () => {
  it('answers a command when it is committed and published, and finds it after a restart', async () => {
    const process = startProcess();
    const topicId = newId();
    expect(text(await join(process, topicId, 1n, 7n))).toBe('joined 7');
    expect(process.left).toEqual(['event 1 guildhall.guild_joined']);
    const restarted = startProcess();
    expect(await guildsOf(restarted, topicId)).toEqual([7n]);
  });

  it('does a command once, however often and wherever it comes', async () => {
    const process = startProcess();
    const topicId = newId();
    const answers = await Promise.all([
      join(process, topicId, 5n, 1n),
      join(process, topicId, 5n, 2n),
      join(process, topicId, 6n, 3n),
    ]);
    expect(answers.map(text)).toEqual(['joined 1', 'joined 1', 'joined 3']);
    expect(text(await join(process, topicId, 5n, 4n))).toBe('joined 1');
    const restarted = startProcess();
    expect(text(await join(restarted, topicId, 6n, 5n))).toBe('joined 3');
    expect(await guildsOf(restarted, topicId)).toEqual([1n, 3n]);
    expect(restarted.left).toEqual([]);
  });

  it('publishes what shared a commit as one message', async () => {
    const process = startProcess();
    const topicId = newId();
    await join(process, topicId, 1n, 1n);
    await Promise.all([2n, 3n, 4n, 5n].map((n) => join(process, topicId, n, n)));
    expect(process.batchSizes).toEqual([1, 4]);
    expect(process.left).toHaveLength(5);
  });

  it('lets an answer to a query leave in its place among the events', async () => {
    const process = startProcess();
    const topicId = newId();
    await join(process, topicId, 1n, 1n);
    process.left.length = 0;
    const note = (what: string) => () => process.left.push(what);
    const query = () =>
      process.host
        .query<UserTopic>(refOf(topicId), USER, (topic) => bytes(`saw ${topic.guildIds.size}`))
        .then((answer) => process.left.push(text(answer)));
    await Promise.all([
      join(process, topicId, 2n, 2n).then(note('answered 2')),
      query(),
      join(process, topicId, 3n, 3n).then(note('answered 3')),
      query(),
    ]);
    const seen = process.left.filter((line) => !line.startsWith('answered'));
    expect(seen.indexOf('saw 2')).toBeGreaterThan(seen.indexOf('event 2 guildhall.guild_joined'));
    expect(seen.indexOf('saw 3')).toBeGreaterThan(seen.indexOf('event 3 guildhall.guild_joined'));
    expect(seen).toHaveLength(4);
  });

  it('refuses without a trace when the decision refuses before it changes anything', async () => {
    const process = startProcess();
    const topicId = newId();
    await join(process, topicId, 1n, 1n);
    const refused = process.host.command<UserTopic>(refOf(topicId), commandOf(2n), USER, () => {
      throw refuse('MissingPermissions');
    });
    await expect(refused).rejects.toMatchObject({ code: FaultCode.Refused });
    expect(process.shelf.peek(topicId)?.isLost).toBe(false);
    expect(await guildsOf(process, topicId)).toEqual([1n]);
  });

  it('believes nothing of a topic whose decision failed half way', async () => {
    const process = startProcess();
    const topicId = newId();
    await join(process, topicId, 1n, 1n);
    const failed = process.host.command<UserTopic>(
      refOf(topicId),
      commandOf(2n),
      USER,
      (topic, changes) => {
        topic.joinGuild(66n, changes);
        throw new TypeError('half way');
      },
    );
    await expect(failed).rejects.toThrow('half way');
    expect(process.shelf.peek(topicId)).toBeUndefined();
    expect(await guildsOf(process, topicId)).toEqual([1n]);
  });

  it('knows no topic that was never born', async () => {
    const process = startProcess();
    const topicId = newId();
    const refused = process.host.command<UserTopic>(refOf(topicId), commandOf(1n), USER, () => {
      throw refuse('MissingPermissions');
    });
    await expect(refused).rejects.toMatchObject({ code: FaultCode.Refused });
    await expect(join(process, topicId, 2n, 1n, KNOWN_USER)).rejects.toMatchObject({
      refusal: { discordCode: 10013 },
    });
    await expect(join(process, newId(), 3n, 1n, KNOWN_USER)).rejects.toMatchObject({
      refusal: { discordCode: 10013 },
    });
  });

  it('cannot write once another process has taken the topic, and says wrong_owner', async () => {
    const old = startProcess();
    const topicId = newId();
    await join(old, topicId, 1n, 1n);
    const replacement = startProcess();
    await join(replacement, topicId, 2n, 2n);
    await expect(join(old, topicId, 3n, 3n)).rejects.toMatchObject({ code: FaultCode.WrongOwner });
    expect(old.left).toEqual(['event 1 guildhall.guild_joined']);
    expect(await guildsOf(startProcess(), topicId)).toEqual([1n, 2n]);
  });

  it('takes nothing for partitions that are not its own, and releases what it loses', async () => {
    const process = startProcess();
    const topicId = newId();
    await join(process, topicId, 1n, 1n);
    const underway = join(process, topicId, 2n, 2n);
    await new Promise(setImmediate);
    process.owned.all = false;
    await process.shelf.release(
      new Set(Array.from({ length: 1_024 }, (_, partition) => partition)),
    );
    expect(text(await underway)).toBe('joined 2');
    expect(process.shelf.heldCount).toBe(0);
    await expect(join(process, topicId, 3n, 3n)).rejects.toMatchObject({
      code: FaultCode.WrongOwner,
    });
  });

  it('refuses commands as overloaded at its bound', async () => {
    const process = startProcess({ waitingMax: 2 });
    const topicId = newId();
    await join(process, topicId, 1n, 1n);
    const outcomes = await Promise.allSettled(
      [2n, 3n, 4n].map((id) => join(process, topicId, id, id)),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect((outcomes[2] as PromiseRejectedResult).reason).toMatchObject({
      code: FaultCode.Overloaded,
    });
  });

  it('answers after its errands where that was asked for, and not where it was not', async () => {
    const { promise: run, resolve } = Promise.withResolvers<void>();
    const process = startProcess({ courier: () => run });
    const topicId = newId();
    const order: string[] = [];
    const tell = (topic: UserTopic, changes: Changes): Uint8Array => {
      topic.joinGuild(changes.commandId, changes);
      changes.tell(9n, { case: 'guildJoined', value: { guildId: changes.commandId } });
      return bytes('');
    };
    const patient = process.host
      .command(refOf(topicId), commandOf(1n), { ...USER, awaitErrands: true }, tell)
      .then(() => order.push('patient'));
    const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    await process.host.command(refOf(topicId), commandOf(2n), USER, tell, trace);
    order.push('hasty');
    resolve();
    await patient;
    expect(order).toEqual(['hasty', 'patient']);
    expect(process.errands).toMatchObject([{ targetTopicId: 9n }, { targetTopicId: 9n }]);
    expect(process.errandTraces).toEqual([undefined, trace]);
  });

  it('keeps the events that followers may have missed, and says when it cannot', async () => {
    const process = startProcess();
    const topicId = newId();
    for (let id = 1n; id <= 20n; id += 1n) await join(process, topicId, id, id);
    const held = process.shelf.peek(topicId)!;
    expect(held.eventsAfter(18n, 10, 1_000_000)!.map(({ seq }) => seq)).toEqual([19n, 20n]);
    expect(held.eventsAfter(18n, 1, 1_000_000)!.map(({ seq }) => seq)).toEqual([19n]);
    expect(held.eventsAfter(20n, 10, 1_000_000)).toEqual([]);
    expect(held.eventsAfter(0n, 10, 1_000_000)).toBeUndefined();
  });

  it('forgets the topics unused for longest, but none that is followed', async () => {
    const process = startProcess();
    const topics = [newId(), newId(), newId(), newId()];
    for (const [index, topicId] of topics.entries())
      await join(process, topicId, BigInt(index) + 1n, 1n);
    process.shelf.peek(topics[0]!)!.followers.set('gateway-1', 0);
    for (const held of process.shelf.all()) held.lastUsedMs = topics.indexOf(held.topic.id);
    process.shelf.evict();
    expect([...process.shelf.all()].map(({ topic }) => topics.indexOf(topic.id)).sort()).toEqual([
      0, 3,
    ]);
    expect(await guildsOf(process, topics[1]!)).toEqual([1n]);
  });

  it('fails what is waiting when the database is gone, and is well again when it is back', async () => {
    const process = startProcess();
    const topicId = newId();
    await join(process, topicId, 1n, 1n);
    await store.query({
      text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'topic-host-spec' AND pid <> pg_backend_pid()`,
    });
    const outcome = await join(process, topicId, 2n, 2n).then(text, Fault.from);
    if (outcome instanceof Fault) expect(outcome.code).toBe(FaultCode.Unavailable);
    expect(text(await join(process, topicId, 2n, 2n))).toBe('joined 2');
    expect(await guildsOf(process, topicId)).toEqual([1n, 2n]);
  });
});
