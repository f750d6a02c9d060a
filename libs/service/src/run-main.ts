// The front door of every app. `main.ts` passes `process` in and does nothing else:
//
//   void runMain({ name: 'presence', process, assemble: ({ env, phase }) => ... });
//
// First signal: drain, stop, flush, and let the event loop empty. Second signal: now. There is no
// exit call on the way, so that what was written gets out; one unref'ed timer is the last resort
// for a process in which something still holds the loop. After a crash nothing is drained or
// stopped: memory that broke a promise must not be written anywhere.
import { SystemClock, type Clock } from '@guildhall/clock';
import { Bug } from '@guildhall/fault';
import type { Room, ServiceLog } from './room.js';
import { ServiceLife, type Phase } from './service-life.js';

/** How a process of the fleet ends. */
export const ExitCode = {
  /** Drained, stopped, flushed. */
  Ok: 0,
  /** The configuration is wrong, or a room did not start. */
  NotStarted: 1,
  /** A Bug, or an error that nobody caught: EX_SOFTWARE of sysexits. */
  Crashed: 70,
  /** It ended itself, in good order, since it could not go on: EX_UNAVAILABLE of sysexits. */
  Ended: 69,
  /** Told twice to stop, and cut off before it was done. */
  CutOff: 130,
} as const;

const FLUSH_MS = 1_000;
const LAST_RESORT_MS = 2_000;
const SIGNALS = ['SIGTERM', 'SIGINT'];

/** What of `process` is used. */
export interface ProcessFront {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
  exitCode?: number | string | null | undefined;
  on(event: string, listener: (what: string) => void): unknown;
  off(event: string, listener: (what: string) => void): unknown;
  exit(code: number): unknown;
}

/** What an app hands over to be run. */
export interface Assembly {
  /** In the order they start; the HTTP room last, so that nobody is let in before all is up. */
  rooms: readonly Room[];
  logger: ServiceLog;
  /** Default: the system's. */
  clock?: Clock;
  /** See ServiceLifeOptions. */
  drainMs?: number;
  stopMs?: number;
  /** Called last of all, for telemetry; given one second. */
  flush?: () => Promise<void>;
}

export interface RunMainOptions {
  name: string;
  process: ProcessFront;
  /**
   * Reads the configuration and makes the rooms, without starting anything. `phase` is for health.
   * What it throws is printed to stderr, and the exit code is 1.
   */
  assemble(front: AssemblyFront): Assembly | Promise<Assembly>;
}

export interface AssemblyFront {
  env: ProcessFront['env'];
  /** Where the life is that this assembly will live; `idle` until it starts. */
  phase: () => Phase;
  /**
   * Ends this process as a signal would, for a reason that is logged as an error; the exit code is
   * `Ended`. For an app that cannot go on though nothing is broken: another has its place. May be
   * called twice, and at any time.
   */
  end: (reason: string) => void;
}

/** Lives one process's life. Resolves, with the exit code, when it is over. Call once. */
export function runMain(options: RunMainOptions): Promise<number> {
  return new MainLife(options).run();
}

class MainLife {
  readonly #name: string;
  readonly #process: ProcessFront;
  readonly #assemble: RunMainOptions['assemble'];
  readonly #over: Promise<number>;
  #resolveOver!: (exitCode: number) => void;
  #assembly: Assembly | undefined;
  #life: ServiceLife | undefined;
  #signalsCount = 0;
  #exitCode: number = ExitCode.Ok;
  #isCrashed = false;

  constructor({ name, process, assemble }: RunMainOptions) {
    this.#name = name;
    this.#process = process;
    this.#assemble = assemble;
    this.#over = new Promise((resolve) => (this.#resolveOver = resolve));
  }

  async run(): Promise<number> {
    for (const signal of SIGNALS) this.#process.on(signal, this.#signalled);
    this.#process.on('uncaughtException', this.#crashed);
    this.#process.on('unhandledRejection', this.#crashed);
    try {
      const phase = (): Phase => this.#life?.phase ?? 'idle';
      this.#assembly = await this.#assemble({ env: this.#process.env, phase, end: this.#end });
    } catch (reason) {
      if (reason instanceof Bug) this.#crashed(reason);
      else await this.#refuse(reason);
      return this.#over;
    }
    const { rooms, logger, clock = new SystemClock(), drainMs, stopMs } = this.#assembly;
    this.#life = new ServiceLife({
      name: this.#name,
      rooms,
      clock,
      logger,
      ...(drainMs === undefined ? {} : { drainMs }),
      ...(stopMs === undefined ? {} : { stopMs }),
    });
    try {
      await this.#life.start();
    } catch (reason) {
      if (reason instanceof Bug) this.#crashed(reason);
      else if (this.#signalsCount > 0) await this.#leave(this.#exitCode);
      else await this.#refuse(reason);
    }
    return this.#over;
  }

  readonly #signalled = (signal: string): void => {
    this.#signalsCount++;
    this.#assembly?.logger.info('told to stop', { signal });
    if (this.#life === undefined) {
      this.#endSoon(ExitCode.CutOff, 0);
    } else if (this.#signalsCount > 1 || this.#life.phase === 'starting') {
      this.#life.hurry();
      this.#endSoon(ExitCode.CutOff, LAST_RESORT_MS);
    } else {
      void this.#shutDown(this.#life);
    }
  };

  async #shutDown(life: ServiceLife): Promise<void> {
    await life.drain();
    await life.stop();
    await this.#leave(this.#exitCode);
  }

  readonly #end = (reason: string): void => {
    this.#assembly?.logger.error('cannot go on', { reason });
    this.#exitCode = ExitCode.Ended;
    // Somebody has told it to stop already, or its start will see to it when it gives up.
    if (this.#life === undefined || this.#signalsCount > 0) return;
    this.#signalsCount = 1;
    if (this.#life.phase !== 'starting') return void this.#shutDown(this.#life);
    this.#life.hurry();
    this.#endSoon(ExitCode.Ended, LAST_RESORT_MS);
  };

  async #refuse(reason: unknown): Promise<void> {
    const text = reason instanceof Error ? reason.message : String(reason);
    this.#process.stderr.write(`${this.#name} cannot start: ${text}\n`);
    this.#assembly?.logger.error('cannot start', { error: reason });
    await this.#leave(ExitCode.NotStarted);
  }

  async #leave(exitCode: number): Promise<void> {
    this.#process.exitCode = exitCode;
    await this.#flush();
    for (const signal of SIGNALS) this.#process.off(signal, this.#signalled);
    this.#endSoon(exitCode, LAST_RESORT_MS);
    this.#resolveOver(exitCode);
  }

  readonly #crashed = (reason: unknown): void => {
    this.#process.exitCode = ExitCode.Crashed;
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    this.#process.stderr.write(`${this.#name} crashed: ${text}\n`);
    if (this.#isCrashed) return;
    this.#isCrashed = true;
    this.#assembly?.logger.error('crashed', { error: reason });
    void this.#flush().then(() => {
      this.#endSoon(ExitCode.Crashed, 0);
      this.#resolveOver(ExitCode.Crashed);
    });
  };

  /** Telemetry goes last and must not be what keeps a process from ending. */
  async #flush(): Promise<void> {
    const assembly = this.#assembly;
    if (assembly?.flush === undefined) return;
    const late = new Promise<void>((resolve) => {
      new SystemClock({ unrefTimers: true }).setTimer(FLUSH_MS, resolve);
    });
    try {
      await Promise.race([assembly.flush(), late]);
    } catch (reason) {
      assembly.logger.warn('telemetry was not flushed', { error: reason });
    }
  }

  /** The last resort: an unref'ed timer, which a loop that has emptied never reaches. */
  #endSoon(exitCode: number, delayMs: number): void {
    const clock = new SystemClock({ unrefTimers: true });
    clock.setTimer(delayMs, () => this.#process.exit(exitCode));
  }
}
