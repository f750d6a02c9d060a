import { ManualClock } from '@guildhall/clock';
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import type { GuildsPort } from '../domain/ports.js';
import { PresenceBook } from '../domain/presence-book.js';
import { SessionRegistry } from '../domain/session-registry.js';
import { Session } from '../domain/session.js';
import type { Relays } from './relays.js';
import { SessionLife } from './session-life.js';
import { DispatchLog } from '../domain/dispatch-log.js';

const LOG = new DispatchLog({ bytesMax: 64 * 2 ** 20, eventsMax: 65_536, ageMaxMs: 60_000 });

const TICK_MS = 100;

/** Writes down what it was told. */
class RecordingSocket implements GatewaySocket {
  readonly bufferedBytes = 0;
  readonly form = undefined;
  readonly said: unknown[] = [];

  write(): number {
    return 0;
  }
  put(): void {}
  frame(frame: unknown): void {
    this.said.push(frame);
  }
  compressPayloads(): void {}
  close(code: number): void {
    this.said.push(code);
  }
  terminate(): void {}
  closed(): void {}
}

function setUp() {
  const clock = new ManualClock();
  const registry = new SessionRegistry({ sessionsMax: 10, sessionsPerUserMax: 10 });
  const book = new PresenceBook((id) => registry.find(id));
  const life = new SessionLife({
    clock,
    registry,
    book,
    relays: () => ({ detachAll: () => undefined }) as unknown as Relays,
    guilds: {} as GuildsPort,
    resumeWindowMs: 180_000,
    presenceGraceMs: 10_000,
    invalidSessionDelayMinMs: 1_000,
    invalidSessionDelayMaxMs: 5_000,
    tickMs: TICK_MS,
  });
  clock.every(TICK_MS, () => life.turn());
  const session = new Session(
    {
      id: 'a',
      userId: 1n,
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
      eventsMax: 8,
      ownBytesMax: 1_000,
      confirmedMax: 8,
      heldMax: 2,
      presenceUpdatesMax: 5,
      presenceUpdatesWindowMs: 20_000,
    },
  );
  registry.add(session);
  session.open();
  const socket = new RecordingSocket();
  life.connect(session, socket);
  return { clock, registry, book, life, session, socket };
}

describe('SessionLife', () => {
  it('keeps a session without a socket online for the grace, and alive for the window', () => {
    const { clock, registry, life, session } = setUp();
    life.detach(session);
    clock.advance(9_800);
    expect([session.isPresent, session.state]).toEqual([true, 'detached']);
    clock.advance(300);
    expect([session.isPresent, session.state]).toEqual([false, 'detached']);
    clock.advance(169_500);
    expect(registry.size).toBe(1);
    clock.advance(600);
    expect([registry.size, session.state]).toEqual([0, 'ended']);
  });

  it('is as before when it gets another socket in time', () => {
    const { clock, life, session, socket } = setUp();
    life.detach(session);
    clock.advance(20_000);
    life.connect(session, new RecordingSocket());
    expect(session.isPresent).toBe(true);
    clock.advance(1_000_000);
    expect(session.state).toBe('connected');
    expect(socket.said).toEqual([]);
  });

  it('tells the socket a session had that it has another', () => {
    const { life, session, socket } = setUp();
    life.connect(session, new RecordingSocket());
    expect(socket.said).toEqual([4000]);
  });

  it('says op 9 after one to five seconds, and ends the session at once', () => {
    const { clock, life, session, socket } = setUp();
    life.invalidate(session);
    expect(session.state).toBe('ended');
    clock.advance(999);
    expect(socket.said).toEqual([]);
    clock.advance(4_001);
    expect(socket.said).toEqual([{ op: 9, d: false, s: null, t: null }]);
  });

  it('applies the last of too many presence updates when there is room again', () => {
    const { clock, life, session, book } = setUp();
    for (let at = 0; at < 6; at += 1) session.presenceLimiter.admit(clock.monotonicMs());
    session.presenceWaiting = { ...session.presence, status: 'dnd' };
    life.delayPresence(session);
    book.takeChanged();
    clock.advance(19_900);
    expect(session.presence.status).toBe('online');
    clock.advance(200);
    expect(session.presence.status).toBe('dnd');
    expect(book.takeChanged()).toHaveLength(1);
  });

  it('shows nobody offline while it drains', () => {
    const { clock, life, session } = setUp();
    life.isDraining = true;
    life.detach(session);
    clock.advance(60_000);
    expect(session.isPresent).toBe(true);
  });
});
