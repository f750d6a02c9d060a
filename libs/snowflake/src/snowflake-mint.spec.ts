import { ManualClock } from '@guildhall/clock';
import { Bug } from '@guildhall/fault';
import {
  DISCORD_EPOCH_MS,
  INCREMENTS_COUNT,
  PARTITIONS_COUNT,
  partitionOf,
  snowflakeAt,
  timestampOf,
} from './snowflake.js';
import { SnowflakeMint } from './snowflake-mint.js';

const NOW_MS = Date.UTC(2026, 0, 1);

function fresh(): { clock: ManualClock; mint: SnowflakeMint } {
  const clock = new ManualClock(NOW_MS);
  return { clock, mint: new SnowflakeMint(clock) };
}

describe('SnowflakeMint', () => {
  it('mints ids of the partition and of this ms', () => {
    const { clock, mint } = fresh();
    clock.advance(7);
    const id = mint.mint(417);

    expect(partitionOf(id)).toBe(417);
    expect(timestampOf(id)).toBe(NOW_MS + 7);
  });

  it('never mints the same id twice, over all partitions', () => {
    const { mint } = fresh();
    const ids = new Set<bigint>();
    for (let i = 0; i < 5_000; i++) ids.add(mint.mint(i % 7));
    expect(ids.size).toBe(5_000);
  });

  it('borrows from the ms to come when one ms is used up, and no sooner', () => {
    const { mint } = fresh();
    let last = -1n;
    for (let i = 0; i < INCREMENTS_COUNT; i++) last = mint.mint(3);
    expect(timestampOf(last)).toBe(NOW_MS);

    const next = mint.mint(3);
    expect(next > last).toBe(true);
    expect(timestampOf(next)).toBe(NOW_MS + 1);
    expect(partitionOf(next)).toBe(3);
  });

  it('does not let one partition push the ids of the others ahead of the clock', () => {
    const { mint } = fresh();
    for (let i = 0; i < 10 * INCREMENTS_COUNT; i++) mint.mint(3);
    expect(timestampOf(mint.mint(2))).toBe(NOW_MS);
  });

  it('goes on upward when the clock steps back', () => {
    const { clock, mint } = fresh();
    const before = mint.mint(9);
    clock.stepWall(-60_000);
    const after = mint.mint(9);

    expect(after > before).toBe(true);
    expect(timestampOf(after)).toBe(NOW_MS);
  });

  it.each([
    ['same partition', 5, 5],
    ['from a lower one', 5, 4],
    ['from a higher one', 5, 6],
    ['last increment', 5, 5, 4095],
  ])('mints above the floor of an owner whose clock was ahead: %s', (_, own, theirs, low = 17) => {
    const { mint } = fresh();
    const floor = snowflakeAt(NOW_MS + 30_000) | BigInt((theirs << 12) | low);
    const id = mint.mint(own, floor);

    expect(id > floor).toBe(true);
    expect(partitionOf(id)).toBe(own);
    expect(timestampOf(id) - timestampOf(floor)).toBeLessThanOrEqual(1);
    expect(mint.mint(own) > id).toBe(true);
  });

  it('forgets a floor that lies in the past', () => {
    const { mint } = fresh();
    expect(mint.mint(1, snowflakeAt(NOW_MS - 5))).toBe(snowflakeAt(NOW_MS) | (1n << 12n));
  });

  it.each([-1, PARTITIONS_COUNT, Number.NaN])('knows no partition %p', (partition) => {
    expect(() => fresh().mint.mint(partition)).toThrow(Bug);
  });

  it('gives a new topic a partition of chance, in this ms', () => {
    const { mint } = fresh();
    const chances = [0.25, 0.5];
    const id = mint.mintTopicId(() => chances.shift() ?? 0);

    expect(timestampOf(id)).toBe(NOW_MS);
    expect(Number(id & 4095n)).toBe(1024);
    expect(partitionOf(id)).toBe(512);
  });

  it('keeps topics within bounds at the ends of chance', () => {
    const { mint } = fresh();
    expect(mint.mintTopicId(() => 0)).toBe(BigInt(NOW_MS - DISCORD_EPOCH_MS) << 22n);
    const highest = mint.mintTopicId(() => 1 - Number.EPSILON);
    expect(partitionOf(highest)).toBe(PARTITIONS_COUNT - 1);
    expect(timestampOf(highest)).toBe(NOW_MS);
  });
});
