/**
 * Keeps who is online in the guilds held here, for GUILD_CREATE and member queries. Presences are another
 * app's and are never stored: a guild that is loaded asks for them, changes are heard, and when users have
 * changed hands they are asked for again, since the new owner knows only who is there and not who left.
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
} from '@guildhall/contracts';
import { TopicKind } from '../domain/topic-kind.js';
import type { Guild } from '../domain/guild.js';
import type { Events } from '../events.js';
import type { HeldTopic } from './held-topic.js';
import type { TopicHost } from './topic-host.js';

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
        held.topic.presences.put(event.subjectUserId, event.data);
      }
    });
  }

  /** Asks who is online in a guild that was loaded. Never rejects. */
  async ask(held: HeldTopic): Promise<void> {
    if (held.topic.kind !== TopicKind.Guild) return;
    const guild = held.topic;
    try {
      await this.#ask(guild);
    } catch (error) {
      this.#options.events.backgroundFailed('asking for presences', error);
    }
  }

  async #askAll(): Promise<void> {
    for (const held of [...this.#options.host.all()]) await this.ask(held);
  }

  async #ask(guild: Guild): Promise<void> {
    const { bus, presenceInstancesCount, timeoutMs } = this.#options;
    const expected = presenceInstancesCount();
    if (expected === 0) return;
    const askedAt = guild.presences.revision;
    const { replies } = await callAll(
      bus,
      PresenceDirectory.method.listTopic,
      { topicId: guild.id },
      { timeoutMs, expected },
    );
    const online = new Map(
      replies.flatMap((reply) => reply.presences).map((each) => [each.userId, each] as const),
    );
    for (const presence of online.values()) guild.presences.putMerged(guild.id, presence, askedAt);
    // Fewer answers than instances: who is missing may be on the one that did not answer.
    if (replies.length < expected) return;
    const gone = guild.presences.dropExcept(online, askedAt);
    if (gone.length === 0) return;
    this.#options.publish(
      guild.id,
      gone.map(({ userId, data }) => offline(guild.id, userId, data)),
    );
  }
}

function offline(topicId: bigint, userId: bigint, data: Uint8Array): TopicEvent {
  return create(TopicEventSchema, {
    topicId,
    type: PRESENCE_UPDATE,
    data,
    subjectUserId: userId,
    exceptUserId: userId,
  });
}
