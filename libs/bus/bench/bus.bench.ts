// Hot path: LinkedBus.publish, Asking.one, encodeBody, decodeReply. Requests and publishes a second
// over a real nats-server on this machine, all ends in one process, and over the twin in memory; so
// each figure pays for both sides. `typed` adds protobuf and the method table.
//
//   npm run bench -- bus
import { SystemClock } from '@guildhall/clock';
import { PartitionedService, ReadStates } from '@guildhall/contracts';
import { startNats, tempDir } from '@guildhall/testkit';
import {
  callMethod,
  connectNats,
  createMemoryBus,
  partitionMethods,
  servePartition,
  type Bus,
} from '../src/index.js';

const REQUESTS_COUNT = 40_000;
const IN_FLIGHT = 64;
const PUBLISHES_COUNT = 200_000;
const PUBLISH_BATCH = 500;
const PAYLOAD_BYTES = 300;
const OPTIONS = { timeoutMs: 10_000 };

async function perSecond(what: string, count: number, work: () => Promise<void>): Promise<void> {
  await work();
  const startedMs = performance.now();
  await work();
  const tookMs = performance.now() - startedMs;
  const rate = Math.round((count / tookMs) * 1_000).toLocaleString('en');
  console.log(`${what}: ${rate} a second, ${((tookMs * 1_000) / count).toFixed(1)} us each`);
}

/** So many requests, `IN_FLIGHT` of them at any time. */
async function inFlight(count: number, ask: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await ask();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function measure(name: string, owner: Bus, asker: Bus): Promise<void> {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(1);
  owner.serve('bench.echo', {}, (request) => request.reply(request.payload));
  const table = partitionMethods([ReadStates], { load: () => ({ version: 1n }) });
  servePartition(owner, PartitionedService.ReadStates, 1, table);
  let received = 0;
  let onReceived = (): void => undefined;
  asker.subscribe('bench.events', () => {
    received += 1;
    if (received % PUBLISHES_COUNT === 0) onReceived();
  });
  await Promise.all([owner.flush(), asker.flush()]);

  await perSecond(`${name}, requests one by one`, REQUESTS_COUNT / 10, async () => {
    for (let count = REQUESTS_COUNT / 10; count > 0; count -= 1) {
      await asker.request('bench.echo', payload, OPTIONS);
    }
  });
  await perSecond(`${name}, requests, ${IN_FLIGHT} in flight`, REQUESTS_COUNT, () =>
    inFlight(REQUESTS_COUNT, () => asker.request('bench.echo', payload, OPTIONS)),
  );
  await perSecond(`${name}, typed requests, ${IN_FLIGHT} in flight`, REQUESTS_COUNT, () =>
    inFlight(REQUESTS_COUNT, () =>
      callMethod(asker, ReadStates.method.load, { partition: 1 }, { userId: 7n }, OPTIONS),
    ),
  );
  await perSecond(`${name}, publishes to one subscriber`, PUBLISHES_COUNT, async () => {
    const all = new Promise<void>((resolve) => (onReceived = resolve));
    for (let sent = 0; sent < PUBLISHES_COUNT; sent += PUBLISH_BATCH) {
      for (let one = 0; one < PUBLISH_BATCH; one += 1) {
        if (!owner.publish('bench.events', payload)) throw new Error('a publish was dropped');
      }
      // A turn of the loop between batches, as a server has; the socket is read in it.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
  });
}

const memory = createMemoryBus(new SystemClock());
await measure('memory', memory.connect({ name: 'owner' }), memory.connect({ name: 'asker' }));

const dir = tempDir();
const server = await startNats({ dir: dir.path });
const connect = (name: string): Promise<Bus> =>
  connectNats({ url: server.url, inboxPrefix: '_INBOX.bench', name });
const [owner, asker] = await Promise.all([connect('owner'), connect('asker')]);
await measure('NATS', owner, asker);
await Promise.all([owner.drain(), asker.drain()]);
await server.stop();
dir.remove();
