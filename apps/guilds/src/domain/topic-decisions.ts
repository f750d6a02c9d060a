/** What user topics and private channels decide. Guilds have their own files. */
import {
  refuse,
  Signal,
  type DeliverRequest,
  type EndSessionsRequest,
  type OpenPrivateChannelRequest,
  type UpdateUserRequest,
} from '@guildhall/contracts';
import type { Changes, DeliverAction } from './changes.js';
import type { Guild } from './guild.js';
import { refreshGuildUser } from './member-decisions.js';
import { mutePrivateChannel, suppressMentions } from './notification-rules.js';
import type { PrivateChannel } from './private-channel.js';
import { privateChannelJson } from './private-channel-json.js';
import type { Topic } from './topic.js';
import { TopicKind } from './topic-kind.js';
import { userOf } from './user-document.js';
import type { UserTopic } from './user-topic.js';

/**
 * Finds or makes the private channel of two users, decided in the topic of the one with the lower
 * id, so that two who open it at once get the same. The channel's own topic and the other user are
 * told.
 */
export function openPrivateChannel(
  topic: UserTopic,
  request: OpenPrivateChannelRequest,
  changes: Changes,
): object {
  const actor = userOf(request.actor);
  const recipient = userOf(request.recipient);
  if (actor.id === recipient.id) throw refuse('InvalidRecipients');
  const otherId = topic.id === actor.id ? recipient.id : actor.id;
  const existing = topic.privateChannelWith(otherId);
  if (existing !== undefined) {
    if (topic.id === actor.id) topic.showPrivateChannel(existing.topicId, changes);
    else tellShown(changes, actor.id, existing.topicId);
    return privateChannelJson(existing, actor.id, 0n);
  }
  // The channel is a topic of its own: any partition will do, and this one is at hand.
  const topicId = changes.mint();
  const recipients = [actor, recipient];
  topic.addPrivateChannel({ topicId, recipients, isClosed: topic.id !== actor.id }, changes);
  const users = recipients.map((user) => ({ ...user }));
  changes.tell(topicId, { case: 'privateTopicCreated', value: { recipients: users } });
  changes.tell(otherId, {
    case: 'privateChannelCreated',
    value: { topicId, recipients: users, isClosed: otherId !== actor.id },
  });
  return privateChannelJson({ topicId, recipients }, actor.id, 0n);
}

function tellShown(changes: Changes, userId: bigint, topicId: bigint): void {
  changes.tell(userId, { case: 'privateChannelActive', value: { topicId } });
}

/** A user changed: its sessions, its guilds and its private channels are told. */
export function updateUser(topic: UserTopic, request: UpdateUserRequest, changes: Changes): void {
  const user = userOf(request.user);
  const self = JSON.parse(new TextDecoder().decode(request.selfJson)) as object;
  changes.event({ type: 'USER_UPDATE', data: self });
  const action: DeliverAction = { case: 'userChanged', value: { user: { ...user } } };
  topic.refreshRecipient(user, changes);
  for (const guildId of topic.guildIds) changes.tell(guildId, action);
  for (const { topicId, recipients } of topic.privateChannels.values()) {
    changes.tell(topicId, action);
    for (const other of recipients) if (other.id !== user.id) changes.tell(other.id, action);
  }
}

/** Every session of the user ends: its token is void. */
export function endSessions(_: UserTopic, __: EndSessionsRequest, changes: Changes): void {
  changes.event({ type: Signal.SessionsEnded, data: {} });
}

/** What came from another topic's outbox. Each may come twice, also long after the first time. */
export function deliver(topic: Topic, action: DeliverRequest['action'], changes: Changes): void {
  switch (topic.kind) {
    case TopicKind.User:
      return deliverToUser(topic, action, changes);
    case TopicKind.PrivateChannel:
      return deliverToPrivateChannel(topic, action, changes);
    case TopicKind.Guild:
      return deliverToGuild(topic, action, changes);
  }
}

function deliverToGuild(guild: Guild, action: DeliverRequest['action'], changes: Changes): void {
  if (action.case === 'userChanged') refreshGuildUser(guild, userOf(action.value.user), changes);
  if (action.case === 'notificationRulesChanged') suppressMentions(guild, action.value, changes);
}

function deliverToUser(topic: UserTopic, action: DeliverRequest['action'], changes: Changes): void {
  switch (action.case) {
    case 'guildJoined':
      return topic.joinGuild(action.value.guildId, changes);
    case 'guildLeft':
      return topic.leaveGuild(action.value.guildId, changes);
    case 'privateChannelCreated': {
      const { topicId, recipients, isClosed } = action.value;
      return topic.addPrivateChannel(
        { topicId, recipients: recipients.map(userOf), isClosed },
        changes,
      );
    }
    case 'privateChannelActive':
      return topic.showPrivateChannel(action.value.topicId, changes);
    case 'userChanged':
      return topic.refreshRecipient(userOf(action.value.user), changes);
  }
}

function deliverToPrivateChannel(
  channel: PrivateChannel,
  action: DeliverRequest['action'],
  changes: Changes,
): void {
  if (action.case === 'privateTopicCreated' && channel.recipients.size === 0) {
    for (const recipient of action.value.recipients.map(userOf)) {
      channel.recipients.set(recipient.id, recipient);
    }
    changes.isTopicChanged = true;
  }
  if (action.case === 'privateChannelClosed' && !channel.isQuiet) {
    channel.isQuiet = true;
    changes.isTopicChanged = true;
  }
  if (action.case === 'privateChannelMuted') mutePrivateChannel(channel, action.value, changes);
  if (action.case === 'userChanged') {
    const user = userOf(action.value.user);
    if (!channel.recipients.has(user.id)) return;
    channel.recipients.set(user.id, user);
    changes.isTopicChanged = true;
  }
}

/** A private channel is not deleted: who closes it does not see it until there is a new message. */
export function closePrivateChannel(topic: UserTopic, channelId: bigint, changes: Changes): object {
  const membership = topic.privateChannels.get(channelId);
  if (membership === undefined) throw refuse('UnknownChannel');
  if (topic.closePrivateChannel(channelId, changes)) {
    changes.tell(channelId, { case: 'privateChannelClosed', value: { userId: topic.id } });
  }
  return privateChannelJson(membership, topic.id, 0n);
}
