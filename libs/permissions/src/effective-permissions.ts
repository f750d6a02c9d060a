// Some permissions mean nothing without another. The number stored in a role stays as it is; what
// counts when someone acts, and what clients are told they may do, is what is left here.
// https://docs.discord.com/developers/topics/permissions#implicit-permissions
import { Permission } from './permission.js';
import {
  CONNECTING_PERMISSIONS,
  SENDING_PERMISSIONS,
  TIMED_OUT_PERMISSIONS,
} from './permission-sets.js';

/** The kinds of guild channel that differ in what a missing permission takes with it. */
export const ChannelKind = { Text: 0, Voice: 1, Thread: 2 } as const;
export type ChannelKind = (typeof ChannelKind)[keyof typeof ChannelKind];

/**
 * The kind of a channel `type` of the API: 2 and 13 are voice, 10 to 12 threads, all others text.
 */
export function channelKindOf(channelType: number): ChannelKind {
  if (channelType === 2 || channelType === 13) return ChannelKind.Voice;
  return channelType >= 10 && channelType <= 12 ? ChannelKind.Thread : ChannelKind.Text;
}

/** The permission that sending a message takes: a thread has one of its own. */
export function sendPermission(kind: ChannelKind): bigint {
  return kind === ChannelKind.Thread
    ? Permission.SEND_MESSAGES_IN_THREADS
    : Permission.SEND_MESSAGES;
}

/**
 * Hot path. What counts of `permissions` (from `channelPermissions`; for a thread, those in its
 * parent) when a member acts in the channel:
 *
 * - in a timeout, only viewing and reading history;
 * - nothing at all without VIEW_CHANNEL, the guild-wide permissions included: ask those of the
 *   base;
 * - no mass mention, TTS, attachment or embed for who cannot send;
 * - in voice and stage channels, without CONNECT, nothing about voice or the channel's settings.
 *
 * With ADMINISTRATOR (which the owner has, and no overwrite can give) everything, in a timeout too.
 * Someone connected to a voice channel sees it without VIEW_CHANNEL; that is the caller's to know.
 */
export function effectivePermissions(
  permissions: bigint,
  kind: ChannelKind,
  isTimedOut: boolean,
): bigint {
  if ((permissions & Permission.ADMINISTRATOR) !== 0n) return permissions;
  if ((permissions & Permission.VIEW_CHANNEL) === 0n) return 0n;
  if (isTimedOut) return permissions & TIMED_OUT_PERMISSIONS;
  let effective = permissions;
  if ((permissions & sendPermission(kind)) === 0n) effective &= ~SENDING_PERMISSIONS;
  if (kind === ChannelKind.Voice && (permissions & Permission.CONNECT) === 0n) {
    effective &= ~CONNECTING_PERMISSIONS;
  }
  return effective;
}

/** What is left of a member's guild-wide permissions in a timeout; administrators are exempt. */
export function timedOutPermissions(base: bigint): bigint {
  return (base & Permission.ADMINISTRATOR) !== 0n ? base : base & TIMED_OUT_PERMISSIONS;
}

/**
 * Whether the messages of a channel may be read as they come: seeing it is enough, except that the
 * chat of a voice channel takes CONNECT as well. Takes effective permissions. (A timeout takes
 * CONNECT away, and with it the chat of voice channels.)
 */
export function mayReadMessages(effective: bigint, kind: ChannelKind): boolean {
  const needed = kind === ChannelKind.Voice ? READ_IN_VOICE : Permission.VIEW_CHANNEL;
  return (effective & needed) === needed;
}

const READ_IN_VOICE = Permission.VIEW_CHANNEL | Permission.CONNECT;
