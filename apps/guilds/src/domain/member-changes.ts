import type { Changes } from './changes.js';
import type { Guild } from './guild.js';
import { memberEventJson } from './member-json.js';
import { memberDocument, type Member } from './member.js';

/** Puts a member in its place, in memory and in its row. */
export function saveMember(guild: Guild, member: Member, changes: Changes): void {
  guild.putMember(member);
  const voice = guild.voiceStates.get(member.user.id);
  changes.put('members', [member.user.id], memberDocument(member, voice));
}

/** The same, told as GUILD_MEMBER_UPDATE with what it changes about who sees what. */
export function changeMember(guild: Guild, member: Member, changes: Changes): void {
  saveMember(guild, member, changes);
  const visibility = guild.takeVisibility();
  changes.event({
    type: 'GUILD_MEMBER_UPDATE',
    data: memberEventJson(guild.id, member),
    subjectUserId: member.user.id,
    ...(visibility === undefined ? {} : { visibility }),
  });
}
