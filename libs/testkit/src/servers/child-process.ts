// One child process: started, watched until it is ready, its output kept, ended for certain.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

import { guardChild, release } from './guard.js';
import type { LastSignal } from './guard.js';
import { httpAnswers, until } from './probes.js';

/** Lines of output kept in memory for each process. */
const LINES_MAX = 2_000;
/** Lines of output quoted when a process does not start. */
const LINES_QUOTED = 20;
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

/** How a process ended: by `code`, or by `signal`. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  /** What messages call it. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  /** The whole environment of the child; ours when absent. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Output is also appended to this file. */
  readonly logFile?: string;
  /**
   * When the process counts as started: a line of its output matches, the URL answers 200, or the
   * probe says true. At once when absent.
   */
  readonly readyWhen?: RegExp | string | (() => Promise<boolean>);
  readonly readyTimeoutMs?: number;
  /** Aborting it before the process is ready kills the process, and the start rejects. */
  readonly signal?: AbortSignal;
  /** Run as this user and group (needs root). */
  readonly uid?: number;
  readonly gid?: number;
  /** What it gets if we die first. Default `KILL`. */
  readonly lastSignal?: LastSignal;
}

export interface RunningProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles when the process is gone and its output read; never rejects. */
  readonly exited: Promise<Exit>;
  /** The last lines of output, standard output and standard error together, oldest first. */
  lines(): readonly string[];
  /** Sends `signal`, waits, and kills after `timeoutMs`. May be called twice, and after the end. */
  stop(signal?: NodeJS.Signals, timeoutMs?: number): Promise<Exit>;
  /** SIGKILL, and waits for the end. May be called twice. */
  kill(): Promise<Exit>;
}

/**
 * Starts a process and resolves when it is ready. Rejects, with its last lines of output and
 * nothing left running, when it ends before or is not ready after `readyTimeoutMs`. The child has
 * a session of its own, so that the terminal's Ctrl-C reaches only us and we decide the order in
 * which things end; and it is killed if we die without doing so.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const child = spawn(options.command, [...(options.args ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const process = new Child(options, child);
  await process.ready(options.readyTimeoutMs ?? READY_TIMEOUT_MS);
  return process;
}

class Child implements RunningProcess {
  readonly name: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #options: ProcessOptions;
  readonly #lines: string[] = [];
  readonly #log: WriteStream | undefined;
  readonly #ended = new AbortController();
  #hasMatched = false;

  constructor(options: ProcessOptions, child: ChildProcess) {
    this.name = options.name;
    this.#options = options;
    this.#child = child;
    if (options.logFile !== undefined) {
      this.#log = createWriteStream(options.logFile, { flags: 'a' });
      // A full disk must not take the process down with it; the ring still has the lines.
      this.#log.on('error', () => undefined);
    }
    if (child.pid !== undefined) guardChild(child.pid, options.lastSignal ?? 'KILL');
    for (const stream of [child.stdout, child.stderr]) if (stream !== null) this.#read(stream);
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#keep(error.message);
        if (child.pid === undefined) this.#end({ code: null, signal: null }, resolve);
      });
      // `exit` comes when the number is free for others, `close` when the output has been read.
      child.once('exit', () => release(child.pid!));
      child.once('close', (code, signal) => this.#end({ code, signal }, resolve));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  lines(): readonly string[] {
    return this.#lines;
  }

  async ready(timeoutMs: number): Promise<void> {
    const { readyWhen, signal } = this.#options;
    if (readyWhen === undefined && this.#child.pid !== undefined) return;
    const probe =
      typeof readyWhen === 'string'
        ? () => httpAnswers(readyWhen)
        : typeof readyWhen === 'function'
          ? readyWhen
          : () => Promise.resolve(this.#hasMatched);
    try {
      // Not ready before it has ended, even if the probe says so: that would be somebody else.
      await until(
        async () => !this.#ended.signal.aborted && (await probe()) && this.#isAlive(),
        timeoutMs,
        signal === undefined ? this.#ended.signal : AbortSignal.any([this.#ended.signal, signal]),
      );
    } catch (cause) {
      await this.kill();
      const reason = cause instanceof Error ? cause.message : String(cause);
      const quoted = this.#lines.slice(-LINES_QUOTED).join('\n  ');
      throw new Error(`${this.name} did not start: ${reason}\n  ${quoted}`, { cause });
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs = STOP_TIMEOUT_MS): Promise<Exit> {
    if (this.#isAlive()) this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  kill(): Promise<Exit> {
    if (this.#isAlive()) this.#child.kill('SIGKILL');
    return this.exited;
  }

  #isAlive(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  #read(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => this.#keep(line));
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
    this.#log?.write(`${line}\n`);
    const { readyWhen } = this.#options;
    if (readyWhen instanceof RegExp && readyWhen.test(line)) this.#hasMatched = true;
  }

  #end(exit: Exit, resolve: (exit: Exit) => void): void {
    this.#log?.end();
    const how = exit.signal === null ? `with code ${exit.code}` : `by ${exit.signal}`;
    this.#ended.abort(
      new Error(this.#child.pid === undefined ? 'no such command' : `ended ${how}`),
    );
    resolve(exit);
  }
}
