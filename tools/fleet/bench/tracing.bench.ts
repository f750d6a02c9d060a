// What tracing costs: two fleets side by side, one that traces nothing and one that traces a
// hundredth of all requests and exports them; both are sent the same messages, in turns, window
// after window, so that whatever else the machine does falls on both. Compared is the CPU time of
// all processes of the apps for each message, as the scheduler counts it.
//
//   npm run bench -- fleet tracing [rounds] [messages a second] [ratio]
//
// Prints the median of the ratios of pairs, and a JSON line.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { spawn, type ChildProcess } from 'node:child_process';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { tempDir, type TestGatewayClient } from '@guildhall/testkit';
import { startFleet, type Env, type Fleet } from '../src/index.js';
import { logIn, makeWorld, ok, UNHURRIED, type Made } from './world.js';

const [roundsCount = 24, messagesPerSecond = 200, ratio = 0.01] = process.argv.slice(2).map(Number);
const GUILDS_COUNT = 20;
const SESSIONS_COUNT = 4;
const WINDOW_MS = 5_000;
const WARM_UP_ROUNDS = 3;
/** What a fleet still does after its last answer belongs to the window; exports too. */
const SETTLE_MS = 500;
const NS_PER_US = 1_000;

if (process.env['BENCH_ROLE'] === 'collector') runCollector();
else await main();

/** Reads what it is sent and forgets it. */
function runCollector(): void {
  let bytes = 0;
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end('{}'));
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    console.log(typeof address === 'object' ? address?.port : '');
  });
  process.on('disconnect', () => process.exit());
  process.on('message', () => process.send!(bytes));
}

/** A fleet with somebody in it. */
interface Side {
  readonly name: string;
  readonly fleet: Fleet;
  readonly made: Made;
  readonly sessions: readonly TestGatewayClient[];
  readonly close: () => Promise<void>;
}

async function startSide(name: string, env: Env): Promise<Side> {
  const folder = tempDir('guildhall-bench-');
  const instances = { gateway: 2, guilds: 2 };
  const fleet = await startFleet({
    dataDir: folder.path,
    seed: false,
    instances,
    env: { LOG_LEVEL: 'warn', ...env },
    appEnv: UNHURRIED,
  });
  const close = async (): Promise<void> => {
    await fleet.stop();
    folder.remove();
  };
  try {
    const made = await makeWorld(fleet, GUILDS_COUNT);
    const sessions: TestGatewayClient[] = [];
    for (let index = 0; index < SESSIONS_COUNT; index += 1) {
      sessions.push(await logIn(fleet, made.token, index));
    }
    return { name, fleet, made, sessions, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** CPU time of all apps so far, all their threads. */
function cpuNs({ fleet }: Side): number {
  let total = 0;
  for (const { pid } of fleet.instances()) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return total;
}

/** CPU time for each message of one window, us. */
async function measure(side: Side): Promise<number> {
  const { owner, channelIds } = side.made;
  const count = Math.round((WINDOW_MS / 1_000) * messagesPerSecond);
  const before = cpuNs(side);
  const startedAtMs = performance.now();
  const answers: Promise<unknown>[] = [];
  for (let sent = 0; sent < count; sent += 1) {
    const dueMs = (sent * 1_000) / messagesPerSecond - (performance.now() - startedAtMs);
    if (dueMs > 1) await sleep(dueMs);
    const channelId = channelIds[sent % channelIds.length]!;
    answers.push(ok(owner.post(`/channels/${channelId}/messages`, { content: `it is ${sent}` })));
  }
  await Promise.all(answers);
  await sleep(SETTLE_MS);
  return (cpuNs(side) - before) / count / NS_PER_US;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function startCollector(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [process.argv[1]!], {
    env: { ...process.env, BENCH_ROLE: 'collector' },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const port = await new Promise<string>((resolve) =>
    child.stdout!.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
  );
  return { child, url: `http://127.0.0.1:${port}` };
}

async function main(): Promise<void> {
  const { child, url } = await startCollector();
  const sides: Side[] = [];
  try {
    console.log('starting two fleets: 2 gateways, 2 guilds, 1 of each other app');
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: url };
    sides.push(await startSide('off', { ...endpoint, GUILDHALL_TRACE_RATIO: '0' }));
    sides.push(await startSide('on', { ...endpoint, GUILDHALL_TRACE_RATIO: String(ratio) }));
    const us = new Map<Side, number[]>(sides.map((side) => [side, []]));
    for (let round = -WARM_UP_ROUNDS; round < roundsCount; round += 1) {
      // Whoever is first in a pair has the same luck as often as the other.
      const order = round % 2 === 0 ? sides : [...sides].reverse();
      for (const side of order) {
        const each = await measure(side);
        if (round >= 0) us.get(side)!.push(each);
      }
    }
    const [off, on] = sides.map((side) => us.get(side)!) as [number[], number[]];
    const ratios = on.map((value, round) => value / off[round]!);
    const bytes = await new Promise<number>((resolve) => {
      child.once('message', (count) => resolve(Number(count)));
      child.send('bytes');
    });
    const sorted = [...ratios].sort((a, b) => a - b);
    const quartile = (share: number): number => sorted[Math.floor(sorted.length * share)]!;
    console.log(`off   ${median(off).toFixed(0)} us of CPU a message`);
    console.log(`on    ${median(on).toFixed(0)} us, ${ratio} of all, ${bytes} bytes exported`);
    console.log(
      `on to off, ${roundsCount} pairs: median ${median(ratios).toFixed(4)}, ` +
        `quartiles ${quartile(0.25).toFixed(4)} and ${quartile(0.75).toFixed(4)}`,
    );
    console.log(JSON.stringify({ node: process.version, ratio, off, on }));
  } finally {
    for (const side of sides) {
      for (const session of side.sessions) await session.close(1000).catch(() => undefined);
      await side.close();
    }
    child.disconnect();
  }
}
