export {
  DISCORD_EPOCH_MS,
  INCREMENTS_COUNT,
  PARTITIONS_COUNT,
  parseSnowflake,
  partitionOf,
  snowflakeAt,
  timestampOf,
} from './snowflake.js';
export type { Snowflake } from './snowflake.js';
export { SnowflakeMint } from './snowflake-mint.js';
