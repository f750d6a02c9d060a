// Read states outside the JavaScript heap: tens of millions of entries of which the collector knows
// nothing but a few large arrays.
//
//   index      one line of 64 bytes, seven users in it          user-index.ts
//     └─► block of a user, in a segment of up to 16 MiB          segments.ts
//
//   block      a whole number of 64-byte lines, words of 32 bits, moved as a whole
//   ┌─────────────────────────────────────────────────────────────────────────────────────────┐
//   │ head, one line                                                                          │
//   │  0 user lo      1 user hi       2 shape: lines 20, lane log 5, wide, dirty, dead         │
//   │  3 entries      4 extensions    5 version lo   6 version hi   7 base lo   8 base hi      │
//   │  9 holds       10 next and 11 previous in partition           12 next and 13 previous    │
//   │ 14 rows at     15 marks of dirty parts, more words past 2,048 entries         dirty      │
//   ├─────────────────────────────────────────────────────────────────────────────────────────┤
//   │ lane           which entry has a channel: 2 bytes a slot, 4 past 255 entries    lane.ts  │
//   ├─────────────────────────────────────────────────────────────────────────────────────────┤
//   │ rows ─►        24 bytes an entry, in an order that only `remove` changes                 │
//   │  0 channel lo   1 channel hi   2 message lo   3 message hi   4 version - base   5 word   │
//   │                                                                                         │
//   │      room                                                                               │
//   │                                                                                         │
//   │ ◄─ extensions  32 bytes each, for the few entries that need one                          │
//   │  0 mentions   1 flags   2 last viewed   3 pin lo   4 pin hi   5 manual lo   6 manual hi   │
//   │  7 number of the entry                                                                  │
//   └─────────────────────────────────────────────────────────────────────────────────────────┘
//
//   word       [type 3][flags 3][0][last viewed 14][mentions 11]
//          or  [type 3][- 3][1][distance from row to extension in 8 bytes, 25]    lowest bits first
//
// A lookup touches a line of the index, the head, one or two lines of the lane and one or two of
// the rows. A user with 100 entries takes 28 bytes an entry when it is loaded, some more after it
// grew. To read all of a user is to walk over memory from one end to the other.
//
// Versions are kept as what they are past the user's base. Should a user get 2^32 versions past its
// oldest entry, the oldest are raised: an entry never has a lower version than it should, so at
// worst it is sent once more.
//
// Numbers only: ids as two halves of 32 bits, in either sign on the way in and unsigned on the way
// out, versions as whole numbers below 2^53.
import { assert } from '@guildhall/fault';
import {
  blockAt,
  BASE_HI,
  BASE_LO,
  CLASS_MASK,
  CLASS_WIDE,
  ENTRIES,
  EXTENSIONS,
  EXTENSION_WORDS,
  IS_WIDE,
  LANE_LOG_MIN,
  LANE_MASK,
  LANE_SHIFT,
  LINES_MASK,
  LINE_WORDS,
  laneCapacity,
  PART_SHIFT,
  ROWS_AT,
  ROW_WORDS,
  SEGMENT_SHIFT,
  SHAPE,
  UNIT_MASK,
  unitRef,
  VERSION_HI,
  VERSION_LO,
} from './block.js';
import {
  entryHash,
  findInNarrowLane,
  findInWideLane,
  putInLane,
  removeFromLane,
  renumberInLane,
} from './lane.js';
import { freeWordsOf, UserBlocks, type UserRef } from './user-blocks.js';

/**
 * One entry of a user; 0: none. Good as long as the user's own reference, and until an entry of
 * the user is removed.
 */
export type EntryRef = number;

const UINT32_COUNT = 2 ** 32;
/** How far below the user's version the base is put when versions no longer fit. */
const BASE_DISTANCE_MAX = 2 ** 31;

const TYPE_MASK = 7;
const FLAGS_SHIFT = 3;
const FLAGS_MAX = 7;
const IS_EXTENDED = 1 << 6;
const DISTANCE_SHIFT = 7;
const LAST_VIEWED_SHIFT = 7;
const LAST_VIEWED_MAX = 0x3fff;
const MENTIONS_SHIFT = 21;
const MENTIONS_MAX = 0x7ff;

/** The words of an extension. */
const X_MENTIONS = 0;
const X_FLAGS = 1;
const X_LAST_VIEWED = 2;
const X_PIN_LO = 3;
const X_PIN_HI = 4;
const X_MANUAL_LO = 5;
const X_MANUAL_HI = 6;
const X_NUMBER = 7;

/** Users with their entries, in memory of a bound size. */
export class ReadStateTable extends UserBlocks {
  /** Hot path. The user's entry with a type and channel; 0 when there is none. */
  findEntry(user: UserRef, type: number, channelHi: number, channelLo: number): EntryRef {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const hash = entryHash(type, channelHi, channelLo, this.seed);
    const cls = user & CLASS_MASK;
    const hi = channelHi | 0;
    const lo = channelLo | 0;
    const row =
      cls === CLASS_WIDE
        ? findInWideLane(mem, at, hash, type, hi, lo)
        : findInNarrowLane(mem, at, cls + LANE_LOG_MIN, hash, type, hi, lo);
    return row === 0 ? 0 : unitRef(user, row);
  }

  /** Hot path. The entry with a number, from 0 to `entriesCountOf` - 1. */
  entryAt(user: UserRef, number: number): EntryRef {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    return unitRef(user, mem[blockAt(user) + ROWS_AT]! + number * ROW_WORDS);
  }

  /** The number of an entry: its place in the user's order, and, by 64, its part. */
  numberOf(user: UserRef, entry: EntryRef): number {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    return (((entry & UNIT_MASK) << 1) - at - mem[at + ROWS_AT]!) / ROW_WORDS;
  }

  /** Hot path. */
  typeOf(entry: EntryRef): number {
    return this.#word(entry, 5) & TYPE_MASK;
  }

  /** Hot path. */
  channelHi(entry: EntryRef): number {
    return this.#word(entry, 1) >>> 0;
  }

  /** Hot path. */
  channelLo(entry: EntryRef): number {
    return this.#word(entry, 0) >>> 0;
  }

  /** Hot path. */
  messageHi(entry: EntryRef): number {
    return this.#word(entry, 3) >>> 0;
  }

  /** Hot path. */
  messageLo(entry: EntryRef): number {
    return this.#word(entry, 2) >>> 0;
  }

  /** Hot path. Whether a message is no newer than the one up to which was read. */
  isRead(entry: EntryRef, messageHi: number, messageLo: number): boolean {
    const mem = this.segments.arrays[entry >>> SEGMENT_SHIFT]!;
    const at = (entry & UNIT_MASK) << 1;
    const hi = mem[at + 3]! >>> 0;
    const otherHi = messageHi >>> 0;
    if (hi !== otherHi) return otherHi < hi;
    return messageLo >>> 0 <= mem[at + 2]! >>> 0;
  }

  /** Hot path. The user's version when the entry was last changed. */
  entryVersionOf(user: UserRef, entry: EntryRef): number {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const offset = mem[((entry & UNIT_MASK) << 1) + 4]! >>> 0;
    return mem[at + BASE_HI]! * UINT32_COUNT + (mem[at + BASE_LO]! >>> 0) + offset;
  }

  /** Hot path. */
  mentionsOf(entry: EntryRef): number {
    const word = this.#word(entry, 5);
    if ((word & IS_EXTENDED) === 0) return word >>> MENTIONS_SHIFT;
    return this.#extended(entry, word, X_MENTIONS) >>> 0;
  }

  /** Hot path. */
  flagsOf(entry: EntryRef): number {
    const word = this.#word(entry, 5);
    if ((word & IS_EXTENDED) === 0) return (word >>> FLAGS_SHIFT) & FLAGS_MAX;
    return this.#extended(entry, word, X_FLAGS) >>> 0;
  }

  /** Hot path. In days. */
  lastViewedOf(entry: EntryRef): number {
    const word = this.#word(entry, 5);
    if ((word & IS_EXTENDED) === 0) return (word >>> LAST_VIEWED_SHIFT) & LAST_VIEWED_MAX;
    return this.#extended(entry, word, X_LAST_VIEWED) >>> 0;
  }

  /** Hot path. 0: never. */
  pinMsOf(entry: EntryRef): number {
    const word = this.#word(entry, 5);
    if ((word & IS_EXTENDED) === 0) return 0;
    const hi = this.#extended(entry, word, X_PIN_HI);
    return hi * UINT32_COUNT + (this.#extended(entry, word, X_PIN_LO) >>> 0);
  }

  /** Hot path. Both halves 0: mentions are not set by hand. */
  manualHi(entry: EntryRef): number {
    const word = this.#word(entry, 5);
    return (word & IS_EXTENDED) === 0 ? 0 : this.#extended(entry, word, X_MANUAL_HI) >>> 0;
  }

  /** Hot path. */
  manualLo(entry: EntryRef): number {
    const word = this.#word(entry, 5);
    return (word & IS_EXTENDED) === 0 ? 0 : this.#extended(entry, word, X_MANUAL_LO) >>> 0;
  }

  /**
   * Adds an entry that is not there (the caller has looked): all 0, at no version, its part
   * not marked: a `write` follows. 0 when the block has no room: nothing was added, and `reserve`
   * makes some.
   */
  addEntry(user: UserRef, type: number, channelHi: number, channelLo: number): EntryRef {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const shape = mem[at + SHAPE]!;
    const number = mem[at + ENTRIES]!;
    const capacity = laneCapacity((shape >>> LANE_SHIFT) & LANE_MASK, (shape & IS_WIDE) !== 0);
    if (number >= capacity || freeWordsOf(mem, at) < ROW_WORDS) return 0;
    const row = at + mem[at + ROWS_AT]! + number * ROW_WORDS;
    mem[row] = channelLo;
    mem[row + 1] = channelHi;
    mem[row + 2] = 0;
    mem[row + 3] = 0;
    mem[row + 4] = 0;
    mem[row + 5] = type & TYPE_MASK;
    putInLane(mem, at, entryHash(type, channelHi, channelLo, this.seed), number);
    mem[at + ENTRIES] = number + 1;
    this.entriesTotal += 1;
    return unitRef(user, row - at);
  }

  /**
   * Hot path. Changes all of an entry but its pins. The user's version counts up by one and becomes
   * the entry's; its part is marked. False when the block has no room for the extension it needs:
   * nothing was changed; after `reserve` of one entry there is.
   */
  write(
    user: UserRef,
    entry: EntryRef,
    messageHi: number,
    messageLo: number,
    mentions: number,
    flags: number,
    lastViewed: number,
    manualHi: number,
    manualLo: number,
  ): boolean {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const row = (entry & UNIT_MASK) << 1;
    if (!this.#set(mem, at, row, mentions, flags, lastViewed, manualHi, manualLo)) return false;
    mem[row + 2] = messageLo;
    mem[row + 3] = messageHi;
    this.#stamp(mem, at, row);
    this.markDirty(user, (((row - at - mem[at + ROWS_AT]!) / ROW_WORDS) | 0) >>> PART_SHIFT);
    return true;
  }

  /** Changes up to when pins were seen; otherwise as `write`. */
  writePin(user: UserRef, entry: EntryRef, pinMs: number): boolean {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const row = (entry & UNIT_MASK) << 1;
    if (!this.#setPin(mem, at, row, pinMs)) return false;
    this.#stamp(mem, at, row);
    this.markDirty(user, this.numberOf(user, entry) >>> PART_SHIFT);
    return true;
  }

  /**
   * Makes an entry what it was elsewhere, its version included, to which the user's is raised. No
   * part is marked. False when there is no room for its extension; it is then as it was before.
   */
  put(
    user: UserRef,
    entry: EntryRef,
    messageHi: number,
    messageLo: number,
    mentions: number,
    flags: number,
    lastViewed: number,
    manualHi: number,
    manualLo: number,
    pinMs: number,
    version: number,
  ): boolean {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const row = (entry & UNIT_MASK) << 1;
    // The pin first: without room it fails alone, and with its extension the rest has room.
    if (!this.#setPin(mem, at, row, pinMs)) return false;
    if (!this.#set(mem, at, row, mentions, flags, lastViewed, manualHi, manualLo)) return false;
    mem[row + 2] = messageLo;
    mem[row + 3] = messageHi;
    this.raiseVersion(user, version);
    let offset = version - baseOf(mem, at);
    if (offset < 0 || offset >= UINT32_COUNT) {
      rebase(mem, at, version);
      offset = Math.max(0, version - baseOf(mem, at));
    }
    mem[row + 4] = offset;
    return true;
  }

  /**
   * Takes an entry away; the user's version counts up by one. The last entry of the user takes its
   * place, so both their parts are marked.
   */
  remove(user: UserRef, entry: EntryRef): void {
    const number = this.numberOf(user, entry);
    const last = this.entriesCountOf(user) - 1;
    this.#takeOut(user, number);
    this.raiseVersion(user, this.versionOf(user) + 1);
    this.markDirty(user, number >>> PART_SHIFT);
    this.markDirty(user, last >>> PART_SHIFT);
  }

  /** Takes away all entries from a number on, as if they had never been added. */
  truncate(user: UserRef, entriesCount: number): void {
    for (let last = this.entriesCountOf(user) - 1; last >= entriesCount; last--) {
      this.#takeOut(user, last);
    }
  }

  /** Throws a Bug unless all of the table is whole. For tests: it looks at everything. */
  check(): void {
    this.checkUsers();
    for (let partition = 0; partition < 1_024; partition++) {
      for (let user = this.firstOf(partition); user !== 0; user = this.nextOf(user)) {
        this.#checkEntries(user);
      }
    }
  }

  #checkEntries(user: UserRef): void {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const end = endOf(mem, at);
    let extended = 0;
    assert(freeWordsOf(mem, at) >= 0, 'rows and extensions do not meet');
    for (let number = 0; number < this.entriesCountOf(user); number++) {
      const entry = this.entryAt(user, number);
      const found = this.findEntry(
        user,
        this.typeOf(entry),
        this.channelHi(entry),
        this.channelLo(entry),
      );
      assert(found === entry, 'an entry is found by its channel');
      assert(this.entryVersionOf(user, entry) <= this.versionOf(user), 'no entry is ahead');
      const word = this.#word(entry, 5);
      if ((word & IS_EXTENDED) === 0) continue;
      extended += 1;
      const x = extensionAt((entry & UNIT_MASK) << 1, word);
      assert(x < end && (end - x) % EXTENSION_WORDS === 0, 'an extension is among the others');
      assert((end - x) / EXTENSION_WORDS <= mem[at + EXTENSIONS]!, 'and in use');
      assert(mem[x + X_NUMBER] === number, 'and knows whose it is');
    }
    assert(extended === mem[at + EXTENSIONS], 'every extension is some entry’s');
  }

  #word(entry: EntryRef, word: number): number {
    return this.segments.arrays[entry >>> SEGMENT_SHIFT]![((entry & UNIT_MASK) << 1) + word]!;
  }

  #extended(entry: EntryRef, word: number, field: number): number {
    const mem = this.segments.arrays[entry >>> SEGMENT_SHIFT]!;
    return mem[extensionAt((entry & UNIT_MASK) << 1, word) + field]!;
  }

  /** Hot path. Sets what a row's word tells of, or its extension; false when there is no room. */
  #set(
    mem: Int32Array,
    at: number,
    row: number,
    mentions: number,
    flags: number,
    lastViewed: number,
    manualHi: number,
    manualLo: number,
  ): boolean {
    const word = mem[row + 5]!;
    const isShort =
      mentions >>> 0 <= MENTIONS_MAX &&
      flags >>> 0 <= FLAGS_MAX &&
      lastViewed >>> 0 <= LAST_VIEWED_MAX &&
      (manualHi | manualLo) === 0;
    if (isShort && (word & IS_EXTENDED) === 0) {
      mem[row + 5] =
        (word & TYPE_MASK) |
        (flags << FLAGS_SHIFT) |
        (lastViewed << LAST_VIEWED_SHIFT) |
        (mentions << MENTIONS_SHIFT);
    } else {
      const x = this.#extend(mem, at, row);
      if (x === 0) return false;
      mem[x + X_MENTIONS] = mentions;
      mem[x + X_FLAGS] = flags;
      mem[x + X_LAST_VIEWED] = lastViewed;
      mem[x + X_MANUAL_LO] = manualLo;
      mem[x + X_MANUAL_HI] = manualHi;
      if (isShort) this.#shorten(mem, at, row);
    }
    return true;
  }

  #setPin(mem: Int32Array, at: number, row: number, pinMs: number): boolean {
    if (pinMs === 0 && (mem[row + 5]! & IS_EXTENDED) === 0) return true;
    const x = this.#extend(mem, at, row);
    if (x === 0) return false;
    mem[x + X_PIN_LO] = pinMs;
    mem[x + X_PIN_HI] = pinMs / UINT32_COUNT;
    this.#shorten(mem, at, row);
    return true;
  }

  /** Hot path. The user's next version, for an entry too. */
  #stamp(mem: Int32Array, at: number, row: number): void {
    const lo = (mem[at + VERSION_LO]! + 1) | 0;
    const baseLo = mem[at + BASE_LO]!;
    mem[at + VERSION_LO] = lo;
    if (lo === 0) mem[at + VERSION_HI]! += 1;
    const borrow = lo >>> 0 < baseLo >>> 0 ? 1 : 0;
    if (mem[at + VERSION_HI]! - borrow === mem[at + BASE_HI]!) {
      mem[row + 4] = lo - baseLo;
      return;
    }
    const version = mem[at + VERSION_HI]! * UINT32_COUNT + (lo >>> 0);
    rebase(mem, at, version);
    mem[row + 4] = version - baseOf(mem, at);
  }

  /** Where the extension of a row is; it gets one if it has none. 0 when there is no room. */
  #extend(mem: Int32Array, at: number, row: number): number {
    const word = mem[row + 5]!;
    if ((word & IS_EXTENDED) !== 0) return extensionAt(row, word);
    if (freeWordsOf(mem, at) < EXTENSION_WORDS) return 0;
    const count = mem[at + EXTENSIONS]! + 1;
    const x = endOf(mem, at) - count * EXTENSION_WORDS;
    mem[at + EXTENSIONS] = count;
    mem[x + X_MENTIONS] = word >>> MENTIONS_SHIFT;
    mem[x + X_FLAGS] = (word >>> FLAGS_SHIFT) & FLAGS_MAX;
    mem[x + X_LAST_VIEWED] = (word >>> LAST_VIEWED_SHIFT) & LAST_VIEWED_MAX;
    mem.fill(0, x + X_PIN_LO, x + X_NUMBER);
    mem[x + X_NUMBER] = (row - at - mem[at + ROWS_AT]!) / ROW_WORDS;
    mem[row + 5] = (word & TYPE_MASK) | IS_EXTENDED | (((x - row) >> 1) << DISTANCE_SHIFT);
    return x;
  }

  /** Puts what an extension says into the word of its row, if it fits. */
  #shorten(mem: Int32Array, at: number, row: number): void {
    const word = mem[row + 5]!;
    const x = extensionAt(row, word);
    const mentions = mem[x + X_MENTIONS]! >>> 0;
    const flags = mem[x + X_FLAGS]! >>> 0;
    const lastViewed = mem[x + X_LAST_VIEWED]! >>> 0;
    if (mentions > MENTIONS_MAX || flags > FLAGS_MAX || lastViewed > LAST_VIEWED_MAX) return;
    if ((mem[x + X_PIN_LO]! | mem[x + X_PIN_HI]!) !== 0) return;
    if ((mem[x + X_MANUAL_LO]! | mem[x + X_MANUAL_HI]!) !== 0) return;
    this.#freeExtension(mem, at, x);
    mem[row + 5] =
      (word & TYPE_MASK) |
      (flags << FLAGS_SHIFT) |
      (lastViewed << LAST_VIEWED_SHIFT) |
      (mentions << MENTIONS_SHIFT);
  }

  /** Takes an extension away; the one that was taken last moves into its place. */
  #freeExtension(mem: Int32Array, at: number, x: number): void {
    const count = mem[at + EXTENSIONS]!;
    const last = endOf(mem, at) - count * EXTENSION_WORDS;
    mem[at + EXTENSIONS] = count - 1;
    if (last === x) return;
    mem.copyWithin(x, last, last + EXTENSION_WORDS);
    const row = at + mem[at + ROWS_AT]! + mem[x + X_NUMBER]! * ROW_WORDS;
    mem[row + 5]! += ((x - last) >> 1) << DISTANCE_SHIFT;
  }

  /** Takes an entry out of its block, and puts the last in its place. */
  #takeOut(user: UserRef, number: number): void {
    const mem = this.segments.arrays[user >>> SEGMENT_SHIFT]!;
    const at = blockAt(user);
    const rows = at + mem[at + ROWS_AT]!;
    const row = rows + number * ROW_WORDS;
    const last = mem[at + ENTRIES]! - 1;
    removeFromLane(mem, at, this.#hashOf(mem, row), number, this.seed);
    const word = mem[row + 5]!;
    if ((word & IS_EXTENDED) !== 0) this.#freeExtension(mem, at, extensionAt(row, word));
    mem[at + ENTRIES] = last;
    this.entriesTotal -= 1;
    if (number === last) return;
    const lastRow = rows + last * ROW_WORDS;
    renumberInLane(mem, at, this.#hashOf(mem, lastRow), last, number);
    mem.copyWithin(row, lastRow, lastRow + ROW_WORDS);
    if ((mem[row + 5]! & IS_EXTENDED) === 0) return;
    mem[extensionAt(lastRow, mem[row + 5]!) + X_NUMBER] = number;
    mem[row + 5]! += ((lastRow - row) >> 1) << DISTANCE_SHIFT;
  }

  #hashOf(mem: Int32Array, row: number): number {
    return entryHash(mem[row + 5]! & TYPE_MASK, mem[row + 1]!, mem[row]!, this.seed);
  }
}

function endOf(mem: Int32Array, at: number): number {
  return at + (mem[at + SHAPE]! & LINES_MASK) * LINE_WORDS;
}

function extensionAt(row: number, word: number): number {
  return row + ((word >>> DISTANCE_SHIFT) << 1);
}

function baseOf(mem: Int32Array, at: number): number {
  return mem[at + BASE_HI]! * UINT32_COUNT + (mem[at + BASE_LO]! >>> 0);
}

/** Finds a base from which all entries' versions, the user's and one more can be told. */
function rebase(mem: Int32Array, at: number, version: number): void {
  const before = baseOf(mem, at);
  const rows = at + mem[at + ROWS_AT]!;
  const end = rows + mem[at + ENTRIES]! * ROW_WORDS;
  const highest = mem[at + VERSION_HI]! * UINT32_COUNT + (mem[at + VERSION_LO]! >>> 0);
  let lowest = version;
  for (let row = rows; row < end; row += ROW_WORDS) {
    lowest = Math.min(lowest, before + (mem[row + 4]! >>> 0));
  }
  const base = Math.max(lowest, highest - BASE_DISTANCE_MAX);
  for (let row = rows; row < end; row += ROW_WORDS) {
    mem[row + 4] = Math.max(0, before + (mem[row + 4]! >>> 0) - base);
  }
  mem[at + BASE_LO] = base;
  mem[at + BASE_HI] = base / UINT32_COUNT;
}
