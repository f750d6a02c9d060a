// Order is kept per partition, not over all of them: since the partition lies above the increment,
// an order over all would have to move on to the next ms whenever a lower partition follows a
// higher one, so ids would run away from the clock at a mere two a ms. Ids of different partitions
// never collide, and nothing compares them: other processes mint theirs at the same time anyway.
import { assert } from '@guildhall/fault';
import type { Clock } from '@guildhall/clock';
import {
  DISCORD_EPOCH_MS,
  INCREMENTS_COUNT,
  PARTITIONS_COUNT,
  partitionOf,
  type Snowflake,
} from './snowflake.js';

/** Past 2084 a slot no longer fits a double exactly. */
const SLOT_MAX = Number.MAX_SAFE_INTEGER;

/** Makes ids. One per process, shared by all its partitions. */
export class SnowflakeMint {
  readonly #clock: Clock;
  /** By partition, the last slot used. A slot is `ms since 2015 * 4096 + increment`. */
  readonly #lastSlots = new Float64Array(PARTITIONS_COUNT).fill(-1);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Hot path. An id of the partition, greater than every id minted here for that partition before,
   * and greater than `floor` (the last id its topic is known to have: a new owner passes it, since
   * the old owner's clock may have been ahead). When the clock steps back, or more than 4096 ids
   * are asked for in one ms, it borrows from the ms to come. Throws a Bug for a partition that does
   * not exist.
   */
  mint(partition: number, floor?: Snowflake): Snowflake {
    assert(partition >= 0 && partition < PARTITIONS_COUNT, 'partition exists');
    let slot = (this.#clock.nowMs() - DISCORD_EPOCH_MS) * INCREMENTS_COUNT;
    const next = this.#lastSlots[partition]! + 1;
    if (next > slot) slot = next;
    if (floor !== undefined) {
      const aboveFloor = firstSlotAbove(floor, partition);
      if (aboveFloor > slot) slot = aboveFloor;
    }
    assert(slot <= SLOT_MAX, 'the clock is within the years ids can tell');
    this.#lastSlots[partition] = slot;
    return compose(slot, partition);
  }

  /**
   * The id of a new topic or user, which decides its partition. Several edge processes mint these
   * at once without asking one another, so partition and increment are both chance: two made in the
   * same ms are equal once in four million, and the primary key then refuses one: mint again.
   */
  mintTopicId(random: () => number): Snowflake {
    const slot =
      (this.#clock.nowMs() - DISCORD_EPOCH_MS) * INCREMENTS_COUNT +
      Math.floor(random() * INCREMENTS_COUNT);
    return compose(slot, Math.floor(random() * PARTITIONS_COUNT));
  }
}

function firstSlotAbove(floor: Snowflake, partition: number): number {
  const ms = Number(floor >> 22n);
  const floorPartition = partitionOf(floor);
  if (partition > floorPartition) return ms * INCREMENTS_COUNT;
  if (partition < floorPartition) return (ms + 1) * INCREMENTS_COUNT;
  return ms * INCREMENTS_COUNT + Number(floor & 0xfffn) + 1;
}

function compose(slot: number, partition: number): Snowflake {
  const ms = Math.floor(slot / INCREMENTS_COUNT);
  const increment = slot - ms * INCREMENTS_COUNT;
  return (BigInt(ms) << 22n) | BigInt((partition << 12) | increment);
}
