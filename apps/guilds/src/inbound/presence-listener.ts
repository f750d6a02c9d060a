/**
 * Keeps who is online in the guilds held here, for GUILD_CREATE and member queries. Presences are
 * another app's and are never stored: a guild that is loaded asks for them, changes are heard, and
 * when users have changed hands they are asked for again, since the new owner knows only who is
 * there, and neither who left nor what the owner before did not get to say. What is found to be
 * otherwise then is told to the guild.
 *
 * It also notices who is gone: a user without any session, invisible ones included, is in no voice
 * channel, and no temporary member. Presence says so when it happens. What was not heard (this
 * guild was not loaded, or presence died as well) is found by looking: who is absent twice, with a
 * grace in between, is gone.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { callAll, type Bus, type Subscription } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import {
  EventBatchSchema,
  PARTITIONS_TAKEN_SUBJECT,
  partitionEphemeral,
  PresenceDirectory,
  refuse,
  Signal,
  type ListTopicReply,
  type TopicEvent,
} from '@guildhall/contracts';
import { mayGo, userWentOffline } from '../domain/member-decisions.js';
import { TopicKind } from '../domain/topic-kind.js';
import type { Guild } from '../domain/guild.js';
import type { PresenceJson } from '../domain/presences.js';
import type { Events } from '../events.js';
import type { HeldTopic } from './held-topic.js';
import { isSamePresence, offlineJson, presenceEvent, presenceJson } from './presence-events.js';
import { done } from './replies.js';
import type { CommandInit, CommandOptions, TopicHost } from './topic-host.js';
import type { TopicShelf } from './topic-shelf.js';

const decoder = new TextDecoder();
/** The fleet's own decision. Without an id: it may be made twice. */
const BY_ITSELF: CommandInit = { commandId: 0n, actorId: 0n, actorIsBot: false, reason: '' };
const GUILD: CommandOptions = {
  kinds: [TopicKind.Guild],
  refuseUnknown: () => refuse('UnknownGuild'),
};
/** Guilds asked about at once after users changed hands. */
const ASKED_AT_ONCE = 16;

export interface PresenceListenerOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly host: TopicHost;
  readonly shelf: TopicShelf;
  readonly events: Events;
  /** How many presence instances there are to answer. */
  readonly presenceInstancesCount: () => number;
  readonly settleMs: number;
  readonly timeoutMs: number;
  /** How long somebody who is not there may take to come back before it is gone. */
  readonly absentGraceMs: number;
  /** Tells followers of presences that changed without a word. */
  readonly publish: (topicId: bigint, events: readonly TopicEvent[]) => void;
}

/** What all presence instances together say of a guild. */
interface Attendance {
  readonly presences: ReadonlyMap<bigint, PresenceJson>;
  /** Everybody with a session; undefined while somebody may be missing. */
  readonly present: ReadonlySet<bigint> | undefined;
  /** Every instance has answered. */
  readonly isComplete: boolean;
}

export class PresenceListener {
  readonly #options: PresenceListenerOptions;
  readonly #heardWhileAsking = new Map<Guild, Set<bigint>>();
  /** By guild, when it is looked into again. */
  readonly #looks = new Map<Guild, Timer>();
  #taken: Subscription | undefined;
  #askingAgain: Timer | undefined;

  constructor(options: PresenceListenerOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, clock, settleMs } = this.#options;
    this.#taken = bus.subscribe(PARTITIONS_TAKEN_SUBJECT, () => {
      // Once, when the last of several who share what was another's has had its time.
      this.#askingAgain?.cancel();
      this.#askingAgain = clock.setTimer(settleMs, () => void this.#askAll());
    });
  }

  stop(): void {
    this.#taken?.unsubscribe();
    this.#askingAgain?.cancel();
    for (const timer of this.#looks.values()) timer.cancel();
    this.#looks.clear();
  }

  /** Hears the presences of the topics of a partition. */
  listen(partition: number): Subscription {
    return this.#options.bus.subscribe(partitionEphemeral(partition), (payload) => {
      for (const event of fromBinary(EventBatchSchema, payload).events) this.#hear(event);
    });
  }

  /** Asks who is online in a guild that was loaded. Never rejects. */
  async ask(held: HeldTopic): Promise<void> {
    await this.#ask(held, { isRepeat: false, suspects: undefined });
  }

  #hear(event: TopicEvent): void {
    const isPresence = event.type === 'PRESENCE_UPDATE';
    if (!isPresence && event.type !== Signal.UsersGone) return;
    const held = this.#options.shelf.peek(event.topicId);
    if (held?.topic.kind !== TopicKind.Guild) return;
    const data: unknown = JSON.parse(decoder.decode(event.data));
    if (isPresence) {
      this.#heardWhileAsking.get(held.topic)?.add(event.subjectUserId);
      setPresence(held.topic, event.subjectUserId, data as PresenceJson);
    } else {
      const { user_ids: userIds } = data as { user_ids: string[] };
      this.#end(held.topic, userIds.map(BigInt));
    }
  }

  async #askAll(): Promise<void> {
    const held = [...this.#options.shelf.all()];
    for (let at = 0; at < held.length; at += ASKED_AT_ONCE) {
      const some = held.slice(at, at + ASKED_AT_ONCE);
      await Promise.all(some.map((one) => this.#ask(one, { isRepeat: true, suspects: undefined })));
    }
  }

  /** `suspects` were absent when this was last asked. */
  async #ask(
    held: HeldTopic,
    { isRepeat, suspects }: { isRepeat: boolean; suspects: ReadonlySet<bigint> | undefined },
  ): Promise<void> {
    const guild = held.topic;
    if (guild.kind !== TopicKind.Guild || held.isLost) return;
    const heard = new Set<bigint>();
    this.#heardWhileAsking.set(guild, heard);
    try {
      const attendance = await this.#attendance(guild);
      this.#update(guild, attendance, heard, isRepeat);
      this.#lookForGone(held, attendance, heard, suspects);
    } catch (error) {
      this.#options.events.backgroundFailed('asking for presences', error);
      this.#lookLater(held, suspects);
    } finally {
      if (this.#heardWhileAsking.get(guild) === heard) this.#heardWhileAsking.delete(guild);
    }
  }

  async #attendance(guild: Guild): Promise<Attendance> {
    const { bus, presenceInstancesCount, timeoutMs } = this.#options;
    const expected = presenceInstancesCount();
    const replies: ListTopicReply[] = [];
    if (expected > 0) {
      const method = PresenceDirectory.method.listTopic;
      const options = { timeoutMs, expected };
      replies.push(...(await callAll(bus, method, { topicId: guild.id }, options)).replies);
    }
    const presences = new Map(
      replies
        .flatMap((reply) => reply.presences)
        .map((presence) => [presence.userId, presenceJson(guild.id, presence)]),
    );
    // Fewer answers than instances: who is missing may be on the one that did not answer.
    const isComplete = expected > 0 && replies.length >= expected;
    const isCertain = isComplete && !replies.some(({ isSettling }) => isSettling);
    const hidden = replies.flatMap((reply) => reply.hiddenUserIds);
    const present = isCertain ? new Set([...presences.keys(), ...hidden]) : undefined;
    return { presences, present, isComplete };
  }

  /** What was heard meanwhile is newer than any answer. */
  #update(
    guild: Guild,
    { presences, isComplete }: Attendance,
    heard: ReadonlySet<bigint>,
    isRepeat: boolean,
  ): void {
    const changes: TopicEvent[] = [];
    for (const [userId, presence] of presences) {
      if (heard.has(userId) || guild.member(userId) === undefined) continue;
      const before = guild.presences.get(userId);
      if (isRepeat && !isSamePresence(before, presence)) {
        changes.push(presenceEvent(guild.id, userId, presence));
      }
      setPresence(guild, userId, presence);
    }
    if (isComplete) {
      for (const userId of [...guild.presences.userIds()]) {
        if (presences.has(userId) || heard.has(userId)) continue;
        guild.presences.delete(userId);
        changes.push(presenceEvent(guild.id, userId, offlineJson(guild.id, userId)));
      }
    }
    if (changes.length > 0) this.#options.publish(guild.id, changes);
  }

  #lookForGone(
    held: HeldTopic,
    { present }: Attendance,
    heard: ReadonlySet<bigint>,
    suspects: ReadonlySet<bigint> | undefined,
  ): void {
    const guild = held.topic as Guild;
    const isAbsent = (userId: bigint): boolean =>
      present !== undefined && !present.has(userId) && !heard.has(userId);
    const absent = [...guild.members.keys()].filter(
      (userId) => mayGo(guild, userId) && (present === undefined || isAbsent(userId)),
    );
    const gone = absent.filter((userId) => isAbsent(userId) && suspects?.has(userId) === true);
    this.#end(guild, gone);
    if (absent.length === 0) return;
    this.#lookLater(held, present === undefined ? suspects : new Set(absent));
  }

  #lookLater(held: HeldTopic, suspects: ReadonlySet<bigint> | undefined): void {
    const guild = held.topic as Guild;
    this.#looks.get(guild)?.cancel();
    const timer = this.#options.clock.setTimer(this.#options.absentGraceMs, () => {
      this.#looks.delete(guild);
      void this.#ask(held, { isRepeat: true, suspects });
    });
    this.#looks.set(guild, timer);
  }

  #end(guild: Guild, userIds: readonly bigint[]): void {
    for (const userId of userIds) {
      if (mayGo(guild, userId)) void this.#letGo(guild.id, userId);
    }
  }

  async #letGo(guildId: bigint, userId: bigint): Promise<void> {
    const { host, events } = this.#options;
    try {
      await host.command<Guild>(
        { topicId: guildId, channelId: 0n },
        BY_ITSELF,
        GUILD,
        (now, made) => {
          userWentOffline(now, userId, made);
          return done();
        },
      );
    } catch (error) {
      events.backgroundFailed('letting go of who is gone', error);
    }
  }
}

/** Only members have a presence in a guild; who left may still be heard of for a moment. */
function setPresence(guild: Guild, userId: bigint, presence: PresenceJson): void {
  if (guild.member(userId) !== undefined) guild.presences.set(userId, presence);
}
