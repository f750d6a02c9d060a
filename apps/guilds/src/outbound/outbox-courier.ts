/**
 * Runs the errands of the outbox: tells other topics what a committed change means for them.
 *
 * An errand is a row that was committed with its cause. It is run right after the commit, deleted
 * when its target has committed it, and found again if this process, or the one before it, died in
 * between; so it is run at least once. The target recognises a repeat by the errand's id.
 *
 *   line   topic A to topic B    [joined] [left] ...      one under way, the rest waits its turn
 *
 * What one topic tells another is told in the order in which it was decided, or who joined, left
 * and was not reached meanwhile would be a member for ever in its own eyes. So errands of one topic
 * to another form a line. When one fails, the line is blocked: what is in it, and what comes, is
 * left to a sweep, which finds all of it in the table, the oldest first.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { callOwner, type Bus } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import { DeliverRequestSchema, Topics } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { partitionOf } from '@guildhall/snowflake';
import type { TraceContext, Tracer } from '@guildhall/telemetry';
import type { StoredErrand, TopicStore } from './topic-store.js';

export interface OutboxCourierOptions {
  readonly bus: Bus;
  readonly store: TopicStore;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly ownsPartition: (partition: number) => boolean;
  /** Errands run at once; the rest wait in memory, and in the table if there are too many. */
  readonly concurrencyMax: number;
  readonly waitingMax: number;
  readonly sweepIntervalMs: number;
  readonly reportFailure: (errand: StoredErrand, fault: Fault) => void;
}

interface Trip {
  readonly errand: StoredErrand;
  /** Of the command it comes from; what a sweep brings has none any more. */
  readonly trace: TraceContext | undefined;
  readonly line: Line;
  readonly done: () => void;
}

interface Line {
  readonly name: string;
  readonly waiting: Trip[];
  isUnderway: boolean;
  /** The sweep in which one of its errands was last left to the table; 0: none is there. */
  blockedInSweep: number;
}

export class OutboxCourier {
  readonly #options: OutboxCourierOptions;
  /** Waiting or under way, by errand id: a sweep leaves them alone. */
  readonly #known = new Map<bigint, Promise<void>>();
  readonly #lines = new Map<string, Line>();
  /** The first of each line whose turn it is. */
  readonly #ready: Trip[] = [];
  #underwayCount = 0;
  #sweeping: Timer | undefined;
  #sweepNumber = 1;
  #isSweeping = false;
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
    for (const line of this.#lines.values()) abandon(line);
    for (const trip of this.#ready.splice(0)) trip.done();
  }

  /** How many errands are waiting or under way. */
  get backlogCount(): number {
    return this.#known.size;
  }

  /** Resolves when all were tried, or left to a sweep. Never rejects. */
  async run(errands: readonly StoredErrand[], trace?: TraceContext): Promise<void> {
    await Promise.all(errands.map((errand) => this.#take(errand, trace)));
  }

  /** Finds errands that nobody is running, of partitions that are ours. Never rejects. */
  async sweep(): Promise<void> {
    if (this.#isSweeping || this.#isStopped) return;
    this.#isSweeping = true;
    const number = (this.#sweepNumber += 1);
    try {
      const errands = await this.#options.store.errands(this.#options.waitingMax);
      // What was left to the table since then may not be among them: the next sweep has it.
      for (const line of [...this.#lines.values()]) {
        if (line.blockedInSweep === number) continue;
        line.blockedInSweep = 0;
        this.#dropIfOver(line);
      }
      for (const errand of errands) {
        if (this.#options.ownsPartition(partitionOf(errand.topicId)))
          void this.#take(errand, undefined);
      }
    } catch {
      // The database is away; the next sweep comes, and commits report it meanwhile.
    } finally {
      this.#isSweeping = false;
    }
  }

  #take(errand: StoredErrand, trace: TraceContext | undefined): Promise<void> {
    const known = this.#known.get(errand.errandId);
    if (known !== undefined) return known;
    if (this.#isStopped) return Promise.resolve();
    const line = this.#lineOf(errand);
    if (line.blockedInSweep > 0 || this.#known.size >= this.#options.waitingMax) {
      this.#block(line);
      return Promise.resolve();
    }
    const trip = new Promise<void>((done) => {
      line.waiting.push({ errand, trace, line, done });
    }).finally(() => this.#known.delete(errand.errandId));
    this.#known.set(errand.errandId, trip);
    if (!line.isUnderway) this.#advance(line);
    this.#next();
    return trip;
  }

  #lineOf({ topicId, targetTopicId }: StoredErrand): Line {
    const name = `${topicId}/${targetTopicId}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      line = { name, waiting: [], isUnderway: false, blockedInSweep: 0 };
      this.#lines.set(name, line);
    }
    return line;
  }

  /** The table keeps what is in it; a sweep brings it. */
  #block(line: Line): void {
    line.blockedInSweep = this.#sweepNumber;
    abandon(line);
  }

  #advance(line: Line): void {
    const trip = line.waiting.shift();
    line.isUnderway = trip !== undefined;
    if (trip !== undefined) this.#ready.push(trip);
    else this.#dropIfOver(line);
  }

  #dropIfOver(line: Line): void {
    const isOver = line.blockedInSweep === 0 && !line.isUnderway && line.waiting.length === 0;
    if (isOver) this.#lines.delete(line.name);
  }

  #next(): void {
    while (this.#underwayCount < this.#options.concurrencyMax && this.#ready.length > 0) {
      const trip = this.#ready.shift()!;
      this.#underwayCount += 1;
      void this.#run(trip).finally(() => {
        this.#underwayCount -= 1;
        trip.done();
        this.#advance(trip.line);
        this.#next();
      });
    }
  }

  async #run({ errand, trace, line }: Trip): Promise<void> {
    // Another runs it by now, and whatever comes after it.
    if (!this.#options.ownsPartition(partitionOf(errand.topicId))) return abandon(line);
    try {
      await this.#deliver(errand, trace);
      await this.#options.store.errandDone(errand.topicId, errand.errandId);
    } catch (error) {
      this.#block(line);
      this.#options.reportFailure(errand, Fault.from(error));
    }
  }

  async #deliver(errand: StoredErrand, trace: TraceContext | undefined): Promise<void> {
    const { bus, tracer } = this.#options;
    const request = fromBinary(DeliverRequestSchema, errand.request);
    const partition = partitionOf(errand.targetTopicId);
    try {
      await callOwner(bus, Topics.method.deliver, partition, request, { trace, tracer });
    } catch (error) {
      // There is no such topic any more, so there is nobody to tell.
      if (Fault.from(error).code !== FaultCode.NotFound) throw error;
    }
  }
}

function abandon(line: Line): void {
  for (const trip of line.waiting.splice(0)) trip.done();
}
