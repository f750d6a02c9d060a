// What clients say of guild channels and their overwrites.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ChannelFieldsSchema, OverwriteSchema } from '@guildhall/contracts';
import { patch } from './patch.js';
import {
  boolean,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  permissionBits,
  snowflake,
  string,
  then,
  withDefault,
  type Checked,
} from './validation.js';

/** Text, voice, category, announcement. */
const CHANNEL_TYPES = [0, 2, 4, 5] as const;
const OVERWRITES_MAX = 100;
const POSITION_MAX = 2 ** 31 - 1;
const SLOWMODE_S_MAX = 21_600;
const BITRATE_MIN = 8_000;
/** As Discord has it where nobody boosts. */
const BITRATE_MAX = 96_000;
const BITRATE_DEFAULT = 64_000;

/** `member` and `role` are how old libraries say 1 and 0. */
const overwriteType = () => oneOf<0 | 1 | 'role' | 'member'>(0, 1, 'role', 'member');

const overwrite = object({
  id: snowflake(),
  type: withDefault(overwriteType(), 0),
  allow: withDefault(permissionBits(), 0n),
  deny: withDefault(permissionBits(), 0n),
});

/** The body of `PUT /channels/{channel}/permissions/{overwrite}`: the id is in the path. */
export const overwriteBody = object({
  type: overwriteType(),
  allow: withDefault(permissionBits(), 0n),
  deny: withDefault(permissionBits(), 0n),
});

const fields = {
  topic: optional(nullable(string({ max: 1024 }))),
  position: optional(nullable(integer({ min: 0, max: POSITION_MAX }))),
  parent_id: optional(nullable(snowflake())),
  nsfw: optional(nullable(boolean())),
  rate_limit_per_user: optional(nullable(integer({ min: 0, max: SLOWMODE_S_MAX }))),
  bitrate: optional(nullable(integer({ min: BITRATE_MIN, max: BITRATE_MAX }))),
  user_limit: optional(nullable(integer({ min: 0, max: 99 }))),
  rtc_region: optional(nullable(string({ max: 64 }))),
  video_quality_mode: optional(nullable(oneOf(1, 2))),
  default_auto_archive_duration: optional(nullable(oneOf(60, 1440, 4320, 10080))),
  permission_overwrites: optional(nullable(list(overwrite, { max: OVERWRITES_MAX }))),
};

const name = () => string({ min: 1, max: 100, trim: true });

/**
 * The body of `POST /guilds/{guild}/channels`. All but the name may be null, which says no more
 * than nothing.
 */
export const createChannelBody = then(
  object({ ...fields, name: name(), type: withDefault(oneOf(...CHANNEL_TYPES), 0) }),
  (body) => {
    const said = Object.entries(body).filter(([, value]) => value !== null);
    return Object.fromEntries(said) as typeof body;
  },
);

/** The body of `PATCH /channels/{channel}`. */
export const modifyChannelBody = object({
  ...fields,
  name: optional(name()),
  type: optional(oneOf(...CHANNEL_TYPES)),
});

/** The body of `PATCH /guilds/{guild}/channels`. */
export const moveChannelsBody = list(
  object({
    id: snowflake(),
    position: optional(nullable(integer({ min: 0, max: POSITION_MAX }))),
    parent_id: optional(nullable(snowflake())),
    lock_permissions: withDefault(boolean(), false),
  }),
  { min: 1 },
);

/** An overwrite's type as a number. */
export function overwriteTypeOf(type: 0 | 1 | 'role' | 'member'): number {
  return type === 1 || type === 'member' ? 1 : 0;
}

/** The fields of a channel as its owner wants them. */
export function channelFields(
  body: Checked<typeof modifyChannelBody>,
): MessageInitShape<typeof ChannelFieldsSchema> {
  return {
    ...patch('name', body.name, ''),
    ...patch('type', body.type, 0),
    ...patch('topic', body.topic, ''),
    // Null is no place: it stays where it is.
    ...patch('position', body.position ?? undefined, 0),
    ...patch('parentId', body.parent_id, 0n),
    ...patch('nsfw', body.nsfw, false),
    ...patch('rateLimitPerUser', body.rate_limit_per_user, 0),
    ...patch('bitrate', body.bitrate, BITRATE_DEFAULT),
    ...patch('userLimit', body.user_limit, 0),
    ...patch('rtcRegion', body.rtc_region, ''),
    ...patch('videoQualityMode', body.video_quality_mode, 1),
    ...patch(
      'defaultAutoArchiveDuration',
      body.default_auto_archive_duration as number | null | undefined,
      0,
    ),
    ...(body.permission_overwrites === undefined
      ? {}
      : { overwrites: { items: (body.permission_overwrites ?? []).map(overwriteInit) } }),
  };
}

function overwriteInit(given: Checked<typeof overwrite>): MessageInitShape<typeof OverwriteSchema> {
  return { id: given.id, type: overwriteTypeOf(given.type), allow: given.allow, deny: given.deny };
}
