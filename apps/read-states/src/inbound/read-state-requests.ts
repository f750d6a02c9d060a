// What others may ask: check, decide in memory, make it durable, tell the user's sessions, answer.
// Everything but `Load` is operations (see operations-in-hand.ts): an `Ack` is a batch of one user.
//
// Everything that reads memory while it is ahead of the log waits for the log, a query as much as
// an ack that moved nothing: its answer says something that must still be so after a crash.
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Call } from '@guildhall/bus';
import {
  batchFaultCode,
  BatchStatus,
  OperationReader,
  OperationWriter,
  ResultReader,
} from '@guildhall/contracts';
import type {
  AckPinsRequest,
  AckRequest,
  BatchReplySchema,
  BatchRequest,
  DeleteRequest,
  LoadRequest,
  ReadStateEntrySchema,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import type { EntryRef, ReadStateTable, UserRef } from '@guildhall/read-state-table';
import { partitionOf, type Snowflake } from '@guildhall/snowflake';
import { SPAN } from '@guildhall/telemetry';
import { OperationsInHand, type Rooms } from './operations-in-hand.js';

/** Readers that are kept for the next message. */
const READERS_MAX = 64;

export interface ReadStateRequestsOptions extends Rooms {
  /** Requests in hand; more are refused as overloaded. */
  readonly waitingMax: number;
  /** Operations in hand, over all requests; more are refused as overloaded. */
  readonly operationsWaitingMax: number;
  readonly acksPerRequestMax: number;
  /** Operations in one batch. */
  readonly operationsMax: number;
  readonly instance: string;
  readonly report: (operationsCount: number, movedCount: number, unmovedCount: number) => void;
  readonly batched: (operationsCount: number) => void;
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
type EntryAnswer = MessageInitShape<typeof ReadStateEntrySchema>;

/** The methods of `fleet.readstates.v1.ReadStates`. All throw or reject with a Fault. */
export class ReadStateRequests {
  readonly #options: ReadStateRequestsOptions;
  readonly #readers: OperationReader[] = [];
  #waitingCount = 0;
  #operationsCount = 0;

  constructor(options: ReadStateRequestsOptions) {
    this.#options = options;
  }

  /** Requests in hand. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** Operations in hand. */
  get operationsCount(): number {
    return this.#operationsCount;
  }

  load({ userId, afterVersion }: LoadRequest, call: Call): Promise<LoadAnswer> {
    if (userId === 0n) throw invalid('no user is named');
    const { states, loads, lanes, serves, tracer } = this.#options;
    const partition = partitionOf(userId);
    if (!serves(partition)) throw wrongOwner(partition);
    this.#admit(0);
    const lane = lanes[partition % lanes.length]!;
    const answer = new Promise<LoadAnswer>((resolve, reject) => {
      const work = (): void => {
        const { table } = states;
        const found = loadAnswer(table, userRef(table, userId), afterVersion);
        if (!lane.isAhead) {
          resolve(found);
          return;
        }
        const span = tracer.child(call.trace, SPAN.storeCommit);
        lane.add({
          committed: (count) => {
            span?.set('guildhall.batch.count', count).end();
            resolve(found);
          },
          failed: (fault) => {
            span?.fail(fault).end();
            reject(fault);
          },
          lost: (lost) => {
            if (lost.has(partition)) reject(wrongOwner(partition));
          },
        });
      };
      if (userRef(states.table, userId) !== 0) work();
      else loads.load(userId, (fault) => (fault === undefined ? work() : reject(fault)));
    });
    return answer.finally(() => this.#release(0));
  }

  ack(request: AckRequest, call: Call): Promise<AckAnswer> {
    const { userId, acks, silent } = request;
    const { acksPerRequestMax } = this.#options;
    if (acks.length > acksPerRequestMax) {
      throw invalid(`more than ${acksPerRequestMax} acks in one request`);
    }
    const writer = new OperationWriter();
    for (const ack of acks) writer.ack(userId, ack, silent);
    if (acks.length > 0) return this.#carryOut(writer, call);
    return this.load({ userId, afterVersion: 0n } as LoadRequest, call).then(({ version }) => ({
      version,
      moved: [],
    }));
  }

  ackPins({ userId, channelId, timestampMs }: AckPinsRequest, call: Call): Promise<AckAnswer> {
    const writer = new OperationWriter();
    writer.ackPins(userId, channelId, timestampMs);
    return this.#carryOut(writer, call);
  }

  delete({ userId, type, channelId }: DeleteRequest, call: Call): Promise<AckAnswer> {
    const writer = new OperationWriter();
    writer.delete(userId, type, channelId);
    return this.#carryOut(writer, call);
  }

  /** Hot path. Each operation for itself, in their order. */
  batch({ operations }: BatchRequest, call: Call): BatchAnswer | Promise<BatchAnswer> {
    const { operationsMax, instance, batched } = this.#options;
    const reader = this.#readers.pop() ?? new OperationReader();
    try {
      reader.read(operations, operationsMax);
      this.#admit(reader.count);
    } catch (error) {
      this.#keep(reader);
      throw error;
    }
    batched(reader.count);
    return this.#run(reader, call, false, ({ results }) => ({
      results: results.results,
      entries: results.entries,
      instance,
    }));
  }

  /** As one: what is wrong with any operation is wrong with the request. */
  async #carryOut(writer: OperationWriter, call: Call): Promise<AckAnswer> {
    const reader = new OperationReader();
    const { count } = writer;
    reader.read(writer.take(), count);
    const { states, lanes, serves } = this.#options;
    for (let at = 0; at < count; at += 1) {
      if (states.check(reader, at) !== BatchStatus.Unmoved) throw invalid('it makes no sense');
    }
    const partition = (reader.userLo(0) >>> 12) & 1_023;
    if (!serves(partition)) throw wrongOwner(partition);
    const lane = lanes[partition % lanes.length]!;
    if (!lane.isOpen) throw new Fault(lane.refusal, 'no changes are taken just now');
    this.#admit(count);
    return this.#run(reader, call, true, ({ results }) => {
      const read = new ResultReader(results);
      const moved = Array.from({ length: count }, (_, at) => {
        const status = read.statusAt(at);
        const code = batchFaultCode(status);
        if (code !== undefined) throw new Fault(code, 'the change could not be made');
        return status === BatchStatus.Moved;
      });
      return { version: read.versionAt(count - 1), moved };
    });
  }

  #run<T>(
    reader: OperationReader,
    { trace }: Call,
    isWhole: boolean,
    answerOf: (inHand: OperationsInHand) => T,
  ): T | Promise<T> {
    // Nothing waits for an answer that is there at once.
    let later: PromiseWithResolvers<T> | undefined;
    let isDone = false;
    const done = (): void => {
      isDone = true;
      this.#release(reader.count);
      this.#options.report(reader.count, inHand.movedCount, inHand.unmovedCount);
      if (later === undefined) return;
      try {
        later.resolve(answerOf(inHand));
      } catch (error) {
        later.reject(error);
      }
      this.#keep(reader);
    };
    const inHand = new OperationsInHand(this.#options, reader, trace, isWhole, done);
    inHand.start();
    if (!isDone) return (later = Promise.withResolvers<T>()).promise;
    try {
      return answerOf(inHand);
    } finally {
      this.#keep(reader);
    }
  }

  #admit(operationsCount: number): void {
    const { waitingMax, operationsWaitingMax } = this.#options;
    if (this.#waitingCount >= waitingMax) {
      throw new Fault(FaultCode.Overloaded, `${waitingMax} requests are in hand`);
    }
    if (this.#operationsCount + operationsCount > operationsWaitingMax) {
      throw new Fault(FaultCode.Overloaded, `${this.#operationsCount} operations are in hand`);
    }
    this.#waitingCount += 1;
    this.#operationsCount += operationsCount;
  }

  #release(operationsCount: number): void {
    this.#waitingCount -= 1;
    this.#operationsCount -= operationsCount;
  }

  #keep(reader: OperationReader): void {
    if (this.#readers.length < READERS_MAX) this.#readers.push(reader);
  }
}

const userRef = (table: ReadStateTable, userId: Snowflake): UserRef =>
  table.find(Number(userId >> 32n), Number(userId & 0xffff_ffffn));

/**
 * The entries that were changed after a version. All of them when the version is none that the user
 * has had yet: what a client knows from another life is worth nothing.
 */
function loadAnswer(table: ReadStateTable, user: UserRef, afterVersion: bigint): LoadAnswer {
  const version = BigInt(table.versionOf(user));
  const after = afterVersion > version ? -1 : Number(afterVersion);
  const entries: EntryAnswer[] = [];
  if (after !== Number(version)) {
    const count = table.entriesCountOf(user);
    for (let number = 0; number < count; number += 1) {
      const entry = table.entryAt(user, number);
      if (table.entryVersionOf(user, entry) > after) entries.push(toEntry(table, user, entry));
    }
  }
  return { version, entries };
}

function toEntry(table: ReadStateTable, user: UserRef, entry: EntryRef): EntryAnswer {
  return {
    type: table.typeOf(entry),
    channelId: wide(table.channelHi(entry), table.channelLo(entry)),
    lastMessageId: wide(table.messageHi(entry), table.messageLo(entry)),
    mentionCount: table.mentionsOf(entry),
    lastPinTimestampMs: BigInt(table.pinMsOf(entry)),
    flags: table.flagsOf(entry),
    lastViewed: table.lastViewedOf(entry),
    version: BigInt(table.entryVersionOf(user, entry)),
    manualUntilMessageId: wide(table.manualHi(entry), table.manualLo(entry)),
  };
}

const wide = (hi: number, lo: number): bigint => (BigInt(hi) << 32n) | BigInt(lo);

const invalid = (detail: string): Fault => new Fault(FaultCode.Invalid, detail);

const wrongOwner = (partition: number): Fault =>
  new Fault(FaultCode.WrongOwner, `partition ${partition} is not owned here`);
