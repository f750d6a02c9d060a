import { SystemClock } from '@guildhall/clock';
import { createMemoryBus, type MemoryBus } from './bus-memory.js';
import { describeBus } from './bus.conformance.js';

describeBus('the bus in memory', async () => {
  const hub = createMemoryBus(new SystemClock());
  const connected: MemoryBus[] = [];
  const open = (): MemoryBus[] => connected.filter((bus) => bus.status !== 'closed');
  return {
    connect: async (options) => {
      const bus = hub.connect(options);
      connected.push(bus);
      return bus;
    },
    interrupt: async () => open().forEach((bus) => bus.disconnect()),
    restore: async () => open().forEach((bus) => bus.reconnect()),
    stop: async () => undefined,
  };
});
