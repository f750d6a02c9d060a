// Ids as Discord's clients know them: 64 bits, ordered by time, decimal strings in JSON.
//
//   63                                         22 21        12 11         0
//   +---------------------------------------------+------------+------------+
//   | ms since 2015-01-01 (42 bits)               | partition  | increment  |
//   +---------------------------------------------+------------+------------+
//
// Where Discord keeps the worker and the process that made the id, we keep the partition of the
// topic (guild, private channel) or user that the id belongs to. So any id by itself says which
// partition to ask, with no lookup: a channel, message or role id leads to its guild's owner.
// In memory ids are bigint: comparing is exact, and a forgotten conversion is a type error.

/** A 64-bit id. In JSON a decimal string: `String(id)` and {@link parseSnowflake}. */
export type Snowflake = bigint;

/** 2015-01-01T00:00:00Z, where Discord's ids begin to count, in ms since the Unix epoch. */
export const DISCORD_EPOCH_MS = 1_420_070_400_000;

/** How many partitions topics and users are spread over. Fixed: it is written into every id. */
export const PARTITIONS_COUNT = 1024;

/** How many ids one partition has in one ms. */
export const INCREMENTS_COUNT = 4096;

const SNOWFLAKE_MAX = 2n ** 64n - 1n;
const DECIMAL = /^(?:0|[1-9][0-9]{0,19})$/;

/** Hot path. The partition whose owner knows about this id. */
export function partitionOf(id: Snowflake): number {
  return Number(BigInt.asUintN(22, id)) >>> 12;
}

/** When the id was minted, in ms since the Unix epoch. */
export function timestampOf(id: Snowflake): number {
  return Number(id >> 22n) + DISCORD_EPOCH_MS;
}

/** The lowest id of that ms: for "after" and "before" by time. 0 for anything before 2015. */
export function snowflakeAt(ms: number): Snowflake {
  return BigInt(Math.max(0, Math.floor(ms) - DISCORD_EPOCH_MS)) << 22n;
}

/**
 * The id that a client sent, or undefined unless it is a string of 1 to 20 digits with no sign,
 * space or leading zero, at most 2^64 - 1. A number is refused: it has already lost its low bits.
 */
export function parseSnowflake(text: unknown): Snowflake | undefined {
  if (typeof text !== 'string' || !DECIMAL.test(text)) return undefined;
  const id = BigInt(text);
  return id <= SNOWFLAKE_MAX ? id : undefined;
}
