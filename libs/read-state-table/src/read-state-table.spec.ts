import { Bug } from '@guildhall/fault';
import { ENTRIES_MAX } from './block.js';
import { ReadStateTable } from './read-state-table.js';
import { BYTES_MIN, VERSION_MAX, type UserRef } from './user-blocks.js';

const small = (): ReadStateTable => new ReadStateTable({ bytesMax: BYTES_MIN });

/** Adds entries with channels `first` to `end` - 1 to a user, one after the other, as acks do. */
function grow(table: ReadStateTable, user: UserRef, first: number, end: number): UserRef {
  let moved = user;
  for (let channel = first; channel < end; channel++) {
    moved = table.reserve(moved, 1);
    if (moved === 0) throw new Error(`no room for entry ${channel}`);
    const entry = table.addEntry(moved, 0, channel >>> 7, channel);
    table.write(moved, entry, 1, channel, channel % 2_000, 0, 4_000, 0, 0);
  }
  return moved;
}

function expectAll(table: ReadStateTable, user: UserRef, first: number, end: number): void {
  const wrong: number[] = [];
  for (let channel = first; channel < end; channel++) {
    const entry = table.findEntry(user, 0, channel >>> 7, channel);
    if (entry === 0 || table.messageLo(entry) !== channel) wrong.push(channel);
  }
  expect(wrong).toEqual([]);
}

describe('A user', () => {
  // Where parts end, a byte no longer numbers entries, a lane is full, a mark needs another word.
  it.each([1, 2, 6, 7, 25, 63, 64, 65, 204, 205, 254, 255, 256, 257, 409, 410, 819, 2_048, 2_049])(
    'with %i entries has just these, whichever way it got them',
    (count) => {
      const table = new ReadStateTable({ bytesMax: 16 << 20 });
      const grown = grow(table, table.add(1, 1, 0), 0, count);
      expectAll(table, grown, 0, count);
      expect(table.findEntry(grown, 0, count >>> 7, count)).toBe(0);
      expect(table.findEntry(grown, 1, 0, 0)).toBe(0);
      expect(table.partsCountOf(grown)).toBe(Math.ceil(count / 64));

      const added = table.add(1, 2, count);
      const exact = table.reserve(added, count, 0);
      expect(exact).toBe(added);
      expectAll(table, grow(table, exact, 0, count), 0, count);
      table.check();

      let user = table.find(1, 1);
      for (let channel = 0; channel < count; channel += 2) {
        table.remove(user, table.findEntry(user, 0, channel >>> 7, channel));
      }
      expect(table.entriesCountOf(user)).toBe(Math.floor(count / 2));
      user = grow(table, user, count, count + 10);
      expectAll(table, user, count, count + 10);
      table.check();
    },
  );

  it('may have 100,000 entries, each with all its fields', () => {
    const table = new ReadStateTable({ bytesMax: 384 << 20 });
    let user = grow(table, table.add(1, 1, 0), 0, 100_000);
    user = table.reserve(user, 0, 100_000);
    for (let number = 0; number < 100_000; number++) {
      table.writePin(user, table.entryAt(user, number), number + 1);
    }
    expectAll(table, user, 0, 100_000);
    table.check();
    expect(table.reserve(user, ENTRIES_MAX)).toBe(0);
    for (let number = 99_999; number >= 10; number--) {
      table.remove(user, table.entryAt(user, number >>> 1));
    }
    table.check();
    expect(table.nextDirtyPart(user, 1_500)).toBe(1_500);
    // What is gone stays marked, also when the block is made anew.
    user = table.reserve(user, 4_000);
    expect(table.nextDirtyPart(user, 1_562)).toBe(1_562);
    expect(table.nextDirtyPart(user, 1_563)).toBe(-1);
    table.check();
  });

  it('has a version that goes on past 2^32, and lowers that of no entry', () => {
    const table = small();
    let user = grow(table, table.add(1, 1, 0), 0, 3);
    table.raiseVersion(user, 2 ** 32 - 2);
    user = grow(table, user, 3, 6);
    const versions = [0, 1, 2, 3, 4, 5].map((n) =>
      table.entryVersionOf(user, table.entryAt(user, n)),
    );
    expect(versions.slice(3)).toEqual([2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1]);
    for (const version of versions.slice(0, 3)) expect(version).toBeLessThan(2 ** 31 + 10);
    table.raiseVersion(user, VERSION_MAX - 1);
    user = grow(table, user, 6, 7);
    expect(table.versionOf(user)).toBe(VERSION_MAX);
    expect(table.entryVersionOf(user, table.entryAt(user, 6))).toBe(VERSION_MAX);
    expect(() => table.raiseVersion(user, VERSION_MAX + 1)).toThrow(Bug);
  });

  it('knows what was read already, over the whole range of ids', () => {
    const table = small();
    const user = table.reserve(table.add(1, 1, 0), 1);
    const entry = table.addEntry(user, 0, 0, 0);
    expect(table.isRead(entry, 0, 0)).toBe(true);
    expect(table.isRead(entry, 0, 1)).toBe(false);
    table.write(user, entry, 0x80000000, 0x80000000, 0, 0, 0, 0, 0);
    expect(table.isRead(entry, 0x7fffffff, 0xffffffff)).toBe(true);
    expect(table.isRead(entry, 0x80000000, 0x7fffffff)).toBe(true);
    expect(table.isRead(entry, -0x80000000, -0x80000000)).toBe(true);
    expect(table.isRead(entry, 0x80000000, 0x80000001)).toBe(false);
    expect(table.isRead(entry, -1, -1)).toBe(false);
  });

  it('is added once, and released as often as it was held', () => {
    const table = small();
    const user = table.add(1, 1, 0);
    expect(() => table.add(1, 1, 0)).toThrow(Bug);
    table.hold(user);
    table.release(user);
    expect(() => table.release(user)).toThrow(Bug);
  });
});

describe('A full table', () => {
  /** Adds users until one is refused; pins each. */
  function fill(table: ReadStateTable): number {
    for (let n = 0; ; n++) {
      const user = table.add(0, n, 50);
      if (user === 0) return n;
      table.hold(user);
    }
  }

  it('refuses to grow when all are pinned, and changes nothing', () => {
    const table = small();
    const count = fill(table);
    expect(table.usersCount).toBe(count);
    expect(table.bytesUsed).toBeLessThanOrEqual(BYTES_MIN);
    const user = table.find(0, 0);
    expect(table.reserve(user, 100)).toBe(0);
    expect(table.find(0, 0)).toBe(user);
    table.check();

    // One that may go is enough.
    table.release(table.find(0, 7));
    expect(table.add(1, 0, 50)).not.toBe(0);
    expect(table.find(0, 7)).toBe(0);
    expect(table.evictionsCount).toBe(1);
    table.check();
  });

  it('uses most of its memory', () => {
    const table = new ReadStateTable({ bytesMax: 64 << 20 });
    fill(table);
    expect(table.bytesLive).toBeGreaterThan(0.7 * (64 << 20));
  });

  it('forgets who was not used, and keeps who was', () => {
    const table = small();
    let used = 0;
    for (let n = 1; n < 5_000; n++) {
      table.add(0, n, 50);
      // Until the hand has gone round once, everybody looks used.
      if (used === 0 && table.evictionsCount > 10) used = n;
      for (let i = used; used > 0 && i < used + 20; i++) table.find(0, i);
    }
    expect(table.evictionsCount).toBeGreaterThan(3_000);
    for (let i = used; i < used + 20; i++) expect(table.peek(0, i)).not.toBe(0);
    table.check();
  });

  it('wins back memory from users of any size for users of any other', () => {
    const table = new ReadStateTable({ bytesMax: 8 << 20 });
    for (const entries of [1, 400, 3, 100, 2_000, 10]) {
      for (let n = 0; n < 6_000; n++) {
        const id = entries * 10_000 + n;
        expect(table.add(1, id, entries)).not.toBe(0);
        if (n % 3 === 0) table.drop(table.find(1, id));
        if (entries > 99 && n > 500) break;
      }
      table.check();
      expect(table.bytesUsed).toBeLessThanOrEqual(8 << 20);
    }
  });
});

describe('Memory', () => {
  it('is at most 40 bytes an entry for users with 100, loaded or grown, index and all', () => {
    const loaded = new ReadStateTable({ bytesMax: 64 << 20 });
    for (let n = 0; n < 5_000; n++) {
      const user = loaded.add(n, n, 100);
      for (let i = 0; i < 100; i++) loaded.addEntry(user, 0, i, i);
    }
    expect(loaded.entriesCount).toBe(500_000);
    expect(loaded.bytesUsed / loaded.entriesCount).toBeLessThan(30);

    const grown = new ReadStateTable({ bytesMax: 64 << 20 });
    for (let n = 0; n < 3_000; n++) grow(grown, grown.add(n, n, 1), 0, 100);
    expect(grown.bytesLive / grown.entriesCount).toBeLessThan(36);
    expect(grown.bytesUsed / grown.entriesCount).toBeLessThan(56);
  });
});
