import { userJson } from '@guildhall/contracts';
import { isoTime, isoTimeOrNull } from './iso-time.js';
import type { Member } from './member.js';

/** A member without its user, as in MESSAGE_CREATE's `member`. */
export function memberPartJson(member: Member): object {
  return {
    nick: member.nick || null,
    avatar: member.avatar || null,
    banner: null,
    roles: member.roleIds.map(String),
    joined_at: isoTime(member.joinedAtMs),
    premium_since: null,
    deaf: member.deaf,
    mute: member.mute,
    flags: member.flags,
    pending: false,
    communication_disabled_until: isoTimeOrNull(member.communicationDisabledUntilMs),
  };
}

/** A member as in Discord's API. */
export function memberJson(member: Member): object {
  return { user: userJson(member.user), ...memberPartJson(member) };
}

/** The `d` of GUILD_MEMBER_ADD and GUILD_MEMBER_UPDATE. */
export function memberEventJson(guildId: bigint, member: Member): object {
  return { guild_id: String(guildId), ...memberJson(member) };
}
