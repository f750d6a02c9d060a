import type { Changes } from './changes.js';
import { guildJson } from './guild-json.js';
import type { GuildSettings } from './guild-settings.js';
import type { Guild } from './guild.js';

/** Puts new settings in their place, and tells them as GUILD_UPDATE. */
export function saveSettings(guild: Guild, settings: GuildSettings, changes: Changes): void {
  guild.setSettings(settings);
  tellGuild(guild, changes);
}

/**
 * Writes the guild's own row and tells it as GUILD_UPDATE, with what changed about who sees what.
 */
export function tellGuild(guild: Guild, changes: Changes): void {
  changes.isTopicChanged = true;
  const visibility = guild.takeVisibility();
  changes.event({
    type: 'GUILD_UPDATE',
    data: guildJson(guild),
    ...(visibility === undefined ? {} : { visibility }),
  });
}
