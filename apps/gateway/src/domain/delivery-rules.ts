// Which session gets which event, apart from the channels it may view (see audience-table.ts).
import type { TopicEvent } from '@guildhall/contracts';
import { DispatchEvent, Intent, intentsFor } from '@guildhall/gateway-protocol';

/** A guild, a private channel, or a user's own inbox. */
export type TopicKind = 'guild' | 'private' | 'user';

/** What the rules need to know of sessions that they treat alike. */
export interface ClassTraits {
  readonly intents: number;
  readonly isBot: boolean;
  /** The only shard, or shard 0: what has no guild goes there alone. */
  readonly isFirstShard: boolean;
}

/** What the rules need to know of a session. */
export interface Subscriber extends ClassTraits {
  readonly userId: bigint;
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

/** The rules for one event, looked up once and then asked for classes, or for single sessions. */
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

  /**
   * Hot path. Who of a class is told: everybody, nobody, or only the event's subject; in each case
   * but for those whom the event names as excepted, or when it names who alone is told.
   */
  admitsClass({ intents, isBot, isFirstShard }: ClassTraits): 'all' | 'subject' | 'nobody' {
    if (this.#isForPeople && isBot) return 'nobody';
    if (this.#kind !== 'guild' && !isFirstShard) return 'nobody';
    return this.#intents === 0 || (intents & this.#intents) !== 0 ? 'all' : 'subject';
  }

  /** Whether the session is to be told at all. */
  admits(subscriber: Subscriber): boolean {
    const { userId } = subscriber;
    if (userId === this.#event.exceptUserId) return false;
    if (this.#only !== undefined && !this.#only.has(userId)) return false;
    const told = this.admitsClass(subscriber);
    return told === 'all' || (told === 'subject' && this.#event.subjectUserId === userId);
  }

  /**
   * Hot path. Whether a class sees what was written; else only that something was, but for
   * `contentUserIds`.
   */
  classSeesContent({ intents }: ClassTraits): boolean {
    return !this.#hasContent || (intents & Intent.MessageContent) !== 0;
  }

  /** Users who see what was written whatever they asked for. */
  get contentUserIds(): readonly bigint[] {
    const { authorId, mentionedUserIds } = this.#event;
    return authorId === 0n ? mentionedUserIds : [authorId, ...mentionedUserIds];
  }

  /** Whether a session sees what was written. */
  seesContent(subscriber: Subscriber): boolean {
    if (this.classSeesContent(subscriber)) return true;
    const { authorId, mentionedUserIds } = this.#event;
    return authorId === subscriber.userId || mentionedUserIds.includes(subscriber.userId);
  }
}
