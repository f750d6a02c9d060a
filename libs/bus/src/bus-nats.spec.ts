import { freePort, startNats, tempDir, until } from '@guildhall/testkit';
import { inboxPrefix, natsPermissions } from '@guildhall/contracts';
import { fakeTelemetry } from '@guildhall/telemetry';
import { connectNats } from './bus-nats.js';
import type { Bus, BusStatus } from './bus.js';
import { describeBus } from './bus.conformance.js';

describeBus('the bus over NATS', async () => {
  const dir = tempDir();
  const port = await freePort();
  const start = () => startNats({ dir: dir.path, port });
  let server = await start();
  const connected: Bus[] = [];
  const allAre = (status: BusStatus) =>
    until(
      async () => connected.every((bus) => bus.status === status || bus.status === 'closed'),
      10_000,
    );
  return {
    connect: async (options) => {
      const bus = await connectNats({ ...options, url: server.url, inboxPrefix: '_INBOX.spec' });
      connected.push(bus);
      return bus;
    },
    interrupt: async () => {
      await server.kill();
      await allAre('disconnected');
    },
    restore: async () => {
      server = await start();
      await allAre('connected');
    },
    stop: async () => {
      await server.stop();
      dir.remove();
    },
  };
});

describe('a NATS server that misbehaves', () => {
  const dir = tempDir();
  const bytes = Uint8Array.of(1);

  afterAll(() => dir.remove());

  it('is noticed within seconds when it stands still, and nothing piles up without bound', async () => {
    const server = await startNats({ dir: dir.path });
    const bus = await connectNats({
      url: server.url,
      inboxPrefix: '_INBOX.spec',
      name: 'spec',
      pingIntervalMs: 200,
      pendingBytesMax: 4 * 1024 * 1024,
    });
    try {
      process.kill(server.pid, 'SIGSTOP');
      const block = new Uint8Array(500_000);
      let taken = 0;
      while (bus.publish('spec.flood', block)) taken += 1;
      expect(taken).toBe(8);
      expect(bus.counts().dropped).toBe(1);
      const refused = await bus.request('spec.flood', block, { timeoutMs: 5_000 }).catch((e) => e);
      expect(refused).toMatchObject({ code: 'overloaded' });
      const stoppedMs = performance.now();
      await until(async () => bus.status === 'disconnected', 5_000);
      expect(performance.now() - stoppedMs).toBeLessThan(3_000);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await until(async () => bus.status === 'connected', 10_000);
    await bus.flush();
    expect(bus.publish('spec.flood', bytes)).toBe(true);
    await bus.drain();
    await server.stop();
  }, 20_000);

  it('that is not there is `unavailable`, after the time it may take to come up', async () => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    const options = { url, inboxPrefix: '_INBOX.spec', name: 'spec', connectTimeoutMs: 300 };
    await expect(connectNats(options)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('lets each app do what its permissions say, and says in the log what they do not', async () => {
    const users = (['gateway', 'guilds'] as const).map((name) => ({
      name,
      password: `p@ss:${name}`,
      ...natsPermissions(name),
    }));
    const server = await startNats({ dir: dir.path, users });
    const { logger, logs } = fakeTelemetry();
    const connect = (name: 'gateway' | 'guilds') =>
      connectNats({ url: server.urlFor(name), inboxPrefix: inboxPrefix(name), name, logger });
    const [gateway, guilds] = await Promise.all([connect('gateway'), connect('guilds')]);
    guilds.serve('guilds.v1.p1.*', { queue: 'owner' }, (request) => request.reply(bytes));
    let gapsCount = 0;
    gateway.onContinuityGap(() => (gapsCount += 1));
    await guilds.flush();
    const answer = await gateway.request('guilds.v1.p1.get_message', bytes, { timeoutMs: 5_000 });
    expect([...answer]).toEqual([1]);
    gateway.publish('topics.v1.p1.t1.events', bytes);
    await gateway.flush();
    await until(
      async () => logs().some(({ message }) => message === 'NATS reported an error'),
      5_000,
    );
    expect(gapsCount).toBe(0);
    await Promise.all([gateway.drain(), guilds.drain()]);
    await server.stop();
  });
});
