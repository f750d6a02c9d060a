import {
  batchFaultCode,
  versionAfterDeletion,
  type BatchAck,
  type OperationWriter,
} from '@guildhall/contracts';
import { BYTES_MIN, ReadStateTable } from '@guildhall/read-state-table';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { operationsOf } from '../testing/operations.js';
import { ReadStates } from './read-states.js';

const USER = 1n << 22n;
const LARGEST = 2n ** 64n - 1n;

const wide = (hi: number, lo: number): bigint => (BigInt(hi) << 32n) | BigInt(lo);

/** One entry as specs look at it. */
interface Shown {
  type: number;
  channelId: bigint;
  lastMessageId: bigint;
  mentionCount: number;
  lastPinTimestampMs: number;
  flags: number;
  lastViewed: number;
  version: number;
  manualUntilMessageId: bigint;
}

/** One user, and what is done to it. */
class Story {
  readonly table: ReadStateTable;
  readonly states: ReadStates;
  readonly #userId: bigint;

  constructor(more: { entriesPerUserMax?: number; userId?: bigint; bytesMax?: number } = {}) {
    const { entriesPerUserMax = 100, userId = USER, bytesMax = BYTES_MIN } = more;
    this.table = new ReadStateTable({ bytesMax });
    this.states = new ReadStates({ table: this.table, entriesPerUserMax });
    this.#userId = userId;
    this.table.add(Number(userId >> 32n), Number(userId & 0xffffffffn), 1);
  }

  get user(): number {
    return this.table.find(Number(this.#userId >> 32n), Number(this.#userId & 0xffffffffn));
  }

  get version(): number {
    return this.table.versionOf(this.user);
  }

  /** The statuses: what moved is true, a fault its code. */
  do(write: (writer: OperationWriter) => void): (boolean | string)[] {
    const operations = operationsOf(write);
    return Array.from({ length: operations.count }, (_, at) => {
      const bad = batchFaultCode(this.states.check(operations, at));
      if (bad !== undefined) return bad;
      const status = this.states.carryOut(this.user, operations, at);
      return batchFaultCode(status) ?? status === 1;
    });
  }

  ack(...acks: BatchAck[]): (boolean | string)[] {
    return this.do((writer) => acks.forEach((ack) => writer.ack(this.#userId, ack)));
  }

  pins(channelId: bigint, timestampMs: bigint): boolean | string {
    return this.do((writer) => writer.ackPins(this.#userId, channelId, timestampMs))[0]!;
  }

  delete(type: number, channelId: bigint): boolean | string {
    return this.do((writer) => writer.delete(this.#userId, type, channelId))[0]!;
  }

  shown(): Shown[] {
    const { table, user } = this;
    return Array.from({ length: table.entriesCountOf(user) }, (_, number) => {
      const entry = table.entryAt(user, number);
      return {
        type: table.typeOf(entry),
        channelId: wide(table.channelHi(entry), table.channelLo(entry)),
        lastMessageId: wide(table.messageHi(entry), table.messageLo(entry)),
        mentionCount: table.mentionsOf(entry),
        lastPinTimestampMs: table.pinMsOf(entry),
        flags: table.flagsOf(entry),
        lastViewed: table.lastViewedOf(entry),
        version: table.entryVersionOf(user, entry),
        manualUntilMessageId: wide(table.manualHi(entry), table.manualLo(entry)),
      };
    }).sort((a, b) => a.version - b.version);
  }
}

const mark = (channelId: bigint, messageId: bigint, more: Partial<BatchAck> = {}): BatchAck => ({
  channelId,
  messageId,
  ...more,
});

describe('An ack', () => {
  it('moves forward only, one version each', () => {
    const story = new Story();
    const acks = [mark(1n, 10n), mark(1n, 10n), mark(1n, 9n), mark(1n, 11n)];
    expect(story.ack(...acks)).toEqual([true, false, false, true]);
    expect(story.shown()).toMatchObject([{ channelId: 1n, lastMessageId: 11n, version: 2 }]);
    expect(story.version).toBe(2);
  });

  it('takes ids of all 64 bits, and nothing for a message that is none', () => {
    const story = new Story({ userId: LARGEST });
    const acks = [mark(LARGEST, LARGEST - 1n), mark(LARGEST, LARGEST), mark(0n, 0n)];
    expect(story.ack(...acks)).toEqual([true, true, false]);
    expect(story.ack(mark(LARGEST, 2n ** 63n), mark(0n, 1n))).toEqual([false, true]);
    expect(story.shown()).toMatchObject([
      { channelId: LARGEST, lastMessageId: LARGEST },
      { channelId: 0n, lastMessageId: 1n },
    ]);
  });

  it('goes back by hand, takes the count as given, and says so once', () => {
    const story = new Story();
    story.ack(mark(1n, 10n));
    const back = mark(1n, 5n, { manual: true, mentionCount: 3, channelLastMessageId: 12n });
    expect(story.ack(back)).toEqual([true]);
    expect(story.shown()).toMatchObject([
      { lastMessageId: 5n, mentionCount: 3, manualUntilMessageId: 12n, version: 2 },
    ]);
    expect(story.ack(back)).toEqual([false]);
    expect(story.ack(mark(1n, 6n))).toEqual([true]);
    expect(story.shown()).toMatchObject([{ mentionCount: 0, manualUntilMessageId: 0n }]);
  });

  it('keeps flags and the day of the last view unless they are given', () => {
    const story = new Story();
    story.ack(mark(1n, 10n, { flags: 2, lastViewed: 4_000 }));
    story.ack(mark(1n, 11n));
    expect(story.shown()).toMatchObject([{ flags: 2, lastViewed: 4_000 }]);
    story.ack(mark(1n, 12n, { flags: 0 }));
    expect(story.shown()).toMatchObject([{ flags: 0, lastViewed: 4_000 }]);
    story.ack(mark(1n, 13n, { flags: 2 ** 32 - 1, lastViewed: 2 ** 32 - 1 }));
    expect(story.shown()).toMatchObject([{ flags: 2 ** 32 - 1, lastViewed: 2 ** 32 - 1 }]);
  });

  it('keeps what is about other types apart', () => {
    const story = new Story();
    story.ack(mark(1n, 10n), mark(1n, 5n, { type: 3 }));
    expect(story.shown().map((entry) => [entry.type, entry.lastMessageId])).toEqual([
      [0, 10n],
      [3, 5n],
    ]);
  });

  it('is refused when the user would have too many entries', () => {
    const story = new Story({ entriesPerUserMax: 2 });
    const acks = [mark(1n, 1n), mark(2n, 1n), mark(3n, 1n), mark(1n, 2n)];
    expect(story.ack(...acks)).toEqual([true, true, 'overloaded', true]);
    expect(story.pins(3n, 1n)).toBe('overloaded');
    expect(story.version).toBe(3);
    const whole = operationsOf((writer) => {
      for (const channelId of [1n, 2n, 2n]) writer.ack(USER, mark(channelId, 9n));
    });
    expect(story.states.makeRoom(story.user, whole)).not.toBe(0);
    const tooMuch = operationsOf((writer) => writer.ack(USER, mark(3n, 9n)));
    expect(story.states.makeRoom(story.user, tooMuch)).toBe(0);
  });

  it('is refused when memory is full of what is not stored yet, and changes nothing', () => {
    const story = new Story({ entriesPerUserMax: 100_000 });
    const results: (boolean | string)[] = [];
    for (let channelId = 1n; results.at(-1) !== 'overloaded'; channelId += 1n) {
      results.push(...story.ack(mark(channelId, 1n, { flags: 99 })));
    }
    const moved = results.length - 1;
    expect(moved).toBeGreaterThan(100);
    expect([story.version, story.shown().length]).toEqual([moved, moved]);
    story.table.check();
  });

  it('makes no sense without a user, or of a type or kind that is none', () => {
    const story = new Story();
    expect(story.ack(mark(1n, 1n, { type: 6 }), mark(1n, 1n, { type: -1 }))).toEqual([
      'invalid',
      'invalid',
    ]);
    expect(story.do((writer) => writer.ack(0n, mark(1n, 1n)))).toEqual(['invalid']);
    expect(story.do((writer) => writer.get(USER, 255, 1n))).toEqual(['invalid']);
    expect(story.pins(1n, 8_640_000_000_000_001n)).toBe('invalid');
    expect(story.pins(1n, LARGEST)).toBe('invalid');
    expect(story.version).toBe(0);
  });
});

describe('Pins and deletion', () => {
  it('takes pins forward only, beside the mark', () => {
    const story = new Story();
    story.ack(mark(1n, 10n));
    expect([story.pins(1n, 500n), story.pins(1n, 500n), story.pins(1n, 499n)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(story.shown()).toMatchObject([
      { lastMessageId: 10n, lastPinTimestampMs: 500, version: 2 },
    ]);
    story.ack(mark(1n, 11n));
    expect(story.shown()).toMatchObject([{ lastPinTimestampMs: 500, version: 3 }]);
  });

  it('leaves of a deleted entry its version, and begins anew', () => {
    const story = new Story();
    story.ack(mark(1n, 10n));
    expect([story.delete(0, 1n), story.delete(0, 1n)]).toEqual([true, false]);
    expect([story.shown(), story.version]).toEqual([[], 2 ** 20]);
    expect(story.ack(mark(1n, 3n))).toEqual([true]);
    expect(story.version).toBe(2 ** 20 + 1);
  });
});

/** What the rules say, said as plainly as possible. */
class Model {
  readonly entries = new Map<string, Shown>();
  version = 0;

  ack(one: BatchAck): boolean {
    const type = one.type ?? 0;
    const before = this.entries.get(`${type}/${one.channelId}`);
    const after: Shown = {
      type,
      channelId: one.channelId,
      lastMessageId: one.messageId,
      mentionCount: one.mentionCount ?? 0,
      lastPinTimestampMs: before?.lastPinTimestampMs ?? 0,
      flags: one.flags ?? before?.flags ?? 0,
      lastViewed: one.lastViewed ?? before?.lastViewed ?? 0,
      version: before?.version ?? 0,
      manualUntilMessageId: one.manual === true ? (one.channelLastMessageId ?? 0n) : 0n,
    };
    const isSame = before !== undefined && text(before) === text(after);
    const last = before?.lastMessageId ?? 0n;
    if (one.manual === true ? isSame : one.messageId <= last) return false;
    this.entries.set(`${type}/${one.channelId}`, { ...after, version: (this.version += 1) });
    return true;
  }

  pins(channelId: bigint, timestampMs: bigint): boolean {
    const before = this.entries.get(`0/${channelId}`);
    if (Number(timestampMs) <= (before?.lastPinTimestampMs ?? 0)) return false;
    const empty = { type: 0, channelId, lastMessageId: 0n, mentionCount: 0, flags: 0 };
    const from = before ?? { ...empty, lastViewed: 0, manualUntilMessageId: 0n };
    const version = (this.version += 1);
    const after = { ...from, lastPinTimestampMs: Number(timestampMs), version };
    this.entries.set(`0/${channelId}`, after);
    return true;
  }

  delete(type: number, channelId: bigint): boolean {
    const isThere = this.entries.delete(`${type}/${channelId}`);
    if (isThere) this.version = versionAfterDeletion(this.version);
    return isThere;
  }
}

const text = (state: Shown): string =>
  JSON.stringify(state, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

describe(`ReadStates against a plain map (${random})`, () => {
  it('agree after every step, whatever is acked, pinned and deleted', () => {
    const users = Array.from({ length: 8 }, (_, at) => {
      return { story: new Story({ userId: (BigInt(at) << 12n) | 1n }), model: new Model() };
    });
    for (let step = 0; step < 5_000; step += 1) {
      const { story, model } = random.pick(users);
      const channelId = BigInt(random.int(5));
      const what = random.next();
      if (what < 0.1) {
        const type = random.pick([0, 1]);
        expect(story.delete(type, channelId)).toBe(model.delete(type, channelId));
      } else if (what < 0.2) {
        const timestampMs = BigInt(random.int(20));
        expect(story.pins(channelId, timestampMs)).toBe(model.pins(channelId, timestampMs));
      } else {
        const marks = Array.from({ length: 1 + random.int(4) }, () =>
          mark(BigInt(random.int(4)), BigInt(random.int(20)), {
            type: random.pick([0, 0, 1, 5]),
            manual: random.chance(0.3),
            mentionCount: random.pick([0, 1, 2, 2 ** 32 - 1]),
            flags: random.chance(0.2) ? random.pick([0, 1, 2 ** 32 - 1]) : undefined,
            lastViewed: random.chance(0.2) ? random.pick([0, 1, 2 ** 32 - 1]) : undefined,
            channelLastMessageId: BigInt(random.int(3)),
          }),
        );
        expect(story.ack(...marks)).toEqual(marks.map((one) => model.ack(one)));
      }
      expect(story.version).toBe(model.version);
      const byVersion = (a: Shown, b: Shown): number => a.version - b.version;
      expect(story.shown()).toEqual([...model.entries.values()].sort(byVersion));
    }
    for (const { story } of users) story.table.check();
  });
});
