import { ManualClock } from '@guildhall/clock';
import { partitionOf, timestampOf } from './snowflake.js';
import { SnowflakeMint } from './snowflake-mint.js';

const SEED = 20_260_101;

/** Small and good enough: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe(`SnowflakeMint, whatever the clock does (seed ${SEED})`, () => {
  it('mints upward in each partition, above every floor, never twice, never needlessly ahead', () => {
    const random = seeded(SEED);
    const clock = new ManualClock();
    const mint = new SnowflakeMint(clock);
    const lastByPartition = new Map<number, bigint>();
    const minted = new Set<bigint>();
    let highestMs = clock.nowMs();

    for (let i = 0; i < 20_000; i++) {
      const chance = random();
      if (chance < 0.02) clock.stepWall(Math.floor(random() * 4_000) - 2_000);
      else if (chance < 0.3) clock.advance(Math.floor(random() * 3));
      const partition = Math.floor(random() * 4) * 341;
      const others = [...lastByPartition.values()];
      const floor = random() < 0.2 ? others[Math.floor(random() * others.length)] : undefined;

      const id = mint.mint(partition, floor);

      const last = lastByPartition.get(partition) ?? -1n;
      if (id <= last || (floor !== undefined && id <= floor)) {
        throw new Error(`step ${i}: ${id} is not above ${last} and ${floor}`);
      }
      highestMs = Math.max(highestMs, clock.nowMs());
      expect(partitionOf(id)).toBe(partition);
      // Each floor may cost the one ms that puts a lower partition above a higher one.
      expect(timestampOf(id)).toBeLessThanOrEqual(highestMs + i + 1);
      lastByPartition.set(partition, id);
      minted.add(id);
    }
    expect(minted.size).toBe(20_000);
  });
});
