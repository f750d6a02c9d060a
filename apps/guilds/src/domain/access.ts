/** Who asks, and whether it may: the questions every decision begins with. */
import { refuse } from '@guildhall/contracts';
import { ALL_PERMISSIONS, highestRole, Permission, type MemberView } from '@guildhall/permissions';
import type { Channel } from './channel.js';
import type { CommandContext } from './changes.js';
import type { Guild } from './guild.js';
import type { Member } from './member.js';

/** Who asks, and when. */
export type Asker = Pick<CommandContext, 'actorId' | 'nowMs'>;

/** Who asks, as far as permissions and the order of roles go. */
export interface Actor extends MemberView {
  /** 0n: the fleet itself, which may do anything. */
  readonly userId: bigint;
  readonly nowMs: number;
}

/** Who asks. Refused (50001) if it is no member. */
export function actorOf(guild: Guild, { actorId, nowMs }: Asker): Actor {
  if (actorId === 0n) return { ...FLEET, nowMs };
  const member = guild.member(actorId);
  if (member === undefined) throw refuse('MissingAccess');
  return { ...viewOf(guild, member, nowMs), userId: actorId, nowMs };
}

const FLEET = {
  userId: 0n,
  isOwner: true,
  permissions: ALL_PERMISSIONS,
  highestRole: undefined,
} as const;

/** A member, as far as permissions and the order of roles go. */
export function viewOf(guild: Guild, member: Member, nowMs: number): MemberView {
  return {
    isOwner: member.user.id === guild.ownerId,
    permissions: guild.basePermissions(member.user.id, nowMs),
    highestRole: highestRole(guild.rolesOf(member)),
  };
}

/** True when the actor has one of these in the guild as a whole. */
export function hasAny(actor: MemberView, anyOf: bigint): boolean {
  return (actor.permissions & (anyOf | Permission.ADMINISTRATOR)) !== 0n;
}

/** Refuses (50013) who does not have all of these in the guild as a whole. */
export function requirePermission(actor: MemberView, needed: bigint): void {
  if ((actor.permissions & needed) !== needed) throw refuse('MissingPermissions');
}

/**
 * The channel, if the actor may see it and has all of these there. Refused with 10003 for a channel
 * there is not, 50001 for one it may not see, 50013 for what it may not do.
 */
export function channelFor(guild: Guild, actor: Actor, channelId: bigint, needed: bigint): Channel {
  const channel = guild.channel(channelId);
  if (channel === undefined) throw refuse('UnknownChannel');
  if (!guild.mayView(channelId, actor.userId)) throw refuse('MissingAccess');
  requireIn(guild, actor, channelId, needed);
  return channel;
}

/** Refuses (50013) who does not have all of these in the channel. */
export function requireIn(guild: Guild, actor: Actor, channelId: bigint, needed: bigint): void {
  const permissions = guild.permissionsIn(channelId, actor.userId, actor.nowMs);
  if ((permissions & needed) !== needed) throw refuse('MissingPermissions');
}

/** The member a command is about. Refused (10007) if there is none. */
export function memberFor(guild: Guild, userId: bigint): Member {
  const member = guild.member(userId);
  if (member === undefined) throw refuse('UnknownMember');
  return member;
}
