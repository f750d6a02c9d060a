// Which session gets which event, apart from the channels it may view (see audience-table.ts).
import type { TopicEvent } from '@guildhall/contracts';
import { DispatchEvent, Intent, intentsFor } from '@guildhall/gateway-protocol';

/** A guild, a private channel, or a user's own inbox. */
export type TopicKind = 'guild' | 'private' | 'user';

/** What the rules need to know of a session. */
export interface Subscriber {
  readonly userId: bigint;
  readonly intents: number;
  readonly isBot: boolean;
  /** The only shard, or shard 0: what has no guild goes there alone. */
  readonly isFirstShard: boolean;
}

/** Events that only the protocol of people's clients knows. */
const PEOPLE_ONLY: ReadonlySet<string> = new Set<string>([
  DispatchEvent.SessionsReplace,
  DispatchEvent.MessageAck,
  DispatchEvent.ChannelPinsAck,
  DispatchEvent.GuildFeatureAck,
  DispatchEvent.UserNonChannelAck,
  DispatchEvent.ChannelUnreadUpdate,
  DispatchEvent.PassiveUpdateV1,
  DispatchEvent.PassiveUpdateV2,
  DispatchEvent.RelationshipAdd,
  DispatchEvent.RelationshipUpdate,
  DispatchEvent.RelationshipRemove,
  DispatchEvent.UserSettingsProtoUpdate,
  DispatchEvent.UserGuildSettingsUpdate,
  DispatchEvent.UserNoteUpdate,
  DispatchEvent.GuildMemberListUpdate,
]);

const CARRIES_CONTENT: ReadonlySet<string> = new Set<string>([
  DispatchEvent.MessageCreate,
  DispatchEvent.MessageUpdate,
]);

/** The rules for one event, looked up once and then asked for each session. */
export class EventRules {
  readonly #event: TopicEvent;
  readonly #kind: TopicKind;
  readonly #intents: number;
  readonly #isForPeople: boolean;
  readonly #hasContent: boolean;
  readonly #only: ReadonlySet<bigint> | undefined;

  constructor(event: TopicEvent, kind: TopicKind) {
    this.#event = event;
    this.#kind = kind;
    // A user's own topic tells of its private channels.
    this.#intents = intentsFor(event.type, kind !== 'guild');
    this.#isForPeople = PEOPLE_ONLY.has(event.type);
    this.#hasContent = kind === 'guild' && (event.hasContent || CARRIES_CONTENT.has(event.type));
    this.#only = event.onlyUserIds.length === 0 ? undefined : new Set(event.onlyUserIds);
  }

  /** Hot path. Whether the session is to be told at all. */
  admits(subscriber: Subscriber): boolean {
    const { userId, intents } = subscriber;
    if (userId === this.#event.exceptUserId) return false;
    if (this.#only !== undefined && !this.#only.has(userId)) return false;
    if (this.#isForPeople && subscriber.isBot) return false;
    if (this.#kind !== 'guild' && !subscriber.isFirstShard) return false;
    if (this.#intents === 0 || (intents & this.#intents) !== 0) return true;
    return this.#event.subjectUserId === userId;
  }

  /** Hot path. Whether it sees what was written; else only that something was. */
  seesContent(subscriber: Subscriber): boolean {
    if (!this.#hasContent || (subscriber.intents & Intent.MessageContent) !== 0) return true;
    const { authorId, mentionedUserIds } = this.#event;
    return authorId === subscriber.userId || mentionedUserIds.includes(subscriber.userId);
  }
}
