// Ten thousand sessions lose their sockets in the same moment and come back at once: how long until
// every one is READY or RESUMED, what of the gateway's CPU and memory that took, and whether a
// session that kept its socket was timed out meanwhile. Each is another bot, for IDENTIFYs are
// paced per bot; a third of them has forgotten its session and identifies anew.
//
//   npm run bench -- gateway reconnect-storm [sessions]
import process from 'node:process';
import { connectNats } from '@guildhall/bus';
import { inboxPrefix } from '@guildhall/contracts';
import { Intent } from '@guildhall/gateway-protocol';
import { startNats, tempDir } from '@guildhall/testkit';
import { FakeFleet } from '../src/testing/fake-fleet.js';
import { Crowd, type CrowdCounts } from './crowd.js';
import { answer, roleOfThis, runGatewayPart, startPart, type Part } from './roles.js';

const GUILDS_COUNT = 20;
const BYSTANDERS_COUNT = 200;
const INTENTS = Intent.Guilds | Intent.GuildMessages;
const DIALS_MAX = 1_000;
const PATIENT = { callTimeoutMs: 60_000, requestDeadlineMs: 60_000, attachTimeoutMs: 60_000 };
const DEADLINE_MS = 240_000;

interface Used {
  readonly cpuMs: number;
  readonly rss: number;
}

let port = 0;

function beFleet(): void {
  answer({
    start: async ({ natsUrl, count }: { natsUrl: string; count: number }) => {
      const name = 'fleet';
      const bus = await connectNats({ url: natsUrl, inboxPrefix: inboxPrefix('guilds'), name });
      const fleet = new FakeFleet(bus);
      fleet.identifiesLeft = 1_000_000_000;
      const ids = Array.from({ length: count }, (_, at) => fleet.user(`t-${at}`));
      for (let guild = 0; guild < GUILDS_COUNT; guild += 1) {
        fleet.guild(
          ids.filter((_id, at) => at % GUILDS_COUNT === guild),
          [1n, 2n, 3n],
        );
      }
      await bus.flush();
    },
  });
}

function beGateway(): void {
  answer({
    start: async (natsUrl: string) => {
      ({ port } = await runGatewayPart(natsUrl, PATIENT));
    },
    port: () => port,
    used: (): Used => {
      const { user, system } = process.cpuUsage();
      return { cpuMs: (user + system) / 1_000, rss: process.memoryUsage().rss };
    },
  });
}

function beCrowd(): void {
  let crowd: Crowd | undefined;
  answer({
    start: (first: { port: number; from: number }) => {
      const tokenOf = (index: number): string => `t-${first.from + index}`;
      crowd = new Crowd({ port: first.port, intents: INTENTS, tokenOf, dialsMax: DIALS_MAX });
    },
    grow: (count: number) => crowd!.grow(count),
    cut: () => crowd!.cut((index) => index % 3 === 0),
    counts: () => crowd!.counts,
  });
}

/** Waits until so many have had READY or RESUMED, all together; how long that took. */
async function untilBack(crowd: Part, count: number): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const { ready, resumed } = await crowd.ask<CrowdCounts>('counts');
    const tookMs = performance.now() - startedMs;
    if (ready + resumed >= count) return tookMs;
    if (tookMs > DEADLINE_MS) throw new Error(`${ready + resumed} of ${count} came`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function main(): Promise<void> {
  const count = Number(process.argv[2] ?? 10_000);
  using folder = tempDir('guildhall-bench-');
  const nats = await startNats({ dir: folder.path });
  const parts: Part[] = [];
  const start = async (role: string, value: unknown): Promise<Part> => {
    const part = await startPart(role, value);
    parts.push(part);
    return part;
  };
  try {
    await start('fleet', { natsUrl: nats.url, count: count + BYSTANDERS_COUNT });
    const gateway = await start('gateway', nats.url);
    const at = await gateway.ask<number>('port');
    const bystanders = await start('crowd', { port: at, from: count });
    await bystanders.ask('grow', BYSTANDERS_COUNT);
    await untilBack(bystanders, BYSTANDERS_COUNT);
    const crowd = await start('crowd', { port: at, from: 0 });
    let before = await gateway.ask<Used>('used');
    const say = async (what: string, tookMs: number): Promise<void> => {
      const after = await gateway.ask<Used>('used');
      const cpuUs = ((after.cpuMs - before.cpuMs) * 1_000) / count;
      console.log(
        `${what}: ${(tookMs / 1_000).toFixed(1)} s, ${cpuUs.toFixed(0)} us of the gateway's CPU ` +
          `each, rss ${Math.round(after.rss / 1_048_576)} MiB`,
      );
      before = after;
    };
    await crowd.ask('grow', count);
    await say(`${count} log in`, await untilBack(crowd, count));
    await crowd.ask('cut');
    await say(`${count} lose their sockets and are back`, await untilBack(crowd, count * 2));
    const { ready, resumed, invalid, codes } = await crowd.ask<CrowdCounts>('counts');
    const { closed } = await bystanders.ask<CrowdCounts>('counts');
    console.log(
      `READY again ${ready - count}, RESUMED ${resumed}, op 9 ${invalid}, closes ` +
        `${JSON.stringify(codes)}; of ${BYSTANDERS_COUNT} bystanders ${closed} lost their socket`,
    );
  } finally {
    for (const part of parts.reverse()) await part.end();
    await nats.stop();
  }
}

const ROLES: Readonly<Record<string, () => void>> = {
  fleet: beFleet,
  gateway: beGateway,
  crowd: beCrowd,
};
const role = roleOfThis();
if (role === undefined) await main();
else ROLES[role]!();
