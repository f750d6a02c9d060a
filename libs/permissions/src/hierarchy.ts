// Who stands above whom. Roles are ordered by position; of two at the same position the one with
// the lower id (the older one) is higher. @everyone is below all, whatever its position says, and
// so it appears here only as the absence of another role. Only the owner stands above the order;
// ADMINISTRATOR does not lift anyone in it.
// https://docs.discord.com/developers/topics/permissions#permission-hierarchy
import { ALL_PERMISSIONS, Permission } from './permission.js';
import type { OverwriteView, RoleView } from './member-permissions.js';

/** What matters of a member when it acts on roles and other members, or is acted on. */
export interface MemberView {
  readonly isOwner: boolean;
  /** In the guild as a whole, from `basePermissions`. */
  readonly permissions: bigint;
  /** From {@link highestRole}; undefined when there is only @everyone. */
  readonly highestRole: RoleView | undefined;
}

/** Hot path. Positive when role a is the higher, negative when b is, 0 only for the same role. */
export function compareRoles(
  aId: bigint,
  aPosition: number,
  bId: bigint,
  bPosition: number,
): number {
  if (aPosition !== bPosition) return aPosition - bPosition;
  if (aId === bId) return 0;
  return aId < bId ? 1 : -1;
}

/** The highest of a member's roles, @everyone not among them; undefined for none. */
export function highestRole(roles: readonly RoleView[]): RoleView | undefined {
  let highest: RoleView | undefined;
  for (const role of roles) {
    if (highest === undefined || isHigher(role, highest)) highest = role;
  }
  return highest;
}

/**
 * Whether the order of roles lets the actor kick, ban, time out or rename the target: never the
 * owner, always by the owner, else only from strictly above. So nobody can do it to himself. The
 * permission itself (KICK_MEMBERS, ...) is for the caller to ask.
 */
export function canModerate(actor: MemberView, target: MemberView): boolean {
  if (target.isOwner) return false;
  if (actor.isOwner) return true;
  if (actor.highestRole === undefined) return false;
  return target.highestRole === undefined || isHigher(actor.highestRole, target.highestRole);
}

/** As {@link canModerate}; administrators cannot be timed out by anyone. */
export function canTimeOut(actor: MemberView, target: MemberView): boolean {
  return canModerate(actor, target) && (target.permissions & Permission.ADMINISTRATOR) === 0n;
}

/**
 * Whether the actor may edit, move, delete, give or take the role: it has MANAGE_ROLES and stands
 * strictly above it; the owner always may. @everyone is below anyone who has a role. That @everyone
 * and managed roles cannot be given, taken or deleted is for the caller to know.
 */
export function canManageRole(actor: MemberView, role: RoleView, everyoneRoleId: bigint): boolean {
  if (actor.isOwner) return true;
  if ((actor.permissions & MANAGE_ROLES_OR_ALL) === 0n) return false;
  if (actor.highestRole === undefined) return false;
  return role.id === everyoneRoleId || isHigher(actor.highestRole, role);
}

/** What the actor can hand on to a role: what it has itself. */
export function grantablePermissions(actor: MemberView): bigint {
  const hasAll = actor.isOwner || (actor.permissions & Permission.ADMINISTRATOR) !== 0n;
  return hasAll ? ALL_PERMISSIONS : actor.permissions;
}

/**
 * The bits that a change of a role's permissions adds although the actor may not grant them; 0n
 * when the change is fine. Taking a permission away, or leaving one that it does not have, is fine.
 * For a new role `before` is 0n.
 */
export function grantsBeyond(grantable: bigint, before: bigint, after: bigint): bigint {
  return after & ~before & ~grantable;
}

/**
 * The bits that a change of an overwrite touches (allowing, denying or neither any more) although
 * the actor does not have them in the channel; 0n when the change is fine. A missing side is an
 * overwrite that is created or deleted. To an actor whom an overwrite of that channel allows
 * MANAGE_ROLES the restriction does not apply, says Discord: do not ask then.
 */
export function overwriteChangesBeyond(
  held: bigint,
  before: Pick<OverwriteView, 'allow' | 'deny'> | undefined,
  after: Pick<OverwriteView, 'allow' | 'deny'> | undefined,
): bigint {
  const allow = (before?.allow ?? 0n) ^ (after?.allow ?? 0n);
  const deny = (before?.deny ?? 0n) ^ (after?.deny ?? 0n);
  return (allow | deny) & ~held;
}

/**
 * Whether a mention of the role notifies its members; takes effective permissions in the channel.
 */
export function mayMentionRole(effective: bigint, isMentionable: boolean): boolean {
  return isMentionable || mayMentionEveryone(effective);
}

/** Whether @everyone and @here notify; takes effective permissions in the channel. */
export function mayMentionEveryone(effective: bigint): boolean {
  return (effective & (Permission.MENTION_EVERYONE | Permission.ADMINISTRATOR)) !== 0n;
}

const MANAGE_ROLES_OR_ALL = Permission.MANAGE_ROLES | Permission.ADMINISTRATOR;

function isHigher(a: RoleView, b: RoleView): boolean {
  return compareRoles(a.id, a.position, b.id, b.position) > 0;
}
