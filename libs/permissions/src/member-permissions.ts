// From roles and overwrites to what a member may do. Three steps, each of its own, since their
// users differ: in the guild as a whole (`basePermissions`), in a channel by the documented order
// (`channelPermissions`), and there and now (`effectivePermissions`: timeouts, and what a missing
// permission takes with it).
//
//   base = @everyone | role | role | ...            owner, ADMINISTRATOR: all, whatever follows
//   channel = base -deny +allow      of @everyone's overwrite
//                  -deny +allow      of all the member's roles' overwrites together
//                  -deny +allow      of the member's own overwrite
//
// Role positions play no part: one role's allow beats every other role's deny.
// https://docs.discord.com/developers/topics/permissions#permission-overwrites
//
// A bigint lives on the heap: computing a whole set makes a few short-lived ones (about 190 bytes).
// Whoever asks one question of many members and channels, as visibility does, asks
// `isAllowedInChannel`, which makes none. Both compare each overwrite with each role.
import { ALL_PERMISSIONS, Permission } from './permission.js';
import { OVERWRITABLE_PERMISSIONS } from './permission-sets.js';

/** What matters of a role here. */
export interface RoleView {
  readonly id: bigint;
  readonly position: number;
  readonly permissions: bigint;
}

export const OverwriteType = { Role: 0, Member: 1 } as const;
export type OverwriteType = (typeof OverwriteType)[keyof typeof OverwriteType];

/** A permission overwrite of a channel. A channel has at most one for each id. */
export interface OverwriteView {
  /** Of a role (@everyone's is the guild's id) or of a user, by type. */
  readonly id: bigint;
  readonly type: OverwriteType;
  readonly allow: bigint;
  readonly deny: bigint;
}

export interface GuildMembership {
  readonly ownerId: bigint;
  readonly userId: bigint;
  readonly everyonePermissions: bigint;
  /** The permissions of each role of the member; @everyone's may be among them. */
  readonly rolePermissions: readonly bigint[];
}

export interface ChannelMembership {
  /** What {@link basePermissions} gave. */
  readonly base: bigint;
  /** The id of the guild. */
  readonly everyoneRoleId: bigint;
  /** The roles of the member, in any order; @everyone may be among them. */
  readonly roleIds: readonly bigint[];
  readonly userId: bigint;
  /** Of the channel, in any order; for a thread those of its parent. */
  readonly overwrites: readonly OverwriteView[];
}

/**
 * What a member may do in the guild as a whole. ALL_PERMISSIONS for the owner and administrators.
 */
export function basePermissions(membership: GuildMembership): bigint {
  if (membership.userId === membership.ownerId) return ALL_PERMISSIONS;
  let permissions = membership.everyonePermissions;
  for (const role of membership.rolePermissions) permissions |= role;
  return (permissions & Permission.ADMINISTRATOR) !== 0n ? ALL_PERMISSIONS : permissions;
}

/**
 * What a member may do in a channel by roles and overwrites alone, in the documented order. Bits
 * that no overwrite can speak of are as in `base`.
 */
export function channelPermissions(membership: ChannelMembership): bigint {
  const { base, everyoneRoleId, roleIds, userId, overwrites } = membership;
  return overwrittenPermissions(base, everyoneRoleId, roleIds, userId, overwrites);
}

/** Hot path. {@link channelPermissions} with plain arguments. */
export function overwrittenPermissions(
  base: bigint,
  everyoneRoleId: bigint,
  roleIds: readonly bigint[],
  userId: bigint,
  overwrites: readonly OverwriteView[],
): bigint {
  if ((base & Permission.ADMINISTRATOR) !== 0n) return ALL_PERMISSIONS;
  if (overwrites.length === 0) return base;
  let everyoneAllow = 0n;
  let everyoneDeny = 0n;
  let rolesAllow = 0n;
  let rolesDeny = 0n;
  let memberAllow = 0n;
  let memberDeny = 0n;
  for (let at = 0; at < overwrites.length; at++) {
    const overwrite = overwrites[at]!;
    const id = overwrite.id;
    if (overwrite.type === OverwriteType.Member) {
      if (id === userId) {
        memberAllow = overwrite.allow;
        memberDeny = overwrite.deny;
      }
    } else if (id === everyoneRoleId) {
      everyoneAllow = overwrite.allow;
      everyoneDeny = overwrite.deny;
    } else if (includesId(roleIds, id)) {
      rolesAllow |= overwrite.allow;
      rolesDeny |= overwrite.deny;
    }
  }
  let permissions = (base & ~everyoneDeny) | everyoneAllow;
  permissions = (permissions & ~rolesDeny) | rolesAllow;
  permissions = (permissions & ~memberDeny) | memberAllow;
  return (permissions & OVERWRITABLE_PERMISSIONS) | (base & ~OVERWRITABLE_PERMISSIONS);
}

/**
 * Hot path. Whether {@link overwrittenPermissions} would have this one bit (such as
 * Permission.VIEW_CHANNEL), without making a number for it: the strongest overwrite that speaks of
 * the bit decides. Allocates nothing.
 */
export function isAllowedInChannel(
  permission: bigint,
  base: bigint,
  everyoneRoleId: bigint,
  roleIds: readonly bigint[],
  userId: bigint,
  overwrites: readonly OverwriteView[],
): boolean {
  if ((base & Permission.ADMINISTRATOR) === Permission.ADMINISTRATOR) return true;
  let byEveryone = SILENT;
  let byRoles = SILENT;
  let byMember = SILENT;
  if ((permission & OVERWRITABLE_PERMISSIONS) === permission) {
    for (let at = 0; at < overwrites.length; at++) {
      const overwrite = overwrites[at]!;
      const id = overwrite.id;
      if (overwrite.type === OverwriteType.Member) {
        if (id === userId) byMember = verdictOf(overwrite, permission);
      } else if (id === everyoneRoleId) {
        byEveryone = verdictOf(overwrite, permission);
      } else if (byRoles !== ALLOWED && includesId(roleIds, id)) {
        const verdict = verdictOf(overwrite, permission);
        if (verdict !== SILENT) byRoles = verdict;
      }
    }
  }
  if (byMember !== SILENT) return byMember === ALLOWED;
  if (byRoles !== SILENT) return byRoles === ALLOWED;
  if (byEveryone !== SILENT) return byEveryone === ALLOWED;
  return (base & permission) === permission;
}

const SILENT = 0;
const ALLOWED = 1;
const DENIED = 2;

/** An overwrite that does both allows: the allow is applied after the deny. */
function verdictOf(overwrite: OverwriteView, permission: bigint): number {
  if ((overwrite.allow & permission) === permission) return ALLOWED;
  return (overwrite.deny & permission) === permission ? DENIED : SILENT;
}

/** `Array.includes` takes nearly twice as long for bigints. */
function includesId(ids: readonly bigint[], id: bigint): boolean {
  for (let at = 0; at < ids.length; at++) if (ids[at] === id) return true;
  return false;
}
