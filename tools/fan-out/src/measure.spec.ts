import process from 'node:process';
import { idleRates, measureWindow } from './measure.js';
import { monotonicMs } from './monotonic-ms.js';
import type { SinkProcess } from './sink-process.js';

const plan = { dialect: { name: 'bare' as const }, port: 1, connectionsCount: 3, identities: [] };
const pace = { turnsCount: 2, eventsPerTurn: 2, intervalMs: 1 };

/** A sink of which we decide what it saw. */
function sinks(received: number, surplus: number) {
  const marks: number[] = [];
  const sink = {
    mark: (eventsCount: number) => void marks.push(eventsCount),
    report: () => {
      const lastAtMs = Array.from({ length: marks.at(-1)! }, () => monotonicMs() + 5);
      return Promise.resolve({ received, surplus, bytes: 1_000, lastAtMs });
    },
  };
  return { marks, open: new Map([[plan, sink as unknown as SinkProcess]]) };
}

describe('measureWindow', () => {
  it('publishes by turns, and counts from then to the last recipient', async () => {
    const turns: number[] = [];
    const target = {
      name: 'x',
      pids: [process.pid],
      sinks: [plan],
      publish: async (count: number) => void turns.push(count),
    };
    const { marks, open } = sinks(12, 0);
    const window = await measureWindow(target, open, pace, 0);
    expect(turns).toEqual([2, 2]);
    expect(marks).toEqual([4]);
    expect(window).toMatchObject({ deliveries: 12, bytes: 1_000 });
    expect(window.latenciesMs).toHaveLength(4);
    expect(Math.min(...window.latenciesMs)).toBeGreaterThanOrEqual(5);
    expect(window.cpuNs).toBeGreaterThan(0);
  });

  it('takes no figure from what did not come whole', async () => {
    const target = {
      name: 'x',
      pids: [process.pid],
      sinks: [plan],
      publish: async () => undefined,
    };
    await expect(measureWindow(target, sinks(11, 0).open, pace, 0)).rejects.toThrow(
      '11 of 12 came',
    );
    await expect(measureWindow(target, sinks(12, 1).open, pace, 0)).rejects.toThrow('1 too many');
  });

  it('fails when publishing does', async () => {
    const publish = (): Promise<void> => Promise.reject(new Error('refused'));
    const target = { name: 'x', pids: [process.pid], sinks: [plan], publish };
    await expect(measureWindow(target, sinks(12, 0).open, pace, 0)).rejects.toThrow('refused');
  });
});

describe('idleRates', () => {
  it('has a rate of each', async () => {
    const target = {
      name: 'x',
      pids: [process.pid],
      sinks: [plan],
      publish: async () => undefined,
    };
    expect((await idleRates([target], 5)).get(target)).toBeGreaterThanOrEqual(0);
  });
});
