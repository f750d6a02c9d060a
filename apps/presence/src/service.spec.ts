import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  callAll,
  callOwner,
  createMemoryBus,
  subscribeMessages,
  type MemoryBus,
} from '@guildhall/bus';
import { ManualClock, type Clock, type Timer } from '@guildhall/clock';
import {
  EventBatchSchema,
  PARTITIONS_TAKEN_SUBJECT,
  PartitionsTakenSchema,
  Presence,
  PresenceDirectory,
  SessionPresenceSchema,
  Signal,
  topicEphemeral,
  type ListTopicReply,
  type SessionPresence,
  type TopicEvent,
} from '@guildhall/contracts';
import { Fault, isRetryable } from '@guildhall/fault';
import { joinPlacement, type Placement } from '@guildhall/placement';
import { defaultsOf, ServiceLife } from '@guildhall/service';
import { partitionOf, snowflakeAt } from '@guildhall/snowflake';
import { fakeTelemetry, type FakeTelemetry } from '@guildhall/telemetry';
import { KNOBS, type Config } from './config.js';
import { assembleService } from './service.js';

const WINDOW_MS = KNOBS.windowMs.byDefault;
const LEASE_MS = KNOBS.sessionLeaseMs.byDefault;
const ORPHAN_MS = KNOBS.orphanLeaseMs.byDefault;
const SETTLE_MS = KNOBS.settleMs.byDefault;
const RENEWAL_MS = 10_000;
/** A partition each, so that they are spread over the instances. */
const USERS = Array.from({ length: 40 }, (_, at) => idIn(at * 25));
const GUILD = idIn(600) + 1n;
const OTHER_GUILD = idIn(17) + 2n;

function idIn(partition: number): bigint {
  return snowflakeAt(1_800_000_000_000) | (BigInt(partition) << 12n);
}

interface Process {
  readonly life: ServiceLife;
  readonly bus: MemoryBus;
  readonly telemetry: FakeTelemetry;
  readonly clock: StallingClock;
}

/** The clock of a process that can stand still: what falls due meanwhile runs when it goes on. */
class StallingClock implements Clock {
  readonly #clock: ManualClock;
  #missed: Set<() => void> | undefined;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#clock.setTimer(delayMs, () => this.#run(callback));
  }

  every(intervalMs: number, callback: () => void): Timer {
    return this.#clock.every(intervalMs, () => this.#run(callback));
  }

  stall(): void {
    this.#missed = new Set();
  }

  goOn(): void {
    const missed = this.#missed ?? [];
    this.#missed = undefined;
    for (const callback of missed) callback();
  }

  #run(callback: () => void): void {
    if (this.#missed === undefined) callback();
    else this.#missed.add(callback);
  }
}

/** A gateway as far as presence knows one: sessions put, renewed, put again when asked. */
class FakeGateway {
  readonly sessions = new Map<string, SessionPresence>();
  readonly #bus: MemoryBus;
  readonly #placement: Placement;
  readonly #name: string;
  isAlive = true;
  #isRenewing = true;

  constructor(world: World, name: string, connection: string) {
    this.#name = name;
    this.#bus = world.hub.connect({ name: connection });
    this.#placement = joinPlacement({
      bus: this.#bus,
      service: 'gateway',
      instance: name,
      version: '1',
      ownsPartitions: false,
    });
    this.#placement.setReady();
    subscribeMessages(this.#bus, PartitionsTakenSchema, PARTITIONS_TAKEN_SUBJECT, (taken) => {
      const again = [...this.sessions.values()].filter(({ userId }) =>
        taken.partitions.includes(partitionOf(userId)),
      );
      for (const session of again) void this.#put(session);
    });
    world.clock.every(RENEWAL_MS, () => this.renewAll());
  }

  put(fields: MessageInitShape<typeof SessionPresenceSchema> & { sessionId: string }): void {
    const known = this.sessions.get(fields.sessionId);
    const session = create(SessionPresenceSchema, {
      status: 'online',
      activitiesJson: Buffer.from('[]'),
      client: 'web',
      clientOs: 'linux',
      isBot: true,
      topicIds: [GUILD],
      ...known,
      ...fields,
      revision: (known?.revision ?? 0n) + 1n,
    } as MessageInitShape<typeof SessionPresenceSchema>);
    this.sessions.set(session.sessionId, session);
    void this.#put(session);
  }

  /** Puts it as it was at some time, whatever has been put since. */
  putOutdated(session: SessionPresence): void {
    void this.#put(session);
  }

  remove(sessionId: string): void {
    const { userId } = this.sessions.get(sessionId)!;
    this.sessions.delete(sessionId);
    const partition = partitionOf(userId);
    const request = { gatewayInstance: this.#name, partition, sessions: [{ userId, sessionId }] };
    const method = Presence.method.removeSessions;
    void callOwner(this.#bus, method, partition, request).catch(unanswered);
  }

  renewAll(): void {
    if (!this.isAlive || !this.#isRenewing) return;
    for (const session of this.sessions.values()) void this.#renew(session);
  }

  stopRenewing(): void {
    this.#isRenewing = false;
  }

  /** As `kill -9`. */
  kill(): void {
    this.isAlive = false;
    void this.#bus.close();
  }

  async leave(): Promise<void> {
    this.isAlive = false;
    await this.#placement.leave();
  }

  async #put(session: SessionPresence): Promise<void> {
    if (!this.isAlive) return;
    const partition = partitionOf(session.userId);
    const request = { gatewayInstance: this.#name, partition, sessions: [session] };
    await callOwner(this.#bus, Presence.method.putSessions, partition, request).catch(unanswered);
  }

  async #renew({ userId, sessionId }: SessionPresence): Promise<void> {
    const partition = partitionOf(userId);
    const request = { gatewayInstance: this.#name, partition, sessions: [{ userId, sessionId }] };
    const method = Presence.method.renewLeases;
    const answer = await callOwner(this.#bus, method, partition, request).catch(unanswered);
    for (const key of answer?.unknown ?? []) {
      const session = this.sessions.get(key.sessionId);
      if (session !== undefined) void this.#put(session);
    }
  }
}

/** Nobody is there for the moment: the next renewal makes up for it. Anything else is a failure. */
function unanswered(reason: unknown): undefined {
  if (reason instanceof Fault && isRetryable(reason.code)) return undefined;
  throw reason;
}

/** Presence instances, gateways, and somebody who hears all that is said. */
class World {
  readonly clock = new ManualClock();
  readonly hub = createMemoryBus(this.clock);
  readonly observer = this.hub.connect({ name: 'observer' });
  readonly heard: TopicEvent[] = [];
  messagesCount = 0;
  readonly #lives: ServiceLife[] = [];

  constructor() {
    for (const topicId of [GUILD, OTHER_GUILD, ...USERS]) {
      this.observer.subscribe(topicEphemeral(topicId), (payload) => {
        this.messagesCount += 1;
        this.heard.push(...fromBinary(EventBatchSchema, payload.slice()).events);
      });
    }
  }

  async start(instance: string, knobs: Partial<Config> = {}): Promise<Process> {
    const clock = new StallingClock(this.clock);
    const bus = this.hub.connect({ name: instance, clock });
    const telemetry = fakeTelemetry({ service: 'presence' });
    const config: Config = {
      ...defaultsOf(KNOBS),
      natsUrl: '',
      host: '127.0.0.1',
      port: 0,
      instance,
      telemetry: {} as Config['telemetry'],
      ...knobs,
    };
    const { rooms } = assembleService({
      config,
      bus,
      clock,
      telemetry,
      phase: () => life.phase,
    });
    const life: ServiceLife = new ServiceLife({
      name: instance,
      rooms: rooms.filter(({ name }) => name !== 'http'),
      clock: this.clock,
      logger: telemetry.logger,
    });
    this.#lives.push(life);
    const started = life.start();
    await this.pass(1_000);
    await started;
    return { life, bus, telemetry, clock };
  }

  gateway(name: string, connection = name): FakeGateway {
    return new FakeGateway(this, name, connection);
  }

  pass(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** The process stands still; what is sent to it is read after the timers that fell due. */
  async stall({ bus, clock }: Process, ms: number): Promise<void> {
    const untilMs = this.clock.monotonicMs() + ms;
    const release = this.hub.rule(({ to }) =>
      to === bus.name ? { delayMs: untilMs + 1 - this.clock.monotonicMs() } : undefined,
    );
    clock.stall();
    await this.pass(ms);
    release();
    clock.goOn();
  }

  async settle(): Promise<void> {
    await this.pass(SETTLE_MS + WINDOW_MS);
    this.heard.length = 0;
    this.messagesCount = 0;
  }

  /** What was said since the last call: by topic and user, what they are. */
  take(type = 'PRESENCE_UPDATE'): { topicId: bigint; userId: bigint; status: string }[] {
    const taken = this.heard.splice(0).filter((event) => event.type === type);
    return taken.map(({ topicId, subjectUserId: userId, data }) => {
      const { status } = JSON.parse(Buffer.from(data).toString()) as { status: string };
      return { topicId, userId, status };
    });
  }

  /** Whose last sessions have ended, as said to a topic since the last `take`; call it before. */
  gone(topicId: bigint): bigint[] {
    return this.heard
      .filter((event) => event.type === Signal.UsersGone && event.topicId === topicId)
      .flatMap(({ data }) => {
        const { user_ids: ids } = JSON.parse(Buffer.from(data).toString()) as {
          user_ids: string[];
        };
        return ids.map(BigInt);
      });
  }

  /** What every instance answers about a topic. */
  async listed(topicId: bigint): Promise<ListTopicReply[]> {
    const options = { timeoutMs: 1_000, expected: 2 };
    const asked = callAll(this.observer, PresenceDirectory.method.listTopic, { topicId }, options);
    await this.pass(1_000);
    const { replies, faults } = await asked;
    expect(faults).toEqual([]);
    return replies;
  }

  async online(topicId: bigint): Promise<Set<bigint>> {
    const replies = await this.listed(topicId);
    const users = replies.flatMap(({ presences }) => presences.map(({ userId }) => userId));
    expect(new Set(users).size).toBe(users.length);
    return new Set(users);
  }

  async stop(): Promise<void> {
    for (const life of this.#lives) {
      const stopped = life.stop();
      await this.pass(10_000);
      await stopped;
    }
  }
}

jest.setTimeout(30_000);

describe('The presence app', () => {
  let world: World;
  let gateway: FakeGateway;
  let first: Process;
  let second: Process;
  const [user] = USERS as [bigint];

  beforeEach(async () => {
    world = new World();
    gateway = world.gateway('gateway-1');
    first = await world.start('presence-1');
    second = await world.start('presence-2');
    await world.settle();
  });

  afterEach(() => world.stop());

  /** Everybody comes online, and that has been heard. */
  async function everybody(topicIds = [GUILD]): Promise<void> {
    for (const userId of USERS) gateway.put({ userId, sessionId: `s${userId}`, topicIds });
    await world.pass(WINDOW_MS);
    expect(new Set(world.take().map(({ userId }) => userId))).toEqual(new Set(USERS));
    world.messagesCount = 0;
  }

  it('says changes once for each topic and window, with what is so at its end', async () => {
    gateway.put({ userId: user, sessionId: 'a', topicIds: [GUILD, OTHER_GUILD], status: 'idle' });
    gateway.put({ userId: user, sessionId: 'a', status: 'dnd' });
    await world.pass(WINDOW_MS);
    expect(world.messagesCount).toBe(2);
    const [event] = world.heard;
    expect(JSON.parse(Buffer.from(event!.data).toString())).toEqual({
      user: { id: String(user) },
      guild_id: String(event!.topicId),
      status: 'dnd',
      activities: [],
      client_status: { web: 'dnd' },
    });
    expect(event).toMatchObject({ seq: 0n, subjectUserId: user, exceptUserId: user });
    expect(event!.atUs).toBe(BigInt(world.clock.nowMs()) * 1_000n);
    expect(world.take().map(({ topicId }) => topicId)).toEqual([GUILD, OTHER_GUILD]);
    await world.pass(10 * WINDOW_MS);
    expect(world.take()).toEqual([]);
  });

  it('puts the users of one window and topic into one message of each owner', async () => {
    await everybody();
    for (const userId of USERS) gateway.put({ userId, sessionId: `s${userId}`, status: 'idle' });
    await world.pass(WINDOW_MS);
    expect(world.messagesCount).toBe(2);
    expect(world.take()).toHaveLength(USERS.length);
  });

  it('ignores what arrives late', async () => {
    gateway.put({ userId: user, sessionId: 'a', status: 'idle' });
    const outdated = gateway.sessions.get('a')!;
    gateway.put({ userId: user, sessionId: 'a', status: 'dnd' });
    gateway.putOutdated(outdated);
    await world.pass(WINDOW_MS);
    expect(world.take().map(({ status }) => status)).toEqual(['dnd']);
  });

  it('lists who is online in a topic, over all instances, without the invisible', async () => {
    await everybody();
    gateway.put({ userId: user, sessionId: `s${user}`, status: 'invisible' });
    const online = await world.online(GUILD);
    expect(online.size).toBe(USERS.length - 1);
    expect(online.has(user)).toBe(false);
    expect((await world.online(OTHER_GUILD)).size).toBe(0);
    expect(world.take()).toEqual([{ topicId: GUILD, userId: user, status: 'offline' }]);
  });

  it('says whose last session has ended, also of those who were invisible', async () => {
    const [other] = USERS.slice(1) as [bigint];
    gateway.put({ userId: user, sessionId: 'a', topicIds: [GUILD, OTHER_GUILD] });
    gateway.put({ userId: user, sessionId: 'b', status: 'invisible' });
    gateway.put({ userId: other, sessionId: 'c', status: 'invisible' });
    await world.pass(WINDOW_MS);
    const hidden = (await world.listed(GUILD)).flatMap(({ hiddenUserIds }) => hiddenUserIds);
    expect(hidden).toEqual([other]);
    gateway.remove('a');
    await world.pass(WINDOW_MS);
    // Merely unseen.
    expect(world.gone(GUILD)).toEqual([]);
    world.take();
    world.messagesCount = 0;
    gateway.remove('b');
    gateway.remove('c');
    await world.pass(WINDOW_MS);
    expect(world.gone(GUILD).sort()).toEqual([user, other].sort());
    expect(world.heard.every(({ seq, exceptUserId }) => seq === 0n && exceptUserId === 0n)).toBe(
      true,
    );
    expect(world.take()).toEqual([]);
    expect((await world.listed(GUILD)).flatMap(({ hiddenUserIds }) => hiddenUserIds)).toEqual([]);
  });

  it('says of nobody that it is gone while its user changes hands', async () => {
    gateway.put({ userId: user, sessionId: 'a', status: 'invisible' });
    await world.pass(WINDOW_MS);
    await first.bus.close();
    await second.bus.close();
    await world.pass(WINDOW_MS);
    await world.start('presence-3');
    const replies = await world.listed(GUILD);
    expect(replies.map(({ isSettling }) => isSettling)).toEqual([true]);
    gateway.remove('a');
    await world.pass(WINDOW_MS);
    expect(world.gone(GUILD)).toEqual([]);
    await world.pass(SETTLE_MS + 2 * WINDOW_MS);
    expect(world.gone(GUILD)).toEqual([user]);
  });

  it('tells a person of its sessions, and answers with them', async () => {
    gateway.put({ userId: user, sessionId: 'a', isBot: false, client: 'desktop', status: 'idle' });
    gateway.put({ userId: user, sessionId: 'b', isBot: false, client: 'mobile' });
    await world.pass(WINDOW_MS);
    const [replaced] = world.heard.filter(({ type }) => type === 'SESSIONS_REPLACE');
    expect(replaced).toMatchObject({ topicId: user, seq: 0n, exceptUserId: 0n });
    const sessions = JSON.parse(Buffer.from(replaced!.data).toString()) as unknown[];
    expect(sessions).toMatchObject([
      { session_id: 'all', status: 'online', client_info: { client: 'unknown' } },
      { session_id: 'b', status: 'online', client_info: { client: 'mobile', version: 0 } },
      { session_id: 'a', status: 'idle', client_info: { client: 'desktop', os: 'linux' } },
    ]);
    const partition = partitionOf(user);
    const request = { userId: user };
    const answer = await callOwner(world.observer, Presence.method.getUser, partition, request);
    expect(answer.presence).toMatchObject({ userId: user, status: 'online' });
    expect(JSON.parse(Buffer.from(answer.sessionsJson).toString())).toEqual(sessions);
  });

  it('answers for a user nobody knows: offline, without sessions', async () => {
    const partition = partitionOf(user);
    const request = { userId: user };
    const answer = await callOwner(world.observer, Presence.method.getUser, partition, request);
    expect(answer.presence!.status).toBe('offline');
    expect(Buffer.from(answer.presence!.clientStatusJson).toString()).toBe('{}');
    expect(Buffer.from(answer.sessionsJson).toString()).toBe('[]');
  });

  it('refuses users of another partition', async () => {
    const partition = (partitionOf(user) + 1) % 1024;
    const request = { partition, gatewayInstance: 'g', sessions: [{ userId: user }] };
    const asked = callOwner(world.observer, Presence.method.putSessions, partition, request);
    await expect(asked).rejects.toMatchObject({ code: 'invalid' });
  });

  it.each([
    ['no JSON', '[{"name":'],
    ['no array', '{"name":"chess"}'],
    ['too large', `["${'x'.repeat(KNOBS.activitiesBytesMax.byDefault)}"]`],
  ])('leaves out activities that are %s', async (_, text) => {
    gateway.put({ userId: user, sessionId: 'a', activitiesJson: Buffer.from(text) });
    await world.pass(WINDOW_MS);
    const { activities } = JSON.parse(Buffer.from(world.heard[0]!.data).toString()) as {
      activities: unknown;
    };
    expect(activities).toEqual([]);
  });

  it('keeps those whose leases are renewed, and says each other offline once', async () => {
    await everybody();
    await world.pass(2 * LEASE_MS);
    expect(world.take()).toEqual([]);
    gateway.sessions.delete(`s${user}`);
    await world.pass(LEASE_MS - RENEWAL_MS);
    expect(world.take()).toEqual([]);
    await world.pass(3 * LEASE_MS);
    expect(world.take()).toEqual([{ topicId: GUILD, userId: user, status: 'offline' }]);
  });

  it('shows the users of a gateway that dies offline after the shorter lease', async () => {
    await everybody();
    gateway.kill();
    await world.pass(ORPHAN_MS);
    expect(world.take()).toEqual([]);
    await world.pass(2_000 + 2 * WINDOW_MS + 250);
    expect(world.gone(GUILD).sort()).toEqual([...USERS].sort());
    const gone = world.take();
    expect(gone.every(({ status }) => status === 'offline')).toBe(true);
    expect(gone.map(({ userId }) => userId).sort()).toEqual([...USERS].sort());
  });

  it('shows nobody offline of a gateway that was merely not heard for a while', async () => {
    await everybody();
    // Just after a renewal, so that the next one would come too late for the orphan lease.
    await world.pass(RENEWAL_MS - (world.clock.monotonicMs() % RENEWAL_MS) + 100);
    gateway.stopRenewing();
    const release = world.hub.rule(({ from }) => (from === 'gateway-1' ? 'drop' : undefined));
    await world.pass(5_000);
    release();
    await world.pass(LEASE_MS - 1_000);
    expect(world.take()).toEqual([]);
    await world.pass(2_000);
    expect(world.take()).toHaveLength(USERS.length);
  });

  it('shows the users of a gateway that is started anew under its name offline', async () => {
    await everybody();
    gateway.kill();
    world.gateway('gateway-1', 'gateway-1 again');
    await world.pass(ORPHAN_MS + 2 * WINDOW_MS + 1_250);
    expect(world.take()).toHaveLength(USERS.length);
  });

  it('shows nobody offline whose sessions are on another gateway by then', async () => {
    await everybody();
    const other = world.gateway('gateway-2');
    await gateway.leave();
    for (const session of gateway.sessions.values()) other.put({ ...session });
    await world.pass(2 * LEASE_MS);
    expect(world.take()).toEqual([]);
    expect((await world.online(GUILD)).size).toBe(USERS.length);
  });

  it('shows nobody offline when one of its instances drains, nor who came online then', async () => {
    await everybody();
    const drained = first.life.drain();
    gateway.put({ userId: user, sessionId: 'new', status: 'dnd' });
    await world.pass(WINDOW_MS);
    await drained;
    const stopped = first.life.stop();
    await world.pass(SETTLE_MS + 2 * WINDOW_MS);
    await stopped;
    const said = world.take();
    expect(said.filter(({ status }) => status === 'offline')).toEqual([]);
    expect(said.filter(({ userId }) => userId === user).at(-1)!.status).toBe('dnd');
    await world.pass(2 * LEASE_MS);
    expect(world.take()).toEqual([]);
    expect((await world.online(GUILD)).size).toBe(USERS.length);
  });

  it('says what it had taken note of before it hands over', async () => {
    await everybody();
    for (const userId of USERS) gateway.put({ userId, sessionId: `s${userId}`, status: 'idle' });
    await world.pass(0);
    expect(world.take()).toEqual([]);
    void first.life.drain();
    void second.life.drain();
    await world.pass(0);
    const said = world.take();
    expect(said).toHaveLength(USERS.length);
    expect(said.every(({ status }) => status === 'idle')).toBe(true);
  });

  it('keeps everybody online when one of its instances is killed', async () => {
    await everybody();
    await first.bus.close();
    await world.pass(KNOBS.leaseMs.byDefault + SETTLE_MS + 1_000);
    expect(world.take().filter(({ status }) => status === 'offline')).toEqual([]);
    const online = await world.online(GUILD);
    expect(online).toEqual(new Set(USERS));
    await world.pass(2 * LEASE_MS);
    expect(world.take()).toEqual([]);
  });

  it('says after a takeover who ended meanwhile, if it was told of them', async () => {
    await everybody();
    await first.bus.close();
    await world.pass(KNOBS.leaseMs.byDefault + 600);
    const settlesAtMs = world.clock.monotonicMs() + SETTLE_MS;
    for (const userId of USERS) gateway.remove(`s${userId}`);
    await world.pass(WINDOW_MS);
    const atOnce = world.take();
    await world.pass(settlesAtMs - world.clock.monotonicMs() + WINDOW_MS);
    const later = world.take();
    expect(later.length).toBeGreaterThan(0);
    const gone = [...atOnce, ...later].filter(({ status }) => status === 'offline');
    expect(gone.map(({ userId }) => userId).sort()).toEqual([...USERS].sort());
  });

  it('gives a share of the users to an instance that joins, and says nothing of it', async () => {
    await everybody();
    const third = await world.start('presence-3');
    await world.pass(SETTLE_MS + 2 * WINDOW_MS);
    expect(world.take()).toEqual([]);
    const text = third.telemetry.metrics.writeOpenMetrics();
    const count = Number(/^presence_users (\d+)/m.exec(text)![1]);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(USERS.length);
    expect(text).toContain('presence_users_waiting 0.0\n');
  });

  it('repeats the users it was given, if it is to', async () => {
    await everybody();
    const third = await world.start('presence-3', { repeatedPerWindowMax: 1_000 });
    await world.pass(SETTLE_MS + WINDOW_MS);
    const repeated = world.take();
    expect(repeated.length).toBeGreaterThan(0);
    expect(repeated.length).toBeLessThan(USERS.length);
    expect(repeated.every(({ status }) => status === 'online')).toBe(true);
    const text = third.telemetry.metrics.writeOpenMetrics();
    expect(text).toContain(`presence_users ${repeated.length}.0\n`);
    expect(text).toContain(`presence_events_said_total ${repeated.length}.0\n`);
  });

  it('does not take the leases of a process that stood still for run out', async () => {
    const stopped = Promise.all([first.life.stop(), second.life.stop()]);
    await world.pass(1_000);
    await stopped;
    const alone = await world.start('presence-3', { windowMs: 10 });
    await world.settle();
    await everybody();
    await world.stall(alone, LEASE_MS + RENEWAL_MS);
    await world.pass(SETTLE_MS + 2 * RENEWAL_MS);
    expect(world.take().filter(({ status }) => status === 'offline')).toEqual([]);
    expect((await world.online(GUILD)).size).toBe(USERS.length);
  });

  it('does not take the leases of a process that was cut off for run out', async () => {
    await everybody();
    first.bus.disconnect();
    second.bus.disconnect();
    await world.pass(2 * LEASE_MS);
    first.bus.reconnect();
    second.bus.reconnect();
    await world.pass(SETTLE_MS + 2 * RENEWAL_MS);
    expect(world.take().filter(({ status }) => status === 'offline')).toEqual([]);
    expect((await world.online(GUILD)).size).toBe(USERS.length);
  });
});
