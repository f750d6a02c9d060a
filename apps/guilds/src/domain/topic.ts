import { Guild } from './guild.js';
import { PrivateChannel } from './private-channel.js';
import { TopicKind } from './topic-kind.js';
import type { TopicRows } from './topic-rows.js';
import { UserTopic } from './user-topic.js';

export { TopicKind } from './topic-kind.js';

/**
 * A topic as its owner holds it in memory: a guild, a private channel, or a user's inbox. Each has
 * `id`, `kind`, and `toDocument()` for the topic's own row.
 */
export type Topic = Guild | PrivateChannel | UserTopic;

/** A topic from its rows. */
export function restoreTopic(stored: TopicRows): Topic {
  switch (stored.kind) {
    case TopicKind.Guild:
      return Guild.restore(stored);
    case TopicKind.PrivateChannel:
      return PrivateChannel.restore(stored);
    case TopicKind.User:
      return UserTopic.restore(stored);
    default:
      throw new Error(`topic ${stored.topicId} is of unknown kind ${stored.kind}`);
  }
}
