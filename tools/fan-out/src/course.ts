// The whole measurement: stage by stage, from few sessions to many.
import { availableParallelism, release } from 'node:os';
import process from 'node:process';
import { SESSIONS_AT_ONCE_MAX, SESSIONS_PER_GATEWAY_MAX, type Request } from './arguments.js';
import { compileFloor, startFloor } from './floor.js';
import { GuildhallFleet, POST_LANE, type Compression } from './guildhall.js';
import { startSocketIo, startWs } from './js-servers.js';
import { startNatsListener } from './nats-listener.js';
import { paceFor, warmUpRoundsAt } from './pace.js';
import { Profiler, selfTimes, type SelfTime } from './profile.js';
import { describeCells, describeWeights } from './report.js';
import { OpenStages, type Cell, type Weight } from './rounds.js';
import type { Stage, Target } from './target.js';
import { loadAverage } from './usage.js';

/** Everything that was found out. */
export interface Findings {
  readonly node: string;
  readonly kernel: string;
  readonly cores: number;
  /** Before the first stage and after each. */
  readonly loadAverages: number[];
  readonly cells: Cell[];
  readonly weights: Weight[];
  /** Five posts a second, at the most sessions that one gateway has. */
  readonly latency: Cell[];
  readonly profile: SelfTime[];
}

const EVENTS_PER_TURN = [1, 8];
const IDLE_MS = 3_000;
const POSTS_INTERVAL_MS = 200;
const PROFILE_ROWS = 25;
const DEBUGGER = /Debugger listening on (ws:\S+)/;

/**
 * Measures what was asked for. `say` hears what it is at, and the figures of each stage as soon as
 * they are there, since a later one may fail. Rejects when something breaks.
 */
export async function runCourse(request: Request, say: (text: string) => void): Promise<Findings> {
  const course = new Course(request, say);
  try {
    return await course.run();
  } finally {
    await course.stop();
  }
}

class Course {
  readonly #request: Request;
  readonly #say: (text: string) => void;
  readonly #findings: Findings;
  #floor: string | undefined;
  #guildhall: GuildhallFleet | undefined;
  #stages: Stage[] = [];
  #open: OpenStages | undefined;

  constructor(request: Request, say: (text: string) => void) {
    this.#request = request;
    this.#say = say;
    this.#findings = {
      node: process.version,
      kernel: release(),
      cores: availableParallelism(),
      loadAverages: [loadAverage()],
      cells: [],
      weights: [],
      latency: [],
      profile: [],
    };
  }

  async run(): Promise<Findings> {
    const { subjects, sessions, sessionsPerBot, isProfiled } = this.#request;
    if (subjects.has('floor')) this.#floor = compileFloor(this.#say);
    if (subjects.has('guildhall')) {
      this.#say('starting a fleet: 2 gateways, 1 of each other app');
      const inspected = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };
      this.#guildhall = await GuildhallFleet.start(sessionsPerBot, isProfiled ? inspected : {});
    }
    for (const count of sessions) {
      for (const compressions of this.#turns(count)) await this.#stage(count, compressions);
    }
    return this.#findings;
  }

  /** Ends whatever still runs. */
  async stop(): Promise<void> {
    await this.#open?.close();
    for (const stage of this.#stages) await stage.stop();
    await this.#guildhall?.stop();
  }

  /** The compressions that are measured at so many sessions; those of one turn together. */
  #turns(sessionsCount: number): readonly Compression[][] {
    const { compressedMax } = this.#request;
    if (this.#guildhall === undefined || sessionsCount > compressedMax) return [['none']];
    const all: Compression[] = ['none', 'zlib-stream', 'zstd-stream'];
    return sessionsCount > SESSIONS_AT_ONCE_MAX ? all.map((one) => [one]) : [all];
  }

  async #stage(sessionsCount: number, compressions: readonly Compression[]): Promise<void> {
    const { roundsCount, latencySeconds, sessions } = this.#request;
    const isPlain = compressions.includes('none');
    const kinds = isPlain ? '' : `, ${compressions.join(', ')}`;
    this.#say(`${sessionsCount} sessions${kinds} (load average ${loadAverage()})`);
    await this.#open?.close();
    this.#open = undefined;
    const before = this.#stages;
    this.#stages = [];
    for (const stage of before) await stage.stop();
    await this.#startRivals(sessionsCount, isPlain);
    await this.#startGuildhall(sessionsCount, compressions);
    const open = await OpenStages.open(this.#stages, IDLE_MS);
    this.#open = open;
    const weights = open.weights.filter(({ target }) => !isSecond(target));
    this.#say(`\n${describeWeights(weights)}`);
    this.#findings.weights.push(...weights);
    const profiler = await this.#startProfiler();
    const targets = open.targets.filter(({ name }) => name !== POST_LANE);
    for (const eventsPerTurn of EVENTS_PER_TURN) {
      const pace = paceFor(sessionsCount, eventsPerTurn);
      // The first pace finds gateways that have just started; the next, those that it has warmed.
      const warmUpRounds = eventsPerTurn === EVENTS_PER_TURN[0] ? warmUpRoundsAt(pace) : 1;
      const cells = await open.measure(targets, pace, roundsCount, warmUpRounds);
      this.#say(`\n${describeCells(cells)}\n`);
      this.#findings.cells.push(...cells);
    }
    if (profiler !== undefined) {
      this.#findings.profile.push(...selfTimes(await profiler.stop(), PROFILE_ROWS));
    }
    const isLargest = sessionsCount === sessions.filter((count) => !isLarge(count)).at(-1);
    if (isLargest && isPlain && latencySeconds > 0) await this.#latency(open);
    this.#findings.loadAverages.push(loadAverage());
  }

  /** Past one gateway's sessions, rivals have nothing to show that the floor has not. */
  async #startRivals(sessionsCount: number, isPlain: boolean): Promise<void> {
    const { subjects, payloadBytes } = this.#request;
    const start = async (stage: Promise<Stage>): Promise<void> => {
      this.#stages.push(await stage);
    };
    if (this.#floor !== undefined) {
      await start(startFloor(this.#floor, sessionsCount, payloadBytes));
    }
    if (isLarge(sessionsCount) || !isPlain) return;
    if (subjects.has('ws')) await start(startWs(sessionsCount, payloadBytes));
    if (subjects.has('socket.io')) await start(startSocketIo(sessionsCount, payloadBytes));
    if (subjects.has('nats')) await start(startNatsListener(sessionsCount, payloadBytes));
  }

  async #startGuildhall(
    sessionsCount: number,
    compressions: readonly Compression[],
  ): Promise<void> {
    if (this.#guildhall === undefined) return;
    if (this.#findings.cells.length > 0) await this.#guildhall.refresh();
    const { payloadBytes } = this.#request;
    const perGatewayMax = SESSIONS_PER_GATEWAY_MAX;
    const options = { sessionsCount, compressions, payloadBytes, perGatewayMax };
    this.#stages.push(await this.#guildhall.stage(options));
  }

  async #latency(open: OpenStages): Promise<void> {
    const turnsCount = (this.#request.latencySeconds * 1000) / POSTS_INTERVAL_MS;
    const pace = { turnsCount, eventsPerTurn: 1, intervalMs: POSTS_INTERVAL_MS };
    const compared = (target: Target): boolean => ['nats', POST_LANE].includes(target.name);
    const targets = open.targets.filter(compared);
    const cells = await open.measure(targets, pace, 1, 0);
    this.#say(`five messages a second\n${describeCells(cells)}\n`);
    this.#findings.latency.push(...cells);
  }

  async #startProfiler(): Promise<Profiler | undefined> {
    if (!this.#request.isProfiled || this.#guildhall === undefined) return undefined;
    const urls = this.#guildhall
      .gatewayLines()
      .flatMap((line) => DEBUGGER.exec(line)?.slice(1) ?? []);
    return Profiler.start(urls.at(-1)!);
  }
}

/** Targets that share the sessions of the one before them, and weigh the same. */
const isSecond = (target: string): boolean => target === POST_LANE || target.endsWith(' message');
const isLarge = (sessionsCount: number): boolean => sessionsCount > SESSIONS_PER_GATEWAY_MAX;
