/**
 * How a user wants to be notified of one guild, or of its private channels; clients call it user
 * guild settings. It is kept as clients have it: what is stored, sent and answered is one object.
 *
 * Nearly all of it is for clients alone to act on. What decides which mentions count is told to the
 * topics that count them: see notification-rules.ts.
 */
import type { ChannelOverrideChange, UserGuildSettingsChange } from '@guildhall/contracts';
import { isoTimeOrNull } from './iso-time.js';
import type { Document } from './tables.js';

/** Stands for a guild's id where the settings are those of private channels. */
export const PRIVATE_CHANNELS = 0n;

/** Notify of what the next larger thing notifies of: the guild for a channel. */
const INHERITED = 3;

/** How long something is muted, if it is. */
export interface MuteConfig {
  /** In seconds, as it was chosen from a list; null: not said. */
  readonly selected_time_window: number | null;
  /** ISO 8601; null: it does not end by itself. */
  readonly end_time: string | null;
}

export interface ChannelOverride {
  readonly channel_id: string;
  readonly collapsed: boolean;
  readonly message_notifications: number;
  readonly mute_config: MuteConfig | null;
  readonly muted: boolean;
  readonly flags: number;
}

export interface UserGuildSettings {
  /** Null: of private channels. */
  readonly guild_id: string | null;
  readonly channel_overrides: readonly ChannelOverride[];
  readonly flags: number;
  readonly hide_muted_channels: boolean;
  readonly message_notifications: number;
  readonly mobile_push: boolean;
  readonly mute_config: MuteConfig | null;
  readonly mute_scheduled_events: boolean;
  readonly muted: boolean;
  readonly notify_highlights: number;
  readonly suppress_everyone: boolean;
  readonly suppress_roles: boolean;
  /** Counts the changes of all settings of the user; 0: never set. */
  readonly version: number;
}

/** What holds while nothing was ever said. */
export function defaultSettings(guildId: bigint): UserGuildSettings {
  return {
    guild_id: guildId === PRIVATE_CHANNELS ? null : String(guildId),
    channel_overrides: [],
    flags: 0,
    hide_muted_channels: false,
    message_notifications: INHERITED,
    mobile_push: true,
    mute_config: null,
    mute_scheduled_events: false,
    muted: false,
    notify_highlights: 0,
    suppress_everyone: false,
    suppress_roles: false,
    version: 0,
  };
}

/** The settings with a change made to them; the same object if that changes nothing. */
export function changedSettings(
  before: UserGuildSettings,
  change: UserGuildSettingsChange,
  nowMs: number,
): UserGuildSettings {
  const overrides = new Map(before.channel_overrides.map((one) => [one.channel_id, one]));
  for (const one of change.channelOverrides) {
    const channelId = String(one.channelId);
    overrides.set(channelId, changedOverride(overrides.get(channelId), one, nowMs));
  }
  const after: UserGuildSettings = {
    ...before,
    channel_overrides: [...overrides.values()],
    flags: change.flags ?? before.flags,
    hide_muted_channels: change.hideMutedChannels ?? before.hide_muted_channels,
    message_notifications: change.messageNotifications ?? before.message_notifications,
    mobile_push: change.mobilePush ?? before.mobile_push,
    mute_config: changedMute(before.mute_config, change, nowMs),
    mute_scheduled_events: change.muteScheduledEvents ?? before.mute_scheduled_events,
    muted: change.muted ?? before.muted,
    notify_highlights: change.notifyHighlights ?? before.notify_highlights,
    suppress_everyone: change.suppressEveryone ?? before.suppress_everyone,
    suppress_roles: change.suppressRoles ?? before.suppress_roles,
  };
  return JSON.stringify(after) === JSON.stringify(before) ? before : after;
}

function changedOverride(
  before: ChannelOverride | undefined,
  change: ChannelOverrideChange,
  nowMs: number,
): ChannelOverride {
  return {
    channel_id: String(change.channelId),
    collapsed: change.collapsed ?? before?.collapsed ?? false,
    message_notifications:
      change.messageNotifications ?? before?.message_notifications ?? INHERITED,
    mute_config: changedMute(before?.mute_config ?? null, change, nowMs),
    muted: change.muted ?? before?.muted ?? false,
    flags: change.flags ?? before?.flags ?? 0,
  };
}

function changedMute(
  before: MuteConfig | null,
  { muted, muteConfig }: Pick<ChannelOverrideChange, 'muted' | 'muteConfig'>,
  nowMs: number,
): MuteConfig | null {
  if (muteConfig === undefined) {
    // Who mutes again and does not say for how long does not mean a time that is over.
    const endTime = before?.end_time ?? null;
    const isOver = endTime !== null && Date.parse(endTime) <= nowMs;
    return muted === true && isOver ? null : before;
  }
  if (muteConfig.isNone) return null;
  return {
    selected_time_window: muteConfig.selectedTimeWindow ?? null,
    end_time: isoTimeOrNull(Number(muteConfig.endTimeMs)),
  };
}

/** The row of the settings; the guild is its key. */
export function settingsDocument({ guild_id: _, ...document }: UserGuildSettings): Document {
  return document;
}

/** The settings in a row. */
export function settingsFromDocument(guildId: bigint, document: Document): UserGuildSettings {
  return { ...defaultSettings(guildId), ...(document as Partial<UserGuildSettings>) };
}

/** Whether a channel is muted, and until when: 0 until it is unmuted. */
export interface Mute {
  readonly muted: boolean;
  readonly mutedUntilMs: number;
}

/** What the settings of private channels say of one of them. */
export function muteIn(settings: UserGuildSettings | undefined, channelId: bigint): Mute {
  const id = String(channelId);
  return muteOf(settings?.channel_overrides.find(({ channel_id }) => channel_id === id));
}

/** The same of each that they say anything of, and that is muted. */
export function mutesIn(settings: UserGuildSettings | undefined): Map<bigint, Mute> {
  const mutes = new Map<bigint, Mute>();
  for (const one of settings?.channel_overrides ?? []) {
    if (one.muted) mutes.set(BigInt(one.channel_id), muteOf(one));
  }
  return mutes;
}

export const UNMUTED: Mute = { muted: false, mutedUntilMs: 0 };

function muteOf(override: ChannelOverride | undefined): Mute {
  if (override === undefined || !override.muted) return UNMUTED;
  const end = override.mute_config?.end_time ?? null;
  // A time of before the epoch is over as well, and 0 would be for ever.
  return { muted: true, mutedUntilMs: end === null ? 0 : Math.max(1, Date.parse(end)) };
}
