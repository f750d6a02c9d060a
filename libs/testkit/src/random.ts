// Chance that can be repeated. A model test draws everything from one SeededRandom, names the seed
// in its title, and so prints it whenever it fails:
//
//   const random = new SeededRandom(seedFromEnv(process.env['SEED']));
//   describe(`ReadStateTable (${random})`, () => { ... });          ReadStateTable (SEED=291...)
//
// The generator is sfc32 (Chris Doty-Humphrey, PractRand): 128 bits of state, passes the
// statistical batteries, a few additions a number. It is for tests; nothing secret may come from
// it.
import { randomInt } from 'node:crypto';

const UINT32_COUNT = 2 ** 32;

/** Rounds after seeding, until the state no longer resembles the seed. */
const WARM_UP_ROUNDS = 15;

/** A stream of numbers that is the same for the same seed, on every machine. */
export class SeededRandom {
  readonly seed: number;
  #a: number;
  #b: number;
  #c = 1;
  #counter = 1;

  /** `seed` is a whole number from 0 to 2^32 - 1; of any other number the lowest 32 bits count. */
  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.#a = this.seed;
    this.#b = Math.imul(this.seed, 0x9e3779b1) ^ 0x85ebca6b;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.uint32();
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number from 0 (may be) to 1 (never). */
  next(): number {
    return this.uint32() / UINT32_COUNT;
  }

  /** A whole number from 0 to `max` - 1; `max` is from 1 to 2^32. */
  int(max: number): number {
    if (!Number.isInteger(max) || max < 1 || max > UINT32_COUNT) {
      throw new RangeError(`int(${max}): not a whole number from 1 to 2^32`);
    }
    return Math.floor(this.next() * max);
  }

  /** A whole number from 0 to 2^bits - 1, of any size. */
  bigint(bits: number): bigint {
    let value = 0n;
    for (let drawn = 0; drawn < bits; drawn += 32) value = (value << 32n) | BigInt(this.uint32());
    return BigInt.asUintN(bits, value);
  }

  /** True with the given probability, from 0 (never) to 1 (always). */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them, each as likely. Throws a RangeError when there is none. */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('pick: nothing to pick from');
    return items[this.int(items.length)]!;
  }

  /** A new array of the same items, every order as likely. */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let at = shuffled.length - 1; at > 0; at--) {
      const other = this.int(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other]!, shuffled[at]!];
    }
    return shuffled;
  }

  /**
   * A stream of its own for one part of a test. It depends on the seed and the label only, not on
   * how much has been drawn: a change in one part leaves the others as they were.
   */
  fork(label: string): SeededRandom {
    let hash = this.seed ^ 0x811c9dc5;
    for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
    return new SeededRandom((hash ^ (hash >>> 13)) >>> 0);
  }

  /**
   * What to set in the environment to see this run again. For a fork this is the fork's own seed.
   */
  toString(): string {
    return `SEED=${this.seed}`;
  }
}

/**
 * The seed of a run: `value` (pass `process.env['SEED']`) when it is given, else a fresh one.
 * Throws a RangeError for a value that is not a whole number from 0 to 2^32 - 1, since a replay
 * with another seed would prove nothing.
 */
export function seedFromEnv(value: string | undefined): number {
  if (value === undefined || value === '') return randomInt(UINT32_COUNT);
  const seed = Number(value);
  if (!/^\d{1,10}$/.test(value) || seed >= UINT32_COUNT) {
    throw new RangeError(`SEED=${value}: not a whole number from 0 to ${UINT32_COUNT - 1}`);
  }
  return seed;
}
