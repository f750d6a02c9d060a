// Hot path: SharedFrame, KernelSocket.write, SocketWriter.write and put, TurnBatch, DeliveryLanes,
// Members. The whole way of an event from the relay into the sockets of its sessions, over loopback
// to a process that reads and forgets: CPU time of this process for each delivery (system calls and
// the kernel's part of a loopback connection with it), beside a bare loop of `socket.write` and one
// of `writeSync` over the same sockets in the same run. Filters, sequences and replay are on.
//
//   npm run bench -- gateway delivery-path [sessions ...]
//
// Compare only the ratios of one run. More sessions than a process may open sockets share them, so
// that 100,000 in one guild are as many system calls.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { loadavg } from 'node:os';
import process from 'node:process';
import { SystemClock } from '@guildhall/clock';
import type { TopicEvent } from '@guildhall/contracts';
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { silentTelemetry } from '@guildhall/telemetry';
import { Session } from '../src/domain/session.js';
import { TopicRelay } from '../src/domain/topic-relay.js';
import { GatewayEvents } from '../src/events.js';
import { Deliverer } from '../src/inbound/deliverer.js';
import { SendBacklog } from '../src/outbound/send-backlog.js';
import { SocketWriter } from '../src/outbound/socket-writer.js';
import { DispatchLog } from '../src/domain/dispatch-log.js';

const LOG = new DispatchLog({ bytesMax: 64 * 2 ** 20, eventsMax: 65_536, ageMaxMs: 60_000 });

const SINK = 'BENCH_SINK';
const CHANNEL = 11n;
const AUDIENCES_COUNT = 4;
const PASSES_COUNT = 5;
const DELIVERIES_PER_PASS = 40_000;
const EVENTS_PER_TURN = 8;
const FRAME_BYTES = 300;
const SOCKETS_MAX = 18_000;
/** Less than a session takes: events of another topic come while one goes out to all. */
const SESSION_MS = 0.008;
const OTHER_COUNT = 10;
const OTHER_EVENTS_COUNT = 100;
const RELAY_LIMITS = { recentEventsMax: 32, heldEventsMax: 4_096, earlyEventsMax: 1_024 };

/** The other process: so many sockets that are read and forgotten. */
function runSink(port: number, count: number): void {
  let openCount = 0;
  const open = (): void => {
    const socket = connect(port, '127.0.0.1', () => {
      openCount += 1;
      if (openCount < count) open();
    });
    socket.on('data', () => undefined).on('error', () => undefined);
  };
  for (let at = 0; at < 50; at += 1) open();
  process.on('disconnect', () => process.exit());
}

async function openSockets(count: number): Promise<{ sockets: Socket[]; end: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.setNoDelay().on('error', () => undefined);
    sockets.push(socket);
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const child = fork(process.argv[1]!, [], { env: { ...process.env, [SINK]: `${port} ${count}` } });
  while (sockets.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
  const end = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
    child.disconnect();
  };
  return { sockets: sockets.slice(0, count), end };
}

function eventOf(seq: number): TopicEvent {
  const content = 'a message of ordinary length, as people write them to each other all day long';
  const message = { id: String(seq), channel_id: '11', author: { id: '2' }, content, embeds: [] };
  const padding = 'x'.repeat(Math.max(0, FRAME_BYTES - 63 - JSON.stringify(message).length));
  return {
    $typeName: 'fleet.topics.v1.TopicEvent',
    topicId: 1n,
    seq: BigInt(seq),
    type: 'MESSAGE_CREATE',
    data: Buffer.from(JSON.stringify({ ...message, nonce: padding })),
    channelId: CHANNEL,
    authorId: 2n,
    subjectUserId: 0n,
    mentionedUserIds: [],
    exceptUserId: 0n,
    atUs: BigInt(Date.now()) * 1000n,
    commandId: 0n,
    onlyUserIds: [],
    hasContent: true,
  };
}

/** The parts of a gateway that an event passes, with a session on each socket. */
function gatewayOn(sockets: readonly Socket[]) {
  const telemetry = silentTelemetry();
  const deliverer = new Deliverer({
    clock: new SystemClock(),
    tracer: telemetry.tracer,
    events: new GatewayEvents(telemetry),
    onOverfull: () => undefined,
    backlogMax: 1_000_000,
  });
  const relay = new TopicRelay<Session>(1n, 'guild', RELAY_LIMITS);
  const backlog = new SendBacklog(1_000_000_000);
  const sessions = sockets.map((socket, at) => {
    const session = new Session(
      {
        id: `session-${at}`,
        userId: BigInt(1_000 + at),
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
        eventsMax: 4_096,
        ownBytesMax: 1_000_000,
        confirmedMax: 256,
        heldMax: 4_096,
        presenceUpdatesMax: 5,
        presenceUpdatesWindowMs: 20_000,
      },
    );
    session.open();
    session.state = 'connected';
    const ws = {
      readyState: 1,
      bufferedAmount: 0,
      sessionId: undefined,
      send: () => undefined,
      close: () => undefined,
      terminate: () => undefined,
    };
    session.socket = new SocketWriter(ws, socket, {
      encoding: 'json',
      compression: 'none',
      bufferBytesMax: 4_000_000,
      zlibHistoryBytes: 0,
      hasZstdContexts: false,
      backlog,
      onSlow: () => undefined,
    });
    const id = BigInt(at % AUDIENCES_COUNT);
    const audience = { $typeName: 'fleet.topics.v1.Audience' as const, id, channelIds: [CHANNEL] };
    relay.attached(relay.begin(session), { seq: 0, audience });
    return session;
  });
  const other = new TopicRelay<Session>(2n, 'guild', RELAY_LIMITS);
  for (const session of sessions.slice(0, OTHER_COUNT)) {
    const audience = {
      $typeName: 'fleet.topics.v1.Audience' as const,
      id: 1n,
      channelIds: [CHANNEL],
    };
    other.attached(other.begin(session), { seq: 0, audience });
  }
  let seq = 0;
  let otherSeq = 0;
  return {
    backlog,
    /** Ms from when an event of the other topic was due to its last session. */
    async otherTook(dueInMs: number): Promise<number> {
      const dueMs = performance.now() + dueInMs;
      await new Promise((resolve) => setTimeout(resolve, dueInMs));
      const [delivery] = other.receive([eventOf(++otherSeq)]).deliveries;
      let doneMs = 0;
      const lender = { giveBack: () => (doneMs = performance.now()) };
      const outcome = { deliveries: [{ ...delivery!, lender }], signals: [], ended: [] };
      const rest = { needsRepair: false, filteredCount: 0, eventsCount: 1 };
      deliverer.deliver(2n, { ...outcome, ...rest }, undefined);
      while (doneMs === 0) await new Promise(setImmediate);
      return doneMs - dueMs;
    },
    /** So many events, as one read from the bus brings them; resolves when all are written. */
    async turn(eventsCount: number): Promise<void> {
      const wanted = sessions.at(-1)!.seq + eventsCount;
      for (let at = 0; at < eventsCount; at += 1) {
        deliverer.deliver(1n, relay.receive([eventOf(++seq)]), undefined);
      }
      do await new Promise(setImmediate);
      while (sessions.some((session) => session.seq < wanted));
    },
    /** As heartbeats do. */
    confirm(): void {
      for (const session of sessions) session.confirm(session.seq);
    },
  };
}

async function bench(count: number): Promise<void> {
  const { sockets: opened, end } = await openSockets(Math.min(count, SOCKETS_MAX));
  const sockets = Array.from({ length: count }, (_, at) => opened[at % opened.length]!);
  const gateway = gatewayOn(sockets);
  const frame = Buffer.alloc(FRAME_BYTES, 0x61);
  const fds = sockets.map(
    (socket) => (socket as unknown as { _handle: { fd: number } })._handle.fd,
  );
  const rounds = Math.max(1, Math.round(DELIVERIES_PER_PASS / count / EVENTS_PER_TURN));
  const ways: Record<string, () => Promise<void>> = {
    'bare socket.write': async () => {
      for (let round = 0; round < rounds * EVENTS_PER_TURN; round += 1) {
        for (const socket of sockets) socket.write(frame);
        await new Promise(setImmediate);
      }
    },
    'bare writeSync': async () => {
      for (let round = 0; round < rounds * EVENTS_PER_TURN; round += 1) {
        for (const fd of fds) writeSync(fd, frame, 0, FRAME_BYTES);
        await new Promise(setImmediate);
      }
    },
    'gateway, 1 event a turn': async () => {
      for (let round = 0; round < rounds * EVENTS_PER_TURN; round += 1) await gateway.turn(1);
    },
    'gateway, 8 events a turn': async () => {
      for (let round = 0; round < rounds; round += 1) await gateway.turn(EVENTS_PER_TURN);
    },
  };
  const figures = new Map<string, number[]>(Object.keys(ways).map((name) => [name, []]));
  for (let pass = 0; pass <= PASSES_COUNT; pass += 1) {
    for (const [name, way] of Object.entries(ways)) {
      gateway.confirm();
      gateway.confirm();
      globalThis.gc?.();
      // The other side reads up.
      await new Promise((resolve) => setTimeout(resolve, 150));
      const before = process.cpuUsage();
      await way();
      const { user, system } = process.cpuUsage(before);
      if (pass > 0) figures.get(name)!.push((user + system) / (rounds * EVENTS_PER_TURN * count));
    }
  }
  console.log(`${count} sessions, load average ${loadavg()[0]!.toFixed(1)}:`);
  const median = (list: readonly number[]): number =>
    [...list].sort((a, b) => a - b)[PASSES_COUNT >> 1]!;
  const base = median(figures.get('bare writeSync')!);
  for (const [name, list] of figures) {
    const us = median(list);
    console.log(
      `  ${name.padEnd(26)} ${us.toFixed(2)} us CPU a delivery (least ${Math.min(...list).toFixed(2)}), ` +
        `${(us / base).toFixed(2)} x writeSync`,
    );
  }
  for (const isBusy of [false, true]) {
    const took: number[] = [];
    for (let at = 0; at < OTHER_EVENTS_COUNT; at += 1) {
      const busy = isBusy ? gateway.turn(1) : undefined;
      took.push(await gateway.otherTook(((at % 20) / 20) * count * SESSION_MS + 1));
      await busy;
      if (at % 20 === 0) gateway.confirm();
    }
    took.sort((a, b) => a - b);
    const [p50, p99] = [0.5, 0.99].map((share) =>
      took[Math.floor(took.length * share)]!.toFixed(2),
    );
    const what = isBusy ? `while an event to ${count} goes out` : 'alone';
    console.log(`  an event of another topic, ${what}: p50 ${p50} ms, p99 ${p99} ms`);
  }
  if (gateway.backlog.bytes > 0) console.log('  a socket was full: the figures are too high');
  end();
}

async function run(): Promise<void> {
  const counts = process.argv.slice(2).map(Number);
  for (const count of counts.length > 0 ? counts : [1_000, 10_000]) await bench(count);
}

const sink = process.env[SINK];
if (sink === undefined) void run();
else {
  const [port, count] = sink.split(' ').map(Number) as [number, number];
  runSink(port, count);
}
