// Parts: a user's entries [64p, 64p + 64) as bytes, as they are stored outside. Little endian; rows
// and extensions are those of the block, but that versions count from the part's own base and that
// a row says the number of its extension within the part.
//
//   part        [format u16][row bytes u16][extension bytes u16][rows u8][extensions u8]
//               [user version u64][base version u64] row ... extension ...
//   row         channel u64 · message u64 · version - base u32 · word u32
//   extension   mentions u32 · flags u32 · last viewed u32 · pin ms u64 · manual until u64
//               · number of its row u32
//
// The sizes are written down so that later code may append fields, which this one skips. With 64
// rows a part is 1,560 bytes and 32 for each extension.
import { assert, Fault, FaultCode } from '@guildhall/fault';
import { PART_ENTRIES } from './block.js';
import type { EntryRef, ReadStateTable } from './read-state-table.js';
import { VERSION_MAX, type UserRef } from './user-blocks.js';

const FORMAT = 1;
const HEAD_BYTES = 24;
const ROW_BYTES = 24;
const EXTENSION_BYTES = 32;
const UINT32_COUNT = 2 ** 32;

const TYPE_MAX = 5;
const TYPE_MASK = 7;
const FLAGS_SHIFT = 3;
const FLAGS_MAX = 7;
const IS_EXTENDED = 1 << 6;
const NUMBER_SHIFT = 7;
const LAST_VIEWED_SHIFT = 7;
const LAST_VIEWED_MAX = 0x3fff;
const MENTIONS_SHIFT = 21;
const MENTIONS_MAX = 0x7ff;
/** The last ms that a Date can tell. */
const PIN_MS_MAX = 8.64e15;

/** The most bytes a part can take. */
export const PART_BYTES_MAX = HEAD_BYTES + PART_ENTRIES * (ROW_BYTES + EXTENSION_BYTES);

/**
 * Hot path. Writes a part of a user into a buffer of the caller's that has PART_BYTES_MAX bytes
 * from `at` on; returns how many it took. A part that the user does not have has no rows. The
 * part's mark stays as it is.
 */
export function writePart(
  table: ReadStateTable,
  user: UserRef,
  part: number,
  target: DataView,
  at: number,
): number {
  const first = part * PART_ENTRIES;
  const end = Math.min(first + PART_ENTRIES, table.entriesCountOf(user));
  const count = Math.max(0, end - first);
  const userVersion = table.versionOf(user);
  let base = userVersion;
  for (let number = first; number < end; number++) {
    const version = table.entryVersionOf(user, table.entryAt(user, number));
    if (version < base) base = version;
  }
  const rowsEnd = at + HEAD_BYTES + count * ROW_BYTES;
  let extensions = 0;
  for (let number = first; number < end; number++) {
    const entry = table.entryAt(user, number);
    const row = at + HEAD_BYTES + (number - first) * ROW_BYTES;
    target.setUint32(row, table.channelLo(entry), true);
    target.setUint32(row + 4, table.channelHi(entry), true);
    target.setUint32(row + 8, table.messageLo(entry), true);
    target.setUint32(row + 12, table.messageHi(entry), true);
    target.setUint32(row + 16, table.entryVersionOf(user, entry) - base, true);
    let word = shortWordOf(table, entry);
    if (word < 0) {
      word = table.typeOf(entry) | IS_EXTENDED | (extensions << NUMBER_SHIFT);
      writeExtension(table, entry, number - first, target, rowsEnd + extensions * EXTENSION_BYTES);
      extensions += 1;
    }
    target.setUint32(row + 20, word, true);
  }
  target.setUint16(at, FORMAT, true);
  target.setUint16(at + 2, ROW_BYTES, true);
  target.setUint16(at + 4, EXTENSION_BYTES, true);
  target.setUint8(at + 6, count);
  target.setUint8(at + 7, extensions);
  setUint64(target, at + 8, userVersion);
  setUint64(target, at + 16, base);
  return rowsEnd + extensions * EXTENSION_BYTES - at;
}

/**
 * Adds the entries of a part to a user that has just the parts before it, each of 64 entries. The
 * user's version is raised to what the part says. Nothing is marked. Returns where the user is
 * then; 0 when there is no room. Throws a Fault (`malformed`) for bytes that are no part, or not
 * the user's next. In both cases nothing has changed, but that the user may have moved.
 */
export function readPart(
  table: ReadStateTable,
  user: UserRef,
  part: number,
  source: DataView,
  at: number,
  bytes: number,
): UserRef {
  checkPart(source, at, bytes);
  const rowBytes = source.getUint16(at + 2, true);
  const count = source.getUint8(at + 6);
  const before = table.entriesCountOf(user);
  if (before !== part * PART_ENTRIES) throw malformed('does not follow the part before it');
  const moved = table.reserve(user, count, source.getUint8(at + 7));
  if (moved === 0) return 0;
  for (let i = 0, row = at + HEAD_BYTES; i < count; i++, row += rowBytes) {
    const type = source.getUint32(row + 20, true) & TYPE_MASK;
    const hi = source.getUint32(row + 4, true);
    const lo = source.getUint32(row, true);
    if (table.findEntry(moved, type, hi, lo) !== 0) {
      table.truncate(moved, before);
      throw malformed('has an entry twice');
    }
    table.addEntry(moved, type, hi, lo);
  }
  for (let i = 0; i < count; i++) readRow(table, moved, before + i, source, at, i);
  table.raiseVersion(moved, getUint64(source, at + 8));
  return moved;
}

/** The word of an entry that needs no extension; -1 for one that does. */
function shortWordOf(table: ReadStateTable, entry: EntryRef): number {
  const mentions = table.mentionsOf(entry);
  const flags = table.flagsOf(entry);
  const lastViewed = table.lastViewedOf(entry);
  if (mentions > MENTIONS_MAX || flags > FLAGS_MAX || lastViewed > LAST_VIEWED_MAX) return -1;
  if (table.pinMsOf(entry) !== 0) return -1;
  if (table.manualHi(entry) !== 0 || table.manualLo(entry) !== 0) return -1;
  const low = table.typeOf(entry) | (flags << FLAGS_SHIFT) | (lastViewed << LAST_VIEWED_SHIFT);
  return (low | (mentions << MENTIONS_SHIFT)) >>> 0;
}

function writeExtension(
  table: ReadStateTable,
  entry: EntryRef,
  rowNumber: number,
  target: DataView,
  at: number,
): void {
  target.setUint32(at, table.mentionsOf(entry), true);
  target.setUint32(at + 4, table.flagsOf(entry), true);
  target.setUint32(at + 8, table.lastViewedOf(entry), true);
  setUint64(target, at + 12, table.pinMsOf(entry));
  target.setUint32(at + 20, table.manualLo(entry), true);
  target.setUint32(at + 24, table.manualHi(entry), true);
  target.setUint32(at + 28, rowNumber, true);
}

/** Makes the entry with a number what row `i` of a part that was checked says. */
function readRow(
  table: ReadStateTable,
  user: UserRef,
  number: number,
  source: DataView,
  at: number,
  i: number,
): void {
  const rowBytes = source.getUint16(at + 2, true);
  const row = at + HEAD_BYTES + i * rowBytes;
  const word = source.getUint32(row + 20, true);
  const isExtended = (word & IS_EXTENDED) !== 0;
  const extensionsAt = at + HEAD_BYTES + source.getUint8(at + 6) * rowBytes;
  const x = extensionsAt + (word >>> NUMBER_SHIFT) * source.getUint16(at + 4, true);
  const isPut = table.put(
    user,
    table.entryAt(user, number),
    source.getUint32(row + 12, true),
    source.getUint32(row + 8, true),
    isExtended ? source.getUint32(x, true) : word >>> MENTIONS_SHIFT,
    isExtended ? source.getUint32(x + 4, true) : (word >>> FLAGS_SHIFT) & FLAGS_MAX,
    isExtended ? source.getUint32(x + 8, true) : (word >>> LAST_VIEWED_SHIFT) & LAST_VIEWED_MAX,
    isExtended ? source.getUint32(x + 24, true) : 0,
    isExtended ? source.getUint32(x + 20, true) : 0,
    isExtended ? getUint64(source, x + 12) : 0,
    getUint64(source, at + 16) + source.getUint32(row + 16, true),
  );
  assert(isPut, 'there is room for the extensions of a part');
}

/** Throws a Fault unless the bytes are a part, whatever user it is of. */
function checkPart(source: DataView, at: number, bytes: number): void {
  if (bytes < HEAD_BYTES || at + bytes > source.byteLength) throw malformed('is cut short');
  const rowBytes = source.getUint16(at + 2, true);
  const extensionBytes = source.getUint16(at + 4, true);
  const count = source.getUint8(at + 6);
  const extensions = source.getUint8(at + 7);
  if (source.getUint16(at, true) !== FORMAT) throw malformed('has a format of another time');
  if (rowBytes < ROW_BYTES || extensionBytes < EXTENSION_BYTES) throw malformed('has short rows');
  if (count > PART_ENTRIES || extensions > count) throw malformed('has too many rows');
  const extensionsAt = HEAD_BYTES + count * rowBytes;
  if (bytes !== extensionsAt + extensions * extensionBytes) throw malformed('has another size');
  const userVersion = getUint64(source, at + 8);
  const base = getUint64(source, at + 16);
  if (userVersion > VERSION_MAX) throw malformed('has too high a version');
  let extended = 0;
  for (let i = 0; i < count; i++) {
    const row = at + HEAD_BYTES + i * rowBytes;
    const word = source.getUint32(row + 20, true);
    if ((word & TYPE_MASK) > TYPE_MAX) throw malformed('has an unknown type');
    if (base + source.getUint32(row + 16, true) > userVersion)
      throw malformed('is ahead of itself');
    if ((word & IS_EXTENDED) === 0) continue;
    // In the order of their rows, so none is two rows'.
    if (word >>> NUMBER_SHIFT !== extended++ || extended > extensions) {
      throw malformed('has extensions out of order');
    }
    const x = at + extensionsAt + (extended - 1) * extensionBytes;
    if (source.getUint32(x + 28, true) !== i) throw malformed('has the extension of another row');
    if (getUint64(source, x + 12) > PIN_MS_MAX) throw malformed('has pins beyond all time');
  }
  if (extended !== extensions) throw malformed('has extensions of no row');
}

function malformed(why: string): Fault {
  return new Fault(FaultCode.Malformed, `a part of a user's read states ${why}`);
}

function setUint64(target: DataView, at: number, value: number): void {
  target.setUint32(at, value % UINT32_COUNT, true);
  target.setUint32(at + 4, value / UINT32_COUNT, true);
}

/** Of numbers past 2^53 not the exact value, but one past it too. */
function getUint64(source: DataView, at: number): number {
  return source.getUint32(at + 4, true) * UINT32_COUNT + source.getUint32(at, true);
}
