// Brings users into memory when they are asked for. Who wants the same user shares the query; users
// that are wanted at the same time share one too, since a query at a time for each would be the
// slow way.
import { Fault, FaultCode } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import type { ReadState } from '../domain/read-state.js';
import type { ReadStates } from '../domain/read-states.js';
import { newestOf } from '../domain/unfolded.js';

export interface UserLoadsOptions {
  readonly states: ReadStates;
  /** The rows of some users. */
  readonly load: (userIds: readonly Snowflake[]) => Promise<ReadonlyMap<Snowflake, ReadState[]>>;
  /** What is durable of a user beside the rows. */
  readonly unfoldedOf: (userId: Snowflake) => readonly ReadState[];
  /**
   * The epoch of the user's partition. Throws a Fault when the user cannot be loaded here and now.
   */
  readonly epochOf: (userId: Snowflake) => bigint;
  /** Queries under way at once. */
  readonly atOnceMax: number;
  /** Users in one query. */
  readonly batchMax: number;
  readonly report: (usersCount: number, fault: Fault | undefined) => void;
}

interface Waiter {
  work(): void;
  fail(fault: Fault): void;
}

export class UserLoads {
  readonly #options: UserLoadsOptions;
  readonly #waitersByUser = new Map<Snowflake, Waiter[]>();
  readonly #queue: Snowflake[] = [];
  #atOnce = 0;

  constructor(options: UserLoadsOptions) {
    this.#options = options;
  }

  /**
   * Loads the user and then does the work, in the very turn in which the user came into memory.
   * Rejects with what the work throws, or with a Fault when the user cannot be loaded.
   */
  load<T>(userId: Snowflake, work: () => T | Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiter: Waiter = {
        work: () => {
          try {
            resolve(work());
          } catch (error) {
            reject(error);
          }
        },
        fail: reject,
      };
      const waiters = this.#waitersByUser.get(userId);
      if (waiters !== undefined) {
        waiters.push(waiter);
        return;
      }
      this.#waitersByUser.set(userId, [waiter]);
      this.#queue.push(userId);
      if (this.#atOnce < this.#options.atOnceMax) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#atOnce += 1;
    // Users that are asked for in the same turn of the event loop share the first query already.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#loadBatch(this.#queue.splice(0, this.#options.batchMax));
    }
    this.#atOnce -= 1;
  }

  async #loadBatch(wanted: readonly Snowflake[]): Promise<void> {
    const { load, unfoldedOf, report } = this.#options;
    const epochs = new Map<Snowflake, bigint>();
    const unfolded = new Map<Snowflake, readonly ReadState[]>();
    for (const userId of wanted) {
      const epoch = this.#epochOf(userId);
      if (epoch === undefined) continue;
      epochs.set(userId, epoch);
      // As of before the query as well as after it: a fold may be done in between, unseen by the
      // query.
      unfolded.set(userId, unfoldedOf(userId));
    }
    if (epochs.size === 0) return;
    let rows: ReadonlyMap<Snowflake, ReadState[]>;
    try {
      rows = await load([...epochs.keys()]);
    } catch (error) {
      const fault = Fault.from(error);
      report(epochs.size, fault);
      for (const userId of epochs.keys()) this.#fail(userId, fault);
      return;
    }
    report(epochs.size, undefined);
    for (const [userId, epoch] of epochs) {
      const epochNow = this.#epochOf(userId);
      if (epochNow === undefined) continue;
      if (epochNow !== epoch) {
        // The partition went and came back: what was read may be what it was before.
        this.#fail(userId, new Fault(FaultCode.WrongOwner, 'the partition has changed hands'));
        continue;
      }
      const known = [...(unfolded.get(userId) ?? []), ...unfoldedOf(userId)];
      this.#loaded(userId, newestOf([...(rows.get(userId) ?? []), ...known]));
    }
  }

  /** Undefined when the user cannot be loaded; whoever waits for it has been told. */
  #epochOf(userId: Snowflake): bigint | undefined {
    try {
      return this.#options.epochOf(userId);
    } catch (error) {
      this.#fail(userId, Fault.from(error));
      return undefined;
    }
  }

  #loaded(userId: Snowflake, entries: readonly ReadState[]): void {
    this.#options.states.add(userId, entries);
    for (const waiter of this.#takeWaiters(userId)) waiter.work();
  }

  #fail(userId: Snowflake, fault: Fault): void {
    for (const waiter of this.#takeWaiters(userId)) waiter.fail(fault);
  }

  #takeWaiters(userId: Snowflake): Waiter[] {
    const waiters = this.#waitersByUser.get(userId) ?? [];
    this.#waitersByUser.delete(userId);
    return waiters;
  }
}
