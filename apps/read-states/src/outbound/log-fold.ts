// Folding: what the logs hold goes into the rows, and the logs are cut.
//
// It writes the dirty parts of users, those that have had them for longest first; parts that were
// changed a thousand times meanwhile are written once. Every so often it sets a mark: how far the
// logs were then, and how many users were dirty. When that many more have been written, the rows
// have all that was in the logs at the mark, which is cut off. Marks are set while users are being
// written, so a log is never much longer than what is changed while all dirty users are written
// once.
//
// Only what is durable gets into the rows. A user's parts are taken as they are in memory, which may
// be ahead of the log; they are written when the commits of all that was decided until then are
// done. If one of those fails, or a partition turns out to be another's, memory forgets users, and
// what was taken is thrown away. A log is cut only if nobody was forgotten since the mark: of those
// who were, the rows may lack what the log has. Whatever fails, all marks are given up.
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

/** What was seen from one mark to its cut, for metrics. */
export interface FoldReport {
  readonly durationMs: number;
  readonly fault: Fault | undefined;
}

export interface LogFoldOptions {
  readonly lanes: readonly CommitLane[];
  readonly table: ReadStateTable;
  readonly store: Store;
  readonly clock: Clock;
  /** From mark to mark. */
  readonly intervalMs: number;
  /** About the most rows in one statement: all of a user go together. */
  readonly writeMax: number;
  /** Rows a second while the log is short. */
  readonly rowsPerSecond: number;
  /** Records a lane's log may have; near it nothing is slowed down any more. */
  readonly recordsMax: number;
  readonly report: (report: FoldReport) => void;
  /** Rows were written. */
  readonly wrote: (partsCount: number) => void;
  /** Users were made anew from the log after a commit had failed. */
  readonly rebuilt: (usersCount: number) => void;
}

/** The share of the longest log from which on rows are written as fast as they can be. */
const FULL_SPEED_SHARE = 0.75;
/** With so many under way no more marks are set but those that somebody waits for. */
const MARKS_MAX = 64;
const MS_PER_SECOND = 1_000;

/** A user whose parts are being written; it stays in memory until they are. */
interface Taken {
  readonly userHi: number;
  readonly userLo: number;
  readonly partsMarked: number[];
}

/** When `usersWritten` gets to `untilUser`, the rows have what `closed` names. */
interface Mark {
  /** The last batch of each lane when the mark was set. */
  readonly closed: readonly bigint[];
  readonly untilUser: number;
  readonly drops: number;
  readonly atMs: number;
  readonly waiters: readonly FoldWaiter[];
}

type FoldWaiter = (isFolded: boolean) => void;

export class LogFold {
  readonly #options: LogFoldOptions;
  readonly #writes = new PartWrites();
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #isRunning = false;
  #isMarkDue = false;
  #marks: Mark[] = [];
  /** Who waits for the mark that is due. */
  #waiters: FoldWaiter[] = [];
  #hurriesCount = 0;
  /** Users written since the beginning; marks count from it. */
  #usersWritten = 0;

  constructor(options: LogFoldOptions) {
    this.#options = options;
  }

  /** Folds every so often until `stop`. */
  start(): void {
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => {
      if (this.#marks.length < MARKS_MAX) this.wake();
    });
  }

  /** Sets a mark now, or after the statement that is under way. */
  wake(): void {
    this.#isMarkDue = true;
    if (!this.#isRunning) void this.#run();
  }

  /**
   * Folds all that was changed until now, as fast as it can. Resolves with whether it was; never
   * rejects.
   */
  async fold(): Promise<boolean> {
    this.#hurriesCount += 1;
    const isFolded = await new Promise<boolean>((resolve) => {
      this.#waiters.push(resolve);
      this.wake();
    });
    this.#hurriesCount -= 1;
    return isFolded;
  }

  /** Sets no mark any more, and ends at the next statement. */
  stop(): void {
    this.#stopping.abort();
    this.#timer?.cancel();
  }

  /** Until all marks are reached, or given up; those that are set meanwhile too. Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isMarkDue || this.#marks.length > 0) {
      try {
        if (this.#isMarkDue) await this.#setMark();
        const count = await this.#writeSome();
        await this.#cutReached();
        if (this.#marks.length > 0) await this.#pause(count);
      } catch (error) {
        this.#giveUp(Fault.from(error));
      }
    }
    this.#isRunning = false;
  }

  async #setMark(): Promise<void> {
    const { lanes, table, clock } = this.#options;
    this.#isMarkDue = false;
    const atMs = clock.monotonicMs();
    // Before others are made anew: somebody may be dropped meanwhile.
    const drops = this.#drops();
    for (const lane of lanes) await this.#rebuild(lane);
    const waiters = this.#waiters;
    this.#waiters = [];
    const closed = lanes.map((lane) => lane.closedBatchNo);
    const untilUser = this.#usersWritten + table.dirtyUsersCount;
    if (lanes.some((lane) => lane.recordsCount > 0)) {
      this.#marks.push({ closed, untilUser, drops, atMs, waiters });
    } else {
      for (const waiter of waiters) waiter(true);
    }
  }

  /** Cuts off what the rows have by now: once, however many marks were reached. */
  async #cutReached(): Promise<void> {
    const { lanes } = this.#options;
    const drops = this.#drops();
    if (this.#marks.some((mark) => mark.drops !== drops)) throw unwritten();
    const at = this.#marks.findLastIndex(({ untilUser }) => untilUser <= this.#usersWritten);
    if (at < 0) return;
    const { closed } = this.#marks[at]!;
    for (const [lane, batchNo] of closed.entries()) await lanes[lane]!.cut(batchNo);
    for (const mark of this.#marks.splice(0, at + 1)) {
      this.#report(mark.atMs, undefined);
      for (const waiter of mark.waiters) waiter(true);
    }
  }

  /** What was not written is dirty again, behind others: no mark says any more what is written. */
  #giveUp(fault: Fault): void {
    const marks = this.#marks;
    this.#marks = [];
    const waiters = marks.flatMap((mark) => mark.waiters);
    // Those of a mark that is due go on waiting: it is still to be set.
    if (!this.#isMarkDue) waiters.push(...this.#waiters.splice(0));
    this.#report(marks[0]?.atMs ?? this.#options.clock.monotonicMs(), fault);
    for (const waiter of waiters) waiter(false);
  }

  #report(sinceMs: number, fault: Fault | undefined): void {
    const { clock, report } = this.#options;
    report({ durationMs: clock.monotonicMs() - sinceMs, fault });
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

  /** Writes parts of those dirty for longest, up to the last mark. Resolves with their count. */
  async #writeSome(): Promise<number> {
    const { table, writeMax } = this.#options;
    let left = (this.#marks.at(-1)?.untilUser ?? 0) - this.#usersWritten;
    const taken: Taken[] = [];
    for (; left > 0 && this.#writes.count < writeMax && table.oldestDirty() !== 0; left -= 1) {
      taken.push(this.#take());
    }
    const { count } = this.#writes;
    if (taken.length > 0) await this.#writeTaken(taken);
    this.#usersWritten += taken.length;
    this.#options.wrote(count);
    // Those who are still missing were dropped with their partitions, for which the log stays.
    if (table.oldestDirty() === 0) this.#usersWritten += Math.max(0, left);
    return count;
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
    if (this.#hurriesCount > 0) return;
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
