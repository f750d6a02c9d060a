// Who gets traced: consistent probability sampling, decided before anything is allocated.
//
// R is 56 random bits, the low 14 hex digits of the trace id. A trace is kept if R >= T, with
// T = (1 - p) * 2^56. Everyone who compares the same R keeps a nested set: whatever a rare
// sampler keeps, a more generous one keeps too. T travels in `tracestate`, so a reader knows that
// each kept trace stands for 1/p others and can count exactly.
//
// The decision needs the random bits, not the text of the id. They are drawn from a pool as two
// 28-bit integers; only a kept root pays for making the string.

import { randomFillSync } from 'node:crypto';

import { paddedThreshold, type TraceContext } from './trace-context.js';

const HALF_BITS = 28;
const HALF = 2 ** HALF_BITS;
const HALF_MASK = HALF - 1;
const HALF_DIGITS = 7;
const RANDOMNESS_AT = 18;
const POOL_WORDS = 2048;
const WORDS_PER_TRACE = 4;
const WORDS_PER_SPAN = 2;

/** How much is kept: a probability and its rejection threshold in the forms that are needed. */
export interface SamplingRate {
  readonly probability: number;
  /** T as two 28-bit halves; `high` of 2^28 rejects everything. */
  readonly high: number;
  readonly low: number;
  /** T in hex with trailing zeros cut; `undefined` when everything is kept. */
  readonly threshold: string | undefined;
}

/** The rate that keeps `probability` of all traces; clamped to 0..1, exact to 3 digits and more. */
export function samplingRate(probability: number): SamplingRate {
  const p = Math.min(1, Math.max(0, probability));
  if (p === 0 || Number.isNaN(p))
    return { probability: 0, high: HALF, low: 0, threshold: undefined };
  const rejected = (1 - p) * HALF;
  const high = Math.floor(rejected);
  const low = Math.floor((rejected - high) * HALF);
  const digits = (hexHalf(high) + hexHalf(low)).replace(/0+$/, '');
  return { probability: p, high, low, threshold: digits === '' ? undefined : digits };
}

/** Whether a sampler with this threshold keeps the trace. One string comparison. */
export function keepsTrace(traceId: string, threshold: string | undefined): boolean {
  return threshold === undefined || traceId.slice(RANDOMNESS_AT) >= paddedThreshold(threshold);
}

/**
 * The context to send to `consumersCount` receivers: at most about `consumersKept` of their spans
 * are made per kept message on average, the rest of the messages go out untraced.
 * The threshold only ever rises, so what is kept here is a subset of what was kept above.
 */
export function fanOutContext(
  context: TraceContext | undefined,
  consumersCount: number,
  consumersKept = 16,
): TraceContext | undefined {
  if (context === undefined || consumersCount <= consumersKept) return context;
  const { threshold } = samplingRate(consumersKept / consumersCount);
  if (paddedThreshold(threshold) <= paddedThreshold(context.threshold)) return context;
  if (!keepsTrace(context.traceId, threshold)) return undefined;
  const { traceId, spanId } = context;
  return threshold === undefined ? context : { traceId, spanId, threshold };
}

/** Random words for ids, refilled a pool at a time: a call to the kernel per id would cost 1 µs. */
export class IdSource {
  readonly #words = new Uint32Array(POOL_WORDS);
  readonly #fill: (words: Uint32Array) => void;
  #at = POOL_WORDS;

  /** @param fill Fills the pool; a seeded one makes ids repeatable in tests. */
  constructor(fill: (words: Uint32Array) => void = (words) => void randomFillSync(words)) {
    this.#fill = fill;
  }

  /** Hot path. Draws the next trace's bits and says whether the rate keeps it. No allocation. */
  drawTrace(rate: SamplingRate): boolean {
    this.#reserve(WORDS_PER_TRACE);
    const at = this.#at;
    this.#at += WORDS_PER_TRACE;
    const high = this.#words[at]! & HALF_MASK;
    if (high > rate.high) return true;
    if (high < rate.high) return false;
    return (this.#words[at + 1]! & HALF_MASK) >= rate.low;
  }

  /** The id of the trace last drawn. Call at most once after each `drawTrace`. */
  takeTraceId(): string {
    const at = this.#at - WORDS_PER_TRACE;
    const words = this.#words;
    const randomness = hexHalf(words[at]! & HALF_MASK) + hexHalf(words[at + 1]! & HALF_MASK);
    const leading = hexWord(words[at + 2]!) + hexWord(words[at + 3]!);
    // 2 more digits make 18: the bits of the halves that the randomness did not use.
    const rest = (((words[at]! >>> HALF_BITS) << 4) | (words[at + 1]! >>> HALF_BITS)) & 0xff;
    const id = leading + rest.toString(16).padStart(2, '0') + randomness;
    return /[^0]/.test(id) ? id : `1${id.slice(1)}`;
  }

  /** A new span id, never all zero. */
  takeSpanId(): string {
    this.#reserve(WORDS_PER_SPAN);
    const at = this.#at;
    const high = this.#words[at]!;
    const low = this.#words[at + 1]!;
    this.#at += WORDS_PER_SPAN;
    return (high | low) === 0 ? '0000000000000001' : hexWord(high) + hexWord(low);
  }

  #reserve(wordsCount: number): void {
    if (this.#at + wordsCount <= POOL_WORDS) return;
    this.#fill(this.#words);
    this.#at = 0;
  }
}

const hexHalf = (half: number): string => half.toString(16).padStart(HALF_DIGITS, '0');
const hexWord = (word: number): string => word.toString(16).padStart(8, '0');
