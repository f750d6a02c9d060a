// Serves the partitions that placement gives this process, and lets go of those it takes away.
//
// Gaining: the partition is claimed in the database (see PartitionClaims), and served when its rows
// are complete. Losing: requests are taken no more, what is under way is committed, the users are
// forgotten. Another process may claim a partition at any moment; a partition that was lost that
// way while placement still says that it is ours is claimed again after a while.
import type { Subscription } from '@guildhall/bus';
import { Backoff, type Clock, type Timer } from '@guildhall/clock';
import { Bug, Fault } from '@guildhall/fault';
import { PARTITIONS_COUNT } from '@guildhall/snowflake';
import type { CommitLane } from '../outbound/commit-lane.js';
import type { Claimed } from '../outbound/partition-claims.js';

export interface OwnershipOptions {
  readonly lanes: readonly CommitLane[];
  readonly laneOf: (partition: number) => CommitLane;
  /** Forgets all users of a partition. */
  readonly drop: (partition: number) => void;
  readonly claim: (lane: CommitLane, partitions: readonly number[]) => Promise<Claimed>;
  /** Takes the requests of a partition. */
  readonly serve: (partition: number) => Subscription;
  readonly clock: Clock;
  readonly random: () => number;
  readonly claimed: (partitionsCount: number, claimed: Claimed, durationMs: number) => void;
  readonly claimFailed: (partitionsCount: number, fault: Fault) => void;
}

const FIRST_WAIT_MS = 100;
const WAIT_MS_MAX = 2_000;

export class Ownership {
  readonly #options: OwnershipOptions;
  /** What placement says is ours. */
  readonly #wanted = new Set<number>();
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #claimers: Map<CommitLane, Claimer>;
  /** Being let go of. Only then may one be claimed again: memory may be behind another owner's. */
  readonly #leaving = new Set<number>();
  /** By partition: not 0 where operations are carried out. */
  readonly #served = new Uint8Array(PARTITIONS_COUNT);
  #isClosed = false;

  constructor(options: OwnershipOptions) {
    this.#options = options;
    this.#claimers = new Map(options.lanes.map((lane) => [lane, this.#claimerOf(lane)]));
  }

  /** Partitions that are being served. */
  get servedCount(): number {
    return this.#subscriptions.size;
  }

  /** Hot path. Whether operations on users of the partition are carried out here now. */
  serves(partition: number): boolean {
    return this.#served[partition] !== 0;
  }

  /** Follows a change of placement. */
  change(gained: readonly number[], lost: readonly number[]): void {
    if (this.#isClosed) return;
    for (const partition of gained) this.#wanted.add(partition);
    for (const partition of lost) this.#wanted.delete(partition);
    if (lost.length > 0) orDie(this.#letGo(lost));
    for (const claimer of this.#claimers.values()) claimer.wake();
  }

  /** Another process has taken partitions from a lane, which has given them up. */
  taken(partitions: readonly number[]): void {
    for (const partition of partitions) {
      this.#subscriptions.get(partition)?.unsubscribe();
      this.#subscriptions.delete(partition);
      this.#served[partition] = 0;
      this.#options.drop(partition);
    }
    // Not at once: if two think they own it, one of them is about to learn better.
    for (const claimer of this.#claimers.values()) claimer.wakeLater();
  }

  /** Resolves when every partition that placement says is ours is served. */
  async settled(): Promise<void> {
    await Promise.all([...this.#claimers.values()].map((claimer) => claimer.settled()));
  }

  /**
   * Lets go of everything: no new requests, what is under way is committed, then comes `settle`,
   * and users are forgotten. May be called twice.
   */
  async close(settle: () => Promise<void>): Promise<void> {
    this.stop();
    await this.#letGo([...this.#subscriptions.keys()], settle);
  }

  /** Claims nothing any more. May be called twice. */
  stop(): void {
    this.#isClosed = true;
    this.#wanted.clear();
    for (const claimer of this.#claimers.values()) claimer.stop();
  }

  async #letGo(partitions: readonly number[], settle?: () => Promise<void>): Promise<void> {
    for (const partition of partitions) this.#leaving.add(partition);
    const subscriptions = partitions.map((partition) => this.#subscriptions.get(partition));
    for (const partition of partitions) this.#subscriptions.delete(partition);
    await Promise.all(subscriptions.map((subscription) => subscription?.drain()));
    // What comes in a batch that another partition's owner was asked for is refused from now on.
    for (const partition of partitions) this.#served[partition] = 0;
    await Promise.all(this.#options.lanes.map((lane) => lane.flushed()));
    await settle?.();
    for (const lane of this.#options.lanes) {
      lane.release(partitions.filter((partition) => this.#options.laneOf(partition) === lane));
    }
    for (const partition of partitions) {
      this.#options.drop(partition);
      this.#leaving.delete(partition);
    }
    for (const claimer of this.#claimers.values()) claimer.wake();
  }

  #claimerOf(lane: CommitLane): Claimer {
    const { clock, random, laneOf, claim, claimed, claimFailed } = this.#options;
    return new Claimer({
      clock,
      random,
      missing: () =>
        [...this.#wanted].filter(
          (partition) =>
            laneOf(partition) === lane &&
            !this.#subscriptions.has(partition) &&
            !this.#leaving.has(partition),
        ),
      claim: async (partitions) => {
        const startedAtMs = clock.monotonicMs();
        try {
          const result = await claim(lane, partitions);
          lane.gained(result.epochs);
          claimed(partitions.length, result, clock.monotonicMs() - startedAtMs);
        } catch (error) {
          const fault = Fault.from(error);
          claimFailed(partitions.length, fault);
          throw fault;
        }
        this.#serveHeld(lane, partitions);
      },
    });
  }

  #serveHeld(lane: CommitLane, partitions: readonly number[]): void {
    // Placement may have changed its mind while they were claimed.
    const unwanted = partitions.filter(
      (partition) => !this.#wanted.has(partition) || this.#leaving.has(partition),
    );
    lane.release(unwanted);
    for (const partition of partitions) {
      if (lane.epochOf(partition) === undefined) continue;
      this.#served[partition] = 1;
      this.#subscriptions.set(partition, this.#options.serve(partition));
    }
  }
}

interface ClaimerOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** What is wanted and not served. */
  readonly missing: () => number[];
  /** Tries to serve them. Some may still be missing afterwards. */
  readonly claim: (partitions: readonly number[]) => Promise<void>;
}

/** Claims what one lane misses, until it misses nothing. */
class Claimer {
  readonly #options: ClaimerOptions;
  readonly #backoff: Backoff;
  #timer: Timer | undefined;
  #isBusy = false;
  #isStopped = false;
  #waiters: (() => void)[] = [];

  constructor(options: ClaimerOptions) {
    this.#options = options;
    const { random } = options;
    this.#backoff = new Backoff({ firstMs: FIRST_WAIT_MS, capMs: WAIT_MS_MAX, random });
  }

  wake(): void {
    if (this.#isBusy || this.#isStopped) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    orDie(this.#run());
  }

  wakeLater(): void {
    if (this.#isBusy || this.#isStopped || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.setTimer(this.#backoff.nextMs(), () => {
      this.#timer = undefined;
      this.wake();
    });
  }

  async settled(): Promise<void> {
    if (this.#isStopped || (!this.#isBusy && this.#options.missing().length === 0)) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#tell();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    let missing = this.#options.missing();
    let isFailed = false;
    while (missing.length > 0 && !isFailed && !this.#isStopped) {
      try {
        await this.#options.claim(missing);
      } catch (error) {
        if (error instanceof Bug) throw error;
        isFailed = true;
      }
      // What is still missing was taken by another in the same moment: not a race to win.
      const before = new Set(missing);
      missing = this.#options.missing();
      isFailed ||= missing.some((partition) => before.has(partition));
    }
    this.#isBusy = false;
    if (missing.length > 0 && !this.#isStopped) {
      this.wakeLater();
      return;
    }
    if (!isFailed) this.#backoff.reset();
    this.#tell();
  }

  #tell(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/** Only a Bug comes here, and a Bug ends the process. */
function orDie(work: Promise<void>): void {
  work.catch((error: unknown) => {
    queueMicrotask(() => {
      throw error;
    });
  });
}
