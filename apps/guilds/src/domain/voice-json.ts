import type { Member } from './member.js';
import { memberJson } from './member-json.js';
import type { VoiceState } from './voice-state.js';

/** A voice state as in GUILD_CREATE: without the guild's id. */
export function voiceStateJson(state: VoiceState, member: Member): object {
  return {
    channel_id: String(state.channelId),
    user_id: String(state.userId),
    member: memberJson(member),
    session_id: state.sessionId,
    deaf: member.deaf,
    mute: member.mute,
    self_deaf: state.selfDeaf,
    self_mute: state.selfMute,
    self_video: state.selfVideo,
    suppress: false,
    request_to_speak_timestamp: null,
  };
}

/** The `d` of VOICE_STATE_UPDATE. */
export function voiceEventJson(guildId: bigint, state: VoiceState, member: Member): object {
  return { guild_id: String(guildId), ...voiceStateJson(state, member) };
}

/** The `d` of VOICE_STATE_UPDATE for somebody who left. */
export function voiceLeftJson(guildId: bigint, state: VoiceState, member: Member): object {
  return { ...voiceEventJson(guildId, state, member), channel_id: null };
}
