// Hot path: TopicRelay.receive, EventRules.admits, Session.take, Replay.push, Deliverer.deliver,
// GatewayEvents.delivered. One event of a guild to many sessions, without the sockets: what the
// gateway adds to the writes themselves.
//
//   npx esbuild apps/gateway/bench/fan-out.bench.ts --bundle --platform=node --format=cjs |
//     node -
import { SystemClock } from '@guildhall/clock';
import type { TopicEvent } from '@guildhall/contracts';
import { ALL_INTENTS, SharedForm } from '@guildhall/gateway-protocol';
import { silentTelemetry } from '@guildhall/telemetry';
import type { Dispatch } from '../src/domain/dispatch.js';
import type { GatewaySocket } from '../src/domain/gateway-socket.js';
import { Session } from '../src/domain/session.js';
import { TopicRelay } from '../src/domain/topic-relay.js';
import { GatewayEvents } from '../src/events.js';
import { Deliverer } from '../src/inbound/deliverer.js';
import { DispatchLog } from '../src/domain/dispatch-log.js';

const LOG = new DispatchLog({ bytesMax: 64 * 2 ** 20, eventsMax: 65_536, ageMaxMs: 60_000 });

const SESSIONS_COUNT = 1_000;
const EVENTS_COUNT = 500;
const CHANNEL = 11n;

/** Takes frames and drops them. */
class Sink implements GatewaySocket {
  readonly bufferedBytes = 0;
  readonly form = SharedForm.Json;
  bytes = 0;

  write(dispatch: Dispatch, s: number): number {
    const size = dispatch.encoded.shared(this.form).patch(s);
    this.bytes += size;
    return size;
  }

  put(_bytes: Buffer, end: number): void {
    this.bytes += end;
  }

  frame(): void {}
  compressPayloads(): void {}
  close(): void {}
  terminate(): void {}
  closed(): void {}
}

const LIMITS = {
  log: LOG,
  eventsMax: 4_096,
  ownBytesMax: 1_000_000,
  confirmedMax: 256,
  heldMax: 4_096,
  presenceUpdatesMax: 5,
  presenceUpdatesWindowMs: 20_000,
};

const telemetry = silentTelemetry();
const deliverer = new Deliverer({
  clock: new SystemClock(),
  tracer: telemetry.tracer,
  events: new GatewayEvents(telemetry),
  onOverfull: () => undefined,
  backlogMax: 1_000_000,
});
const relay = new TopicRelay<Session>(1n, 'guild', {
  recentEventsMax: 32,
  heldEventsMax: 4_096,
  earlyEventsMax: 1_024,
});
const sink = new Sink();
for (let at = 0; at < SESSIONS_COUNT; at += 1) {
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
    LIMITS,
  );
  session.open();
  session.state = 'connected';
  session.socket = sink;
  const id = BigInt(at % 4);
  const audience = { $typeName: 'fleet.topics.v1.Audience' as const, id, channelIds: [CHANNEL] };
  relay.attached(relay.begin(session), { seq: 0, audience });
}

const content = 'a message of ordinary length, as people write them to each other all day';
const eventOf = (seq: number): TopicEvent => ({
  $typeName: 'fleet.topics.v1.TopicEvent',
  topicId: 1n,
  seq: BigInt(seq),
  type: 'MESSAGE_CREATE',
  data: Buffer.from(JSON.stringify({ id: String(seq), channel_id: '11', content, embeds: [] })),
  channelId: CHANNEL,
  authorId: 2n,
  subjectUserId: 0n,
  mentionedUserIds: [],
  exceptUserId: 0n,
  atUs: BigInt(Date.now()) * 1000n,
  commandId: 0n,
  onlyUserIds: [],
  hasContent: true,
});

let seq = 0;
for (let pass = 0; pass < 4; pass += 1) {
  const events = Array.from({ length: EVENTS_COUNT }, () => eventOf(++seq));
  const startMs = performance.now();
  for (const event of events) {
    deliverer.deliver(1n, relay.receive([event]), undefined);
    deliverer.flush(1n);
  }
  const tookMs = performance.now() - startMs;
  const ns = (tookMs * 1e6) / (EVENTS_COUNT * SESSIONS_COUNT);
  console.log(`to ${SESSIONS_COUNT} sessions: ${ns.toFixed(0)} ns a delivery`);
}
if (sink.bytes === 0) throw new Error('nothing was delivered');
