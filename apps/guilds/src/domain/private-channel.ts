/** A private channel of two users: a topic with messages, and no roles to ask about. */
import { MentionLog } from './mention-log.js';
import { MessageCache } from './message-cache.js';
import { privateChannelJson } from './private-channel-json.js';
import type { Document } from './tables.js';
import { TopicKind } from './topic-kind.js';
import type { TopicRows } from './topic-rows.js';
import { userDocument, userFromDocument, type User } from './user-document.js';

export class PrivateChannel {
  readonly kind = TopicKind.PrivateChannel;
  readonly id: bigint;
  readonly recipients = new Map<bigint, User>();
  readonly messages = new MessageCache();
  readonly mentions = new MentionLog();
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
    };
  }

  /** The channel as one of its recipients sees it. */
  channelJson(viewerId: bigint): object {
    const channel = { topicId: this.id, recipients: [...this.recipients.values()] };
    return privateChannelJson(channel, viewerId, this.lastMessageId);
  }
}
