/**
 * Runs commands and queries on the topics this process owns: finds the topic (topic-shelf.ts), lets
 * the domain decide, commits, publishes, answers. See held-topic.ts for the order in which things
 * leave a topic.
 *
 * What this relies on: this process is the only one that writes a topic for as long as its epoch
 * stands, and the commit checks that. So a failed commit means that memory says more than the truth
 * does, and the only cure is to forget the topic and read it again.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { DeliverRequestSchema, TopicEventSchema, type TopicEvent } from '@guildhall/contracts';
import type { Clock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import { partitionOf, type SnowflakeMint } from '@guildhall/snowflake';
import { SPAN, type TraceContext, type Tracer } from '@guildhall/telemetry';
import { Changes, type EventDraft } from '../domain/changes.js';
import type { Topic } from '../domain/topic.js';
import type { CommitEntry, GroupCommit } from '../outbound/group-commit.js';
import type { StoredErrand } from '../outbound/topic-store.js';
import type { HeldTopic, Output, Publisher } from './held-topic.js';
import type { Courier, QueryOptions, TopicRef, TopicShelf } from './topic-shelf.js';

/** The `command` of a request. */
export interface CommandInit {
  readonly commandId: bigint;
  readonly actorId: bigint;
  readonly actorIsBot: boolean;
  readonly reason: string;
}

export interface CommandOptions extends QueryOptions {
  /** Answers only when other topics have been told, or `errandWaitMs` have passed. */
  readonly awaitErrands?: boolean;
}

export interface TopicHostOptions {
  readonly shelf: TopicShelf;
  readonly commit: GroupCommit;
  readonly publisher: Publisher;
  readonly courier: Courier;
  readonly clock: Clock;
  readonly mint: SnowflakeMint;
  readonly random: () => number;
  readonly errandWaitMs: number;
  readonly tracer: Tracer;
}

export class TopicHost {
  readonly #options: TopicHostOptions;
  readonly #shelf: TopicShelf;

  constructor(options: TopicHostOptions) {
    this.#options = options;
    this.#shelf = options.shelf;
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
    const held = await this.#shelf.hold(ref, options);
    this.#shelf.checkStill(held);
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
    const held = await this.#shelf.hold(ref, options);
    this.#shelf.checkStill(held);
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
    return (await this.#shelf.hold(ref, options)).topic as T;
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
      if (!isRefusal || !held.isBorn) this.#shelf.forget(held, Fault.from(error));
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
        const run = this.#options.courier.run(errands, trace);
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
    this.#shelf.noteChannels(held, changes.rows);
    held.enqueue(output, this.#options.publisher);
    if (isWritten) this.#options.commit.add(this.#entry(held, changes, output, errands, reply));
    if (changes.isTopicDeleted) this.#shelf.unlist(held);
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
        if (fault !== undefined) return this.#shelf.forget(held, retryable(fault));
        held.isBorn = true;
        output.isReady = true;
        held.lastPublishedMs = this.#options.clock.nowMs();
        held.releaseSoon(this.#options.publisher);
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
}

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
