import { freePort, startNats, tempDir, until } from '@guildhall/testkit';
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
