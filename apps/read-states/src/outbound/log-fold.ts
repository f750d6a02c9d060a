// Folding: what a log holds goes into the rows, and the log is cut. Of entries that changed often
// only the last state is written.
//
// Not one transaction, and not fenced, because it need not be: a write carries the whole state of
// an entry and its version, and loses against a newer row. So it may be done twice, in part, late,
// or beside the replay of an owner that has taken the partition; the log is cut only when all of it
// is done.
import type { Clock, Timer } from '@guildhall/clock';
import { Fault } from '@guildhall/fault';
import type { UserReadState } from '../domain/read-state.js';
import type { Store } from '@guildhall/store';
import type { CommitLane } from './commit-lane.js';
import { writeReadStates } from './read-state-store.js';

/** What was seen of one fold, for metrics. */
export interface FoldReport {
  readonly entriesCount: number;
  readonly durationMs: number;
  readonly fault: Fault | undefined;
}

export interface LogFoldOptions {
  readonly lane: CommitLane;
  readonly store: Store;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** The most rows in one statement. */
  readonly writeMax: number;
  readonly report: (report: FoldReport) => void;
}

export class LogFold {
  readonly #options: LogFoldOptions;
  #timer: Timer | undefined;
  #running: Promise<boolean> | undefined;
  #isStopped = false;

  constructor(options: LogFoldOptions) {
    this.#options = options;
  }

  /** Folds every so often until `stop`. */
  start(): void {
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => void this.#soon());
  }

  /** Folds all that is durable now. Resolves with whether it was; never rejects. */
  async fold(): Promise<boolean> {
    await this.#running;
    return this.#soon();
  }

  /** Begins no fold any more, and ends the one under way at its next statement. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #soon(): Promise<boolean> {
    this.#running ??= this.#fold().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #fold(): Promise<boolean> {
    const { lane, clock, report } = this.#options;
    const { unfolded } = lane;
    if (unfolded.count === 0) return true;
    if (this.#isStopped) return false;
    const startedAtMs = clock.monotonicMs();
    const untilBatchNo = lane.batchNo;
    const changes = unfolded.take();
    let entriesCount = 0;
    let fault: Fault | undefined;
    try {
      entriesCount = await this.#write(changes);
      await lane.log.cut(untilBatchNo);
      unfolded.written();
    } catch (error) {
      fault = Fault.from(error);
      unfolded.putBack();
    }
    report({ entriesCount, durationMs: clock.monotonicMs() - startedAtMs, fault });
    return fault === undefined;
  }

  async #write(changes: Iterable<UserReadState>): Promise<number> {
    const { store, writeMax } = this.#options;
    let count = 0;
    let part: UserReadState[] = [];
    for (const change of changes) {
      part.push(change);
      if (part.length < writeMax) continue;
      await this.#writePart(part, store);
      count += part.length;
      part = [];
    }
    await this.#writePart(part, store);
    return count + part.length;
  }

  async #writePart(part: readonly UserReadState[], store: Store): Promise<void> {
    if (this.#isStopped) throw new Fault('unavailable', 'the fold was told to stop');
    await writeReadStates(store, part);
  }
}
