/**
 * Which mentions of a user count, as far as the user decides. Its own topic has the settings
 * (user-guild-settings.ts); what matters of them for a count is kept here, by the topic that
 * counts, since a count is read in one place. Errands bring it, at least once and now and then
 * late: each has the version of the settings it comes from, and an older one changes nothing.
 */
import type { NotificationRulesChanged, PrivateChannelMuted } from '@guildhall/contracts';
import type { Changes } from './changes.js';
import type { Guild } from './guild.js';
import { saveMember } from './member-changes.js';
import type { CountedUser } from './mention-log.js';
import type { MessageTopic } from './message-place.js';
import type { PrivateChannel } from './private-channel.js';
import { TopicKind } from './topic-kind.js';

/** A member wants other mentions counted. Nobody is told: it is no news of the member. */
export function suppressMentions(
  guild: Guild,
  { userId, version, suppressEveryone, suppressRoles }: NotificationRulesChanged,
  changes: Changes,
): void {
  const member = guild.member(userId);
  // Who has left is told again when it comes back.
  if (member === undefined || Number(version) <= member.suppression.version) return;
  const suppression = { version: Number(version), suppressEveryone, suppressRoles };
  saveMember(guild, { ...member, suppression }, changes);
}

/** One of its users mutes the channel, for a time or until it says otherwise, or unmutes it. */
export function mutePrivateChannel(
  channel: PrivateChannel,
  { userId, version, muted, mutedUntilMs }: PrivateChannelMuted,
  changes: Changes,
): void {
  // It may hear of this before it hears whose it is.
  const isOwn = channel.recipients.size === 0 || channel.recipients.has(userId);
  if (!isOwn || Number(version) <= (channel.mutes.get(userId)?.version ?? 0)) return;
  const mute = { version: Number(version), muted, mutedUntilMs: Number(mutedUntilMs) };
  channel.mutes.set(userId, mute);
  changes.isTopicChanged = true;
}

/** A member, for whoever counts its mentions. */
export function countedMember(guild: Guild, userId: bigint): CountedUser {
  const member = guild.member(userId);
  return {
    userId,
    roleIds: member?.roleIds ?? [],
    joinedAtMs: member?.joinedAtMs ?? 0,
    suppressEveryone: member?.suppression.suppressEveryone ?? false,
    suppressRoles: member?.suppression.suppressRoles ?? false,
  };
}

/**
 * The same of a private channel. There every message is one to everybody, so who has it muted
 * suppresses those, and is left with what mentions it by name.
 */
export function countedRecipient(
  channel: PrivateChannel,
  userId: bigint,
  nowMs: number,
): CountedUser {
  const mute = channel.mutes.get(userId);
  const isMuted =
    mute !== undefined && mute.muted && (mute.mutedUntilMs === 0 || nowMs < mute.mutedUntilMs);
  return { userId, roleIds: [], joinedAtMs: 0, suppressEveryone: isMuted, suppressRoles: false };
}

/** The same of either. */
export function countedUser(topic: MessageTopic, userId: bigint, nowMs: number): CountedUser {
  return topic.kind === TopicKind.Guild
    ? countedMember(topic, userId)
    : countedRecipient(topic, userId, nowMs);
}
