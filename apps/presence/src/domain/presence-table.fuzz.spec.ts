import { ManualClock } from '@guildhall/clock';
import { seedFromEnv, SeededRandom } from '@guildhall/testkit';
import { LEASE_STEP_MS } from './lease-wheel.js';
import { News } from './presence-news.js';
import { PresenceTable } from './presence-table.js';
import type { SessionFacts, SessionStatus } from './session.js';

const STEPS_COUNT = 4_000;
const LEASE_MS = 40 * LEASE_STEP_MS;
const ORPHAN_MS = 12 * LEASE_STEP_MS;
const PARTITION = 5;
const USERS = [1n, 2n, 3n, 4n];
const TOPICS = [10n, 11n, 12n, 13n, 14n];
const GATEWAYS = ['g1', 'g2', 'g3'];
const STATUSES: readonly SessionStatus[] = ['online', 'idle', 'dnd', 'invisible'];
const ACTIVITIES = ['[]', '[]', '[{"name":"chess"}]', '[{"name":"rain"}]'];
const CLIENTS = ['desktop', 'mobile', 'web'];

interface Kept {
  gateway: string;
  facts: SessionFacts;
  changed: number;
  expiresAtMs: number;
}

/** The same, as one would write it who has all the time and memory in the world. */
class NaivePresence {
  readonly sessions = new Map<string, Kept & { userId: bigint }>();
  changes = 0;

  of(userId: bigint): Kept[] {
    return [...this.sessions.values()].filter((session) => session.userId === userId);
  }

  topicsOf(userId: bigint): Set<bigint> {
    return new Set(this.of(userId).flatMap(({ facts }) => facts.topicIds));
  }

  presence(userId: bigint, topicId: bigint): string {
    const visible = this.of(userId).filter(({ facts }) => facts.status !== 'invisible');
    if (visible.length === 0 || !this.topicsOf(userId).has(topicId)) return 'offline [] {}';
    const order = ['dnd', 'online', 'idle'];
    const best = (some: Kept[]): string =>
      order.find((status) => some.some(({ facts }) => facts.status === status))!;
    const rank = ({ facts }: Kept): number => (facts.isAfk || facts.status === 'idle' ? 1 : 0);
    const [doing] = visible
      .filter(({ facts }) => facts.activities !== '[]')
      .sort((a, b) => rank(a) - rank(b) || b.changed - a.changed);
    const clients = CLIENTS.map(
      (kind) => [kind, visible.filter(({ facts }) => facts.client === kind)] as const,
    ).filter(([, some]) => some.length > 0);
    const clientStatus = Object.fromEntries(clients.map(([kind, some]) => [kind, best(some)]));
    return `${best(visible)} ${doing?.facts.activities ?? '[]'} ${JSON.stringify(clientStatus)}`;
  }
}

const seed = seedFromEnv(process.env['SEED']);

describe(`PresenceTable against a naive one (SEED=${seed})`, () => {
  const random = new SeededRandom(seed);
  const clock = new ManualClock();
  const table = new PresenceTable({ sessionsMax: 1_000, sessionLeaseMs: LEASE_MS });
  const naive = new NaivePresence();
  /** What a member of each topic has been shown of each user. */
  const shown = new Map<string, string>();
  const revisions = new Map<string, bigint>();
  let eventsCount = 0;

  table.hold(PARTITION);
  table.settled(PARTITION);

  function draw(sessionId: string, revision: bigint): SessionFacts {
    return {
      sessionId,
      status: random.pick(STATUSES),
      activities: random.pick(ACTIVITIES),
      client: random.pick(CLIENTS),
      clientOs: 'linux',
      isAfk: random.chance(0.2),
      topicIds: random.shuffle(TOPICS).slice(0, random.int(TOPICS.length + 1)),
      revision,
    };
  }

  function put(userId: bigint, sessionId: string, gateway: string): void {
    const nowMs = clock.monotonicMs();
    const known = naive.sessions.get(sessionId);
    const last = revisions.get(sessionId) ?? 10n;
    const revision = random.chance(0.2) ? last - 1n : last + 1n;
    if (revision > last) revisions.set(sessionId, revision);
    const drawn = draw(sessionId, revision);
    const facts =
      known !== undefined && random.chance(0.5)
        ? { ...drawn, topicIds: [...known.facts.topicIds] }
        : drawn;
    const isOutdated =
      known !== undefined && known.gateway === gateway && revision < known.facts.revision;
    const outcome = table.put(PARTITION, { userId, isBot: true, gateway }, facts, nowMs);
    expect(outcome === 'outdated').toBe(isOutdated);
    if (isOutdated) return;
    if (known?.gateway === gateway && revision === known.facts.revision) {
      expect(outcome).toBe('unchanged');
      known.expiresAtMs = nowMs + LEASE_MS;
      return;
    }
    const before = naive.topicsOf(userId);
    const was = known?.facts;
    const looks = (some: SessionFacts | undefined): unknown[] => [
      some?.status,
      some?.activities,
      some?.client,
      some?.isAfk,
    ];
    const isSame = JSON.stringify(looks(was)) === JSON.stringify(looks(facts));
    const changed = isSame ? known!.changed : (naive.changes += 1);
    naive.sessions.set(sessionId, {
      userId,
      gateway,
      facts,
      changed,
      expiresAtMs: nowMs + LEASE_MS,
    });
    const after = naive.topicsOf(userId);
    // Who has left a guild is not shown there any more, whatever was shown last.
    for (const topicId of before) {
      if (!after.has(topicId)) shown.delete(`${topicId} ${userId}`);
    }
  }

  function step(): void {
    const userId = random.pick(USERS);
    const sessionId = `${userId}-${random.int(3)}`;
    const gateway = random.pick(GATEWAYS);
    const key = { userId, sessionId, gateway };
    const nowMs = clock.monotonicMs();
    const known = naive.sessions.get(sessionId);
    const isTheirs = known?.gateway === gateway;
    const dice = random.int(100);
    if (dice < 45) {
      put(userId, sessionId, known !== undefined && random.chance(0.8) ? known.gateway : gateway);
    } else if (dice < 60) {
      expect(table.renew(PARTITION, key, nowMs)).toBe(isTheirs);
      if (isTheirs) known.expiresAtMs = nowMs + LEASE_MS;
    } else if (dice < 72) {
      expect(table.remove(PARTITION, key)).toBe(isTheirs);
      if (isTheirs) naive.sessions.delete(sessionId);
    } else if (dice < 75) {
      const untilMs = nowMs + ORPHAN_MS;
      const theirs = [...naive.sessions.values()].filter((one) => one.gateway === gateway);
      expect(table.orphan(gateway, untilMs)).toBe(theirs.length);
      for (const one of theirs) one.expiresAtMs = Math.min(one.expiresAtMs, untilMs);
    } else if (dice < 90) {
      pass(random.int(random.chance(0.05) ? 100 : 8) * LEASE_STEP_MS);
    } else {
      say();
    }
  }

  function pass(ms: number): void {
    clock.advance(ms);
    const nowMs = clock.monotonicMs();
    const over = [...naive.sessions].filter(([, { expiresAtMs }]) => expiresAtMs <= nowMs);
    for (const [sessionId] of over) naive.sessions.delete(sessionId);
    let endedCount = 0;
    for (let ended = -1; ended !== 0; endedCount += ended) {
      ended = table.expire(nowMs, 1 + random.int(3));
    }
    expect(endedCount).toBe(over.length);
  }

  function say(): void {
    const said = new Set<string>();
    while (table.waitingCount > 0) {
      const news = new News();
      table.takeNews(news, 1 + random.int(4), 0);
      for (const [topicId, events] of news.eventsByTopic) {
        for (const { userId, data } of events) {
          const key = `${topicId} ${userId}`;
          const { status, activities, client_status } = JSON.parse(data) as Record<string, unknown>;
          const text = [status, JSON.stringify(activities), JSON.stringify(client_status)].join(
            ' ',
          );
          expect(said.has(key)).toBe(false);
          expect(text).not.toBe(shown.get(key) ?? 'offline [] {}');
          said.add(key);
          shown.set(key, text);
          eventsCount += 1;
        }
      }
    }
    for (const userId of USERS) {
      for (const topicId of TOPICS) {
        const expected = naive.presence(userId, topicId);
        expect(shown.get(`${topicId} ${userId}`) ?? 'offline [] {}').toBe(expected);
        const isListed = [...table.onlineIn(topicId)].some((user) => user.id === userId);
        expect(isListed).toBe(!expected.startsWith('offline'));
      }
    }
    expect(table.sessionsCount).toBe(naive.sessions.size);
    expect(table.usersCount).toBe(USERS.filter((userId) => naive.of(userId).length > 0).length);
  }

  it('shows the same to everybody at the end of each window, and says no more than that', () => {
    for (let at = 0; at < STEPS_COUNT; at += 1) step();
    say();
    expect(eventsCount).toBeGreaterThan(STEPS_COUNT / 20);
    pass(10 * LEASE_MS);
    say();
    expect([...shown.values()].filter((text) => !text.startsWith('offline'))).toEqual([]);
    expect(table.topicsCount).toBe(0);
  });
});
