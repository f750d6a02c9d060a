// What a session costs at rest: all memory of the gateway's process, by the operating system's
// count, with 1,000 to 10,000 sessions less that with none, divided by their number. Every session
// is another user's (its own user topic, its own subscription), has one guild, has had READY and
// GUILD_CREATE and confirmed them. Beside it a bare `ws` server with as many sockets.
//
//   npm run bench -- gateway idle-memory [bots|people] [sessions...]
//   npm run bench -- gateway idle-memory heap 5000     what lies on the heap, by constructor
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import v8 from 'node:v8';
import { connectNats } from '@guildhall/bus';
import { inboxPrefix } from '@guildhall/contracts';
import { Intent } from '@guildhall/gateway-protocol';
import { startNats, tempDir } from '@guildhall/testkit';
import { WebSocketServer } from 'ws';
import { FakeFleet } from '../src/testing/fake-fleet.js';
import { Crowd, type CrowdCounts } from './crowd.js';
import { summaryOfHeap } from './heap-summary.js';
import { answer, roleOfThis, runGatewayPart, settleHeap, startPart, type Part } from './roles.js';

const GUILDS_COUNT = 20;
const CHANNELS_COUNT = 5;
const DIALS_MAX = 64;
const INTENTS = Intent.Guilds | Intent.GuildMessages | Intent.DirectMessages;
const DEADLINE_MS = 300_000;

/** What is measured is memory, on whatever machine. */
const PATIENT = {
  callTimeoutMs: 60_000,
  requestDeadlineMs: 60_000,
  attachTimeoutMs: 60_000,
  heartbeatTimeoutMs: 600_000,
  identifyTimeoutMs: 600_000,
};

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly heapCommitted: number;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const memory = async (): Promise<Memory> => {
  await settleHeap();
  const { rss, heapUsed, external, heapTotal } = process.memoryUsage();
  return { rss, heapUsed, external, heapCommitted: heapTotal };
};

function beFleet(): void {
  answer({
    start: async ({
      natsUrl,
      count,
      isBot,
    }: {
      natsUrl: string;
      count: number;
      isBot: boolean;
    }) => {
      const bus = await connectNats({
        url: natsUrl,
        inboxPrefix: inboxPrefix('guilds'),
        name: 'fleet',
      });
      const fleet = new FakeFleet(bus);
      fleet.identifiesLeft = 1_000_000_000;
      const ids = Array.from({ length: count }, (_, at) => fleet.user(`t-${at}`, { bot: isBot }));
      for (let guild = 0; guild < GUILDS_COUNT; guild += 1) {
        const channelIds = Array.from({ length: CHANNELS_COUNT }, (_, at) => BigInt(at + 1));
        fleet.guild(
          ids.filter((_id, at) => at % GUILDS_COUNT === guild),
          channelIds,
        );
      }
      await bus.flush();
    },
  });
}

function beGateway(): void {
  answer({
    start: async (natsUrl: string) => {
      const { port } = await runGatewayPart(natsUrl, PATIENT);
      answerPort = port;
    },
    port: () => answerPort,
    memory,
    heap: () => summaryOfHeap(v8.getHeapSnapshot()),
  });
}

let answerPort = 0;

function beBareServer(): void {
  const kept = new Set<unknown>();
  const server = createServer();
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => {
      kept.add(ws);
      ws.on('message', () => undefined);
      ws.on('close', () => kept.delete(ws));
    }),
  );
  answer({
    start: () => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)),
    port: () => (server.address() as AddressInfo).port,
    memory,
    heap: () => summaryOfHeap(v8.getHeapSnapshot()),
  });
}

function beCrowd(): void {
  let crowd: Crowd | undefined;
  answer({
    start: ({ port, isBare }: { port: number; isBare: boolean }) => {
      const tokenOf = isBare ? undefined : (index: number) => `t-${index}`;
      crowd = new Crowd({ port, intents: INTENTS, tokenOf, dialsMax: DIALS_MAX });
    },
    grow: (count: number) => crowd!.grow(count),
    heartbeat: () => crowd!.heartbeat(),
    counts: () => crowd!.counts,
  });
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MiB`;

async function untilThere(crowd: Part, count: number, isBare: boolean): Promise<void> {
  const untilMs = performance.now() + DEADLINE_MS;
  for (;;) {
    const { open, ready, guilds, closed, codes } = await crowd.ask<CrowdCounts>('counts');
    if (closed > 0) throw new Error(`sockets were closed: ${JSON.stringify(codes)}`);
    if (isBare ? open >= count : ready >= count && guilds >= count) return;
    if (performance.now() > untilMs) throw new Error(`${ready} of ${count} are there`);
    await wait(100);
  }
}

async function measure(
  name: string,
  server: Part,
  steps: readonly number[],
  isBare: boolean,
): Promise<void> {
  const port = await server.ask<number>('port');
  const crowd = await startPart('crowd', { port, isBare });
  const before = await server.ask<Memory>('memory');
  console.log(`${name}: rss ${mebibytes(before.rss)} with nobody`);
  let last = { count: 0, rss: before.rss };
  for (const step of steps) {
    await crowd.ask('grow', step - last.count);
    await untilThere(crowd, step, isBare);
    for (let round = 0; round < 2; round += 1) {
      await wait(500);
      if (!isBare) await crowd.ask('heartbeat');
    }
    await wait(500);
    const after = await server.ask<Memory>('memory');
    const each = (key: keyof Memory): string =>
      String(Math.round((after[key] - before[key]) / step)).padStart(7);
    const slope = Math.round((after.rss - last.rss) / (step - last.count));
    console.log(
      `${name.padEnd(8)} ${String(step).padStart(6)}: bytes each: rss ${each('rss')}  heap used` +
        `${each('heapUsed')}  heap committed ${each('heapCommitted')}  external` +
        `${each('external')}; rss of those that were added ${slope}; rss ${mebibytes(after.rss)}`,
    );
    last = { count: step, rss: after.rss };
  }
  if (process.argv.includes('heap')) {
    const lines = await server.ask<string[]>('heap');
    console.log(lines.join('\n'));
  }
  await crowd.end();
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const kinds = words.filter((word) => word === 'bots' || word === 'people');
  const numbers = words.map(Number).filter((value) => value > 0);
  const steps = numbers.length > 0 ? numbers : [1_000, 5_000, 10_000];
  using folder = tempDir('guildhall-bench-');
  const nats = await startNats({ dir: folder.path });
  try {
    if (!words.includes('heap')) {
      const bare = await startPart('bare');
      await measure('bare ws', bare, steps, true);
      await bare.end();
    }
    for (const kind of kinds.length > 0 ? kinds : ['bots', 'people']) {
      const count = steps.at(-1)!;
      const isBot = kind === 'bots';
      const fleet = await startPart('fleet', { natsUrl: nats.url, count, isBot });
      const gateway = await startPart('gateway', nats.url);
      await measure(kind, gateway, steps, false);
      await gateway.end();
      await fleet.end();
    }
  } finally {
    await nats.stop();
  }
}

const ROLES: Readonly<Record<string, () => void>> = {
  fleet: beFleet,
  gateway: beGateway,
  bare: beBareServer,
  crowd: beCrowd,
};
const role = roleOfThis();
if (role === undefined) await main();
else ROLES[role]!();
