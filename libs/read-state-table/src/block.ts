// The words of a block: where what stands, and how large a block for so many entries is. The
// picture is in read-state-table.ts. Nothing here keeps anything.

/** A block is a whole number of cache lines, so that its head is one of them. */
export const LINE_WORDS = 16;

/** References count 8 bytes from the start of the table's memory; a segment has 2^21 of them. */
export const SEGMENT_SHIFT = 21;
export const UNIT_MASK = (1 << SEGMENT_SHIFT) - 1;

// Blocks begin a line, so the lowest three bits of a reference to one would all be the same. They
// say instead how long its lane is: a lookup then reads the lane while the head, in which it has
// still to see whether this is the user, is on its way from memory.
//
//   to a block   [segment 10 bits][line 18 bits][class 3 bits]        never 0: line 0 is not used
//   to an entry  [segment 10 bits][8-byte unit 21 bits]
//
// A class is the logarithm of the slots of a narrow lane, less 3; 7 is any other: see the head.
export const CLASS_MASK = 7;
export const CLASS_WIDE = 7;
export const LANE_LOG_MIN = 3;

/**
 * The allocator behind an ArrayBuffer hands out memory that lies 16 bytes past a page: a line
 * begins this many words after a multiple of 16. (Where that is not so, all works, but slower.)
 */
export const SKEW_WORDS = 12;
const BLOCK_MASK = UNIT_MASK & ~CLASS_MASK;

/** Hot path. At which word of its segment a block begins. */
export function blockAt(block: number): number {
  return ((block & BLOCK_MASK) << 1) + SKEW_WORDS;
}

/** The reference to a block that begins at a word of a segment. */
export function blockRef(segment: number, at: number, shape: number): number {
  const cls =
    (shape & IS_WIDE) !== 0 ? CLASS_WIDE : ((shape >>> LANE_SHIFT) & LANE_MASK) - LANE_LOG_MIN;
  return (segment << SEGMENT_SHIFT) | ((at - SKEW_WORDS) >>> 1) | cls;
}

/** Hot path. The reference to what lies so many words into a block. */
export function unitRef(block: number, words: number): number {
  return (block & ~CLASS_MASK) + ((SKEW_WORDS + words) >> 1);
}

// The words of a block's head.
export const USER_LO = 0;
export const USER_HI = 1;
export const SHAPE = 2;
export const ENTRIES = 3;
export const EXTENSIONS = 4;
export const VERSION_LO = 5;
export const VERSION_HI = 6;
export const BASE_LO = 7;
export const BASE_HI = 8;
export const HOLDS = 9;
export const PARTITION_NEXT = 10;
export const PARTITION_PREVIOUS = 11;
export const DIRTY_NEXT = 12;
export const DIRTY_PREVIOUS = 13;
export const ROWS_AT = 14;
export const DIRTY_PARTS = 15;

// The bits of SHAPE.
export const LINES_MASK = 0xfffff;
export const LANE_SHIFT = 20;
export const LANE_MASK = 0x1f;
export const IS_WIDE = 1 << 25;
export const IS_DIRTY = 1 << 26;
export const IS_DEAD = 1 << 27;

export const ROW_WORDS = 6;
export const EXTENSION_WORDS = 8;

/** A lane slot of 16 bits has room for this many entry numbers. */
const NARROW_MAX = 255;
/** One of 32 bits, 15 of them tag, for this many: the most entries a user may have. */
export const ENTRIES_MAX = 0x1ffff;

/** Entries are stored outside in parts of so many. */
export const PART_ENTRIES = 64;
export const PART_SHIFT = 6;

/** What a block is made of. */
export interface BlockLayout {
  readonly blockWords: number;
  /** As in the head. */
  readonly shape: number;
  /** Where rows begin, from the start of the block. */
  readonly rowsAt: number;
}

/** The layout for a user with so many entries and, among them, extensions. */
export function layoutOf(entriesCount: number, extensionsCount: number): BlockLayout {
  const isWide = entriesCount > NARROW_MAX;
  let laneLog = LANE_LOG_MIN;
  while (laneCapacity(laneLog, isWide) < entriesCount) laneLog++;
  const capacity = laneCapacity(laneLog, isWide);
  // Odd, so that head and marks together are even and rows begin at a unit. One for a narrow lane.
  const marksWords = ((((capacity - 1) >>> PART_SHIFT) >>> 5) + 1) | 1;
  const laneWords = isWide ? 1 << laneLog : 1 << (laneLog - 1);
  const rowsAt = DIRTY_PARTS + marksWords + laneWords;
  const words = rowsAt + entriesCount * ROW_WORDS + extensionsCount * EXTENSION_WORDS;
  const lines = Math.ceil(words / LINE_WORDS);
  const shape = lines | (laneLog << LANE_SHIFT) | (isWide ? IS_WIDE : 0);
  return { blockWords: lines * LINE_WORDS, shape, rowsAt };
}

/** How many entries a lane of 2^laneLog slots takes: four fifths of them, or what it can number. */
export function laneCapacity(laneLog: number, isWide: boolean): number {
  return Math.min(((1 << laneLog) * 0.8) | 0, isWide ? ENTRIES_MAX : NARROW_MAX);
}
