// The callers of the fleet bench, in a process of their own: what the apis of a fleet together ask
// of read-states. Operations that come while requests are under way are gathered and go with the
// next; all are for one instance, since there is one.
import { callMethod, connectNats, type Bus } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import {
  BatchStatus,
  inboxPrefix,
  OperationWriter,
  ReadStates as Contract,
  ResultReader,
} from '@guildhall/contracts';
import { partitionOf } from '@guildhall/snowflake';
import { SeededRandom } from '@guildhall/testkit';
import { channelIdOf, userIdOf } from './population.js';

/** What the caller is to do; a line of JSON on its standard input. */
export interface Load {
  readonly kind: 'ack' | 'ack-told' | 'get' | 'get-all';
  readonly seconds: number;
  /** Operations a second; 0: as many as are answered. */
  readonly rate: number;
  readonly usersCount: number;
  readonly channelsCount: number;
}

/** What came of it; a line of JSON on its standard output. */
export interface LoadResult {
  readonly answered: number;
  readonly failed: number;
  readonly messages: number;
  readonly tookMs: number;
  readonly latencyMs: Readonly<Record<'p50' | 'p99' | 'p999' | 'max', number>>;
}

const REQUESTS_AT_ONCE = 4;
/** Operations in one message at most. */
const OPERATIONS_MAX = 1_024;
const TIMEOUT_MS = 20_000;
const BUCKETS_PER_MS = 100;
const LATENCY_MS_MAX = 20_000;

/** Latencies in buckets of 10 us. */
class Latencies {
  readonly #counts = new Uint32Array(LATENCY_MS_MAX * BUCKETS_PER_MS + 1);
  count = 0;
  maxMs = 0;

  add(ms: number): void {
    const bucket = Math.min(LATENCY_MS_MAX * BUCKETS_PER_MS, Math.floor(ms * BUCKETS_PER_MS));
    this.#counts[bucket]! += 1;
    this.count += 1;
    if (ms > this.maxMs) this.maxMs = ms;
  }

  at(share: number): number {
    let left = this.count * share;
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return (bucket + 1) / BUCKETS_PER_MS;
    }
    return Number.NaN;
  }
}

/** Operations that wait, and when each of them came. */
class Gathered {
  readonly writer = new OperationWriter();
  arrivedAtMs: number[] = [];
  partition = 0;
}

/** One load, from its first operation to its last answer. */
class Caller {
  readonly #bus: Bus;
  readonly #load: Load;
  readonly #random: SeededRandom;
  readonly #latencies = new Latencies();
  readonly #users: bigint[];
  readonly #channels: bigint[];
  /** What waits, a message each; the last may take more. */
  readonly #waiting: Gathered[] = [];
  #underWay = 0;
  #messages = 0;
  #failed = 0;
  #nextUser = 0;
  #messageId: bigint;
  #isOver = false;
  #onIdle: (() => void) | undefined;

  constructor(bus: Bus, load: Load, seed: number) {
    this.#bus = bus;
    this.#load = load;
    this.#random = new SeededRandom(seed);
    this.#users = Array.from({ length: load.usersCount }, (_, at) => userIdOf(at));
    this.#channels = Array.from({ length: load.channelsCount }, (_, at) => channelIdOf(at));
    this.#messageId = BigInt(Date.now()) << 22n;
  }

  async run(): Promise<LoadResult> {
    const startedAtMs = performance.now();
    const idle = new Promise<void>((resolve) => (this.#onIdle = resolve));
    if (this.#load.rate === 0) this.#saturate(startedAtMs);
    else this.#pace(startedAtMs);
    await idle;
    const tookMs = performance.now() - startedAtMs;
    const latencies = this.#latencies;
    const at = (share: number): number => latencies.at(share);
    const latencyMs = { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: latencies.maxMs };
    const { count: answered } = latencies;
    return { answered, failed: this.#failed, messages: this.#messages, tookMs, latencyMs };
  }

  /** Keeps all requests under way, each full. */
  #saturate(startedAtMs: number): void {
    const untilMs = startedAtMs + this.#load.seconds * 1_000;
    const next = (): void => {
      const nowMs = performance.now();
      if (nowMs >= untilMs || this.#isOver) {
        this.#isOver = true;
        if (this.#underWay === 0) this.#onIdle?.();
        return;
      }
      for (let count = 0; count < OPERATIONS_MAX && !this.#isOver; count += 1) this.#arrive(nowMs);
      this.#send(next);
    };
    for (let count = 0; count < REQUESTS_AT_ONCE; count += 1) next();
  }

  /** Operations come at their rate, whatever becomes of them; when one was due counts. */
  #pace(startedAtMs: number): void {
    const { rate, seconds } = this.#load;
    const msEach = 1_000 / rate;
    const total = rate * seconds;
    let arrived = 0;
    const sendSome = (): void => {
      while (this.#underWay < REQUESTS_AT_ONCE && this.#waiting.length > 0) this.#send(sendSome);
      if (this.#isOver && this.#underWay === 0) this.#onIdle?.();
    };
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor((performance.now() - startedAtMs) / msEach));
      for (; arrived < due; arrived += 1) this.#arrive(startedAtMs + arrived * msEach);
      if (arrived === total) {
        this.#isOver = true;
        clearInterval(timer);
      }
      sendSome();
    }, 1);
  }

  #arrive(atMs: number): void {
    const { kind } = this.#load;
    let gathered = this.#waiting.at(-1);
    if (gathered === undefined || gathered.writer.count === OPERATIONS_MAX) {
      this.#waiting.push((gathered = new Gathered()));
    }
    const userId = this.#nextUserId();
    if (gathered.writer.count === 0) gathered.partition = partitionOf(userId);
    const channelId = this.#channels[this.#random.int(this.#channels.length)]!;
    if (kind === 'get' || kind === 'get-all') {
      gathered.writer.get(userId, 0, channelId);
    } else {
      const ack = { channelId, messageId: (this.#messageId += 1n), flags: 1, lastViewed: 4_300 };
      gathered.writer.ack(userId, ack, kind === 'ack');
    }
    gathered.arrivedAtMs.push(atMs);
  }

  #nextUserId(): bigint {
    if (this.#load.kind !== 'get-all') return this.#users[this.#random.int(this.#users.length)]!;
    const userId = this.#users[this.#nextUser]!;
    this.#nextUser += 1;
    if (this.#nextUser === this.#users.length) this.#isOver = true;
    return userId;
  }

  #send(andThen: () => void): void {
    const { writer, arrivedAtMs, partition } = this.#waiting.shift()!;
    this.#underWay += 1;
    this.#messages += 1;
    const request = { operations: writer.take() };
    const options = { timeoutMs: TIMEOUT_MS };
    callMethod(this.#bus, Contract.method.batch, { partition }, request, options).then(
      (reply) => {
        this.#answered(new ResultReader(reply), arrivedAtMs);
        this.#underWay -= 1;
        andThen();
      },
      () => {
        this.#failed += arrivedAtMs.length;
        this.#underWay -= 1;
        andThen();
      },
    );
  }

  #answered(results: ResultReader, arrivedAtMs: readonly number[]): void {
    const nowMs = performance.now();
    const isAck = this.#load.kind.startsWith('ack');
    for (let at = 0; at < arrivedAtMs.length; at += 1) {
      const status = results.statusAt(at);
      // Every ack is of a newer message than all before it, so that every one moves a mark.
      if (status === (isAck ? BatchStatus.Moved : BatchStatus.Unmoved)) {
        this.#latencies.add(nowMs - arrivedAtMs[at]!);
      } else {
        this.#failed += 1;
      }
    }
  }
}

/** What the caller's process does: a load for each line that it is given. */
export async function runCaller(natsUrl: string, lines: AsyncIterable<string>): Promise<void> {
  const clock = new SystemClock();
  const bus = await connectNats({
    url: natsUrl,
    name: 'caller',
    inboxPrefix: inboxPrefix('api'),
    clock,
  });
  process.stdout.write('"ready"\n');
  let seed = 1;
  for await (const line of lines) {
    const result = await new Caller(bus, JSON.parse(line) as Load, (seed += 1)).run();
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  await bus.close();
}
