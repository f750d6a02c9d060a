import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { Dispatch } from './dispatch.js';
import { PresenceBook, sessionPresence } from './presence-book.js';
import { SessionRegistry } from './session-registry.js';
import { Session, type SessionIdentity } from './session.js';
import { TopicRelay } from './topic-relay.js';
import { DispatchLog } from './dispatch-log.js';

const LOG = new DispatchLog({ bytesMax: 64 * 2 ** 20, eventsMax: 65_536, ageMaxMs: 60_000 });

const LIMITS = {
  log: LOG,
  eventsMax: 8,
  ownBytesMax: 1_000,
  confirmedMax: 8,
  heldMax: 2,
  presenceUpdatesMax: 5,
  presenceUpdatesWindowMs: 20_000,
};
const session = (id: string, more: Partial<SessionIdentity> = {}): Session =>
  new Session(
    {
      id,
      userId: 1n,
      isBot: true,
      applicationId: 1n,
      tokenDigest: '',
      intents: ALL_INTENTS,
      shard: { id: 0, count: 1 },
      largeThreshold: 50,
      client: { name: 'web', os: 'linux' },
      ...more,
    },
    { status: 'offline', isAfk: false, sinceMs: null, activities: [] },
    LIMITS,
  );
const event = (type: string): Dispatch => Dispatch.own(type, {});

describe('Session', () => {
  it('holds what comes before READY, then counts from 1 without holes', () => {
    const one = session('a');
    expect(one.take(event('early'))).toBe(0);
    expect(one.missedAfter(0)).toBeUndefined();
    const held = one.open();
    expect(held.map(({ type }) => type)).toEqual(['early']);
    expect([event('READY'), ...held, event('next')].map((each) => one.take(each))).toEqual([
      1, 2, 3,
    ]);
    expect(one.missedAfter(1)?.map(({ type }) => type)).toEqual(['early', 'next']);
  });

  it('says when more waits for READY than may', () => {
    const one = session('a');
    one.take(event('1'));
    expect(one.isOverfull).toBe(false);
    one.take(event('2'));
    one.take(event('3'));
    expect(one.isOverfull).toBe(true);
    expect(one.open()).toHaveLength(2);
    expect(one.isOverfull).toBe(false);
  });

  it('counts nothing once it has ended', () => {
    const one = session('a');
    one.open();
    one.state = 'ended';
    expect(one.take(event('late'))).toBe(0);
  });

  it('hears of the guilds of its shard', () => {
    const shards = [0, 1, 2].map((id) => session('a', { shard: { id, count: 3 } }));
    for (let at = 0n; at < 9n; at += 1n) {
      expect(shards.map((one) => one.hasGuild(at << 22n)).indexOf(true)).toBe(Number(at % 3n));
    }
  });
});

describe('SessionRegistry', () => {
  it('has room for so many, and so many of one user', () => {
    const registry = new SessionRegistry({ sessionsMax: 3, sessionsPerUserMax: 2 });
    const [a, b] = [session('a'), session('b')];
    registry.add(a);
    registry.add(b);
    expect([registry.room(1n), registry.room(2n)]).toEqual(['user_full', 'free']);
    registry.add(session('c', { userId: 2n }));
    expect(registry.room(2n)).toBe('full');
    registry.remove(a);
    registry.remove(a);
    expect(registry.room(1n)).toBe('free');
    expect(registry.find('b')).toBe(b);
    expect(registry.find('a')).toBeUndefined();
  });
});

describe('PresenceBook', () => {
  const userIn = (partition: number): bigint => BigInt(partition) << 12n;

  it('tells each change once, by partition, and again when that failed', () => {
    const one = session('a', { userId: userIn(3) });
    const book = new PresenceBook((id) => (id === 'a' ? one : undefined));
    expect(book.isQuiet).toBe(true);
    book.put(one);
    book.put(one);
    expect(book.takeChanged()).toEqual([{ partition: 3, sessions: [one] }]);
    expect(book.takeChanged()).toEqual([]);
    book.againByName([
      { userId: one.userId, sessionId: 'a' },
      { userId: 9n, sessionId: 'gone' },
    ]);
    expect(book.takeChanged()).toHaveLength(1);
    book.againByPartition([2]);
    expect(book.takeChanged()).toEqual([]);
    book.againByPartition([3]);
    expect(book.takeChanged()).toHaveLength(1);
    expect(one.presenceRevision).toBe(2);
    expect([...book.leases()]).toEqual([{ partition: 3, sessions: [one] }]);
  });

  it('forgets who is gone, and says so once', () => {
    const one = session('a', { userId: userIn(3) });
    const book = new PresenceBook(() => one);
    book.put(one);
    book.remove(one);
    book.remove(one);
    expect(book.takeChanged()).toEqual([]);
    expect(book.takeGone()).toEqual([
      { partition: 3, names: [{ userId: one.userId, sessionId: 'a' }] },
    ]);
    book.again([one]);
    expect([book.isQuiet, book.presentCount]).toEqual([true, 0]);
  });

  it('names the guilds of a session, in which it is seen, and nothing else it follows', () => {
    const one = session('a');
    const limits = { recentEventsMax: 1, heldEventsMax: 1, earlyEventsMax: 1 };
    for (const [at, kind] of (['user', 'guild', 'private'] as const).entries()) {
      const relay = new TopicRelay<Session>(BigInt(at), kind, limits);
      one.followings.set(BigInt(at), { relay, follower: relay.begin(one) });
    }
    expect(sessionPresence(one).topicIds).toEqual([1n]);
  });

  it('shows a client that asks to look offline as invisible', () => {
    expect(sessionPresence(session('a')).status).toBe('invisible');
  });
});
