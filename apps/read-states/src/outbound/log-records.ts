// Changes as bytes, as the log keeps them. Each record is the whole state of one entry after the
// change, and the user's version, so that whoever replays knows by the version alone whether it is
// in the rows already.
//
//   batch    [format u16 = 2] [reserved u16] record ...
//   record   [bits u32] [mentions u32] [user u64] [channel u64] [message u64] [version u64]
//            if the bits say so: [pins ms u64] [manual until u64] [flags u32] [last viewed u32]
//   bits     type 3, deleted, extended, 0 x 3, flags 8, last viewed 16; lowest first
//
// Numbers are little endian. Nearly every record has 40 bytes; it is made of words that the table
// gives out, in memory that is used again and again, so that a change costs the log no object.
//
// Format 1, which is still read, had a record size where the reserved word is, and records of 62
// bytes.
import { assert, Fault, FaultCode } from '@guildhall/fault';
import type { EntryRef, ReadStateTable, UserRef } from '@guildhall/read-state-table';
import { READ_STATE_TYPES_COUNT } from '../domain/read-state.js';

const FORMAT = 2;
const OLD_FORMAT = 1;
const OLD_RECORD_BYTES = 62;

const TYPE_MASK = 7;
const IS_DELETED = 1 << 3;
const IS_EXTENDED = 1 << 4;
const FLAGS_SHIFT = 8;
const FLAGS_MAX = 0xff;
const LAST_VIEWED_SHIFT = 16;
const LAST_VIEWED_MAX = 0xffff;

const HEAD_WORDS = 1;
const SHORT_WORDS = 10;
const LONG_WORDS = 16;
const FIRST_WORDS = 1 << 12;
const UINT32_COUNT = 2 ** 32;

/** The memory of one batch: filled, written, emptied, filled again. */
export class LogBuffer {
  #words = new Uint32Array(FIRST_WORDS);
  #end = HEAD_WORDS;
  #count = 0;

  constructor() {
    this.#words[0] = FORMAT;
  }

  /** Records in it. */
  get count(): number {
    return this.#count;
  }

  /** The words; records lie from `firstAt` to `endAt`. Another array once it had to grow. */
  get words(): Uint32Array {
    return this.#words;
  }

  get firstAt(): number {
    return HEAD_WORDS;
  }

  get endAt(): number {
    return this.#end;
  }

  /** Hot path. Adds what an entry of the table is now, right after it changed. */
  put(table: ReadStateTable, user: UserRef, entry: EntryRef): void {
    const flags = table.flagsOf(entry);
    const lastViewed = table.lastViewedOf(entry);
    const pinMs = table.pinMsOf(entry);
    const manualHi = table.manualHi(entry);
    const manualLo = table.manualLo(entry);
    const isShort =
      flags <= FLAGS_MAX &&
      lastViewed <= LAST_VIEWED_MAX &&
      pinMs === 0 &&
      (manualHi | manualLo) === 0;
    const at = this.#add(isShort ? SHORT_WORDS : LONG_WORDS);
    const words = this.#words;
    const version = table.versionOf(user);
    const type = table.typeOf(entry);
    words[at] = isShort
      ? type | (flags << FLAGS_SHIFT) | (lastViewed << LAST_VIEWED_SHIFT)
      : type | IS_EXTENDED;
    words[at + 1] = table.mentionsOf(entry);
    words[at + 2] = table.userLo(user);
    words[at + 3] = table.userHi(user);
    words[at + 4] = table.channelLo(entry);
    words[at + 5] = table.channelHi(entry);
    words[at + 6] = table.messageLo(entry);
    words[at + 7] = table.messageHi(entry);
    words[at + 8] = version;
    words[at + 9] = version / UINT32_COUNT;
    if (isShort) return;
    words[at + 10] = pinMs;
    words[at + 11] = pinMs / UINT32_COUNT;
    words[at + 12] = manualLo;
    words[at + 13] = manualHi;
    words[at + 14] = flags;
    words[at + 15] = lastViewed;
  }

  /** Adds that an entry was taken away just now. */
  putDeleted(
    table: ReadStateTable,
    user: UserRef,
    type: number,
    channelHi: number,
    channelLo: number,
  ): void {
    const at = this.#add(SHORT_WORDS);
    const words = this.#words;
    const version = table.versionOf(user);
    words.fill(0, at, at + SHORT_WORDS);
    words[at] = type | IS_DELETED;
    words[at + 2] = table.userLo(user);
    words[at + 3] = table.userHi(user);
    words[at + 4] = channelLo;
    words[at + 5] = channelHi;
    words[at + 8] = version;
    words[at + 9] = version / UINT32_COUNT;
  }

  /** Adds a record as it is. Returns where it begins. */
  copy(words: Uint32Array, from: number, to: number): number {
    const at = this.#add(to - from);
    this.#words.set(words.subarray(from, to), at);
    return at;
  }

  /** Forgets the records of some partitions. Returns how many there were. */
  removePartitions(partitions: ReadonlySet<number>): number {
    const before = this.#count;
    const end = this.#end;
    let kept = HEAD_WORDS;
    this.#count = 0;
    for (let at = HEAD_WORDS; at < end;) {
      const next = at + recordWords(this.#words, at);
      if (!partitions.has(partitionAt(this.#words, at))) {
        this.#words.copyWithin(kept, at, next);
        kept += next - at;
        this.#count += 1;
      }
      at = next;
    }
    this.#end = kept;
    return before - this.#count;
  }

  /** Empties it; the memory stays. */
  clear(): void {
    this.#end = HEAD_WORDS;
    this.#count = 0;
  }

  /** The batch as bytes: a view, good until the next change. */
  get payload(): Buffer {
    return Buffer.from(this.#words.buffer, 0, this.#end * 4);
  }

  #add(wordsCount: number): number {
    const at = this.#end;
    if (at + wordsCount > this.#words.length) {
      const words = new Uint32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    this.#end = at + wordsCount;
    this.#count += 1;
    return at;
  }
}

/** How many words the record at a place has. */
export function recordWords(words: Uint32Array, at: number): number {
  return (words[at]! & IS_EXTENDED) === 0 ? SHORT_WORDS : LONG_WORDS;
}

/** The partition of the user of the record at a place. */
export function partitionAt(words: Uint32Array, at: number): number {
  return (words[at + 2]! >>> 12) & 1_023;
}

/** One record, read. Used again for the next. */
export class LogRecord {
  type = 0;
  isDeleted = false;
  userHi = 0;
  userLo = 0;
  channelHi = 0;
  channelLo = 0;
  messageHi = 0;
  messageLo = 0;
  version = 0;
  mentions = 0;
  flags = 0;
  lastViewed = 0;
  pinMs = 0;
  manualHi = 0;
  manualLo = 0;

  /** Reads the record at a place. */
  read(words: Uint32Array, at: number): void {
    const bits = words[at]!;
    const isLong = (bits & IS_EXTENDED) !== 0;
    this.type = bits & TYPE_MASK;
    this.isDeleted = (bits & IS_DELETED) !== 0;
    this.mentions = words[at + 1]!;
    this.userLo = words[at + 2]!;
    this.userHi = words[at + 3]!;
    this.channelLo = words[at + 4]!;
    this.channelHi = words[at + 5]!;
    this.messageLo = words[at + 6]!;
    this.messageHi = words[at + 7]!;
    this.version = words[at + 9]! * UINT32_COUNT + words[at + 8]!;
    this.pinMs = isLong ? words[at + 11]! * UINT32_COUNT + words[at + 10]! : 0;
    this.manualLo = isLong ? words[at + 12]! : 0;
    this.manualHi = isLong ? words[at + 13]! : 0;
    this.flags = isLong ? words[at + 14]! : (bits >>> FLAGS_SHIFT) & FLAGS_MAX;
    this.lastViewed = isLong ? words[at + 15]! : bits >>> LAST_VIEWED_SHIFT;
  }
}

/**
 * The records of a batch, as words from 0 on. Throws a Fault (`malformed`) for anything that is not
 * one.
 */
export function decodeBatch(bytes: Buffer): Uint32Array {
  const format = bytes.length < 4 ? 0 : bytes.readUInt16LE(0);
  if (format === OLD_FORMAT) return decodeOldBatch(bytes);
  if (format !== FORMAT || bytes.length % 4 !== 0) throw malformed();
  const words = new Uint32Array((bytes.length - 4) / 4);
  new Uint8Array(words.buffer).set(bytes.subarray(4));
  for (let at = 0; at < words.length;) {
    if ((words[at]! & TYPE_MASK) >= READ_STATE_TYPES_COUNT) throw malformed();
    at += recordWords(words, at);
    if (at > words.length) throw malformed();
  }
  return words;
}

/**
 *   batch    [format u16 = 1] [record size u16] record ...
 *   record   user u64 · channel u64 · last message u64 · version u64 · manual until u64
 *            · pins ms f64 · mentions u32 · flags u32 · last viewed u32 · type u8 · deleted u8
 */
function decodeOldBatch(bytes: Buffer): Uint32Array {
  const size = bytes.readUInt16LE(2);
  if (size < OLD_RECORD_BYTES || (bytes.length - 4) % size !== 0) throw malformed();
  const words = new Uint32Array(((bytes.length - 4) / size) * LONG_WORDS);
  let to = 0;
  for (let at = 4; at < bytes.length; at += size, to += LONG_WORDS) {
    const type = bytes.readUInt8(at + 60);
    if (type >= READ_STATE_TYPES_COUNT) throw malformed();
    const pinMs = bytes.readDoubleLE(at + 40);
    const isDeleted = bytes.readUInt8(at + 61) === 1;
    const u32 = (offset: number): number => bytes.readUInt32LE(at + offset);
    words.set(
      [
        type | IS_EXTENDED | (isDeleted ? IS_DELETED : 0),
        u32(48),
        ...[u32(0), u32(4), u32(8), u32(12), u32(16), u32(20), u32(24), u32(28)],
        ...[pinMs % UINT32_COUNT, pinMs / UINT32_COUNT, u32(32), u32(36), u32(52), u32(56)],
      ],
      to,
    );
  }
  assert(to === words.length, 'every record has been read');
  return words;
}

const malformed = (): Fault =>
  new Fault(FaultCode.Malformed, 'a row of the log is not a batch that this code knows');
