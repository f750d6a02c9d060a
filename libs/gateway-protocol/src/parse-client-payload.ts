import type {
  ChannelInfoField,
  ClientPayload,
  HeartbeatPayload,
  RequestChannelInfoPayload,
  RequestGuildMembersPayload,
  RequestSoundboardSoundsPayload,
  ResumePayload,
  VoiceStateUpdatePayload,
} from './client-payloads.js';
import { CloseCode } from './close-codes.js';
import type { Fields } from './fields.js';
import {
  count,
  fields,
  flag,
  isFields,
  isSaid,
  list,
  optionalSnowflake,
  Refusal,
  snowflake,
  string,
} from './fields.js';
import {
  MEMBER_REQUEST_NONCE_SIZE_MAX,
  MEMBER_REQUEST_USERS_MAX,
  SOUNDBOARD_GUILDS_MAX,
} from './limits.js';
import { isToleratedOpcode, Opcode } from './opcodes.js';
import {
  parseGuildSubscription,
  parseGuildSubscriptionsBulk,
} from './parse-guild-subscriptions.js';
import { parseIdentify, parseToken } from './parse-identify.js';
import { parsePresence } from './parse-presence.js';

/**
 * A payload understood, or how to close the connection. The reason is for the close frame and logs.
 */
export type ParsedPayload =
  | { readonly ok: true; readonly payload: ClientPayload }
  | { readonly ok: false; readonly closeCode: CloseCode; readonly reason: string };

/**
 * What a client said, from a decoded value. Never throws. Members nobody knows are ignored, also
 * inside.
 *
 * - no envelope (not an object, `op` not an integer), or a known opcode with the wrong `d`: 4002;
 * - an opcode nobody defined, or one only the server may send: 4001;
 * - in IDENTIFY, a shard that is none: 4010, intents nobody defined: 4013.
 */
export function parseClientPayload(value: unknown): ParsedPayload {
  try {
    const envelope = fields(value, 'payload');
    const opcode = envelope['op'];
    if (!Number.isInteger(opcode)) throw new Refusal('op is not an integer');
    return { ok: true, payload: parseData(opcode as number, envelope['d']) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, closeCode: error.closeCode, reason: error.message };
  }
}

function parseData(opcode: number, d: unknown): ClientPayload {
  switch (opcode) {
    case Opcode.Heartbeat:
      return { op: opcode, sequence: sequence(d) };
    case Opcode.QosHeartbeat:
      return { op: opcode, sequence: sequence(isFields(d) ? d['seq'] : d) };
    case Opcode.Identify:
      return parseIdentify(fields(d, 'd'));
    case Opcode.PresenceUpdate:
      return { op: opcode, presence: parsePresence(d) };
    case Opcode.VoiceStateUpdate:
      return voiceStateUpdate(fields(d, 'd'));
    case Opcode.Resume:
      return resume(fields(d, 'd'));
    case Opcode.RequestGuildMembers:
      return requestGuildMembers(fields(d, 'd'));
    case Opcode.RequestSoundboardSounds:
      return requestSoundboardSounds(fields(d, 'd'));
    case Opcode.RequestChannelInfo:
      return requestChannelInfo(fields(d, 'd'));
    case Opcode.GuildSubscriptions:
      return parseGuildSubscription(fields(d, 'd'));
    case Opcode.GuildSubscriptionsBulk:
      return parseGuildSubscriptionsBulk(fields(d, 'd'));
    default:
      if (isToleratedOpcode(opcode)) return { op: opcode };
      throw new Refusal('op is unknown', CloseCode.UnknownOpcode);
  }
}

function sequence(value: unknown): HeartbeatPayload['sequence'] {
  return isSaid(value) ? count(value, 'sequence') : null;
}

function voiceStateUpdate(said: Fields): VoiceStateUpdatePayload {
  return {
    op: Opcode.VoiceStateUpdate,
    guildId: optionalSnowflake(said['guild_id'], 'guild_id'),
    channelId: optionalSnowflake(said['channel_id'], 'channel_id'),
    isSelfMute: flag(said['self_mute']),
    isSelfDeaf: flag(said['self_deaf']),
    isSelfVideo: flag(said['self_video']),
  };
}

function resume(said: Fields): ResumePayload {
  return {
    op: Opcode.Resume,
    token: parseToken(said['token']),
    sessionId: string(said['session_id'], 'session_id'),
    sequence: sequence(said['seq']) ?? 0,
  };
}

function requestGuildMembers(said: Fields): RequestGuildMembersPayload {
  const userIds = isSaid(said['user_ids']) ? idsOf(said['user_ids'], 'user_ids') : null;
  // Libraries fill in an empty query beside the ids; the ids are what is meant.
  const query = userIds === null ? string(said['query'], 'query') : null;
  if (userIds !== null && userIds.length > MEMBER_REQUEST_USERS_MAX) {
    throw new Refusal('user_ids are too many');
  }
  return {
    op: Opcode.RequestGuildMembers,
    guildId: onlyGuild(said['guild_id']),
    query,
    userIds,
    limit: isSaid(said['limit']) ? count(said['limit'], 'limit') : 0,
    wantsPresences: flag(said['presences']),
    nonce: nonce(said['nonce']),
  };
}

/**
 * One library wraps the guild in an array, as user clients do; more than one is for none of them.
 */
function onlyGuild(value: unknown): string {
  if (!Array.isArray(value)) return snowflake(value, 'guild_id');
  if (value.length !== 1) throw new Refusal('guild_id is not one guild');
  return snowflake(value[0], 'guild_id');
}

function nonce(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  return Buffer.byteLength(value) <= MEMBER_REQUEST_NONCE_SIZE_MAX ? value : null;
}

function requestSoundboardSounds(said: Fields): RequestSoundboardSoundsPayload {
  const guildIds = idsOf(list(said['guild_ids'], 'guild_ids'), 'guild_ids');
  if (guildIds.length > SOUNDBOARD_GUILDS_MAX) throw new Refusal('guild_ids are too many');
  return { op: Opcode.RequestSoundboardSounds, guildIds };
}

function requestChannelInfo(said: Fields): RequestChannelInfoPayload {
  const wanted = list(said['fields'], 'fields');
  return {
    op: Opcode.RequestChannelInfo,
    guildId: snowflake(said['guild_id'], 'guild_id'),
    fields: CHANNEL_INFO_FIELDS.filter((field) => wanted.includes(field)),
  };
}

const CHANNEL_INFO_FIELDS: readonly ChannelInfoField[] = ['status', 'voice_start_time'];

/** One id or many, each once. */
function idsOf(value: unknown, name: string): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return [...new Set(values.map((one) => snowflake(one, name)))];
}
