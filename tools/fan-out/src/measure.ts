// One window of publishing, measured: what the servers spent, and when the last recipient had it.
import { laterOf } from './arrivals.js';
import { monotonicMs } from './monotonic-ms.js';
import type { SinkPlan } from './sink.js';
import type { SinkProcess } from './sink-process.js';
import { sum } from './stats.js';
import type { Target } from './target.js';
import { cpuNs } from './usage.js';

/** How events are published in a window. */
export interface Pace {
  readonly turnsCount: number;
  readonly eventsPerTurn: number;
  readonly intervalMs: number;
}

/** What one window showed. */
export interface Window {
  readonly deliveries: number;
  /** CPU time of the servers, less what they take when idle. */
  readonly cpuNs: number;
  readonly wallMs: number;
  /** What the sinks read, all heads and answers included. */
  readonly bytes: number;
  /** By event, from its publication to its last recipient. */
  readonly latenciesMs: readonly number[];
}

/** The sinks of a stage, by the plan they were opened with. */
export type Sinks = ReadonlyMap<SinkPlan, SinkProcess>;

/** Many times what the slowest turn takes: what has not come by then is lost. */
const ARRIVAL_TIMEOUT_MS = 60_000;
/** What a server still does after its last write belongs to it. */
const SETTLE_MS = 30;

/** CPU time of a target's servers so far. */
export function cpuOf(target: Target): number {
  return sum(target.pids.map(cpuNs));
}

/** What a target takes while nothing is published, in ns per ms; all of them at once. */
export async function idleRates(
  targets: readonly Target[],
  durationMs: number,
): Promise<Map<Target, number>> {
  const before = targets.map(cpuOf);
  const startedAtMs = monotonicMs();
  await sleep(durationMs);
  const wallMs = monotonicMs() - startedAtMs;
  return new Map(
    targets.map((target, index) => [target, (cpuOf(target) - before[index]!) / wallMs]),
  );
}

/**
 * Publishes at `pace` and waits until all has come. Rejects when something has not, or when more
 * came than was published: then what was measured is not what was meant.
 */
export async function measureWindow(
  target: Target,
  sinks: Sinks,
  pace: Pace,
  idleNsPerMs: number,
): Promise<Window> {
  const own = target.sinks.map((plan) => sinks.get(plan)!);
  const eventsCount = pace.turnsCount * pace.eventsPerTurn;
  await Promise.all(own.map((sink) => sink.mark(eventsCount)));
  const cpuBefore = cpuOf(target);
  const startedAtMs = monotonicMs();
  const publishedAtMs = await publishAll(target, pace);
  const reports = await Promise.all(own.map((sink) => sink.report(ARRIVAL_TIMEOUT_MS)));
  await sleep(SETTLE_MS);
  const wallMs = monotonicMs() - startedAtMs;
  const spentNs = cpuOf(target) - cpuBefore;
  const connectionsCount = sum(target.sinks.map((plan) => plan.connectionsCount));
  const received = sum(reports.map((report) => report.received));
  const surplus = sum(reports.map((report) => report.surplus));
  const deliveries = connectionsCount * eventsCount;
  if (received !== deliveries || surplus > 0) {
    throw new Error(`${target.name}: ${received} of ${deliveries} came, and ${surplus} too many`);
  }
  const lastAtMs = reports.map((report) => report.lastAtMs).reduce(laterOf);
  return {
    deliveries,
    cpuNs: spentNs - idleNsPerMs * wallMs,
    wallMs,
    bytes: sum(reports.map((report) => report.bytes)),
    latenciesMs: lastAtMs.map((atMs, event) => atMs - publishedAtMs[event]!),
  };
}

/** By event, when it was handed over. Turns are paced by the clock, whatever one takes. */
async function publishAll(target: Target, pace: Pace): Promise<number[]> {
  const { turnsCount, eventsPerTurn, intervalMs } = pace;
  const publishedAtMs: number[] = [];
  const firstAtMs = monotonicMs();
  const answers: Promise<void>[] = [];
  for (let turn = 0; turn < turnsCount; turn += 1) {
    await sleep(firstAtMs + turn * intervalMs - monotonicMs());
    const atMs = monotonicMs();
    for (let event = 0; event < eventsPerTurn; event += 1) publishedAtMs.push(atMs);
    const answer = target.publish(eventsPerTurn);
    // Awaited below; a refusal must not end the process before.
    answer.catch(() => undefined);
    answers.push(answer);
  }
  await Promise.all(answers);
  return publishedAtMs;
}

function sleep(durationMs: number): Promise<void> {
  return durationMs <= 0
    ? Promise.resolve()
    : new Promise((resolve) => setTimeout(resolve, durationMs));
}
