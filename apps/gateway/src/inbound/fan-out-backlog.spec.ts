// Large fan-outs through relays and the deliverer: slices, fairness, and what happens when more
// waits than may. The clock is such that each slice is one step of writes.
import { create } from '@bufbuild/protobuf';
import { SystemClock, type Clock } from '@guildhall/clock';
import {
  AttachTopicReplySchema,
  FetchEventsReplySchema,
  TopicEventSchema,
  type TopicEvent,
} from '@guildhall/contracts';
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { silentTelemetry, type TraceContext } from '@guildhall/telemetry';
import { eventually } from '@guildhall/testkit';
import type { Dispatch } from '../domain/dispatch.js';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import type { GuildsPort } from '../domain/ports.js';
import { Session } from '../domain/session.js';
import { GatewayEvents } from '../events.js';
import { Deliverer } from './deliverer.js';
import { Relays } from './relays.js';
import { DispatchLog } from '../domain/dispatch-log.js';

const LOG = new DispatchLog({ bytesMax: 64 * 2 ** 20, eventsMax: 65_536, ageMaxMs: 60_000 });

const LARGE = 1n << 22n;
const SMALL = 2n << 22n;
const SESSIONS_COUNT = 1_100;
const BACKLOG_MAX = 2_500;

class CountingSocket implements GatewaySocket {
  readonly form = undefined;
  readonly bufferedBytes = 0;
  readonly told: string[] = [];

  write(dispatch: Dispatch, s: number): number {
    this.told.push(`${s} ${dispatch.type} ${dispatch.data.toString()}`);
    return 1;
  }
  put(): void {}
  frame(): void {}
  compressPayloads(): void {}
  close(): void {}
  terminate(): void {}
  closed(): void {}
}

function sessionOf(userId: bigint, socket: GatewaySocket): Session {
  const session = new Session(
    {
      id: `${userId}`,
      userId,
      isBot: true,
      applicationId: 1n,
      tokenDigest: '',
      intents: ALL_INTENTS,
      shard: { id: 0, count: 1 },
      largeThreshold: 50,
      client: { name: 'web', os: 'linux' },
    },
    { status: 'online', isAfk: false, sinceMs: null, activities: [] },
    {
      log: LOG,
      eventsMax: 64,
      ownBytesMax: 1_000,
      confirmedMax: 16,
      heldMax: 16,
      presenceUpdatesMax: 5,
      presenceUpdatesWindowMs: 20_000,
    },
  );
  session.open();
  session.state = 'connected';
  session.socket = socket;
  return session;
}

/** Real time, but for durations: each look is a second later. */
function hastyClock(): Clock {
  const real = new SystemClock();
  let nowMs = 0;
  return {
    nowMs: () => real.nowMs(),
    monotonicMs: () => (nowMs += 1_000),
    setTimer: (delayMs, callback) => real.setTimer(delayMs, callback),
    every: (intervalMs, callback) => real.every(intervalMs, callback),
  };
}

function setUp() {
  const telemetry = silentTelemetry();
  const events = new GatewayEvents(telemetry);
  const dropped = jest.spyOn(events, 'ephemeralDropped');
  const clock = hastyClock();
  const deliverer = new Deliverer({
    clock,
    tracer: telemetry.tracer,
    events,
    onOverfull: () => undefined,
    backlogMax: BACKLOG_MAX,
  });
  const log = new Map<bigint, TopicEvent[]>([
    [LARGE, []],
    [SMALL, []],
  ]);
  const heard = new Map<
    bigint,
    (events: readonly TopicEvent[], trace: TraceContext | undefined) => void
  >();
  let fetchesCount = 0;
  const guilds: Partial<GuildsPort> = {
    attachTopic: ({ topicId }, _request, onAnswer) => {
      const audience = { id: 7n, channelIds: [] };
      const seq = BigInt(log.get(topicId)!.length);
      onAnswer(create(AttachTopicReplySchema, { seq, audience, audienceId: 7n }));
    },
    fetchEvents: async (topicId, position) => {
      fetchesCount += 1;
      const all = log.get(topicId)!;
      const lastSeq = BigInt(all.length);
      return create(FetchEventsReplySchema, { events: all.slice(position), lastSeq });
    },
  };
  const relays = new Relays({
    source: {
      follow: (topicId, onEvents) => {
        heard.set(topicId, onEvents);
        return () => undefined;
      },
    },
    guilds: guilds as GuildsPort,
    deliverer,
    events,
    clock,
    random: () => 0,
    limits: { recentEventsMax: 32, heldEventsMax: 64, earlyEventsMax: 64 },
    attachesInFlightMax: 10_000,
    onSignal: () => undefined,
    onLeft: () => undefined,
    onLost: () => undefined,
    onForgotten: () => undefined,
  });
  const attach = (count: number, topicId: bigint): CountingSocket[] =>
    Array.from({ length: count }, (_, at) => {
      const socket = new CountingSocket();
      const request = { wantsPresences: false, wantsMembers: false, largeThreshold: 50 };
      void relays.attachTopic(sessionOf(BigInt(at + 1), socket), topicId, 'guild', request);
      return socket;
    });
  const publish = (topicId: bigint, isEphemeral = false): void => {
    const all = log.get(topicId)!;
    const seq = isEphemeral ? 0n : BigInt(all.length + 1);
    const type = isEphemeral ? 'TYPING_START' : 'GUILD_UPDATE';
    const event = create(TopicEventSchema, { topicId, seq, type, data: Buffer.from(`${seq}`) });
    if (!isEphemeral) all.push(event);
    heard.get(topicId)!([event], undefined);
  };
  const fetches = (): number => fetchesCount;
  return { relays, deliverer, attach, publish, dropped, fetches };
}

describe('a large fan-out', () => {
  it('goes out in slices, and a small topic is told between two of them', async () => {
    const { relays, attach, publish } = setUp();
    const large = attach(SESSIONS_COUNT, LARGE);
    const small = attach(3, SMALL);
    const toldCount = (): number => large.filter(({ told }) => told.length > 0).length;
    publish(LARGE);
    await Promise.resolve();
    const afterOne = toldCount();
    expect(afterOne).toBeGreaterThan(0);
    expect(afterOne).toBeLessThan(SESSIONS_COUNT / 4);
    publish(SMALL);
    let turnsCount = 0;
    while (small.some(({ told }) => told.length === 0)) {
      await new Promise(setImmediate);
      turnsCount += 1;
    }
    expect(turnsCount).toBeLessThanOrEqual(2);
    expect(toldCount()).toBeLessThan(SESSIONS_COUNT / 2);
    await eventually(() => toldCount() === SESSIONS_COUNT, { label: 'everybody is told' });
    relays.stop();
  });

  it('is bounded: what may be lost is dropped, the rest comes from the owner later', async () => {
    const { relays, deliverer, attach, publish, dropped, fetches } = setUp();
    const sockets = attach(SESSIONS_COUNT, LARGE);
    for (let seq = 1; seq <= 3; seq += 1) {
      publish(LARGE);
      await Promise.resolve();
    }
    expect(deliverer.hasRoom(LARGE)).toBe(false);
    expect(deliverer.hasRoom(SMALL)).toBe(true);
    publish(LARGE, true);
    for (let seq = 4; seq <= 8; seq += 1) publish(LARGE);
    expect(dropped).toHaveBeenCalledWith(1);
    expect(fetches()).toBe(0);
    const wanted = Array.from({ length: 8 }, (_, at) => `${at + 1} GUILD_UPDATE ${at + 1}`);
    await eventually(() => sockets.every(({ told }) => told.length === 8), {
      label: 'everybody has all that is durable',
    });
    expect(fetches()).toBeGreaterThan(0);
    for (const { told } of sockets) expect(told).toEqual(wanted);
    expect(deliverer.hasRoom(LARGE)).toBe(true);
    relays.stop();
  });

  it('says nothing more to a session that has left', async () => {
    const { relays, attach, publish } = setUp();
    const sockets = attach(SESSIONS_COUNT, LARGE);
    const last = sockets.at(-1)!;
    const session = sessionOf(999_999n, last);
    const request = { wantsPresences: false, wantsMembers: false, largeThreshold: 50 };
    void relays.attachTopic(session, LARGE, 'guild', request);
    publish(LARGE);
    await Promise.resolve();
    relays.detach(session, LARGE);
    await eventually(() => sockets.every(({ told }) => told.length === 1), {
      label: 'the others are told',
    });
    expect(session.seq).toBe(0);
    relays.stop();
  });
});
