// The front door of the fleet tool: words and signals in, text and an exit code out.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';

import { isPortFree, workspaceRoot } from '@guildhall/testkit';
import { stop as stopCompiler } from 'esbuild';

import { parseArguments, USAGE, UsageError } from './arguments.js';
import type { Request } from './arguments.js';
import { fleetFilePath } from './fleet-file.js';
import type { FleetFile } from './fleet-file.js';
import { startFleet } from './fleet.js';
import type { Fleet } from './fleet.js';
import { describeEvent, describeFleet, describeStatus } from './report.js';
import { inspectFleet, stopFleet } from './running-fleet.js';

const API_PORT_USUAL = 4000;
const GATEWAY_PORT_USUAL = 4100;
/** One Ctrl-C may come twice, from the terminal and passed on by npm: that is no second one. */
const SAME_SIGNAL_MS = 400;

async function main(): Promise<number> {
  const root = workspaceRoot();
  const request = parseArguments(process.argv.slice(2), root);
  switch (request.command) {
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    case 'status':
      return status(request.dataDir);
    case 'stop':
      say((await stopFleet(request.dataDir)) ? '   stopped' : '   no fleet is running');
      return 0;
    case 'start':
      return start(request);
  }
}

async function status(dataDir: string): Promise<number> {
  const found = await inspectFleet(dataDir);
  say(found === undefined ? '   no fleet is running' : describeStatus(found.file, found.isReady));
  return found !== undefined && [...found.isReady.values()].every(Boolean) ? 0 : 1;
}

async function start(request: Request): Promise<number> {
  say('\n== Fleet');
  const { drain, now } = endings();
  const { NATS_URL: natsUrl, DATABASE_URL: databaseUrl } = process.env;
  const apiPort = request.apiPort ?? (await usual(API_PORT_USUAL));
  const gatewayPort = request.gatewayPort ?? (await usual(GATEWAY_PORT_USUAL));
  let fleet: Fleet;
  try {
    fleet = await startFleet({
      ...(apiPort === undefined ? {} : { apiPort }),
      ...(gatewayPort === undefined ? {} : { gatewayPort }),
      ...(natsUrl ? { natsUrl } : {}),
      ...(databaseUrl ? { databaseUrl } : {}),
      dataDir: request.dataDir,
      instances: request.instances,
      clean: request.clean,
      seed: request.seed,
      signal: drain,
      onEvent: (event) => say(describeEvent(event)),
    });
  } catch (error) {
    if (drain.aborted) return 130;
    throw error;
  }
  // The apps are bundled; the compiler's process need not live as long as the fleet.
  await stopCompiler();
  const file = JSON.parse(readFileSync(fleetFilePath(fleet.dataDir), 'utf8')) as FleetFile;
  say(describeFleet(file, fleet.dataDir));
  await aborted(drain);
  say('\n== Draining (Ctrl-C again: stop now)');
  now.addEventListener('abort', () => void fleet.stop({ now: true }));
  await fleet.stop();
  return 0;
}

interface Endings {
  /** Aborts when an orderly end is wanted. */
  readonly drain: AbortSignal;
  /** Aborts when the end is wanted now. */
  readonly now: AbortSignal;
}

/** The first signal asks for an orderly end, the next for an end now. */
function endings(): Endings {
  const drain = new AbortController();
  const now = new AbortController();
  let firstMs: number | undefined;
  const onWish = (): void => {
    firstMs ??= performance.now();
    drain.abort(new Error('stopped while starting'));
    if (performance.now() - firstMs > SAME_SIGNAL_MS) now.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onWish);
  // Whoever handed over to us was killed. Listening alone would keep us alive.
  process.on('disconnect', () => drain.abort(new Error('the parent is gone')));
  process.channel?.unref();
  return { drain: drain.signal, now: now.signal };
}

async function aborted(signal: AbortSignal): Promise<void> {
  // Waiting for a signal does not keep a process alive, and a fleet may have no process left.
  const heartbeat = setInterval(() => undefined, 60_000);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(heartbeat);
}

async function usual(port: number): Promise<number | undefined> {
  return (await isPortFree(port)) ? port : undefined;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

// The terminal that closes takes our output with it; the fleet must still drain.
process.stdout.on('error', () => undefined);
main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`\nfleet: ${message}\n${isUsage ? 'Try --help.\n' : ''}`);
    process.exitCode = isUsage ? 2 : 1;
  },
);
