// Durations, counted in buckets that grow with them: 32 to each doubling, so a quantile is right to
// about 3 %. Adding one is an increment, and two histograms are merged by adding their counts.
//
//   0..63 one each | 64..127 two us each | 128..255 four us each | ...

const SUB_BITS = 5;
const SUB_COUNT = 1 << SUB_BITS;
const VALUE_MAX = 2 ** 31 - 1;

/** Buckets of every histogram. */
export const BUCKETS_COUNT = bucketOf(VALUE_MAX) + 1;

/** Counts of durations in whole microseconds, up to half an hour; longer ones count as that. */
export class Histogram {
  readonly counts: Float64Array;
  #count = 0;
  #max = 0;

  constructor(counts: Float64Array = new Float64Array(BUCKETS_COUNT)) {
    this.counts = counts;
    for (let bucket = 0; bucket < counts.length; bucket += 1) {
      if (counts[bucket] === 0) continue;
      this.#count += counts[bucket]!;
      this.#max = upperOf(bucket);
    }
  }

  get count(): number {
    return this.#count;
  }

  /** The largest, exact unless it was merged in. */
  get maxUs(): number {
    return this.#max;
  }

  /** Hot path. Counts one; what is below 0 counts as 0 (two clocks may differ by a little). */
  add(valueUs: number): void {
    const value = valueUs <= 0 ? 0 : valueUs >= VALUE_MAX ? VALUE_MAX : valueUs | 0;
    this.counts[bucketOf(value)]! += 1;
    this.#count += 1;
    if (value > this.#max) this.#max = value;
  }

  /** Adds the counts of another. */
  merge(counts: Float64Array): void {
    for (let bucket = 0; bucket < counts.length; bucket += 1) {
      if (counts[bucket] === 0) continue;
      this.counts[bucket]! += counts[bucket]!;
      this.#count += counts[bucket]!;
      if (upperOf(bucket) > this.#max) this.#max = upperOf(bucket);
    }
  }

  /** Takes the counts out, and begins anew. */
  drain(): Float64Array {
    const taken = this.counts.slice();
    this.counts.fill(0);
    this.#count = 0;
    this.#max = 0;
    return taken;
  }

  /** The duration that `share` (0 to 1) of all did not exceed, in microseconds; 0 when empty. */
  quantileUs(share: number): number {
    const rank = Math.max(1, Math.ceil(this.#count * share));
    let below = 0;
    for (let bucket = 0; bucket < this.counts.length; bucket += 1) {
      below += this.counts[bucket]!;
      if (below >= rank && this.#count > 0) return Math.min(upperOf(bucket), this.#max);
    }
    return 0;
  }
}

function bucketOf(value: number): number {
  if (value < 2 * SUB_COUNT) return value;
  const shift = 31 - Math.clz32(value) - SUB_BITS;
  return shift * SUB_COUNT + (value >>> shift);
}

/** The largest value of a bucket. */
function upperOf(bucket: number): number {
  if (bucket < 2 * SUB_COUNT) return bucket;
  const shift = Math.floor(bucket / SUB_COUNT) - 1;
  return (bucket - shift * SUB_COUNT + 1) * 2 ** shift - 1;
}
