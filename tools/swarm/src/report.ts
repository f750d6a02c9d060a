// What came of a run: numbers as JSON, and the same for a reader.

import type { SwarmTotals } from './client-processes.js';
import { COUNTERS } from './counters.js';
import type { Counter, Counters } from './counters.js';
import type { DirectorCounts } from './director.js';
import type { Histogram } from './histogram.js';

/** Durations in ms. */
export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** One process of the fleet. */
export interface AppReport {
  readonly name: string;
  readonly app: string;
  /** While there was traffic. */
  readonly cpuMs: number;
  readonly cpuUsPerDelivery: number;
  readonly rssMib: number;
  /** What it grew by while the sessions connected, divided by them all; gateways: by theirs. */
  readonly rssKibPerSession: number;
}

export interface SwarmReport {
  readonly scenario: string;
  readonly seed: number;
  /** No violation, everything said, everybody there at the end. */
  readonly isClean: boolean;
  readonly sessions: number;
  readonly trafficMs: number;
  readonly connectMs: number;
  readonly settleMs: number;
  readonly messages: Omit<DirectorCounts, 'failures'> & { readonly answer: Quantiles };
  readonly deliveries: number;
  readonly deliveriesPerS: number;
  readonly dispatchesPerS: number;
  /** From when a message was due to each recipient. */
  readonly latency: Quantiles;
  /** To the last recipient of each message. */
  readonly lastRecipient: Quantiles;
  /** The same by kind of guild, in the order of the scenario. */
  readonly lastRecipientByGuilds: readonly (Quantiles & { readonly members: number })[];
  readonly ready: Quantiles;
  readonly wire: { readonly mib: number; readonly bytesPerDelivery: number };
  readonly violations: Readonly<Record<string, number>>;
  readonly examples: readonly string[];
  readonly unjudged: number;
  readonly counters: Readonly<Record<Counter, number>>;
  readonly losses: Readonly<Record<string, number>>;
  readonly apps: readonly AppReport[];
  /** The swarm itself. */
  readonly swarm: {
    /** Of one core, while there was traffic; by client process. */
    readonly cpuShares: readonly number[];
    readonly directorCpuShare: number;
    readonly cpuUsPerDelivery: number;
    readonly rssKibPerSession: number;
  };
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/** A client process that needs more of a core than this may be what is measured. */
export const CPU_SHARE_WARNED = 0.7;

export function quantilesOf(histogram: Histogram): Quantiles {
  const ms = (us: number): number => Math.round(us) / 1_000;
  return {
    count: histogram.count,
    p50: ms(histogram.quantileUs(0.5)),
    p99: ms(histogram.quantileUs(0.99)),
    p999: ms(histogram.quantileUs(0.999)),
    max: ms(histogram.maxUs),
  };
}

export function countersJson(counters: Counters): Record<Counter, number> {
  return Object.fromEntries(COUNTERS.map((name) => [name, counters.get(name)])) as Record<
    Counter,
    number
  >;
}

/** The whole report in lines of at most 100 columns. */
export function describeReport(report: SwarmReport): string {
  const { messages, swarm, wire, counters } = report;
  const lines = [
    `${report.scenario}, seed ${report.seed}: ${report.sessions} sessions, ` +
      `${seconds(report.trafficMs)} of traffic (connected in ${seconds(report.connectMs)}, ` +
      `settled in ${seconds(report.settleMs)})`,
    '',
    `  messages     ${messages.sent} of ${messages.due} sent, ${messages.skipped} skipped, ` +
      `${messages.failed} failures; ${messages.permissionChanges} permission changes, ` +
      `${messages.acks} acks`,
    `  deliveries   ${report.deliveries}, ${Math.round(report.deliveriesPerS)} a second; ` +
      `${wire.mib.toFixed(1)} MiB, ${Math.round(wire.bytesPerDelivery)} bytes each`,
    `  latency      ${quantilesText(report.latency)}`,
    `  to the last  ${quantilesText(report.lastRecipient)}`,
    ...(report.lastRecipientByGuilds.length < 2 ? [] : report.lastRecipientByGuilds).map(
      (each) => `    of ${String(each.members).padEnd(8)} ${quantilesText(each)}`,
    ),
    `  to answer    ${quantilesText(messages.answer)}`,
    `  to READY     ${quantilesText(report.ready)}`,
    `  connections  ${counters.drops} dropped by us, ${counters.losses} lost, ` +
      `${counters.resumed} of ${counters.resumes} resumed, ${counters.toldAnew} told to start anew`,
    '',
    ...report.apps.map(
      ({ name, cpuMs, cpuUsPerDelivery, rssMib, rssKibPerSession }) =>
        `  ${name.padEnd(14)} ${seconds(cpuMs).padStart(8)} CPU ` +
        `${cpuUsPerDelivery.toFixed(2).padStart(8)} us a delivery ` +
        `${rssMib.toFixed(0).padStart(6)} MiB ${rssKibPerSession.toFixed(1).padStart(7)} KiB a session`,
    ),
    `  ${'swarm'.padEnd(14)} ${swarm.cpuShares.map((share) => percent(share)).join(', ')} of a ` +
      `core by client process, director ${percent(swarm.directorCpuShare)}; ` +
      `${swarm.cpuUsPerDelivery.toFixed(2)} us a delivery`,
    '',
    `  violations   ${violationsText(report)}`,
    ...report.examples.slice(0, 10).map((example) => `    ${example}`),
    ...report.failures.map((failure) => `  failure      ${failure}`),
    ...report.warnings.map((warning) => `  warning      ${warning}`),
    `  ${report.isClean ? 'clean' : 'NOT CLEAN'}`,
  ];
  return lines.join('\n');
}

/** One line about how it goes. */
export function describeProgress(
  phase: string,
  totals: SwarmTotals,
  deliveriesPerS: number,
  latency: Histogram,
): string {
  const { sessionsCount, completeCount, violations, phases } = totals;
  const inPhases = [...phases].map(([what, count]) => `${count} ${what}`).join(', ');
  const wrong = [...violations.values()].reduce((sum, count) => sum + count, 0);
  return (
    `${phase}: ${completeCount} of ${sessionsCount} complete (${inPhases}); ` +
    `${Math.round(deliveriesPerS)} deliveries/s, p50 ${ms(latency.quantileUs(0.5))}, ` +
    `p99 ${ms(latency.quantileUs(0.99))}; ${wrong} violations`
  );
}

function violationsText({ violations, unjudged }: SwarmReport): string {
  const kinds = Object.entries(violations).map(([kind, count]) => `${count} ${kind}`);
  const first = unjudged === 0 ? '' : ` (${unjudged} firsts after a change not judged)`;
  return `${kinds.length === 0 ? 'none' : kinds.join(', ')}${first}`;
}

function quantilesText({ count, p50, p99, p999, max }: Quantiles): string {
  if (count === 0) return '-';
  return `p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms, max ${max} ms (${count})`;
}

const ms = (us: number): string => `${(us / 1_000).toFixed(1)} ms`;
const seconds = (value: number): string => `${(value / 1_000).toFixed(1)} s`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
