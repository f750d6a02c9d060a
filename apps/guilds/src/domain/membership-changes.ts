/** Coming and going. */
import { userJson } from '@guildhall/contracts';
import type { Changes } from './changes.js';
import type { Guild } from './guild.js';
import { saveMember } from './member-changes.js';
import { memberEventJson } from './member-json.js';
import type { Member } from './member.js';
import { dropRole } from './role-changes.js';
import { leaveVoice } from './voice-changes.js';

/** Somebody is a member now; its own topic is told. */
export function joinMember(guild: Guild, member: Member, changes: Changes): void {
  saveMember(guild, member, changes);
  const visibility = guild.takeVisibility();
  changes.event({
    type: 'GUILD_MEMBER_ADD',
    data: memberEventJson(guild.id, member),
    subjectUserId: member.user.id,
    ...(visibility === undefined ? {} : { visibility }),
  });
  changes.tell(member.user.id, { case: 'guildJoined', value: { guildId: guild.id } });
}

/** Somebody is no member any more: it leaves its voice channel, a bot's own role goes with it. */
export function dropMember(guild: Guild, { user }: Member, changes: Changes): void {
  leaveVoice(guild, user.id, changes);
  guild.removeMember(user.id);
  changes.delete('members', [user.id]);
  const visibility = guild.takeVisibility();
  changes.event({
    type: 'GUILD_MEMBER_REMOVE',
    data: { guild_id: String(guild.id), user: userJson(user) },
    subjectUserId: user.id,
    ...(visibility === undefined ? {} : { visibility }),
  });
  const ownRole = [...guild.roles.values()].find(({ botId }) => botId === user.id);
  if (user.bot && ownRole !== undefined) dropRole(guild, ownRole, changes);
  changes.tell(user.id, { case: 'guildLeft', value: { guildId: guild.id } });
}
