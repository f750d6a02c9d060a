import { startProcess, until } from '@guildhall/testkit';

import type { FleetEvent } from './options.js';
import { backoffMs, Supervised } from './supervised.js';

function supervise(source: string, readyWhen?: RegExp) {
  const events: FleetEvent[] = [];
  const supervised = new Supervised({
    name: 'subject',
    stopTimeoutMs: 5_000,
    crashesMax: 3,
    onEvent: (event) => events.push(event),
    start: (signal) =>
      startProcess({
        name: 'subject',
        command: process.execPath,
        args: ['-e', source],
        signal,
        ...(readyWhen === undefined ? {} : { readyWhen }),
      }),
  });
  return { supervised, kinds: () => events.map(({ kind }) => kind) };
}
const forever = "console.log('up'); setInterval(() => {}, 1000);";

describe('Supervised', () => {
  it('starts a process again when it crashes', async () => {
    const { supervised, kinds } = supervise(forever, /up/);
    await supervised.start();
    const first = supervised.pid;
    await supervised.crash();
    await until(() => Promise.resolve(supervised.phase === 'ready'), 5_000);
    expect(supervised.pid).not.toBe(first);
    await supervised.stop();
    expect(kinds()).toEqual(['ready', 'crashed', 'ready', 'stopped']);
  });

  it('leaves a process down that was killed on purpose, until it is started', async () => {
    const { supervised, kinds } = supervise(forever, /up/);
    await supervised.start();
    await supervised.kill();
    expect([supervised.phase, supervised.pid]).toEqual(['down', undefined]);
    await supervised.start();
    expect(supervised.phase).toBe('ready');
    await supervised.stop();
    await supervised.stop();
    expect(kinds()).toEqual(['ready', 'stopped', 'ready', 'stopped']);
  });

  it('lets a kill overtake a stop that takes long', async () => {
    const { supervised } = supervise(`process.on('SIGTERM', () => {}); ${forever}`, /up/);
    await supervised.start();
    const startedMs = performance.now();
    await Promise.all([supervised.stop(), supervised.kill()]);
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    expect(supervised.phase).toBe('down');
  });

  it('rejects the first start of a process that does not come up, and leaves it down', async () => {
    const { supervised, kinds } = supervise('process.exit(4)', /up/);
    await expect(supervised.start()).rejects.toThrow('ended with code 4');
    expect(supervised.phase).toBe('down');
    expect(kinds()).toEqual([]);
  });

  it('calls off a start that is under way', async () => {
    const { supervised } = supervise('setInterval(() => {}, 1000)', /never/);
    const started = expect(supervised.start()).rejects.toThrow('called off');
    await supervised.kill();
    await started;
    expect(supervised.phase).toBe('down');
  });

  it('gives up a process that crashes again and again', async () => {
    // Ready at once, gone at once: every start is a success, and none lasts.
    const { supervised, kinds } = supervise('');
    await supervised.start();
    await until(() => Promise.resolve(supervised.phase === 'failed'), 4_500);
    expect(kinds().filter((kind) => kind === 'crashed')).toHaveLength(3);
    expect(kinds().at(-1)).toBe('gave up');
    await supervised.stop();
  });
});

describe('backoffMs', () => {
  it('doubles up to a limit', () => {
    expect([1, 2, 3, 6, 7, 20].map(backoffMs)).toEqual([100, 200, 400, 3_200, 5_000, 5_000]);
  });
});
