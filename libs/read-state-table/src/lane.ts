// The lane of a block: which entry has a channel and type. Open addressing with linear probing; a
// slot has some bits of the hash besides the entry's number, so that the row of another entry is
// hardly ever looked at.
//
//   narrow   [hash 8 bits][number + 1, 8 bits]      two slots a word; up to 255 entries
//   wide     [hash 15 bits][number + 1, 17 bits]    one slot a word
//
// 0 is an empty slot. At most four fifths are taken. Where an entry is taken away, those behind
// it move up, so there are no gravestones.
import { hash64 } from './hash.js';
import { DIRTY_PARTS, IS_WIDE, LANE_MASK, LANE_SHIFT, ROWS_AT, ROW_WORDS, SHAPE } from './block.js';

/** There is one word of marks before a narrow lane. */
const NARROW_LANE_AT = DIRTY_PARTS + 1;
const NARROW_NUMBER = 0xff;
const WIDE_NUMBER = 0x1ffff;
const TYPE_MASK = 7;
/** Spreads types, of which most users have entries of one. */
const TYPE_FACTOR = 0x632be5ab;

/** The hash of an entry, of which the lane keeps a part. */
export function entryHash(type: number, hi: number, lo: number, seed: number): number {
  return hash64(hi, lo ^ Math.imul(type, TYPE_FACTOR), seed);
}

/** Where the lane of the block at `at` begins. */
export function laneAt(mem: Int32Array, at: number): number {
  const shape = mem[at + SHAPE]!;
  const laneLog = (shape >>> LANE_SHIFT) & LANE_MASK;
  const words = (shape & IS_WIDE) !== 0 ? 1 << laneLog : 1 << (laneLog - 1);
  return at + mem[at + ROWS_AT]! - words;
}

/** How many words there are between the head and the lane: marks of dirty parts. */
export function marksWordsOf(mem: Int32Array, at: number): number {
  return laneAt(mem, at) - at - DIRTY_PARTS;
}

/**
 * Hot path. Where, in words from the start of its block, the row with a type and channel is; 0 when
 * there is none. For narrow lanes: does not read the head.
 */
export function findInNarrowLane(
  mem: Int32Array,
  at: number,
  laneLog: number,
  hash: number,
  type: number,
  hi: number,
  lo: number,
): number {
  const lane = at + NARROW_LANE_AT;
  const rows = lane + (1 << (laneLog - 1));
  const mask = (1 << laneLog) - 1;
  const tag = hash >>> 24;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const kept = (mem[lane + (slot >>> 1)]! >>> ((slot & 1) << 4)) & 0xffff;
    if (kept === 0) return 0;
    if (kept >>> 8 !== tag) continue;
    const row = rows + ((kept & NARROW_NUMBER) - 1) * ROW_WORDS;
    if (mem[row] === lo && mem[row + 1] === hi && (mem[row + 5]! & TYPE_MASK) === type) {
      return row - at;
    }
  }
}

/** Hot path. The same for wide lanes. */
export function findInWideLane(
  mem: Int32Array,
  at: number,
  hash: number,
  type: number,
  hi: number,
  lo: number,
): number {
  const laneLog = (mem[at + SHAPE]! >>> LANE_SHIFT) & LANE_MASK;
  const rows = at + mem[at + ROWS_AT]!;
  const mask = (1 << laneLog) - 1;
  const lane = rows - (1 << laneLog);
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const kept = mem[lane + slot]!;
    if (kept === 0) return 0;
    if (kept >>> 17 !== hash >>> 17) continue;
    const row = rows + ((kept & WIDE_NUMBER) - 1) * ROW_WORDS;
    if (mem[row] === lo && mem[row + 1] === hi && (mem[row + 5]! & TYPE_MASK) === type) {
      return row - at;
    }
  }
}

/** Puts an entry that is not there into the lane, which has room. */
export function putInLane(mem: Int32Array, at: number, hash: number, number: number): void {
  const lane = laneAt(mem, at);
  const shape = mem[at + SHAPE]!;
  const isWide = (shape & IS_WIDE) !== 0;
  const mask = (1 << ((shape >>> LANE_SHIFT) & LANE_MASK)) - 1;
  let slot = hash & mask;
  while (slotOf(mem, lane, isWide, slot) !== 0) slot = (slot + 1) & mask;
  const tag = isWide ? (hash >>> 17) << 17 : (hash >>> 24) << 8;
  setSlot(mem, lane, isWide, slot, tag | (number + 1));
}

/** Puts another number in place of an entry's: it has moved. */
export function renumberInLane(
  mem: Int32Array,
  at: number,
  hash: number,
  from: number,
  to: number,
): void {
  const lane = laneAt(mem, at);
  const isWide = (mem[at + SHAPE]! & IS_WIDE) !== 0;
  const numberMask = isWide ? WIDE_NUMBER : NARROW_NUMBER;
  const slot = slotWith(mem, at, hash, from);
  const kept = slotOf(mem, lane, isWide, slot);
  setSlot(mem, lane, isWide, slot, (kept & ~numberMask) | (to + 1));
}

/** Takes an entry out of the lane. All rows, its own too, are as they were. */
export function removeFromLane(
  mem: Int32Array,
  at: number,
  hash: number,
  number: number,
  seed: number,
): void {
  const lane = laneAt(mem, at);
  const shape = mem[at + SHAPE]!;
  const isWide = (shape & IS_WIDE) !== 0;
  const numberMask = isWide ? WIDE_NUMBER : NARROW_NUMBER;
  const mask = (1 << ((shape >>> LANE_SHIFT) & LANE_MASK)) - 1;
  const rows = at + mem[at + ROWS_AT]!;
  let hole = slotWith(mem, at, hash, number);
  for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
    const kept = slotOf(mem, lane, isWide, slot);
    if (kept === 0) break;
    const row = rows + ((kept & numberMask) - 1) * ROW_WORDS;
    const home = entryHash(mem[row + 5]! & TYPE_MASK, mem[row + 1]!, mem[row]!, seed) & mask;
    // It may move up unless that were before its home.
    if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
    setSlot(mem, lane, isWide, hole, kept);
    hole = slot;
  }
  setSlot(mem, lane, isWide, hole, 0);
}

/** The slot of the entry with a number. */
function slotWith(mem: Int32Array, at: number, hash: number, number: number): number {
  const lane = laneAt(mem, at);
  const shape = mem[at + SHAPE]!;
  const isWide = (shape & IS_WIDE) !== 0;
  const numberMask = isWide ? WIDE_NUMBER : NARROW_NUMBER;
  const mask = (1 << ((shape >>> LANE_SHIFT) & LANE_MASK)) - 1;
  let slot = hash & mask;
  while ((slotOf(mem, lane, isWide, slot) & numberMask) !== number + 1) slot = (slot + 1) & mask;
  return slot;
}

function slotOf(mem: Int32Array, lane: number, isWide: boolean, slot: number): number {
  if (isWide) return mem[lane + slot]!;
  return (mem[lane + (slot >>> 1)]! >>> ((slot & 1) << 4)) & 0xffff;
}

function setSlot(mem: Int32Array, lane: number, isWide: boolean, slot: number, kept: number): void {
  if (isWide) {
    mem[lane + slot] = kept;
    return;
  }
  const shift = (slot & 1) << 4;
  const word = lane + (slot >>> 1);
  mem[word] = (mem[word]! & ~(0xffff << shift)) | (kept << shift);
}
