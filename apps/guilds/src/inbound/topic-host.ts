/**
 * Runs commands and queries on the topics this process owns: finds the topic (taking and loading it
 * if need be), lets the domain decide, commits, publishes, answers. See held-topic.ts for the order
 * in which things leave a topic.
 *
 * What this relies on: this process is the only one that writes a topic for as long as its epoch
 * stands, and the commit checks that. So a failed commit means that memory says more than the truth
 * does, and the only cure is to forget the topic and read it again.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { DeliverRequestSchema, TopicEventSchema, type TopicEvent } from '@guildhall/contracts';
import type { Clock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import { PARTITIONS_COUNT, partitionOf, type SnowflakeMint } from '@guildhall/snowflake';
import { SPAN, type TraceContext, type Tracer } from '@guildhall/telemetry';
import { Changes, type EventDraft } from '../domain/changes.js';
import { restoreTopic, type Topic, type TopicKind } from '../domain/topic.js';
import type { CommitEntry, GroupCommit } from '../outbound/group-commit.js';
import type { StoredErrand, StoredTopic, TopicStore } from '../outbound/topic-store.js';
import { HeldTopic, type Output, type Publisher } from './held-topic.js';

/** Which topic a request is about: by its id, or by a channel in it. */
export interface TopicRef {
  /** 0n: not known. */
  readonly topicId: bigint;
  /** 0n: none. A private channel is its own topic. */
  readonly channelId: bigint;
}

/** The `command` of a request. */
export interface CommandInit {
  readonly commandId: bigint;
  readonly actorId: bigint;
  readonly actorIsBot: boolean;
  readonly reason: string;
}

export interface QueryOptions {
  /** The kinds this request is for; any other is answered as unknown. */
  readonly kinds: readonly TopicKind[];
  /** What to throw when there is no such topic (10003 for a channel, 10004 for a guild ...). */
  readonly refuseUnknown: () => Error;
  /** Makes the topic if it does not exist: its first state. It is born with its first commit. */
  readonly create?: (topicId: bigint) => Topic;
}

export interface CommandOptions extends QueryOptions {
  /** Answers only when other topics have been told, or `errandWaitMs` have passed. */
  readonly awaitErrands?: boolean;
}

/** Runs errands to other topics, at least once each. */
export interface Courier {
  /** Resolves when all were run. Never rejects: what fails is tried again later. */
  run(errands: readonly StoredErrand[]): Promise<void>;
}

export interface TopicHostOptions {
  readonly store: TopicStore;
  readonly commit: GroupCommit;
  readonly publisher: Publisher;
  readonly courier: Courier;
  readonly clock: Clock;
  readonly mint: SnowflakeMint;
  readonly random: () => number;
  readonly ownsPartition: (partition: number) => boolean;
  /** Told after a topic was loaded, so that what is not stored (presences) can be asked for. */
  readonly onLoaded: (held: HeldTopic) => void;
  readonly onLost: (topicId: bigint, fault: Fault) => void;
  readonly topicsMax: number;
  readonly tailMax: number;
  readonly tailBytesMax: number;
  readonly repliesMax: number;
  /** How long an answer is remembered for a command that comes twice: longer than callers retry. */
  readonly replyKeepMs: number;
  readonly errandWaitMs: number;
  readonly tracer: Tracer;
}

export class TopicHost {
  readonly #options: TopicHostOptions;
  readonly #held = new Map<bigint, HeldTopic>();
  readonly #loading = new Map<bigint, Promise<HeldTopic | undefined>>();
  readonly #topicsByChannel = new Map<bigint, bigint>();
  /** By partition, how often it was let go: what was being loaded then may be another's by now. */
  readonly #releases = new Uint32Array(PARTITIONS_COUNT);

  constructor(options: TopicHostOptions) {
    this.#options = options;
  }

  /** How many topics are in memory. */
  get heldCount(): number {
    return this.#held.size;
  }

  /**
   * Decides a command. `decide` runs once, synchronously, on the loaded topic; the encoded message
   * it returns is the answer when the changes are committed. A command that was done before is
   * answered as it was then. Rejects with what `decide` throws; with wrong_owner, unavailable or
   * overloaded when the caller should try again, with the same command id.
   */
  async command<T extends Topic>(
    ref: TopicRef,
    command: CommandInit,
    options: CommandOptions,
    decide: (topic: T, changes: Changes) => Uint8Array,
    trace?: TraceContext,
  ): Promise<Uint8Array> {
    const held = await this.#hold(ref, options);
    this.#checkStill(held);
    const known = held.replyTo(command.commandId) ?? held.underway.get(command.commandId);
    if (known !== undefined) return known;
    if (this.#options.commit.isFull) {
      throw new Fault(FaultCode.Overloaded, 'too many commands are waiting to be committed');
    }
    const done = this.#decide(held, command, options, decide, trace);
    if (command.commandId === 0n) return done;
    held.underway.set(command.commandId, done);
    try {
      return await done;
    } finally {
      held.underway.delete(command.commandId);
    }
  }

  /** Reads a topic. `read` runs synchronously; its answer leaves when what it saw is committed. */
  async query<T extends Topic>(
    ref: TopicRef,
    options: QueryOptions,
    read: (topic: T, held: HeldTopic) => Uint8Array,
  ): Promise<Uint8Array> {
    const held = await this.#hold(ref, options);
    this.#checkStill(held);
    const answer = read(held.topic as T, held);
    return new Promise((resolve, reject) => {
      held.enqueue(
        {
          isReady: true,
          events: [],
          ephemeral: [],
          trace: undefined,
          answer: () => resolve(answer),
          fail: reject,
        },
        this.#options.publisher,
      );
    });
  }

  /**
   * The loaded topic, for work that must await before it decides. By the time of the decision the
   * topic may have been forgotten and loaded again: `decide` is given the one that counts.
   */
  async topic<T extends Topic>(ref: TopicRef, options: QueryOptions): Promise<T> {
    return (await this.#hold(ref, options)).topic as T;
  }

  /** The topic as it is held. */
  loaded(ref: TopicRef, options: QueryOptions): Promise<HeldTopic> {
    return this.#hold(ref, options);
  }

  /** The topic if it is in memory and ours; for what is only of use then (presences, followers). */
  peek(topicId: bigint): HeldTopic | undefined {
    return this.#held.get(topicId);
  }

  /** All topics in memory. */
  all(): IterableIterator<HeldTopic> {
    return this.#held.values();
  }

  /** Loads a topic ahead of need. Resolves to undefined if there is none, or it is not ours. */
  async warm(topicId: bigint): Promise<HeldTopic | undefined> {
    if (!this.#options.ownsPartition(partitionOf(topicId))) return undefined;
    return this.#find(topicId, undefined);
  }

  /**
   * Lets go of partitions that are another's now: their topics are not to be found any more when this
   * returns, and forgotten when what was under way is committed. A partition that comes back
   * meanwhile is read again, since another may have written it in between.
   */
  async release(partitions: ReadonlySet<number>): Promise<void> {
    for (const partition of partitions) this.#releases[partition]! += 1;
    const leaving = [...this.#held.values()].filter(({ topic }) =>
      partitions.has(partitionOf(topic.id)),
    );
    for (const held of leaving) this.#unlist(held);
    await this.#options.commit.settled();
    const fault = new Fault(FaultCode.WrongOwner, 'the partition has another owner');
    for (const held of leaving) this.#forget(held, fault);
  }

  /** Forgets the topics unused for longest until the bound holds. Followed and busy ones stay. */
  evict(): void {
    const over = this.#held.size - this.#options.topicsMax;
    if (over <= 0) return;
    const idle = [...this.#held.values()]
      .filter((held) => held.isQuiet && held.followers.size === 0)
      .sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    const fault = new Fault(FaultCode.Unavailable, 'the topic was unloaded');
    for (const held of idle.slice(0, over)) this.#forget(held, fault);
  }

  async #hold(ref: TopicRef, options: QueryOptions): Promise<HeldTopic> {
    const anyId = ref.topicId !== 0n ? ref.topicId : ref.channelId;
    if (!this.#options.ownsPartition(partitionOf(anyId))) {
      throw new Fault(FaultCode.WrongOwner, 'this instance does not own the partition');
    }
    const topicId = await this.#resolve(ref);
    const held = await this.#find(topicId, options.create);
    if (held === undefined || !options.kinds.includes(held.topic.kind))
      throw options.refuseUnknown();
    held.lastUsedMs = this.#options.clock.nowMs();
    return held;
  }

  async #resolve(ref: TopicRef): Promise<bigint> {
    if (ref.topicId !== 0n) return ref.topicId;
    const known = this.#topicsByChannel.get(ref.channelId);
    if (known !== undefined) return known;
    if (this.#held.has(ref.channelId)) return ref.channelId;
    return (await this.#options.store.topicOfChannel(ref.channelId)) ?? ref.channelId;
  }

  #find(
    topicId: bigint,
    makeNew: ((topicId: bigint) => Topic) | undefined,
  ): HeldTopic | Promise<HeldTopic | undefined> {
    const held = this.#held.get(topicId);
    if (held !== undefined) return held;
    const loading = this.#loading.get(topicId);
    // A load that may not create does not serve a caller that may.
    if (loading !== undefined) {
      return loading.then((found) => found ?? (makeNew ? this.#find(topicId, makeNew) : undefined));
    }
    const load = this.#load(topicId, makeNew).finally(() => this.#loading.delete(topicId));
    this.#loading.set(topicId, load);
    return load;
  }

  async #load(
    topicId: bigint,
    makeNew: ((topicId: bigint) => Topic) | undefined,
  ): Promise<HeldTopic | undefined> {
    const { store, clock, tailMax, tailBytesMax, repliesMax, replyKeepMs } = this.#options;
    const partition = partitionOf(topicId);
    const releasesCount = this.#releases[partition];
    const stored = await store.claim(topicId, makeNew !== undefined);
    if (this.#releases[partition] !== releasesCount) throw justLost();
    if (stored === undefined) return undefined;
    const topic = stored.kind === 0 ? makeNew?.(topicId) : restoreTopic(stored);
    if (topic === undefined) return undefined;
    const held = new HeldTopic({
      topic,
      epoch: stored.epoch,
      seq: stored.seq,
      nowMs: clock.nowMs(),
      isBorn: stored.kind !== 0,
      tailMax,
      tailBytesMax,
      repliesMax,
      replyKeepMs,
    });
    this.#recall(held, stored);
    this.#held.set(topicId, held);
    // Before any new ones, so that what one topic tells another is told in order.
    if (stored.errands.length > 0) void this.#options.courier.run(stored.errands);
    for (const row of stored.rows.get('channels') ?? []) {
      this.#noteChannel(held, row.key[0] as bigint, true);
    }
    this.#options.onLoaded(held);
    return held;
  }

  /** What was published and answered before this process took the topic. */
  #recall(held: HeldTopic, stored: StoredTopic): void {
    held.append(stored.recentEvents.map((logged) => logged.event));
    for (const { event, reply } of stored.recentEvents) {
      if (reply !== undefined) held.remember(event.commandId, reply, Number(event.atUs / 1_000n));
    }
  }

  #decide<T extends Topic>(
    held: HeldTopic,
    command: CommandInit,
    options: CommandOptions,
    decide: (topic: T, changes: Changes) => Uint8Array,
    trace: TraceContext | undefined,
  ): Promise<Uint8Array> {
    const { clock, mint, random } = this.#options;
    const partition = partitionOf(held.topic.id);
    const changes = new Changes({
      topicId: held.topic.id,
      commandId: command.commandId,
      actorId: command.actorId,
      actorIsBot: command.actorIsBot,
      reason: command.reason,
      nowMs: clock.nowMs(),
      mint: (floor) => mint.mint(partition, floor),
      random,
    });
    let reply: Uint8Array;
    try {
      reply = decide(held.topic as T, changes);
    } catch (error) {
      // A refusal comes before anything is touched. Whatever else happened, memory is not to be
      // believed.
      const isRefusal = error instanceof Fault && changes.rows.length + changes.events.length === 0;
      if (!isRefusal || !held.isBorn) this.#forget(held, Fault.from(error));
      throw error;
    }
    return new Promise((resolve, reject) =>
      this.#enqueue(held, changes, options, reply, trace, resolve, reject),
    );
  }

  #enqueue(
    held: HeldTopic,
    changes: Changes,
    options: CommandOptions,
    reply: Uint8Array,
    trace: TraceContext | undefined,
    resolve: (reply: Uint8Array) => void,
    reject: (error: Error) => void,
  ): void {
    const events = changes.events.map((draft) => this.#event(held, changes, draft));
    const errands = this.#errands(changes);
    const isWritten =
      events.length + errands.length + changes.rows.length > 0 ||
      changes.isTopicChanged ||
      changes.isTopicDeleted;
    const output: Output = {
      isReady: !isWritten,
      events,
      ephemeral: changes.ephemeral.map((draft) => topicEvent(held.topic.id, 0n, changes, draft)),
      trace,
      answer: () => {
        held.remember(changes.commandId, reply, this.#options.clock.nowMs());
        if (errands.length === 0) return resolve(reply);
        const run = this.#options.courier.run(errands);
        if (!options.awaitErrands) return resolve(reply);
        const timer = this.#options.clock.setTimer(this.#options.errandWaitMs, () =>
          resolve(reply),
        );
        void run.then(() => {
          timer.cancel();
          resolve(reply);
        });
      },
      fail: reject,
    };
    this.#noteChannels(held, changes);
    held.enqueue(output, this.#options.publisher);
    if (isWritten) this.#options.commit.add(this.#entry(held, changes, output, errands, reply));
    if (changes.isTopicDeleted) this.#unlist(held);
  }

  #entry(
    held: HeldTopic,
    changes: Changes,
    output: Output,
    errands: readonly StoredErrand[],
    reply: Uint8Array,
  ): CommitEntry {
    const span = this.#options.tracer.child(output.trace, SPAN.storeCommit);
    return {
      topicId: held.topic.id,
      epoch: held.epoch,
      seq: held.seq,
      commandId: changes.commandId,
      events: output.events.map((event) => toBinary(TopicEventSchema, event)),
      reply,
      rows: changes.rows,
      errands,
      // With its first commit a topic begins, whatever that commit is about.
      document: changes.isTopicChanged || !held.isBorn ? held.topic.toDocument() : undefined,
      kind: held.topic.kind,
      isDeleted: changes.isTopicDeleted,
      settled: (fault) => {
        if (fault !== undefined) span?.fail(fault.code);
        span?.end();
        if (fault !== undefined) return this.#forget(held, retryable(fault));
        held.isBorn = true;
        output.isReady = true;
        held.lastPublishedMs = this.#options.clock.nowMs();
        held.release(this.#options.publisher);
      },
    };
  }

  #event(held: HeldTopic, changes: Changes, draft: EventDraft): TopicEvent {
    held.seq += 1n;
    return topicEvent(held.topic.id, held.seq, changes, draft);
  }

  #errands(changes: Changes): StoredErrand[] {
    return changes.errands.map(({ topicId, action }) => {
      const errandId = changes.mint();
      const request = toBinary(
        DeliverRequestSchema,
        create(DeliverRequestSchema, {
          command: { commandId: errandId, topicId },
          fromTopicId: changes.topicId,
          action,
        }),
      );
      return { topicId: changes.topicId, errandId, targetTopicId: topicId, request };
    });
  }

  #noteChannels(held: HeldTopic, changes: Changes): void {
    for (const { table, key, document } of changes.rows) {
      if (table !== 'channels') continue;
      this.#noteChannel(held, key[0] as bigint, document !== undefined);
    }
  }

  #unlist(held: HeldTopic): void {
    if (this.#held.get(held.topic.id) !== held) return;
    this.#held.delete(held.topic.id);
    for (const channelId of held.channelIds) this.#topicsByChannel.delete(channelId);
  }

  #noteChannel(held: HeldTopic, channelId: bigint, isThere: boolean): void {
    if (isThere) {
      held.channelIds.add(channelId);
      this.#topicsByChannel.set(channelId, held.topic.id);
    } else {
      held.channelIds.delete(channelId);
      this.#topicsByChannel.delete(channelId);
    }
  }

  /** Throws if the topic was let go between being found and being used. */
  #checkStill(held: HeldTopic): void {
    if (held.isLost || this.#held.get(held.topic.id) !== held) throw justLost();
  }

  #forget(held: HeldTopic, fault: Fault): void {
    if (held.isLost) return;
    this.#unlist(held);
    held.lose(fault);
    this.#options.onLost(held.topic.id, fault);
  }
}

const justLost = (): Fault => new Fault(FaultCode.Unavailable, 'the topic was just let go');

/** Whatever kept a commit from being made, the command may be tried again. */
function retryable(fault: Fault): Fault {
  if (fault.code === FaultCode.WrongOwner || fault.code === FaultCode.Unavailable) return fault;
  return new Fault(FaultCode.Unavailable, 'the change could not be committed', { cause: fault });
}

const encoder = new TextEncoder();

function topicEvent(topicId: bigint, seq: bigint, changes: Changes, draft: EventDraft): TopicEvent {
  return create(TopicEventSchema, {
    topicId,
    seq,
    type: draft.type,
    data: encoder.encode(JSON.stringify(draft.data)),
    channelId: draft.channelId ?? 0n,
    authorId: draft.authorId ?? 0n,
    subjectUserId: draft.subjectUserId ?? 0n,
    mentionedUserIds: [...(draft.mentionedUserIds ?? [])],
    exceptUserId: draft.exceptUserId ?? 0n,
    onlyUserIds: [...(draft.onlyUserIds ?? [])],
    ...(draft.visibility === undefined ? {} : { visibility: draft.visibility }),
    atUs: BigInt(changes.nowMs) * 1000n,
    commandId: changes.commandId,
    hasContent: draft.hasContent ?? false,
  });
}
