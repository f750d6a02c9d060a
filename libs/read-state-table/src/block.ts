// The words of a block: where what stands, and how large a block for so many entries is. The
// picture is in read-state-table.ts. Nothing here keeps anything.

/** A block is a whole number of cache lines, so that its head is one of them. */
export const LINE_WORDS = 16;

/** References count 8 bytes from the start of the table's memory; a segment has 2^21 of them. */
export const SEGMENT_SHIFT = 21;
export const UNIT_MASK = (1 << SEGMENT_SHIFT) - 1;

/**
 * The allocator behind an ArrayBuffer hands out memory that lies 16 bytes past a page: what begins
 * at this word begins a cache line. (Where that is not so, all works, a little slower.)
 */
export const SKEW_WORDS = 12;

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
  /** Where rows begin, from the start of the block. */
  readonly rowsAt: number;
  /** The logarithm of the slots of the lane. */
  readonly laneLog: number;
  readonly isWide: boolean;
}

/** The layout for a user with so many entries and, among them, extensions. */
export function layoutOf(entriesCount: number, extensionsCount: number): BlockLayout {
  const isWide = entriesCount > NARROW_MAX;
  let laneLog = 3;
  while (laneCapacity(laneLog, isWide) < entriesCount) laneLog++;
  const capacity = laneCapacity(laneLog, isWide);
  // Odd, so that head and marks together are even and rows begin at a unit.
  const marksWords = ((((capacity - 1) >>> PART_SHIFT) >>> 5) + 1) | 1;
  const laneWords = isWide ? 1 << laneLog : 1 << (laneLog - 1);
  const rowsAt = DIRTY_PARTS + marksWords + laneWords;
  const words = rowsAt + entriesCount * ROW_WORDS + extensionsCount * EXTENSION_WORDS;
  return { blockWords: Math.ceil(words / LINE_WORDS) * LINE_WORDS, rowsAt, laneLog, isWide };
}

/** How many entries a lane of 2^laneLog slots takes: four fifths of them, or what it can number. */
export function laneCapacity(laneLog: number, isWide: boolean): number {
  return Math.min(((1 << laneLog) * 0.8) | 0, isWide ? ENTRIES_MAX : NARROW_MAX);
}
