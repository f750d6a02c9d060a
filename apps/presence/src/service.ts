/** The assembly of the presence app: which rooms, in which order. */
import {
  partitionMethods,
  serveMethods,
  servePartition,
  showBusCounts,
  type Bus,
} from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import { PartitionedService, Presence, PresenceDirectory } from '@guildhall/contracts';
import { joinPlacement, type Placement } from '@guildhall/placement';
import {
  createHttpServer,
  httpRoom,
  within,
  type HttpRoom,
  type Phase,
  type Room,
} from '@guildhall/service';
import { OPEN_METRICS_CONTENT_TYPE, type Metrics, type Telemetry } from '@guildhall/telemetry';
import type { Config } from './config.js';
import { LEASE_STEP_MS } from './domain/lease-wheel.js';
import { News } from './domain/presence-news.js';
import { PresenceTable } from './domain/presence-table.js';
import { Events } from './events.js';
import { watchGateways } from './inbound/gateway-watch.js';
import { Ownership } from './inbound/ownership.js';
import { directoryHandlers, presenceHandlers } from './inbound/presence-requests.js';
import { PresenceBroadcast } from './outbound/presence-broadcast.js';

export const VERSION = '0.1.0';

/** What the service is given: everything that reaches outside, so that specs bring their own. */
export interface ServiceParts {
  readonly config: Config;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly phase: () => Phase;
  /** Another process was started under this one's name, and has its place: this one is to end. */
  readonly onReplaced?: (() => void) | undefined;
}

export interface PresenceService {
  readonly rooms: readonly Room[];
  readonly http: HttpRoom;
}

export function assembleService(parts: ServiceParts): PresenceService {
  const { config, bus, clock, telemetry } = parts;
  const { metrics, tracer, logger } = telemetry;
  const events = new Events(logger, metrics);
  const table = new PresenceTable(config);
  const broadcast = new PresenceBroadcast(bus, config.instance);
  let placement: Placement | undefined;

  const say = (): void => {
    // Cut off, nothing would be heard; the users are another's by now, or will be put anew.
    if (bus.status === 'disconnected' || table.waitingCount === 0) return;
    const startedMs = clock.monotonicMs();
    const news = new News();
    table.takeNews(news, config.eventsPerWindowMax, config.repeatedPerWindowMax);
    if (news.isEmpty) return;
    const { saidCount, droppedCount } = broadcast.say(news, BigInt(clock.nowMs()) * 1_000n);
    events.windowSaid(saidCount, droppedCount, clock.monotonicMs() - startedMs);
  };
  const expire = (): void => {
    // A process that was cut off or stood still has renewals to read before anybody has ended.
    if (placement?.isConnected !== true) return;
    events.expired(table.expire(clock.monotonicMs(), config.expiredPerStepMax));
  };
  const serveOptions = { tracer, logger, metrics };
  const methods = partitionMethods(
    [Presence],
    presenceHandlers({
      table,
      clock,
      events,
      ownsPartition: (partition) => placement?.owns(partition) ?? false,
      activitiesBytesMax: config.activitiesBytesMax,
    }),
    serveOptions,
  );
  const ownership = new Ownership({
    table,
    clock,
    events,
    settleMs: config.settleMs,
    serve: (partition) => servePartition(bus, PartitionedService.Presence, partition, methods),
    taken: (partitions) => broadcast.taken(partitions),
    say,
  });
  const server = createHttpServer({
    logger,
    metrics: () => metrics.writeOpenMetrics(),
    metricsContentType: OPEN_METRICS_CONTENT_TYPE,
    isReady: () => parts.phase() === 'ready',
    phase: parts.phase,
  });
  const http = httpRoom(server, { host: config.host, port: config.port, logger });

  const callbacks: (() => void)[] = [];
  const timers: Timer[] = [];
  const rooms: Room[] = [
    { name: 'bus', start: async () => showBusCounts(bus, metrics), stop: () => bus.drain() },
    {
      name: 'table',
      start: async () => {
        observe(metrics, table);
        const where = { services: [PresenceDirectory], route: 'all' } as const;
        const directory = serveMethods(bus, where, directoryHandlers(table), serveOptions);
        callbacks.push(() => directory.unsubscribe());
        timers.push(clock.every(config.windowMs, say), clock.every(LEASE_STEP_MS, expire));
      },
      stop: async () => {
        for (const timer of timers.splice(0)) timer.cancel();
        for (const stop of callbacks.splice(0)) stop();
      },
    },
    {
      name: 'placement',
      start: async (signal) => {
        placement = joinPlacement({
          bus,
          clock,
          service: 'presence',
          instance: config.instance,
          version: VERSION,
          beatMs: config.beatMs,
          leaseMs: config.leaseMs,
          logger,
          metrics,
          onReplaced: parts.onReplaced,
        });
        placement.onChange(({ gained, lost }) => void ownership.change(gained, lost));
        callbacks.push(
          watchGateways(placement.watch('gateway'), {
            onGone: (gateway) => {
              const untilMs = clock.monotonicMs() + config.orphanLeaseMs;
              events.gatewayGone(gateway, table.orphan(gateway, untilMs));
            },
            onBack: (gateway) => {
              events.gatewayBack(gateway, table.renewAll(gateway, clock.monotonicMs()));
            },
          }),
        );
        placement.setReady();
        // What does not start leaves nothing behind.
        await within(signal, placement.whenReady()).catch(async (reason: unknown) => {
          await placement?.leave();
          await ownership.close();
          throw reason;
        });
      },
      drain: async () => {
        await placement?.beginDrain();
        await ownership.close();
      },
      stop: async () => {
        await placement?.leave();
        await ownership.close();
      },
    },
    http,
  ];
  return { rooms, http };
}

function observe(metrics: Metrics, table: PresenceTable): void {
  const gauges: readonly (readonly [name: string, help: string, read: () => number])[] = [
    ['presence_users', 'Users with sessions, or about to be said offline', () => table.usersCount],
    ['presence_sessions', 'Sessions held', () => table.sessionsCount],
    ['presence_topics', 'Topics with users held here', () => table.topicsCount],
    ['presence_users_waiting', 'Users with something to be said', () => table.waitingCount],
  ];
  for (const [name, help, read] of gauges) metrics.observe('gauge', { name, help }, read);
}
