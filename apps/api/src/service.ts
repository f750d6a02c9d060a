/** The assembly of the api: which rooms, in which order. */
import { randomBytes } from 'node:crypto';
import { showBusCounts, type Bus, type ServedMethods } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import {
  createHttpServer,
  httpRoom,
  type HttpRoom,
  type Phase,
  type Room,
} from '@guildhall/service';
import { SnowflakeMint, type Snowflake } from '@guildhall/snowflake';
import { migrate, type Store } from '@guildhall/store';
import { OPEN_METRICS_CONTENT_TYPE, type Telemetry } from '@guildhall/telemetry';
import type { Config } from './config.js';
import type { Ports } from './domain/ports.js';
import { Events } from './events.js';
import { serveAccounts } from './inbound/accounts-requests.js';
import { answerFrameworkError, installApi } from './inbound/api-server.js';
import { installFiles } from './inbound/file-routes.js';
import { allRoutes } from './inbound/routes.js';
import { AccountsStore } from './outbound/accounts-store.js';
import { ApplicationsStore } from './outbound/applications-store.js';
import { CommandsStore } from './outbound/commands-store.js';
import { FileStore } from './outbound/file-store.js';
import { InteractionsStore } from './outbound/interactions-store.js';
import { InteractionsSweeper } from './outbound/interactions-sweeper.js';
import { MIGRATIONS } from './outbound/migrations.js';
import { busOwners } from './outbound/owners-port.js';
import { Passwords } from './outbound/passwords.js';
import { ReadStateBatches } from './outbound/read-state-batches.js';

export const VERSION = '0.1.0';

/** The longest path parameter: a file name, percent-encoded. */
const PARAM_LENGTH_MAX = 1024;

/** What the service is given: everything that reaches outside, so that specs bring their own. */
export interface ServiceParts {
  readonly config: Config;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  readonly phase: () => Phase;
}

export interface ApiService {
  readonly rooms: readonly Room[];
  readonly http: HttpRoom;
}

/** Makes the rooms, without starting anything. */
export function assembleService(parts: ServiceParts): ApiService {
  const { config, bus, store, clock, telemetry } = parts;
  const { metrics, tracer, logger } = telemetry;
  const events = new Events(telemetry);
  const mint = new SnowflakeMint(clock);
  const mintId = (): Snowflake => mint.mintTopicId(parts.random);

  const files = new FileStore({ dir: config.filesDir, publicUrl: config.publicUrl, clock });
  const accounts = new AccountsStore({
    store,
    clock,
    mintId,
    tokenTtlMs: config.tokenCacheMs,
    tokensMax: config.tokenCacheMax,
    passwords: new Passwords({
      cost: config.passwordCost,
      concurrencyMax: config.passwordsAtOnceMax,
      waitingMax: config.passwordsWaitingMax,
    }),
  });
  const interactions = new InteractionsStore(store);
  const sweeper = new InteractionsSweeper({
    interactions,
    files,
    clock,
    intervalMs: config.interactionSweepMs,
    interactionTtlMs: config.interactionTtlMs,
    ephemeralTtlMs: config.ephemeralTtlMs,
    batchMax: config.interactionSweepBatchMax,
    failed: (reason) => events.sweepFailed(reason),
  });
  const ports: Ports = {
    accounts,
    applications: new ApplicationsStore({
      store,
      mintId,
      onChange: (botUserId) => accounts.forget(botUserId),
    }),
    commands: new CommandsStore(store),
    interactions,
    files,
    marks: new ReadStateBatches({
      bus,
      tracer,
      deadlineMs: config.ownerDeadlineMs,
      operationsMax: config.readStateBatchMax,
      waitingPerLaneMax: config.readStatesWaitingPerOwnerMax,
      waitingMax: config.readStatesWaitingMax,
      random: parts.random,
    }),
    clock,
    mintId,
    interactionAnswerMs: config.interactionAnswerMs,
    interactionTtlMs: config.interactionTtlMs,
    gatewayUrl: config.gatewayUrl,
    maxConcurrency: config.maxConcurrency,
    publicUrl: config.publicUrl,
  };

  const server = createHttpServer({
    logger,
    metrics: () => metrics.writeOpenMetrics(),
    metricsContentType: OPEN_METRICS_CONTENT_TYPE,
    isReady: () => parts.phase() === 'ready',
    phase: parts.phase,
    bodyLimitBytes: config.bodyBytesMax,
    requestTimeoutMs: config.requestTimeoutMs,
    router: { ignoreTrailingSlash: true, maxParamLength: PARAM_LENGTH_MAX },
    frameworkErrors: answerFrameworkError,
    ...(config.trustedProxies.length === 0 ? {} : { trustProxy: [...config.trustedProxies] }),
  });
  installApi({
    server,
    routes: allRoutes(ports, events),
    owners: busOwners(bus, tracer, config.ownerDeadlineMs),
    telemetry,
    events,
    clock,
    authenticate: (token) => accounts.authenticate(token),
    rateLimitFactor: config.rateLimitFactor,
    rateLimitKeysMax: config.rateLimitKeysMax,
    invalidRequestsMax: config.invalidRequestsMax,
    mintCommandId,
    uploads: {
      tempDir: files.tempDir,
      fileBytesMax: config.fileBytesMax,
      totalBytesMax: config.uploadBytesMax,
      filesMax: config.filesMax,
    },
  });
  installFiles(server, files);
  const http = httpRoom(server, { host: config.host, port: config.port, logger });

  let served: ServedMethods | undefined;
  const rooms: Room[] = [
    {
      name: 'store',
      start: async () => void (await migrate(store, MIGRATIONS)),
      stop: () => store.close(),
    },
    { name: 'files', start: () => files.prepare(), stop: async () => undefined },
    { name: 'sweeper', start: async () => sweeper.start(), stop: () => sweeper.stop() },
    { name: 'bus', start: async () => showBusCounts(bus, metrics), stop: () => bus.drain() },
    {
      name: 'accounts',
      start: async () => {
        served = serveAccounts(bus, accounts, telemetry);
        await bus.flush();
      },
      drain: async () => served?.drain(),
      stop: async () => served?.unsubscribe(),
    },
    http,
  ];
  return { rooms, http };
}

/**
 * 63 bits of chance: several instances mint at once without asking one another, and two commands of
 * one topic must never meet, or the second is answered with the first one's answer.
 */
function mintCommandId(): Snowflake {
  const id = randomBytes(8).readBigUInt64BE() >> 1n;
  return id === 0n ? 1n : id;
}
