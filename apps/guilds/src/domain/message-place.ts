/**
 * Where messages are: a channel of a guild, or a private channel, as one actor has it. What the two
 * kinds of topic differ in is asked here, so that decisions about messages are written once.
 */
import { refuse } from '@guildhall/contracts';
import {
  ALL_PERMISSIONS,
  channelKindOf,
  DIRECT_MESSAGE_PERMISSIONS,
  mayReadMessages,
  Permission,
} from '@guildhall/permissions';
import { Fault, FaultCode } from '@guildhall/fault';
import { chatIdOf } from './audiences.js';
import type { Changes } from './changes.js';
import { channelDocument, hasMessages, type Channel } from './channel.js';
import type { Guild } from './guild.js';
import { isTimedOut, type Member } from './member.js';
import type { CachedMessage, MessageCache } from './message-cache.js';
import type { MentionLog } from './mention-log.js';
import type { PrivateChannel } from './private-channel.js';
import { TopicKind } from './topic-kind.js';
import type { User } from './user-document.js';

/** The topics that have messages. */
export type MessageTopic = Guild | PrivateChannel;

const PRIVATE_CHANNEL_TYPE = 1;
const SLOWMODE_EXEMPT =
  Permission.MANAGE_MESSAGES | Permission.MANAGE_CHANNELS | Permission.BYPASS_SLOWMODE;

export class Place {
  readonly channelId: bigint;
  readonly actorId: bigint;
  /** What the actor may do here and now; all for the fleet itself (0n). */
  readonly permissions: bigint;
  readonly guild: Guild | undefined;
  readonly #topic: MessageTopic;
  readonly #channel: Channel | undefined;
  readonly nowMs: number;

  /**
   * Refuses with 10003 where there is no such channel, 50001 where the actor does not see it.
   * `granted` are permissions that it has here whatever the channel says, as an application has
   * while it answers an interaction: if there are any, it need not see the channel, only be here.
   */
  constructor(
    topic: MessageTopic,
    channelId: bigint,
    actorId: bigint,
    nowMs: number,
    granted = 0n,
  ) {
    this.#topic = topic;
    this.channelId = channelId;
    this.actorId = actorId;
    this.nowMs = nowMs;
    if (topic.kind === TopicKind.Guild) {
      this.guild = topic;
      this.#channel = topic.channel(channelId);
      if (this.#channel === undefined) throw refuse('UnknownChannel');
      const isHere =
        granted === 0n ? topic.mayView(channelId, actorId) : topic.member(actorId) !== undefined;
      if (!isHere) throw refuse('MissingAccess');
      this.permissions = topic.permissionsIn(channelId, actorId, nowMs) | granted;
    } else {
      if (topic.id !== channelId) throw refuse('UnknownChannel');
      const isFleet = actorId === 0n;
      if (!isFleet && !topic.recipients.has(actorId)) throw refuse('MissingAccess');
      this.permissions = isFleet ? ALL_PERMISSIONS : DIRECT_MESSAGE_PERMISSIONS;
    }
  }

  get messages(): MessageCache {
    return this.#topic.messages;
  }

  get mentions(): MentionLog {
    return this.#topic.mentions;
  }

  get channelType(): number {
    return this.#channel?.type ?? PRIVATE_CHANNEL_TYPE;
  }

  /** Whether there can be messages: a category has none. */
  get hasMessages(): boolean {
    return this.#channel === undefined || hasMessages(this.#channel);
  }

  /** Whether the actor sees messages as they come: in voice channels it takes CONNECT as well. */
  get mayRead(): boolean {
    return (
      this.actorId === 0n || mayReadMessages(this.permissions, channelKindOf(this.channelType))
    );
  }

  /** Whether the actor sees messages from before. */
  get mayReadHistory(): boolean {
    return this.mayRead && this.may(Permission.READ_MESSAGE_HISTORY);
  }

  /** Slow mode as it holds for the actor, in ms; 0: none. */
  get slowmodeMs(): number {
    if (this.#channel === undefined || this.mayAny(SLOWMODE_EXEMPT)) return 0;
    return this.#channel.rateLimitPerUser * 1_000;
  }

  get lastMessageId(): bigint {
    return this.#channel?.lastMessageId ?? (this.#topic as PrivateChannel).lastMessageId;
  }

  get lastPinTimestampMs(): number {
    return (this.#channel ?? (this.#topic as PrivateChannel)).lastPinTimestampMs;
  }

  /** What an event about what is said here is filed under, for those who may read it. */
  get audienceChannelId(): bigint {
    return this.#channel === undefined ? this.channelId : chatIdOf(this.#channel);
  }

  /** The actor as a member; undefined in private channels and for the fleet. */
  get actor(): Member | undefined {
    return this.guild?.member(this.actorId);
  }

  /** What every event here says of where it is. */
  get where(): { channel_id: string; guild_id?: string } {
    const channel = { channel_id: String(this.channelId) };
    return this.guild === undefined ? channel : { ...channel, guild_id: String(this.guild.id) };
  }

  may(needed: bigint): boolean {
    return (this.permissions & needed) === needed;
  }

  mayAny(anyOf: bigint): boolean {
    return (this.permissions & (anyOf | Permission.ADMINISTRATOR)) !== 0n;
  }

  /** Refuses with 50013 without one of these permissions; in a private channel with 50003. */
  require(anyOf: bigint): void {
    if (this.mayAny(anyOf)) return;
    throw refuse(this.guild === undefined ? 'NotOnPrivateChannel' : 'MissingPermissions');
  }

  /** Refuses with 50013 while the actor is in a timeout. */
  requireNoTimeout(): void {
    const { actor } = this;
    if (actor === undefined || this.mayAny(0n)) return;
    if (isTimedOut(actor, this.nowMs)) throw refuse('MissingPermissions');
  }

  /** A user of the guild or private channel as it is now. */
  user(userId: bigint): User | undefined {
    if (this.#topic.kind === TopicKind.PrivateChannel) return this.#topic.recipients.get(userId);
    return this.#topic.member(userId)?.user;
  }

  /**
   * The message. Refuses with 10008 if there is none. Throws `unavailable` if it is not known: it
   * was loaded before the decision, so the topic has been let go and taken since, and the caller
   * tries again.
   */
  message(messageId: bigint): CachedMessage {
    const entry = this.messages.get(this.channelId, messageId);
    if (entry !== undefined) return entry;
    if (this.messages.isAbsent(this.channelId, messageId)) throw refuse('UnknownMessage');
    throw new Fault(FaultCode.Unavailable, 'the message was let go');
  }

  /**
   * There is a new message. In a quiet private channel all are told that there is a channel: also
   * who writes, since that may be who had closed it.
   */
  noteMessage(messageId: bigint, changes: Changes): void {
    if (this.#channel !== undefined) {
      this.#channel.lastMessageId = messageId;
      return;
    }
    const channel = this.#topic as PrivateChannel;
    channel.lastMessageId = messageId;
    if (!channel.isQuiet) return;
    channel.isQuiet = false;
    changes.isTopicChanged = true;
    for (const userId of channel.recipients.keys()) {
      changes.tell(userId, { case: 'privateChannelActive', value: { topicId: channel.id } });
    }
  }

  /** There is a new pin. */
  notePin(atMs: number, changes: Changes): void {
    if (this.#channel === undefined) {
      (this.#topic as PrivateChannel).lastPinTimestampMs = atMs;
      changes.isTopicChanged = true;
    } else {
      this.#channel.lastPinTimestampMs = atMs;
      changes.put('channels', [this.channelId], channelDocument(this.#channel));
    }
  }

  /** Whether nobody here could read a message of this actor but bots, and it is one itself. */
  get isAmongBots(): boolean {
    if (this.#topic.kind === TopicKind.Guild) return false;
    return [...this.#topic.recipients.values()].every(({ bot }) => bot);
  }
}
