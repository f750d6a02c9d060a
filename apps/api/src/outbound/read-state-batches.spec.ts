import { createMemoryBus, partitionMethods, servePartition, type MemoryBus } from '@guildhall/bus';
import { ManualClock } from '@guildhall/clock';
import {
  BatchStatus,
  batchStatusOf,
  OperationReader,
  PartitionedService,
  ReadStates,
  ResultWriter,
  type BatchRequest,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { fakeTelemetry, SPAN } from '@guildhall/telemetry';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { ReadStateBatches, type ReadStateBatchesOptions } from './read-state-batches.js';

const seeded = new SeededRandom(seedFromEnv(process.env['SEED']));

/** User number n of a partition. */
const userOf = (partition: number, n = 1): bigint =>
  (BigInt(n) << 22n) | (BigInt(partition) << 12n);
const wide = (hi: number, lo: number): bigint => (BigInt(hi) << 32n) | BigInt(lo);

interface Seen {
  readonly userId: bigint;
  readonly messageId: bigint;
}

/** An instance of read-states: what it was asked, one list a message. */
class Instance {
  readonly messages: Seen[][] = [];
  /** What each operation is answered with. */
  say: (operation: Seen) => FaultCode | undefined = () => undefined;
  /** When a message is answered; what it throws is the answer to all of it. */
  until: () => Promise<void> = () => Promise.resolve();
  readonly #name: string;
  readonly #bus: MemoryBus;
  readonly #reader = new OperationReader();
  readonly #owned = new Map<number, { unsubscribe(): void }>();
  #hasTooFewResults = false;

  constructor(name: string, bus: MemoryBus) {
    this.#name = name;
    this.#bus = bus;
  }

  own(...partitions: number[]): void {
    const table = partitionMethods([ReadStates], { batch: (request) => this.#batch(request) });
    for (const partition of partitions) {
      const served = servePartition(this.#bus, PartitionedService.ReadStates, partition, table);
      this.#owned.set(partition, served);
    }
  }

  leave(partition: number): void {
    this.#owned.get(partition)?.unsubscribe();
    this.#owned.delete(partition);
  }

  answerTooFew(): void {
    this.#hasTooFewResults = true;
  }

  async #batch({ operations }: BatchRequest) {
    this.#reader.read(operations, 10_000);
    const seen = Array.from({ length: this.#reader.count }, (_, at) => ({
      userId: wide(this.#reader.userHi(at), this.#reader.userLo(at)),
      messageId: wide(this.#reader.messageHi(at), this.#reader.messageLo(at)),
    }));
    this.messages.push(seen);
    const codes = seen.map((one) => {
      const partition = Number((one.userId >> 12n) & 1023n);
      return this.#owned.has(partition) ? this.say(one) : FaultCode.WrongOwner;
    });
    await this.until();
    const results = new ResultWriter(this.#hasTooFewResults ? 0 : seen.length, 0);
    if (!this.#hasTooFewResults) {
      for (const [at, code] of codes.entries()) {
        results.put(at, code === undefined ? BatchStatus.Moved : batchStatusOf(code), 0, 1);
      }
    }
    return { results: results.results, entries: results.entries, instance: this.#name };
  }
}

/** What became of something, once it did. */
class Outcome {
  code: string | undefined;

  constructor(promise: Promise<void>) {
    promise.then(
      () => (this.code = 'done'),
      (reason: unknown) => (this.code = (reason as Fault).code),
    );
  }
}

function setUp(given: Partial<ReadStateBatchesOptions> = {}) {
  const clock = new ManualClock();
  const hub = createMemoryBus(clock);
  const api = hub.connect({ name: 'api' });
  const telemetry = fakeTelemetry();
  const marks = new ReadStateBatches({
    bus: api,
    tracer: telemetry.tracer,
    deadlineMs: 8_000,
    operationsMax: 1_000,
    waitingPerLaneMax: 1_000,
    waitingMax: 10_000,
    random: () => seeded.next(),
    ...given,
  });
  const instance = (name: string): Instance => new Instance(name, hub.connect({ name }));
  const ack = (userId: bigint, ...messageIds: bigint[]): Outcome =>
    new Outcome(
      marks.ack(
        userId,
        messageIds.map((messageId) => ({ channelId: 7n, messageId })),
        undefined,
      ),
    );
  return { clock, hub, api, telemetry, marks, instance, ack };
}

/** A message stays unanswered until `open` is called. */
function gate(instance: Instance): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  instance.until = () => promise;
  return resolve;
}

describe(`read state operations (${seeded})`, () => {
  it('go at once when nothing is under way, and together when they come together', async () => {
    const { clock, instance, ack, marks } = setUp();
    const owner = instance('one');
    owner.own(1);
    const outcome = ack(userOf(1), 1n, 2n, 3n);
    await clock.advanceAsync(0);
    expect([outcome.code, marks.inHandCount]).toEqual(['done', 0]);
    expect(owner.messages).toEqual([
      [1n, 2n, 3n].map((messageId) => ({ userId: userOf(1), messageId })),
    ]);
  });

  it('that come while a message is under way go in the next, in their order', async () => {
    const { clock, instance, ack } = setUp();
    const owner = instance('one');
    owner.own(1);
    const open = gate(owner);
    const outcomes = [ack(userOf(1), 1n)];
    await clock.advanceAsync(1);
    for (const id of [2n, 3n, 4n]) {
      outcomes.push(ack(userOf(1, Number(id) % 2), id));
      await clock.advanceAsync(1);
    }
    expect(owner.messages.map((seen) => seen.length)).toEqual([1]);
    open();
    await clock.advanceAsync(0);
    expect(owner.messages.map((seen) => seen.map(({ messageId }) => messageId))).toEqual([
      [1n],
      [2n, 3n, 4n],
    ]);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'done', 'done', 'done']);
  });

  it('of all partitions of one instance share messages, once it is known whose they are', async () => {
    const { clock, instance, ack } = setUp();
    const [one, two] = [instance('one'), instance('two')];
    const partitions = Array.from({ length: 20 }, (_, at) => at);
    one.own(...partitions.filter((partition) => partition % 2 === 0));
    two.own(...partitions.filter((partition) => partition % 2 === 1));
    for (let round = 1n; round <= 2n; round += 1n) {
      for (const partition of partitions) ack(userOf(partition), round);
      await clock.advanceAsync(0);
    }
    for (const owner of [one, two]) {
      expect(owner.messages.map((seen) => seen.length)).toEqual([...Array(10).fill(1), 10]);
    }
  });

  it('are answered each for itself', async () => {
    const { clock, instance, ack } = setUp();
    const owner = instance('one');
    owner.own(1);
    owner.say = ({ messageId }) =>
      messageId === 2n ? FaultCode.Overloaded : messageId === 3n ? FaultCode.Invalid : undefined;
    const outcomes = [1n, 2n, 3n, 4n].map((id) => ack(userOf(1), id));
    const several = ack(userOf(1), 1n, 3n, 2n);
    await clock.advanceAsync(0);
    expect(outcomes.map(({ code }) => code)).toEqual(['done', 'overloaded', 'invalid', 'done']);
    expect(several.code).toBe('invalid');
    expect(owner.messages).toHaveLength(1);
  });

  it('are asked again alone when their partition has moved', async () => {
    const { clock, instance, ack } = setUp();
    const [one, two] = [instance('one'), instance('two')];
    one.own(1, 2);
    ack(userOf(1), 1n);
    ack(userOf(2), 1n);
    await clock.advanceAsync(0);
    one.leave(2);
    const stays = ack(userOf(1), 2n);
    const moves = ack(userOf(2), 2n);
    await clock.advanceAsync(0);
    expect([stays.code, moves.code]).toEqual(['done', undefined]);
    await clock.advanceAsync(1_000);
    expect(moves.code).toBeUndefined();
    two.own(2);
    await clock.advanceAsync(400);
    expect(moves.code).toBe('done');
    // And from then on they are known to be two.
    ack(userOf(1), 3n);
    ack(userOf(2), 3n);
    await clock.advanceAsync(0);
    const ids = ({ messages }: Instance) => messages.flat().map(({ messageId }) => messageId);
    expect([ids(one), ids(two)]).toEqual([
      [1n, 1n, 2n, 2n, 3n],
      [2n, 3n],
    ]);
  });

  it.each([
    ['nobody serves them', 'unavailable'],
    ['the answer is lost', 'timeout'],
    ['the owner cannot just now', 'unavailable'],
  ])('are given up at the deadline when %s', async (why, code) => {
    const { clock, hub, instance, ack, marks } = setUp({ deadlineMs: 5_000 });
    const owner = instance('one');
    if (why !== 'nobody serves them') owner.own(1);
    if (why === 'the answer is lost') {
      hub.rule(({ from, to }) => (from === 'one' && to === 'api' ? 'drop' : undefined));
    }
    owner.say = () => FaultCode.Unavailable;
    const outcome = ack(userOf(1), 1n);
    await clock.advanceAsync(4_500);
    expect(outcome.code).toBeUndefined();
    await clock.advanceAsync(500);
    expect([outcome.code, marks.inHandCount]).toEqual([code, 0]);
    if (why !== 'nobody serves them') expect(owner.messages.length).toBeGreaterThan(1);
    const [first] = owner.messages;
    expect(owner.messages.every((seen) => seen[0]!.messageId === first![0]!.messageId)).toBe(true);
  });

  it('do not wait for the patience of others once their own time is over', async () => {
    const { clock, instance, ack, marks } = setUp({ deadlineMs: 2_500 });
    const owner = instance('one');
    const early = ack(userOf(1), 1n);
    await clock.advanceAsync(2_000);
    owner.own(1);
    gate(owner);
    const late = ack(userOf(1), 2n);
    await clock.advanceAsync(500);
    expect([early.code, late.code, marks.inHandCount]).toEqual(['unavailable', undefined, 1]);
    await clock.advanceAsync(2_000);
    expect(late.code).toBe('timeout');
    expect(owner.messages.flat().map(({ messageId }) => messageId)).not.toContain(1n);
  });

  it('are refused at once when too many wait for one owner, or in all', async () => {
    const { clock, instance, ack, marks } = setUp({ waitingPerLaneMax: 3, waitingMax: 6 });
    const owner = instance('one');
    owner.own(1, 2);
    const open = gate(owner);
    const outcomes = [ack(userOf(1), 1n)];
    await clock.advanceAsync(0);
    for (let id = 2n; id <= 5n; id += 1n) outcomes.push(ack(userOf(1), id));
    await clock.advanceAsync(0);
    expect(outcomes.map(({ code }) => code)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'overloaded',
    ]);
    const others = [1n, 2n, 3n].map((id) => ack(userOf(2), id));
    await clock.advanceAsync(0);
    expect(others.map(({ code }) => code)).toEqual([undefined, undefined, 'overloaded']);
    open();
    await clock.advanceAsync(0);
    expect(marks.inHandCount).toBe(0);
    const after = ack(userOf(2), 4n);
    await clock.advanceAsync(0);
    expect(after.code).toBe('done');
  });

  it('are not asked again when the owner has too much to do', async () => {
    const { clock, instance, ack } = setUp();
    const owner = instance('one');
    owner.own(1);
    owner.until = async () => {
      throw new Fault(FaultCode.Overloaded, 'full');
    };
    const outcome = ack(userOf(1), 1n, 2n);
    await clock.advanceAsync(8_000);
    expect([outcome.code, owner.messages.length]).toEqual(['overloaded', 1]);
  });

  it('travel so many at a time', async () => {
    const { clock, instance, ack } = setUp({ operationsMax: 4 });
    const owner = instance('one');
    owner.own(1);
    const outcome = ack(userOf(1), ...Array.from({ length: 10 }, (_, at) => BigInt(at + 1)));
    await clock.advanceAsync(0);
    expect(outcome.code).toBe('done');
    expect(owner.messages.map((seen) => seen.length)).toEqual([4, 4, 2]);
  });

  it('fail when there is not a result for each', async () => {
    const { clock, instance, ack } = setUp();
    const owner = instance('one');
    owner.own(1);
    owner.answerTooFew();
    const outcome = ack(userOf(1), 1n, 2n);
    await clock.advanceAsync(0);
    expect(outcome.code).toBe('malformed');
  });

  it('of two traces share no message, and do not wait for each other', async () => {
    const { clock, instance, marks, ack, telemetry } = setUp();
    const owner = instance('one');
    owner.own(1);
    const open = gate(owner);
    const { tracer } = telemetry;
    const roots = [1, 2].map(() => tracer.forcedRoot(SPAN.gateway.identify)!);
    ack(userOf(1), 1n);
    await clock.advanceAsync(0);
    ack(userOf(1), 2n);
    for (const root of roots) {
      for (const messageId of [3n, 4n]) {
        void marks.ack(userOf(1), [{ channelId: 7n, messageId }], root.context);
      }
    }
    await clock.advanceAsync(0);
    // The one without a trace was ahead of them and waits for the first message.
    expect(owner.messages.map((seen) => seen.length)).toEqual([1]);
    open();
    await clock.advanceAsync(0);
    expect(owner.messages.map((seen) => seen.length)).toEqual([1, 3, 2]);
    for (const root of roots) root.end();
    const clients = telemetry.spans().filter(({ name }) => name === 'read-states/Batch');
    expect(clients.map(({ traceId }) => traceId)).toEqual(
      roots.map((root) => root.context.traceId),
    );
  });

  it('are done when answered so, whatever is lost and whoever owns them meanwhile', async () => {
    const { clock, hub, instance, ack, marks } = setUp({ operationsMax: 20 });
    const owners = [instance('one'), instance('two'), instance('three')];
    const partitions = [1, 2, 3, 4, 5];
    const holders = new Map(partitions.map((partition) => [partition, owners[0]!]));
    owners[0]!.own(...partitions);
    /** By user, in the order in which they were done. */
    const done = new Map<bigint, bigint[]>();
    for (const owner of owners) {
      owner.say = ({ userId, messageId }) => {
        if (seeded.chance(0.05)) return FaultCode.Unavailable;
        done.set(userId, [...(done.get(userId) ?? []), messageId]);
        return undefined;
      };
    }
    hub.rule(({ from, to }) =>
      from !== to && seeded.chance(0.02) ? 'drop' : seeded.chance(0.2) ? { delayMs: 5 } : undefined,
    );
    const asked: { userId: bigint; messageId: bigint; outcome: Outcome }[] = [];
    for (let step = 1; step <= 2_000; step += 1) {
      const userId = userOf(seeded.pick(partitions), 1 + seeded.int(4));
      const messageId = BigInt(step);
      asked.push({ userId, messageId, outcome: ack(userId, messageId) });
      if (seeded.chance(0.5)) await clock.advanceAsync(seeded.int(40));
      if (seeded.chance(0.02)) {
        const partition = seeded.pick(partitions);
        holders.get(partition)!.leave(partition);
        holders.set(partition, seeded.pick(owners));
        holders.get(partition)!.own(partition);
      }
    }
    await clock.advanceAsync(10_000);
    expect(marks.inHandCount).toBe(0);
    expect(asked.filter(({ outcome }) => outcome.code === 'done').length).toBeGreaterThan(1_900);
    for (const { userId, messageId, outcome } of asked) {
      if (outcome.code === 'done') expect(done.get(userId)).toContain(messageId);
    }
  });
});
