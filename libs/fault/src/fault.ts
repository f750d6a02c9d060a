// Three kinds of going wrong, three treatments. An ordinary outcome is a return value. A broken
// invariant is a Bug (see bug.ts). What is left is a Fault: the fleet understood and could not
// oblige. It crosses the bus as its code and detail, and only the edge turns it into a close code
// or an HTTP status. The cause never crosses: it is for the log of the process where it happened.
import { Bug } from './bug.js';

/** Why an operation did not happen. Closed: a new reason is a contract change. */
export const FaultCode = {
  /** Decoded, but asks for something that makes no sense. */
  Invalid: 'invalid',
  /** Could not be decoded at all. */
  Malformed: 'malformed',
  NotFound: 'not_found',
  /** Who asks is unknown: no token, or a dead one. */
  Unauthorized: 'unauthorized',
  /** The rules say no, in Discord's own words: see {@link Refusal}. */
  Refused: 'refused',
  /** Asked of an instance that does not own the partition: look again, then retry. */
  WrongOwner: 'wrong_owner',
  /** Cannot be done just now: starting, draining, or something behind it is away. */
  Unavailable: 'unavailable',
  /** A bound was reached; retrying at once makes it worse. */
  Overloaded: 'overloaded',
  /** No answer in time: it may or may not have happened. */
  Timeout: 'timeout',
  /** Nobody expected this. */
  Internal: 'internal',
} as const;
export type FaultCode = (typeof FaultCode)[keyof typeof FaultCode];

const CODES: ReadonlySet<unknown> = new Set(Object.values(FaultCode));

/** A Discord API error that crosses the bus as it stands and is answered by the edge unchanged. */
export interface Refusal {
  /** Discord's JSON error code, such as 50013; 0 for the general ones. */
  discordCode: number;
  httpStatus: number;
  message: string;
  /** The `errors` tree with field paths, already JSON. */
  errorsJson?: string;
}

export interface FaultOptions {
  cause?: unknown;
  refusal?: Refusal;
}

/** The fleet could not oblige. `message` starts with `[code] `; `detail` is what follows. */
export class Fault extends Error {
  readonly code: FaultCode;
  /** Present when, and only when, the code is `refused` and the words are Discord's. */
  readonly refusal?: Refusal;

  /** A message that already carries this code's prefix (it came over the bus) keeps just the one. */
  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    const prefix = `[${code}] `;
    super(
      message.startsWith(prefix) ? message : prefix + message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'Fault';
    this.code = code;
    if (options.refusal !== undefined) this.refusal = options.refusal;
  }

  /** The message without the code in front: what crosses the bus. */
  get detail(): string {
    return this.message.slice(this.code.length + 3);
  }

  /** A Discord API error as a Fault. */
  static refused(refusal: Refusal): Fault {
    return new Fault(FaultCode.Refused, `${refusal.discordCode}: ${refusal.message}`, { refusal });
  }

  /**
   * For every `catch`: a Fault stays the same object, a `TimeoutError` (AbortSignal.timeout) becomes
   * `timeout`, all else becomes `internal` with the reason as its cause. The words of a foreign
   * error stay in the cause, since they may name what a client must not see.
   *
   * Throws a Bug onward: a broken invariant is not something to answer politely.
   */
  static from(reason: unknown): Fault {
    if (reason instanceof Fault) return reason;
    if (reason instanceof Bug) throw reason;
    const name = nameOf(reason);
    if (name === 'TimeoutError') {
      return new Fault(FaultCode.Timeout, 'no answer in time', { cause: reason });
    }
    return new Fault(FaultCode.Internal, `unexpected ${name}`, { cause: reason });
  }
}

/** Whether text from the wire is one of our codes. */
export function isFaultCode(value: unknown): value is FaultCode {
  return CODES.has(value);
}

/**
 * Whether asking again, perhaps elsewhere, may succeed. `overloaded` is not here: whoever meets it
 * must shed load, not add to it. A retry after `timeout` must be safe to happen twice.
 */
export function isRetryable(code: FaultCode): boolean {
  return (
    code === FaultCode.WrongOwner || code === FaultCode.Unavailable || code === FaultCode.Timeout
  );
}

/** By its shape: an error from another realm (a worker, a VM) is no instance of this one's Error. */
function nameOf(reason: unknown): string {
  if (typeof reason !== 'object' || reason === null || !('name' in reason)) return typeof reason;
  return typeof reason.name === 'string' ? reason.name : 'object';
}
