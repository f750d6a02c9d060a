// Marks of read states, sent to their owners many at a time.
//
// An operation goes at once when nothing is under way to the instance that owns its user; what
// comes meanwhile waits for that answer and then goes in one message. So a quiet system adds no
// latency and no timer decides anything, and a busy one sends few large messages. Who owns a
// partition is learnt from answers: until one has come, and after each sign that it moved, its
// operations go by themselves, to whoever takes requests for the partition.
//
//   partition unknown ─► lane p<partition>  ─┐
//                                            ├─► Batch, one under way ─► a result for each
//   partition known   ─► lane of <instance> ─┘
//
// Each operation is answered for itself, and asked again for itself, as `callOwner` does: after
// `wrong_owner`, `unavailable` and `timeout`, with growing waits, until its deadline. All of them
// may be sent twice: what has moved does not move again.
//
// Operations of two sampled traces never share a message, since a message has one context. One of a
// further trace does not wait for the answer of the first, up to a bound.
import { callMethod, type Bus } from '@guildhall/bus';
import { backoffMs, Deadline, type Timer } from '@guildhall/clock';
import {
  batchFaultCode,
  OperationWriter,
  ReadStates,
  ResultReader,
  type BatchAck,
} from '@guildhall/contracts';
import { Fault, FaultCode, isRetryable } from '@guildhall/fault';
import { partitionOf, PARTITIONS_COUNT, type Snowflake } from '@guildhall/snowflake';
import type { TraceContext, Tracer } from '@guildhall/telemetry';
import type { ReadMarks } from '../domain/ports.js';

export interface ReadStateBatchesOptions {
  readonly bus: Bus;
  readonly tracer: Tracer;
  /** How long an operation is asked for. */
  readonly deadlineMs: number;
  /** Operations in one message; no more than the owners take. */
  readonly operationsMax: number;
  /** Operations that wait in one lane, and operations in hand; more are refused as overloaded. */
  readonly waitingPerLaneMax: number;
  readonly waitingMax: number;
  /** Chance for the waits. */
  readonly random: () => number;
}

/** As for other owners: how long one try may take, and the waits between tries. */
const TRY_TIMEOUT_MS = 2_000;
const FIRST_WAIT_MS = 20;
const WAIT_MS_MAX = 400;
/** Messages under way in one lane because of their traces. */
const TRACED_IN_FLIGHT_MAX = 8;

/** One mark, from when it is asked for until it is answered. */
interface Operation {
  readonly partition: number;
  readonly trace: TraceContext | undefined;
  readonly deadline: Deadline;
  readonly write: (writer: OperationWriter) => void;
  /** Called once. */
  readonly settle: (fault: Fault | undefined) => void;
  /** Tries that failed, and how the last one did. */
  attempt: number;
  lastFault: Fault | undefined;
  /** Set when its time may be over while others are waited for. */
  expiry: Timer | undefined;
  isSettled: boolean;
}

/** What goes to one instance, or to the unknown owner of one partition. */
interface Lane {
  readonly key: string;
  readonly waiting: Operation[];
  inFlightCount: number;
  isScheduled: boolean;
}

/** See the top of the file. */
export class ReadStateBatches implements ReadMarks {
  readonly #options: ReadStateBatchesOptions;
  readonly #writer = new OperationWriter();
  readonly #lanes = new Map<string, Lane>();
  /** By partition, who answered for it last; a hint. */
  readonly #instances = new Array<string | undefined>(PARTITIONS_COUNT).fill(undefined);
  #inHandCount = 0;

  constructor(options: ReadStateBatchesOptions) {
    this.#options = options;
  }

  /** Operations that are not answered yet. */
  get inHandCount(): number {
    return this.#inHandCount;
  }

  async ack(
    userId: Snowflake,
    acks: readonly BatchAck[],
    trace: TraceContext | undefined,
    isSilent = false,
  ): Promise<void> {
    const results = await Promise.allSettled(
      acks.map((ack) => this.#add(userId, trace, (writer) => writer.ack(userId, ack, isSilent))),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  ackPins(
    userId: Snowflake,
    channelId: Snowflake,
    timestampMs: number,
    trace: TraceContext | undefined,
  ): Promise<void> {
    const at = BigInt(timestampMs);
    return this.#add(userId, trace, (writer) => writer.ackPins(userId, channelId, at));
  }

  delete(
    userId: Snowflake,
    type: number,
    channelId: Snowflake,
    trace: TraceContext | undefined,
  ): Promise<void> {
    return this.#add(userId, trace, (writer) => writer.delete(userId, type, channelId));
  }

  #add(
    userId: Snowflake,
    trace: TraceContext | undefined,
    write: (writer: OperationWriter) => void,
  ): Promise<void> {
    const { bus, deadlineMs, waitingMax, waitingPerLaneMax } = this.#options;
    const partition = partitionOf(userId);
    if (
      this.#inHandCount >= waitingMax ||
      this.#laneOf(partition).waiting.length >= waitingPerLaneMax
    ) {
      const text = `${this.#inHandCount} read state operations are in hand`;
      return Promise.reject(new Fault(FaultCode.Overloaded, text));
    }
    this.#inHandCount += 1;
    return new Promise((resolve, reject) => {
      const operation: Operation = {
        partition,
        trace,
        deadline: Deadline.after(bus.clock, deadlineMs),
        write,
        settle: (fault) => {
          if (operation.isSettled) return;
          operation.isSettled = true;
          operation.expiry?.cancel();
          this.#inHandCount -= 1;
          if (fault === undefined) resolve();
          else reject(fault);
        },
        attempt: 0,
        lastFault: undefined,
        expiry: undefined,
        isSettled: false,
      };
      this.#enqueue(operation);
    });
  }

  #laneOf(partition: number): Lane {
    const instance = this.#instances[partition];
    const key = instance === undefined ? `p${partition}` : `of ${instance}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { key, waiting: [], inFlightCount: 0, isScheduled: false };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #enqueue(operation: Operation): void {
    const remainingMs = operation.deadline.remainingMs();
    // Whoever is behind a message waits for one try at most, and comes by here again.
    if (operation.expiry === undefined && remainingMs < TRY_TIMEOUT_MS) {
      const { clock } = this.#options.bus;
      operation.expiry = clock.setTimer(remainingMs, () => operation.settle(faultOf(operation)));
    }
    const lane = this.#laneOf(operation.partition);
    lane.waiting.push(operation);
    this.#schedule(lane);
  }

  /** Once the caller is done with its turn: what it asks for in one go travels together. */
  #schedule(lane: Lane): void {
    if (lane.isScheduled) return;
    lane.isScheduled = true;
    queueMicrotask(() => {
      lane.isScheduled = false;
      while (lane.waiting.length > 0 && maySend(lane)) {
        const operations = this.#take(lane);
        if (operations.length > 0) void this.#send(lane, operations);
      }
      if (lane.waiting.length === 0 && lane.inFlightCount === 0) this.#lanes.delete(lane.key);
    });
  }

  /** The first of a lane, of at most one trace. Those whose time is over are left out. */
  #take(lane: Lane): Operation[] {
    const { waiting } = lane;
    const operations: Operation[] = [];
    let traceId: string | undefined;
    let taken = 0;
    for (const operation of waiting) {
      if (operations.length === this.#options.operationsMax) break;
      const of = operation.trace?.traceId;
      if (of !== undefined && traceId !== undefined && of !== traceId) break;
      taken += 1;
      if (operation.isSettled) continue;
      traceId ??= of;
      operations.push(operation);
    }
    waiting.splice(0, taken);
    return operations;
  }

  async #send(lane: Lane, operations: readonly Operation[]): Promise<void> {
    lane.inFlightCount += 1;
    const failed: { operation: Operation; fault: Fault }[] = [];
    try {
      const reply = await this.#ask(operations);
      for (const [at, operation] of operations.entries()) {
        const code = batchFaultCode(reply.results.statusAt(at));
        const isOwner = code !== FaultCode.WrongOwner && reply.instance !== '';
        this.#instances[operation.partition] = isOwner ? reply.instance : undefined;
        if (code === undefined) operation.settle(undefined);
        else failed.push({ operation, fault: new Fault(code, 'said the owner of read states') });
      }
    } catch (reason) {
      const fault = Fault.from(reason);
      for (const operation of operations) {
        this.#instances[operation.partition] = undefined;
        failed.push({ operation, fault });
      }
    }
    lane.inFlightCount -= 1;
    // Where the rest has to go may be known now, or not any more.
    for (const operation of lane.waiting.splice(0)) this.#enqueue(operation);
    this.#schedule(lane);
    this.#askAgain(failed);
  }

  async #ask(
    operations: readonly Operation[],
  ): Promise<{ readonly results: ResultReader; readonly instance: string }> {
    const { bus, tracer } = this.#options;
    for (const { write } of operations) write(this.#writer);
    const remainingMs = operations.map(({ deadline }) => deadline.remainingMs());
    const timeoutMs = Math.min(TRY_TIMEOUT_MS, Math.max(...remainingMs));
    const trace = operations.find((operation) => operation.trace !== undefined)?.trace;
    const route = { partition: operations[0]!.partition };
    const request = { operations: this.#writer.take() };
    const options = { timeoutMs, trace, tracer };
    const reply = await callMethod(bus, ReadStates.method.batch, route, request, options);
    const results = new ResultReader(reply);
    if (results.count === operations.length) return { results, instance: reply.instance };
    const text = `${results.count} results of ${operations.length} operations`;
    throw new Fault(FaultCode.Malformed, text);
  }

  /** What failed together is asked for again together, each until its own deadline. */
  #askAgain(failed: readonly { readonly operation: Operation; readonly fault: Fault }[]): void {
    if (failed.length === 0) return;
    const { bus, random } = this.#options;
    const attempt = Math.min(...failed.map(({ operation }) => operation.attempt));
    const waitMs = backoffMs(attempt, { firstMs: FIRST_WAIT_MS, capMs: WAIT_MS_MAX, random });
    const again = failed.flatMap(({ operation, fault }) => {
      operation.attempt += 1;
      operation.lastFault = fault;
      const isOver = bus.status === 'closed' || operation.deadline.remainingMs() <= waitMs;
      if (!isOver && isRetryable(fault.code)) return [operation];
      operation.settle(fault);
      return [];
    });
    if (again.length === 0) return;
    bus.clock.setTimer(waitMs, () => {
      for (const operation of again) if (!operation.isSettled) this.#enqueue(operation);
    });
  }
}

/** What it is answered when its time is over. */
const faultOf = ({ lastFault }: Operation): Fault =>
  lastFault ?? new Fault(FaultCode.Timeout, 'no owner of read states answered in time');

function maySend({ waiting, inFlightCount }: Lane): boolean {
  if (inFlightCount === 0) return true;
  return waiting[0]!.trace !== undefined && inFlightCount < TRACED_IN_FLIGHT_MAX;
}
