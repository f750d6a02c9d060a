/** How a user changes what it wants to be notified of: see user-guild-settings.ts. */
import { refuse, refuseField, type UpdateUserGuildSettingsRequest } from '@guildhall/contracts';
import type { Changes } from './changes.js';
import {
  changedSettings,
  defaultSettings,
  PRIVATE_CHANNELS,
  type UserGuildSettings,
} from './user-guild-settings.js';
import type { UserTopic } from './user-topic.js';

/** Overrides of one guild. */
export const OVERRIDES_PER_GUILD_MAX = 1_000;
/** Of all guilds of a user together, also of those it has left. */
export const OVERRIDES_MAX = 20_000;
/** Guilds whose settings are kept, also those that were left. */
export const SETTINGS_MAX = 1_000;

/**
 * Changes settings of guilds that the user is in, and of its private channels; all or nothing. What
 * changes nothing is no change: it has no new version, and nobody is told. Gives the whole of each,
 * in the order in which they were asked for.
 */
export function updateUserGuildSettings(
  topic: UserTopic,
  request: UpdateUserGuildSettingsRequest,
  changes: Changes,
): UserGuildSettings[] {
  const after = new Map<bigint, UserGuildSettings>();
  for (const change of request.changes) {
    const { guildId } = change;
    const isOwn = guildId === PRIVATE_CHANNELS || topic.guildIds.has(guildId);
    if (!isOwn) throw refuse('UnknownGuild');
    const before =
      after.get(guildId) ?? topic.guildSettings.get(guildId) ?? defaultSettings(guildId);
    const settings = changedSettings(before, change, changes.nowMs);
    if (settings !== before) after.set(guildId, settings);
  }
  checkBounds(topic, after, request.bulk);
  for (const [guildId, settings] of after) topic.putGuildSettings(guildId, settings, changes);
  return request.changes.map(
    ({ guildId }) => topic.guildSettings.get(guildId) ?? defaultSettings(guildId),
  );
}

function checkBounds(
  topic: UserTopic,
  after: ReadonlyMap<bigint, UserGuildSettings>,
  isBulk: boolean,
): void {
  const pathOf = (guildId: bigint, field: string): string[] =>
    isBulk ? ['guilds', guildId === PRIVATE_CHANNELS ? '@me' : String(guildId), field] : [field];
  let overridesCount = 0;
  for (const { channel_overrides: overrides } of topic.guildSettings.values()) {
    overridesCount += overrides.length;
  }
  let settingsCount = topic.guildSettings.size;
  for (const [guildId, { channel_overrides: overrides }] of after) {
    const before = topic.guildSettings.get(guildId);
    settingsCount += before === undefined ? 1 : 0;
    const addedCount = overrides.length - (before?.channel_overrides.length ?? 0);
    overridesCount += addedCount;
    if (addedCount > 0 && overrides.length > OVERRIDES_PER_GUILD_MAX) {
      const message = `Must be ${OVERRIDES_PER_GUILD_MAX} or fewer in length.`;
      throw tooMany(pathOf(guildId, 'channel_overrides'), message);
    }
    if (addedCount > 0 && overridesCount > OVERRIDES_MAX) {
      const message = `Must be ${OVERRIDES_MAX} or fewer in all guilds together.`;
      throw tooMany(pathOf(guildId, 'channel_overrides'), message);
    }
    if (before === undefined && settingsCount > SETTINGS_MAX) {
      const message = `Settings of no more than ${SETTINGS_MAX} guilds are kept.`;
      throw tooMany(pathOf(guildId, 'guild_id'), message);
    }
  }
}

function tooMany(path: readonly string[], message: string): Error {
  return refuseField(path, 'BASE_TYPE_MAX_LENGTH', message);
}
