/**
 * Keeps who is online in the guilds held here, for GUILD_CREATE and member queries. Presences are
 * another app's and are never stored: a guild that is loaded asks for them, changes are heard, and
 * when users have changed hands they are asked for again, since the new owner knows only who is
 * there and not who left.
 */
import { create, fromBinary } from '@bufbuild/protobuf';
import { callAll, type Bus, type Subscription } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import {
  EventBatchSchema,
  PARTITIONS_TAKEN_SUBJECT,
  partitionEphemeral,
  PresenceDirectory,
  TopicEventSchema,
  type TopicEvent,
  type UserPresence,
} from '@guildhall/contracts';
import { TopicKind } from '../domain/topic-kind.js';
import type { Guild } from '../domain/guild.js';
import type { PresenceJson } from '../domain/presences.js';
import type { Events } from '../events.js';
import type { HeldTopic } from './held-topic.js';
import type { TopicHost } from './topic-host.js';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const PRESENCE_UPDATE = 'PRESENCE_UPDATE';

export interface PresenceListenerOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly host: TopicHost;
  readonly events: Events;
  /** How many presence instances there are to answer. */
  readonly presenceInstancesCount: () => number;
  readonly settleMs: number;
  readonly timeoutMs: number;
  /** Tells followers of presences that ended without a word. */
  readonly publish: (topicId: bigint, events: readonly TopicEvent[]) => void;
}

export class PresenceListener {
  readonly #options: PresenceListenerOptions;
  readonly #heardWhileAsking = new Map<Guild, Set<bigint>>();
  #taken: Subscription | undefined;

  constructor(options: PresenceListenerOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, clock, settleMs } = this.#options;
    this.#taken = bus.subscribe(PARTITIONS_TAKEN_SUBJECT, () => {
      clock.setTimer(settleMs, () => void this.#askAll());
    });
  }

  stop(): void {
    this.#taken?.unsubscribe();
  }

  /** Hears the presences of the topics of a partition. */
  listen(partition: number): Subscription {
    return this.#options.bus.subscribe(partitionEphemeral(partition), (payload) => {
      for (const event of fromBinary(EventBatchSchema, payload).events) {
        if (event.type !== PRESENCE_UPDATE) continue;
        const held = this.#options.host.peek(event.topicId);
        if (held?.topic.kind !== TopicKind.Guild) continue;
        this.#heardWhileAsking.get(held.topic)?.add(event.subjectUserId);
        const presence = JSON.parse(decoder.decode(event.data)) as PresenceJson;
        setPresence(held.topic, event.subjectUserId, presence);
      }
    });
  }

  /** Asks who is online in a guild that was loaded. Never rejects. */
  async ask(held: HeldTopic): Promise<void> {
    if (held.topic.kind !== TopicKind.Guild) return;
    const guild = held.topic;
    const heard = new Set<bigint>();
    this.#heardWhileAsking.set(guild, heard);
    try {
      await this.#ask(guild, heard);
    } catch (error) {
      this.#options.events.backgroundFailed('asking for presences', error);
    } finally {
      this.#heardWhileAsking.delete(guild);
    }
  }

  async #askAll(): Promise<void> {
    for (const held of [...this.#options.host.all()]) await this.ask(held);
  }

  /** What was heard meanwhile is newer than any answer. */
  async #ask(guild: Guild, heard: ReadonlySet<bigint>): Promise<void> {
    const { bus, presenceInstancesCount, timeoutMs } = this.#options;
    const expected = presenceInstancesCount();
    if (expected === 0) return;
    const { replies } = await callAll(
      bus,
      PresenceDirectory.method.listTopic,
      { topicId: guild.id },
      { timeoutMs, expected },
    );
    const online = new Set<bigint>();
    for (const presence of replies.flatMap((reply) => reply.presences)) {
      online.add(presence.userId);
      if (!heard.has(presence.userId)) {
        setPresence(guild, presence.userId, presenceJson(guild.id, presence));
      }
    }
    // Fewer answers than instances: who is missing may be on the one that did not answer.
    if (replies.length < expected) return;
    const gone = [...guild.presences.userIds()].filter(
      (userId) => !online.has(userId) && !heard.has(userId),
    );
    if (gone.length === 0) return;
    for (const userId of gone) guild.presences.delete(userId);
    this.#options.publish(
      guild.id,
      gone.map((userId) => offline(guild.id, userId)),
    );
  }
}

/** Only members have a presence in a guild; who left may still be heard of for a moment. */
function setPresence(guild: Guild, userId: bigint, presence: PresenceJson): void {
  if (guild.member(userId) !== undefined) guild.presences.set(userId, presence);
}

function presenceJson(guildId: bigint, presence: UserPresence): PresenceJson {
  return {
    user: { id: String(presence.userId) },
    guild_id: String(guildId),
    status: presence.status,
    activities: parse(presence.activitiesJson, []),
    client_status: parse(presence.clientStatusJson, {}),
  } as PresenceJson;
}

function parse(bytes: Uint8Array, whenEmpty: object): unknown {
  return bytes.length === 0 ? whenEmpty : JSON.parse(decoder.decode(bytes));
}

function offline(topicId: bigint, userId: bigint): TopicEvent {
  const data = {
    user: { id: String(userId) },
    guild_id: String(topicId),
    status: 'offline',
    activities: [],
    client_status: {},
  };
  return create(TopicEventSchema, {
    topicId,
    type: PRESENCE_UPDATE,
    data: encoder.encode(JSON.stringify(data)),
    subjectUserId: userId,
    exceptUserId: userId,
  });
}
