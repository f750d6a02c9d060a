// What can be read, by Discord's numbers.

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

/** Types are the whole numbers below this. */
export const READ_STATE_TYPES_COUNT = Object.keys(ReadStateType).length;

/** Whether a number off the wire is a type. */
export function isReadStateType(type: number): type is ReadStateType {
  return Number.isInteger(type) && type >= 0 && type < READ_STATE_TYPES_COUNT;
}
