import type { Document } from './tables.js';

/** That a member is in a voice channel, and how. */
export interface VoiceState {
  readonly userId: bigint;
  readonly channelId: bigint;
  readonly sessionId: string;
  /** When it came into this channel. */
  readonly sinceMs: number;
  readonly selfMute: boolean;
  readonly selfDeaf: boolean;
  readonly selfVideo: boolean;
}

/** A part of the member's row. */
export function voiceDocument(state: VoiceState): Document {
  const { userId: _, channelId, ...rest } = state;
  return { ...rest, channelId: String(channelId) };
}

export function voiceFromDocument(userId: bigint, document: Document): VoiceState {
  const stored = document as unknown as Omit<VoiceState, 'userId' | 'channelId'>;
  return { ...stored, userId, channelId: BigInt(document['channelId'] as string) };
}
