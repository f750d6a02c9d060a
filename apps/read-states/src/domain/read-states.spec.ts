import { Fault } from '@guildhall/fault';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import type { ReadState, UserReadState } from './read-state.js';
import { MappedReadStateTable } from './read-state-table.js';
import { ReadStates, type AckMark } from './read-states.js';

const USER = 1n << 22n;

const mark = (channelId: bigint, messageId: bigint, more: Partial<AckMark> = {}): AckMark => ({
  type: 0,
  channelId,
  messageId,
  isManual: false,
  mentionCount: 0,
  flags: undefined,
  lastViewed: undefined,
  channelLastMessageId: 0n,
  ...more,
});

function statesOf(more: { usersMax?: number; entriesPerUserMax?: number } = {}): ReadStates {
  const table = new MappedReadStateTable();
  return new ReadStates({ table, usersMax: 100, entriesPerUserMax: 100, ...more });
}

function withUser(more: { entriesPerUserMax?: number } = {}): ReadStates {
  const states = statesOf(more);
  states.add(USER, []);
  return states;
}

describe('An ack', () => {
  it('moves forward only, one version each', () => {
    const states = withUser();
    const results = states.ack(USER, [mark(1n, 10n), mark(1n, 10n), mark(1n, 9n), mark(1n, 11n)]);

    expect(results.map((after) => after?.version)).toEqual([1n, undefined, undefined, 2n]);
    expect(results[3]).toMatchObject({ userId: USER, channelId: 1n, lastMessageId: 11n });
    expect(states.versionOf(USER)).toBe(2n);
  });

  it('goes back by hand, takes the count as given, and says so once', () => {
    const states = withUser();
    states.ack(USER, [mark(1n, 10n)]);
    const back = mark(1n, 5n, { isManual: true, mentionCount: 3, channelLastMessageId: 12n });

    expect(states.ack(USER, [back])[0]).toMatchObject({
      lastMessageId: 5n,
      mentionCount: 3,
      manualUntilMessageId: 12n,
      version: 2n,
    });
    expect(states.ack(USER, [back])).toEqual([undefined]);
    expect(states.ack(USER, [mark(1n, 6n)])[0]).toMatchObject({
      mentionCount: 0,
      manualUntilMessageId: 0n,
    });
  });

  it('keeps flags and the day of the last view unless they are given', () => {
    const states = withUser();
    states.ack(USER, [mark(1n, 10n, { flags: 2, lastViewed: 4_000 })]);
    expect(states.ack(USER, [mark(1n, 11n)])[0]).toMatchObject({ flags: 2, lastViewed: 4_000 });
    expect(states.ack(USER, [mark(1n, 12n, { flags: 0 })])[0]).toMatchObject({ flags: 0 });
  });

  it('keeps what is about other types apart', () => {
    const states = withUser();
    states.ack(USER, [mark(1n, 10n), mark(1n, 5n, { type: 3 })]);
    expect(states.entriesAfter(USER, 0n).map((entry) => [entry.type, entry.lastMessageId])).toEqual(
      [
        [0, 10n],
        [3, 5n],
      ],
    );
  });

  it('moves nothing at all when the user would have too many entries', () => {
    const states = withUser({ entriesPerUserMax: 2 });
    states.ack(USER, [mark(1n, 1n)]);

    const tooMany = [mark(1n, 2n), mark(2n, 1n), mark(3n, 1n)];
    expect(() => states.ack(USER, tooMany)).toThrow(Fault);
    expect(states.versionOf(USER)).toBe(1n);
    expect(states.ack(USER, [mark(1n, 2n), mark(2n, 1n), mark(2n, 2n)])).toHaveLength(3);
    expect(() => states.ackPins(USER, 3n, 1)).toThrow(Fault);
  });
});

describe('Pins and deletion', () => {
  it('takes pins forward only, beside the mark', () => {
    const states = withUser();
    states.ack(USER, [mark(1n, 10n)]);
    expect(states.ackPins(USER, 1n, 500)).toMatchObject({ lastMessageId: 10n, version: 2n });
    expect(states.ackPins(USER, 1n, 500)).toBeUndefined();
    expect(states.ackPins(USER, 1n, 499)).toBeUndefined();
  });

  it('leaves of a deleted entry its version, and begins anew', () => {
    const states = withUser();
    states.ack(USER, [mark(1n, 10n)]);
    expect(states.delete(USER, 0, 1n)).toMatchObject({ version: 2n, isDeleted: true });
    expect(states.delete(USER, 0, 1n)).toBeUndefined();
    expect(states.entriesAfter(USER, 0n)).toEqual([]);
    expect(states.ack(USER, [mark(1n, 3n)])[0]).toMatchObject({ version: 3n, isDeleted: false });
  });

  it('does not use a version twice after a deleted entry was loaded', () => {
    const states = withUser();
    states.ack(USER, [mark(1n, 10n)]);
    const rest = states.delete(USER, 0, 1n)!;
    const again = statesOf();
    again.add(USER, [rest]);
    expect(again.entriesAfter(USER, 0n)).toEqual([]);
    expect(again.ack(USER, [mark(1n, 1n)])[0]?.version).toBe(3n);
  });
});

describe('The users in memory', () => {
  it('are at most so many; the one unused for longest goes', () => {
    const states = statesOf({ usersMax: 2 });
    states.add(1n, []);
    states.add(2n, []);
    expect(states.use(1n)).toBe(true);
    states.add(3n, []);

    expect([1n, 2n, 3n].map((userId) => states.use(userId))).toEqual([true, false, true]);
    expect([states.usersCount, states.evictionsCount]).toEqual([2, 1]);
  });

  it('stay while they are held, and can go afterwards', () => {
    const states = statesOf({ usersMax: 1 });
    states.add(1n, []);
    states.hold(1n);
    states.hold(1n);
    states.add(2n, []);
    expect([states.use(1n), states.use(2n)]).toEqual([true, true]);

    states.release(1n);
    states.add(3n, []);
    expect([states.use(1n), states.use(2n), states.use(3n)]).toEqual([true, false, true]);
    expect(states.isHeld(1n)).toBe(true);

    states.release(1n);
    states.add(4n, []);
    expect(states.use(1n)).toBe(false);
  });

  it('are forgotten by partition', () => {
    const states = statesOf();
    const users = [1n << 12n, (1n << 12n) + 1n, 2n << 12n];
    for (const user of users) states.add(user, []);
    states.dropPartition(1);
    expect(users.map((user) => states.use(user))).toEqual([false, false, true]);
  });
});

/** What the rules say, said as plainly as possible. */
class Model {
  readonly entries = new Map<string, ReadState>();
  version = 0n;

  ack(one: AckMark): boolean {
    const before = this.entries.get(key(one));
    const last = before?.lastMessageId ?? 0n;
    const after: ReadState = {
      type: one.type,
      channelId: one.channelId,
      lastMessageId: one.messageId,
      mentionCount: one.mentionCount,
      lastPinTimestampMs: before?.lastPinTimestampMs ?? 0,
      flags: one.flags ?? before?.flags ?? 0,
      lastViewed: one.lastViewed ?? before?.lastViewed ?? 0,
      version: before?.version ?? 0n,
      manualUntilMessageId: one.isManual ? one.channelLastMessageId : 0n,
      isDeleted: false,
    };
    const isSame = before !== undefined && shownState(before) === shownState(after);
    if (one.isManual ? isSame : one.messageId <= last) return false;
    this.entries.set(key(one), { ...after, version: (this.version += 1n) });
    return true;
  }
}

const key = (one: Pick<ReadState, 'type' | 'channelId'>): string => `${one.type}/${one.channelId}`;
const shownState = (state: ReadState): string =>
  JSON.stringify(state, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

describe(`ReadStates against a plain map (${random})`, () => {
  it('agree after every step, whatever is acked, deleted, evicted and loaded', () => {
    const users = Array.from({ length: 8 }, (_, at) => (BigInt(at) << 12n) | 1n);
    const states = statesOf({ usersMax: 3 });
    const models = new Map(users.map((user) => [user, new Model()]));
    /** What a database would have. */
    const rows = new Map(users.map((user) => [user, new Map<string, UserReadState>()]));

    for (let step = 0; step < 2_000; step += 1) {
      const user = random.pick(users);
      const model = models.get(user)!;
      if (!states.use(user)) states.add(user, [...rows.get(user)!.values()]);
      const store = (after: UserReadState): void => void rows.get(user)!.set(key(after), after);
      if (random.chance(0.1)) {
        const entry = { type: 0, channelId: BigInt(random.int(4)) } as const;
        const rest = states.delete(user, entry.type, entry.channelId);
        expect(rest !== undefined).toBe(model.entries.delete(key(entry)));
        if (rest !== undefined) {
          store(rest);
          expect(rest.version).toBe((model.version += 1n));
        }
      } else {
        const marks = Array.from({ length: 1 + random.int(4) }, () =>
          mark(BigInt(random.int(4)), BigInt(random.int(20)), {
            type: random.pick([0, 0, 1, 5] as const),
            isManual: random.chance(0.3),
            mentionCount: random.int(3),
            flags: random.chance(0.2) ? random.int(2) : undefined,
            lastViewed: random.chance(0.2) ? random.int(2) : undefined,
            channelLastMessageId: BigInt(random.int(3)),
          }),
        );
        const results = states.ack(user, marks);
        expect(results.map((after) => after !== undefined)).toEqual(
          marks.map((one) => model.ack(one)),
        );
        for (const after of results) if (after !== undefined) store(after);
      }

      const since = BigInt(random.int(Number(model.version) + 1));
      const expected = [...model.entries.values()].filter(({ version }) => version > since);
      const byVersion = (a: ReadState, b: ReadState): number => Number(a.version - b.version);
      const shown = states
        .entriesAfter(user, since)
        .map((entry) => ({ ...entry, userId: undefined }))
        .sort(byVersion);
      expect(shown).toEqual(
        expected.map((entry) => ({ ...entry, userId: undefined })).sort(byVersion),
      );
      expect(states.versionOf(user)).toBe(model.version);
      expect(states.usersCount).toBeLessThanOrEqual(3);
    }
    expect(states.evictionsCount).toBeGreaterThan(50);
  });
});
