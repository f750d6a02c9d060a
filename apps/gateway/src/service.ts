/** The assembly of the gateway: which rooms, in which order. */
import { showBusCounts, subscribeMessages, type Bus, type Subscription } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import {
  DIGEST_SUBJECT,
  DigestSchema,
  PARTITIONS_TAKEN_SUBJECT,
  PartitionsTakenSchema,
} from '@guildhall/contracts';
import {
  CloseCode,
  MEMBER_LIST_REQUEST_INTERVAL_MS,
  PRESENCE_UPDATES_MAX,
  PRESENCE_UPDATES_WINDOW_MS,
} from '@guildhall/gateway-protocol';
import { joinPlacement, type Placement } from '@guildhall/placement';
import {
  createHttpServer,
  httpRoom,
  type HttpRoom,
  type Phase,
  type Room,
} from '@guildhall/service';
import { OPEN_METRICS_CONTENT_TYPE, type Telemetry } from '@guildhall/telemetry';
import type { Config } from './config.js';
import { DispatchLog } from './domain/dispatch-log.js';
import { IdentifyLimiter } from './domain/identify-limiter.js';
import { MemberListLimiter } from './domain/member-list-limiter.js';
import { PresenceBook } from './domain/presence-book.js';
import { SessionRegistry } from './domain/session-registry.js';
import { GatewayEvents } from './events.js';
import { Attaching } from './inbound/attaching.js';
import { ClientRequests } from './inbound/client-requests.js';
import { Deliverer } from './inbound/deliverer.js';
import { drainConnections } from './inbound/drain.js';
import { Identify } from './inbound/identify.js';
import { Relays } from './inbound/relays.js';
import { Resume } from './inbound/resume.js';
import { SessionLife } from './inbound/session-life.js';
import { SocketAcceptor, type ConnectionKind } from './inbound/socket-acceptor.js';
import { actOnSignal } from './inbound/user-signals.js';
import { AccountsOverBus } from './outbound/accounts-port.js';
import { EventsOverBus } from './outbound/event-source.js';
import { GuildsOverBus } from './outbound/guilds-port.js';
import { PresenceOverBus } from './outbound/presence-port.js';
import { ReadStatesOverBus } from './outbound/read-states-port.js';
import { SendBacklog } from './outbound/send-backlog.js';
import {
  SocketWriter,
  type MessageSocket,
  type SocketWriterOptions,
} from './outbound/socket-writer.js';

export const VERSION = '0.1.0';

/** What the service is given: everything that reaches outside, so that specs bring their own. */
export interface ServiceParts {
  readonly config: Config;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  readonly phase: () => Phase;
  /** Another process has taken our name: this one should end. */
  readonly onReplaced?: () => void;
}

export interface GatewayService {
  readonly rooms: readonly Room[];
  readonly http: HttpRoom;
  /** For specs. */
  readonly registry: SessionRegistry;
  readonly relays: Relays;
}

const TICK_MS_MAX = 250;
const ANCHOR_MS = 5_000;
const LOG_TICK_MS = 5_000;
/** After a change among owners, which comes in several pieces, we say how far we are. */
const OWNERS_CHANGED_MS = 200;

/** Makes the rooms, without starting anything. */
export function assembleService(parts: ServiceParts): GatewayService {
  const { config, bus, clock, telemetry, random } = parts;
  const { tracer, logger, metrics } = telemetry;
  const { instance, callTimeoutMs, attachTimeoutMs, requestDeadlineMs } = config;
  const events = new GatewayEvents(telemetry);
  const registry = new SessionRegistry(config);
  const book = new PresenceBook((id) => registry.find(id));
  const tickMs = Math.max(10, Math.min(TICK_MS_MAX, Math.floor(config.heartbeatTimeoutMs / 8)));

  const calls = { bus, tracer, callTimeoutMs, deadlineMs: requestDeadlineMs, random };
  const guilds = new GuildsOverBus({ ...calls, instance, attachTimeoutMs });
  const accounts = new AccountsOverBus(calls);
  const readStates = new ReadStatesOverBus(calls);
  const presence = new PresenceOverBus(book, {
    ...calls,
    clock,
    instance,
    flushIntervalMs: config.presenceFlushMs,
    leaseRenewalMs: config.leaseRenewalMs,
    onFailed: (what, fault) => events.presenceFailed(what, fault),
  });

  const life = new SessionLife({
    ...config,
    clock,
    registry,
    book,
    guilds,
    tickMs,
    relays: () => relays,
  });
  const deliverer = new Deliverer({
    clock,
    tracer,
    events,
    onOverfull: (session) => life.close(session, CloseCode.UnknownError),
    backlogMax: config.fanOutBacklogMax,
  });
  const relays: Relays = new Relays({
    source: new EventsOverBus({ bus, onMalformed: (subject) => events.malformedBatch(subject) }),
    guilds,
    deliverer,
    events,
    clock,
    random,
    limits: {
      recentEventsMax: config.recentEventsMax,
      heldEventsMax: config.recentEventsAttachingMax,
      earlyEventsMax: config.earlyEventsMax,
    },
    attachesInFlightMax: config.attachesInFlightMax,
    onSignal: (event, sessions) => actOnSignal(event, sessions, { attaching, life }),
    onLeft: (session) => {
      if (session.isPresent) book.put(session);
    },
    onLost: (session) => life.invalidate(session),
    onForgotten: (session, topicId) => void attaching.privateChannel(session, topicId),
  });
  const attaching: Attaching = new Attaching({
    relays,
    deliverer,
    book,
    events,
    clock,
    random,
    retryMs: config.attachRetryMs,
  });

  const server = createHttpServer({
    logger,
    metrics: () => metrics.writeOpenMetrics(),
    metricsContentType: OPEN_METRICS_CONTENT_TYPE,
    isReady: () => parts.phase() === 'ready',
    phase: parts.phase,
  });
  const http = httpRoom(server, { host: config.host, port: config.port, logger });
  const dispatchLog = new DispatchLog({
    bytesMax: config.replayLogBytesMax,
    eventsMax: config.replayLogEventsMax,
    // A session that was silent for as long as it may be, and is resumed as late as it may be.
    ageMaxMs: config.heartbeatTimeoutMs + config.resumeWindowMs,
  });
  const shared = { instance, clock, tracer, events, accounts, registry, life, deliverer };
  const identify = new Identify({
    ...shared,
    readStates,
    presence,
    relays,
    attaching,
    limiter: new IdentifyLimiter({
      maxConcurrency: config.maxConcurrency,
      intervalMs: config.identifyIntervalMs,
    }),
    sessionLimits: {
      log: dispatchLog,
      eventsMax: config.replayEventsMax,
      ownBytesMax: config.replayOwnBytesMax,
      confirmedMax: config.replayConfirmedMax,
      heldMax: config.heldEventsMax,
      presenceUpdatesMax: PRESENCE_UPDATES_MAX,
      presenceUpdatesWindowMs: PRESENCE_UPDATES_WINDOW_MS,
    },
    guildsPerShardMax: config.guildsPerShardMax,
    resumeUrl: () => config.advertisedUrl ?? `ws://${config.host}:${http.port}`,
  });
  const requests = new ClientRequests({
    clock,
    tracer,
    events,
    guilds,
    book,
    life,
    deliverer,
    memberLists: new MemberListLimiter(MEMBER_LIST_REQUEST_INTERVAL_MS),
  });
  const backlog = new SendBacklog(config.socketBuffersBytesMax);
  const kinds = new Map<string, SocketWriterOptions>();
  const writing = ({ encoding, compression }: ConnectionKind): SocketWriterOptions => {
    const kind = `${encoding} ${compression}`;
    const known = kinds.get(kind);
    if (known !== undefined) return known;
    const options = {
      encoding,
      compression,
      bufferBytesMax: config.socketBufferBytesMax,
      zlibHistoryBytes: config.zlibHistoryBytes,
      hasZstdContexts: config.zstdContexts === 1,
      backlog,
      onSlow: (socket: MessageSocket) =>
        events.slowConsumer(socket.sessionId, socket.bufferedAmount),
    };
    kinds.set(kind, options);
    return options;
  };
  const acceptor = new SocketAcceptor({
    clock,
    tickMs,
    socketsMax: config.socketsMax,
    room: { ...config, clock, events, life, identify, resume: new Resume(shared), requests },
    makeSocket: (client, socket, terms) => new SocketWriter(client, socket, writing(terms)),
  });
  events.show({
    sessions: () => registry.size,
    sockets: () => acceptor.count,
    relays: () => relays.count,
    followers: () => relays.followersCount,
  });

  let placement: Placement | undefined;
  const timers: Timer[] = [];
  const subscriptions: Subscription[] = [];
  const callbacks: (() => void)[] = [];
  const everybodyAsks = (reason: string): void => {
    events.continuityLost(reason, relays.count);
    void relays.followAll();
  };

  const rooms: Room[] = [
    { name: 'bus', start: async () => showBusCounts(bus, metrics), stop: () => bus.drain() },
    {
      name: 'placement',
      start: async () => {
        placement = joinPlacement({
          bus,
          clock,
          service: 'gateway',
          instance,
          version: VERSION,
          ownsPartitions: false,
          logger,
          metrics,
          onReplaced: parts.onReplaced,
        });
        callbacks.push(watchOwners(placement, clock, () => void relays.followAll()));
      },
      stop: async () => {
        for (const stop of callbacks.splice(0)) stop();
        await placement?.leave();
      },
    },
    {
      name: 'sessions',
      start: async () => {
        presence.start();
        subscriptions.push(
          subscribeMessages(bus, DigestSchema, DIGEST_SUBJECT, ({ topics }) =>
            relays.heardOf(topics.map(({ topicId, seq }) => ({ topicId, seq: Number(seq) }))),
          ),
          subscribeMessages(bus, PartitionsTakenSchema, PARTITIONS_TAKEN_SUBJECT, (taken) =>
            book.againByPartition(taken.partitions),
          ),
        );
        callbacks.push(bus.onContinuityGap(everybodyAsks));
        timers.push(
          clock.every(tickMs, () => life.turn()),
          clock.every(config.followIntervalMs, () => void relays.followAll()),
          clock.every(ANCHOR_MS, () => deliverer.anchor()),
          clock.every(LOG_TICK_MS, () => dispatchLog.tick(clock.monotonicMs())),
        );
        await bus.flush();
      },
      stop: async () => {
        for (const timer of timers.splice(0)) timer.cancel();
        for (const subscription of subscriptions.splice(0)) subscription.unsubscribe();
        relays.stop();
        presence.stop();
      },
    },
    http,
    {
      // The last to open and the first to close: a server that has upgraded sockets does not close.
      name: 'sockets',
      start: async () => {
        acceptor.open(server.server);
        placement?.setReady();
      },
      drain: async (signal) => {
        acceptor.refuse();
        // Whoever leaves now is back elsewhere in a moment: their leases there take over.
        life.isDraining = true;
        await placement?.beginDrain();
        await drainConnections(
          {
            clock,
            events,
            connections: () => acceptor.connections(),
            batchSize: config.drainBatchSize,
            batchIntervalMs: config.drainBatchIntervalMs,
          },
          signal,
        );
        await presence.settle();
      },
      stop: async () => acceptor.stop(),
    },
  ];
  return { rooms, http, registry, relays };
}

/** Calls back a moment after the owners of topics have changed. Returns how to stop it. */
function watchOwners(placement: Placement, clock: Clock, changed: () => void): () => void {
  let timer: Timer | undefined;
  const stop = placement.watch('guilds').onChange(() => {
    timer ??= clock.setTimer(OWNERS_CHANGED_MS, () => {
      timer = undefined;
      changed();
    });
  });
  return () => {
    stop();
    timer?.cancel();
  };
}
