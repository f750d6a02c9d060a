// Which privileged intents an application may use. Discord has a "limited" and a full flag for
// each; here whoever runs the server decides, so either counts, and the limited one is what owners
// set.
// https://discord.com/developers/docs/resources/application#application-object-application-flags

/** GUILD_MEMBERS, full and limited. */
const MEMBERS_FLAGS = (1 << 14) | (1 << 15);

/** Flags an owner may set and clear: presences, members, message content, full and limited. */
export const SETTABLE_FLAGS = (1 << 12) | (1 << 13) | (1 << 14) | (1 << 15) | (1 << 18) | (1 << 19);

/** The flags after a change: what is not the owner's to set stays as it was. */
export function changedFlags(before: number, wanted: number): number {
  return (before & ~SETTABLE_FLAGS) | (wanted & SETTABLE_FLAGS);
}

/** Whether the application may be told of all members of a guild at once. */
export function mayListMembers(flags: number): boolean {
  return (flags & MEMBERS_FLAGS) !== 0;
}
