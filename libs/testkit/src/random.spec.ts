import { SeededRandom, seedFromEnv } from './random.js';

const draw = (random: SeededRandom, count: number) =>
  Array.from({ length: count }, () => random.uint32());

describe('SeededRandom', () => {
  it('draws the same numbers for the same seed, today and in a year', () => {
    expect(draw(new SeededRandom(1), 4)).toEqual(draw(new SeededRandom(1), 4));
    expect(draw(new SeededRandom(42), 3)).toEqual(GOLDEN_OF_42);
  });

  it('draws other numbers for the next seed', () => {
    const one = new Set(draw(new SeededRandom(7), 1000));
    expect(draw(new SeededRandom(8), 1000).filter((value) => one.has(value))).toEqual([]);
  });

  it.each([0, 1, 2 ** 32 - 1])('spreads int(10) evenly from seed %d', (seed) => {
    const random = new SeededRandom(seed);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) counts[random.int(10)]! += 1;
    // The standard deviation of each is 95.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  it('keeps next() below 1 and int() within its bound', () => {
    const random = new SeededRandom(3);
    for (let i = 0; i < 10_000; i++) {
      const value = random.next();
      expect(value >= 0 && value < 1).toBe(true);
    }
    expect(random.int(1)).toBe(0);
    expect(random.int(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it.each([0, -1, 1.5, 2 ** 32 + 1, Number.NaN])('refuses int(%d)', (max) => {
    expect(() => new SeededRandom(1).int(max)).toThrow(RangeError);
  });

  it('draws bigints of the asked width, with the top bit set half of the time', () => {
    const random = new SeededRandom(5);
    let topBits = 0;
    for (let i = 0; i < 1000; i++) {
      const value = random.bigint(53);
      expect(value >> 53n).toBe(0n);
      if (value >> 52n === 1n) topBits++;
    }
    expect(Math.abs(topBits - 500)).toBeLessThan(100);
    expect(random.bigint(0)).toBe(0n);
  });

  it('is always lucky at 1 and never at 0', () => {
    const random = new SeededRandom(6);
    const outcomes = (probability: number) =>
      new Set(Array.from({ length: 100 }, () => random.chance(probability)));
    expect(outcomes(1)).toEqual(new Set([true]));
    expect(outcomes(0)).toEqual(new Set([false]));
    expect(outcomes(0.5)).toEqual(new Set([true, false]));
  });

  it('picks every item, and none from nothing', () => {
    const random = new SeededRandom(9);
    const picked = new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c'])));
    expect([...picked].sort()).toEqual(['a', 'b', 'c']);
    expect(() => random.pick([])).toThrow(RangeError);
  });

  it('shuffles into every order and leaves the original alone', () => {
    const random = new SeededRandom(10);
    const original = [1, 2, 3];
    const orders = new Set(Array.from({ length: 200 }, () => random.shuffle(original).join('')));
    expect(orders.size).toBe(6);
    expect(original).toEqual([1, 2, 3]);
  });

  it('forks streams that depend on seed and label alone', () => {
    const fresh = new SeededRandom(11).fork('clients');
    const used = new SeededRandom(11);
    draw(used, 50);
    expect(draw(used.fork('clients'), 5)).toEqual(draw(fresh, 5));
    const labels = Array.from({ length: 500 }, (_, i) => `client ${i}`);
    const seeds = new Set(labels.map((label) => used.fork(label).seed));
    expect(seeds.size).toBe(labels.length);
    expect(new SeededRandom(12).fork('clients').seed).not.toBe(
      new SeededRandom(11).fork('clients').seed,
    );
  });

  it('says how to repeat itself', () => {
    const random = new SeededRandom(123);
    const first = draw(random, 3);
    const [, seed] = String(random).split('=');
    expect(draw(new SeededRandom(seedFromEnv(seed)), 3)).toEqual(first);
  });
});

describe('seedFromEnv', () => {
  it('takes the given seed', () => {
    expect(seedFromEnv('0')).toBe(0);
    expect(seedFromEnv('4294967295')).toBe(4294967295);
  });

  it('draws a fresh one when none is given', () => {
    const seeds = new Set(Array.from({ length: 20 }, () => seedFromEnv(undefined)));
    expect(seeds.size).toBeGreaterThan(15);
    expect(seedFromEnv('')).toBeGreaterThanOrEqual(0);
  });

  it.each(['4294967296', '-1', '1.5', 'abc', '0x10', ' 1'])('refuses %j', (value) => {
    expect(() => seedFromEnv(value)).toThrow(RangeError);
  });
});

const GOLDEN_OF_42 = [1515581615, 2302604076, 961795124];
