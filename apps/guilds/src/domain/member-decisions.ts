/** Members: added, changed, removed. How to come in by an invite is in invite-decisions.ts. */
import {
  refuse,
  refuseField,
  type AddMemberRequest,
  type MemberRoleRequest,
  type ModifyMemberRequest,
  type RemoveMemberRequest,
} from '@guildhall/contracts';
import {
  ALL_PERMISSIONS,
  canModerate,
  canTimeOut,
  grantablePermissions,
  Permission,
} from '@guildhall/permissions';
import { actorOf, hasAny, memberFor, requireIn, requirePermission, viewOf } from './access.js';
import type { Actor } from './access.js';
import type { Changes } from './changes.js';
import { ChannelType } from './channel.js';
import { checkLength } from './field-checks.js';
import type { Guild } from './guild.js';
import { changeMember } from './member-changes.js';
import { memberJson } from './member-json.js';
import { newMember, sortedIds, type Member } from './member.js';
import { dropMember, joinMember } from './membership-changes.js';
import { saveRole } from './role-changes.js';
import { requireAbove, roleFor, ROLES_MAX } from './role-decisions.js';
import { newRole } from './role.js';
import { userOf, type User } from './user-document.js';
import { enterVoice, leaveVoice, tellVoice } from './voice-changes.js';

const NICK_MAX = 32;
const TIMEOUT_MAX_MS = 28 * 24 * 3_600_000;
/** The one flag that can be set: BYPASSES_VERIFICATION. */
const SETTABLE_FLAGS = 1 << 2;

/**
 * Adds a bot, by who may manage the guild; or anybody, by the fleet itself. A bot that is given
 * permissions gets a role of its own; it is given no more than the actor has. Who is a member
 * already stays as it is.
 */
export function addMember(guild: Guild, request: AddMemberRequest, changes: Changes): object {
  const actor = actorOf(guild, changes);
  requirePermission(actor, Permission.MANAGE_GUILD);
  const user = userOf(request.user);
  if (user.id === 0n) throw refuse('UnknownUser');
  if (!user.bot && actor.userId !== 0n) throw refuse('MissingPermissions');
  const known = guild.member(user.id);
  if (known !== undefined) return memberJson(known);
  if (guild.bans.has(user.id)) throw refuse('UserBanned');
  const permissions = request.botPermissions & grantablePermissions(actor) & ALL_PERMISSIONS;
  const hasOwnRole = user.bot && permissions !== 0n;
  if (hasOwnRole && guild.roles.size >= ROLES_MAX) throw refuse('MaxRoles');
  const roleIds: bigint[] = [];
  if (hasOwnRole) {
    const role = newRole(changes.mint(), user.username, permissions);
    saveRole(guild, { ...role, managed: true, botId: user.id }, changes);
    roleIds.push(role.id);
  }
  const member = { ...newMember(user, changes.nowMs), roleIds };
  joinMember(guild, member, changes);
  return memberJson(member);
}

/** Changes what is asked for, all or nothing. Each field needs its own permission. */
export function modifyMember(guild: Guild, request: ModifyMemberRequest, changes: Changes): object {
  const actor = actorOf(guild, changes);
  const before = memberFor(guild, request.userId);
  const after: Member = {
    ...before,
    nick: nickAsked(guild, actor, before, request),
    roleIds: rolesAsked(guild, actor, before, request),
    ...voiceAsked(guild, actor, before, request),
    communicationDisabledUntilMs: timeoutAsked(guild, actor, before, request),
    flags: flagsAsked(guild, actor, before, request),
  };
  const channelId = channelAsked(guild, actor, before, request);
  const isMember = isChanged(before, after);
  if (isMember) changeMember(guild, after, changes);
  const state = guild.voiceStates.get(before.user.id);
  if (state === undefined) return memberJson(after);
  if (channelId === 0n) leaveVoice(guild, before.user.id, changes);
  else if (channelId !== state.channelId) {
    enterVoice(guild, { ...state, channelId, sinceMs: changes.nowMs }, changes);
  } else if (before.mute !== after.mute || before.deaf !== after.deaf) {
    tellVoice(guild, after, changes);
  }
  return memberJson(after);
}

/** Gives a role. */
export function putMemberRole(guild: Guild, request: MemberRoleRequest, changes: Changes): void {
  changeRoles(guild, request, changes, (roleIds) => [...roleIds, request.roleId]);
}

/** Takes a role. */
export function deleteMemberRole(guild: Guild, request: MemberRoleRequest, changes: Changes): void {
  changeRoles(guild, request, changes, (roleIds) => roleIds.filter((id) => id !== request.roleId));
}

function changeRoles(
  guild: Guild,
  request: MemberRoleRequest,
  changes: Changes,
  change: (roleIds: readonly bigint[]) => bigint[],
): void {
  const actor = actorOf(guild, changes);
  const member = memberFor(guild, request.userId);
  requirePermission(actor, Permission.MANAGE_ROLES);
  requireAssignable(guild, actor, request.roleId);
  const roleIds = sortedIds(change(member.roleIds));
  if (roleIds.length === member.roleIds.length) return;
  changeMember(guild, { ...member, roleIds }, changes);
}

/** Kicks; or, when it is about the actor itself, leaves. The owner cannot leave its guild. */
export function removeMember(guild: Guild, request: RemoveMemberRequest, changes: Changes): void {
  const actor = actorOf(guild, changes);
  const member = memberFor(guild, request.userId);
  const isOwner = member.user.id === guild.ownerId;
  if (actor.userId !== member.user.id) {
    requirePermission(actor, Permission.KICK_MEMBERS);
    requireOver(guild, actor, member);
  } else if (isOwner) throw refuse('MissingPermissions');
  dropMember(guild, member, changes);
}

/**
 * Refuses (50013) to act on a member the actor does not stand above; nobody stands above the owner.
 */
export function requireOver(guild: Guild, actor: Actor, member: Member): void {
  if (!canModerate(actor, viewOf(guild, member, actor.nowMs))) throw refuse('MissingPermissions');
}

/** A user has a new name or avatar: its membership shows it. May come twice. */
export function refreshGuildUser(guild: Guild, user: User, changes: Changes): void {
  const member = guild.member(user.id);
  if (member === undefined || isSameUser(member.user, user)) return;
  changeMember(guild, { ...member, user }, changes);
}

/** Whether it makes a difference to the guild that a user has no session any more. */
export function mayGo(guild: Guild, userId: bigint): boolean {
  if (guild.voiceStates.has(userId)) return true;
  const member = guild.member(userId);
  return member !== undefined && isVisitor(guild, member);
}

/** Came for a visit only: a temporary invite, and no role since. */
function isVisitor(guild: Guild, { isTemporary, roleIds, user }: Member): boolean {
  return isTemporary && roleIds.length === 0 && user.id !== guild.ownerId;
}

/**
 * A user's last session has ended: it is in no voice channel any more, and if it came for a visit
 * only it is no member any more. May come twice.
 */
export function userWentOffline(guild: Guild, userId: bigint, changes: Changes): void {
  const member = guild.member(userId);
  if (member === undefined) return;
  if (isVisitor(guild, member)) {
    dropMember(guild, member, changes);
  } else {
    leaveVoice(guild, userId, changes);
  }
}

function nickAsked(
  guild: Guild,
  actor: Actor,
  member: Member,
  { nick }: ModifyMemberRequest,
): string {
  if (nick === undefined) return member.nick;
  const trimmed = nick.trim();
  if (actor.userId === member.user.id) {
    const may = Permission.CHANGE_NICKNAME | Permission.MANAGE_NICKNAMES;
    if (!hasAny(actor, may)) throw refuse('MissingPermissions');
  } else {
    requirePermission(actor, Permission.MANAGE_NICKNAMES);
    requireOver(guild, actor, member);
  }
  checkLength(['nick'], trimmed, 0, NICK_MAX);
  return trimmed;
}

function rolesAsked(
  guild: Guild,
  actor: Actor,
  member: Member,
  { roles }: ModifyMemberRequest,
): readonly bigint[] {
  if (roles === undefined) return member.roleIds;
  requirePermission(actor, Permission.MANAGE_ROLES);
  const asked = sortedIds(roles.ids.filter((id) => id !== guild.id));
  const added = asked.filter((id) => !member.roleIds.includes(id));
  const taken = member.roleIds.filter((id) => !asked.includes(id));
  for (const id of [...added, ...taken]) requireAssignable(guild, actor, id);
  return asked;
}

/** Refuses a role that nobody can give or take, or that stands too high for the actor to. */
function requireAssignable(guild: Guild, actor: Actor, roleId: bigint): void {
  const role = roleFor(guild, roleId);
  if (role.id === guild.id || role.managed) throw refuse('InvalidRole');
  requireAbove(guild, actor, role);
}

function voiceAsked(
  guild: Guild,
  actor: Actor,
  member: Member,
  { mute, deaf }: ModifyMemberRequest,
): Pick<Member, 'mute' | 'deaf'> {
  if (mute === undefined && deaf === undefined) return { mute: member.mute, deaf: member.deaf };
  const channelId = voiceChannelOf(guild, member);
  if (mute !== undefined) requireIn(guild, actor, channelId, Permission.MUTE_MEMBERS);
  if (deaf !== undefined) requireIn(guild, actor, channelId, Permission.DEAFEN_MEMBERS);
  return { mute: mute ?? member.mute, deaf: deaf ?? member.deaf };
}

/** Where the member is to be in voice (where it is, if nothing is asked); 0n: nowhere. */
function channelAsked(
  guild: Guild,
  actor: Actor,
  member: Member,
  { channelId }: ModifyMemberRequest,
): bigint {
  const now = guild.voiceStates.get(member.user.id)?.channelId ?? 0n;
  if (channelId === undefined || channelId === now) return now;
  requireIn(guild, actor, voiceChannelOf(guild, member), Permission.MOVE_MEMBERS);
  if (channelId === 0n) return 0n;
  if (guild.channel(channelId)?.type !== ChannelType.Voice) throw refuse('UnknownChannel');
  requireIn(guild, actor, channelId, Permission.MOVE_MEMBERS | Permission.CONNECT);
  return channelId;
}

function voiceChannelOf(guild: Guild, member: Member): bigint {
  const state = guild.voiceStates.get(member.user.id);
  if (state === undefined) throw refuse('TargetNotInVoice');
  return state.channelId;
}

function timeoutAsked(
  guild: Guild,
  actor: Actor,
  member: Member,
  { communicationDisabledUntilMs }: ModifyMemberRequest,
): number {
  if (communicationDisabledUntilMs === undefined) return member.communicationDisabledUntilMs;
  const untilMs = Number(communicationDisabledUntilMs);
  requirePermission(actor, Permission.MODERATE_MEMBERS);
  if (!canTimeOut(actor, viewOf(guild, member, actor.nowMs))) throw refuse('MissingPermissions');
  if (untilMs > actor.nowMs + TIMEOUT_MAX_MS) {
    const text = 'Timeout cannot be longer than 28 days';
    throw refuseField(['communication_disabled_until'], 'DATE_TIME_TYPE_MAX', text);
  }
  return untilMs > actor.nowMs ? untilMs : 0;
}

function flagsAsked(
  guild: Guild,
  actor: Actor,
  member: Member,
  { flags }: ModifyMemberRequest,
): number {
  if (flags === undefined) return member.flags;
  const all = Permission.MODERATE_MEMBERS | Permission.KICK_MEMBERS | Permission.BAN_MEMBERS;
  const isModerator = (actor.permissions & all) === all;
  const may = Permission.MANAGE_GUILD | Permission.MANAGE_ROLES;
  if (!isModerator && !hasAny(actor, may)) throw refuse('MissingPermissions');
  if (actor.userId !== member.user.id) requireOver(guild, actor, member);
  return (member.flags & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS);
}

function isChanged(before: Member, after: Member): boolean {
  return (Object.keys(before) as (keyof Member)[]).some((key) => {
    if (key !== 'roleIds') return before[key] !== after[key];
    return before.roleIds.join() !== after.roleIds.join();
  });
}

function isSameUser(a: User, b: User): boolean {
  return (Object.keys(a) as (keyof User)[]).every((key) => a[key] === b[key]);
}
