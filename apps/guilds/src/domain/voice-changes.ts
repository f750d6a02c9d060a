/**
 * Voice states as they change: in memory, in the member's row, and told to those who see the
 * channel.
 */
import type { Changes } from './changes.js';
import type { Guild } from './guild.js';
import { saveMember } from './member-changes.js';
import type { Member } from './member.js';
import { voiceEventJson, voiceLeftJson } from './voice-json.js';
import type { VoiceState } from './voice-state.js';

/**
 * A member is in a voice channel now, or is there in another way. Who saw it where it was, but does
 * not see the new channel, is told that it left.
 */
export function enterVoice(guild: Guild, state: VoiceState, changes: Changes): void {
  const member = guild.member(state.userId)!;
  const before = guild.voiceStates.get(state.userId);
  guild.putVoiceState(state);
  saveMember(guild, member, changes);
  if (before !== undefined && !isSeenByAllOf(guild, before.channelId, state.channelId)) {
    tellLeft(guild, before, member, changes);
  }
  const data = voiceEventJson(guild.id, state, member);
  changes.event({ type: 'VOICE_STATE_UPDATE', data, channelId: state.channelId });
  tellUnseeing(guild, state, data, changes);
}

/** A member is in no voice channel any more. Does nothing if it was in none. */
export function leaveVoice(guild: Guild, userId: bigint, changes: Changes): void {
  const state = guild.voiceStates.get(userId);
  const member = guild.member(userId);
  if (state === undefined || member === undefined) return;
  guild.removeVoiceState(userId);
  saveMember(guild, member, changes);
  tellLeft(guild, state, member, changes);
}

/** Tells of a voice state whose member is muted, or not any more. */
export function tellVoice(guild: Guild, member: Member, changes: Changes): void {
  const state = guild.voiceStates.get(member.user.id);
  if (state === undefined) return;
  const data = voiceEventJson(guild.id, state, member);
  changes.event({ type: 'VOICE_STATE_UPDATE', data, channelId: state.channelId });
  tellUnseeing(guild, state, data, changes);
}

function tellLeft(guild: Guild, state: VoiceState, member: Member, changes: Changes): void {
  const data = voiceLeftJson(guild.id, state, member);
  changes.event({ type: 'VOICE_STATE_UPDATE', data, channelId: state.channelId });
  tellUnseeing(guild, state, data, changes);
}

/** Somebody who was moved into a channel it does not see knows at least where itself is. */
function tellUnseeing(guild: Guild, state: VoiceState, data: object, changes: Changes): void {
  if (guild.mayView(state.channelId, state.userId)) return;
  changes.event({ type: 'VOICE_STATE_UPDATE', data, onlyUserIds: [state.userId] });
}

/** Whether all who see the one channel see the other. */
function isSeenByAllOf(guild: Guild, oneId: bigint, otherId: bigint): boolean {
  if (oneId === otherId) return true;
  for (const { channelIds } of guild.audiences.rows()) {
    if (channelIds.has(oneId) && !channelIds.has(otherId)) return false;
  }
  return true;
}
