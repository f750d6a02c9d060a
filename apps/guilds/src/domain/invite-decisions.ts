/** Invites: made, shown, used, ended. */
import {
  inviteCode,
  refuse,
  type AcceptInviteRequest,
  type CreateInviteRequest,
  type InviteRequest,
  type ListInvitesRequest,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { actorOf, channelFor, hasAny, requirePermission, type Asker } from './access.js';
import type { Changes } from './changes.js';
import { ChannelType } from './channel.js';
import { checkRange } from './field-checks.js';
import type { Guild } from './guild.js';
import { dropInvite, saveInvite, whoMayKnow } from './invite-changes.js';
import { inviteJson, inviteWithUseJson } from './invite-json.js';
import { inviteEventJson, isExpired, type Invite } from './invite.js';
import { newMember } from './member.js';
import { joinMember } from './membership-changes.js';
import { userOf } from './user-document.js';

export const INVITES_MAX = 1_000;
const AGE_MAX_SECONDS = 604_800;
const USES_MAX = 100;

/**
 * Makes an invite to a channel; or finds one of the actor's that is as asked for, unless it must be
 * new.
 */
export function createInvite(guild: Guild, request: CreateInviteRequest, changes: Changes): object {
  const actor = actorOf(guild, changes);
  const { channelId } = request;
  const channel = channelFor(guild, actor, channelId, Permission.CREATE_INSTANT_INVITE);
  if (channel.type === ChannelType.Category) throw refuse('WrongChannelType');
  checkRange(['max_age'], request.maxAgeSeconds, 0, AGE_MAX_SECONDS);
  checkRange(['max_uses'], request.maxUses, 0, USES_MAX);
  const live = [...guild.invites.values()].filter((each) => !isExpired(each, changes.nowMs));
  const similar = live.find(
    (each) =>
      each.channelId === channelId &&
      (each.inviter?.id ?? 0n) === actor.userId &&
      each.maxAgeSeconds === request.maxAgeSeconds &&
      each.maxUses === request.maxUses &&
      each.temporary === request.temporary,
  );
  if (!request.unique && similar !== undefined) return inviteWithUseJson(guild, similar);
  if (live.length >= INVITES_MAX) throw refuse('MaxInvites');
  forgetExpired(guild, changes);
  const invite: Invite = {
    code: inviteCode(guild.id, changes.random),
    channelId,
    inviter: guild.member(actor.userId)?.user,
    maxAgeSeconds: request.maxAgeSeconds,
    maxUses: request.maxUses,
    temporary: request.temporary,
    uses: 0,
    createdAtMs: changes.nowMs,
  };
  saveInvite(guild, invite, changes);
  changes.event({
    type: 'INVITE_CREATE',
    data: inviteEventJson(guild.id, invite),
    channelId,
    onlyUserIds: whoMayKnow(guild, channelId),
  });
  return inviteWithUseJson(guild, invite);
}

/** What an invite leads to. Needs no membership. */
export function getInvite(guild: Guild, request: InviteRequest, nowMs: number): object {
  return inviteJson(guild, inviteFor(guild, request.code, nowMs), request.withCounts);
}

/** Ends an invite: by who may manage its channel or the guild. */
export function deleteInvite(guild: Guild, request: InviteRequest, changes: Changes): object {
  const actor = actorOf(guild, changes);
  const invite = inviteFor(guild, request.code, changes.nowMs);
  const inChannel = guild.permissionsIn(invite.channelId, actor.userId, changes.nowMs);
  const may = Permission.MANAGE_CHANNELS;
  if (!hasAny(actor, Permission.MANAGE_GUILD) && (inChannel & may) === 0n) {
    throw refuse('MissingPermissions');
  }
  dropInvite(guild, invite, changes);
  return inviteJson(guild, invite, false);
}

/**
 * Comes in. Who is a member already is answered and nothing else; who is banned is refused (40007).
 */
export function acceptInvite(guild: Guild, request: AcceptInviteRequest, changes: Changes): object {
  const user = userOf(request.user);
  if (user.id === 0n || user.id !== changes.actorId) throw refuse('UnknownUser');
  const invite = inviteFor(guild, request.code, changes.nowMs);
  if (user.bot) throw refuse('BotsCannotUse');
  if (guild.bans.has(user.id)) throw refuse('UserBanned');
  if (guild.member(user.id) !== undefined) return inviteJson(guild, invite, true);
  const used = { ...invite, uses: invite.uses + 1 };
  const member = { ...newMember(user, changes.nowMs), isTemporary: invite.temporary };
  saveInvite(guild, used, changes);
  joinMember(guild, member, changes);
  if (used.maxUses !== 0 && used.uses >= used.maxUses) dropInvite(guild, used, changes);
  return { ...inviteJson(guild, used, true), new_member: true };
}

/** The invites of the guild, or of one channel. */
export function listInvites(guild: Guild, request: ListInvitesRequest, asker: Asker): object[] {
  const actor = actorOf(guild, asker);
  if (request.channelId === 0n) requirePermission(actor, Permission.MANAGE_GUILD);
  else channelFor(guild, actor, request.channelId, Permission.MANAGE_CHANNELS);
  return [...guild.invites.values()]
    .filter((invite) => request.channelId === 0n || invite.channelId === request.channelId)
    .filter((invite) => !isExpired(invite, asker.nowMs))
    .map((invite) => inviteWithUseJson(guild, invite));
}

/** An invite that is still good. */
function inviteFor(guild: Guild, code: string, nowMs: number): Invite {
  const invite = guild.invites.get(code);
  if (invite === undefined || isExpired(invite, nowMs)) throw refuse('UnknownInvite');
  return invite;
}

/** Invites end by time without an event; their rows go when the next one is made. */
function forgetExpired(guild: Guild, changes: Changes): void {
  for (const invite of [...guild.invites.values()]) {
    if (!isExpired(invite, changes.nowMs)) continue;
    guild.removeInvite(invite.code);
    changes.delete('invites', [invite.code]);
  }
}
