// Hot path: an ack from the bus to its durable answer. Callers, bus, app in this one process,
// PostgreSQL beside it with fsync on, both on whatever processors there are. On a machine that does
// other things as well only the CPU an ack says something.
//
//   npm run bench -- read-states ack [seconds]
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { callMethod, createMemoryBus, type Bus } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { ReadStates as Contract } from '@guildhall/contracts';
import { defaultsOf } from '@guildhall/service';
import { partitionOf, PARTITIONS_COUNT } from '@guildhall/snowflake';
import { openStore } from '@guildhall/store';
import { silentTelemetry } from '@guildhall/telemetry';
import { removePostgres, SeededRandom, startPostgres, tempDir } from '@guildhall/testkit';
import { KNOBS } from '../src/config.js';
import { ReadStatesApp } from '../src/service.js';

const USERS_COUNT = 20_000;
const CHANNELS_COUNT = 5;
const NS_PER_MS = 1e6;

const seconds = Number(process.argv[2] ?? 3);
const random = new SeededRandom(1);
const users = Array.from(
  { length: USERS_COUNT },
  (_, at) => (BigInt(1 + at) << 22n) | (BigInt(at % PARTITIONS_COUNT) << 12n),
);
let lastMessageId = 1n;

void main();

async function main(): Promise<void> {
  const clock = new SystemClock();
  const dir = tempDir();
  const databaseDir = `${dir.path}/postgres`;
  const server = await startPostgres({ dir: databaseDir });
  const telemetry = silentTelemetry();
  const hub = createMemoryBus(clock);
  const store = openStore({
    databaseUrl: server.url,
    schema: 'read_states',
    connectionsMax: 12,
    applicationName: 'bench',
  });
  const bus = hub.connect({ name: 'read-states' });
  const edge = hub.connect({ name: 'edge' });
  const app = new ReadStatesApp({
    bus,
    store,
    clock,
    telemetry,
    instance: 'bench',
    version: '0',
    // Callers and app share an event loop here: being slow must not look like being dead.
    knobs: { ...defaultsOf(KNOBS), leaseMs: 60_000 },
  });
  await app.start(new AbortController().signal);
  try {
    const loadedAtMs = performance.now();
    await inParallel(1_000, users, (userId) => load(edge, userId));
    say('load cold users, none of which has entries', USERS_COUNT, loadedAtMs);
    await measure('1 ack a request, 1 caller', edge, 1, 1);
    await measure('1 ack a request, 1,000 callers', edge, 1_000, 1);
    await measure('1 ack a request, 8,000 callers', edge, 8_000, 1);
    await measure('10 acks a request, 1,000 callers', edge, 1_000, 10);
    const drainedAtMs = performance.now();
    await app.drain(new AbortController().signal);
    console.log(`drain, with the last fold: ${(performance.now() - drainedAtMs).toFixed(0)} ms`);
  } finally {
    await app.stop();
    await Promise.all([bus.close(), edge.close(), store.close()]);
    await server.stop();
    removePostgres(databaseDir);
    dir.remove();
  }
}

async function measure(
  what: string,
  edge: Bus,
  callersCount: number,
  acksCount: number,
): Promise<void> {
  const latenciesMs: number[] = [];
  let refusedCount = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpuBefore = process.cpuUsage();
  const startedAtMs = performance.now();
  const untilMs = startedAtMs + seconds * 1_000;
  const caller = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const sentAtMs = performance.now();
      try {
        await ack(edge, acksCount);
        latenciesMs.push(performance.now() - sentAtMs);
      } catch {
        refusedCount += 1;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  };
  await Promise.all(Array.from({ length: callersCount }, caller));
  delay.disable();
  const { user, system } = process.cpuUsage(cpuBefore);
  say(what, latenciesMs.length * acksCount, startedAtMs);
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number): string =>
    (latenciesMs[Math.floor(latenciesMs.length * share)] ?? NaN).toFixed(1);
  console.log(
    `    answered after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; refused ${refusedCount}; ` +
      `longest turn ${(delay.max / NS_PER_MS).toFixed(0)} ms; ` +
      `${((user + system) / (latenciesMs.length * acksCount)).toFixed(1)} us of CPU here an ack`,
  );
}

/** Every ack is of a newer message, so every ack moves a mark. */
async function ack(edge: Bus, acksCount: number): Promise<void> {
  const userId = random.pick(users);
  const acks = Array.from({ length: acksCount }, () => ({
    channelId: BigInt(1 + random.int(CHANNELS_COUNT)),
    messageId: (lastMessageId += 1n),
  }));
  const where = { partition: partitionOf(userId) };
  const request = { userId, acks };
  const reply = await callMethod(edge, Contract.method.ack, where, request, { timeoutMs: 30_000 });
  if (reply.moved.includes(false)) throw new Error('an ack did not move');
}

async function load(edge: Bus, userId: bigint): Promise<void> {
  const where = { partition: partitionOf(userId) };
  const request = { userId, afterVersion: 0n };
  await callMethod(edge, Contract.method.load, where, request, { timeoutMs: 30_000 });
}

async function inParallel<T>(
  count: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
}

function say(what: string, count: number, startedAtMs: number): void {
  const perSecond = (count / (performance.now() - startedAtMs)) * 1_000;
  console.log(`${what}: ${Math.round(perSecond).toLocaleString('en-US')} a second`);
}
