/**
 * The topics this process holds: taken when they are asked for (which raises their epoch), read
 * whole, found by their id or by a channel in them, and let go when their partition is another's,
 * when they are not to be believed, or when there are too many.
 */
import type { Clock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import { PARTITIONS_COUNT, partitionOf } from '@guildhall/snowflake';
import type { TraceContext } from '@guildhall/telemetry';
import type { RowChange } from '../domain/tables.js';
import { restoreTopic, type Topic, type TopicKind } from '../domain/topic.js';
import type { StoredErrand, StoredTopic, TopicStore } from '../outbound/topic-store.js';
import { HeldTopic } from './held-topic.js';

/** Which topic a request is about: by its id, or by a channel in it. */
export interface TopicRef {
  /** 0n: not known. */
  readonly topicId: bigint;
  /** 0n: none. A private channel is its own topic. */
  readonly channelId: bigint;
}

export interface QueryOptions {
  /** The kinds this request is for; any other is answered as unknown. */
  readonly kinds: readonly TopicKind[];
  /** What to throw when there is no such topic (10003 for a channel, 10004 for a guild ...). */
  readonly refuseUnknown: () => Error;
  /** Makes the topic if it does not exist: its first state. It is born with its first commit. */
  readonly create?: (topicId: bigint) => Topic;
}

/** Runs errands to other topics, at least once each. */
export interface Courier {
  /**
   * Resolves when all were run. Never rejects: what fails is tried again later. `trace` is that of
   * the command they come from.
   */
  run(errands: readonly StoredErrand[], trace?: TraceContext): Promise<void>;
}

export interface TopicShelfOptions {
  readonly store: TopicStore;
  readonly courier: Courier;
  readonly clock: Clock;
  readonly ownsPartition: (partition: number) => boolean;
  /** Resolves when everything that was decided so far is committed, or has failed. */
  readonly settled: () => Promise<void>;
  /** Told after a topic was loaded, so that what is not stored (presences) can be asked for. */
  readonly onLoaded: (held: HeldTopic) => void;
  readonly onLost: (topicId: bigint, fault: Fault) => void;
  readonly topicsMax: number;
  readonly tailMax: number;
  readonly tailBytesMax: number;
  readonly repliesMax: number;
  /** How long an answer is remembered for a command that comes twice: longer than callers retry. */
  readonly replyKeepMs: number;
}

/** See the top of the file. */
export class TopicShelf {
  readonly #options: TopicShelfOptions;
  readonly #held = new Map<bigint, HeldTopic>();
  readonly #loading = new Map<bigint, Promise<HeldTopic | undefined>>();
  readonly #topicsByChannel = new Map<bigint, bigint>();
  /** By partition, how often it was let go: what was being loaded then may be another's by now. */
  readonly #releases = new Uint32Array(PARTITIONS_COUNT);

  constructor(options: TopicShelfOptions) {
    this.#options = options;
  }

  /** How many topics are in memory. */
  get heldCount(): number {
    return this.#held.size;
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
   * Lets go of partitions that are another's now: their topics are not to be found any more when
   * this returns, and forgotten when what was under way is committed. A partition that comes back
   * meanwhile is read again, since another may have written it in between.
   */
  async release(partitions: ReadonlySet<number>): Promise<void> {
    for (const partition of partitions) this.#releases[partition]! += 1;
    const leaving = [...this.#held.values()].filter(({ topic }) =>
      partitions.has(partitionOf(topic.id)),
    );
    for (const held of leaving) this.unlist(held);
    await this.#options.settled();
    const fault = new Fault(FaultCode.WrongOwner, 'the partition has another owner');
    for (const held of leaving) this.forget(held, fault);
  }

  /** Forgets the topics unused for longest until the bound holds. Followed and busy ones stay. */
  evict(): void {
    const over = this.#held.size - this.#options.topicsMax;
    if (over <= 0) return;
    const idle = [...this.#held.values()]
      .filter((held) => held.isQuiet && held.followers.size === 0)
      .sort((a, b) => a.lastUsedMs - b.lastUsedMs);
    const fault = new Fault(FaultCode.Unavailable, 'the topic was unloaded');
    for (const held of idle.slice(0, over)) this.forget(held, fault);
  }

  /**
   * Finds the topic, taking and loading it if need be. Rejects with wrong_owner when the partition
   * is another's, or as the options say when there is no such topic.
   */
  async hold(ref: TopicRef, options: QueryOptions): Promise<HeldTopic> {
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

  /** The guild's channels are others than before, so that requests find it by them. */
  noteChannels(held: HeldTopic, rows: readonly RowChange[]): void {
    for (const { table, key, document } of rows) {
      if (table !== 'channels') continue;
      this.#noteChannel(held, key[0] as bigint, document !== undefined);
    }
  }

  /** Not to be found any more; what is under way goes on. May be called twice. */
  unlist(held: HeldTopic): void {
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

  /** Throws (unavailable) if the topic was let go between being found and being used. */
  checkStill(held: HeldTopic): void {
    if (held.isLost || this.#held.get(held.topic.id) !== held) throw justLost();
  }

  /** Not to be believed any more: whatever has not left fails. May be called twice. */
  forget(held: HeldTopic, fault: Fault): void {
    if (held.isLost) return;
    this.unlist(held);
    held.lose(fault);
    this.#options.onLost(held.topic.id, fault);
  }
}

const justLost = (): Fault => new Fault(FaultCode.Unavailable, 'the topic was just let go');
