// Instances of the app on one bus and one schema, for specs.
import { callOwner, createMemoryBus, type MemoryBus, type MemoryHub } from '@guildhall/bus';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { SystemClock } from '@guildhall/clock';
import {
  ReadStates as Contract,
  type AckReply,
  type AckSchema,
  type LoadReply,
} from '@guildhall/contracts';
import type { Fault } from '@guildhall/fault';
import { defaultsOf } from '@guildhall/service';
import { partitionOf } from '@guildhall/snowflake';
import { openStore, type Store } from '@guildhall/store';
import { fakeTelemetry, type FakeTelemetry } from '@guildhall/telemetry';
import { KNOBS, type ReadStatesKnobs } from '../config.js';
import { ReadStatesApp } from '../service.js';
import { FaultyStore } from './faulty-store.js';

const clock = new SystemClock();
let schemasCount = 0;

type AckInit = MessageInitShape<typeof AckSchema>;

/** One instance, as what is around it sees it. */
export interface Running {
  readonly name: string;
  readonly app: ReadStatesApp;
  readonly bus: MemoryBus;
  readonly store: FaultyStore;
  readonly telemetry: FakeTelemetry;
}

/** Instances of the app on one bus and one schema, and whoever asks them. */
export class Fleet {
  readonly hub: MemoryHub = createMemoryBus(clock);
  readonly #server: { readonly url: string };
  readonly #random: { next(): number };
  readonly edge = this.hub.connect({ name: 'edge' });
  readonly schema = `read_states_${(schemasCount += 1)}`;
  readonly database: Store;
  readonly running = new Set<Running>();
  readonly #stores: Store[];
  #startedCount = 0;

  /** Each fleet has a schema of its own on the server. */
  constructor(server: { readonly url: string }, random: { next(): number }) {
    this.#server = server;
    this.#random = random;
    this.database = this.#open('spec');
    this.#stores = [this.database];
  }

  /** Starts an instance; resolves when it serves. */

  async start(
    knobs: Partial<ReadStatesKnobs> = {},
    beforeStart?: (one: Running) => void,
  ): Promise<Running> {
    this.#startedCount += 1;
    const name = `read-states-${this.#startedCount}`;
    const bus = this.hub.connect({ name });
    const real = this.#open(name);
    this.#stores.push(real);
    const store = new FaultyStore(real);
    const telemetry = fakeTelemetry();
    const app = new ReadStatesApp({
      bus,
      store,
      clock,
      telemetry,
      instance: name,
      version: '0.1.0',
      knobs: {
        ...defaultsOf(KNOBS),
        beatMs: 40,
        leaseMs: 400,
        foldIntervalMs: 60_000,
        connectionsMax: 6,
        ...knobs,
      },
      random: () => this.#random.next(),
    });
    const one: Running = { name, app, bus, store, telemetry };
    this.running.add(one);
    beforeStart?.(one);
    await app.start(new AbortController().signal);
    return one;
  }

  /** kill -9: nothing is said, nothing is written, nothing is heard. */
  async crash(one: Running): Promise<void> {
    one.store.cut();
    one.bus.disconnect();
    this.running.delete(one);
    await one.app.stop();
    await one.bus.close();
  }

  /** Ends an instance in order. */
  async drain(one: Running): Promise<void> {
    await one.app.drain(new AbortController().signal);
    this.running.delete(one);
    await one.app.stop();
    await one.bus.close();
  }

  /** Acks of one user, asked for until they are answered. */
  ack(userId: bigint, acks: AckInit[], more: { silent?: boolean } = {}): Promise<AckReply> {
    return callOwner(this.edge, Contract.method.ack, partitionOf(userId), {
      userId,
      acks,
      ...more,
    });
  }

  /** All of a user, or what is newer than a version. */
  load(userId: bigint, afterVersion = 0n): Promise<LoadReply> {
    const request = { userId, afterVersion };
    return callOwner(this.edge, Contract.method.load, partitionOf(userId), request);
  }

  /** The entries of a user as short words: what matters, in an order. */
  async shown(userId: bigint): Promise<string[]> {
    const { entries } = await this.load(userId);
    return entries
      .map((one) => `${one.type}/${one.channelId}: ${one.lastMessageId} v${one.version}`)
      .sort();
  }

  /** Rows of all logs. */
  async logRows(): Promise<bigint> {
    const { rows } = await this.database.query<{ count: bigint }>({
      text: 'SELECT count(*) FROM ack_log',
    });
    return rows[0]!.count;
  }

  /** Kills what runs. */
  async close(): Promise<void> {
    for (const one of [...this.running]) await this.crash(one);
    await this.edge.close();
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  #open(applicationName: string): Store {
    return openStore({
      databaseUrl: this.#server.url,
      schema: this.schema,
      connectionsMax: 6,
      applicationName,
    });
  }
}

/** A user of a partition. */
export const userIn = (partition: number, number = 1): bigint =>
  (1_000n << 22n) | (BigInt(partition) << 12n) | BigInt(number);

/** The code of the fault that work ends with, or `none`. */
export const fault = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (reason: Fault) => reason.code,
  );
