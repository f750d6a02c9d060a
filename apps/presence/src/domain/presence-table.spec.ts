import { ManualClock } from '@guildhall/clock';
import { News, type PresenceEvent } from './presence-news.js';
import { PresenceTable, type PutOutcome } from './presence-table.js';
import type { SessionFacts } from './session.js';

const USER = 7n;
const PARTITION = 3;
const LEASE_MS = 30_000;
const GUILD = 100n;
const OTHER_GUILD = 200n;

interface Heard {
  readonly topicId: bigint;
  readonly type: string;
  readonly status: unknown;
}

/** A table with one settled partition, and what it says. */
class Desk {
  readonly clock = new ManualClock();
  readonly table: PresenceTable;
  revision = 0n;

  constructor(limits: { sessionsMax?: number; isSettled?: boolean } = {}) {
    this.table = new PresenceTable({
      sessionsMax: limits.sessionsMax ?? 100,
      sessionLeaseMs: LEASE_MS,
    });
    this.table.hold(PARTITION);
    if (limits.isSettled !== false) this.table.settled(PARTITION);
  }

  put(
    facts: Partial<SessionFacts> = {},
    who: { gateway?: string; isBot?: boolean; userId?: bigint } = {},
  ): PutOutcome {
    return this.table.put(
      PARTITION,
      {
        userId: who.userId ?? USER,
        isBot: who.isBot ?? true,
        gateway: who.gateway ?? 'g1',
      },
      {
        sessionId: 'a',
        status: 'online',
        activities: '[]',
        client: 'web',
        clientOs: 'linux',
        isAfk: false,
        topicIds: [GUILD],
        revision: (this.revision += 1n),
        ...facts,
      },
      this.clock.monotonicMs(),
    );
  }

  remove(sessionId = 'a', gateway = 'g1'): boolean {
    return this.table.remove(PARTITION, { userId: USER, sessionId, gateway });
  }

  renew(sessionId = 'a', gateway = 'g1'): boolean {
    const nowMs = this.clock.monotonicMs();
    return this.table.renew(PARTITION, { userId: USER, sessionId, gateway }, nowMs);
  }

  pass(ms: number): number {
    this.clock.advance(ms);
    return this.table.expire(this.clock.monotonicMs());
  }

  events(eventsMax = Infinity, repeatedMax = Infinity): Map<bigint, PresenceEvent[]> {
    const news = new News();
    this.table.takeNews(news, eventsMax, repeatedMax);
    return news.eventsByTopic;
  }

  hear(): Heard[] {
    return [...this.events()].flatMap(([topicId, events]) =>
      events.map(({ type, data }) => {
        const { status } = JSON.parse(data) as { status?: unknown };
        return { topicId, type, status };
      }),
    );
  }
}

const update = (topicId: bigint, status: string): Heard => ({
  topicId,
  type: 'PRESENCE_UPDATE',
  status,
});

describe('PresenceTable', () => {
  it('says who is there to each of its topics, once', () => {
    const desk = new Desk();
    expect(desk.put({ topicIds: [GUILD, OTHER_GUILD], status: 'dnd' })).toBe('changed');
    const events = desk.events();
    expect([...events.keys()]).toEqual([GUILD, OTHER_GUILD]);
    expect(JSON.parse(events.get(GUILD)![0]!.data)).toEqual({
      user: { id: '7' },
      guild_id: '100',
      status: 'dnd',
      activities: [],
      client_status: { web: 'dnd' },
    });
    expect(desk.hear()).toEqual([]);
  });

  it('says only where a window ends, and nothing if that is where it began', () => {
    const desk = new Desk();
    desk.put();
    desk.hear();
    desk.put({ status: 'idle' });
    desk.put({ status: 'dnd' });
    expect(desk.hear()).toEqual([update(GUILD, 'dnd')]);
    desk.put({ status: 'online' });
    desk.put({ status: 'dnd' });
    expect(desk.hear()).toEqual([]);
    desk.remove();
    desk.put({ status: 'dnd' });
    expect(desk.hear()).toEqual([]);
  });

  it('tells a topic that a user joins, and no other', () => {
    const desk = new Desk();
    desk.put();
    desk.hear();
    desk.put({ topicIds: [OTHER_GUILD, GUILD] });
    expect(desk.hear()).toEqual([update(OTHER_GUILD, 'online')]);
  });

  it('says nothing to a topic that its user has left, then or later', () => {
    const desk = new Desk();
    desk.put({ topicIds: [GUILD, OTHER_GUILD] });
    desk.hear();
    desk.put({ topicIds: [GUILD] });
    expect(desk.hear()).toEqual([]);
    desk.remove();
    expect(desk.hear()).toEqual([update(GUILD, 'offline')]);
  });

  it('says a shard offline to the topics that only it follows', () => {
    const desk = new Desk();
    desk.put({ sessionId: 'a', topicIds: [GUILD] });
    desk.put({ sessionId: 'b', topicIds: [OTHER_GUILD] });
    desk.hear();
    desk.remove('b');
    expect(desk.hear()).toEqual([update(OTHER_GUILD, 'offline')]);
    expect([...desk.table.onlineIn(OTHER_GUILD)]).toEqual([]);
    expect([...desk.table.onlineIn(GUILD)].map(({ id }) => id)).toEqual([USER]);
  });

  it('shows nothing of an invisible user, coming or going', () => {
    const desk = new Desk();
    desk.put({ status: 'invisible' });
    expect(desk.hear()).toEqual([]);
    expect([...desk.table.onlineIn(GUILD)]).toEqual([]);
    desk.put({ status: 'online' });
    expect(desk.hear()).toEqual([update(GUILD, 'online')]);
    desk.put({ status: 'invisible' });
    expect(desk.hear()).toEqual([update(GUILD, 'offline')]);
    desk.remove();
    expect(desk.hear()).toEqual([]);
    expect(desk.table.usersCount).toBe(0);
  });

  it('tells people, and not bots, of their own sessions', () => {
    const desk = new Desk();
    desk.put({}, { isBot: false });
    const [own] = desk.events().get(USER)!;
    expect(own!.type).toBe('SESSIONS_REPLACE');
    expect(JSON.parse(own!.data)).toMatchObject([{ session_id: 'a', status: 'online' }]);
    desk.put({ sessionId: 'b', status: 'invisible' }, { isBot: false });
    const events = desk.events();
    expect([...events.keys()]).toEqual([USER]);
    const listed = JSON.parse(events.get(USER)![0]!.data) as { session_id: string }[];
    expect(listed.map((session) => session.session_id)).toEqual(['all', 'b', 'a']);
    desk.put({ sessionId: 'b', topicIds: [] }, { isBot: false });
    expect(desk.table.waitingCount).toBe(1);
  });

  it('ignores what is older, and takes the same again for a sign of life', () => {
    const desk = new Desk();
    desk.put({ revision: 5n, status: 'dnd' });
    expect(desk.put({ revision: 4n, status: 'idle' })).toBe('outdated');
    expect(desk.put({ revision: 5n, status: 'idle' })).toBe('unchanged');
    expect(desk.hear()).toEqual([update(GUILD, 'dnd')]);
    desk.pass(LEASE_MS - 250);
    desk.put({ revision: 5n });
    expect(desk.pass(LEASE_MS - 250)).toBe(0);
    expect(desk.pass(250)).toBe(1);
  });

  it('leaves a session to the gateway that spoke last of it', () => {
    const desk = new Desk();
    desk.put({ revision: 9n });
    expect(desk.put({ revision: 1n, status: 'idle' }, { gateway: 'g2' })).toBe('changed');
    expect(desk.renew('a', 'g1')).toBe(false);
    expect(desk.remove('a', 'g1')).toBe(false);
    expect(desk.renew('a', 'g2')).toBe(true);
    expect(desk.table.orphan('g1', 0)).toBe(0);
    expect(desk.hear()).toEqual([update(GUILD, 'idle')]);
  });

  it('says a user offline once when its lease has run out, and forgets it', () => {
    const desk = new Desk();
    desk.put();
    desk.hear();
    expect(desk.pass(LEASE_MS - 250)).toBe(0);
    expect(desk.pass(250)).toBe(1);
    expect(desk.hear()).toEqual([update(GUILD, 'offline')]);
    expect(desk.pass(10 * LEASE_MS)).toBe(0);
    expect(desk.hear()).toEqual([]);
    const { usersCount, sessionsCount, topicsCount, waitingCount } = desk.table;
    expect([usersCount, sessionsCount, topicsCount, waitingCount]).toEqual([0, 0, 0, 0]);
  });

  it('ends the sessions of a gateway that is gone sooner, unless they are heard of', () => {
    const desk = new Desk();
    desk.put({ sessionId: 'a' });
    desk.put({ sessionId: 'b' });
    expect(desk.table.orphan('g1', 10_000)).toBe(2);
    desk.pass(5_000);
    expect(desk.renew('b')).toBe(true);
    expect(desk.pass(5_000)).toBe(1);
    expect(desk.renew('a')).toBe(false);
    expect(desk.pass(LEASE_MS - 5_000)).toBe(1);
  });

  it('leaves a gateway its sessions that comes back in time', () => {
    const desk = new Desk();
    desk.put();
    desk.table.orphan('g1', 10_000);
    desk.pass(9_750);
    expect(desk.table.renewAll('g1', desk.clock.monotonicMs())).toBe(1);
    expect(desk.table.renewAll('g2', desk.clock.monotonicMs())).toBe(0);
    expect(desk.pass(LEASE_MS - 250)).toBe(0);
    expect(desk.pass(250)).toBe(1);
  });

  it('ends no more sessions at once than it is told to, and each once', () => {
    const desk = new Desk();
    for (const sessionId of ['a', 'b', 'c', 'd', 'e']) desk.put({ sessionId });
    desk.clock.advance(LEASE_MS);
    const nowMs = desk.clock.monotonicMs();
    expect(desk.table.expire(nowMs, 2)).toBe(2);
    expect(desk.table.sessionsCount).toBe(3);
    // Which of them are left is not promised; they are heard of in time.
    const renewed = ['a', 'b', 'c', 'd', 'e'].filter((sessionId) => desk.renew(sessionId));
    expect(renewed).toHaveLength(3);
    expect(desk.table.expire(nowMs, 2)).toBe(0);
    expect(desk.pass(LEASE_MS - 250)).toBe(0);
    expect(desk.pass(250)).toBe(3);
  });

  it('refuses sessions beyond its bound, and takes them when there is room', () => {
    const desk = new Desk({ sessionsMax: 1 });
    desk.put();
    expect(desk.put({ sessionId: 'b' })).toBe('full');
    expect(desk.renew('b')).toBe(false);
    expect(desk.put({ status: 'dnd' })).toBe('changed');
    desk.remove();
    expect(desk.put({ sessionId: 'b' })).toBe('changed');
  });

  it('lets what is too much for one window wait for the next, and loses nothing', () => {
    const desk = new Desk();
    for (let userId = 1n; userId <= 5n; userId += 1n) {
      desk.table.put(
        PARTITION,
        { userId, isBot: true, gateway: 'g1' },
        {
          sessionId: `s${userId}`,
          status: 'online',
          activities: '[]',
          client: 'web',
          clientOs: '',
          isAfk: false,
          topicIds: [GUILD],
          revision: 1n,
        },
        0,
      );
    }
    const users = (): bigint[] =>
      desk
        .events(2)
        .get(GUILD)
        ?.map(({ userId }) => userId) ?? [];
    expect(users()).toEqual([1n, 2n]);
    expect(desk.table.waitingCount).toBe(3);
    expect(users()).toEqual([3n, 4n]);
    expect(users()).toEqual([5n]);
    expect(users()).toEqual([]);
  });
});

describe('A partition that settles', () => {
  it('takes the sessions it is told again for known, and repeats them when it has settled', () => {
    const desk = new Desk({ isSettled: false });
    desk.put({ sessionId: 'a', status: 'dnd' });
    expect(desk.hear()).toEqual([]);
    desk.put({ sessionId: 'b', status: 'online' });
    expect(desk.hear()).toEqual([]);
    expect([...desk.table.onlineIn(GUILD)]).toHaveLength(1);
    desk.table.settled(PARTITION);
    expect(desk.hear()).toEqual([update(GUILD, 'dnd')]);
    expect(desk.hear()).toEqual([]);
  });

  it('says changes of them at once', () => {
    const desk = new Desk({ isSettled: false });
    desk.put();
    desk.put({ status: 'idle' });
    expect(desk.hear()).toEqual([update(GUILD, 'idle')]);
  });

  it('says nobody offline before it has settled, and then those who still are', () => {
    const desk = new Desk({ isSettled: false });
    desk.put();
    desk.remove();
    expect(desk.hear()).toEqual([]);
    desk.table.settled(PARTITION);
    expect(desk.hear()).toEqual([update(GUILD, 'offline')]);
    expect(desk.table.usersCount).toBe(0);
  });

  it('says nothing of who came back meanwhile', () => {
    const desk = new Desk({ isSettled: false });
    desk.put();
    desk.remove();
    desk.hear();
    desk.put();
    expect(desk.hear()).toEqual([]);
    desk.table.settled(PARTITION);
    expect(desk.hear()).toEqual([update(GUILD, 'online')]);
  });

  it('repeats nothing of who is invisible', () => {
    const desk = new Desk({ isSettled: false });
    desk.put({ status: 'invisible' });
    desk.table.settled(PARTITION);
    expect(desk.hear()).toEqual([]);
    desk.remove();
    expect(desk.hear()).toEqual([]);
  });

  it('repeats at leisure, after what has changed', () => {
    const desk = new Desk({ isSettled: false });
    desk.put();
    desk.put({}, { userId: USER + 1n });
    desk.table.settled(PARTITION);
    expect(desk.table.waitingCount).toBe(2);
    expect(desk.events(10, 1).size).toBe(1);
    expect(desk.table.waitingCount).toBe(1);
    expect(desk.events(10, 1).size).toBe(1);
    expect(desk.table.waitingCount).toBe(0);
  });

  it('repeats nothing where that is not wanted, and does not wait for it', () => {
    const desk = new Desk({ isSettled: false });
    desk.put();
    desk.table.settled(PARTITION);
    expect(desk.events(10, 0).size).toBe(0);
    expect(desk.table.waitingCount).toBe(0);
  });
});

describe('A partition that is handed over', () => {
  it('says what has changed, but nobody offline', () => {
    const desk = new Desk();
    desk.put({ sessionId: 'a' });
    desk.hear();
    desk.table.leave(PARTITION);
    desk.put({ sessionId: 'a', status: 'idle' });
    expect(desk.hear()).toEqual([update(GUILD, 'idle')]);
    desk.remove();
    expect(desk.hear()).toEqual([]);
    desk.table.letGo(PARTITION);
    expect(desk.hear()).toEqual([]);
  });

  it('is forgotten without a trace', () => {
    const desk = new Desk();
    desk.put({ sessionId: 'a' }, { isBot: false });
    desk.put({ sessionId: 'b', topicIds: [OTHER_GUILD] }, { isBot: false });
    desk.table.letGo(PARTITION);
    const { usersCount, sessionsCount, topicsCount, waitingCount } = desk.table;
    expect([usersCount, sessionsCount, topicsCount, waitingCount]).toEqual([0, 0, 0, 0]);
    expect(desk.pass(LEASE_MS * 2)).toBe(0);
    expect(desk.table.orphan('g1', 0)).toBe(0);
    expect(desk.table.holds(PARTITION)).toBe(false);
  });

  it('settles again when it comes back, with what is still known', () => {
    const desk = new Desk();
    desk.put();
    desk.hear();
    desk.table.leave(PARTITION);
    desk.remove();
    desk.hear();
    desk.table.hold(PARTITION);
    expect(desk.hear()).toEqual([]);
    desk.table.settled(PARTITION);
    expect(desk.hear()).toEqual([update(GUILD, 'offline')]);
  });
});
