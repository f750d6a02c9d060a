// Targets beside each other: open all, then measure them in turn, round after round, so that
// whatever else the machine does falls on all of them alike.
import { median, quantile, sum } from './stats.js';
import { idleRates, measureWindow, type Pace, type Sinks, type Window } from './measure.js';
import type { SinkPlan } from './sink.js';
import { SinkProcess } from './sink-process.js';
import type { Stage, Target } from './target.js';
import { residentBytes } from './usage.js';

/** What was found out about one target at one number of sessions and one pace. */
export interface Cell {
  readonly target: string;
  readonly sessions: number;
  readonly eventsPerTurn: number;
  /** Deliveries measured, in all rounds. */
  readonly deliveries: number;
  /** CPU time of the servers per delivery: the median of the rounds. */
  readonly nsPerDelivery: number;
  /** The same of each round. */
  readonly roundsNs: readonly number[];
  /** To the floor's, round by round: the median; NaN where there is no floor. */
  readonly toFloor: number;
  /** What a recipient reads for one event, WebSocket's own heads included. */
  readonly bytesPerDelivery: number;
  /** From publication to the last recipient. */
  readonly lastP50Ms: number;
  readonly lastP99Ms: number;
}

/** What a server weighs while it only keeps connections. */
export interface Weight {
  readonly target: string;
  readonly sessions: number;
  readonly residentBytes: number;
  readonly bytesPerSession: number;
  /** CPU time while nothing is published, share of one core. */
  readonly idleShare: number;
}

const FLOOR = 'floor';
/** What opening left behind goes first. */
const SETTLE_MS = 1_500;

/** Stages with their connections open. */
export class OpenStages {
  readonly targets: readonly Target[];
  readonly sinks: Sinks;
  readonly weights: readonly Weight[];
  readonly #idle: ReadonlyMap<Target, number>;

  private constructor(
    targets: readonly Target[],
    sinks: Sinks,
    weights: readonly Weight[],
    idle: ReadonlyMap<Target, number>,
  ) {
    this.targets = targets;
    this.sinks = sinks;
    this.weights = weights;
    this.#idle = idle;
  }

  /**
   * Opens all connections of all targets, one plan after the other, and weighs the servers.
   * Rejects when something cannot be opened, and leaves nothing open then.
   */
  static async open(stages: readonly Stage[], idleMs: number): Promise<OpenStages> {
    const targets = stages.flatMap((stage) => stage.targets);
    const residents = new Map(targets.map((target) => [target, residentOf(target)]));
    const sinks = new Map<SinkPlan, SinkProcess>();
    try {
      for (const target of targets) {
        for (const plan of target.sinks) {
          if (!sinks.has(plan)) sinks.set(plan, await SinkProcess.open(plan));
        }
      }
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const idle = await idleRates(targets, idleMs);
      const weights = targets.map((target): Weight => {
        const sessions = sessionsAt(target, targets);
        const resident = residentOf(target);
        return {
          target: target.name,
          sessions,
          residentBytes: resident,
          bytesPerSession: (resident - residents.get(target)!) / sessions,
          idleShare: idle.get(target)! / 1e6,
        };
      });
      return new OpenStages(targets, sinks, weights, idle);
    } catch (error) {
      await closeAll(sinks);
      throw error;
    }
  }

  /**
   * Measures `targets` in turn, as often as there are rounds. `warmUpRounds` more come first, for
   * compilers and caches, and do not count.
   */
  async measure(
    targets: readonly Target[],
    pace: Pace,
    roundsCount: number,
    warmUpRounds: number,
  ): Promise<Cell[]> {
    const windows = new Map<Target, Window[]>(targets.map((target) => [target, []]));
    for (let round = -warmUpRounds; round < roundsCount; round += 1) {
      for (const target of targets) {
        const idleNsPerMs = this.#idle.get(target)!;
        const window = await measureWindow(target, this.sinks, pace, idleNsPerMs);
        if (round >= 0) windows.get(target)!.push(window);
      }
    }
    const floor = targets.find(({ name }) => name === FLOOR);
    const floorNs = floor === undefined ? [] : windows.get(floor)!.map(nsPerDelivery);
    return [...windows].map(([target, own]) => cellOf(target, pace, own, floorNs));
  }

  /** Closes the connections; the servers are the stages' own. May be called twice. */
  async close(): Promise<void> {
    await closeAll(this.sinks);
  }
}

async function closeAll(sinks: Sinks): Promise<void> {
  await Promise.all([...sinks.values()].map((sink) => sink.close()));
}

const nsPerDelivery = ({ cpuNs, deliveries }: Window): number => cpuNs / deliveries;

/** Folds the windows of one target. Pure. */
export function cellOf(
  target: Pick<Target, 'name' | 'sinks'>,
  { eventsPerTurn }: Pace,
  windows: readonly Window[],
  floorNs: readonly number[],
): Cell {
  const roundsNs = windows.map(nsPerDelivery);
  const latenciesMs = windows.flatMap((window) => window.latenciesMs);
  const deliveries = sum(windows.map((window) => window.deliveries));
  return {
    target: target.name,
    sessions: sum(target.sinks.map((plan) => plan.connectionsCount)),
    eventsPerTurn,
    deliveries,
    nsPerDelivery: median(roundsNs),
    roundsNs,
    toFloor: median(roundsNs.map((ns, round) => ns / (floorNs[round] ?? Number.NaN))),
    bytesPerDelivery: sum(windows.map((window) => window.bytes)) / deliveries,
    lastP50Ms: quantile(latenciesMs, 0.5),
    lastP99Ms: quantile(latenciesMs, 0.99),
  };
}

function residentOf(target: Target): number {
  return sum(target.pids.map(residentBytes));
}

/** All sessions that the processes of a target keep, also those of other targets. */
function sessionsAt(target: Target, targets: readonly Target[]): number {
  const own = new Set(target.pids);
  const plans = targets.filter(({ pids }) => pids.some((pid) => own.has(pid)));
  return sum(
    [...new Set(plans.flatMap(({ sinks }) => sinks))].map((plan) => plan.connectionsCount),
  );
}
