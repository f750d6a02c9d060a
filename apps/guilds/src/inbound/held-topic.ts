/**
 * One topic that this process owns, and everything that is to leave it, in order.
 *
 *   outputs   [command seq 7] [query at 7] [command seq 8] ...        decided, not yet let go
 *
 * An output is let go when it is ready (a command: committed; a query: at once) and everything
 * before it was. Events that are let go together leave in one message; a query between them parts
 * it, so that an answer that saw seq N leaves after event N and before event N + 1.
 */
import type { Fault } from '@guildhall/fault';
import type { TopicEvent } from '@guildhall/contracts';
import type { TraceContext } from '@guildhall/telemetry';
import { eventSize, fitting } from '../domain/event-size.js';
import type { Topic } from '../domain/topic.js';

/** Something to be answered or published. */
export interface Output {
  isReady: boolean;
  /** Decoded and encoded, same order. Empty for a query. */
  readonly events: readonly TopicEvent[];
  readonly ephemeral: readonly TopicEvent[];
  readonly trace: TraceContext | undefined;
  /** Called after the events were handed to the bus. */
  answer(): void;
  fail(fault: Fault): void;
}

interface KeptReply {
  readonly reply: Uint8Array;
  readonly atMs: number;
}

/** How events leave. */
export interface Publisher {
  durable(
    topicId: bigint,
    events: readonly TopicEvent[],
    held: HeldTopic,
    trace: TraceContext | undefined,
  ): void;
  ephemeral(topicId: bigint, events: readonly TopicEvent[]): void;
}

export class HeldTopic {
  readonly topic: Topic;
  readonly epoch: bigint;
  /** Of the last event decided. */
  seq: bigint;
  /** Of the last event committed and published. */
  publishedSeq: bigint;
  lastUsedMs: number;
  lastPublishedMs: number;
  /** Set when another owner took it, or a commit failed: nothing more leaves. */
  isLost = false;
  /** False until the topic's first commit: a new topic that nobody may rely on. */
  isBorn: boolean;
  /** The guild's channels, by which requests find it. */
  readonly channelIds = new Set<bigint>();
  /** The gateways that relay this topic, by when they last said so. */
  readonly followers = new Map<string, number>();

  readonly #outputs: Output[] = [];
  #isReleasing = false;
  readonly #tail: TopicEvent[] = [];
  readonly #tailMax: number;
  readonly #tailBytesMax: number;
  #tailBytes = 0;
  /** Commands done, oldest first, and under way: a repeat gets the same answer. */
  readonly #replies = new Map<bigint, KeptReply>();
  readonly #repliesMax: number;
  readonly #replyKeepMs: number;
  readonly underway = new Map<bigint, Promise<Uint8Array>>();

  constructor(init: {
    topic: Topic;
    epoch: bigint;
    seq: bigint;
    nowMs: number;
    isBorn: boolean;
    tailMax: number;
    tailBytesMax: number;
    repliesMax: number;
    replyKeepMs: number;
  }) {
    this.topic = init.topic;
    this.epoch = init.epoch;
    this.seq = init.seq;
    this.publishedSeq = init.seq;
    this.lastUsedMs = init.nowMs;
    this.lastPublishedMs = init.nowMs;
    this.isBorn = init.isBorn;
    this.#tailMax = init.tailMax;
    this.#tailBytesMax = init.tailBytesMax;
    this.#repliesMax = init.repliesMax;
    this.#replyKeepMs = init.replyKeepMs;
  }

  /** True when nothing is decided that has not left. */
  get isQuiet(): boolean {
    return this.#outputs.length === 0 && this.underway.size === 0;
  }

  /** Forgets followers that were last heard of before this. */
  dropSilentFollowers(sinceMs: number): void {
    for (const [gateway, heardMs] of this.followers) {
      if (heardMs < sinceMs) this.followers.delete(gateway);
    }
  }

  /** The answer to a command that was done, if it is remembered. */
  replyTo(commandId: bigint): Uint8Array | undefined {
    return this.#replies.get(commandId)?.reply;
  }

  /** Remembers an answer that was given at this time. */
  remember(commandId: bigint, reply: Uint8Array, atMs: number): void {
    if (commandId === 0n) return;
    this.#replies.set(commandId, { reply, atMs });
    this.forgetReplies(atMs);
  }

  /** Forgets answers that nobody will ask for again; the oldest also at the bound. */
  forgetReplies(nowMs: number): void {
    for (const [commandId, { atMs }] of this.#replies) {
      if (atMs >= nowMs - this.#replyKeepMs && this.#replies.size <= this.#repliesMax) return;
      this.#replies.delete(commandId);
    }
  }

  /** Remembers events as published. */
  append(events: readonly TopicEvent[]): void {
    this.#tail.push(...events);
    for (const event of events) this.#tailBytes += eventSize(event);
    // Cut in halves, so that the copying is paid once in many events.
    if (this.#tail.length > 2 * this.#tailMax) this.#cutTail(this.#tailMax, this.#tailBytesMax);
    else if (this.#tailBytes > this.#tailBytesMax) this.#cutTail(Infinity, this.#tailBytesMax / 2);
  }

  /**
   * Events after a seq, from memory: at most so many and so many bytes, but one at least. Undefined
   * if the memory does not reach back that far.
   */
  eventsAfter(seq: bigint, limit: number, bytesMax: number): TopicEvent[] | undefined {
    if (seq >= this.publishedSeq) return [];
    const first = this.#tail[0]?.seq;
    if (first === undefined || seq + 1n < first) return undefined;
    const from = Number(seq + 1n - first);
    return fitting(this.#tail.slice(from, from + limit), bytesMax);
  }

  /** Puts an output in its place; what is ready and next in order leaves at once. */
  enqueue(output: Output, publisher: Publisher): void {
    this.#outputs.push(output);
    if (output.isReady) this.release(publisher);
  }

  /**
   * Lets go what is ready when all that was committed with it is marked so too: what shared a
   * commit shares a message.
   */
  releaseSoon(publisher: Publisher): void {
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    queueMicrotask(() => {
      this.#isReleasing = false;
      this.release(publisher);
    });
  }

  /** Lets go what is ready, in order. */
  release(publisher: Publisher): void {
    if (this.isLost) return;
    while (this.#outputs[0]?.isReady) {
      const together = this.#takeTogether();
      const events = together.flatMap((output) => output.events);
      if (events.length > 0) {
        this.append(events);
        this.publishedSeq = events[events.length - 1]!.seq;
        publisher.durable(this.topic.id, events, this, together[0]!.trace);
      }
      const ephemeral = together.flatMap((output) => output.ephemeral);
      if (ephemeral.length > 0) publisher.ephemeral(this.topic.id, ephemeral);
      for (const output of together) output.answer();
    }
  }

  /** Fails everything that has not left. What is lost stays lost. */
  lose(fault: Fault): void {
    this.isLost = true;
    for (const output of this.#outputs.splice(0)) output.fail(fault);
  }

  /** Forgets the oldest events until at most so many, and so many bytes, are left. */
  #cutTail(countMax: number, bytesMax: number): void {
    const tail = this.#tail;
    let cut = 0;
    while (cut < tail.length && (tail.length - cut > countMax || this.#tailBytes > bytesMax)) {
      this.#tailBytes -= eventSize(tail[cut]!);
      cut += 1;
    }
    tail.splice(0, cut);
  }

  /**
   * Ready outputs whose events may share a message: commands that nobody traces, or one of any
   * kind.
   */
  #takeTogether(): Output[] {
    const together = [this.#outputs.shift()!];
    if (!isPlain(together[0]!)) return together;
    while (this.#outputs[0]?.isReady && isPlain(this.#outputs[0])) {
      together.push(this.#outputs.shift()!);
    }
    return together;
  }
}

const isPlain = (output: Output): boolean => output.events.length > 0 && output.trace === undefined;
