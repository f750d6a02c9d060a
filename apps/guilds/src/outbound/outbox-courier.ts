/**
 * Runs the errands of the outbox: tells other topics what a committed change means for them.
 *
 * An errand is a row that was committed with its cause. It is run right after the commit, deleted
 * when its target has committed it, and found again by a sweep if this process, or the one before
 * it, died in between; so it is run at least once. The target recognises a repeat by the errand's
 * id.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { callOwner, type Bus } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import { DeliverRequestSchema, Topics } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { partitionOf } from '@guildhall/snowflake';
import type { StoredErrand, TopicStore } from './topic-store.js';

export interface OutboxCourierOptions {
  readonly bus: Bus;
  readonly store: TopicStore;
  readonly clock: Clock;
  readonly ownsPartition: (partition: number) => boolean;
  /** Errands run at once; the rest wait in memory, and in the table if there are too many. */
  readonly concurrencyMax: number;
  readonly waitingMax: number;
  readonly sweepIntervalMs: number;
  readonly reportFailure: (errand: StoredErrand, fault: Fault) => void;
}

interface Trip {
  readonly errand: StoredErrand;
  readonly done: () => void;
}

export class OutboxCourier {
  readonly #options: OutboxCourierOptions;
  /** Waiting or under way, by errand id: a sweep leaves them alone. */
  readonly #known = new Map<bigint, Promise<void>>();
  readonly #waiting: Trip[] = [];
  #underwayCount = 0;
  #sweeping: Timer | undefined;
  #isStopped = false;

  constructor(options: OutboxCourierOptions) {
    this.#options = options;
  }

  start(): void {
    this.#sweeping = this.#options.clock.every(
      this.#options.sweepIntervalMs,
      () => void this.sweep(),
    );
  }

  stop(): void {
    this.#isStopped = true;
    this.#sweeping?.cancel();
    for (const trip of this.#waiting.splice(0)) trip.done();
  }

  /** How many errands are waiting or under way. */
  get backlogCount(): number {
    return this.#known.size;
  }

  /** Resolves when all were tried; those that failed are tried again by a sweep. Never rejects. */
  async run(errands: readonly StoredErrand[]): Promise<void> {
    await Promise.all(errands.map((errand) => this.#take(errand)));
  }

  /** Finds errands that nobody is running, of partitions that are ours. Never rejects. */
  async sweep(): Promise<void> {
    try {
      const errands = await this.#options.store.errands(this.#options.waitingMax);
      for (const errand of errands) {
        if (this.#options.ownsPartition(partitionOf(errand.topicId))) void this.#take(errand);
      }
    } catch {
      // The database is away; the next sweep comes, and commits report it meanwhile.
    }
  }

  #take(errand: StoredErrand): Promise<void> {
    const known = this.#known.get(errand.errandId);
    if (known !== undefined) return known;
    // The table keeps what does not fit here; a sweep brings it.
    if (this.#isStopped || this.#known.size >= this.#options.waitingMax) return Promise.resolve();
    const trip = new Promise<void>((done) => {
      this.#waiting.push({ errand, done });
    }).finally(() => this.#known.delete(errand.errandId));
    this.#known.set(errand.errandId, trip);
    this.#next();
    return trip;
  }

  #next(): void {
    while (this.#underwayCount < this.#options.concurrencyMax && this.#waiting.length > 0) {
      const trip = this.#waiting.shift()!;
      this.#underwayCount += 1;
      void this.#run(trip.errand).finally(() => {
        this.#underwayCount -= 1;
        trip.done();
        this.#next();
      });
    }
  }

  async #run(errand: StoredErrand): Promise<void> {
    try {
      const request = fromBinary(DeliverRequestSchema, errand.request);
      const partition = partitionOf(errand.targetTopicId);
      await callOwner(this.#options.bus, Topics.method.deliver, partition, request);
      await this.#options.store.errandDone(errand.topicId, errand.errandId);
    } catch (error) {
      this.#options.reportFailure(errand, Fault.from(error));
    }
  }
}
