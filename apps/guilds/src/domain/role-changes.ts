import type { Changes } from './changes.js';
import { saveChannel } from './channel-changes.js';
import type { Guild } from './guild.js';
import { roleDocument, roleJson, type Role } from './role.js';

/** Puts a role in its place, and tells it as GUILD_ROLE_CREATE or GUILD_ROLE_UPDATE. */
export function saveRole(guild: Guild, role: Role, changes: Changes): void {
  const type = guild.role(role.id) === undefined ? 'GUILD_ROLE_CREATE' : 'GUILD_ROLE_UPDATE';
  guild.putRole(role);
  changes.put('roles', [role.id], roleDocument(role));
  const visibility = guild.takeVisibility();
  changes.event({
    type,
    data: { guild_id: String(guild.id), role: roleJson(role) },
    ...(visibility === undefined ? {} : { visibility }),
  });
}

/**
 * Deletes a role, and the overwrites about it. Rows of members keep its id: ids are never used
 * again, and what is not there is left out when a member is read (see memberFromDocument).
 */
export function dropRole(guild: Guild, role: Role, changes: Changes): void {
  guild.removeRole(role.id);
  changes.delete('roles', [role.id]);
  const visibility = guild.takeVisibility();
  changes.event({
    type: 'GUILD_ROLE_DELETE',
    data: { guild_id: String(guild.id), role_id: String(role.id) },
    ...(visibility === undefined ? {} : { visibility }),
  });
  for (const channel of [...guild.channels.values()]) {
    const overwrites = channel.overwrites.filter(({ id }) => id !== role.id);
    if (overwrites.length === channel.overwrites.length) continue;
    saveChannel(guild, { ...channel, overwrites }, changes);
  }
}
