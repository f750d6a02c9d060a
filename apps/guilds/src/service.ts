/** The assembly of the guilds app: which rooms, in which order. */
import { partitionMethods, servePartition, showBusCounts, type Bus } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import { Guilds, Interactions, Messages, PartitionedService, Topics } from '@guildhall/contracts';
import { joinPlacement, type Placement } from '@guildhall/placement';
import {
  createHttpServer,
  httpRoom,
  within,
  type HttpRoom,
  type Phase,
  type Room,
} from '@guildhall/service';
import { SnowflakeMint } from '@guildhall/snowflake';
import { migrate, type Store } from '@guildhall/store';
import { OPEN_METRICS_CONTENT_TYPE, type Telemetry } from '@guildhall/telemetry';
import type { Config } from './config.js';
import { Events } from './events.js';
import { DigestTeller } from './inbound/digest.js';
import { guildHandlers } from './inbound/guild-handlers.js';
import { interactionHandlers } from './inbound/interaction-handlers.js';
import { messageHandlers } from './inbound/message-handlers.js';
import { Ownership } from './inbound/ownership.js';
import { PresenceListener } from './inbound/presence-listener.js';
import { topicHandlers } from './inbound/topic-handlers.js';
import { TopicHost } from './inbound/topic-host.js';
import { TopicShelf } from './inbound/topic-shelf.js';
import { EventPublisher } from './outbound/event-publisher.js';
import { GroupCommit } from './outbound/group-commit.js';
import { MessageStore } from './outbound/message-store.js';
import { MIGRATIONS } from './outbound/migrations.js';
import { OutboxCourier } from './outbound/outbox-courier.js';
import { Sweeper } from './outbound/sweeper.js';
import { TopicStore } from './outbound/topic-store.js';
import { busUserTopics } from './outbound/user-topics-port.js';

export const VERSION = '0.1.0';

/** What the service is given: everything that reaches outside, so that specs bring their own. */
export interface ServiceParts {
  readonly config: Config;
  readonly bus: Bus;
  readonly store: Store;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly random: () => number;
  readonly phase: () => Phase;
  /** Another process was started under this one's name, and has its place: this one is to end. */
  readonly onReplaced?: (() => void) | undefined;
}

export interface GuildsService {
  readonly rooms: readonly Room[];
  readonly http: HttpRoom;
}

/** Everything one process runs. Starts nothing. */
export function assembleService(parts: ServiceParts): GuildsService {
  const { config, bus, store, clock, telemetry } = parts;
  const { metrics, logger } = telemetry;
  const events = new Events(logger, metrics);
  const own = new OwnPlacement();
  const writing = assembleWriting(parts, events, own);
  const topics = assembleTopics(parts, events, own, writing);
  const server = createHttpServer({
    logger,
    metrics: () => metrics.writeOpenMetrics(),
    metricsContentType: OPEN_METRICS_CONTENT_TYPE,
    isReady: () => parts.phase() === 'ready',
    phase: parts.phase,
  });
  const http = httpRoom(server, { host: config.host, port: config.port, logger });
  const rooms: Room[] = [
    {
      name: 'store',
      start: async () => void (await migrate(store, MIGRATIONS)),
      stop: () => store.close(),
    },
    { name: 'bus', start: async () => showBusCounts(bus, metrics), stop: () => bus.drain() },
    sweeping(store, clock, config, events),
    topicsRoom(parts, writing, topics),
    placementRoom(parts, own, assembleOwnership(parts, events, writing, topics)),
    http,
  ];
  return { rooms, http };
}

/** This instance's place in the fleet, once it has one. */
class OwnPlacement {
  placement: Placement | undefined;

  readonly owns = (partition: number): boolean => this.placement?.owns(partition) ?? false;
}

interface Writing {
  readonly topicStore: TopicStore;
  readonly messageStore: MessageStore;
  readonly commit: GroupCommit;
  readonly publisher: EventPublisher;
  readonly courier: OutboxCourier;
}

/** What leaves this process: rows, events, errands. */
function assembleWriting(parts: ServiceParts, events: Events, own: OwnPlacement): Writing {
  const { config, bus, store, clock, telemetry } = parts;
  const topicStore = new TopicStore({
    store,
    instance: config.instance,
    recentEventsMax: config.recentEventsMax,
    recentEventsMs: config.replyKeepMs,
  });
  const commit = new GroupCommit({
    store,
    lanesCount: config.commitLanesCount,
    batchMax: config.commitBatchMax,
    waitingMax: config.commitWaitingMax,
    monotonicMs: () => clock.monotonicMs(),
    report: (report) => events.committed(report),
  });
  const publisher = new EventPublisher({
    bus,
    tracer: telemetry.tracer,
    instance: config.instance,
    onTooLarge: (topicId, bytes) => events.eventTooLarge(topicId, bytes),
  });
  const courier = new OutboxCourier({
    bus,
    store: topicStore,
    clock,
    tracer: telemetry.tracer,
    ownsPartition: own.owns,
    concurrencyMax: config.errandConcurrencyMax,
    waitingMax: config.errandsWaitingMax,
    sweepIntervalMs: config.errandSweepMs,
    reportFailure: (errand, fault) => events.errandFailed(errand, fault),
  });
  return { topicStore, messageStore: new MessageStore(store), commit, publisher, courier };
}

interface HeldTopics {
  readonly shelf: TopicShelf;
  readonly host: TopicHost;
  readonly presences: PresenceListener;
  readonly digest: DigestTeller;
}

/** The topics in memory, and what is heard and said about them by itself. */
function assembleTopics(
  parts: ServiceParts,
  events: Events,
  own: OwnPlacement,
  { topicStore, commit, publisher, courier }: Writing,
): HeldTopics {
  const { config, bus, clock, telemetry } = parts;
  const shelf: TopicShelf = new TopicShelf({
    store: topicStore,
    courier,
    clock,
    ownsPartition: own.owns,
    settled: () => commit.settled(),
    onLoaded: (held) => void presences.ask(held),
    onLost: (topicId, fault) => events.topicLost(topicId, fault),
    topicsMax: config.topicsMax,
    tailMax: config.tailMax,
    tailBytesMax: config.tailBytesMax,
    repliesMax: config.repliesMax,
    replyKeepMs: config.replyKeepMs,
  });
  const host = new TopicHost({
    shelf,
    commit,
    publisher: {
      durable: (topicId, batch, held, trace) =>
        publisher.durable(topicId, batch, () => held.followers.size, trace),
      ephemeral: (topicId, batch) => publisher.ephemeral(topicId, batch),
    },
    courier,
    clock,
    mint: new SnowflakeMint(clock),
    random: parts.random,
    tracer: telemetry.tracer,
    errandWaitMs: config.errandWaitMs,
  });
  const presences = new PresenceListener({
    bus,
    clock,
    host,
    shelf,
    events,
    presenceInstancesCount: () => own.placement?.instances('presence').length ?? 0,
    settleMs: config.presenceSettleMs,
    timeoutMs: config.presenceTimeoutMs,
    absentGraceMs: config.absentGraceMs,
    publish: (topicId, batch) => publisher.ephemeral(topicId, batch),
  });
  const digest = new DigestTeller({
    bus,
    clock,
    shelf,
    instance: config.instance,
    intervalMs: config.digestIntervalMs,
    windowMs: config.digestWindowMs,
    followerLeaseMs: config.followerLeaseMs,
  });
  return { shelf, host, presences, digest };
}

/** The requests that are taken, by partition. */
function assembleOwnership(
  { bus, clock, telemetry }: ServiceParts,
  events: Events,
  { topicStore, messageStore: messages }: Writing,
  { shelf, host, presences }: HeldTopics,
): Ownership {
  const { tracer, logger, metrics } = telemetry;
  const userTopics = busUserTopics(bus, tracer);
  const table = partitionMethods(
    [Guilds, Interactions, Messages, Topics],
    {
      ...guildHandlers({ host, messages, userTopics, clock }),
      ...interactionHandlers({ host, messages, clock }),
      ...messageHandlers({ host, messages, clock }),
      ...topicHandlers({ host, shelf, store: topicStore, clock }),
    },
    { tracer, logger, metrics },
  );
  return new Ownership({
    shelf,
    store: topicStore,
    events,
    serve: (partition) => servePartition(bus, PartitionedService.Guilds, partition, table),
    listen: (partition) => presences.listen(partition),
  });
}

function topicsRoom(
  { telemetry }: ServiceParts,
  { commit, courier }: Writing,
  { shelf, presences, digest }: HeldTopics,
): Room {
  return {
    name: 'topics',
    start: async () => {
      observe(telemetry, shelf, commit, courier);
      courier.start();
      presences.start();
      digest.start();
    },
    stop: async () => {
      digest.stop();
      presences.stop();
      await commit.settled();
      courier.stop();
    },
  };
}

function placementRoom(parts: ServiceParts, own: OwnPlacement, ownership: Ownership): Room {
  const { config, bus, clock, telemetry } = parts;
  const leave = async (): Promise<void> => {
    await own.placement?.leave();
    await ownership.close();
  };
  return {
    name: 'placement',
    start: async (signal) => {
      const placement = joinPlacement({
        bus,
        clock,
        service: 'guilds',
        instance: config.instance,
        version: VERSION,
        beatMs: config.beatMs,
        leaseMs: config.leaseMs,
        logger: telemetry.logger,
        metrics: telemetry.metrics,
        onReplaced: parts.onReplaced,
      });
      own.placement = placement;
      placement.onChange(({ gained, lost }) => void ownership.change(gained, lost));
      placement.setReady();
      // What does not start leaves nothing behind.
      await within(signal, placement.whenReady()).catch(async (reason: unknown) => {
        await leave();
        throw reason;
      });
    },
    drain: async () => {
      await own.placement?.beginDrain();
      await ownership.close();
    },
    stop: leave,
  };
}

function sweeping(store: Store, clock: Clock, config: Config, events: Events): Room {
  const sweeper = new Sweeper({
    store,
    clock,
    intervalMs: config.sweepIntervalMs,
    batchMax: config.sweepBatchMax,
    eventRetentionS: config.eventRetentionS,
    swept: (eventsCount, messagesCount) => events.swept(eventsCount, messagesCount),
    failed: (error) => events.backgroundFailed('sweeping old rows', error),
  });
  return {
    name: 'sweeper',
    start: async () => sweeper.start(),
    stop: () => sweeper.stop(),
  };
}

function observe(
  { metrics }: Telemetry,
  shelf: TopicShelf,
  commit: GroupCommit,
  courier: OutboxCourier,
): void {
  metrics.observe(
    'gauge',
    { name: 'guilds_topics', help: 'Topics in memory' },
    () => shelf.heldCount,
  );
  metrics.observe(
    'gauge',
    { name: 'guilds_commands_waiting', help: 'Commands decided and not yet committed' },
    () => commit.waitingCount,
  );
  metrics.observe(
    'gauge',
    { name: 'guilds_errands_waiting', help: 'Errands to other topics, waiting or under way' },
    () => courier.backlogCount,
  );
}
