// Hundreds of thousands of random operations against maps and arrays, in a table so small that
// users are forgotten and blocks move all the time. What is forgotten or dropped comes back from
// stored parts.
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { ENTRIES_MAX, PART_ENTRIES } from './block.js';
import { PART_BYTES_MAX, readPart, writePart } from './part.js';
import { ReadStateTable, type EntryRef } from './read-state-table.js';
import { BYTES_MIN, type UserRef } from './user-blocks.js';

/** Half a minute. Fewer with `STEPS` in the environment. */
const STEPS_COUNT = Number(process.env['STEPS'] ?? 1_000_000);
const CHECK_EVERY = 100_000;
const USERS_COUNT = 950;
const PARTITIONS_COUNT = 8;

interface Id {
  readonly hi: number;
  readonly lo: number;
}

interface Entry {
  readonly type: number;
  readonly channel: Id;
  message: Id;
  mentions: number;
  flags: number;
  lastViewed: number;
  manual: Id;
  pinMs: number;
  version: number;
}

interface User {
  readonly id: Id;
  isHere: boolean;
  version: number;
  entries: Entry[];
  places: Map<string, number>;
  holds: number;
  readonly dirty: Set<number>;
  /** What is stored of it: parts as bytes, and as what they were. */
  readonly stored: Map<number, { bytes: DataView; entries: Entry[]; version: number }>;
}

/** An entry in both. */
interface Place {
  readonly ref: UserRef;
  readonly entry: EntryRef;
  readonly mine: Entry;
  readonly isNew: boolean;
}

const NONE: Id = { hi: 0, lo: 0 };
const placeOf = (type: number, { hi, lo }: Id): string => `${type}/${hi >>> 0}/${lo >>> 0}`;

class Twins {
  readonly #random: SeededRandom;
  readonly #table: ReadStateTable;
  readonly #users: User[];
  readonly #usersById = new Map<string, User>();
  #stepsCount = 0;
  readonly #held = new Set<User>();
  readonly #channels: Id[];
  readonly seen = { refused: 0, rebased: 0, reloaded: 0, evicted: 0 };

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#table = new ReadStateTable({ bytesMax: BYTES_MIN, hashSeed: random.uint32() });
    this.#users = Array.from({ length: USERS_COUNT }, (_, i) => ({
      id: this.#userId(i),
      isHere: false,
      version: 0,
      entries: [],
      places: new Map(),
      holds: 0,
      dirty: new Set(),
      stored: new Map(),
    }));
    for (const user of this.#users) this.#usersById.set(placeOf(0, user.id), user);
    this.#channels = Array.from({ length: 900 }, () => this.#chance64());
    this.#channels.push(
      NONE,
      { hi: 0xffffffff, lo: 0xffffffff },
      { hi: 0, lo: 1 },
      { hi: 1, lo: 0 },
    );
  }

  get table(): ReadStateTable {
    return this.#table;
  }

  #userId(i: number): Id {
    if (i === 0) return NONE;
    if (i === 1) return { hi: 0xffffffff, lo: 0xffffffff };
    const partition = this.#random.int(PARTITIONS_COUNT);
    return { hi: i >>> 9, lo: ((i << 22) | (partition << 12)) >>> 0 };
  }

  #chance64(): Id {
    return { hi: this.#random.uint32(), lo: this.#random.uint32() };
  }

  /** Now and then nothing is stored for long, and nobody dropped, until all are pinned. */
  get #isFillingUp(): boolean {
    return this.#stepsCount % 100_000 >= 70_000;
  }

  step(): void {
    this.#stepsCount += 1;
    const random = this.#random;
    // A few users are used a lot, and have many entries.
    const skew = random.next() ** 1.5;
    const user = this.#users[Math.floor(skew * USERS_COUNT)]!;
    this.#noteEviction(user);
    const chance = random.next();
    if (!user.isHere) this.#load(user);
    else if (chance < 0.5) this.#write(user);
    else if (chance < 0.54) this.#pin(user);
    else if (chance < 0.8) this.#get(user);
    else if (chance < 0.86) this.#remove(user);
    else if (chance < 0.87) this.#compare(user);
    else if (chance < 0.89) this.#hold(user);
    else if (chance < 0.91) this.#release(user);
    else if (chance < 0.989) this.#fold();
    else if (this.#isFillingUp) this.#get(user);
    else if (chance < 0.9985) this.#drop(user);
    else if (chance < 0.9987) this.#dropPartition();
    else if (chance < 0.9992) this.#jump(user);
    else this.#emptyOut(user);
  }

  check(): void {
    this.#table.check();
    for (const user of this.#users) this.#noteEviction(user);
    same(this.seen.evicted, this.#table.evictionsCount, 'evictions are counted');
    for (const user of this.#users) if (user.isHere) this.#compare(user);
    const here = this.#users.filter(({ isHere }) => isHere);
    expect(this.#table.usersCount).toBe(here.length);
    expect(this.#table.entriesCount).toBe(here.reduce((sum, each) => sum + each.entries.length, 0));
    const pinned = here.filter((each) => isPinned(each)).length;
    expect(this.#table.pinnedUsersCount).toBe(pinned);
    expect(this.#table.dirtyUsersCount).toBe(here.filter(({ dirty }) => dirty.size > 0).length);
    expect(this.#table.bytesUsed).toBeLessThanOrEqual(BYTES_MIN);
  }

  #refOf(user: User): UserRef {
    const ref = this.#random.int(2)
      ? this.#table.find(user.id.hi, user.id.lo)
      : this.#table.peek(user.id.hi | 0, user.id.lo | 0);
    same(ref !== 0, true, 'the user is here');
    return ref;
  }

  /** Loads a user from what is stored of it. */
  #load(user: User): void {
    const table = this.#table;
    same(table.find(user.id.hi, user.id.lo), 0, 'no user is here that should not be');
    const parts = [...user.stored.keys()].sort((a, b) => a - b);
    let ref = table.add(user.id.hi, user.id.lo, parts.length * PART_ENTRIES);
    if (ref === 0) return this.#refused(user, parts.length * PART_ENTRIES);
    user.isHere = true;
    user.version = 0;
    user.entries = [];
    user.dirty.clear();
    user.holds = 0;
    for (const part of parts) {
      const { bytes, entries, version } = user.stored.get(part)!;
      ref = readPart(table, ref, part, bytes, 0, bytes.byteLength);
      if (ref === 0) {
        this.#refused(user, user.entries.length + PART_ENTRIES);
        table.drop(table.find(user.id.hi, user.id.lo));
        user.isHere = false;
        return;
      }
      user.entries.push(...entries.map((entry) => ({ ...entry })));
      user.version = Math.max(user.version, version);
    }
    this.seen.reloaded += 1;
    user.places.clear();
    user.entries.forEach((each, i) => user.places.set(placeOf(each.type, each.channel), i));
    if (this.#random.int(8) === 0) this.#compare(user);
  }

  #refused(user: User, entriesCount: number): void {
    this.seen.refused += 1;
    for (const each of this.#users) this.#noteEviction(each);
    const others = this.#users.filter((each) => each !== user && each.isHere && !isPinned(each));
    // A third of the largest block is where layouts with a lane twice as large begin to count.
    if (others.length > 0 && entriesCount < 300) {
      throw new Error(`refused, though ${others.length} users could have gone`);
    }
  }

  /** Sees whether a user was forgotten, who must then have been free to go. */
  #noteEviction(user: User): void {
    if (!user.isHere || this.#table.peek(user.id.hi, user.id.lo) !== 0) return;
    same(isPinned(user), false, 'nobody is forgotten who is pinned');
    user.isHere = false;
    this.seen.evicted += 1;
  }

  /** The entry that is there, or a new one; undefined when there is no room for it. */
  #entryFor(user: User): Place | undefined {
    const table = this.#table;
    const type = this.#random.int(4) === 0 ? this.#random.int(6) : 0;
    const range = 1 + this.#random.int(this.#random.int(20) === 0 ? 900 : 40);
    const channel = this.#channels[this.#channels.length - range]!;
    const place = user.places.get(placeOf(type, channel));
    let ref = this.#refOf(user);
    let entry = table.findEntry(ref, type, channel.hi, channel.lo);
    same(entry !== 0, place !== undefined, 'an entry is there when it should be');
    if (place !== undefined) return { ref, entry, mine: user.entries[place]!, isNew: false };
    entry = table.addEntry(ref, type, channel.hi | 0, channel.lo | 0);
    if (entry === 0) {
      ref = table.reserve(ref, 1);
      if (ref === 0) {
        this.#refused(user, user.entries.length + 1);
        return undefined;
      }
      same(table.userLo(ref), user.id.lo, 'the reserved user is the one that was meant');
      entry = table.addEntry(ref, type, channel.hi, channel.lo);
      same(entry !== 0, true, 'what is reserved is there');
    }
    const mine: Entry = {
      type,
      channel,
      message: NONE,
      mentions: 0,
      flags: 0,
      lastViewed: 0,
      manual: NONE,
      pinMs: 0,
      version: 0,
    };
    user.places.set(placeOf(type, channel), user.entries.push(mine) - 1);
    return { ref, entry, mine, isNew: true };
  }

  /** Makes room for an extension that a write needs; undefined when there is none. */
  #extended(user: User, { mine, isNew }: Place): { ref: UserRef; entry: EntryRef } | undefined {
    const ref = this.#table.reserve(this.#refOf(user), 0, 1);
    if (ref === 0) {
      this.#refused(user, user.entries.length * 2);
      if (isNew) {
        this.#table.truncate(this.#refOf(user), user.entries.length - 1);
        user.places.delete(placeOf(mine.type, mine.channel));
        user.entries.pop();
      }
      return undefined;
    }
    const entry = this.#table.findEntry(ref, mine.type, mine.channel.hi, mine.channel.lo);
    return { ref, entry };
  }

  #write(user: User): void {
    const random = this.#random;
    const at = this.#entryFor(user);
    if (at === undefined) return;
    const { mine } = at;
    const isLarge = random.int(12) === 0;
    const after = {
      message: random.int(50) === 0 ? { hi: 0xffffffff, lo: 0xffffffff } : this.#chance64(),
      mentions: isLarge ? random.uint32() : random.int(2_048),
      flags: isLarge && random.int(2) ? random.uint32() : random.int(8),
      lastViewed: isLarge && random.int(2) ? random.uint32() : random.int(16_384),
      manual: isLarge && random.int(2) ? this.#chance64() : NONE,
    };
    const write = (ref: UserRef, entry: EntryRef): boolean =>
      this.#table.write(
        ref,
        entry,
        after.message.hi,
        after.message.lo,
        after.mentions,
        after.flags,
        after.lastViewed,
        after.manual.hi,
        after.manual.lo,
      );
    if (!write(at.ref, at.entry)) {
      const again = this.#extended(user, at);
      if (again === undefined) return;
      same(write(again.ref, again.entry), true, 'after a reserve there is room');
    }
    Object.assign(mine, after);
    this.#changed(user, mine);
  }

  #pin(user: User): void {
    const at = this.#entryFor(user);
    if (at === undefined) return;
    const pinMs = this.#random.int(3) === 0 ? 0 : Math.floor(this.#random.next() * 8.64e15);
    if (!this.#table.writePin(at.ref, at.entry, pinMs)) {
      const again = this.#extended(user, at);
      if (again === undefined) return;
      same(this.#table.writePin(again.ref, again.entry, pinMs), true, 'then there is room');
    }
    at.mine.pinMs = pinMs;
    this.#changed(user, at.mine);
  }

  #changed(user: User, mine: Entry): void {
    user.version += 1;
    mine.version = user.version;
    user.dirty.add(Math.floor(user.places.get(placeOf(mine.type, mine.channel))! / PART_ENTRIES));
  }

  #get(user: User): void {
    if (user.entries.length === 0) return;
    const number = this.#random.int(user.entries.length);
    const mine = user.entries[number]!;
    const ref = this.#refOf(user);
    const entry = this.#table.findEntry(ref, mine.type, mine.channel.hi, mine.channel.lo);
    same(entry, this.#table.entryAt(ref, number), 'entries keep their places');
    this.#compareEntry(ref, entry, mine, number);
  }

  #remove(user: User): void {
    if (user.entries.length === 0) return;
    const number = this.#random.int(user.entries.length);
    const mine = user.entries[number]!;
    const ref = this.#refOf(user);
    this.#table.remove(
      ref,
      this.#table.findEntry(ref, mine.type, mine.channel.hi, mine.channel.lo),
    );
    const last = user.entries.length - 1;
    const moved = user.entries.pop()!;
    user.places.delete(placeOf(mine.type, mine.channel));
    if (number !== last) {
      user.entries[number] = moved;
      user.places.set(placeOf(moved.type, moved.channel), number);
    }
    user.version += 1;
    user.dirty.add(Math.floor(number / PART_ENTRIES)).add(Math.floor(last / PART_ENTRIES));
  }

  #emptyOut(user: User): void {
    for (let left = user.entries.length; left > 0; left--) this.#remove(user);
    this.#compare(user);
  }

  #hold(user: User): void {
    if (this.#held.size > 60) return this.#release(user);
    this.#held.add(user);
    this.#table.hold(this.#refOf(user));
    user.holds += 1;
  }

  #release(given: User): void {
    const user = given.holds > 0 ? given : this.#held.values().next().value;
    if (user === undefined) return;
    this.#table.release(this.#refOf(user));
    user.holds -= 1;
    if (user.holds === 0) this.#held.delete(user);
  }

  /** Stores what is dirty of the users that are so for longest. */
  #fold(): void {
    const table = this.#table;
    if (this.#isFillingUp) return;
    if (this.#random.int(3) > 0 && table.dirtyUsersCount < 300) return;
    for (let i = 0; i < 4; i++) {
      const ref = table.oldestDirty();
      if (ref === 0) return;
      const lo = table.userLo(ref);
      const hi = table.userHi(ref);
      const user = this.#usersById.get(placeOf(0, { hi, lo }))!;
      const parts: number[] = [];
      for (let part = table.nextDirtyPart(ref, 0); part >= 0;) {
        parts.push(part);
        this.#store(user, ref, part);
        table.clearDirty(ref, part);
        part = table.nextDirtyPart(ref, part + 1);
      }
      same(parts.join(), [...user.dirty].sort((a, b) => a - b).join(), 'dirty parts');
      user.dirty.clear();
    }
  }

  #store(user: User, ref: UserRef, part: number): void {
    if (part >= this.#table.partsCountOf(ref)) {
      user.stored.delete(part);
      return;
    }
    const buffer = new DataView(new ArrayBuffer(PART_BYTES_MAX + 3));
    const bytes = writePart(this.#table, ref, part, buffer, 3);
    const first = part * PART_ENTRIES;
    const entries = user.entries.slice(first, first + PART_ENTRIES);
    user.stored.set(part, {
      bytes: new DataView(buffer.buffer, 3, bytes),
      entries: entries.map((entry) => ({ ...entry })),
      version: user.version,
    });
  }

  #drop(user: User): void {
    this.#table.drop(this.#refOf(user));
    this.#gone(user);
  }

  #gone(user: User): void {
    user.isHere = false;
    this.#held.delete(user);
  }

  #dropPartition(): void {
    const partition = this.#random.int(PARTITIONS_COUNT);
    for (const user of this.#users) this.#noteEviction(user);
    const users = this.#users.filter(
      ({ isHere, id }) => isHere && ((id.lo >>> 12) & 1_023) === partition,
    );
    const listed = new Set<string>();
    for (let ref = this.#table.firstOf(partition); ref !== 0; ref = this.#table.nextOf(ref)) {
      listed.add(`${this.#table.userHi(ref)}/${this.#table.userLo(ref)}`);
    }
    expect(listed).toEqual(new Set(users.map(({ id }) => `${id.hi}/${id.lo}`)));
    same(this.#table.dropPartition(partition, 3), Math.min(3, users.length), 'a step is bound');
    same(
      this.#table.dropPartition(partition, 10_000),
      Math.max(0, users.length - 3),
      'then all go',
    );
    for (const user of users) this.#gone(user);
  }

  /** As if a user had changed a great many times. */
  #jump(user: User): void {
    const version = user.version + Math.floor(this.#random.next() * 2 ** 33);
    if (version > 2 ** 52) return;
    this.#table.raiseVersion(this.#refOf(user), version);
    user.version = version;
  }

  #compare(user: User): void {
    const table = this.#table;
    const ref = this.#refOf(user);
    same(table.versionOf(ref), user.version, 'the version');
    same(table.entriesCountOf(ref), user.entries.length, 'the number of entries');
    same(table.holdsOf(ref), user.holds, 'holds');
    same(table.isPinned(ref), isPinned(user), 'pinned');
    same(table.partsCountOf(ref), Math.max(1, Math.ceil(user.entries.length / 64)), 'parts');
    user.entries.forEach((mine, i) => this.#compareEntry(ref, table.entryAt(ref, i), mine, i));
  }

  #compareEntry(ref: UserRef, entry: EntryRef, mine: Entry, number: number): void {
    const table = this.#table;
    same(table.numberOf(ref, entry), number, 'the number');
    same(table.typeOf(entry), mine.type, 'type');
    same(table.channelHi(entry), mine.channel.hi, 'channel');
    same(table.channelLo(entry), mine.channel.lo, 'channel');
    same(table.messageHi(entry), mine.message.hi, 'message');
    same(table.messageLo(entry), mine.message.lo, 'message');
    same(table.mentionsOf(entry), mine.mentions, 'mentions');
    same(table.flagsOf(entry), mine.flags, 'flags');
    same(table.lastViewedOf(entry), mine.lastViewed, 'last viewed');
    same(table.manualHi(entry), mine.manual.hi, 'manual');
    same(table.manualLo(entry), mine.manual.lo, 'manual');
    same(table.pinMsOf(entry), mine.pinMs, 'pins');
    const version = table.entryVersionOf(ref, entry);
    if (version === mine.version) return;
    // Raised, which only happens to what lies far behind.
    same(version > mine.version && version <= table.versionOf(ref), true, 'never lowered');
    same(table.versionOf(ref) - mine.version > 2 ** 31, true, 'only raised when far behind');
    this.seen.rebased += 1;
    mine.version = version;
  }
}

function isPinned(user: User): boolean {
  return user.holds > 0 || user.dirty.size > 0;
}

/** As an expectation, a hundred times faster. */
function same<T>(actual: T, expected: T, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)}, not ${String(expected)}`);
}

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

describe(`ReadStateTable against maps (${random})`, () => {
  it(`does the same for ${STEPS_COUNT} operations`, () => {
    const twins = new Twins(random);
    for (let step = 0; step < STEPS_COUNT; step++) {
      try {
        twins.step();
      } catch (error) {
        throw new Error(`step ${step}: ${String(error)}`, { cause: error });
      }
      if (step % CHECK_EVERY === 0) twins.check();
    }
    twins.check();
    // It was about something.
    expect(twins.seen.evicted).toBeGreaterThan(1_000);
    expect(twins.seen.reloaded).toBeGreaterThan(1_000);
    expect(twins.seen.refused).toBeGreaterThan(0);
    expect(twins.seen.rebased).toBeGreaterThan(0);
    expect(twins.table.movesCount).toBeGreaterThan(1_000);
    expect(ENTRIES_MAX).toBeGreaterThan(100_000);
  });
});
