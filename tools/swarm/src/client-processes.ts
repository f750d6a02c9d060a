// The client processes, as their parent sees them: started, told, asked, added up, ended.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { Counters } from './counters.js';
import { Histogram } from './histogram.js';
import { NUMBERS_PER_MESSAGE } from './last-recipients.js';
import type { Order, Report, Tick } from './process-messages.js';
import type { Scenario } from './scenario.js';
import type { World } from './swarm-room.js';

type OrderWithId = Extract<Order, { readonly id: number }>;
type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

const ANSWER_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 5_000;
const CHANNELS_PER_KEY = 2 ** 21;

/** Sums over all processes. */
export interface SwarmTotals {
  readonly counters: Counters;
  readonly sessionsCount: number;
  readonly liveCount: number;
  readonly completeCount: number;
  readonly phases: ReadonlyMap<string, number>;
  readonly unjudgedCount: number;
  readonly violations: ReadonlyMap<string, number>;
  readonly examples: readonly string[];
  readonly losses: ReadonlyMap<string, number>;
  /** By process. */
  readonly cpuUs: readonly number[];
  readonly rssBytes: readonly number[];
}

/** See the top of the file. */
export class ClientProcesses {
  /** Since the last {@link ClientProcesses.forgetLatencies}. */
  readonly latency = new Histogram();
  readonly readyLatency = new Histogram();
  readonly #children: ChildProcess[];
  readonly #ticks: (Tick | undefined)[];
  readonly #waiting = new Map<
    number,
    { resolve: (value: number) => void; reject: (reason: Error) => void }
  >();
  /** By message: the latest of its last recipients in each process, and how many had it. */
  readonly #lastUs = new Map<number, number>();
  #nextId = 1;
  #failure: Error | undefined;
  #isOver = false;

  /** Starts `count` processes of the program `file`, which calls `runClientProcess`. */
  constructor(file: string, count: number) {
    this.#ticks = new Array<Tick | undefined>(count).fill(undefined);
    this.#children = Array.from({ length: count }, (_, index) => this.#start(file, index));
  }

  async prepare(scenario: Scenario, seed: number, world: World): Promise<void> {
    const { gatewayUrls, tokens, userIds, guildIds, channelIds } = world;
    const needed = { gatewayUrls, tokens, userIds, guildIds, channelIds };
    await Promise.all(
      this.#children.map((child, process) =>
        this.#ask(child, { kind: 'prepare', scenario, seed, process, world: needed }),
      ),
    );
  }

  /** Tells all of them. */
  tell(order: Exclude<Order, OrderWithId>): void {
    for (const child of this.#children) if (child.connected) child.send(order);
  }

  /** Asks all of them; the sum of their answers. */
  async ask(order: WithoutId<OrderWithId>): Promise<number> {
    const values = await Promise.all(this.#children.map((child) => this.#ask(child, order)));
    return values.reduce((sum, value) => sum + value, 0);
  }

  /** Throws when a process has failed. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  totals(): SwarmTotals {
    const ticks = this.#ticks.filter((tick) => tick !== undefined);
    const counters = new Counters();
    for (const tick of ticks) counters.add(tick.counters);
    const sum = (value: (tick: Tick) => number): number =>
      ticks.reduce((total, tick) => total + value(tick), 0);
    return {
      counters,
      sessionsCount: sum((tick) => tick.sessionsCount),
      liveCount: sum((tick) => tick.liveCount),
      completeCount: sum((tick) => tick.completeCount),
      phases: summed(ticks.map(({ phases }) => phases)),
      unjudgedCount: sum((tick) => tick.unjudgedCount),
      violations: summed(ticks.map(({ violations }) => violations)),
      examples: ticks.flatMap(({ examples }) => examples),
      losses: summed(ticks.map(({ losses }) => losses)),
      cpuUs: ticks.map(({ cpuUs }) => cpuUs),
      rssBytes: ticks.map(({ rssBytes }) => rssBytes),
    };
  }

  /**
   * From when a message was due to its last recipient anywhere, over all messages so far, or those
   * of some channels.
   */
  lastRecipients(isOf?: (channel: number) => boolean): Histogram {
    const histogram = new Histogram();
    for (const [key, us] of this.#lastUs) {
      if (isOf === undefined || isOf(key % CHANNELS_PER_KEY)) histogram.add(us);
    }
    return histogram;
  }

  /** What comes from here on is measured for itself. */
  forgetLatencies(): void {
    this.latency.drain();
    this.#lastUs.clear();
  }

  /** Ends all of them; also those that do not answer. May be called again. */
  async end(): Promise<void> {
    this.#isOver = true;
    this.tell({ kind: 'end' });
    await Promise.all(this.#children.map((child) => ended(child)));
  }

  #start(file: string, index: number): ChildProcess {
    const child = fork(file, ['client'], {
      serialization: 'advanced',
      execArgv: ['--enable-source-maps', '--max-semi-space-size=32'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child.on('message', (report: Report) => this.#hear(report));
    child.on('error', (error) => this.#fail(error));
    child.on('exit', (code, signal) => {
      if (this.#isOver) return;
      this.#fail(new Error(`client process ${index} ended with ${signal ?? code}`));
    });
    return child;
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case 'tick':
        this.#ticks[report.process] = report;
        this.latency.merge(report.latency);
        this.readyLatency.merge(report.readyLatency);
        return this.#hearLast(report.lastRecipients);
      case 'answer':
        this.#waiting.get(report.id)?.resolve(report.value);
        this.#waiting.delete(report.id);
        return;
      case 'failed':
        return this.#fail(new Error(`a client process failed: ${report.reason}`));
    }
  }

  #hearLast(numbers: Float64Array): void {
    for (let at = 0; at < numbers.length; at += NUMBERS_PER_MESSAGE) {
      const key = numbers[at + 1]! * CHANNELS_PER_KEY + numbers[at]!;
      const latencyUs = numbers[at + 2]!;
      if (latencyUs > (this.#lastUs.get(key) ?? 0)) this.#lastUs.set(key, latencyUs);
    }
  }

  #ask(child: ChildProcess, order: WithoutId<OrderWithId>): Promise<number> {
    this.check();
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const late = setTimeout(() => {
      this.#waiting.delete(id);
      reject(new Error(`a client process did not answer ${order.kind}`));
    }, ANSWER_TIMEOUT_MS);
    this.#waiting.set(id, { resolve, reject });
    child.send({ ...order, id } as Order);
    return promise.finally(() => clearTimeout(late));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exit = once(child, 'exit');
  const late = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
  // It goes when its channel does.
  setTimeout(() => {
    if (child.connected) child.disconnect();
  }, 200);
  await exit;
  clearTimeout(late);
}

function summed(
  all: readonly (readonly (readonly [string, number])[])[],
): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [key, count] of all.flat()) sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}
