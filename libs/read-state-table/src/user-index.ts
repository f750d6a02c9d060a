// From a user's id to its block: linear hashing, so that it grows by one bucket at a time and never
// stops to hash everything anew.
//
// A bucket is a cache line: seven slots and, where more than seven users meet, a chain.
//
//   bucket   [hash u32][reference 31 bits, used 1 bit] x 7 [overflow bucket u32][-]
//
// The hash is kept whole, so that a split looks at nothing but buckets, and a user that is not here
// is nearly always known not to be without a look at any block. With four users a bucket on
// average, a user costs 16 bytes and one line.
//
// The bit says that a user was found since the clock's hand last came by: "second chance" instead
// of an exact order of use, which would touch three more lines (the neighbours in a list, and its
// end) each time a user is found.
import { assert } from '@guildhall/fault';
import { blockAt, LINE_WORDS, SEGMENT_SHIFT, SKEW_WORDS, USER_HI, USER_LO } from './block.js';

const SLOTS_WORDS = 14;
const OVERFLOW = 14;
const REF_MASK = 0x7fffffff;
const IS_USED = ~REF_MASK;
const USERS_PER_BUCKET = 4;

const GROUP_SHIFT = 14;
const GROUP_MASK = (1 << GROUP_SHIFT) - 1;
const BUCKET_BYTES = 64;
/** Split up to this many at the start, for nothing is gained from fewer. */
const BUCKETS_MIN = 16;

/** What one user costs in the index, on average. */
export const INDEX_BYTES_PER_USER = BUCKET_BYTES / USERS_PER_BUCKET;

/** Buckets by number, in arrays of 1 MiB. */
class Buckets {
  readonly groups: Int32Array[] = [];
  count = 0;

  /** The group in which a bucket is; where in it: `wordOf`. */
  groupOf(bucket: number): Int32Array {
    return this.groups[bucket >>> GROUP_SHIFT]!;
  }

  /** Adds an empty bucket with the next number. */
  push(): number {
    const bucket = this.count++;
    if (bucket >>> GROUP_SHIFT === this.groups.length) {
      this.groups.push(new Int32Array((LINE_WORDS << GROUP_SHIFT) + SKEW_WORDS));
    }
    return bucket;
  }
}

function wordOf(bucket: number): number {
  return SKEW_WORDS + (bucket & GROUP_MASK) * LINE_WORDS;
}

/** The users that are in memory, by the hash of their ids. */
export class UserIndex {
  readonly #arrays: readonly Int32Array[];
  readonly #buckets = new Buckets();
  /** Chained buckets; number 0 is none. */
  readonly #overflow = new Buckets();
  readonly #overflowFree: number[] = [];
  /** All bits of a bucket's number in this round of splits. */
  #mask = BUCKETS_MIN * 2 - 1;
  #usersCount = 0;
  #hand = 0;

  /** `arrays` are the segments of the blocks. */
  constructor(arrays: readonly Int32Array[]) {
    this.#arrays = arrays;
    for (let i = 0; i < BUCKETS_MIN; i++) this.#buckets.push();
    this.#overflow.push();
  }

  get usersCount(): number {
    return this.#usersCount;
  }

  get bucketsCount(): number {
    return this.#buckets.count;
  }

  get bytesUsed(): number {
    return (this.#buckets.count + this.#overflow.count) * BUCKET_BYTES;
  }

  /** Hot path. The user's block, 0 when it is not here. It counts as used, if it is to. */
  find(hash: number, hi: number, lo: number, isUse: boolean): number {
    const bucket = this.#bucketOf(hash);
    let group = this.#buckets.groupOf(bucket);
    let at = wordOf(bucket);
    for (;;) {
      for (let slot = at; slot < at + SLOTS_WORDS; slot += 2) {
        if (group[slot] !== hash) continue;
        const kept = group[slot + 1]!;
        const ref = kept & REF_MASK;
        if (ref === 0 || !this.#is(ref, hi, lo)) continue;
        if (isUse && kept > 0) group[slot + 1] = kept | IS_USED;
        return ref;
      }
      const next = group[at + OVERFLOW]!;
      if (next === 0) return 0;
      group = this.#overflow.groupOf(next);
      at = wordOf(next);
    }
  }

  /** Adds a user that is not here; it counts as used. */
  insert(hash: number, ref: number): void {
    this.#put(hash, ref | IS_USED);
    this.#usersCount += 1;
    if (this.#usersCount > this.#buckets.count * USERS_PER_BUCKET) this.#split();
  }

  /** Takes a user away, or puts a reference in place of the one that is there (`to` not 0). */
  replace(hash: number, from: number, to: number): void {
    const bucket = this.#bucketOf(hash);
    let group = this.#buckets.groupOf(bucket);
    let at = wordOf(bucket);
    for (;;) {
      for (let slot = at; slot < at + SLOTS_WORDS; slot += 2) {
        const kept = group[slot + 1]!;
        if ((kept & REF_MASK) !== from) continue;
        group[slot + 1] = to === 0 ? 0 : to | (kept & IS_USED);
        if (to === 0) this.#usersCount -= 1;
        return;
      }
      const next = group[at + OVERFLOW]!;
      assert(next !== 0, 'a user that has a block is in the index');
      group = this.#overflow.groupOf(next);
      at = wordOf(next);
    }
  }

  /**
   * Moves the hand on by one bucket, and takes their use from the users there. Returns the first
   * of them that `mayGo` and was not used, or else, negative, the first that only `mayGo`, or 0.
   */
  sweep(mayGo: (ref: number) => boolean): number {
    const bucket = this.#hand;
    this.#hand = bucket + 1 < this.#buckets.count ? bucket + 1 : 0;
    let group = this.#buckets.groupOf(bucket);
    let at = wordOf(bucket);
    let fallback = 0;
    let found = 0;
    for (;;) {
      for (let slot = at; slot < at + SLOTS_WORDS; slot += 2) {
        const kept = group[slot + 1]!;
        if (kept === 0) continue;
        if (kept > 0) {
          if (found === 0 && mayGo(kept)) found = kept;
          continue;
        }
        group[slot + 1] = kept & REF_MASK;
        if (fallback === 0 && mayGo(kept & REF_MASK)) fallback = kept & REF_MASK;
      }
      const next = group[at + OVERFLOW]!;
      if (next === 0) return found !== 0 ? found : -fallback;
      group = this.#overflow.groupOf(next);
      at = wordOf(next);
    }
  }

  /** Calls back with each user. For checks: it looks at everything. */
  forEach(visit: (ref: number, hash: number) => void): void {
    for (let bucket = 0; bucket < this.#buckets.count; bucket++) {
      let group = this.#buckets.groupOf(bucket);
      let at = wordOf(bucket);
      for (;;) {
        for (let slot = at; slot < at + SLOTS_WORDS; slot += 2) {
          const ref = group[slot + 1]! & REF_MASK;
          if (ref !== 0) {
            assert(this.#bucketOf(group[slot]!) === bucket, 'a user is where its hash says');
            visit(ref, group[slot]!);
          }
        }
        const next = group[at + OVERFLOW]!;
        if (next === 0) break;
        group = this.#overflow.groupOf(next);
        at = wordOf(next);
      }
    }
  }

  #bucketOf(hash: number): number {
    const bucket = hash & this.#mask;
    return bucket < this.#buckets.count ? bucket : hash & (this.#mask >>> 1);
  }

  #is(ref: number, hi: number, lo: number): boolean {
    const mem = this.#arrays[ref >>> SEGMENT_SHIFT]!;
    const at = blockAt(ref);
    return mem[at + USER_LO] === lo && mem[at + USER_HI] === hi;
  }

  /** Puts a slot into the first place in its chain that is free. */
  #put(hash: number, kept: number): void {
    const bucket = this.#bucketOf(hash);
    let group = this.#buckets.groupOf(bucket);
    let at = wordOf(bucket);
    for (;;) {
      for (let slot = at; slot < at + SLOTS_WORDS; slot += 2) {
        if (group[slot + 1] !== 0) continue;
        group[slot] = hash;
        group[slot + 1] = kept;
        return;
      }
      const next = group[at + OVERFLOW] || (group[at + OVERFLOW] = this.#chain());
      group = this.#overflow.groupOf(next);
      at = wordOf(next);
    }
  }

  #chain(): number {
    return this.#overflowFree.pop() ?? this.#overflow.push();
  }

  /** Adds a bucket, and moves to it what is its of the bucket that had it until now. */
  #split(): void {
    const added = this.#buckets.push();
    if (added > this.#mask) this.#mask = this.#mask * 2 + 1;
    const from = added & (this.#mask >>> 1);
    let group = this.#buckets.groupOf(from);
    let at = wordOf(from);
    const slots: number[] = [];
    for (let chained = 0; ;) {
      for (let slot = at; slot < at + SLOTS_WORDS; slot += 2) {
        if (group[slot + 1] !== 0) slots.push(group[slot]!, group[slot + 1]!);
      }
      const next = group[at + OVERFLOW]!;
      group.fill(0, at, at + LINE_WORDS);
      if (chained !== 0) this.#overflowFree.push(chained);
      if (next === 0) break;
      chained = next;
      group = this.#overflow.groupOf(next);
      at = wordOf(next);
    }
    for (let i = 0; i < slots.length; i += 2) this.#put(slots[i]!, slots[i + 1]!);
  }
}
