/** Bans: who may not come in, and is put out. */
import {
  refuse,
  userJson,
  type DeleteBanRequest,
  type GetBanRequest,
  type ListBansRequest,
  type PutBanRequest,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { actorOf, requirePermission, type Asker } from './access.js';
import type { Changes } from './changes.js';
import { checkLength, checkRange } from './field-checks.js';
import type { Ban, Guild } from './guild.js';
import { requireOver } from './member-decisions.js';
import { sortedIds } from './member.js';
import { dropMember } from './membership-changes.js';
import { userDocument, userOf } from './user-document.js';

export const DELETE_MESSAGES_MAX_SECONDS = 604_800;
const REASON_MAX = 512;
const PAGE_MAX = 1_000;

/**
 * Bans a user, member or not; a member leaves. Who is banned already stays so. Deleting messages is
 * a matter of commands of their own, after this one.
 */
export function putBan(guild: Guild, request: PutBanRequest, changes: Changes): void {
  const actor = actorOf(guild, changes);
  requirePermission(actor, Permission.BAN_MEMBERS);
  checkRange(
    ['delete_message_seconds'],
    request.deleteMessageSeconds,
    0,
    DELETE_MESSAGES_MAX_SECONDS,
  );
  checkLength(['reason'], changes.reason, 0, REASON_MAX);
  const member = guild.member(request.userId);
  if (member !== undefined) requireOver(guild, actor, member);
  if (guild.bans.has(request.userId)) return;
  const user = member?.user ?? userOf(request.user);
  if (user.id !== request.userId) throw refuse('UnknownUser');
  const ban = { user, reason: changes.reason };
  guild.putBan(ban);
  changes.put('bans', [user.id], { user: userDocument(user), reason: ban.reason });
  tellBan(guild, 'GUILD_BAN_ADD', ban, changes);
  if (member !== undefined) dropMember(guild, member, changes);
}

/** Lets a user come in again. */
export function deleteBan(guild: Guild, request: DeleteBanRequest, changes: Changes): void {
  requirePermission(actorOf(guild, changes), Permission.BAN_MEMBERS);
  const ban = guild.bans.get(request.userId);
  if (ban === undefined) throw refuse('UnknownBan');
  guild.removeBan(request.userId);
  changes.delete('bans', [request.userId]);
  tellBan(guild, 'GUILD_BAN_REMOVE', ban, changes);
}

export function getBan(guild: Guild, request: GetBanRequest, asker: Asker): object {
  requirePermission(actorOf(guild, asker), Permission.BAN_MEMBERS);
  const ban = guild.bans.get(request.userId);
  if (ban === undefined) throw refuse('UnknownBan');
  return banJson(ban);
}

/** A page of bans, ascending by user; with `before` the page that ends there. */
export function listBans(guild: Guild, request: ListBansRequest, asker: Asker): object[] {
  requirePermission(actorOf(guild, asker), Permission.BAN_MEMBERS);
  const limit = request.limit === 0 ? PAGE_MAX : Math.min(request.limit, PAGE_MAX);
  const ids = sortedIds(guild.bans.keys());
  const page =
    request.before === 0n
      ? ids.filter((id) => id > request.after).slice(0, limit)
      : ids.filter((id) => id < request.before).slice(-limit);
  return page.map((id) => banJson(guild.bans.get(id)!));
}

function banJson(ban: Ban): object {
  return { reason: ban.reason || null, user: userJson(ban.user) };
}

/** Only moderators are told; the owner always is one. */
function tellBan(guild: Guild, type: string, ban: Ban, changes: Changes): void {
  changes.event({
    type,
    data: { guild_id: String(guild.id), user: userJson(ban.user) },
    onlyUserIds: guild.usersWith(Permission.BAN_MEMBERS | Permission.VIEW_AUDIT_LOG),
  });
}
