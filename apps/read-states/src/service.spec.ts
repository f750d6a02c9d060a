import { fromBinary } from '@bufbuild/protobuf';
import { callMethod, callOwner } from '@guildhall/bus';
import {
  EventBatchSchema,
  MEMBERS_SUBJECT,
  batchFaultCode,
  OperationWriter,
  ReadStates as Contract,
  versionAfterDeletion,
  ResultReader,
  topicEphemeral,
  type AckReply,
  type BatchReply,
} from '@guildhall/contracts';
import type { Fault } from '@guildhall/fault';
import { BYTES_MIN } from '@guildhall/read-state-table';
import { partitionOf, PARTITIONS_COUNT } from '@guildhall/snowflake';
import { SPAN } from '@guildhall/telemetry';
import {
  eventually,
  removePostgres,
  SeededRandom,
  seedFromEnv,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { fault, Fleet, userIn, type Running } from './testing/fleet.js';

const START_MS = 120_000;
const STORY_MS = 60_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const random = new SeededRandom(seedFromEnv(process.env['SEED']));
let server: PostgresServer;
let fleet: Fleet;

const isAppend = (text: string): boolean => text.includes('INSERT INTO ack_log');

// The machine may have other things to do; what must happen soon is waited for with its own time.
jest.setTimeout(STORY_MS);

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

afterEach(() => fleet.close(), STORY_MS);

describe('Acks', () => {
  it('move marks in the order of the request, and are loaded as they are', async () => {
    await fleet.start();
    const user = userIn(7);
    const reply = await fleet.ack(user, [
      { channelId: 1n, messageId: 10n },
      { channelId: 1n, messageId: 9n },
      { channelId: 1n, messageId: 12n, mentionCount: 2, flags: 1, lastViewed: 4_000 },
      { type: 3, channelId: 1n, messageId: 2n ** 64n - 1n },
    ]);
    expect(reply.moved).toEqual([true, false, true, true]);
    expect(reply.version).toBe(3n);

    const loaded = await fleet.load(user);
    expect(loaded.version).toBe(3n);
    expect(loaded.entries).toEqual([
      expect.objectContaining({
        type: 0,
        channelId: 1n,
        lastMessageId: 12n,
        mentionCount: 2,
        flags: 1,
        lastViewed: 4_000,
        version: 2n,
      }),
      expect.objectContaining({ type: 3, lastMessageId: 2n ** 64n - 1n, version: 3n }),
    ]);
    expect((await fleet.load(user, 2n)).entries.map(({ type }) => type)).toEqual([3]);
    expect((await fleet.load(user, 3n)).entries).toEqual([]);
    // Versions that the user has never had: what the client knows is from another life.
    for (const version of [4n, 2n ** 53n, 2n ** 64n - 1n]) {
      expect(await fleet.load(user, version)).toMatchObject({ version: 3n });
      expect((await fleet.load(user, version)).entries).toHaveLength(2);
    }
    expect((await fleet.load(userIn(8))).version).toBe(0n);
  });

  it('are told to the user’s sessions after the commit, in order, unless silent', async () => {
    await fleet.start();
    const user = userIn(9);
    const told: unknown[] = [];
    fleet.edge.subscribe(topicEphemeral(user), (payload) => {
      for (const event of fromBinary(EventBatchSchema, payload).events) {
        expect([event.topicId, event.seq, event.atUs > 0n]).toEqual([user, 0n, true]);
        told.push([event.type, JSON.parse(Buffer.from(event.data).toString())]);
      }
    });
    await fleet.ack(user, [{ channelId: 1n, messageId: 5n }], { silent: true });
    await fleet.ack(user, [
      { channelId: 1n, messageId: 7n },
      { channelId: 1n, messageId: 7n },
      { channelId: 1n, messageId: 3n, manual: true, mentionCount: 4, channelLastMessageId: 8n },
      { type: 1, channelId: 2n, messageId: 6n },
      { type: 2, channelId: user, messageId: 6n },
    ]);
    const partition = partitionOf(user);
    const pins = { userId: user, channelId: 1n, timestampMs: 1_000n };
    for (const moved of [true, false]) {
      const reply = await callOwner(fleet.edge, Contract.method.ackPins, partition, pins);
      expect(reply.moved).toEqual([moved]);
    }
    await fleet.edge.flush();

    const feature = { entity_id: '6' };
    expect(told).toEqual([
      ['MESSAGE_ACK', { channel_id: '1', message_id: '7', version: 2 }],
      [
        'MESSAGE_ACK',
        { channel_id: '1', message_id: '3', version: 3, manual: true, mention_count: 4 },
      ],
      ['GUILD_FEATURE_ACK', { ...feature, ack_type: 1, resource_id: '2', version: 4 }],
      ['USER_NON_CHANNEL_ACK', { ...feature, ack_type: 2, resource_id: String(user), version: 5 }],
      [
        'CHANNEL_PINS_ACK',
        { channel_id: '1', timestamp: '1970-01-01T00:00:01.000000+00:00', version: 6 },
      ],
    ]);
    expect((await fleet.load(user)).entries[0]?.manualUntilMessageId).toBe(8n);
  });

  it('are refused when they make no sense', async () => {
    await fleet.start({ acksPerRequestMax: 2 });
    const one = { channelId: 1n, messageId: 1n };
    expect(await fault(fleet.ack(0n, [one]))).toBe('invalid');
    expect(await fault(fleet.ack(userIn(1), [{ ...one, type: 6 }]))).toBe('invalid');
    expect(await fault(fleet.ack(userIn(1), [one, one, one]))).toBe('invalid');
    const pins = { userId: userIn(1), channelId: 1n, timestampMs: 2n ** 60n };
    expect(await fault(callOwner(fleet.edge, Contract.method.ackPins, 1, pins))).toBe('invalid');
    expect((await fleet.load(userIn(1))).version).toBe(0n);
  });

  it('share commits, and show in traces and metrics', async () => {
    const one = await fleet.start({ commitLanesCount: 1 });
    const users = Array.from({ length: 50 }, (_, at) => userIn(at));
    await Promise.all(users.map((user) => fleet.load(user)));
    const root = one.telemetry.tracer.root(SPAN.gateway.identify)!;
    await Promise.all(
      users.map((userId) =>
        callMethod(
          fleet.edge,
          Contract.method.ack,
          { partition: partitionOf(userId) },
          { userId, acks: [{ channelId: 1n, messageId: 1n }] },
          { timeoutMs: 5_000, trace: root.context },
        ),
      ),
    );
    const commits = one.telemetry.spans().filter((span) => span.name === 'store commit');
    expect(commits).toHaveLength(50);
    const shared = commits.map((span) => Number(span.attributes['guildhall.batch.count']));
    expect(Math.max(...shared)).toBeGreaterThan(10);
    expect(one.telemetry.spans().filter(({ kind }) => kind === 'PRODUCER')).toHaveLength(50);
    const text = one.telemetry.metrics.writeOpenMetrics();
    expect(text).toContain('read_states_users 50');
    expect(text).toContain('read_states_log_records 50');
    expect(text).toContain(`read_states_partitions_served ${PARTITIONS_COUNT}`);
    expect(await fleet.logRows()).toBeLessThan(10n);
  });

  it('are refused at once when too many requests are in hand', async () => {
    const one = await fleet.start({ waitingMax: 3 });
    await fleet.load(userIn(1));
    const held = Promise.withResolvers<void>();
    const { store } = one;
    const query = store.query.bind(store);
    store.query = async (statement, values) => {
      if (isAppend(statement.text)) await held.promise;
      return query(statement, values);
    };
    const acks = [1n, 2n, 3n].map((messageId) =>
      fleet.ack(userIn(1), [{ channelId: 1n, messageId }]),
    );
    expect(await fault(fleet.ack(userIn(1), [{ channelId: 1n, messageId: 4n }]))).toBe(
      'overloaded',
    );
    held.resolve();
    expect((await Promise.all(acks)).map(({ version }) => version)).toEqual([1n, 2n, 3n]);
  });
});

describe('Batches', () => {
  const batch = async (
    partition: number,
    writer: OperationWriter,
  ): Promise<{ reply: BatchReply; results: ResultReader; shown: string[] }> => {
    const request = { operations: writer.take() };
    const reply = await callOwner(fleet.edge, Contract.method.batch, partition, request);
    const results = new ResultReader(reply);
    const shown = Array.from({ length: results.count }, (_, at) => {
      const status = results.statusAt(at);
      return `${batchFaultCode(status) ?? status} v${results.versionAt(at)}`;
    });
    return { reply, results, shown };
  };

  it('carry many operations of many users, each answered for itself, in order', async () => {
    const one = await fleet.start({ operationsMax: 20 });
    const [user, other] = [userIn(3), userIn(1_000)];
    const last = 2n ** 64n - 1n;
    const writer = new OperationWriter();
    writer.get(user, 0, 1n);
    writer.ack(user, { channelId: 1n, messageId: 10n, mentionCount: 2, flags: 1, lastViewed: 9 });
    writer.get(user, 0, 1n);
    writer.ack(user, { channelId: 1n, messageId: 9n });
    writer.ack(other, { channelId: last, messageId: last }, true);
    writer.ackPins(user, 1n, 1_700_000_000_000n);
    writer.ackPins(user, 1n, 2n ** 60n);
    writer.ack(user, { type: 6, channelId: 1n, messageId: 1n });
    writer.ack(0n, { channelId: 1n, messageId: 1n });
    writer.get(user, 7, 1n);
    const manual = { manual: true, mentionCount: 3, channelLastMessageId: last };
    writer.ack(user, { channelId: 1n, messageId: 4n, ...manual });
    writer.get(user, 0, 1n);
    writer.delete(other, 0, last);
    writer.get(other, 0, last);
    const { reply, results, shown } = await batch(3, writer);
    expect(reply.instance).toBe(one.name);
    expect(shown).toEqual([
      '0 v0',
      '1 v1',
      '0 v1',
      '0 v1',
      '1 v1',
      '1 v2',
      ...['invalid v0', 'invalid v0', 'invalid v0', 'invalid v0'],
      '1 v3',
      '0 v3',
      '1 v1048576',
      '0 v1048576',
    ]);
    const entry = { type: 0, channelId: 1n, flags: 1, lastViewed: 9 };
    expect([0, 2, 11, 13].map((at) => results.entryAt(at))).toEqual([
      undefined,
      {
        ...entry,
        lastMessageId: 10n,
        mentionCount: 2,
        version: 1n,
        lastPinTimestampMs: 0n,
        manualUntilMessageId: 0n,
      },
      {
        ...entry,
        lastMessageId: 4n,
        mentionCount: 3,
        version: 3n,
        lastPinTimestampMs: 1_700_000_000_000n,
        manualUntilMessageId: last,
      },
      undefined,
    ]);
    expect(await fleet.shown(user)).toEqual(['0/1: 4 v3']);

    for (let at = 0; at < 21; at += 1) writer.get(user, 0, 1n);
    expect(await fault(batch(3, writer))).toBe('invalid');
    const junk = { operations: new Uint8Array([1, 2, 3]) };
    const asked = callOwner(fleet.edge, Contract.method.batch, 3, junk);
    expect(await fault(asked)).toBe('malformed');
    expect((await batch(3, writer)).shown).toEqual([]);
  });

  it('say of each operation whether its partition is served here', async () => {
    const [one, two] = [await fleet.start(), await fleet.start()];
    await eventually(
      () =>
        one.app.servedCount + two.app.servedCount === PARTITIONS_COUNT && two.app.servedCount > 0,
      { label: 'both serve' },
    );
    const writer = new OperationWriter();
    for (let at = 0; at < PARTITIONS_COUNT; at += 1) {
      writer.ack(userIn(at), { channelId: 1n, messageId: 1n });
    }
    const { reply, shown } = await batch(5, writer);
    const served = [one, two].find(({ name }) => name === reply.instance)!.app.servedCount;
    const count = (text: string): number => shown.filter((each) => each === text).length;
    expect([count('1 v1'), count('wrong_owner v0')]).toEqual([served, PARTITIONS_COUNT - served]);
    expect(shown[5]).toBe('1 v1');
  });
});

describe('What was answered', () => {
  it('survives the death of the process, folded or not', async () => {
    const one = await fleet.start();
    const users = [1, 2, 513].map((partition) => userIn(partition));
    for (const user of users) await fleet.ack(user, [{ channelId: 1n, messageId: 10n }]);
    const again = await fleet.start({ foldIntervalMs: 10 });
    for (const user of users) await fleet.ack(user, [{ channelId: 2n, messageId: 20n }]);
    const expected = ['0/1: 10 v1', '0/2: 20 v2'];
    for (const user of users) expect(await fleet.shown(user)).toEqual(expected);

    await fleet.crash(again);
    await fleet.crash(one);
    const last = await fleet.start();
    for (const user of users) expect(await fleet.shown(user)).toEqual(expected);
    expect((await fleet.load(users[0]!)).version).toBe(2n);
    await fleet.drain(last);
  });

  it('is replayed by the next owner, who says how much it was, and by no other', async () => {
    await fleet.crash(await ackedBy(await fleet.start(), 100));
    expect(await fleet.logRows()).toBeGreaterThan(0n);

    const next = await fleet.start({ sweepIntervalMs: 100 });
    const claims = next.telemetry.logs().filter((line) => line['message'] === 'partitions claimed');
    expect(claims.reduce((sum, line) => sum + Number(line['replayedRecords']), 0)).toBe(100);
    expect(next.telemetry.metrics.writeOpenMetrics()).toContain(
      'read_states_replayed_records_total 100',
    );
    for (let at = 0; at < 100; at += 1) {
      expect(await fleet.shown(userIn(at))).toEqual([`0/1: ${at + 1} v1`]);
    }
    await eventually(async () => (await fleet.logRows()) === 0n, {
      label: 'the dead log is swept',
    });
    await fleet.crash(next);

    const last = await fleet.start();
    const text = last.telemetry.metrics.writeOpenMetrics();
    expect(text).toContain('read_states_replayed_records_total 0');
    expect(await fleet.shown(userIn(99))).toEqual(['0/1: 100 v1']);
  });

  it('is in the rows after a drain: the next owner has nothing to replay', async () => {
    const one = await ackedBy(await fleet.start(), 20);
    await fleet.drain(one);
    expect(await fleet.logRows()).toBe(0n);
    const next = await fleet.start();
    expect(await fleet.shown(userIn(19))).toEqual(['0/1: 20 v1']);
    expect(next.telemetry.metrics.writeOpenMetrics()).toContain(
      'read_states_replayed_records_total 0',
    );
  });

  it('stays deleted, and the version goes on', async () => {
    const user = userIn(3);
    let one = await fleet.start();
    await fleet.ack(user, [{ channelId: 1n, messageId: 10n }]);
    const request = { userId: user, type: 0, channelId: 1n };
    const deleted = await callOwner(fleet.edge, Contract.method.delete, 3, request);
    expect([deleted.moved, deleted.version]).toEqual([[true], 2n ** 20n]);
    for (const how of ['crash', 'drain', 'crash'] as const) {
      await fleet[how](one);
      one = await fleet.start();
      expect(await fleet.load(user)).toMatchObject({ entries: [], version: 2n ** 20n });
    }
    expect((await fleet.ack(user, [{ channelId: 1n, messageId: 1n }])).version).toBe(
      2n ** 20n + 1n,
    );
  });

  async function ackedBy(one: Running, usersCount: number): Promise<Running> {
    for (let at = 0; at < usersCount; at += 1) {
      await fleet.ack(userIn(at), [{ channelId: 1n, messageId: BigInt(at + 1) }]);
    }
    return one;
  }
});

describe('When the database fails', () => {
  it('an ack that was not written is answered unavailable and forgotten', async () => {
    const { store } = await fleet.start();
    const user = userIn(5);
    await fleet.ack(user, [{ channelId: 1n, messageId: 10n }]);
    let isAway = true;
    store.mishap = (text) => (isAway && isAppend(text) ? 'lost' : undefined);
    const once = (messageId: bigint): Promise<AckReply> =>
      callMethod(
        fleet.edge,
        Contract.method.ack,
        { partition: 5 },
        { userId: user, acks: [{ channelId: 1n, messageId }] },
        { timeoutMs: 5_000 },
      );
    expect(await Promise.all([fault(once(11n)), fault(once(12n))])).toEqual([
      'unavailable',
      'unavailable',
    ]);
    expect(await fleet.shown(user)).toEqual(['0/1: 10 v1']);
    isAway = false;
    expect(await once(11n)).toMatchObject({ moved: [true], version: 2n });
  });

  it('a commit whose answer was lost counts, and is counted once', async () => {
    const { store } = await fleet.start();
    const user = userIn(5);
    let unheardCount = 0;
    store.mishap = (text) => (isAppend(text) && (unheardCount += 1) === 1 ? 'unheard' : undefined);
    const reply = await fleet.ack(user, [{ channelId: 1n, messageId: 10n }]);
    expect(reply).toMatchObject({ moved: [true], version: 1n });
    expect(await fleet.shown(user)).toEqual(['0/1: 10 v1']);
    expect(await fleet.logRows()).toBe(1n);
  });

  it('nobody is loaded while it is not known what was written', async () => {
    const { store } = await fleet.start();
    const user = userIn(5);
    let isAway = false;
    store.mishap = (text) => {
      if (isAway) return 'lost';
      if (!isAppend(text)) return undefined;
      isAway = true;
      return 'unheard';
    };
    const acked = fleet.ack(user, [{ channelId: 1n, messageId: 10n }]);
    const once = { timeoutMs: 1_000 };
    await eventually(
      async () => {
        const request = { userId: user, afterVersion: 0n };
        const where = { partition: 5 };
        return fault(callMethod(fleet.edge, Contract.method.load, where, request, once)).then(
          (code) => code === 'unavailable',
        );
      },
      { label: 'the lane is in doubt' },
    );
    store.mishap = () => undefined;
    // The first try was written, so the second finds nothing to move.
    expect(await acked).toMatchObject({ moved: [false], version: 1n });
    expect(await fleet.shown(user)).toEqual(['0/1: 10 v1']);
  });
});

describe('Folding', () => {
  it('goes on while acks come, and in the end the rows have everything', async () => {
    const one = await fleet.start({
      foldIntervalMs: 10,
      tableBytesMax: BYTES_MIN,
      foldWriteMax: 7,
    });
    const users = Array.from({ length: 20 }, (_, at) => userIn(at * 3));
    await Promise.all(
      users.map(async (user, at) => {
        for (let messageId = 1n; messageId <= 40n; messageId += 1n) {
          const channelId = messageId % 3n;
          expect(await fleet.ack(user, [{ channelId, messageId }])).toMatchObject({
            moved: [true],
            version: messageId,
          });
          if (at % 4 === 0) expect((await fleet.load(user)).version).toBe(messageId);
        }
      }),
    );
    await fleet.drain(one);
    const { rows } = await fleet.database.query<{ user_id: bigint; version: bigint }>({
      text: 'SELECT user_id, max(version) AS version, count(*) FROM read_state_parts GROUP BY user_id',
    });
    expect(rows).toHaveLength(20);
    expect(rows.every(({ version }) => version === 40n)).toBe(true);
    expect(await fleet.logRows()).toBe(0n);
  });

  it('that fails is done again, and loses nothing', async () => {
    const one = await fleet.start({ foldIntervalMs: 10, tableBytesMax: BYTES_MIN });
    let failuresCount = 0;
    one.store.mishap = (text) => {
      if (!text.includes('INSERT INTO read_state_parts') && !text.includes('DELETE FROM ack_log'))
        return;
      failuresCount += 1;
      return random.pick(['lost', 'unheard', undefined] as const);
    };
    for (let messageId = 1n; messageId <= 60n; messageId += 1n) {
      const user = userIn(Number(messageId % 4n));
      await fleet.ack(user, [{ channelId: 1n, messageId }]);
      expect(await fleet.shown(user)).toEqual([`0/1: ${messageId} v${(messageId + 3n) / 4n}`]);
    }
    await eventually(() => failuresCount > 5, { label: 'folds failed' });
    await fleet.crash(one);
    await fleet.start();
    expect(await fleet.shown(userIn(0))).toEqual(['0/1: 60 v15']);
  });

  it('that cannot keep up makes acks wait their turn elsewhere', async () => {
    const one = await fleet.start({ logRecordsMax: 2, commitLanesCount: 1 });
    for (const channelId of [1n, 2n]) await fleet.ack(userIn(1), [{ channelId, messageId: 1n }]);
    const third = [{ channelId: 3n, messageId: 1n }];
    expect(await fault(fleet.ack(userIn(1), third))).toBe('overloaded');
    expect(await fleet.shown(userIn(1))).toHaveLength(2);
    await fleet.drain(one);
  });
});

describe('Two instances', () => {
  it('share the partitions, and the one that stays has all of them', async () => {
    const [one, two] = [await fleet.start(), await fleet.start()];
    const shared = (): boolean =>
      one.app.servedCount + two.app.servedCount === PARTITIONS_COUNT &&
      Math.min(one.app.servedCount, two.app.servedCount) > 400;
    await eventually(shared, { label: 'both serve' });
    const users = Array.from({ length: 30 }, (_, at) => userIn(at * 30));
    for (const user of users) await fleet.ack(user, [{ channelId: 1n, messageId: 1n }]);

    await fleet.drain(one);
    for (const user of users) {
      expect(await fleet.ack(user, [{ channelId: 1n, messageId: 2n }])).toMatchObject({
        moved: [true],
        version: 2n,
      });
    }
    expect(two.app.servedCount).toBe(PARTITIONS_COUNT);
  });

  it(
    'that both think a partition theirs: the one replaced commits nothing any more',
    async () => {
      // Every second they ask the log whether they were replaced, as they do in earnest.
      const one = await fleet.start({ foldIntervalMs: 1_000 });
      const user = userIn(77);
      await fleet.ack(user, [{ channelId: 1n, messageId: 1n }]);
      // The two do not hear of each other, and so each takes all partitions.
      const healed = fleet.hub.rule(({ subject, from, to }) =>
        subject === MEMBERS_SUBJECT && from !== to ? 'drop' : undefined,
      );
      const two = await fleet.start({ foldIntervalMs: 1_000 });
      const asked = async (who: Running, messageId: bigint): Promise<AckReply> => {
        const ended = fleet.hub.rule(({ subject, to }) =>
          subject.startsWith('read-states.v1.p') && to !== who.name ? 'drop' : undefined,
        );
        try {
          const acks = [{ channelId: 1n, messageId }];
          const request = { userId: user, acks };
          const where = { partition: 77 };
          return await callMethod(fleet.edge, Contract.method.ack, where, request, {
            timeoutMs: 300,
          });
        } finally {
          ended();
        }
      };
      const answered: bigint[] = [1n];
      const refused = new Set<string>();
      const answeredBy = new Set<Running>();
      let messageId = 1n;
      const askOne = async (): Promise<void> => {
        const who = random.pick([one, two]);
        messageId += 1n;
        try {
          const { moved } = await asked(who, messageId);
          answered.push(moved[0] === true ? messageId : 0n);
          answeredBy.add(who);
        } catch (reason) {
          refused.add((reason as Fault).code);
        }
      };
      // Who was replaced takes the partition again after a while, so it goes to and fro.
      await eventually(
        async () => {
          await askOne();
          return answered.length >= 12 && answeredBy.size === 2 && refused.has('wrong_owner');
        },
        { label: 'both have answered, and were refused', timeoutMs: STORY_MS / 2 },
      );
      expect(answered).not.toContain(0n);
      const text = one.telemetry.metrics.writeOpenMetrics();
      expect(Number(/read_states_partitions_lost_total (\d+)/.exec(text)![1])).toBeGreaterThan(0);

      healed();
      const lastAnswered = answered.at(-1)!;
      await eventually(
        () => one.app.servedCount + two.app.servedCount === PARTITIONS_COUNT || undefined,
        { label: 'they agree', timeoutMs: 20_000 },
      );
      // Not at once: who was replaced answers from memory until it asks the log, or commits.
      await eventually(
        async () => (await fleet.load(user)).entries[0]!.lastMessageId >= lastAnswered,
        { label: 'the last ack that was answered', timeoutMs: 20_000 },
      );
      // What is durable is what another makes of rows and log: each answered ack, once. What was
      // refused for want of an answer may be there too.
      for (const who of [one, two]) await fleet.crash(who);
      await fleet.start();
      const { entries, version } = await fleet.load(user);
      expect(entries[0]!.lastMessageId).toBeGreaterThanOrEqual(lastAnswered);
      expect(version).toBeGreaterThanOrEqual(BigInt(answered.length));
      expect(version).toBeLessThanOrEqual(messageId);
      if (!refused.has('timeout')) expect(version).toBe(BigInt(answered.length));
    },
    STORY_MS,
  );
});

describe(`Random stories with restarts and a bad connection (${random})`, () => {
  it(
    'end as the model says, and nothing is told twice',
    async () => {
      const knobs = {
        foldIntervalMs: 20,
        tableBytesMax: BYTES_MIN,
        sweepIntervalMs: 100,
        foldWriteMax: 5,
      };
      await fleet.start(knobs);
      const users = Array.from({ length: 10 }, (_, at) => userIn(at * 97, at + 1));
      const told = new Map<bigint, number[]>(users.map((user) => [user, []]));
      for (const user of users) {
        fleet.edge.subscribe(topicEphemeral(user), (payload) => {
          for (const event of fromBinary(EventBatchSchema, payload).events) {
            const data = JSON.parse(Buffer.from(event.data).toString()) as { version: number };
            told.get(user)!.push(data.version);
          }
        });
      }
      let isOver = false;
      const chaos = async (): Promise<number> => {
        let restartsCount = 0;
        for (const own = random.fork('chaos'); !isOver; restartsCount += 1) {
          const opsBefore = opsCount;
          await eventually(() => opsCount > opsBefore + own.int(40) || isOver, {
            label: 'some operations',
            timeoutMs: 30_000,
          });
          const victim = own.pick([...fleet.running]);
          if (fleet.running.size < 2 || own.chance(0.3)) {
            const { store } = await fleet.start(knobs);
            store.mishap = () =>
              own.chance(0.04) ? own.pick(['lost', 'unheard'] as const) : undefined;
          }
          await (own.chance(0.6) ? fleet.crash(victim) : fleet.drain(victim));
        }
        return restartsCount;
      };
      let opsCount = 0;
      const restarts = chaos();
      const finals = await Promise.all(
        users.map(async (user) => {
          const model = new Model();
          const own = random.fork(`user ${user}`);
          for (let step = 0; step < 150; step += 1) {
            await model.step(user, own);
            opsCount += 1;
          }
          return model;
        }),
      );
      isOver = true;
      expect(await restarts).toBeGreaterThan(3);

      await Promise.all([...fleet.running].map((one) => fleet.crash(one)));
      await fleet.start();
      for (const [at, user] of users.entries()) {
        const { version } = await fleet.load(user);
        expect(version).toBe(finals[at]!.version);
        expect(await fleet.shown(user)).toEqual(finals[at]!.shown());
        const versions = told.get(user)!;
        expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
        expect(versions.length).toBeGreaterThan(0);
        expect(versions.at(-1)!).toBeLessThanOrEqual(Number(version));
      }
    },
    STORY_MS * 2,
  );

  /** What one user should have, whatever happened to the processes in between. */
  class Model {
    readonly entries = new Map<string, { last: bigint; version: bigint }>();
    version = 0n;

    async step(user: bigint, own: SeededRandom): Promise<void> {
      const what = own.next();
      if (what < 0.2) {
        const { version } = await fleet.load(user);
        expect(version).toBe(this.version);
        expect(await fleet.shown(user)).toEqual(this.shown());
        return;
      }
      if (what < 0.3) {
        const request = { userId: user, type: 0, channelId: BigInt(own.int(3)) };
        const partition = partitionOf(user);
        const reply = await callOwner(fleet.edge, Contract.method.delete, partition, request);
        if (this.entries.delete(`0/${request.channelId}`)) {
          this.version = BigInt(versionAfterDeletion(Number(this.version)));
        }
        expect(reply.version).toBe(this.version);
        return;
      }
      // By hand one at a time: back and forth in one request, sent twice, would be back and forth
      // twice.
      const manual = own.chance(0.1);
      const acks = Array.from({ length: manual ? 1 : 1 + own.int(3) }, () => ({
        type: own.pick([0, 0, 2]),
        channelId: BigInt(own.int(3)),
        messageId: BigInt(1 + own.int(1_000)),
        manual,
      }));
      const reply = await fleet.ack(user, acks);
      const moved = acks.map((ack) => this.ack(ack));
      expect(reply.version).toBe(this.version);
      // A try that was cut off may have moved them before.
      for (const [at, isMoved] of reply.moved.entries()) if (isMoved) expect(moved[at]).toBe(true);
    }

    ack(one: { type: number; channelId: bigint; messageId: bigint; manual: boolean }): boolean {
      const key = `${one.type}/${one.channelId}`;
      const before = this.entries.get(key);
      const isMoved = one.manual
        ? before?.last !== one.messageId
        : one.messageId > (before?.last ?? 0n);
      if (isMoved) this.entries.set(key, { last: one.messageId, version: (this.version += 1n) });
      return isMoved;
    }

    shown(): string[] {
      return [...this.entries]
        .map(([key, { last, version }]) => `${key}: ${last} v${version}`)
        .sort();
    }
  }
});
