/** A private channel of two users: a topic with messages, and no roles to ask about. */
import { MentionLog } from './mention-log.js';
import { MessageCache } from './message-cache.js';
import { privateChannelJson } from './private-channel-json.js';
import type { Document } from './tables.js';
import { TopicKind } from './topic-kind.js';
import type { TopicRows } from './topic-rows.js';
import { userDocument, userFromDocument, type User } from './user-document.js';

/** What one of its users says of it: see notification-rules.ts. */
export interface PrivateMute {
  /** Of the settings it comes from. */
  readonly version: number;
  readonly muted: boolean;
  /** 0: until it is unmuted. */
  readonly mutedUntilMs: number;
}

export class PrivateChannel {
  readonly kind = TopicKind.PrivateChannel;
  readonly id: bigint;
  readonly recipients = new Map<bigint, User>();
  readonly messages = new MessageCache();
  readonly mentions = new MentionLog();
  /** By user; of those that have ever muted it. */
  readonly mutes = new Map<bigint, PrivateMute>();
  /** 0n: none yet. */
  lastMessageId = 0n;
  /** 0: never. */
  lastPinTimestampMs = 0;
  /**
   * True until there was a message, and again when somebody closed it: not everybody lists it, and
   * all are told with the next message.
   */
  isQuiet = true;

  constructor(id: bigint) {
    this.id = id;
  }

  static restore(stored: TopicRows): PrivateChannel {
    const channel = new PrivateChannel(stored.topicId);
    for (const document of (stored.document['recipients'] ?? []) as Document[]) {
      const user = userFromDocument(document);
      channel.recipients.set(user.id, user);
    }
    for (const { user_id: userId, ...mute } of (stored.document['mutes'] ?? []) as MuteDocument[]) {
      channel.mutes.set(BigInt(userId), mute);
    }
    channel.mentions.restore(stored.rows.get('mentions') ?? []);
    channel.isQuiet = stored.document['is_quiet'] !== false;
    channel.lastPinTimestampMs = Number(stored.document['last_pin_timestamp_ms'] ?? 0);
    channel.lastMessageId = stored.lastMessageIds.get(stored.topicId) ?? 0n;
    return channel;
  }

  toDocument(): Document {
    return {
      recipients: [...this.recipients.values()].map(userDocument),
      is_quiet: this.isQuiet,
      last_pin_timestamp_ms: this.lastPinTimestampMs,
      ...(this.mutes.size === 0 ? {} : { mutes: [...this.mutes].map(muteDocument) }),
    };
  }

  /** The channel as one of its recipients sees it. */
  channelJson(viewerId: bigint): object {
    const channel = { topicId: this.id, recipients: [...this.recipients.values()] };
    return privateChannelJson(channel, viewerId, this.lastMessageId);
  }
}

type MuteDocument = PrivateMute & { readonly user_id: string };

function muteDocument([userId, mute]: readonly [bigint, PrivateMute]): MuteDocument {
  return { user_id: String(userId), ...mute };
}
