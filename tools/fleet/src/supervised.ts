// A process that is kept running: started again when it crashes, a little later each time, and
// given up when it will not stay. Ended on request, it stays down until it is started again.

import type { Exit, RunningProcess } from '@guildhall/testkit';

import type { FleetEvent } from './options.js';

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 5_000;
const CRASHES_MAX_DEFAULT = 10;
/** A process that lived this long has recovered: the next crash is a first one. */
const RECOVERED_AFTER_MS = 30_000;
/** Lines of output reported with a crash. */
const LINES_REPORTED = 5;

export type Phase = 'down' | 'starting' | 'ready' | 'failed';

export interface SupervisedOptions {
  readonly name: string;
  /**
   * Starts the process once and resolves when it is ready; called again after each crash. When
   * `signal` aborts first, it leaves nothing running and rejects.
   */
  readonly start: (signal: AbortSignal) => Promise<RunningProcess>;
  /** What asks it to end in order. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** What ends it at once, but by its own hand. Default SIGKILL. */
  readonly haltSignal?: NodeJS.Signals;
  /** How long it may take to end in order before it is killed. */
  readonly stopTimeoutMs: number;
  /** Crashes in a row that are made good; at the next it is given up. Default 10. */
  readonly crashesMax?: number;
  readonly onEvent: (event: FleetEvent) => void;
}

/** How long to wait before the start that follows the `crashes`-th crash in a row (1-based). */
export function backoffMs(crashes: number): number {
  return Math.min(BACKOFF_FIRST_MS * 2 ** (crashes - 1), BACKOFF_MAX_MS);
}

export class Supervised {
  readonly name: string;
  readonly #options: SupervisedOptions;
  #process: RunningProcess | undefined;
  #phase: Phase = 'down';
  #isWanted = false;
  #crashes = 0;
  #revival: NodeJS.Timeout | undefined;
  /** The start under way, and what calls it off: an end that comes meanwhile needs both. */
  #starting: Promise<void> = Promise.resolve();
  #callOff = new AbortController();

  constructor(options: SupervisedOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The number of the running process; `undefined` while there is none. */
  get pid(): number | undefined {
    return this.#phase === 'ready' ? this.#process?.pid : undefined;
  }

  /** The last lines of output of the process that runs, or ran last. */
  lines(): readonly string[] {
    return this.#process?.lines() ?? [];
  }

  /** Starts it and keeps it running. Rejects when it does not become ready; it is down then. */
  async start(): Promise<void> {
    if (this.#isWanted) return;
    this.#isWanted = true;
    this.#crashes = 0;
    try {
      await this.#launch();
    } catch (error) {
      this.#isWanted = false;
      this.#phase = 'down';
      throw error;
    }
  }

  /** Asks it to end, waits, and kills it when it takes too long. It stays down. */
  stop(): Promise<void> {
    const { stopSignal = 'SIGTERM', stopTimeoutMs } = this.#options;
    return this.#end((process) => process.stop(stopSignal, stopTimeoutMs));
  }

  /** Has it end at once. It stays down. */
  halt(): Promise<void> {
    const { haltSignal = 'SIGKILL', stopTimeoutMs } = this.#options;
    return this.#end((process) => process.stop(haltSignal, stopTimeoutMs));
  }

  /** SIGKILL. It stays down. */
  kill(): Promise<void> {
    return this.#end((process) => process.kill());
  }

  /** Kills it behind the supervisor's back, which will start it again. Resolves when it is gone. */
  async crash(): Promise<void> {
    await this.#process?.kill();
  }

  async #launch(): Promise<void> {
    const startedMs = performance.now();
    this.#phase = 'starting';
    this.#callOff = new AbortController();
    const launched = this.#options.start(this.#callOff.signal);
    this.#starting = launched.then(
      () => undefined,
      () => undefined,
    );
    const process = await launched;
    this.#process = process;
    this.#phase = 'ready';
    const readyMs = performance.now();
    this.#report({ kind: 'ready', pid: process.pid, tookMs: readyMs - startedMs });
    void process.exited.then((exit) => {
      if (!this.#isWanted || this.#process !== process) return;
      if (performance.now() - readyMs > RECOVERED_AFTER_MS) this.#crashes = 0;
      this.#crashed(describe(exit), process.lines());
    });
  }

  #crashed(reason: string, lines: readonly string[]): void {
    this.#crashes += 1;
    if (this.#crashes > (this.#options.crashesMax ?? CRASHES_MAX_DEFAULT)) {
      this.#phase = 'failed';
      this.#report({ kind: 'gave up', crashes: this.#crashes });
      return;
    }
    this.#phase = 'starting';
    const waitMs = backoffMs(this.#crashes);
    const quoted = lines.slice(-LINES_REPORTED);
    this.#report({ kind: 'crashed', reason, backoffMs: waitMs, lines: quoted });
    this.#revival = setTimeout(() => {
      if (!this.#isWanted) return;
      void this.#launch().catch((error: Error) => {
        if (this.#isWanted) this.#crashed(error.message, []);
      });
    }, waitMs);
  }

  async #end(how: (process: RunningProcess) => Promise<Exit>): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#revival);
    this.#callOff.abort(new Error('called off'));
    await this.#starting;
    const wasReady = this.#phase === 'ready';
    this.#phase = 'down';
    if (this.#process === undefined) return;
    const startedMs = performance.now();
    // Also when an earlier end is still being waited for: a kill then overtakes it.
    const exit = await how(this.#process);
    if (!wasReady) return;
    const tookMs = performance.now() - startedMs;
    this.#report({ kind: 'stopped', reason: describe(exit), tookMs });
  }

  #report(event: WithoutName<FleetEvent>): void {
    this.#options.onEvent({ name: this.name, ...event } as FleetEvent);
  }
}

type WithoutName<Event> = Event extends unknown ? Omit<Event, 'name'> : never;

function describe(exit: Exit): string {
  return exit.signal === null ? `code ${exit.code}` : exit.signal;
}
