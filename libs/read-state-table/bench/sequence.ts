// The records and the operations that all contenders are given, in whatever language: one seed, and
// arithmetic on 32 bits.

export const CHANNELS_PER_USER = 100;
const CHANNELS_COUNT = 1_000_003;
const CHANNEL_STEP = 9_973;
export const OPERATIONS_SEED = 0x2545f491;

/** Any 32 bits to others, one to one. */
export function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) | 0;
}

/** The next state, and number, of a small generator. Never 0. */
export function next(state: number): number {
  let x = state ^ (state << 13);
  x ^= x >>> 17;
  return x ^ (x << 5);
}

export const userHi = (user: number): number => 0x10000000 | (mix(user) >>> 8);
export const userLo = (user: number): number => mix(user ^ 0x5bd1e995);

/** Which channel a user's channel is: some are those of many users, none twice one's own. */
export const channelOf = (user: number, i: number): number =>
  ((mix(user ^ 0x1234567) >>> 8) + i * CHANNEL_STEP) % CHANNELS_COUNT;
export const channelHi = (channel: number): number => 0x0f000000 | (mix(channel) >>> 9);
export const channelLo = (channel: number): number => mix(channel ^ 0x77777777);
