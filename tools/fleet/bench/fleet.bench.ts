// A whole fleet on this machine, as its users feel it: how long a log-in takes, a message, a
// takeover. Real processes, real NATS, real PostgreSQL with durable commits; the clients are in
// this process and share the cores with the fleet, so these are upper bounds.
//
//   npm run bench -- fleet
//
// Prints a table and a JSON line.
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { tempDir, TestGatewayClient } from '@guildhall/testkit';
import { startFleet, type Fleet } from '../src/index.js';
import { logIn, makeWorld, ok, UNHURRIED, type Made } from './world.js';

const GUILDS_COUNT = 100;
const LOGINS_COUNT = 130;
/** Logins before the measured ones: code that has not run is slow. */
const WARM_UP_LOGINS_COUNT = 30;
/** Between logins: the last one's goodbye is not to be measured with the next. */
const LOGIN_PAUSE_MS = 50;
const SESSIONS_COUNT = 40;
const PACED_MESSAGES = 200;
const PACED_INTERVAL_MS = 20;
const BURST_MS = 5_000;
const BURST_CALLERS = 64;

const rows: [string, string][] = [];
const report: Record<string, number> = {};

function note(name: string, value: number, unit: string): void {
  report[name] = Math.round(value * 100) / 100;
  rows.push([name, `${report[name]} ${unit}`]);
}

function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!;
}

function noteTimes(name: string, times: number[]): void {
  note(`${name}, p50`, quantile(times, 0.5), 'ms');
  note(`${name}, p99`, quantile(times, 0.99), 'ms');
}

const guildsOf = (client: TestGatewayClient): number => client.dispatches('GUILD_CREATE').length;

async function measureLogIn(fleet: Fleet, { token }: Made): Promise<void> {
  const ready: number[] = [];
  const inside: number[] = [];
  const complete: number[] = [];
  const { port } = fleet.instances().find(({ app }) => app === 'gateway')!;
  for (let index = 0; index < LOGINS_COUNT; index += 1) {
    const client = await TestGatewayClient.connect({ url: `ws://127.0.0.1:${port}` });
    const startedAt = performance.now();
    const { d } = await client.identify({ token, intents: ALL_INTENTS });
    ready.push(performance.now() - startedAt);
    inside.push(microsOf(d) / 1_000);
    await client.waitFor(() => guildsOf(client) === GUILDS_COUNT, { timeoutMs: 30_000 });
    complete.push(performance.now() - startedAt);
    await client.close(1000);
    await sleep(LOGIN_PAUSE_MS);
  }
  const measured = (times: number[]): number[] => times.slice(WARM_UP_LOGINS_COUNT);
  noteTimes(`IDENTIFY to READY, ${GUILDS_COUNT} guilds`, measured(ready));
  noteTimes('of it in the gateway', measured(inside));
  noteTimes(`IDENTIFY to the last of ${GUILDS_COUNT} GUILD_CREATE`, measured(complete));
}

/** What the gateway says READY took it. */
function microsOf(ready: unknown): number {
  const [trace] = (ready as { _trace: string[] })._trace;
  const [, { micros }] = JSON.parse(trace!) as [string, { micros: number }];
  return micros;
}

async function measureMessages(fleet: Fleet, made: Made): Promise<void> {
  const clients: TestGatewayClient[] = [];
  for (let index = 0; index < SESSIONS_COUNT; index += 1) {
    clients.push(await logIn(fleet, made.token, index));
  }
  const answered: number[] = [];
  const delivered: number[] = [];
  const channelId = made.channelIds[0]!;
  for (let index = 0; index < PACED_MESSAGES; index += 1) {
    const content = `paced ${index}`;
    const startedAt = performance.now();
    const isIt = (payload: { t: unknown; d: unknown }): boolean =>
      payload.t === 'MESSAGE_CREATE' && (payload.d as { content: string }).content === content;
    const seen = clients.map((client) => client.waitFor(isIt, { timeoutMs: 10_000 }));
    await ok(made.owner.post(`/channels/${channelId}/messages`, { content }));
    answered.push(performance.now() - startedAt);
    await Promise.all(seen);
    delivered.push(performance.now() - startedAt);
    await new Promise((resolve) => setTimeout(resolve, PACED_INTERVAL_MS));
  }
  noteTimes('POST message to 200', answered);
  noteTimes(`POST message to the last of ${SESSIONS_COUNT} sessions on 2 gateways`, delivered);
  for (const client of clients) await client.close(1000);
}

/** CPU time of a process so far, ms: fields 14 and 15 of its stat, in ticks of 10 ms. */
function cpuMs(pid: number | 'self'): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function measureThroughput(fleet: Fleet, made: Made): Promise<void> {
  const processes = fleet.instances().map(({ name, pid }) => ({ name, pid: pid! }));
  const before = new Map(processes.map(({ name, pid }) => [name, cpuMs(pid)]));
  const ownBefore = cpuMs('self');
  const until = performance.now() + BURST_MS;
  let count = 0;
  const times: number[] = [];
  const caller = async (index: number): Promise<void> => {
    const channelId = made.channelIds[index % made.channelIds.length]!;
    while (performance.now() < until) {
      const startedAt = performance.now();
      await ok(made.owner.post(`/channels/${channelId}/messages`, { content: 'burst' }));
      times.push(performance.now() - startedAt);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: BURST_CALLERS }, (_, index) => caller(index)));
  note(`durable messages a second, ${BURST_CALLERS} callers`, count / (BURST_MS / 1_000), '/s');
  noteTimes('the same, POST to 200', times);
  for (const { name, pid } of processes) {
    note(`the same, CPU of ${name} per message`, (cpuMs(pid) - before.get(name)!) / count, 'ms');
  }
  note('the same, CPU of the callers per message', (cpuMs('self') - ownBefore) / count, 'ms');
}

/** How long a guild's messages are not answered after its owner was killed. */
async function measureTakeover(fleet: Fleet, made: Made): Promise<void> {
  const times: number[] = [];
  for (const name of ['guilds-1', 'guilds-2', 'guilds-1', 'guilds-2']) {
    await fleet.kill(name);
    const startedAt = performance.now();
    await Promise.all(
      made.channelIds
        .slice(0, 40)
        .map((id) =>
          ok(made.owner.post(`/channels/${id}/messages`, { content: 'after the kill' })),
        ),
    );
    times.push(performance.now() - startedAt);
    await fleet.restart(name);
  }
  note('kill -9 of guilds: until 40 guilds answer again, worst of 4', Math.max(...times), 'ms');
}

async function main(): Promise<void> {
  const folder = tempDir('guildhall-bench-');
  console.log('starting a fleet: 2 gateways, 2 guilds, 1 of each other app');
  const fleet = await startFleet({
    dataDir: folder.path,
    seed: false,
    instances: { gateway: 2, guilds: 2 },
    env: { LOG_LEVEL: 'warn' },
    appEnv: UNHURRIED,
  });
  try {
    console.log(`making ${GUILDS_COUNT} guilds`);
    const made = await makeWorld(fleet, GUILDS_COUNT);
    await measureLogIn(fleet, made);
    await measureMessages(fleet, made);
    await measureThroughput(fleet, made);
    await measureTakeover(fleet, made);
  } catch (error) {
    for (const { name } of fleet.instances()) {
      console.log(`== ${name}\n${fleet.logs(name).slice(-5).join('\n')}`);
    }
    throw error;
  } finally {
    await fleet.stop();
    folder.remove();
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
  console.log(JSON.stringify({ node: process.version, ...report }));
}

await main();
