// The front door of the swarm: words and signals in, text and an exit code out. The same program,
// forked by itself, is the client processes.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { connectNats } from '@guildhall/bus';
import { fleetFilePath } from '@guildhall/fleet';
import type { FleetEvent, FleetFile } from '@guildhall/fleet';
import { workspaceRoot } from '@guildhall/testkit';
import { stop as stopCompiler } from 'esbuild';

import { parseArguments, USAGE, UsageError } from './arguments.js';
import type { Request } from './arguments.js';
import { runClientProcess } from './client-main.js';
import { startOwnFleet } from './own-fleet.js';
import type { OwnTarget } from './own-fleet.js';
import { describeReport } from './report.js';
import { runSwarm } from './run.js';
import { ScenarioError } from './scenario-fields.js';
import { readScenario } from './scenario.js';
import type { Scenario } from './scenario.js';
import { Screen } from './screen.js';

/** One Ctrl-C may come twice, from the terminal and passed on by npm: that is no second one. */
const SAME_SIGNAL_MS = 400;
const INTERRUPTED = 130;
const NOT_CLEAN = 3;

const scenariosDir = join(workspaceRoot(), 'tools/swarm/scenarios');

async function main(): Promise<number> {
  const request = parseArguments(process.argv.slice(2));
  if (request.isHelp) {
    say(`${USAGE}\n${describeScenarios()}`);
    return 0;
  }
  const scenario = chosenScenario(request);
  const { gentle, now } = endings();
  const screen = new Screen({
    isTerminal: process.stdout.isTTY && process.env['TERM'] !== 'dumb',
    title: `${scenario.name}, seed ${scenario.seed}`,
    write: (text) => process.stdout.write(text),
  });
  say(`\n== Swarm: ${scenario.name}, seed ${scenario.seed}`);
  const target = await findTarget(request, scenario, gentle, screen);
  // The apps are bundled; the compiler's process need not live as long as the run.
  await stopCompiler();
  now.addEventListener('abort', () => {
    void target.stop().finally(() => process.exit(INTERRUPTED));
  });
  try {
    const report = await runSwarm({
      scenario,
      seed: scenario.seed,
      target,
      clientFile: fileURLToPath(import.meta.url),
      signal: gentle,
      onStep: (text) => screen.step(text),
      onProgress: (progress) => screen.show(progress),
    });
    say(`\n${describeReport(report)}`);
    if (request.jsonFile !== undefined) {
      writeFileSync(request.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
    }
    return report.isClean ? 0 : NOT_CLEAN;
  } catch (error) {
    if (gentle.aborted) return INTERRUPTED;
    throw error;
  } finally {
    await target.stop();
  }
}

async function findTarget(
  { running, build }: Request,
  scenario: Scenario,
  signal: AbortSignal,
  screen: Screen,
): Promise<OwnTarget> {
  if (running === undefined) {
    const onEvent = (event: FleetEvent): void => {
      const text = describeEvent(event);
      if (text !== undefined) screen.step(text);
    };
    return startOwnFleet(scenario, { build, signal, onEvent });
  }
  const { api, gateways, natsUrl, dataDir } = running;
  const bus =
    natsUrl === undefined
      ? undefined
      : await connectNats({ url: natsUrl, name: 'swarm', inboxPrefix: '_INBOX.swarm' });
  return {
    api,
    gateways,
    bus,
    processes: () => (dataDir === undefined ? [] : processesOf(dataDir)),
    stop: async () => bus?.close(),
  };
}

function processesOf(dataDir: string): { name: string; app: string; pid: number }[] {
  const file = JSON.parse(readFileSync(fleetFilePath(dataDir), 'utf8')) as FleetFile;
  return file.services.map(({ name, instance, pid }) => ({ name: instance, app: name, pid }));
}

function describeEvent(event: FleetEvent): string | undefined {
  switch (event.kind) {
    case 'ready':
      return `${event.name} is ready`;
    case 'crashed':
      return `${event.name} CRASHED: ${event.reason}\n${event.lines.slice(-10).join('\n')}`;
    case 'gave up':
      return `${event.name} crashed too often and stays down`;
    default:
      return undefined;
  }
}

function chosenScenario({ scenario: name, seed, durationS, running }: Request): Scenario {
  const isPath = name.includes('/') || name.endsWith('.json');
  const file = isPath ? resolve(name) : join(scenariosDir, `${name}.json`);
  const json = readJson(file, name);
  const scenario = readScenario({
    ...json,
    ...(seed === undefined ? {} : { seed }),
    ...(durationS === undefined ? {} : { durationS, storms: stormsWithin(json, durationS) }),
  });
  if (running === undefined) return scenario;
  const fleet = { ...scenario.fleet, gateways: running.gateways.length };
  const via = running.natsUrl === undefined ? 'api' : scenario.traffic.via;
  return { ...scenario, fleet, traffic: { ...scenario.traffic, via } };
}

function stormsWithin(json: Record<string, unknown>, durationS: number): unknown {
  const { storms } = json;
  if (!Array.isArray(storms)) return storms;
  return (storms as { atS?: number }[]).filter(({ atS = 0 }) => atS < durationS);
}

function readJson(file: string, name: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`there is no scenario ${name}\n\n${describeScenarios()}`);
  }
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new ScenarioError(`${file} is not JSON: ${(error as Error).message}`);
  }
}

function describeScenarios(): string {
  const names = readdirSync(scenariosDir).filter((file) => file.endsWith('.json'));
  const lines = names.map((file) => {
    const { about = '' } = JSON.parse(readFileSync(join(scenariosDir, file), 'utf8')) as {
      about?: string;
    };
    return `  ${basename(file, '.json').padEnd(16)} ${about}`;
  });
  return `Scenarios:\n${lines.join('\n')}`;
}

/** The first signal ends the traffic, the next everything. */
function endings(): { gentle: AbortSignal; now: AbortSignal } {
  const gentle = new AbortController();
  const now = new AbortController();
  let firstMs: number | undefined;
  const onWish = (): void => {
    firstMs ??= performance.now();
    gentle.abort(new Error('interrupted'));
    if (performance.now() - firstMs > SAME_SIGNAL_MS) now.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onWish);
  // Whoever handed over to us was killed. Listening alone would keep us alive.
  process.on('disconnect', () => gentle.abort(new Error('the parent is gone')));
  process.channel?.unref();
  return { gentle: gentle.signal, now: now.signal };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

if (process.argv[2] === 'client') {
  runClientProcess();
} else {
  process.stdout.on('error', () => undefined);
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const isUsage = error instanceof UsageError || error instanceof ScenarioError;
      const message = error instanceof Error ? error.message : String(error);
      process.stderr.write(`\nswarm: ${message}\n${isUsage ? 'Try --help.\n' : ''}`);
      process.exitCode = isUsage ? 2 : 1;
    },
  );
}
