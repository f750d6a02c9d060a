// What others may ask: check, decide in memory, make it durable, tell the user's sessions, answer.
//
// Everything that reads memory while it is ahead of the log waits for the log, a query as much as
// an ack that moved nothing: its answer says something that must still be so after a crash.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Call } from '@guildhall/bus';
import {
  BatchStatus,
  batchStatusOf,
  OperationReader,
  ReadStateOperation,
  ResultWriter,
} from '@guildhall/contracts';
import type {
  Ack,
  AckPinsRequest,
  AckRequest,
  BatchReplySchema,
  BatchRequest,
  DeleteRequest,
  LoadRequest,
  ReadStateEntry,
  ReadStateEntrySchema,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { partitionOf, type Snowflake } from '@guildhall/snowflake';
import { SPAN, type Tracer } from '@guildhall/telemetry';
import { ackDispatch, pinsDispatch, type Dispatch } from '../domain/dispatches.js';
import { isReadStateType, type ReadState, type UserReadState } from '../domain/read-state.js';
import type { AckMark, ReadStates } from '../domain/read-states.js';
import type { Broadcast } from '../outbound/broadcast.js';
import type { CommitLane } from '../outbound/commit-lane.js';
import type { UserLoads } from './user-loads.js';

/** The latest moment that a date of the language can say. */
const TIMESTAMP_MS_MAX = 8_640_000_000_000_000n;

export interface ReadStateRequestsOptions {
  readonly states: ReadStates;
  readonly loads: UserLoads;
  readonly laneOf: (partition: number) => CommitLane;
  /** Whether this process owns the partition as far as the others know. */
  readonly owns: (partition: number) => boolean;
  readonly broadcast: Broadcast;
  readonly tracer: Tracer;
  /** Requests in hand; more are refused as overloaded. */
  readonly waitingMax: number;
  /** Entries that wait to be folded, in one lane; above it nothing is changed. */
  readonly unfoldedMax: number;
  readonly acksPerRequestMax: number;
  /** Operations in one batch. */
  readonly operationsMax: number;
  readonly instance: string;
  readonly report: (movedCount: number, unmovedCount: number) => void;
}

export interface AckAnswer {
  readonly version: bigint;
  readonly moved: boolean[];
}

export interface LoadAnswer {
  readonly version: bigint;
  readonly entries: EntryAnswer[];
}

type BatchAnswer = MessageInitShape<typeof BatchReplySchema>;

interface Operation {
  readonly kind: number;
  readonly userId: Snowflake;
  readonly silent: boolean;
  readonly ack: Ack;
}

type EntryAnswer = MessageInitShape<typeof ReadStateEntrySchema>;

/** What a request came to in memory. */
interface Decision<T> {
  readonly answer: T;
  readonly changes: readonly UserReadState[];
  readonly dispatches: readonly Dispatch[];
}

/** The methods of `fleet.readstates.v1.ReadStates`. All throw or reject with a Fault. */
export class ReadStateRequests {
  readonly #options: ReadStateRequestsOptions;
  readonly #reader = new OperationReader();
  #waitingCount = 0;

  constructor(options: ReadStateRequestsOptions) {
    this.#options = options;
  }

  /** Requests in hand. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  load(request: LoadRequest, call: Call): LoadAnswer | Promise<LoadAnswer> {
    const { userId, afterVersion } = request;
    const { states } = this.#options;
    return this.#answer(userId, call, () => ({
      answer: {
        version: states.versionOf(userId),
        entries: states.entriesAfter(userId, afterVersion).map(toEntry),
      },
      changes: [],
      dispatches: [],
    }));
  }

  ack(request: AckRequest, call: Call): AckAnswer | Promise<AckAnswer> {
    const { userId, silent } = request;
    const { states, acksPerRequestMax } = this.#options;
    if (request.acks.length > acksPerRequestMax) {
      throw invalid(`more than ${acksPerRequestMax} acks in one request`);
    }
    const marks = request.acks.map(toMark);
    this.#checkRoom(userId);
    return this.#answer(userId, call, () => {
      const results = states.ack(userId, marks);
      const changes = results.filter((after) => after !== undefined);
      const dispatches = silent
        ? []
        : results.flatMap((after, index) =>
            after === undefined ? [] : [ackDispatch(marks[index]!, after)],
          );
      const moved = results.map((after) => after !== undefined);
      return { answer: this.#moved(userId, moved), changes, dispatches };
    });
  }

  ackPins(request: AckPinsRequest, call: Call): AckAnswer | Promise<AckAnswer> {
    const { userId, channelId, timestampMs } = request;
    if (timestampMs > TIMESTAMP_MS_MAX) throw invalid('the timestamp is no date');
    this.#checkRoom(userId);
    return this.#answer(userId, call, () => {
      const after = this.#options.states.ackPins(userId, channelId, Number(timestampMs));
      return this.#changed(userId, after, pinsDispatch);
    });
  }

  delete(request: DeleteRequest, call: Call): AckAnswer | Promise<AckAnswer> {
    const { userId, channelId } = request;
    const type = checkedType(request.type);
    this.#checkRoom(userId);
    return this.#answer(userId, call, () =>
      this.#changed(userId, this.#options.states.delete(userId, type, channelId)),
    );
  }

  /** Each operation for itself, in their order; those of one user follow each other. */
  async batch(request: BatchRequest, call: Call): Promise<BatchAnswer> {
    const { operationsMax, instance } = this.#options;
    this.#reader.read(request.operations, operationsMax);
    const operations = Array.from({ length: this.#reader.count }, (_, at) => this.#operation(at));
    const getsCount = operations.filter(({ kind }) => kind === ReadStateOperation.Get).length;
    const results = new ResultWriter(operations.length, getsCount);
    await Promise.all(
      operations.map(async (operation, at) => {
        try {
          await this.#carryOutOne(operation, at, results, call);
        } catch (reason) {
          results.put(at, batchStatusOf(Fault.from(reason).code), 0, 0);
        }
      }),
    );
    return { results: results.results, entries: results.entries, instance };
  }

  async #carryOutOne(
    { kind, userId, ack, silent }: Operation,
    at: number,
    results: ResultWriter,
    call: Call,
  ): Promise<void> {
    const { type, channelId } = ack;
    let answer: AckAnswer | undefined;
    if (kind === ReadStateOperation.Get) {
      checkedType(type);
      const loaded = await this.load({ userId, afterVersion: 0n } as LoadRequest, call);
      results.put(at, BatchStatus.Unmoved, hi(loaded.version), lo(loaded.version));
      const entry = loaded.entries.find((one) => one.type === type && one.channelId === channelId);
      if (entry !== undefined) putEntry(results, at, entry as ReadStateEntry);
      return;
    }
    if (kind === ReadStateOperation.Ack) {
      answer = await this.ack({ userId, silent, acks: [ack] } as unknown as AckRequest, call);
    } else if (kind === ReadStateOperation.AckPins) {
      const pins = { userId, channelId, timestampMs: ack.messageId };
      answer = await this.ackPins(pins as AckPinsRequest, call);
    } else if (kind === ReadStateOperation.Delete) {
      answer = await this.delete({ userId, type, channelId } as DeleteRequest, call);
    } else {
      throw invalid(`${kind} is no operation`);
    }
    const status = answer.moved[0] === true ? BatchStatus.Moved : BatchStatus.Unmoved;
    results.put(at, status, hi(answer.version), lo(answer.version));
  }

  #operation(at: number): Operation {
    const reader = this.#reader;
    return {
      kind: reader.kind(at),
      userId: wide(reader.userHi(at), reader.userLo(at)),
      silent: reader.isSilent(at),
      ack: {
        type: reader.type(at),
        channelId: wide(reader.channelHi(at), reader.channelLo(at)),
        messageId: wide(reader.messageHi(at), reader.messageLo(at)),
        manual: reader.isManual(at),
        mentionCount: reader.mentions(at),
        flags: reader.hasFlags(at) ? reader.flags(at) : undefined,
        lastViewed: reader.hasLastViewed(at) ? reader.lastViewed(at) : undefined,
        channelLastMessageId: wide(
          reader.channelLastMessageHi(at),
          reader.channelLastMessageLo(at),
        ),
      } as unknown as Ack,
    };
  }

  #changed(
    userId: Snowflake,
    after: UserReadState | undefined,
    dispatchOf?: (after: ReadState) => Dispatch,
  ): Decision<AckAnswer> {
    const answer = this.#moved(userId, [after !== undefined]);
    if (after === undefined) return { answer, changes: [], dispatches: [] };
    return { answer, changes: [after], dispatches: dispatchOf ? [dispatchOf(after)] : [] };
  }

  #moved(userId: Snowflake, moved: boolean[]): AckAnswer {
    const movedCount = moved.filter(Boolean).length;
    this.#options.report(movedCount, moved.length - movedCount);
    return { version: this.#options.states.versionOf(userId), moved };
  }

  /** Before anything is changed: the rows must not fall behind without bound. */
  #checkRoom(userId: Snowflake): void {
    const { laneOf, unfoldedMax } = this.#options;
    if (laneOf(partitionOf(userId)).unfolded.count < unfoldedMax) return;
    throw new Fault(FaultCode.Overloaded, 'too many changes wait for the rows');
  }

  #answer<T>(userId: Snowflake, call: Call, decide: () => Decision<T>): T | Promise<T> {
    if (userId === 0n) throw invalid('no user is named');
    const { states, loads, laneOf, owns, waitingMax } = this.#options;
    const partition = partitionOf(userId);
    if (!owns(partition) || laneOf(partition).epochOf(partition) === undefined) {
      throw new Fault(FaultCode.WrongOwner, `partition ${partition} is not owned here`);
    }
    if (this.#waitingCount >= waitingMax) {
      throw new Fault(FaultCode.Overloaded, `${waitingMax} requests are in hand`);
    }
    const work = (): T | Promise<T> => this.#carryOut(userId, partition, call, decide());
    const answer = states.use(userId) ? work() : loads.load(userId, work);
    if (!(answer instanceof Promise)) return answer;
    this.#waitingCount += 1;
    return answer.finally(() => (this.#waitingCount -= 1));
  }

  /**
   * Called in the turn in which the decision was made, so that changes are written in their order.
   */
  #carryOut<T>(
    userId: Snowflake,
    partition: number,
    { trace }: Call,
    { answer, changes, dispatches }: Decision<T>,
  ): T | Promise<T> {
    const { states, laneOf, broadcast, tracer } = this.#options;
    if (changes.length === 0 && !states.isHeld(userId)) return answer;
    const lane = laneOf(partition);
    const epoch = lane.epochOf(partition)!;
    const span = tracer.child(trace, SPAN.storeCommit);
    states.hold(userId);
    return new Promise<T>((resolve, reject) => {
      const settled = (fault: Fault | undefined, batchCount: number): void => {
        states.release(userId);
        if (fault === undefined) {
          span?.set('guildhall.batch.count', batchCount).end();
          broadcast.publish(userId, dispatches, trace);
          resolve(answer);
          return;
        }
        span?.fail(fault).end();
        // Unless memory has been dropped and loaded anew since: then it knows nothing of this
        // change.
        if (lane.epochOf(partition) === epoch) states.drop(userId);
        reject(fault);
      };
      lane.add({ userId, partition, epoch, changes, settled });
    });
  }
}

/** Field by field: what is remembered and what is said are not the same message. */
function toEntry(state: ReadState): EntryAnswer {
  return {
    type: state.type,
    channelId: state.channelId,
    lastMessageId: state.lastMessageId,
    mentionCount: state.mentionCount,
    lastPinTimestampMs: BigInt(state.lastPinTimestampMs),
    flags: state.flags,
    lastViewed: state.lastViewed,
    version: state.version,
    manualUntilMessageId: state.manualUntilMessageId,
  };
}

function toMark(ack: Ack): AckMark {
  return {
    type: checkedType(ack.type),
    channelId: ack.channelId,
    messageId: ack.messageId,
    isManual: ack.manual,
    mentionCount: ack.mentionCount,
    flags: ack.flags,
    lastViewed: ack.lastViewed,
    channelLastMessageId: ack.channelLastMessageId,
  };
}

function checkedType(type: number): AckMark['type'] {
  if (isReadStateType(type)) return type;
  throw invalid(`${type} is no type of read state`);
}

const invalid = (detail: string): Fault => new Fault(FaultCode.Invalid, detail);

const wide = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
const hi = (id: bigint): number => Number(id >> 32n);
const lo = (id: bigint): number => Number(id & 0xffff_ffffn);

function putEntry(results: ResultWriter, at: number, entry: ReadStateEntry): void {
  const words = [
    ...[entry.channelId, entry.lastMessageId, entry.version, entry.manualUntilMessageId],
    entry.lastPinTimestampMs,
  ].flatMap((id) => [lo(id), hi(id)]);
  words.push(entry.mentionCount, entry.flags, entry.lastViewed, entry.type);
  results.entryWords.set(words, results.addEntry(at));
}
