import { EventEmitter } from 'node:events';
import { Bug } from '@guildhall/fault';
import type { Room, ServiceLog } from './room.js';
import { ExitCode, runMain, type Assembly, type ProcessFront } from './run-main.js';

class FakeProcess extends EventEmitter implements ProcessFront {
  readonly env = { GUILDHALL_SECRET: 'x' };
  exitCode: number | undefined;
  readonly exits: number[] = [];
  written = '';
  readonly stderr = { write: (text: string): unknown => (this.written += text) };

  exit(code: number): void {
    this.exits.push(code);
  }
}

interface Told extends ServiceLog {
  lines: string[];
}

function log(): Told {
  const lines: string[] = [];
  const write = (message: string): void => void lines.push(message);
  return { lines, info: write, warn: write, error: write };
}

function room(told: string[], own: Partial<Room> = {}): Room {
  return {
    name: 'table',
    start: async () => void told.push('start'),
    drain: async () => void told.push('drain'),
    stop: async () => void told.push('stop'),
    ...own,
  };
}

/** Lives a life until it is ready, or over. */
async function live(own: Partial<Room> = {}, more: Partial<Assembly> = {}) {
  const process = new FakeProcess();
  const told: string[] = [];
  const logger = log();
  let phaseOf = (): string => 'none';
  let end: (reason: string) => void = () => undefined;
  const over = runMain({
    name: 'guilds',
    process,
    assemble: (front) => {
      phaseOf = front.phase;
      end = front.end;
      return {
        rooms: [room(told, own)],
        logger,
        flush: async () => void told.push('flush'),
        ...more,
      };
    },
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  await turn();
  const endIt = (reason: string): void => end(reason);
  return { process, told, logger, over, turn, phase: () => phaseOf(), end: endIt };
}

describe('runMain', () => {
  it('lives until SIGTERM, then drains, stops, flushes, and leaves the rest to the loop', async () => {
    const { process, told, over, phase } = await live();
    expect(phase()).toBe('ready');

    process.emit('SIGTERM', 'SIGTERM');

    expect(await over).toBe(ExitCode.Ok);
    expect(told).toEqual(['start', 'drain', 'stop', 'flush']);
    expect(process.exitCode).toBe(0);
    expect(process.exits).toEqual([]);
    expect(process.listenerCount('SIGTERM')).toBe(0);
    expect(phase()).toBe('stopped');
  });

  it('takes a second signal for now', async () => {
    let isDraining = false;
    const drain = (): Promise<void> => {
      isDraining = true;
      return new Promise(() => undefined);
    };
    const { process, told, over, turn } = await live({ drain });
    process.emit('SIGINT', 'SIGINT');
    await turn();
    expect(isDraining).toBe(true);
    expect(told).toEqual(['start']);

    process.emit('SIGINT', 'SIGINT');

    expect(await over).toBe(ExitCode.Ok);
    expect(told).toEqual(['start', 'stop', 'flush']);
  });

  it('says why it cannot start, and exits with 1', async () => {
    const start = (): Promise<void> => Promise.reject(new Error('port 80 is taken'));
    const { process, told, over, logger } = await live({ start });

    expect(await over).toBe(ExitCode.NotStarted);
    expect(process.exitCode).toBe(1);
    expect(process.written).toContain('guilds cannot start: [internal] room table did not start');
    expect(process.written).toContain('port 80 is taken');
    expect(logger.lines).toContain('cannot start');
    expect(told).toEqual(['flush']);
  });

  it('prints what is wrong with the configuration, before there is a log', async () => {
    const process = new FakeProcess();
    const over = runMain({
      name: 'guilds',
      process,
      assemble: ({ env }) => {
        throw new Error(`GUILDHALL_PORT is missing beside ${Object.keys(env).join()}`);
      },
    });
    expect(await over).toBe(ExitCode.NotStarted);
    expect(process.written).toBe(
      'guilds cannot start: GUILDHALL_PORT is missing beside GUILDHALL_SECRET\n',
    );
  });

  it('gives up starting when told to stop, and that is no error', async () => {
    const start = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const { process, over, phase } = await live({ start });
    expect(phase()).toBe('starting');
    process.emit('SIGTERM', 'SIGTERM');
    expect(await over).toBe(ExitCode.Ok);
  });

  it('ends itself in good order when the app cannot go on, and says why', async () => {
    const { process, told, over, logger, end } = await live();
    end('another has its place');
    end('another has its place');
    expect(await over).toBe(ExitCode.Ended);
    expect(process.exitCode).toBe(69);
    expect(told).toEqual(['start', 'drain', 'stop', 'flush']);
    expect(logger.lines).toContain('cannot go on');
  });

  it('ends itself also while it starts', async () => {
    const start = (signal: AbortSignal): Promise<void> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const { told, over, end } = await live({ start });
    end('another has its place');
    expect(await over).toBe(ExitCode.Ended);
    expect(told).toEqual(['flush']);
  });

  it.each(['uncaughtException', 'unhandledRejection'])(
    'ends with 70 on %s, without draining or stopping anything',
    async (event) => {
      const { process, told, over, logger, turn } = await live();

      process.emit(event, new Bug('row is live'));

      expect(await over).toBe(ExitCode.Crashed);
      expect(process.exitCode).toBe(70);
      expect(told).toEqual(['start', 'flush']);
      expect(logger.lines).toContain('crashed');
      expect(process.written).toContain('guilds crashed: Bug: row is live');
      while (process.exits.length === 0) await turn();
      expect(process.exits).toEqual([70]);
    },
  );

  it('ends with 70 when a room breaks an invariant while it starts', async () => {
    const start = (): Promise<void> => Promise.reject(new Bug('one writer'));
    const { over, process } = await live({ start });
    expect(await over).toBe(ExitCode.Crashed);
    expect(process.written).toContain('one writer');
  });

  it('is not kept by telemetry that does not flush', async () => {
    const flush = (): Promise<void> => new Promise(() => undefined);
    const { process, over } = await live({}, { flush });
    process.emit('SIGTERM', 'SIGTERM');
    expect(await over).toBe(ExitCode.Ok);
  });

  it('goes on leaving when telemetry fails', async () => {
    const flush = (): Promise<void> => Promise.reject(new Error('collector away'));
    const { process, over, logger } = await live({}, { flush });
    process.emit('SIGTERM', 'SIGTERM');
    expect(await over).toBe(ExitCode.Ok);
    expect(logger.lines).toContain('telemetry was not flushed');
  });
});
