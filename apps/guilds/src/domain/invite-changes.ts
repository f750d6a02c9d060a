import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import type { Guild } from './guild.js';
import { inviteDocument, type Invite } from './invite.js';

/** Writes an invite. */
export function saveInvite(guild: Guild, invite: Invite, changes: Changes): void {
  guild.putInvite(invite);
  changes.put('invites', [invite.code], inviteDocument(invite));
}

/** Ends an invite, and tells those who may know of it. Its channel must still be there. */
export function dropInvite(guild: Guild, invite: Invite, changes: Changes): void {
  guild.removeInvite(invite.code);
  changes.delete('invites', [invite.code]);
  const data = {
    channel_id: String(invite.channelId),
    guild_id: String(guild.id),
    code: invite.code,
  };
  const onlyUserIds = whoMayKnow(guild, invite.channelId);
  changes.event({ type: 'INVITE_DELETE', data, channelId: invite.channelId, onlyUserIds });
}

/**
 * Who is told of a channel's invites: a code is a way in, so only who may manage the channel. Never
 * empty: the owner always may.
 */
export function whoMayKnow(guild: Guild, channelId: bigint): bigint[] {
  const channel = guild.channel(channelId);
  if (channel === undefined) return [guild.ownerId];
  return guild.usersWithIn(channel, Permission.MANAGE_CHANNELS | Permission.MANAGE_GUILD);
}
