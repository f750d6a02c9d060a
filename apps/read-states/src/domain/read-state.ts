// What is remembered of one user about one channel (or another thing that can be read).
import type { Snowflake } from '@guildhall/snowflake';

/** Discord's numbers for what can be read. */
export const ReadStateType = {
  Channel: 0,
  GuildEvent: 1,
  NotificationCenter: 2,
  GuildHome: 3,
  GuildOnboardingQuestion: 4,
  MessageRequests: 5,
} as const;
export type ReadStateType = (typeof ReadStateType)[keyof typeof ReadStateType];

const TYPES_COUNT = Object.keys(ReadStateType).length;

/** Whether a number off the wire is a type. */
export function isReadStateType(type: number): type is ReadStateType {
  return Number.isInteger(type) && type >= 0 && type < TYPES_COUNT;
}

/** One entry. Never changed in place: a change makes a new one, with a higher version. */
export interface ReadState {
  readonly type: ReadStateType;
  /** The channel, or for other types the guild or user it is about. */
  readonly channelId: Snowflake;
  readonly lastMessageId: Snowflake;
  readonly mentionCount: number;
  /** 0: never. */
  readonly lastPinTimestampMs: number;
  readonly flags: number;
  /** Days since 2015-01-01; 0: never. */
  readonly lastViewed: number;
  /** The user's version when this entry was last changed. */
  readonly version: bigint;
  /** Not 0: `mentionCount` was set by hand, counting mentions up to this message. */
  readonly manualUntilMessageId: Snowflake;
  /** What is left of a deleted entry: only its version counts, so that no version is used twice. */
  readonly isDeleted: boolean;
}

/** An entry as it is on disk and in the log: it says whose it is. */
export interface UserReadState extends ReadState {
  readonly userId: Snowflake;
}

/** Tells the entries of one user apart. */
export function readStateKey(type: ReadStateType, channelId: Snowflake): bigint {
  return (channelId << 3n) | BigInt(type);
}

/** An entry of which nothing is known: everything unread. */
export function emptyReadState(type: ReadStateType, channelId: Snowflake): ReadState {
  return {
    type,
    channelId,
    lastMessageId: 0n,
    mentionCount: 0,
    lastPinTimestampMs: 0,
    flags: 0,
    lastViewed: 0,
    version: 0n,
    manualUntilMessageId: 0n,
    isDeleted: false,
  };
}
