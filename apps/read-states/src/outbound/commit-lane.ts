// The group commit of some partitions: what many requests have changed, made durable together.
//
// A lane has one commit under way; what comes meanwhile waits and shares the next. One after the
// other also means that memory and log agree: an entry is written only if all before it of its user
// were.
//
// A commit that failed is settled before anything else: the log says for certain whether it was
// written. While the database does not answer that question the lane is in doubt: everything in it
// fails as unavailable, and nobody is loaded, since what would be loaded may lack the batch in
// doubt.
import { Backoff, sleep, type Clock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import type { UserReadState } from '../domain/read-state.js';
import type { Unfolded } from '../domain/unfolded.js';
import type { AckLog, Holdings } from './ack-log.js';
import { encodeBatch } from './log-payload.js';

/** What one request writes. Without changes it waits for those before it, and writes nothing. */
export interface CommitEntry {
  readonly userId: Snowflake;
  readonly partition: number;
  /** The epoch of the partition in which the changes were decided. */
  readonly epoch: bigint;
  readonly changes: readonly UserReadState[];
  /**
   * Called once, synchronously: committed, together with how many changes, or why not. After a
   * fault memory is ahead of the log; all entries of the user that wait fail in the same turn.
   */
  settled(fault: Fault | undefined, batchCount: number): void;
}

/** What was seen of one commit, for metrics. */
export interface CommitReport {
  readonly changesCount: number;
  readonly durationMs: number;
  readonly fault: Fault | undefined;
}

export interface CommitLaneOptions {
  readonly log: AckLog;
  /** Gets what was committed. */
  readonly unfolded: Unfolded;
  /** About the most changes in one commit: what takes a batch above it is the last in it. */
  readonly batchMax: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: (report: CommitReport) => void;
  /** Partitions that another owner has taken. Called after their entries have failed. */
  readonly onLost: (partitions: readonly number[]) => void;
}

const NO_PARTITION = -1;
const FIRST_WAIT_MS = 20;
const WAIT_MS_MAX = 1_000;

export class CommitLane {
  readonly log: AckLog;
  readonly unfolded: Unfolded;
  readonly #options: CommitLaneOptions;
  /** The partitions that this lane may write, and the epoch in which it got them. */
  readonly #epochs = new Map<number, bigint>();
  readonly #stopping = new AbortController();
  #generation = 0n;
  #batchNo = 0n;
  #waiting: CommitEntry[] = [];
  #isBusy = false;
  #isInDoubt = false;

  constructor(options: CommitLaneOptions) {
    this.log = options.log;
    this.unfolded = options.unfolded;
    this.#options = options;
  }

  /** The last batch that is durable and given to `unfolded`. */
  get batchNo(): bigint {
    return this.#batchNo;
  }

  /** Whether it is not known what is durable: do not load users. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** Hot path. The epoch of a partition; undefined when this lane does not have it. */
  epochOf(partition: number): bigint | undefined {
    return this.#epochs.get(partition);
  }

  /** Partitions were claimed for the log. */
  gained(epochs: ReadonlyMap<number, bigint>): void {
    for (const [partition, epoch] of epochs) this.#epochs.set(partition, epoch);
  }

  /** Gives up partitions; what of them still waits fails as `wrong_owner`. */
  release(partitions: Iterable<number>): void {
    for (const partition of partitions) this.#epochs.delete(partition);
    this.#fail(
      this.#takeWaiting((entry) => !this.#mayWrite(entry)),
      wrongOwner(),
    );
  }

  /** Takes an entry. Entries are written in the order in which they are given. */
  add(entry: CommitEntry): void {
    if (this.#isInDoubt || this.#stopping.signal.aborted) {
      this.#fail([entry], unavailable());
      return;
    }
    this.#waiting.push(entry);
    if (!this.#isBusy) void this.#run();
  }

  /**
   * Asks the log whether another owner has taken something, unless a commit is about to find out.
   * For lanes that commit nothing and would go on answering from memory. Never rejects.
   */
  async verify(): Promise<void> {
    if (this.#isBusy || this.#stopping.signal.aborted) return;
    this.#isBusy = true;
    // If it cannot be asked it cannot be written either: the next commit will see to that.
    await this.#refresh().catch((error: unknown) => void Fault.from(error));
    this.#isBusy = false;
    if (this.#waiting.length > 0) await this.#run();
  }

  /** Resolves when everything given so far is settled. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.add({
        userId: 0n,
        partition: NO_PARTITION,
        epoch: 0n,
        changes: [],
        settled: () => resolve(),
      });
    });
  }

  /** Writes nothing more; what waits fails as unavailable. May be called twice. */
  stop(): void {
    this.#stopping.abort(unavailable());
    this.#fail(this.#waiting.splice(0), unavailable());
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    // Requests that arrived in the same turn of the event loop share the first commit already.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      // A batch that was taken and found lost leaves an empty one.
      const batch = this.#nextBatch();
      if (batch.length > 0) await this.#commit(batch);
    }
    this.#isBusy = false;
  }

  #nextBatch(): CommitEntry[] {
    let entriesCount = 0;
    let changesCount = 0;
    while (entriesCount < this.#waiting.length && changesCount < this.#options.batchMax) {
      changesCount += this.#waiting[entriesCount]!.changes.length;
      entriesCount += 1;
    }
    const batch = this.#waiting.splice(0, entriesCount);
    const lost = batch.filter((entry) => !this.#mayWrite(entry));
    if (lost.length === 0) return batch;
    this.#fail(lost, wrongOwner());
    return batch.filter((entry) => !lost.includes(entry));
  }

  #mayWrite({ partition, epoch }: CommitEntry): boolean {
    return partition === NO_PARTITION || this.#epochs.get(partition) === epoch;
  }

  async #commit(batch: CommitEntry[]): Promise<void> {
    const changes = batch.flatMap((entry) => entry.changes);
    if (changes.length === 0) {
      this.#succeed(batch, changes);
      return;
    }
    const startedAtMs = this.#options.clock.monotonicMs();
    const report = (fault: Fault | undefined): void => {
      const durationMs = this.#options.clock.monotonicMs() - startedAtMs;
      this.#options.report({ changesCount: changes.length, durationMs, fault });
    };
    let isWritten: boolean;
    try {
      isWritten = await this.log.append(this.#batchNo + 1n, this.#generation, encodeBatch(changes));
    } catch (error) {
      const fault = unavailable(Fault.from(error));
      report(fault);
      await this.#settle(batch, changes, fault);
      return;
    }
    if (isWritten) {
      report(undefined);
      this.#batchNo += 1n;
      this.#succeed(batch, changes);
      return;
    }
    report(wrongOwner());
    // Somebody has taken a partition. Which one shows; what is left of the batch goes first again.
    this.#waiting.unshift(...batch);
    await this.#persist([], async () => {
      this.#batchNo = (await this.#refresh()).batchNo;
    });
  }

  #succeed(batch: readonly CommitEntry[], changes: readonly UserReadState[]): void {
    for (const change of changes) this.unfolded.add(change);
    for (const entry of batch) entry.settled(undefined, changes.length);
  }

  /** Finds out what became of a batch that may or may not be written, however long it takes. */
  async #settle(
    batch: readonly CommitEntry[],
    changes: readonly UserReadState[],
    fault: Fault,
  ): Promise<void> {
    await this.#persist(batch, async () => {
      const { batchNo } = await this.log.settle();
      await this.#refresh();
      const isAnswered = this.#isInDoubt || this.#stopping.signal.aborted;
      const rest = isAnswered ? [] : batch;
      if (batchNo === this.#batchNo + 1n) {
        this.#batchNo = batchNo;
        this.#succeed(rest, changes);
      } else {
        this.#fail(rest, fault);
      }
    });
  }

  /**
   * Does it until it succeeds, or the lane is stopped. From the first failure on the lane is in
   * doubt: these entries and all that wait have failed.
   */
  async #persist(entries: readonly CommitEntry[], work: () => Promise<void>): Promise<void> {
    const { clock, random } = this.#options;
    const backoff = new Backoff({ firstMs: FIRST_WAIT_MS, capMs: WAIT_MS_MAX, random });
    const { signal } = this.#stopping;
    const giveUp = (fault: Fault): void => {
      if (this.#isInDoubt) return;
      this.#isInDoubt = true;
      this.#fail([...entries, ...this.#waiting.splice(0)], fault);
    };
    while (!signal.aborted) {
      try {
        await work();
        this.#isInDoubt = false;
        return;
      } catch (error) {
        giveUp(unavailable(Fault.from(error)));
        await sleep(clock, backoff.nextMs(), signal).catch(() => undefined);
      }
    }
    giveUp(unavailable());
  }

  /** Learns what the log still has. What it lost fails; what it got elsewhere is not its to add. */
  async #refresh(): Promise<Holdings> {
    const before = new Map(this.#epochs);
    const holdings = await this.log.holdings();
    this.#generation = holdings.generation;
    const lost: number[] = [];
    for (const [partition, epoch] of before) {
      // One that was gained while the answer was on its way is not in it.
      if (holdings.epochs.get(partition) === epoch || this.#epochs.get(partition) !== epoch)
        continue;
      lost.push(partition);
    }
    if (lost.length === 0) return holdings;
    this.release(lost);
    this.#options.onLost(lost);
    return holdings;
  }

  /**
   * Fails entries, and with them what waits behind them of the same users: it was decided upon
   * them.
   */
  #fail(entries: readonly CommitEntry[], fault: Fault): void {
    if (entries.length === 0) return;
    const epochsByUser = new Map(entries.map((entry) => [entry.userId, entry.epoch]));
    const behind = this.#takeWaiting(
      ({ userId, epoch, partition }) =>
        partition !== NO_PARTITION && epochsByUser.get(userId) === epoch,
    );
    for (const entry of [...entries, ...behind]) entry.settled(fault, 0);
  }

  #takeWaiting(isMeant: (entry: CommitEntry) => boolean): CommitEntry[] {
    const taken = this.#waiting.filter(isMeant);
    if (taken.length > 0) this.#waiting = this.#waiting.filter((entry) => !isMeant(entry));
    return taken;
  }
}

const wrongOwner = (): Fault => new Fault(FaultCode.WrongOwner, 'the partition has another owner');

const unavailable = (cause?: Fault): Fault =>
  new Fault(FaultCode.Unavailable, 'the change could not be made durable', { cause });
