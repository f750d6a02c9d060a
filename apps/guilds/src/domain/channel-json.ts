import { ChannelType, overwriteJson, type Channel } from './channel.js';
import { isoTimeOrNull } from './iso-time.js';

/** A guild channel as in Discord's API, GUILD_CREATE and CHANNEL_CREATE. */
export function channelJson(guildId: bigint, channel: Channel): object {
  return {
    id: String(channel.id),
    type: channel.type,
    guild_id: String(guildId),
    name: channel.name,
    position: channel.position,
    parent_id: channel.parentId === 0n ? null : String(channel.parentId),
    permission_overwrites: channel.overwrites.map(overwriteJson),
    flags: 0,
    nsfw: channel.nsfw,
    ...(channel.type === ChannelType.Category ? {} : messagesJson(channel)),
    ...(channel.type === ChannelType.Voice ? voiceJson(channel) : {}),
  };
}

function messagesJson(channel: Channel): object {
  const isText = channel.type !== ChannelType.Voice;
  return {
    topic: channel.topic || null,
    last_message_id: channel.lastMessageId === 0n ? null : String(channel.lastMessageId),
    rate_limit_per_user: channel.rateLimitPerUser,
    ...(isText ? { last_pin_timestamp: isoTimeOrNull(channel.lastPinTimestampMs) } : {}),
    ...(channel.defaultAutoArchiveDuration === 0
      ? {}
      : { default_auto_archive_duration: channel.defaultAutoArchiveDuration }),
  };
}

function voiceJson(channel: Channel): object {
  return {
    bitrate: channel.bitrate,
    user_limit: channel.userLimit,
    rtc_region: channel.rtcRegion || null,
    video_quality_mode: channel.videoQualityMode,
  };
}
