/** What a request says a channel should be, checked. */
import { refuse, refuseField, type ChannelFields } from '@guildhall/contracts';
import { checkChoice, checkLength, checkRange } from './field-checks.js';
import { ChannelType, type Channel } from './channel.js';
import type { Guild } from './guild.js';

export const CHANNELS_MAX = 500;
export const CHILDREN_MAX = 50;
const NAME_MAX = 100;
const TOPIC_MAX = 1_024;
const SLOW_MODE_MAX_SECONDS = 21_600;
const BITRATE_MIN = 8_000;
const BITRATE_MAX = 96_000;
const USER_LIMIT_MAX = 99;
const ARCHIVE_MINUTES = [60, 1_440, 4_320, 10_080];

/** Checks the fields one by one. What they mean together with others is the caller's. */
export function checkChannelFields(fields: ChannelFields): void {
  checkLength(['name'], fields.name, 1, NAME_MAX);
  checkLength(['topic'], fields.topic, 0, TOPIC_MAX);
  checkRange(['rate_limit_per_user'], fields.rateLimitPerUser, 0, SLOW_MODE_MAX_SECONDS);
  checkRange(['bitrate'], fields.bitrate || undefined, BITRATE_MIN, BITRATE_MAX);
  checkRange(['user_limit'], fields.userLimit, 0, USER_LIMIT_MAX);
  checkRange(['video_quality_mode'], fields.videoQualityMode || undefined, 1, 2);
  const minutes = fields.defaultAutoArchiveDuration || undefined;
  checkChoice(['default_auto_archive_duration'], minutes, ARCHIVE_MINUTES);
}

/** The type a request asks for. */
export function channelTypeOf(type: number): ChannelType {
  checkChoice<number>(['type'], type, Object.values(ChannelType));
  return type as ChannelType;
}

/** Refuses a category there is not, that is full, or in which a channel of this type cannot be. */
export function checkParent(
  guild: Guild,
  channel: Pick<Channel, 'id' | 'type' | 'parentId'>,
  parentId: bigint,
): void {
  if (parentId === 0n || parentId === channel.parentId) return;
  if (channel.type === ChannelType.Category) {
    const text = 'Categories cannot have a parent';
    throw refuseField(['parent_id'], 'CHANNEL_PARENT_INVALID', text);
  }
  const parent = guild.channel(parentId);
  if (parent?.type !== ChannelType.Category) {
    throw refuseField(['parent_id'], 'CHANNEL_PARENT_INVALID_TYPE', 'Not a category');
  }
  if (guild.childrenOf(parentId).length >= CHILDREN_MAX) {
    const text = `Maximum number of channels in category reached (${CHILDREN_MAX})`;
    throw refuseField(['parent_id'], 'CHANNEL_PARENT_MAX_CHANNELS', text);
  }
}

/** The channel with the fields applied. Overwrites are not among them. */
export function withFields(channel: Channel, fields: ChannelFields): Channel {
  const type = fields.type === undefined ? channel.type : channelTypeOf(fields.type);
  if (type !== channel.type && !isConvertible(channel.type, type)) throw refuse('WrongChannelType');
  const isVoice = type === ChannelType.Voice;
  return {
    ...channel,
    type,
    name: fields.name === undefined ? channel.name : channelName(type, fields.name),
    topic: fields.topic ?? channel.topic,
    position: fields.position ?? channel.position,
    parentId: fields.parentId ?? channel.parentId,
    nsfw: fields.nsfw ?? channel.nsfw,
    rateLimitPerUser: fields.rateLimitPerUser ?? channel.rateLimitPerUser,
    bitrate: (isVoice ? fields.bitrate : undefined) || channel.bitrate,
    userLimit: (isVoice ? fields.userLimit : undefined) ?? channel.userLimit,
    rtcRegion: (isVoice ? fields.rtcRegion : undefined) ?? channel.rtcRegion,
    videoQualityMode: (isVoice ? fields.videoQualityMode : undefined) || channel.videoQualityMode,
    defaultAutoArchiveDuration:
      fields.defaultAutoArchiveDuration ?? channel.defaultAutoArchiveDuration,
  };
}

/** Text channels are named as one would write a tag: no spaces, no capitals. */
export function channelName(type: ChannelType, name: string): string {
  if (type !== ChannelType.Text && type !== ChannelType.Announcement) return name;
  return name.trim().toLowerCase().replace(/\s+/gu, '-');
}

/** Text channels and announcement channels may become each other; the rest stays what it is. */
function isConvertible(from: ChannelType, to: ChannelType): boolean {
  const both: readonly number[] = [ChannelType.Text, ChannelType.Announcement];
  return both.includes(from) && both.includes(to);
}
