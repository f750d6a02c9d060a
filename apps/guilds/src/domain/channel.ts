import { OverwriteType, type OverwriteView } from '@guildhall/permissions';
import type { Document } from './tables.js';

/** The kinds of channel a guild can have here, by Discord's numbers. */
export const ChannelType = { Text: 0, Voice: 2, Category: 4, Announcement: 5 } as const;
export type ChannelType = (typeof ChannelType)[keyof typeof ChannelType];

/**
 * A channel of a guild. Replaced as a whole when its settings change; only what messages move (the
 * last message, the last pin) is set in place.
 */
export interface Channel {
  readonly id: bigint;
  readonly type: ChannelType;
  readonly name: string;
  /** Empty: none. */
  readonly topic: string;
  readonly position: number;
  /** The category it is in; 0n: none. */
  readonly parentId: bigint;
  readonly nsfw: boolean;
  /** Slow mode, in seconds. */
  readonly rateLimitPerUser: number;
  /** Of voice, in bits per second. */
  readonly bitrate: number;
  /** Of voice; 0: no limit. */
  readonly userLimit: number;
  /** Empty: automatic. */
  readonly rtcRegion: string;
  readonly videoQualityMode: number;
  /** Minutes; 0: not set. */
  readonly defaultAutoArchiveDuration: number;
  /** At most one for each id. */
  readonly overwrites: readonly OverwriteView[];
  /** 0n: none yet. Not stored: found among the messages when the guild is loaded. */
  lastMessageId: bigint;
  /** 0: never. */
  lastPinTimestampMs: number;
}

/** A channel with Discord's defaults. */
export function newChannel(id: bigint, type: ChannelType, name: string): Channel {
  return {
    id,
    type,
    name,
    topic: '',
    position: 0,
    parentId: 0n,
    nsfw: false,
    rateLimitPerUser: 0,
    bitrate: type === ChannelType.Voice ? 64_000 : 0,
    userLimit: 0,
    rtcRegion: '',
    videoQualityMode: 1,
    defaultAutoArchiveDuration: 0,
    overwrites: [],
    lastMessageId: 0n,
    lastPinTimestampMs: 0,
  };
}

/** Whether messages can be sent in it. */
export function hasMessages(channel: Channel): boolean {
  return channel.type !== ChannelType.Category;
}

/** The channel's row. */
export function channelDocument(channel: Channel): Document {
  const { id: _, lastMessageId: __, parentId, overwrites, ...rest } = channel;
  return { ...rest, parentId: String(parentId), overwrites: overwrites.map(overwriteJson) };
}

/** The channel in a row. */
export function channelFromDocument(
  id: bigint,
  document: Document,
  lastMessageId: bigint,
): Channel {
  const stored = document as unknown as Omit<Channel, 'id' | 'parentId' | 'overwrites'>;
  return {
    ...newChannel(id, stored.type, ''),
    ...stored,
    id,
    parentId: BigInt(document['parentId'] as string),
    overwrites: (document['overwrites'] as OverwriteJson[]).map(overwriteFromJson),
    lastMessageId,
  };
}

interface OverwriteJson {
  readonly id: string;
  readonly type: OverwriteType;
  readonly allow: string;
  readonly deny: string;
}

/** An overwrite as in Discord's API. */
export function overwriteJson(overwrite: OverwriteView): OverwriteJson {
  return {
    id: String(overwrite.id),
    type: overwrite.type,
    allow: String(overwrite.allow),
    deny: String(overwrite.deny),
  };
}

function overwriteFromJson(json: OverwriteJson): OverwriteView {
  const { id, type, allow, deny } = json;
  return { id: BigInt(id), type, allow: BigInt(allow), deny: BigInt(deny) };
}

/** Whether two channels let the same through: the same overwrites, in whatever order. */
export function sameOverwrites(a: readonly OverwriteView[], b: readonly OverwriteView[]): boolean {
  if (a.length !== b.length) return false;
  return a.every((one) => {
    const other = b.find(({ id }) => id === one.id);
    return (
      other !== undefined &&
      other.type === one.type &&
      other.allow === one.allow &&
      other.deny === one.deny
    );
  });
}

/** The users that an overwrite of their own is about. */
export function usersOf(overwrites: readonly OverwriteView[]): bigint[] {
  return overwrites.filter(({ type }) => type === OverwriteType.Member).map(({ id }) => id);
}
