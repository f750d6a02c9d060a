// Folding: what the logs hold goes into the rows, and the logs are cut.
//
// A round writes the dirty parts of every user that has some when it begins, those that have had
// them for longest first; parts that were changed a thousand times since the last round are written
// once. Then all that was in the logs when it began is in the rows, and is cut off.
//
// Only what is durable gets into the rows. A user's parts are taken as they are in memory, which may
// be ahead of the log; they are written when the commits of all that was decided until then are
// done. If one of those fails, or a partition turns out to be another's, memory forgets users, and
// what was taken is thrown away. A log is cut only after a round in which nobody was forgotten: of
// those who were, the rows may lack what the log has.
//
// Not one transaction, and not fenced, because it need not be: a row never goes back (see
// part-writes.ts). So a write may be done twice, late, or beside the replay of an owner that has
// taken the partition.
//
// How fast: writing a row costs as much as a few dozen acks, and the longer a part waits the more
// acks it stands for; but what is in the log has to be replayed when the process dies. So rows are
// written at a modest pace while the log is short, and the faster the longer it is.
import { sleep, type Clock, type Timer } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import type { ReadStateTable } from '@guildhall/read-state-table';
import type { Snowflake } from '@guildhall/snowflake';
import type { Store } from '@guildhall/store';
import type { CommitLane } from './commit-lane.js';
import { replayLog } from './log-replay.js';
import { PartWrites } from './part-writes.js';

/** What was seen of one round, for metrics. */
export interface FoldReport {
  readonly partsCount: number;
  readonly durationMs: number;
  readonly fault: Fault | undefined;
}

export interface LogFoldOptions {
  readonly lanes: readonly CommitLane[];
  readonly table: ReadStateTable;
  readonly store: Store;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** About the most rows in one statement: all of a user go together. */
  readonly writeMax: number;
  /** Rows a second while the log is short. */
  readonly rowsPerSecond: number;
  /** Records a lane's log may have; near it nothing is slowed down any more. */
  readonly recordsMax: number;
  readonly report: (report: FoldReport) => void;
  /** Users were made anew from the log after a commit had failed. */
  readonly rebuilt: (usersCount: number) => void;
}

/** The share of the longest log from which on rows are written as fast as they can be. */
const FULL_SPEED_SHARE = 0.75;
const MS_PER_SECOND = 1_000;

/** A user whose parts are being written; it stays in memory until they are. */
interface Taken {
  readonly userHi: number;
  readonly userLo: number;
  readonly partsMarked: number[];
}

export class LogFold {
  readonly #options: LogFoldOptions;
  readonly #writes = new PartWrites();
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #running: Promise<boolean> | undefined;
  #isHurried = false;
  #isWoken = false;

  constructor(options: LogFoldOptions) {
    this.#options = options;
  }

  /** Folds every so often until `stop`. */
  start(): void {
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => void this.#soon());
  }

  /** Begins a round now, or when the one under way has ended. */
  wake(): void {
    if (this.#running === undefined) void this.#soon();
    else this.#isWoken = true;
  }

  /**
   * Folds all that was changed until now, as fast as it can. Resolves with whether it was; never
   * rejects.
   */
  async fold(): Promise<boolean> {
    this.#isHurried = true;
    await this.#running;
    const isDone = await this.#soon();
    this.#isHurried = false;
    return isDone;
  }

  /** Begins no round any more, and ends the one under way at its next statement. */
  stop(): void {
    this.#stopping.abort();
    this.#timer?.cancel();
  }

  #soon(): Promise<boolean> {
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined;
      if (!this.#isWoken) return;
      this.#isWoken = false;
      void this.#soon();
    });
    return this.#running;
  }

  async #round(): Promise<boolean> {
    const { lanes, clock, report } = this.#options;
    if (lanes.every((lane) => lane.recordsCount === 0 && lane.stale.size === 0)) return true;
    const startedAtMs = clock.monotonicMs();
    let partsCount = 0;
    let fault: Fault | undefined;
    try {
      const dropsBefore = this.#drops();
      for (const lane of lanes) await this.#rebuild(lane);
      const closed = lanes.map((lane) => lane.closedBatchNo);
      partsCount = await this.#writeDirty();
      // Also of those who were dropped while others were made anew.
      if (this.#drops() !== dropsBefore) throw unwritten();
      for (const [at, lane] of lanes.entries()) await lane.cut(closed[at]!);
    } catch (error) {
      fault = Fault.from(error);
    }
    report({ partsCount, durationMs: clock.monotonicMs() - startedAtMs, fault });
    return fault === undefined;
  }

  /** Makes the rows of users that were dropped with durable changes from the log. */
  async #rebuild(lane: CommitLane): Promise<void> {
    if (lane.stale.size === 0) return;
    if (lane.isInDoubt) throw unwritten();
    this.#checkGoing();
    const users: ReadonlySet<Snowflake> = new Set(lane.stale);
    const { store, writeMax } = this.#options;
    const { logId } = lane.log;
    await replayLog(store, { logId, untilBatchNo: lane.batchNo, users, writeMax });
    for (const userId of users) lane.stale.delete(userId);
    this.#options.rebuilt(users.size);
  }

  /** Writes the parts of all that are dirty now. Resolves with how many those were. */
  async #writeDirty(): Promise<number> {
    const { table, writeMax } = this.#options;
    let left = table.dirtyUsersCount;
    let partsCount = 0;
    while (left > 0 && table.oldestDirty() !== 0) {
      this.#checkGoing();
      const taken: Taken[] = [];
      for (; left > 0 && this.#writes.count < writeMax && table.oldestDirty() !== 0; left -= 1) {
        taken.push(this.#take());
      }
      const { count } = this.#writes;
      await this.#writeTaken(taken);
      partsCount += count;
      await this.#pause(count);
    }
    return partsCount;
  }

  #take(): Taken {
    const { table } = this.#options;
    const user = table.oldestDirty();
    const partsMarked: number[] = [];
    for (let part = table.nextDirtyPart(user, 0); part >= 0;) {
      partsMarked.push(part);
      part = table.nextDirtyPart(user, part + 1);
    }
    table.hold(user);
    this.#writes.take(table, user);
    return { userHi: table.userHi(user), userLo: table.userLo(user), partsMarked };
  }

  async #writeTaken(taken: readonly Taken[]): Promise<void> {
    const { lanes, store } = this.#options;
    const dropsBefore = this.#drops();
    let isWritten = false;
    try {
      await Promise.all(lanes.map((lane) => (lane.isAhead ? lane.flushed() : undefined)));
      if (this.#drops() !== dropsBefore || lanes.some((lane) => lane.isInDoubt)) {
        throw unwritten();
      }
      this.#checkGoing();
      await this.#writes.write(store);
      isWritten = true;
    } finally {
      this.#writes.clear();
      for (const one of taken) this.#putBack(one, isWritten);
    }
  }

  /** Lets go of a user; of one whose parts are not in the rows they are dirty again. */
  #putBack({ userHi, userLo, partsMarked }: Taken, isWritten: boolean): void {
    const { table } = this.#options;
    const user = table.peek(userHi, userLo);
    // It was dropped meanwhile; if it is here it was loaded anew, and is held by nobody.
    if (user === 0 || table.holdsOf(user) === 0) return;
    if (!isWritten) for (const part of partsMarked) table.markDirty(user, part);
    table.release(user);
  }

  async #pause(rowsCount: number): Promise<void> {
    const { lanes, clock, rowsPerSecond, recordsMax } = this.#options;
    if (this.#isHurried) return;
    const longest = Math.max(...lanes.map((lane) => lane.recordsCount));
    const share = longest / (recordsMax * FULL_SPEED_SHARE);
    if (share >= 1) return;
    const pauseMs = (rowsCount / rowsPerSecond) * MS_PER_SECOND * (1 - share);
    await sleep(clock, pauseMs, this.#stopping.signal).catch(() => undefined);
  }

  #drops(): number {
    return this.#options.lanes.reduce((sum, lane) => sum + lane.dropsCount, 0);
  }

  #checkGoing(): void {
    if (this.#stopping.signal.aborted) {
      throw new Fault(FaultCode.Unavailable, 'the fold was told to stop');
    }
  }
}

const unwritten = (): Fault =>
  new Fault(FaultCode.Unavailable, 'users were dropped from memory while they were written');
