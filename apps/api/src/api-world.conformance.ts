// A whole api for specs: the real app on a real PostgreSQL, with owners that record what they are
// asked and answer what the spec told them.
import { createMemoryBus, partitionMethods, servePartition, type MemoryBus } from '@guildhall/bus';
import { ManualClock, SystemClock } from '@guildhall/clock';
import {
  BatchStatus,
  batchStatusOf,
  Guilds,
  Interactions,
  Messages,
  OperationReader,
  PartitionedService,
  ReadStateOperation,
  ReadStates,
  ResultWriter,
  Topics,
} from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { ServiceLife } from '@guildhall/service';
import { PARTITIONS_COUNT } from '@guildhall/snowflake';
import { openStore } from '@guildhall/store';
import { fakeTelemetry, type FakeTelemetry } from '@guildhall/telemetry';
import { SeededRandom, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import { toConfig, type Config } from './config.js';
import { assembleService } from './service.js';

/** One request as an owner got it, decoded. */
export interface Asked {
  readonly method: string;
  // Specs look into requests of every shape.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly request: any;
}

const OPERATIONS_MAX = 8_192;

/**
 * Owners of all partitions of guilds and read-states. Each operation of a batch is recorded, and
 * answered, as the method that does it alone.
 */
export class FakeOwners {
  readonly asked: Asked[] = [];
  /** Messages that carried operations of read states. */
  batchesCount = 0;
  readonly #reader = new OperationReader();
  readonly #answers = new Map<string, (request: never) => unknown>();
  readonly #stop: () => void;

  constructor(bus: MemoryBus) {
    const handlers = new Proxy({} as Record<string, unknown>, {
      get: (_target, method: string) => (request: never) =>
        method === 'batch' ? this.#batch(request) : this.#answer(method, request),
    });
    const guilds = partitionMethods([Guilds, Interactions, Messages, Topics], handlers as never);
    const readStates = partitionMethods([ReadStates], handlers as never);
    const served = Array.from({ length: PARTITIONS_COUNT }, (_, partition) => [
      servePartition(bus, PartitionedService.Guilds, partition, guilds),
      servePartition(bus, PartitionedService.ReadStates, partition, readStates),
    ]).flat();
    this.#stop = () => served.forEach((one) => one.unsubscribe());
  }

  /** What a method is answered with from now on; what it throws is the refusal. */
  on(method: string, answer: (request: never) => unknown): void {
    this.#answers.set(method, answer);
  }

  /** Forgets what was asked and told. */
  reset(): void {
    this.asked.length = 0;
    this.batchesCount = 0;
    this.#answers.clear();
  }

  /** The requests of one method. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  of(method: string): any[] {
    return this.asked.filter((one) => one.method === method).map(({ request }) => request);
  }

  /** From now on nobody owns anything. */
  leave(): void {
    this.#stop();
  }

  #answer(method: string, request: never): unknown {
    this.asked.push({ method, request });
    return this.#answers.get(method)?.(request) ?? {};
  }

  async #batch({ operations }: { operations: Uint8Array }): Promise<unknown> {
    this.batchesCount += 1;
    this.#reader.read(operations, OPERATIONS_MAX);
    const asked = Array.from({ length: this.#reader.count }, (_, at) => this.#operation(at));
    const results = new ResultWriter(asked.length, 0);
    await Promise.all(
      asked.map(async ({ method, request }, at) => {
        try {
          await this.#answer(method, request as never);
          results.put(at, BatchStatus.Moved, 0, 1);
        } catch (reason) {
          results.put(at, batchStatusOf(Fault.from(reason).code), 0, 0);
        }
      }),
    );
    return { results: results.results, entries: results.entries, instance: 'read-states-1' };
  }

  #operation(at: number): Asked {
    const reader = this.#reader;
    const wide = (hi: number, lo: number): bigint => (BigInt(hi) << 32n) | BigInt(lo);
    const userId = wide(reader.userHi(at), reader.userLo(at));
    const channelId = wide(reader.channelHi(at), reader.channelLo(at));
    const messageId = wide(reader.messageHi(at), reader.messageLo(at));
    const type = reader.type(at);
    const kind = reader.kind(at);
    if (kind === ReadStateOperation.Delete) {
      return { method: 'delete', request: { userId, type, channelId } };
    }
    if (kind === ReadStateOperation.AckPins) {
      return { method: 'ackPins', request: { userId, channelId, timestampMs: messageId } };
    }
    const ack = {
      type,
      channelId,
      messageId,
      manual: reader.isManual(at),
      mentionCount: reader.mentions(at),
      flags: reader.hasFlags(at) ? reader.flags(at) : undefined,
      lastViewed: reader.hasLastViewed(at) ? reader.lastViewed(at) : undefined,
      channelLastMessageId: wide(reader.channelLastMessageHi(at), reader.channelLastMessageLo(at)),
    };
    return { method: 'ack', request: { userId, silent: reader.isSilent(at), acks: [ack] } };
  }
}

/** A server for all worlds of a spec file. */
export interface Ground {
  readonly postgres: PostgresServer;
  readonly dir: string;
  end(): Promise<void>;
}

/** Starts PostgreSQL; once per spec file. */
export async function makeGround(): Promise<Ground> {
  const folder = tempDir();
  const postgres = await startPostgres({ dir: `${folder.path}/pg`, durable: false });
  return {
    postgres,
    dir: folder.path,
    end: async () => {
      await postgres.stop();
      folder.remove();
    },
  };
}

/** What came back. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

export interface Ask {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface WorldParts {
  readonly owners: FakeOwners;
  readonly clock: ManualClock;
  readonly telemetry: FakeTelemetry;
  readonly bus: MemoryBus;
  readonly config: Config;
  readonly url: string;
  readonly life: ServiceLife;
}

/** One running api. */
export class World {
  readonly owners: FakeOwners;
  readonly clock: ManualClock;
  readonly telemetry: FakeTelemetry;
  readonly bus: MemoryBus;
  readonly config: Config;
  readonly url: string;
  readonly #life: ServiceLife;

  constructor(parts: WorldParts) {
    this.owners = parts.owners;
    this.clock = parts.clock;
    this.telemetry = parts.telemetry;
    this.bus = parts.bus;
    this.config = parts.config;
    this.url = parts.url;
    this.#life = parts.life;
  }

  /** A request over a real socket. `path` is without /api/v10 unless it starts with it. */
  async ask(
    method: string,
    path: string,
    { token, body, headers = {} }: Ask = {},
  ): Promise<Answered> {
    const isJson = body !== undefined && !(body instanceof FormData) && typeof body !== 'string';
    const response = await fetch(
      this.url + (path.startsWith('//') ? path.slice(1) : `/api/v10${path}`),
      {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: token }),
          ...(isJson ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : (body as string) }),
      },
    );
    const text = await response.text();
    const isJsonBack = response.headers.get('content-type') === 'application/json';
    const json: unknown = isJsonBack && text !== '' ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  }

  /** Registers somebody. */
  async person(
    name: string,
  ): Promise<{ token: string; id: string; email: string; password: string }> {
    const email = `${name}@example.org`;
    const password = 'correct horse';
    const body = { username: name, email, password };
    const made = await this.ask('POST', '/auth/register', { body });
    if (made.status !== 201) throw new Error(`${name} not registered: ${made.text}`);
    return { token: made.json.token, id: made.json.user_id, email, password };
  }

  /** Makes an application with its bot; the token has `Bot ` before it. */
  async bot(ownerToken: string, name: string): Promise<{ token: string; id: string }> {
    const made = await this.ask('POST', '/applications', { token: ownerToken, body: { name } });
    const id: string = made.json.id;
    const reset = await this.ask('POST', `/applications/${id}/bot/reset`, { token: ownerToken });
    return { id, token: `Bot ${reset.json.token}` };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#life.drain();
    await this.#life.stop();
  }
}

/**
 * Starts an api. Worlds of one schema share what is stored; a quiet one records no spans or lines.
 */
export async function makeWorld(
  ground: Ground,
  given: Partial<Config> = {},
  { schema = 'api', isQuiet = false } = {},
): Promise<World> {
  const clock = new ManualClock();
  const hub = createMemoryBus(new SystemClock());
  const telemetry = fakeTelemetry(
    isQuiet ? { traceRatio: 0, logLevel: 'error' } : { service: 'api' },
  );
  const config = toConfig({
    port: 0,
    publicUrl: 'http://files.example',
    filesDir: `${ground.dir}/files-${schema}`,
    rateLimitFactor: 1_000,
    passwordCost: 4,
    ...given,
  });
  const owners = new FakeOwners(hub.connect({ name: 'owners' }));
  const bus = hub.connect({ name: 'api' });
  const store = openStore({
    databaseUrl: ground.postgres.url,
    schema,
    connectionsMax: 4,
    applicationName: 'spec',
  });
  const random = new SeededRandom(7);
  const late: { life?: ServiceLife } = {};
  const phase = () => late.life?.phase ?? 'idle';
  const { rooms, http } = assembleService({
    config,
    bus,
    store,
    clock,
    telemetry,
    random: () => random.next(),
    phase,
  });
  const life = new ServiceLife({
    name: 'api',
    rooms,
    clock: new SystemClock(),
    logger: telemetry.logger,
  });
  late.life = life;
  await life.start();
  const url = `http://127.0.0.1:${http.port}`;
  const gateway = hub.connect({ name: 'gateway' });
  return new World({ owners, clock, telemetry, bus: gateway, config, url, life });
}
