/** A guild as one session is told of it when it attaches, and other views of a guild as a whole. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  refuse,
  type AttachTopicRequest,
  type AudienceSchema,
  type GetChannelInfoRequest,
  type MentionCountSchema,
} from '@guildhall/contracts';
import { ChannelType, hasMessages } from './channel.js';
import { channelsJson, guildJson } from './guild-json.js';
import type { Guild } from './guild.js';
import { countsJson } from './invite-json.js';
import { isoTime } from './iso-time.js';
import { memberJson } from './member-json.js';
import type { Member } from './member.js';
import { countedMember } from './notification-rules.js';
import { unreadMentions } from './unread-mentions.js';
import { voiceStateJson } from './voice-json.js';

export { queryMembers } from './member-queries.js';

/** Past this many members, only the session's own and those in voice are in GUILD_CREATE. */
const MEMBERS_SHOWN_MAX = 75_000;
const THRESHOLD_MIN = 50;
const THRESHOLD_MAX = 250;

export interface AttachedGuild {
  /** GUILD_CREATE's `d`. */
  readonly json: object;
  readonly audienceId: bigint;
  readonly audience: MessageInitShape<typeof AudienceSchema>;
  readonly mentionCounts: MessageInitShape<typeof MentionCountSchema>[];
}

/**
 * What a member's session begins with, as of now. Channels it may not see are left out, and who is
 * in voice there. Refused (50001) for who is no member.
 */
export function attachGuild(guild: Guild, request: AttachTopicRequest): AttachedGuild {
  const userId = request.command?.actorId ?? 0n;
  const self = guild.member(userId);
  const row = guild.audiences.of(userId);
  if (self === undefined || row === undefined) throw refuse('MissingAccess');
  const threshold = Math.min(Math.max(request.largeThreshold, THRESHOLD_MIN), THRESHOLD_MAX);
  const members = membersShown(guild, self, request, threshold);
  const presences = request.wantsPresences
    ? members.flatMap(({ user }) => guild.presences.get(user.id) ?? [])
    : [];
  return {
    json: {
      ...guildJson(guild),
      joined_at: isoTime(self.joinedAtMs),
      large: guild.members.size > threshold,
      unavailable: false,
      member_count: guild.members.size,
      members: members.map(memberJson),
      channels: channelsJson(guild, userId),
      voice_states: voiceStatesSeen(guild, userId),
      presences,
      threads: [],
      stage_instances: [],
      guild_scheduled_events: [],
      soundboard_sounds: [],
      embedded_activities: [],
    },
    audienceId: row.id,
    audience: { id: row.id, channelIds: [...row.channelIds] },
    mentionCounts: request.wantsMentionCounts ? mentionCounts(guild, self, request) : [],
  };
}

/**
 * Which members are in GUILD_CREATE: with presences, everybody up to the threshold, past it those
 * that are online or stand out (a role, a nick, in voice); without, the session's own and those in
 * voice. A person's client is always told of everybody up to the threshold.
 */
function membersShown(
  guild: Guild,
  self: Member,
  request: AttachTopicRequest,
  threshold: number,
): Member[] {
  const { size } = guild.members;
  const isBot = request.command?.actorIsBot ?? false;
  const showsAll = size <= threshold && (request.wantsPresences || !isBot);
  if (showsAll) return [...guild.members.values()];
  if (!request.wantsPresences || size > MEMBERS_SHOWN_MAX) {
    const ids = new Set([self.user.id, ...voiceUsersSeen(guild, self.user.id)]);
    return [...ids].flatMap((id) => guild.member(id) ?? []);
  }
  return [...guild.members.values()].filter(
    (member) =>
      member.user.id === self.user.id ||
      member.roleIds.length > 0 ||
      member.nick !== '' ||
      guild.presences.isOnline(member.user.id) ||
      guild.voiceStates.has(member.user.id),
  );
}

function voiceUsersSeen(guild: Guild, viewerId: bigint): bigint[] {
  return [...guild.voiceStates.values()]
    .filter(({ channelId, userId }) => userId === viewerId || guild.mayView(channelId, viewerId))
    .map(({ userId }) => userId);
}

function voiceStatesSeen(guild: Guild, viewerId: bigint): object[] {
  return voiceUsersSeen(guild, viewerId).map((userId) =>
    voiceStateJson(guild.voiceStates.get(userId)!, guild.member(userId)!),
  );
}

/** For channels with a position, and those without that have mentions, or, if wanted, messages. */
function mentionCounts(
  guild: Guild,
  self: Member,
  { positions, wantsUnreadChannels }: AttachTopicRequest,
): MessageInitShape<typeof MentionCountSchema>[] {
  const byChannel = new Map(positions.map((position) => [position.channelId, position]));
  const counted = countedMember(guild, self.user.id);
  const counts: MessageInitShape<typeof MentionCountSchema>[] = [];
  for (const channel of guild.channels.values()) {
    if (!hasMessages(channel) || !guild.mayView(channel.id, self.user.id)) continue;
    const read = byChannel.get(channel.id);
    const mentionCount = unreadMentions(guild.mentions, read, {
      channelId: channel.id,
      ...counted,
    });
    const isWanted = mentionCount > 0 || (wantsUnreadChannels && channel.lastMessageId !== 0n);
    if (read === undefined && !isWanted) continue;
    counts.push({ channelId: channel.id, mentionCount, lastMessageId: channel.lastMessageId });
  }
  return counts;
}

/** Gateway op 43: the voice channels the actor sees. Statuses are not kept here. */
export function channelInfo(guild: Guild, request: GetChannelInfoRequest): object {
  const userId = request.command?.actorId ?? 0n;
  if (guild.member(userId) === undefined) throw refuse('MissingAccess');
  const startedAtMs = new Map<bigint, number>();
  for (const { channelId, sinceMs } of guild.voiceStates.values()) {
    startedAtMs.set(channelId, Math.min(startedAtMs.get(channelId) ?? Infinity, sinceMs));
  }
  const wants = new Set(request.fields);
  const channels = [...guild.channels.values()]
    .filter(({ type, id }) => type === ChannelType.Voice && guild.mayView(id, userId))
    .map(({ id }) => {
      const startedMs = startedAtMs.get(id);
      const startedSeconds = startedMs === undefined ? null : Math.floor(startedMs / 1000);
      return {
        id: String(id),
        ...(wants.has('status') ? { status: null } : {}),
        ...(wants.has('voice_start_time') ? { voice_start_time: startedSeconds } : {}),
      };
    });
  return { guild_id: String(guild.id), channels };
}

/** A guild as in GET /users/@me/guilds. */
export function userGuild(guild: Guild, actorId: bigint, withCounts: boolean): object {
  const member = guild.member(actorId);
  if (member === undefined) throw refuse('MissingAccess');
  return {
    id: String(guild.id),
    name: guild.name,
    icon: guild.settings.icon || null,
    banner: guild.settings.banner || null,
    owner: guild.ownerId === actorId,
    // Of the roles alone: a timeout passes without a word.
    permissions: String(guild.basePermissions(actorId, Infinity)),
    features: [],
    ...(withCounts ? countsJson(guild) : {}),
  };
}
