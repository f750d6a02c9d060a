import { channelJson } from './channel-json.js';
import type { Guild } from './guild.js';
import { roleJson } from './role.js';
import { compareRoles } from '@guildhall/permissions';

const idOrNull = (id: bigint): string | null => (id === 0n ? null : String(id));

/** Roles from @everyone up, as Discord lists them. */
export function rolesJson(guild: Guild): object[] {
  return [...guild.roles.values()]
    .sort((a, b) => {
      if (a.id === guild.id) return -1;
      if (b.id === guild.id) return 1;
      return compareRoles(a.id, a.position, b.id, b.position);
    })
    .map(roleJson);
}

/** The channels a user sees, by position. */
export function channelsJson(guild: Guild, userId: bigint): object[] {
  return [...guild.channels.values()]
    .filter((channel) => guild.mayView(channel.id, userId))
    .sort((a, b) => a.position - b.position || (a.id < b.id ? -1 : 1))
    .map((channel) => channelJson(guild.id, channel));
}

/** A guild as in Discord's API and GUILD_UPDATE: without channels and members. */
export function guildJson(guild: Guild): object {
  const { settings } = guild;
  return {
    id: String(guild.id),
    name: settings.name,
    icon: settings.icon || null,
    icon_hash: null,
    splash: settings.splash || null,
    discovery_splash: null,
    home_header: null,
    banner: settings.banner || null,
    description: settings.description || null,
    owner_id: String(guild.ownerId),
    region: 'deprecated',
    afk_channel_id: idOrNull(settings.afkChannelId),
    afk_timeout: settings.afkTimeoutSeconds,
    verification_level: settings.verificationLevel,
    default_message_notifications: settings.defaultMessageNotifications,
    explicit_content_filter: settings.explicitContentFilter,
    roles: rolesJson(guild),
    emojis: [],
    stickers: [],
    features: [],
    mfa_level: 0,
    application_id: null,
    system_channel_id: idOrNull(settings.systemChannelId),
    system_channel_flags: settings.systemChannelFlags,
    rules_channel_id: idOrNull(settings.rulesChannelId),
    public_updates_channel_id: idOrNull(settings.publicUpdatesChannelId),
    safety_alerts_channel_id: idOrNull(settings.safetyAlertsChannelId),
    incidents_data: null,
    vanity_url_code: null,
    widget_enabled: false,
    widget_channel_id: null,
    max_presences: null,
    max_members: 1_000_000,
    max_video_channel_users: 25,
    max_stage_video_channel_users: 50,
    premium_tier: 0,
    premium_subscription_count: 0,
    premium_progress_bar_enabled: settings.premiumProgressBarEnabled,
    preferred_locale: settings.preferredLocale,
    nsfw: false,
    nsfw_level: 0,
    hub_type: null,
    latest_onboarding_question_id: null,
    inventory_settings: null,
  };
}
