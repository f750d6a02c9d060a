// The assembly: which rooms this app has, and how they lean on one another.
import { randomInt } from 'node:crypto';
import {
  connectNats,
  partitionMethods,
  servePartition,
  showBusCounts,
  type Bus,
} from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import { SystemClock } from '@guildhall/clock';
import { inboxPrefix, PartitionedService, ReadStates as Contract } from '@guildhall/contracts';
import { assert, Fault, FaultCode } from '@guildhall/fault';
import { joinPlacement, type Placement } from '@guildhall/placement';
import {
  createHttpServer,
  httpRoom,
  type Assembly,
  type Phase,
  type Room,
} from '@guildhall/service';
import { ReadStateTable } from '@guildhall/read-state-table';
import { partitionOf, type Snowflake } from '@guildhall/snowflake';
import { migrate, openStore, type Store } from '@guildhall/store';
import { OPEN_METRICS_CONTENT_TYPE, startTelemetry, type Telemetry } from '@guildhall/telemetry';
import type { Config, ReadStatesKnobs } from './config.js';
import { ReadStates } from './domain/read-states.js';
import { Events } from './events.js';
import { Ownership } from './inbound/ownership.js';
import { ReadStateRequests } from './inbound/read-state-requests.js';
import { UserLoads } from './inbound/user-loads.js';
import { AckLog, sweepLogs } from './outbound/ack-log.js';
import { Broadcast } from './outbound/broadcast.js';
import { CommitLane } from './outbound/commit-lane.js';
import { LogFold } from './outbound/log-fold.js';
import { MIGRATIONS } from './outbound/migrations.js';
import { claimPartitions } from './outbound/partition-claims.js';
import { addUser, loadRows } from './outbound/user-rows.js';

const NAME = 'read-states';
const HASH_SEEDS = 2 ** 32;
/** Users forgotten in one go when their partition is lost. */
const DROPPED_AT_ONCE = 1_000;

/** What the app works with. The bus and the store are the caller's, and outlive it. */
export interface ReadStatesParts {
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly instance: string;
  readonly version: string;
  readonly knobs: ReadStatesKnobs;
  /** Chance for waits, seeded in specs. Default Math.random. */
  readonly random?: (() => number) | undefined;
  /** Another process was started under this one's name. */
  readonly onReplaced?: (() => void) | undefined;
}

/** The app without its front door: what specs live, and what `main` wraps. */
export class ReadStatesApp implements Room {
  readonly name = NAME;
  readonly #parts: ReadStatesParts;
  readonly #events: Events;
  readonly #states: ReadStates;
  #lanes: CommitLane[] = [];
  #fold: LogFold | undefined;
  #timers: Timer[] = [];
  #ownership: Ownership | undefined;
  #placement: Placement | undefined;

  constructor(parts: ReadStatesParts) {
    this.#parts = parts;
    const { telemetry, knobs } = parts;
    this.#events = new Events(telemetry.logger, telemetry.metrics);
    const { tableBytesMax: bytesMax, entriesPerUserMax } = knobs;
    const table = new ReadStateTable({ bytesMax, hashSeed: randomInt(HASH_SEEDS) });
    this.#states = new ReadStates({ table, entriesPerUserMax });
  }

  /** Partitions whose requests are taken. */
  get servedCount(): number {
    return this.#ownership?.servedCount ?? 0;
  }

  /** Resolves when the partitions that placement gave this process at first are served. */
  async start(signal: AbortSignal): Promise<void> {
    const { store, instance, knobs } = this.#parts;
    await migrate(store, MIGRATIONS);
    for (let at = 0; at < knobs.commitLanesCount; at += 1) {
      this.#addLane(await AckLog.open(store, instance));
    }
    this.#fold = this.#assembleFold();
    this.#ownership = this.#assemble();
    this.#fold.start();
    this.#repeat(knobs.foldIntervalMs, () => this.#verify());
    this.#repeat(knobs.sweepIntervalMs, () => this.#sweep());
    try {
      await this.#join(signal);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Takes no new requests, commits what is in hand, folds the log, leaves. */
  async drain(signal: AbortSignal): Promise<void> {
    const fold = async (): Promise<void> => {
      if (!signal.aborted && (await this.#fold?.fold()) === true) return;
      this.#events.unfoldedAtDrain();
    };
    // Most of it while requests are still taken.
    if (!signal.aborted) await this.#fold?.fold();
    await this.#ownership?.close(fold);
    await this.#placement?.beginDrain();
    await this.#placement?.leave();
  }

  /** Lets go of everything; writes nothing any more. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    this.#fold?.stop();
    for (const lane of this.#lanes) lane.stop();
    this.#ownership?.stop();
    await this.#placement?.leave();
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { bus, clock, telemetry, instance, version, knobs, onReplaced } = this.#parts;
    const placement = joinPlacement({
      bus,
      clock,
      service: NAME,
      instance,
      version,
      beatMs: knobs.beatMs,
      leaseMs: knobs.leaseMs,
      logger: telemetry.logger,
      metrics: telemetry.metrics,
      onReplaced,
    });
    this.#placement = placement;
    placement.onChange(({ gained, lost }) => {
      if (gained.length > 0 || lost.length > 0) {
        this.#events.partitionsChanged(gained.length, lost.length);
      }
      this.#ownership?.change(gained, lost);
    });
    placement.setReady();
    await unlessAborted(signal, placement.whenReady());
    await unlessAborted(signal, this.#ownership!.settled());
  }

  #addLane(log: AckLog): void {
    const { clock } = this.#parts;
    const { table } = this.#states;
    const lane = new CommitLane({
      log,
      recordsMax: this.#recordsMax,
      clock,
      random: this.#random,
      report: (report) => this.#events.committed(report),
      onStale: (userHi, userLo) => {
        const user = table.peek(userHi, userLo);
        if (user !== 0) table.drop(user);
      },
      onSettled: () => this.#fold?.wake(),
      onLost: (partitions) => {
        this.#events.partitionsTaken(partitions);
        this.#ownership?.taken(partitions);
      },
    });
    this.#lanes.push(lane);
  }

  /** Of one lane. */
  get #recordsMax(): number {
    const { logRecordsMax, commitLanesCount } = this.#parts.knobs;
    return Math.ceil(logRecordsMax / commitLanesCount);
  }

  #assembleFold(): LogFold {
    const { store, clock, knobs } = this.#parts;
    return new LogFold({
      lanes: this.#lanes,
      table: this.#states.table,
      store,
      clock,
      intervalMs: knobs.foldIntervalMs,
      writeMax: knobs.foldWriteMax,
      rowsPerSecond: knobs.foldRowsPerSecond,
      recordsMax: this.#recordsMax,
      report: (report) => this.#events.folded(report),
      wrote: (partsCount) => this.#events.wroteRows(partsCount),
      rebuilt: (usersCount) => this.#events.rebuilt(usersCount),
    });
  }

  #assemble(): Ownership {
    const { bus, store, clock, telemetry, knobs } = this.#parts;
    const { tracer, logger, metrics } = telemetry;
    const loads = this.#assembleLoads();
    const requests = new ReadStateRequests({
      states: this.#states,
      loads,
      lanes: this.#lanes,
      serves: (partition) =>
        this.#ownership?.serves(partition) === true && this.#placement?.owns(partition) === true,
      broadcast: new Broadcast(bus, tracer),
      tracer,
      waitingMax: knobs.waitingMax,
      operationsWaitingMax: knobs.operationsWaitingMax,
      acksPerRequestMax: knobs.acksPerRequestMax,
      operationsMax: knobs.operationsMax,
      instance: this.#parts.instance,
      report: (...counts) => this.#events.carriedOut(...counts),
      batched: (operationsCount) => this.#events.batched(operationsCount),
    });
    const table = partitionMethods(
      [Contract],
      {
        load: (request, call) => requests.load(request, call),
        ack: (request, call) => requests.ack(request, call),
        ackPins: (request, call) => requests.ackPins(request, call),
        delete: (request, call) => requests.delete(request, call),
        batch: (request, call) => requests.batch(request, call),
      },
      // Refused by our own bound before the bus's.
      { tracer, logger, metrics, inFlightMax: 2 * knobs.waitingMax },
    );
    const ownership = new Ownership({
      lanes: this.#lanes,
      laneOf: this.#laneOf,
      drop: (partition) => {
        while (this.#states.table.dropPartition(partition, DROPPED_AT_ONCE) > 0);
      },
      claim: (lane, partitions) => claimPartitions(store, lane.log, partitions, knobs.foldWriteMax),
      serve: (partition) => servePartition(bus, PartitionedService.ReadStates, partition, table),
      clock,
      random: this.#random,
      claimed: (count, claimed, tookMs) => this.#events.partitionsClaimed(count, claimed, tookMs),
      claimFailed: (count, fault) => this.#events.claimFailed(count, fault),
    });
    const { table: users } = this.#states;
    this.#events.observe({
      users: () => users.usersCount,
      entries: () => users.entriesCount,
      tableBytes: () => users.bytesUsed,
      pinnedUsers: () => users.pinnedUsersCount,
      evictions: () => users.evictionsCount,
      waiting: () => requests.waitingCount,
      operations: () => requests.operationsCount,
      loading: () => loads.waitingCount,
      logRecords: () => this.#lanes.reduce((sum, lane) => sum + lane.recordsCount, 0),
      served: () => ownership.servedCount,
    });
    return ownership;
  }

  #assembleLoads(): UserLoads {
    const { store, knobs } = this.#parts;
    const { table } = this.#states;
    return new UserLoads({
      load: (userIds) => loadRows(store, userIds),
      add: (userHi, userLo, rows) => addUser(table, userHi, userLo, rows) !== 0,
      epochOf: (userId) => this.#loadableEpochOf(userId),
      waitingMax: knobs.loadsWaitingMax,
      atOnceMax: knobs.loadsAtOnceMax,
      batchMax: knobs.loadBatchMax,
      report: (count, fault) => this.#events.loaded(count, fault),
    });
  }

  #loadableEpochOf(userId: Snowflake): bigint {
    const partition = partitionOf(userId);
    const lane = this.#laneOf(partition);
    const epoch = lane.epochOf(partition);
    if (epoch === undefined) {
      throw new Fault(FaultCode.WrongOwner, `partition ${partition} is not owned here`);
    }
    if (lane.isInDoubt) {
      throw new Fault(FaultCode.Unavailable, 'it is not known what the log holds');
    }
    if (lane.stale.has(userId)) {
      throw new Fault(FaultCode.Unavailable, 'the rows of the user lack what the log holds');
    }
    return epoch;
  }

  readonly #laneOf = (partition: number): CommitLane => {
    const lane = this.#lanes[partition % this.#lanes.length];
    assert(lane !== undefined, 'the app has started');
    return lane;
  };

  readonly #random = (): number => (this.#parts.random ?? Math.random)();

  #repeat(intervalMs: number, work: () => Promise<void>): void {
    let isBusy = false;
    const timer = this.#parts.clock.every(intervalMs, () => {
      if (isBusy) return;
      isBusy = true;
      void work().finally(() => (isBusy = false));
    });
    this.#timers.push(timer);
  }

  async #verify(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.verify()));
  }

  async #sweep(): Promise<void> {
    try {
      await sweepLogs(this.#parts.store);
    } catch (error) {
      this.#events.sweepFailed(Fault.from(error));
    }
  }
}

/** Everything one process runs, for `runMain`. Starts nothing. */
export function assembleProcess(
  config: Config,
  front: { readonly phase: () => Phase; readonly onReplaced: () => void },
): Assembly {
  const clock = new SystemClock();
  const { instance, version } = config;
  const telemetry = startTelemetry({ ...config.telemetry, service: NAME, instance, version });
  const { logger, metrics } = telemetry;
  const store = openStore({
    databaseUrl: config.databaseUrl,
    schema: 'read_states',
    connectionsMax: config.connectionsMax,
    applicationName: instance,
    logger,
  });
  let bus: Bus | undefined;
  let app: ReadStatesApp | undefined;
  const storeRoom: Room = {
    name: 'store',
    start: () => store.ping(),
    stop: () => store.close(),
  };
  const busRoom: Room = {
    name: 'bus',
    start: async () => {
      const inbox = inboxPrefix(NAME);
      bus = await connectNats({
        url: config.natsUrl,
        name: instance,
        inboxPrefix: inbox,
        clock,
        logger,
      });
      showBusCounts(bus, metrics);
    },
    drain: async () => bus?.drain(),
    stop: async () => bus?.close(),
  };
  const appRoom: Room = {
    name: NAME,
    start: async (signal) => {
      assert(bus !== undefined, 'the bus room has started');
      const { onReplaced } = front;
      app = new ReadStatesApp({
        bus,
        store,
        clock,
        telemetry,
        instance,
        version,
        knobs: config,
        onReplaced,
      });
      await app.start(signal);
    },
    drain: async (signal) => app?.drain(signal),
    stop: async () => app?.stop(),
  };
  const server = createHttpServer({
    logger,
    metrics: () => metrics.writeOpenMetrics(),
    metricsContentType: OPEN_METRICS_CONTENT_TYPE,
    isReady: () => front.phase() === 'ready',
    phase: front.phase,
  });
  const http = httpRoom(server, { host: config.host, port: config.port, logger });
  return {
    rooms: [storeRoom, busRoom, appRoom, http],
    logger,
    clock,
    drainMs: config.drainMs,
    flush: () => telemetry.shutdown(),
  };
}

async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
