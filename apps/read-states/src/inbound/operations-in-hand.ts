// The operations of one message, from their arrival to their answer.
//
// They are carried out in their order, in the turn in which they arrive; those of users that are
// not in memory when these are. Each turn leaves one waiter per lane that it touched: with the
// commit of what it changed, or saw changed, its results are true for good. The message is answered
// when all turns are settled; a result that did not come true is by then the fault that says why.
import {
  BatchStatus,
  batchStatusOf,
  ReadStateOperation,
  ResultWriter,
  type OperationReader,
} from '@guildhall/contracts';
import { FaultCode, type Fault } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import { SPAN, type Span, type TraceContext, type Tracer } from '@guildhall/telemetry';
import type { ReadStates } from '../domain/read-states.js';
import type { Broadcast, News } from '../outbound/broadcast.js';
import type { CommitLane, CommitWaiter } from '../outbound/commit-lane.js';
import type { UserLoads } from './user-loads.js';

/** What requests are carried out with. */
export interface Rooms {
  readonly states: ReadStates;
  readonly loads: UserLoads;
  /** A partition's lane is the one of its number modulo how many there are. */
  readonly lanes: readonly CommitLane[];
  /** Whether this process answers for a partition now. */
  readonly serves: (partition: number) => boolean;
  readonly broadcast: Broadcast;
  readonly tracer: Tracer;
}

const WRONG_OWNER = batchStatusOf(FaultCode.WrongOwner);
const UINT32_COUNT = 2 ** 32;
const PARTITIONS_MASK = 1_023;
/** Never a status of a result: the operation waits for its user. */
const WAITS = 255;

export class OperationsInHand {
  readonly operations: OperationReader;
  readonly results: ResultWriter;
  movedCount = 0;
  unmovedCount = 0;
  readonly #rooms: Rooms;
  readonly #trace: TraceContext | undefined;
  readonly #isWhole: boolean;
  readonly #onDone: () => void;
  readonly #turns: (Turn | undefined)[] = [];
  /** Turns that are not settled, users that are being loaded, and the first turn while it lasts. */
  #pendingCount = 1;

  /**
   * @param isWhole all operations are of one user; none is carried out if there is no room for all
   * @param onDone called once, perhaps before `start` returns
   */
  constructor(
    rooms: Rooms,
    operations: OperationReader,
    trace: TraceContext | undefined,
    isWhole: boolean,
    onDone: () => void,
  ) {
    this.#rooms = rooms;
    this.operations = operations;
    this.#trace = trace;
    this.#isWhole = isWhole;
    this.#onDone = onDone;
    this.results = new ResultWriter(operations.count, getsIn(operations));
  }

  /** Hot path. Carries out what can be at once, and sees to the rest. Called once. */
  start(): void {
    const { operations, results } = this;
    const { states } = this.#rooms;
    const { table } = states;
    let missing: Map<Snowflake, number[]> | undefined;
    for (let at = 0; at < operations.count; at += 1) {
      const status = this.#refusal(at);
      if (status !== BatchStatus.Unmoved) {
        results.put(at, status, 0, 0);
        continue;
      }
      const user = table.find(operations.userHi(at), operations.userLo(at));
      if (user !== 0) {
        this.#carryOut(user, at);
        continue;
      }
      missing ??= new Map();
      const userId = (BigInt(operations.userHi(at)) << 32n) | BigInt(operations.userLo(at));
      const known = missing.get(userId);
      if (known === undefined) missing.set(userId, [at]);
      else known.push(at);
      results.put(at, WAITS, 0, 0);
    }
    if (missing !== undefined) this.#load(missing);
    this.#endTurn();
    this.settled();
  }

  /** A turn is settled, or a user. */
  settled(): void {
    this.#pendingCount -= 1;
    if (this.#pendingCount === 0) this.#onDone();
  }

  /** The changes of a lane did not become durable. */
  failLane(lane: CommitLane, fault: Fault): void {
    const status = batchStatusOf(fault.code);
    this.#failWhere((partition) => this.#laneOf(partition) === lane, status);
  }

  /** Partitions have another owner. */
  failPartitions(partitions: ReadonlySet<number>): void {
    this.#failWhere((partition) => partitions.has(partition), WRONG_OWNER);
  }

  #failWhere(isMeant: (partition: number) => boolean, status: number): void {
    for (let at = 0; at < this.operations.count; at += 1) {
      if (isMeant(this.#partitionOf(at)) && this.results.isFine(at)) {
        this.results.put(at, status, 0, 0);
      }
    }
  }

  #load(missing: ReadonlyMap<Snowflake, readonly number[]>): void {
    for (const [userId, places] of missing) {
      this.#pendingCount += 1;
      this.#rooms.loads.load(userId, (fault) => {
        this.#loaded(places, fault);
        this.settled();
      });
    }
  }

  #loaded(places: readonly number[], fault: Fault | undefined): void {
    const { operations, results } = this;
    const { table } = this.#rooms.states;
    for (const at of places) {
      const status = fault === undefined ? this.#refusal(at) : batchStatusOf(fault.code);
      if (status !== BatchStatus.Unmoved) {
        results.put(at, status, 0, 0);
        continue;
      }
      const user = table.find(operations.userHi(at), operations.userLo(at));
      this.#carryOut(user, at);
    }
    this.#endTurn();
  }

  /** Why an operation is not carried out: the status of a fault, or `Unmoved`. */
  #refusal(at: number): number {
    const { states, serves } = this.#rooms;
    const status = states.check(this.operations, at);
    if (status !== BatchStatus.Unmoved) return status;
    const partition = this.#partitionOf(at);
    if (!serves(partition)) return WRONG_OWNER;
    const lane = this.#laneOf(partition);
    if (lane.isOpen || this.operations.kind(at) === ReadStateOperation.Get) return status;
    return batchStatusOf(lane.refusal);
  }

  #carryOut(user: number, at: number): void {
    const { operations, results } = this;
    const { states } = this.#rooms;
    let found = user;
    if (this.#isWhole && at === 0) {
      found = states.makeRoom(user, operations);
      if (found === 0) {
        this.#refuseAll();
        return;
      }
    } else if (this.#isWhole && !results.isFine(0)) {
      return;
    }
    const turn = this.#turnOf(this.#partitionOf(at));
    const status = states.carryOut(found, operations, at);
    if (status > BatchStatus.Moved) {
      results.put(at, status, 0, 0);
      return;
    }
    const version = states.table.versionOf(states.user);
    results.put(at, status, version / UINT32_COUNT, version);
    const kind = operations.kind(at);
    if (kind === ReadStateOperation.Get) {
      if (states.entry !== 0) putEntry(results, at, states);
      return;
    }
    if (status === BatchStatus.Unmoved) {
      this.unmovedCount += 1;
      return;
    }
    this.movedCount += 1;
    this.#writeDown(turn, kind, at);
  }

  #writeDown(turn: Turn, kind: number, at: number): void {
    const { operations } = this;
    const { states, broadcast } = this.#rooms;
    const { records } = turn.lane;
    if (kind === ReadStateOperation.Delete) {
      const type = operations.type(at);
      const hi = operations.channelHi(at);
      records.putDeleted(states.table, states.user, type, hi, operations.channelLo(at));
      return;
    }
    records.put(states.table, states.user, states.entry);
    if (operations.isSilent(at)) return;
    turn.news ??= broadcast.news();
    turn.news.add(states, operations, at);
  }

  #refuseAll(): void {
    const status = batchStatusOf(FaultCode.Overloaded);
    for (let at = 0; at < this.operations.count; at += 1) this.results.put(at, status, 0, 0);
  }

  #turnOf(partition: number): Turn {
    const { lanes, tracer, broadcast } = this.#rooms;
    const number = partition % lanes.length;
    const known = this.#turns[number];
    if (known !== undefined) return known;
    const span = tracer.child(this.#trace, SPAN.storeCommit);
    const turn = new Turn(this, lanes[number]!, broadcast, this.#trace, span);
    this.#turns[number] = turn;
    return turn;
  }

  /** Those that changed something wait for its commit; so do those that saw what is not durable. */
  #endTurn(): void {
    for (const turn of this.#turns.splice(0)) {
      if (turn === undefined || !turn.lane.isAhead) continue;
      this.#pendingCount += 1;
      turn.lane.add(turn);
    }
  }

  #partitionOf(at: number): number {
    return (this.operations.userLo(at) >>> 12) & PARTITIONS_MASK;
  }

  #laneOf(partition: number): CommitLane {
    const { lanes } = this.#rooms;
    return lanes[partition % lanes.length]!;
  }
}

/** What a turn left to a lane. */
class Turn implements CommitWaiter {
  readonly lane: CommitLane;
  news: News | undefined;
  readonly #operations: OperationsInHand;
  readonly #broadcast: Broadcast;
  readonly #trace: TraceContext | undefined;
  readonly #span: Span | undefined;

  constructor(
    operations: OperationsInHand,
    lane: CommitLane,
    broadcast: Broadcast,
    trace: TraceContext | undefined,
    span: Span | undefined,
  ) {
    this.#operations = operations;
    this.lane = lane;
    this.#broadcast = broadcast;
    this.#trace = trace;
    this.#span = span;
  }

  committed(recordsCount: number): void {
    this.#span?.set('guildhall.batch.count', recordsCount).end();
    if (this.news !== undefined) this.#broadcast.publish(this.news, this.#trace);
    this.#operations.settled();
  }

  failed(fault: Fault): void {
    this.#span?.fail(fault).end();
    this.#operations.failLane(this.lane, fault);
    this.#operations.settled();
  }

  lost(partitions: ReadonlySet<number>): void {
    this.news?.forget(partitions);
    this.#operations.failPartitions(partitions);
  }
}

function getsIn(operations: OperationReader): number {
  let count = 0;
  for (let at = 0; at < operations.count; at += 1) {
    if (operations.kind(at) === ReadStateOperation.Get) count += 1;
  }
  return count;
}

/** Hot path. The entry that a get has found. */
function putEntry(results: ResultWriter, at: number, { table, user, entry }: ReadStates): void {
  const words = results.entryWords;
  const first = results.addEntry(at);
  const version = table.entryVersionOf(user, entry);
  const pinMs = table.pinMsOf(entry);
  words[first] = table.channelLo(entry);
  words[first + 1] = table.channelHi(entry);
  words[first + 2] = table.messageLo(entry);
  words[first + 3] = table.messageHi(entry);
  words[first + 4] = version;
  words[first + 5] = version / UINT32_COUNT;
  words[first + 6] = table.manualLo(entry);
  words[first + 7] = table.manualHi(entry);
  words[first + 8] = pinMs;
  words[first + 9] = pinMs / UINT32_COUNT;
  words[first + 10] = table.mentionsOf(entry);
  words[first + 11] = table.flagsOf(entry);
  words[first + 12] = table.lastViewedOf(entry);
  words[first + 13] = table.typeOf(entry);
}
