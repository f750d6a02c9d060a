// How a person wants to be notified of a guild, or of its private channels, as it is changed: what
// is left out stays as it is, and so does what is null, but for `mute_config`, where null is a value.
import type { UserGuildSettingsChangeSchema } from '@guildhall/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Snowflake } from '@guildhall/snowflake';
import {
  boolean,
  entries,
  integer,
  nullable,
  object,
  optional,
  optionalOrNull,
  snowflake,
  then,
  timestamp,
  type Check,
  type Checked,
} from './validation.js';

/** Overrides in one request, for all its guilds together. */
export const OVERRIDES_MAX = 1_000;
const GUILDS_MAX = 100;
/** Stands for a guild's id where the settings are those of private channels. */
export const PRIVATE_CHANNELS = 0n;

const UINT32_MAX = 2 ** 32 - 1;
const INT32_MAX = 2 ** 31 - 1;
const FOR_EVER = -1;

const flags = () => optionalOrNull(integer({ min: 0, max: UINT32_MAX }));
const level = () => optionalOrNull(integer({ min: 0, max: 3 }));
const muteConfig = () =>
  optional(
    nullable(
      object({
        selected_time_window: optionalOrNull(integer({ min: FOR_EVER, max: INT32_MAX })),
        end_time: optionalOrNull(timestamp()),
      }),
    ),
  );

const override = object({
  collapsed: optionalOrNull(boolean()),
  message_notifications: level(),
  mute_config: muteConfig(),
  muted: optionalOrNull(boolean()),
  flags: flags(),
});

/** The body of a change to one. */
export const guildSettingsBody = object({
  channel_overrides: optionalOrNull(entries(snowflake(), override, { max: OVERRIDES_MAX })),
  flags: flags(),
  hide_muted_channels: optionalOrNull(boolean()),
  message_notifications: level(),
  mobile_push: optionalOrNull(boolean()),
  mute_config: muteConfig(),
  mute_scheduled_events: optionalOrNull(boolean()),
  muted: optionalOrNull(boolean()),
  notify_highlights: optionalOrNull(integer({ min: 0, max: 2 })),
  suppress_everyone: optionalOrNull(boolean()),
  suppress_roles: optionalOrNull(boolean()),
});

type Settings = Checked<typeof guildSettingsBody>;

/** `@me`, or the id of a guild; of private channels it comes as undefined. */
const guildKey: Check<Snowflake | undefined> = {
  absent: 'refuse',
  run: (value, path, findings) =>
    value === '@me' ? undefined : snowflake().run(value, path, findings),
};

/** The body of a change to several, by guild. */
export const allGuildSettingsBody = object({
  guilds: then(
    entries(guildKey, guildSettingsBody, { max: GUILDS_MAX }),
    (guilds, path, findings) => {
      const count = guilds.reduce((sum, [, one]) => sum + (one.channel_overrides ?? []).length, 0);
      if (count <= OVERRIDES_MAX) return guilds;
      const message = `Must have ${OVERRIDES_MAX} or fewer channel overrides.`;
      return findings.add(path, 'BASE_TYPE_MAX_LENGTH', message);
    },
  ),
});

type Change = MessageInitShape<typeof UserGuildSettingsChangeSchema>;

/** A change as the owner wants it. */
export function settingsChange(guildId: Snowflake, body: Settings): Change {
  return {
    guildId,
    channelOverrides: (body.channel_overrides ?? []).map(([channelId, one]) => ({
      channelId,
      ...said('collapsed', one.collapsed),
      ...said('messageNotifications', one.message_notifications),
      ...said('muteConfig', muteChange(one.mute_config)),
      ...said('muted', one.muted),
      ...said('flags', one.flags),
    })),
    ...said('flags', body.flags),
    ...said('hideMutedChannels', body.hide_muted_channels),
    ...said('messageNotifications', body.message_notifications),
    ...said('mobilePush', body.mobile_push),
    ...said('muteConfig', muteChange(body.mute_config)),
    ...said('muteScheduledEvents', body.mute_scheduled_events),
    ...said('muted', body.muted),
    ...said('notifyHighlights', body.notify_highlights),
    ...said('suppressEveryone', body.suppress_everyone),
    ...said('suppressRoles', body.suppress_roles),
  };
}

function muteChange(config: Settings['mute_config']) {
  if (config === undefined) return undefined;
  if (config === null) return { isNone: true };
  // A time of before the epoch is over as well, and 0 would be none.
  const endTimeMs = config.end_time === undefined ? 0 : Math.max(1, config.end_time);
  return {
    ...said('selectedTimeWindow', config.selected_time_window),
    endTimeMs: BigInt(endTimeMs),
  };
}

function said<K extends string, V>(key: K, value: V | undefined): { [name in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [name in K]?: V };
}
