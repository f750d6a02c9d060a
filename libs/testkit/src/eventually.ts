// The only waiting allowed in tests: for a condition, with a deadline, and with something to read
// when it does not come true. It needs real time, since what it waits for happens in other
// processes and sockets; where time is ours, ManualClock moves it and nobody waits.
import { inspect } from 'node:util';

const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 50;
const TIMEOUT_DEFAULT_MS = 5_000;

/** What a check returns while the condition does not hold. */
export type NotYet = false | null | undefined;

export interface EventuallyOptions {
  /** How long the condition may take to come true; 5 s unless told. */
  readonly timeoutMs?: number;
  /** What is being waited for, as in "the second gateway is ready". */
  readonly label: string;
}

/**
 * Asks `check` again and again until it returns something other than false, null or undefined, and
 * gives that. A check that throws or rejects has not succeeded yet. After assertions return true:
 * nothing returned means "not yet" (where it can, the compiler says so), so that a lookup that
 * finds nothing is never taken for success.
 *
 * Rejects at the deadline, also when a check hangs, and tells the last error or value. The check is
 * made at least once, and never twice at the same time.
 */
export async function eventually<T extends Value | NotYet>(
  check: () => T | Promise<T>,
  options: EventuallyOptions,
): Promise<Exclude<T, NotYet>> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_DEFAULT_MS;
  const deadlineMs = performance.now() + timeoutMs;
  let last: Attempt = { kind: 'none' };
  let checksCount = 0;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    checksCount++;
    const attempt = await withDeadline(attemptOnce(check), deadlineMs);
    if (attempt === undefined) {
      throw failure(options.label, timeoutMs, checksCount, last, 'the last check did not finish');
    }
    if (attempt.kind === 'value' && !isNotYet(attempt.value)) {
      return attempt.value as Exclude<T, NotYet>;
    }
    last = attempt;
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) throw failure(options.label, timeoutMs, checksCount, last);
    await pause(Math.min(pauseMs, leftMs));
  }
}

/** Spelt out, since `NonNullable<unknown>` with null and undefined would let `void` through. */
type Value = object | string | number | bigint | boolean | symbol;

type Attempt =
  | { readonly kind: 'none' }
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown };

function isNotYet(value: unknown): value is NotYet {
  return value === false || value === null || value === undefined;
}

async function attemptOnce(check: () => unknown): Promise<Attempt> {
  try {
    return { kind: 'value', value: await check() };
  } catch (error) {
    return { kind: 'error', error };
  }
}

/** Undefined when the deadline passes first. */
async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<undefined>((resolve) => {
    const leftMs = Math.max(0, deadlineMs - performance.now());
    timer = setTimeout(() => resolve(undefined), leftMs);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

function pause(pauseMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMs));
}

function failure(
  label: string,
  timeoutMs: number,
  checksCount: number,
  last: Attempt,
  note?: string,
): Error {
  const notes = note === undefined ? '' : `; ${note}`;
  const waited = `waited ${timeoutMs} ms for: ${label} (${checksCount} checks${notes})`;
  if (last.kind === 'error') {
    const { error } = last;
    const words = error instanceof Error ? error.message : shown(error);
    return new Error(`${waited}; the last error was: ${words}`, { cause: error });
  }
  if (last.kind === 'value') {
    const hint = last.value === undefined ? ' (return true after assertions)' : '';
    return new Error(`${waited}; the last value was: ${shown(last.value)}${hint}`);
  }
  return new Error(waited);
}

/** Any value in one short line; never throws. */
export function shown(value: unknown): string {
  const text = inspect(value, { depth: 6, breakLength: Infinity, maxStringLength: 500 });
  return text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}...` : text;
}

const SHOWN_LENGTH_MAX = 1000;
