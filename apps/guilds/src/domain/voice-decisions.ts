/** Voice, as far as this fleet goes: who is in which voice channel. */
import { refuse, type UpdateVoiceStateRequest } from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { actorOf, channelFor, hasAny, memberFor } from './access.js';
import type { Changes } from './changes.js';
import { ChannelType } from './channel.js';
import type { Guild } from './guild.js';
import { enterVoice, leaveVoice } from './voice-changes.js';
import { voiceEventJson, voiceLeftJson } from './voice-json.js';
import type { VoiceState } from './voice-state.js';

/**
 * The actor joins, moves, mutes itself, or leaves (channel 0). A session that leaves does not end
 * the stay of another session of the same user. The answer is VOICE_STATE_UPDATE's `d`.
 */
export function updateVoiceState(
  guild: Guild,
  request: UpdateVoiceStateRequest,
  changes: Changes,
): object {
  const actor = actorOf(guild, changes);
  const member = memberFor(guild, actor.userId);
  const before = guild.voiceStates.get(actor.userId);
  const { channelId, sessionId, selfMute, selfDeaf, selfVideo } = request;
  const asked = { userId: actor.userId, channelId, sessionId, selfMute, selfDeaf, selfVideo };
  if (channelId === 0n) {
    const isAnothers = sessionId !== '' && before !== undefined && before.sessionId !== sessionId;
    if (!isAnothers) leaveVoice(guild, actor.userId, changes);
    return voiceLeftJson(guild.id, { ...asked, sinceMs: 0 }, member);
  }
  const isNew = before?.channelId !== channelId;
  if (isNew) {
    const channel = channelFor(guild, actor, channelId, Permission.CONNECT);
    if (channel.type !== ChannelType.Voice) throw refuse('WrongChannelType');
    const isFull = channel.userLimit > 0 && countIn(guild, channelId) >= channel.userLimit;
    const inChannel = guild.permissionsIn(channelId, actor.userId, changes.nowMs);
    const may = { ...actor, permissions: inChannel };
    if (isFull && !hasAny(may, Permission.MOVE_MEMBERS)) throw refuse('MissingPermissions');
  }
  const state: VoiceState = { ...asked, sinceMs: isNew ? changes.nowMs : before.sinceMs };
  if (before === undefined || !isSameState(before, state)) enterVoice(guild, state, changes);
  return voiceEventJson(guild.id, state, member);
}

function countIn(guild: Guild, channelId: bigint): number {
  let count = 0;
  for (const state of guild.voiceStates.values()) if (state.channelId === channelId) count += 1;
  return count;
}

function isSameState(a: VoiceState, b: VoiceState): boolean {
  return (Object.keys(a) as (keyof VoiceState)[]).every((key) => a[key] === b[key]);
}
