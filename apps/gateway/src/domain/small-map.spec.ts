import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { SmallMap } from './small-map.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));
const STEPS = 3_000;

describe(`SmallMap (${random})`, () => {
  it('is what a Map is, below the size where it becomes one and above', () => {
    const map = new SmallMap<bigint, number>();
    const model = new Map<bigint, number>();
    let largest = 0;
    for (let step = 0; step < STEPS; step += 1) {
      // Grows and shrinks in waves, through both forms.
      const grows = random.chance(Math.floor(step / 100) % 2 === 0 ? 0.7 : 0.25);
      const key = BigInt(random.int(20));
      if (grows) {
        map.set(key, step);
        model.set(key, step);
      } else {
        expect(map.delete(key)).toBe(model.delete(key));
      }
      const asked = BigInt(random.int(20));
      expect(map.get(asked)).toBe(model.get(asked));
      expect(map.has(asked)).toBe(model.has(asked));
      expect(map.size).toBe(model.size);
      expect([...map]).toEqual([...model]);
      expect([...map.keys()]).toEqual([...model.keys()]);
      expect([...map.values()]).toEqual([...model.values()]);
      largest = Math.max(largest, map.size);
    }
    expect(largest).toBeGreaterThan(9);
  });

  it('may lose entries while its keys are gone through', () => {
    for (const count of [3, 30]) {
      const map = new SmallMap<number, number>();
      for (let key = 0; key < count; key += 1) map.set(key, key);
      for (const key of map.keys()) map.delete(key);
      expect(map.size).toBe(0);
    }
  });
});
