import { ManualClock, SystemClock } from '@guildhall/clock';
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

describe('what a memory hub can do to messages', () => {
  const clock = new ManualClock();
  const setUp = () => {
    const hub = createMemoryBus(clock);
    const from = hub.connect({ name: 'from' });
    const to = hub.connect({ name: 'to' });
    const seen: number[] = [];
    to.subscribe('events', (payload) => void seen.push(payload[0]!));
    const publish = (...numbers: number[]): void =>
      numbers.forEach((number) => from.publish('events', Uint8Array.of(number)));
    return { hub, from, to, seen, publish };
  };

  it('hands over nothing before the current turn has ended', async () => {
    const { seen, publish } = setUp();
    publish(1, 2);
    expect(seen).toEqual([]);
    await clock.advanceAsync(0);
    expect(seen).toEqual([1, 2]);
  });

  it('loses and doubles what a rule says, until the rule ends', async () => {
    const { hub, seen, publish } = setUp();
    const end = hub.rule(({ from, to, subject, payload }) => {
      expect([from, to, subject]).toEqual(['from', 'to', 'events']);
      return ([undefined, 'drop', 'duplicate'] as const)[payload[0]!];
    });
    publish(0, 1, 2);
    await clock.advanceAsync(0);
    expect(seen).toEqual([0, 2, 2]);
    end();
    publish(1);
    await clock.advanceAsync(0);
    expect(seen).toEqual([0, 2, 2, 1]);
    expect(hub.deliveredCount).toBe(4);
  });

  it('delays, and keeps the order of what comes after', async () => {
    const { hub, seen, publish } = setUp();
    hub.rule(({ payload }) => (payload[0] === 1 ? { delayMs: 100 } : undefined));
    publish(1, 2);
    await clock.advanceAsync(50);
    publish(3);
    await clock.advanceAsync(49);
    expect(seen).toEqual([]);
    await clock.advanceAsync(1);
    expect(seen).toEqual([1, 2, 3]);
    publish(4);
    await clock.advanceAsync(0);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('gives a connection that came back nothing that was on its way before', async () => {
    const { hub, to, seen, publish } = setUp();
    hub.rule(() => ({ delayMs: 100 }));
    publish(1);
    to.disconnect();
    publish(2);
    to.reconnect();
    publish(3);
    await clock.advanceAsync(200);
    expect(seen).toEqual([3]);
  });

  it('keeps what sender and receiver do to their bytes apart', async () => {
    const { from, seen } = setUp();
    const payload = Uint8Array.of(1);
    from.publish('events', payload);
    payload[0] = 9;
    await clock.advanceAsync(0);
    expect(seen).toEqual([1]);
  });

  it('lets the event loop turn in a conversation without end', async () => {
    const { from, to } = setUp();
    from.subscribe('ping', () => void from.publish('pong', Uint8Array.of(1)));
    to.subscribe('pong', () => void to.publish('ping', Uint8Array.of(1)));
    to.publish('ping', Uint8Array.of(1));
    await clock.advanceAsync(0);
    expect(from.counts().received).toBeGreaterThan(1_000);
    await from.close();
  });

  it('has one living connection of each name', async () => {
    const { hub, from } = setUp();
    expect(() => hub.connect({ name: 'from' })).toThrow('connected already');
    await from.close();
    expect(hub.connect({ name: 'from' }).status).toBe('connected');
  });
});
