// One run, from an empty fleet to a report:
//
//   make accounts and guilds  ──►  connect everybody  ──►  traffic, and what goes wrong  ──►
//   silence, until everything has arrived everywhere (or too late)  ──►  judge

import { SeededRandom } from '@guildhall/testkit';

import { buildWorld } from './build-world.js';
import { ClientProcesses } from './client-processes.js';
import type { SwarmTotals } from './client-processes.js';
import { Director } from './director.js';
import type { Histogram } from './histogram.js';
import { planFor } from './plan.js';
import { usageOf } from './process-usage.js';
import type { Usage } from './process-usage.js';
import { countersJson, CPU_SHARE_WARNED, quantilesOf } from './report.js';
import type { AppReport, SwarmReport } from './report.js';
import type { Scenario } from './scenario.js';
import { senderFor } from './senders.js';
import type { Target, TargetProcess } from './target.js';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly target: Target;
  /** The program that client processes run. */
  readonly clientFile: string;
  /** Aborting it ends the traffic early; the report is of what there was. */
  readonly signal?: AbortSignal;
  readonly onStep?: (text: string) => void;
  /** Once a second. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How it goes. */
export interface Progress {
  readonly phase: string;
  readonly totals: SwarmTotals;
  readonly deliveriesPerS: number;
  readonly latency: Histogram;
  readonly apps: readonly {
    readonly name: string;
    readonly cpuShare: number;
    readonly rssMib: number;
  }[];
}

/**
 * Runs it. Rejects when the world cannot be made, not everybody gets in, or a client process fails;
 * what the fleet does wrong is in the report. Everything that was started is ended.
 */
export async function runSwarm(options: RunOptions): Promise<SwarmReport> {
  const run = new Run(options);
  try {
    return await run.run();
  } finally {
    await run.end();
  }
}

type Snapshot = {
  readonly atMs: number;
  readonly totals: SwarmTotals;
  readonly own: number;
  readonly apps: ReadonlyMap<string, Usage>;
};

const POLL_MS = 200;

class Run {
  readonly #options: RunOptions;
  readonly #clients: ClientProcesses;
  #phase = 'seeding';
  #director: Director | undefined;
  #progress: NodeJS.Timeout | undefined;
  #storms: NodeJS.Timeout[] = [];
  #before: Snapshot | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#clients = new ClientProcesses(options.clientFile, options.scenario.clients.processes);
  }

  async run(): Promise<SwarmReport> {
    const { scenario, seed, target, signal, onStep = () => undefined } = this.#options;
    const plan = planFor(scenario, seed);
    const sender = senderFor(scenario.traffic.via, target);
    const world = await buildWorld(target, plan, (text) => {
      signal?.throwIfAborted();
      onStep(text);
    });
    await this.#clients.prepare(scenario, seed, world);
    if (this.#options.onProgress !== undefined) {
      this.#progress = setInterval(() => this.#tellProgress(), 1_000);
    }
    const empty = await this.#snapshot();
    this.#phase = 'connecting';
    await this.#connect();
    const connected = await this.#snapshot();

    this.#phase = 'traffic';
    this.#clients.forgetLatencies();
    const director = new Director({
      scenario,
      plan,
      world,
      target,
      sender,
      random: new SeededRandom(seed).fork('director'),
      tell: async (change) => void (await this.#clients.ask({ kind: 'change', change })),
    });
    this.#director = director;
    director.start();
    this.#clients.tell({ kind: 'disturb', isOn: true });
    this.#scheduleStorms();
    await this.#wait(scenario.durationS * 1_000);
    this.#clients.tell({ kind: 'disturb', isOn: false });
    for (const storm of this.#storms) clearTimeout(storm);
    await director.stop();
    const spoken = await this.#snapshot();

    this.#phase = 'settling';
    await this.#settle(director);
    const settled = await this.#snapshot();
    return this.#report(director, { empty, connected, spoken, settled });
  }

  async end(): Promise<void> {
    clearInterval(this.#progress);
    for (const storm of this.#storms) clearTimeout(storm);
    await this.#director?.stop();
    await this.#clients.end();
  }

  async #connect(): Promise<void> {
    const { clients } = this.#options.scenario;
    this.#clients.tell({ kind: 'connect' });
    const untilMs = performance.now() + clients.connectTimeoutS * 1_000;
    for (;;) {
      await pause(POLL_MS);
      await this.#clients.ask({ kind: 'tick' });
      const { completeCount, sessionsCount, counters, losses, phases } = this.#clients.totals();
      if (completeCount === sessionsCount) return;
      this.#options.signal?.throwIfAborted();
      const refused = counters.get('refusals');
      if (refused > 0 || performance.now() > untilMs) {
        const why = countsText(losses);
        const who = `${completeCount} of ${sessionsCount} sessions got in (${countsText(phases)})`;
        throw new Error(`${who}, ${refused} refused; connections were lost to ${why}`);
      }
    }
  }

  #scheduleStorms(): void {
    this.#storms = this.#options.scenario.storms.map(({ atS, share, resumeShare, spreadMs }) =>
      setTimeout(
        () => this.#clients.tell({ kind: 'storm', share, resumeShare, spreadMs }),
        atS * 1_000,
      ),
    );
  }

  async #settle(director: Director): Promise<void> {
    const { settleTimeoutS } = this.#options.scenario.clients;
    const final = director.final();
    const untilMs = performance.now() + settleTimeoutS * 1_000;
    for (;;) {
      const missing = await this.#clients.ask({ kind: 'missing', ...final, isFinal: false });
      if (missing === 0 || performance.now() > untilMs) break;
      await pause(POLL_MS);
    }
    await this.#clients.ask({ kind: 'missing', ...final, isFinal: true });
  }

  /** The whole time, unless a client process fails or somebody has had enough. */
  async #wait(durationMs: number): Promise<void> {
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs && this.#options.signal?.aborted !== true) {
      await pause(Math.min(POLL_MS, Math.max(1, untilMs - performance.now())));
      this.#clients.check();
    }
  }

  async #snapshot(): Promise<Snapshot> {
    await this.#clients.ask({ kind: 'tick' });
    const { user, system } = process.cpuUsage();
    const apps = new Map<string, Usage>();
    for (const { name, pid } of this.#options.target.processes()) {
      const usage = usageOf(pid);
      if (usage !== undefined) apps.set(name, usage);
    }
    const totals = this.#clients.totals();
    return { atMs: performance.now(), totals, own: user + system, apps };
  }

  #tellProgress(): void {
    const { target, onProgress } = this.#options;
    const totals = this.#clients.totals();
    const atMs = performance.now();
    const apps = new Map<string, Usage>();
    for (const { name, pid } of target.processes()) {
      const usage = usageOf(pid);
      if (usage !== undefined) apps.set(name, usage);
    }
    const before = this.#before;
    const passedMs = atMs - (before?.atMs ?? atMs - 1_000);
    const deliveries = totals.counters.get('deliveries');
    const earlier = before?.totals.counters.get('deliveries') ?? 0;
    onProgress?.({
      phase: this.#phase,
      totals,
      deliveriesPerS: ((deliveries - earlier) * 1_000) / passedMs,
      latency: this.#clients.latency,
      apps: [...apps].map(([name, { cpuUs, rssBytes }]) => ({
        name,
        cpuShare: (cpuUs - (before?.apps.get(name)?.cpuUs ?? cpuUs)) / 1_000 / passedMs,
        rssMib: rssBytes / 2 ** 20,
      })),
    });
    this.#before = { atMs, totals, own: 0, apps };
  }

  #report(
    director: Director,
    {
      empty,
      connected,
      spoken,
      settled,
    }: Record<'empty' | 'connected' | 'spoken' | 'settled', Snapshot>,
  ): SwarmReport {
    const { scenario, seed, target } = this.#options;
    const { totals } = settled;
    const during = totals.counters.minus(connected.totals.counters);
    const deliveries = during.get('deliveries');
    const trafficMs = spoken.atMs - connected.atMs;
    const busyMs = settled.atMs - connected.atMs;
    const perDelivery = (value: number): number => (deliveries === 0 ? 0 : value / deliveries);
    const cpuUs = totals.cpuUs.map((us, index) => us - (connected.totals.cpuUs[index] ?? 0));
    const cpuShares = cpuUs.map((us) => us / 1_000 / busyMs);
    const { failures, ...counts } = director.counts;
    const violations = Object.fromEntries(totals.violations);
    const sum = (values: readonly number[]): number =>
      values.reduce((total, value) => total + value, 0);
    const warnings = cpuShares.flatMap((share, index) =>
      share < CPU_SHARE_WARNED
        ? []
        : [
            `client process ${index} used ${Math.round(share * 100)} % of a core: latencies may ` +
              'be its own; use more processes, or a machine with more cores',
          ],
    );
    if (counts.skipped > 0) warnings.push(`${counts.skipped} messages were due and never sent`);
    return {
      scenario: scenario.name,
      seed,
      isClean: Object.keys(violations).length === 0 && counts.failed === 0,
      sessions: totals.sessionsCount,
      trafficMs,
      connectMs: connected.atMs - empty.atMs,
      settleMs: settled.atMs - spoken.atMs,
      messages: { ...counts, answer: quantilesOf(director.answerLatency) },
      deliveries,
      deliveriesPerS: (deliveries * 1_000) / trafficMs,
      dispatchesPerS: (during.get('dispatches') * 1_000) / trafficMs,
      latency: quantilesOf(this.#clients.latency),
      lastRecipient: quantilesOf(this.#clients.lastRecipients()),
      lastRecipientByGuilds: this.#lastRecipientByGuilds(),
      ready: quantilesOf(this.#clients.readyLatency),
      wire: {
        mib: during.get('bytes') / 2 ** 20,
        bytesPerDelivery: perDelivery(during.get('bytes')),
      },
      violations,
      examples: totals.examples,
      unjudged: totals.unjudgedCount,
      counters: countersJson(during),
      losses: Object.fromEntries(totals.losses),
      apps: target
        .processes()
        .flatMap((each) => this.#appReport(each, { empty, connected, settled }, perDelivery)),
      swarm: {
        cpuShares,
        directorCpuShare: (settled.own - connected.own) / 1_000 / busyMs,
        cpuUsPerDelivery: perDelivery(sum(cpuUs)),
        rssKibPerSession:
          (sum(connected.totals.rssBytes) - sum(empty.totals.rssBytes)) /
          1_024 /
          totals.sessionsCount,
      },
      failures,
      warnings,
    };
  }

  #lastRecipientByGuilds(): SwarmReport['lastRecipientByGuilds'] {
    const { scenario, seed } = this.#options;
    const { guildOfChannel } = planFor(scenario, seed);
    let first = 0;
    return scenario.guilds.map(({ count, members }) => {
      const [from, to] = [first, (first += count)];
      const isOf = (channel: number): boolean =>
        guildOfChannel[channel]! >= from && guildOfChannel[channel]! < to;
      return { members, ...quantilesOf(this.#clients.lastRecipients(isOf)) };
    });
  }

  #appReport(
    { name, app }: TargetProcess,
    { empty, connected, settled }: Record<'empty' | 'connected' | 'settled', Snapshot>,
    perDelivery: (value: number) => number,
  ): AppReport[] {
    const [first, second, last] = [empty, connected, settled].map(({ apps }) => apps.get(name));
    if (first === undefined || second === undefined || last === undefined) return [];
    const gatewaysCount = this.#options.target.gateways.length;
    const sessionsCount = settled.totals.sessionsCount;
    const theirs = app === 'gateway' ? sessionsCount / gatewaysCount : sessionsCount;
    const cpuUs = last.cpuUs - second.cpuUs;
    return [
      {
        name,
        app,
        cpuMs: cpuUs / 1_000,
        cpuUsPerDelivery: perDelivery(cpuUs),
        rssMib: last.rssBytes / 2 ** 20,
        rssKibPerSession: (second.rssBytes - first.rssBytes) / 1_024 / theirs,
      },
    ];
  }
}

function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([what, count]) => `${count} ${what}`).join(', ') || 'nothing';
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
