import { SeededRandom, seedFromEnv } from '@guildhall/testkit';

import { BUCKETS_COUNT, Histogram } from './histogram.js';

describe('Histogram', () => {
  const random = new SeededRandom(seedFromEnv(process.env['SEED']));

  it(`gives quantiles to within one in 32 (${random})`, () => {
    const histogram = new Histogram();
    const values = Array.from({ length: 5_000 }, () => Math.floor(10 ** (random.next() * 8)));
    for (const value of values) histogram.add(value);
    values.sort((a, b) => a - b);
    for (const share of [0.01, 0.5, 0.9, 0.99, 0.999]) {
      const exact = values[Math.ceil(share * values.length) - 1]!;
      const found = histogram.quantileUs(share);
      expect(found).toBeGreaterThanOrEqual(exact);
      expect(found).toBeLessThanOrEqual(exact * (1 + 1 / 32) + 1);
    }
    expect(histogram.quantileUs(1)).toBe(values.at(-1));
    expect(histogram.maxUs).toBe(values.at(-1));
  });

  it('merges into what one histogram of all would have been', () => {
    const [all, one, other] = [new Histogram(), new Histogram(), new Histogram()];
    for (let at = 0; at < 1_000; at += 1) {
      const value = random.int(1_000_000);
      all.add(value);
      (at % 3 === 0 ? one : other).add(value);
    }
    one.merge(other.drain());
    expect(one.counts).toEqual(all.counts);
    expect(one.count).toBe(1_000);
    expect(other.count).toBe(0);
    expect(new Histogram(one.counts.slice()).quantileUs(0.5)).toBe(all.quantileUs(0.5));
  });

  it('takes what is out of bounds for the bound', () => {
    const histogram = new Histogram();
    histogram.add(-5);
    histogram.add(1e15);
    expect(histogram.quantileUs(0.5)).toBe(0);
    expect(histogram.quantileUs(1)).toBe(2 ** 31 - 1);
    expect(histogram.counts).toHaveLength(BUCKETS_COUNT);
  });

  it('knows nothing of nothing', () => {
    expect(new Histogram().quantileUs(0.99)).toBe(0);
  });
});
