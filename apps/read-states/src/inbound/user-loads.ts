// Brings users into memory when they are asked for. Who wants the same user shares the query; users
// that are wanted at the same time share one too, since a query at a time for each would be the
// slow way.
//
// The rows are all there is to know of a user that is not in memory: while they are behind the log
// the user stays in memory, and when its memory had to be dropped it is stale until they no longer
// are.
import { Fault, FaultCode } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import type { PartRow } from '../outbound/user-rows.js';

/** Called once, in the very turn in which the user came into memory, or with why it did not. */
export type OnLoaded = (fault: Fault | undefined) => void;

export interface UserLoadsOptions {
  /** The rows of some users. */
  readonly load: (
    userIds: readonly Snowflake[],
  ) => Promise<(userId: Snowflake) => readonly PartRow[]>;
  /** Puts a user into memory; false when there is no room. Throws a Fault when its rows are bad. */
  readonly add: (userHi: number, userLo: number, rows: readonly PartRow[]) => boolean;
  /**
   * The epoch of the user's partition. Throws a Fault when the user cannot be loaded here and now.
   */
  readonly epochOf: (userId: Snowflake) => bigint;
  /** Users that may wait; for more of them it is overloaded. */
  readonly waitingMax: number;
  /** Queries under way at once. */
  readonly atOnceMax: number;
  /** Users in one query. */
  readonly batchMax: number;
  readonly report: (usersCount: number, fault: Fault | undefined) => void;
}

export class UserLoads {
  readonly #options: UserLoadsOptions;
  readonly #waitersByUser = new Map<Snowflake, OnLoaded[]>();
  readonly #queue: Snowflake[] = [];
  #queueAt = 0;
  #atOnce = 0;

  constructor(options: UserLoadsOptions) {
    this.#options = options;
  }

  /** Users that are waited for. */
  get waitingCount(): number {
    return this.#waitersByUser.size;
  }

  /** Loads a user that is not in memory. */
  load(userId: Snowflake, onLoaded: OnLoaded): void {
    const waiters = this.#waitersByUser.get(userId);
    if (waiters !== undefined) {
      waiters.push(onLoaded);
      return;
    }
    const { waitingMax, atOnceMax } = this.#options;
    if (this.#waitersByUser.size >= waitingMax) {
      onLoaded(new Fault(FaultCode.Overloaded, `${waitingMax} users are being loaded`));
      return;
    }
    this.#waitersByUser.set(userId, [onLoaded]);
    this.#queue.push(userId);
    if (this.#atOnce < atOnceMax) void this.#run();
  }

  async #run(): Promise<void> {
    this.#atOnce += 1;
    // Users that are asked for in the same turn of the event loop share the first query already.
    await Promise.resolve();
    for (let some = this.#next(); some.length > 0; some = this.#next()) {
      await this.#loadBatch(some);
    }
    this.#atOnce -= 1;
  }

  #next(): Snowflake[] {
    const some = this.#queue.slice(this.#queueAt, this.#queueAt + this.#options.batchMax);
    this.#queueAt += some.length;
    if (this.#queueAt * 2 >= this.#queue.length) {
      this.#queue.splice(0, this.#queueAt);
      this.#queueAt = 0;
    }
    return some;
  }

  async #loadBatch(wanted: readonly Snowflake[]): Promise<void> {
    const { load, report } = this.#options;
    const epochs = new Map<Snowflake, bigint>();
    for (const userId of wanted) {
      const epoch = this.#epochOf(userId);
      if (epoch !== undefined) epochs.set(userId, epoch);
    }
    if (epochs.size === 0) return;
    let rowsOf: (userId: Snowflake) => readonly PartRow[];
    try {
      rowsOf = await load([...epochs.keys()]);
    } catch (error) {
      const fault = Fault.from(error);
      report(epochs.size, fault);
      for (const userId of epochs.keys()) this.#tell(userId, fault);
      return;
    }
    report(epochs.size, undefined);
    for (const [userId, epoch] of epochs) {
      const epochNow = this.#epochOf(userId);
      if (epochNow === undefined) continue;
      // If the partition went and came back, what was read may be what it was before.
      const fault =
        epochNow === epoch
          ? this.#add(userId, rowsOf(userId))
          : new Fault(FaultCode.WrongOwner, 'the partition has changed hands');
      this.#tell(userId, fault);
    }
  }

  #add(userId: Snowflake, rows: readonly PartRow[]): Fault | undefined {
    const hi = Number(userId >> 32n);
    const lo = Number(userId & 0xffff_ffffn);
    try {
      if (this.#options.add(hi, lo, rows)) return undefined;
    } catch (error) {
      return Fault.from(error);
    }
    return new Fault(FaultCode.Overloaded, 'no user in memory can be forgotten for another');
  }

  /** Undefined when the user cannot be loaded; whoever waits for it has been told. */
  #epochOf(userId: Snowflake): bigint | undefined {
    try {
      return this.#options.epochOf(userId);
    } catch (error) {
      this.#tell(userId, Fault.from(error));
      return undefined;
    }
  }

  #tell(userId: Snowflake, fault: Fault | undefined): void {
    const waiters = this.#waitersByUser.get(userId) ?? [];
    this.#waitersByUser.delete(userId);
    for (const onLoaded of waiters) onLoaded(fault);
  }
}
