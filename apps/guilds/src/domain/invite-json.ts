import { userJson } from '@guildhall/contracts';
import type { Guild } from './guild.js';
import { expiresAtMs, inviteUseJson, type Invite } from './invite.js';
import { isoTimeOrNull } from './iso-time.js';

/**
 * An invite as who is not (yet) a member sees it: what it leads to, who sent it, how many are
 * there.
 */
export function inviteJson(guild: Guild, invite: Invite, withCounts: boolean): object {
  const channel = guild.channel(invite.channelId);
  const { settings } = guild;
  return {
    type: 0,
    code: invite.code,
    guild_id: String(guild.id),
    guild: {
      id: String(guild.id),
      name: settings.name,
      icon: settings.icon || null,
      splash: settings.splash || null,
      banner: settings.banner || null,
      description: settings.description || null,
      features: [],
      verification_level: settings.verificationLevel,
      vanity_url_code: null,
      nsfw: false,
      nsfw_level: 0,
      premium_subscription_count: 0,
      premium_tier: 0,
    },
    channel: {
      id: String(invite.channelId),
      name: channel?.name ?? '',
      type: channel?.type ?? 0,
    },
    ...(invite.inviter === undefined ? {} : { inviter: userJson(invite.inviter) }),
    expires_at: isoTimeOrNull(expiresAtMs(invite)),
    flags: 0,
    ...(withCounts ? countsJson(guild) : {}),
  };
}

/** The same with how it has been used: for those who may manage it. */
export function inviteWithUseJson(guild: Guild, invite: Invite): object {
  return { ...inviteJson(guild, invite, false), ...inviteUseJson(invite) };
}

/** How many members there are, and how many of them are online. */
export function countsJson(guild: Guild): object {
  return {
    approximate_member_count: guild.members.size,
    approximate_presence_count: guild.presences.size,
  };
}
