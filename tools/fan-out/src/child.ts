// Processes of our own: the same program under another name of its role, spoken to in messages.
import { fork, type ChildProcess } from 'node:child_process';
import process from 'node:process';

/** The word that makes the program a child; its role follows. */
export const CHILD_WORD = '--child';

/** What a child does when asked; what it returns is the answer. */
export type Answering = (name: string, argument: never) => unknown;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A child process, from outside. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(e: Error): void }>();
  #nextId = 1;

  /** Starts `program` (default: this one) as `role`. */
  constructor(role: string, program = process.argv[1]!) {
    this.#process = fork(program, [CHILD_WORD, role], { execArgv: ['--enable-source-maps'] });
    this.#process.on('message', (message) => this.#settle(message as Reply));
    this.#process.once('exit', (code, signal) => {
      const error = new Error(`${role} ended with ${signal ?? code}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Asks, and waits for the answer; rejects with the child's error, or when it ends. */
  ask<T>(name: string, argument?: unknown): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, name, argument } satisfies Question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Tells, and waits for nothing. */
  tell(name: string, argument?: unknown): void {
    this.#process.send({ id: 0, name, argument } satisfies Question);
  }

  /** Ends it and waits. May be called twice. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await gone;
  }

  #settle({ id, value, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(value);
    else waiting?.reject(new Error(error));
  }
}

/** Answers whoever started this process, for as long as that lives. */
export function answerParent(answering: Answering): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message) => {
    const { id, name, argument } = message as Question;
    void (async () => {
      try {
        const value = await answering(name, argument as never);
        if (id !== 0) process.send!({ id, value } satisfies Reply);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        process.send!({ id, error: text } satisfies Reply);
      }
    })();
  });
}
