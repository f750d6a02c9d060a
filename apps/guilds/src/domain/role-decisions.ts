/** Roles: made, changed, moved, deleted. Giving them to members is in member-decisions.ts. */
import {
  refuse,
  type CreateRoleRequest,
  type DeleteRoleRequest,
  type GetRoleRequest,
  type ModifyRoleRequest,
  type MoveRolesRequest,
  type RoleFields,
} from '@guildhall/contracts';
import {
  ALL_PERMISSIONS,
  canManageRole,
  grantablePermissions,
  grantsBeyond,
  Permission,
} from '@guildhall/permissions';
import { actorOf, requirePermission, type Actor, type Asker } from './access.js';
import type { Changes } from './changes.js';
import { checkLength, checkRange } from './field-checks.js';
import { rolesJson } from './guild-json.js';
import type { Guild } from './guild.js';
import { dropRole, saveRole } from './role-changes.js';
import { newRole, roleJson, type Role } from './role.js';

export const ROLES_MAX = 250;
const NAME_MAX = 100;
const COLOR_MAX = 0xff_ff_ff;

export function listRoles(guild: Guild, asker: Asker): object[] {
  actorOf(guild, asker);
  return rolesJson(guild);
}

export function getRole(guild: Guild, request: GetRoleRequest, asker: Asker): object {
  actorOf(guild, asker);
  return roleJson(roleFor(guild, request.roleId));
}

/** Adds a role just above @everyone, with @everyone's permissions unless it is told others. */
export function createRole(guild: Guild, request: CreateRoleRequest, changes: Changes): object {
  const actor = actorOf(guild, changes);
  requirePermission(actor, Permission.MANAGE_ROLES);
  checkRoleFields(request.fields);
  const everyone = guild.role(guild.id)?.permissions ?? 0n;
  const permissions = request.fields?.permissions ?? everyone & grantablePermissions(actor);
  checkGrant(actor, 0n, permissions);
  if (guild.roles.size >= ROLES_MAX) throw refuse('MaxRoles');
  const role = withFields(newRole(changes.mint(), 'new role', permissions), request.fields);
  saveRole(guild, role, changes);
  return roleJson(role);
}

/** Changes a role below the actor's highest. Of @everyone only the permissions can change. */
export function modifyRole(guild: Guild, request: ModifyRoleRequest, changes: Changes): object {
  const actor = actorOf(guild, changes);
  requirePermission(actor, Permission.MANAGE_ROLES);
  const role = roleFor(guild, request.roleId);
  requireAbove(guild, actor, role);
  checkRoleFields(request.fields);
  const asked = withFields(role, request.fields);
  const changed = role.id === guild.id ? { ...role, permissions: asked.permissions } : asked;
  checkGrant(actor, role.permissions, changed.permissions);
  if (!isSameRole(role, changed)) saveRole(guild, changed, changes);
  return roleJson(changed);
}

/** Moves roles, all or none: from below the actor's highest to below the actor's highest. */
export function moveRoles(guild: Guild, request: MoveRolesRequest, changes: Changes): object[] {
  const actor = actorOf(guild, changes);
  requirePermission(actor, Permission.MANAGE_ROLES);
  const moved = request.positions.flatMap(({ roleId, position }) => {
    const role = roleFor(guild, roleId);
    if (position === undefined || position === role.position) return [];
    if (role.id === guild.id) throw refuse('InvalidRole');
    checkRange(['position'], position, 1, ROLES_MAX * 4);
    const target = { ...role, position };
    requireAbove(guild, actor, role);
    requireAbove(guild, actor, target);
    return [target];
  });
  for (const role of moved) saveRole(guild, role, changes);
  return rolesJson(guild);
}

/** Deletes a role. @everyone and the own roles of bots stay. */
export function deleteRole(guild: Guild, request: DeleteRoleRequest, changes: Changes): void {
  const actor = actorOf(guild, changes);
  requirePermission(actor, Permission.MANAGE_ROLES);
  const role = roleFor(guild, request.roleId);
  if (role.id === guild.id || role.managed) throw refuse('InvalidRole');
  requireAbove(guild, actor, role);
  dropRole(guild, role, changes);
}

/** A role there is. */
export function roleFor(guild: Guild, roleId: bigint): Role {
  const role = guild.role(roleId);
  if (role === undefined) throw refuse('UnknownRole');
  return role;
}

/** Refuses (50013) a role that the actor does not stand above. */
export function requireAbove(guild: Guild, actor: Actor, role: Role): void {
  if (!canManageRole(actor, role, guild.id)) throw refuse('MissingPermissions');
}

function checkGrant(actor: Actor, before: bigint, after: bigint): void {
  if (grantsBeyond(grantablePermissions(actor), before, after) !== 0n) {
    throw refuse('MissingPermissions');
  }
}

function checkRoleFields(fields: RoleFields | undefined): void {
  checkLength(['name'], fields?.name || undefined, 1, NAME_MAX);
  checkRange(['color'], fields?.color, 0, COLOR_MAX);
  checkRange(['colors', 'secondary_color'], fields?.secondaryColor, 0, COLOR_MAX);
  checkRange(['colors', 'tertiary_color'], fields?.tertiaryColor, 0, COLOR_MAX);
}

function withFields(role: Role, fields: RoleFields | undefined): Role {
  if (fields === undefined) return role;
  return {
    ...role,
    name: fields.name || role.name,
    permissions: (fields.permissions ?? role.permissions) & ALL_PERMISSIONS,
    color: fields.color ?? role.color,
    secondaryColor: fields.secondaryColor ?? role.secondaryColor,
    tertiaryColor: fields.tertiaryColor ?? role.tertiaryColor,
    hoist: fields.hoist ?? role.hoist,
    mentionable: fields.mentionable ?? role.mentionable,
    icon: fields.icon ?? role.icon,
    unicodeEmoji: fields.unicodeEmoji ?? role.unicodeEmoji,
  };
}

function isSameRole(a: Role, b: Role): boolean {
  return (Object.keys(a) as (keyof Role)[]).every((key) => a[key] === b[key]);
}
