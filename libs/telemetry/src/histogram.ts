// A histogram with log-linear buckets: every power of two is cut into four equal parts, so a
// bucket is never wider than a quarter of its lower bound. The bucket's number is read off the
// bits of the number itself:
//
//   a double, high word   s eeeeeeeeeee mm mmmmmmmmmmmmmmmmmm
//                           └ exponent ┘└┘ two bits of mantissa      index = word >>> 18 - base
//
// Bounds are powers of two and their quarters, the same in every process, so histograms from all
// of them can be added. Values are in the metric's unit (seconds, bytes, a count).

import type { TraceContext } from './trace-context.js';

const PART_BITS = 2;
const PARTS = 1 << PART_BITS;
const PART_SHIFT = 20 - PART_BITS;
const EXPONENT_BIAS = 1023;
const BELOW_PART_MASK = (1 << PART_SHIFT) - 1;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const IS_LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
const HIGH = IS_LITTLE_ENDIAN ? 1 : 0;
const LOW = 1 - HIGH;

/** One value that was recorded, and the trace it belongs to. */
export interface Exemplar {
  readonly value: number;
  readonly traceId: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** The values between which buckets are precise, in the metric's unit. */
export interface HistogramRange {
  readonly min: number;
  readonly max: number;
}

/** 8 µs to 32 s, for durations in seconds. */
export const DURATION_RANGE: HistogramRange = { min: 2 ** -17, max: 32 };
/** 1 to about a million, for sizes and counts. */
export const COUNT_RANGE: HistogramRange = { min: 1, max: 2 ** 20 };

/** Counts of recorded values by size. Fixed memory: 8 bytes a bucket, 32 once it has exemplars. */
export class Histogram {
  /** Upper bounds, inclusive and ascending; one more bucket holds what is above the last. */
  readonly bounds: Float64Array;
  readonly #counts: Float64Array;
  readonly #base: number;
  readonly #wallMs: () => number;
  readonly #totals = new Float64Array(2);
  #exemplarTraceIds: (string | undefined)[] | undefined;
  #exemplarValues: Float64Array | undefined;
  #exemplarTimesMs: Float64Array | undefined;

  constructor(range: HistogramRange = DURATION_RANGE, wallMs: () => number = Date.now) {
    if (!(range.min > 0 && range.max > range.min && range.max < Infinity)) {
      throw new RangeError(`not a range for a histogram: ${range.min} to ${range.max}`);
    }
    const from = Math.floor(Math.log2(range.min));
    const octaves = Math.ceil(Math.log2(range.max)) - from;
    this.#base = (from + EXPONENT_BIAS) * PARTS;
    this.bounds = Float64Array.from(
      { length: octaves * PARTS + 1 },
      (_, at) => 2 ** (from + Math.floor(at / PARTS)) * (1 + (at % PARTS) / PARTS),
    );
    this.#counts = new Float64Array(this.bounds.length + 1);
    this.#wallMs = wallMs;
  }

  /** Hot path. Counts a value; allocates nothing. Negative values and NaN count as zero. */
  record(value: number): void {
    const counted = value > 0 ? value : 0;
    this.#counts[this.#bucketOf(counted)]! += 1;
    this.#totals[0]! += 1;
    this.#totals[1]! += counted;
  }

  /** As `record`, keeping the trace as its bucket's latest example if there is one. */
  recordTraced(value: number, context: TraceContext | undefined): void {
    this.record(value);
    if (context !== undefined) this.#keepExemplar(value > 0 ? value : 0, context.traceId);
  }

  get count(): number {
    return this.#totals[0]!;
  }

  get sum(): number {
    return this.#totals[1]!;
  }

  /** How many values fell into a bucket; the last one is above every bound. */
  countAt(bucket: number): number {
    return this.#counts[bucket] ?? 0;
  }

  exemplarAt(bucket: number): Exemplar | undefined {
    const traceId = this.#exemplarTraceIds?.[bucket];
    if (traceId === undefined) return undefined;
    const value = this.#exemplarValues![bucket]!;
    return { value, traceId, atMs: this.#exemplarTimesMs![bucket]! };
  }

  /** The value below which a share `q` (0..1) lies, at most a quarter too high. 0 when empty. */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < this.bounds.length; bucket += 1) {
      seen += this.#counts[bucket]!;
      if (seen >= rank) return this.bounds[bucket]!;
    }
    return Infinity;
  }

  /** Adds what another histogram with the same range has counted. */
  add(other: Histogram): void {
    if (other.bounds.length !== this.bounds.length || other.#base !== this.#base) {
      throw new RangeError('histograms of different ranges cannot be added');
    }
    for (let bucket = 0; bucket < this.#counts.length; bucket += 1) {
      this.#counts[bucket]! += other.#counts[bucket]!;
    }
    this.#totals[0]! += other.count;
    this.#totals[1]! += other.sum;
  }

  #bucketOf(value: number): number {
    double[0] = value;
    const high = words[HIGH]!;
    let bucket = (high >>> PART_SHIFT) - this.#base + 1;
    // A value equal to a bound belongs below it: bounds are inclusive.
    if (words[LOW] === 0 && (high & BELOW_PART_MASK) === 0) bucket -= 1;
    if (bucket <= 0) return 0;
    return bucket < this.#counts.length ? bucket : this.#counts.length - 1;
  }

  #keepExemplar(value: number, traceId: string): void {
    const bucketsCount = this.#counts.length;
    this.#exemplarTraceIds ??= new Array<string | undefined>(bucketsCount).fill(undefined);
    this.#exemplarValues ??= new Float64Array(bucketsCount);
    this.#exemplarTimesMs ??= new Float64Array(bucketsCount);
    const bucket = this.#bucketOf(value);
    this.#exemplarTraceIds[bucket] = traceId;
    this.#exemplarValues[bucket] = value;
    this.#exemplarTimesMs[bucket] = this.#wallMs();
  }
}
