// The group commit of some partitions: what many requests have changed, made durable together.
//
// Changes are written into the open batch as they are made. A lane has one commit under way; what
// comes meanwhile gathers and goes with the next, which begins the moment the one before it has
// ended: no timer, and the busier the lane the larger its batches. One after the other also means
// that memory and log agree: a change is written only if all before it of its user were.
//
// A commit that failed is settled before anything else: the log says for certain whether it was
// written. If not, memory is ahead of the log, and everything in hand fails: the users concerned
// are dropped, and may be loaded again when their rows have been made out of the log (see
// `stale`). While the database does not answer, the lane is in doubt: nothing is changed, and
// nobody is loaded, since what would be loaded may lack the batch in doubt.
import { Backoff, sleep, type Clock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import { partitionOf, type Snowflake } from '@guildhall/snowflake';
import type { AckLog, Holdings } from './ack-log.js';
import { LogBuffer, recordWords } from './log-records.js';

/** Somebody whose changes are in a batch, or who waits until what it saw is durable. */
export interface CommitWaiter {
  /** All that was changed before it was added is durable. Called once unless `failed` is. */
  committed(recordsCount: number): void;
  /** Nothing of the batch it was added to is durable; memory has forgotten it. Called once. */
  failed(fault: Fault): void;
  /** Partitions have another owner: what the waiter has changed there is not durable. */
  lost(partitions: ReadonlySet<number>): void;
}

/** What was seen of one commit, for metrics. */
export interface CommitReport {
  readonly recordsCount: number;
  readonly durationMs: number;
  readonly fault: Fault | undefined;
}

export interface CommitLaneOptions {
  readonly log: AckLog;
  /** Records that may be in the log and not in the rows; above it nothing is changed. */
  readonly recordsMax: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly report: (report: CommitReport) => void;
  /** Memory is ahead of the log: forget the user. */
  readonly onStale: (userHi: number, userLo: number) => void;
  /** What is durable is known again, and users are stale: their rows may be made from the log. */
  readonly onSettled: () => void;
  /** Partitions that another owner has taken. Called after their waiters have been told. */
  readonly onLost: (partitions: readonly number[]) => void;
}

interface Batch {
  readonly records: LogBuffer;
  readonly waiters: CommitWaiter[];
}

const FIRST_WAIT_MS = 20;
const WAIT_MS_MAX = 1_000;

export class CommitLane {
  readonly log: AckLog;
  /**
   * Users that were dropped since their last changes did not become durable, and whose rows may
   * lack earlier ones that did. They must not be loaded before the rows have all of the log.
   */
  readonly stale = new Set<Snowflake>();
  readonly #options: CommitLaneOptions;
  /** The partitions that this lane may write, and the epoch in which it got them. */
  readonly #epochs = new Map<number, bigint>();
  readonly #stopping = new AbortController();
  #generation = 0n;
  #batchNo = 0n;
  #open: Batch = { records: new LogBuffer(), waiters: [] };
  #spare: LogBuffer | undefined = new LogBuffer();
  #underWay: Batch | undefined;
  /** The number that the batch under way has, or had when it was tried last. */
  #underWayNo = 0n;
  #isBusy = false;
  #isInDoubt = false;
  #dropsCount = 0;
  /** Records of each batch that is in the log, oldest first. */
  #logged: { batchNo: bigint; count: number }[] = [];
  #loggedCount = 0;

  constructor(options: CommitLaneOptions) {
    this.log = options.log;
    this.#options = options;
  }

  /** Hot path. Where a change is written down in the turn in which it is made. */
  get records(): LogBuffer {
    return this.#open.records;
  }

  /** The last batch that is durable. */
  get batchNo(): bigint {
    return this.#batchNo;
  }

  /**
   * The last batch that takes no more changes: all that is in it, and in those before it, has been
   * made in memory by now.
   */
  get closedBatchNo(): bigint {
    const isNumbered = this.#underWay !== undefined && this.#underWay.records.count > 0;
    // One that is found to be written stays under way a little longer: it is not yet another.
    return isNumbered && this.#underWayNo > this.#batchNo ? this.#underWayNo : this.#batchNo;
  }

  /**
   * How often memory has let go of users with changes: what was in hand failed, or partitions were
   * given up. What was taken from memory before may not be durable, and what is in the log may not
   * be in memory.
   */
  get dropsCount(): number {
    return this.#dropsCount;
  }

  /** Records in the log that have not been cut off, and those on their way to it. */
  get recordsCount(): number {
    return this.#loggedCount + (this.#underWay?.records.count ?? 0) + this.#open.records.count;
  }

  /** Whether it is not known what is durable: change nothing and do not load users. */
  get isInDoubt(): boolean {
    return this.#isInDoubt;
  }

  /** Hot path. Whether the lane takes changes now; what it says with a fault: see `refusal`. */
  get isOpen(): boolean {
    return (
      !this.#isInDoubt &&
      !this.#stopping.signal.aborted &&
      this.recordsCount < this.#options.recordsMax
    );
  }

  /** Why the lane takes no changes. */
  get refusal(): FaultCode {
    const isAway = this.#isInDoubt || this.#stopping.signal.aborted;
    return isAway ? FaultCode.Unavailable : FaultCode.Overloaded;
  }

  /** Hot path. Whether memory is ahead of what is durable. */
  get isAhead(): boolean {
    return this.#underWay !== undefined || this.#open.records.count > 0;
  }

  /** Hot path. The epoch of a partition; undefined when this lane does not have it. */
  epochOf(partition: number): bigint | undefined {
    return this.#epochs.get(partition);
  }

  /** The partitions that this lane has. */
  get partitions(): number[] {
    return [...this.#epochs.keys()];
  }

  /** Partitions were claimed for the log. */
  gained(epochs: ReadonlyMap<number, bigint>): void {
    for (const [partition, epoch] of epochs) this.#epochs.set(partition, epoch);
  }

  /**
   * Gives up partitions, whose users are to be dropped now. What of them is still to be written is
   * forgotten; whoever waits for it is told. Not while a commit may write it: such a partition is
   * not served any more and `flushed`, or has been found taken, so that no commit can.
   */
  release(partitions: readonly number[]): void {
    if (partitions.length === 0) return;
    this.#dropsCount += 1;
    const lost = new Set(partitions);
    for (const partition of partitions) this.#epochs.delete(partition);
    for (const userId of this.stale) if (lost.has(partitionOf(userId))) this.stale.delete(userId);
    for (const batch of [this.#underWay, this.#open]) {
      if (batch === undefined || batch.records.removePartitions(lost) === 0) continue;
      for (const waiter of batch.waiters) waiter.lost(lost);
    }
  }

  /** Adds who waits for all that was changed until now. Not when the lane is not open. */
  add(waiter: CommitWaiter): void {
    if (this.#isInDoubt || this.#stopping.signal.aborted) {
      waiter.failed(unavailable());
      return;
    }
    this.#open.waiters.push(waiter);
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
    if (this.#open.waiters.length > 0) await this.#run();
  }

  /** Resolves when everything changed so far is settled, one way or the other. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.add({ committed: () => resolve(), failed: () => resolve(), lost: () => undefined });
    });
  }

  /** The rows have all that is in the log up to this batch. Rejects with a Fault. */
  async cut(batchNo: bigint): Promise<void> {
    if (this.#logged.length === 0 || this.#logged[0]!.batchNo > batchNo) return;
    if (!(await this.log.cut(batchNo, this.partitions))) return;
    while (this.#logged.length > 0 && this.#logged[0]!.batchNo <= batchNo) {
      this.#loggedCount -= this.#logged.shift()!.count;
    }
  }

  /** Writes nothing more; what waits fails as unavailable. May be called twice. */
  stop(): void {
    this.#stopping.abort(unavailable());
    this.#fail(this.#takeOpen(), unavailable());
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    // Requests that arrived in the same turn of the event loop share the first commit already.
    await Promise.resolve();
    while (this.#open.waiters.length > 0) {
      this.#underWay = this.#takeOpen();
      await this.#commit(this.#underWay);
    }
    this.#isBusy = false;
  }

  #takeOpen(): Batch {
    const batch = this.#open;
    this.#open = { records: this.#spare ?? new LogBuffer(), waiters: [] };
    this.#spare = undefined;
    return batch;
  }

  async #commit(batch: Batch): Promise<void> {
    // Once more if a partition in it was taken: what is left of it goes first again.
    while (batch.records.count > 0) {
      if ((await this.#append(batch)) !== 'again') return;
    }
    this.#succeed(batch);
  }

  async #append(batch: Batch): Promise<'done' | 'again'> {
    const { clock, report } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const recordsCount = batch.records.count;
    const told = (fault: Fault | undefined): void =>
      report({ recordsCount, durationMs: clock.monotonicMs() - startedAtMs, fault });
    let isWritten: boolean;
    try {
      const { payload } = batch.records;
      this.#underWayNo = this.#batchNo + 1n;
      isWritten = await this.log.append(this.#underWayNo, this.#generation, payload);
    } catch (error) {
      const fault = unavailable(Fault.from(error));
      told(fault);
      await this.#settle(batch, fault);
      return 'done';
    }
    if (isWritten) {
      told(undefined);
      this.#written(recordsCount);
      this.#succeed(batch);
      return 'done';
    }
    told(new Fault(FaultCode.WrongOwner, 'the partition has another owner'));
    // Somebody has taken a partition. Which one shows.
    const isKnown = await this.#persist(batch, async () => {
      this.#batchNo = (await this.#refresh()).batchNo;
    });
    return isKnown ? 'again' : 'done';
  }

  #written(recordsCount: number): void {
    this.#batchNo += 1n;
    this.#logged.push({ batchNo: this.#batchNo, count: recordsCount });
    this.#loggedCount += recordsCount;
  }

  #succeed({ records, waiters }: Batch): void {
    const { count } = records;
    this.#underWay = undefined;
    records.clear();
    this.#spare = records;
    for (const waiter of waiters) waiter.committed(count);
  }

  /** Finds out what became of a batch that may or may not be written, however long it takes. */
  async #settle(batch: Batch, fault: Fault): Promise<void> {
    const recordsCount = batch.records.count;
    await this.#persist(batch, async () => {
      const { batchNo } = await this.log.settle();
      const isWritten = batchNo === this.#batchNo + 1n;
      const isInHand = this.#underWay === batch;
      if (isWritten) this.#written(recordsCount);
      await this.#refresh();
      if (!isInHand) return;
      if (isWritten) this.#succeed(batch);
      else this.#failAll(fault);
    });
  }

  /**
   * Does it until it succeeds, or the lane is stopped. From the first failure on the lane is in
   * doubt: this batch and all that waits have failed. Returns whether they have not.
   */
  async #persist(batch: Batch, work: () => Promise<void>): Promise<boolean> {
    const { clock, random } = this.#options;
    const backoff = new Backoff({ firstMs: FIRST_WAIT_MS, capMs: WAIT_MS_MAX, random });
    const { signal } = this.#stopping;
    const giveUp = (fault: Fault): void => {
      if (this.#isInDoubt) return;
      this.#isInDoubt = true;
      this.#failAll(fault);
    };
    while (!signal.aborted) {
      try {
        await work();
        this.#isInDoubt = false;
        if (this.stale.size > 0) this.#options.onSettled();
        return this.#underWay === batch;
      } catch (error) {
        giveUp(unavailable(Fault.from(error)));
        await sleep(clock, backoff.nextMs(), signal).catch(() => undefined);
      }
    }
    giveUp(unavailable());
    return false;
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

  /** Fails what is under way and what was decided upon it. */
  #failAll(fault: Fault): void {
    const underWay = this.#underWay;
    this.#underWay = undefined;
    const open = this.#takeOpen();
    if (underWay !== undefined) this.#fail(underWay, fault);
    this.#fail(open, fault);
  }

  /** The memory of a batch that failed may still be on its way to a socket: it is given up. */
  #fail({ records, waiters }: Batch, fault: Fault): void {
    const { words, endAt } = records;
    if (records.count > 0) this.#dropsCount += 1;
    for (let at = records.firstAt; at < endAt; at += recordWords(words, at)) {
      const userHi = words[at + 3]!;
      const userLo = words[at + 2]!;
      this.stale.add((BigInt(userHi) << 32n) | BigInt(userLo));
      this.#options.onStale(userHi, userLo);
    }
    for (const waiter of waiters) waiter.failed(fault);
  }
}

const unavailable = (cause?: Fault): Fault =>
  new Fault(FaultCode.Unavailable, 'the change could not be made durable', { cause });
