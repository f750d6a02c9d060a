// Where blocks lie: segments of at most 16 MiB, each filled from its start to its end. A block that
// is freed leaves a hole. Holes are won back by cleaning: the segment with the least alive is
// emptied, a few blocks at a time, into a segment of its own, and begins anew. So any size fits
// anywhere, no hole is ever too small, and at a bound nine tenths of the memory can be alive. What
// a block that is taken pays for cleaning is bound by its own size; should that once not have been
// enough, by one segment.
//
// The last free segment is the cleaner's, so cleaning always gets to its end.
import { assert } from '@guildhall/fault';
import {
  blockAt,
  blockRef,
  IS_DEAD,
  LINE_WORDS,
  LINES_MASK,
  SEGMENT_SHIFT,
  SHAPE,
  SKEW_WORDS,
} from './block.js';

const WORDS_MAX = 2 << SEGMENT_SHIFT;
/** Where the first block of a segment begins: not at its first line, see block.ts. */
const FIRST_AT = SKEW_WORDS + LINE_WORDS;
const WORDS_MIN = 1 << 14;
const SEGMENTS_MIN = 22;
const SEGMENTS_MAX = 1 << 10;
const WORD_BYTES = 4;
/** Where cleaning is under way, each word that is taken pays for this many to be looked at. */
const CLEANED_PER_TAKEN = 10;
/** Below so many segments to take, cleaning begins. */
const segmentsLow = (segmentsMax: number): number => 2 + (segmentsMax >>> 5);

/** Who has references to blocks. */
export interface BlockOwner {
  /** A block is about to move; all of it is at `to` already. */
  moved(from: number, to: number): void;
}

/** Memory of at most `bytesMax`, in blocks that the owner lets move. */
export class Segments {
  /** The segments; of a reference `ref` it is number `ref >>> SEGMENT_SHIFT`. */
  readonly arrays: Int32Array[] = [];
  readonly segmentWords: number;
  readonly segmentsMax: number;
  /** The largest block there can be. */
  readonly blockWordsMax: number;
  /** More than this must not be alive at once, or cleaning costs too much. */
  readonly liveWordsMax: number;
  readonly #owner: BlockOwner;
  /** By segment, in words: where the next block goes, and how much of what lies before is alive. */
  readonly #fill: Int32Array;
  readonly #live: Int32Array;
  readonly #touched: Int32Array;
  #touchedWords = 0;
  readonly #empty: number[] = [];
  #head = -1;
  /** Where the cleaner puts what it moves. */
  #sink = -1;
  #victim = -1;
  #victimAt = 0;
  #liveWords = 0;
  #filledWords = 0;
  #movesCount = 0;

  constructor(bytesMax: number, owner: BlockOwner) {
    let words = WORDS_MAX;
    while (words > WORDS_MIN && words * WORD_BYTES * SEGMENTS_MIN > bytesMax) words >>>= 1;
    const segmentsMax = Math.floor(bytesMax / (words * WORD_BYTES));
    assert(segmentsMax >= 8, 'there is room for a few segments');
    assert(segmentsMax <= SEGMENTS_MAX, 'references reach every segment');
    this.segmentWords = words;
    this.segmentsMax = segmentsMax;
    this.blockWordsMax = words >>> 1;
    this.liveWordsMax = Math.floor((segmentsMax - 3) * (words - LINE_WORDS) * 0.9);
    this.#fill = new Int32Array(segmentsMax);
    this.#live = new Int32Array(segmentsMax);
    this.#touched = new Int32Array(segmentsMax);
    this.#owner = owner;
  }

  get liveWords(): number {
    return this.#liveWords;
  }

  /** What segments that are in use hold, holes included. */
  get filledWords(): number {
    return this.#filledWords;
  }

  /** Memory that was ever touched: what a segment never held is no memory yet. */
  get bytesUsed(): number {
    return this.#touchedWords * WORD_BYTES;
  }

  get movesCount(): number {
    return this.#movesCount;
  }

  /**
   * A block of so many words, a multiple of a line, and of a shape, which is written into it; 0
   * when there is no room before cleaning.
   */
  take(words: number, shape: number): number {
    if (!this.#hasRoom(this.#head, words)) {
      if (this.#emptyCount() <= 1) return 0;
      this.#head = this.#begin(this.#head);
    }
    return this.#bump(this.#head, words, shape);
  }

  /** Gives a block back. */
  free(ref: number): void {
    const segment = ref >>> SEGMENT_SHIFT;
    const words = this.#kill(ref);
    this.#live[segment]! -= words;
    this.#liveWords -= words;
    this.#emptyIfDead(segment);
  }

  /** Cleans a little, if it is time to: enough to stay ahead of blocks of so many words. */
  cleanFor(words: number): void {
    if (this.#victim < 0) {
      const isLow = this.#emptyCount() <= segmentsLow(this.segmentsMax);
      const isHollow = (this.#filledWords - this.#liveWords) * 4 > this.#filledWords;
      if (!isLow && !isHollow) return;
      // What is nearly full is not worth it yet, unless there is no choice.
      if (!this.#chooseVictim(isLow ? 15 / 16 : 3 / 4)) return;
    }
    this.#clean(words * CLEANED_PER_TAKEN + LINE_WORDS * 16);
  }

  /** Cleans one segment to its end. Says whether there was one worth it. */
  cleanWhole(): boolean {
    if (this.#victim < 0 && !this.#chooseVictim(15 / 16)) return false;
    this.#clean(this.segmentWords);
    return true;
  }

  /** Calls back with each block that is alive, in any order. For checks: it looks at everything. */
  forEachBlock(visit: (ref: number) => void): void {
    for (let segment = 0; segment < this.arrays.length; segment++) {
      const mem = this.arrays[segment]!;
      const last = this.#fill[segment]! - LINE_WORDS;
      for (let at = FIRST_AT; at <= last; at += wordsAt(mem, at)) {
        if ((mem[at + SHAPE]! & IS_DEAD) === 0) visit(blockRef(segment, at, mem[at + SHAPE]!));
      }
    }
  }

  /** Throws a Bug unless all counts are what the blocks say. For tests. */
  check(): void {
    const live = new Int32Array(this.segmentsMax);
    this.forEachBlock((ref) => {
      const segment = ref >>> SEGMENT_SHIFT;
      live[segment]! += wordsAt(this.arrays[segment]!, blockAt(ref));
    });
    let liveWords = 0;
    let filledWords = 0;
    for (let segment = 0; segment < this.arrays.length; segment++) {
      assert(live[segment] === this.#live[segment], 'a segment knows what is alive in it');
      const isEmpty = this.#empty.includes(segment);
      assert(!isEmpty || this.#fill[segment] === 0, 'an empty segment is filled from its start');
      assert(this.#fill[segment]! <= this.segmentWords, 'a segment is not filled past its end');
      liveWords += live[segment]!;
      filledWords += this.#fill[segment]!;
    }
    assert(liveWords === this.#liveWords, 'what is alive adds up');
    assert(filledWords === this.#filledWords, 'what is filled adds up');
    assert(new Set(this.#empty).size === this.#empty.length, 'a segment is empty once');
  }

  #emptyCount(): number {
    return this.#empty.length + this.segmentsMax - this.arrays.length;
  }

  #hasRoom(segment: number, words: number): boolean {
    return segment >= 0 && this.#fill[segment]! + words <= this.segmentWords;
  }

  /** Begins a segment in place of one that is full. */
  #begin(full: number): number {
    let segment = this.#empty.pop();
    if (segment === undefined) {
      segment = this.arrays.length;
      assert(segment < this.segmentsMax, 'the cleaner has a segment');
      this.arrays.push(new Int32Array(this.segmentWords));
    }
    this.#fill[segment] = FIRST_AT;
    this.#filledWords += FIRST_AT;
    if (full >= 0) this.#seal(full);
    return segment;
  }

  /** Nothing more goes into a segment. */
  #seal(segment: number): void {
    // The rest of it is a hole like any other.
    this.#filledWords += this.segmentWords - this.#fill[segment]!;
    this.#padToEnd(segment);
    if (segment === this.#head) this.#head = -1;
    if (segment === this.#sink) this.#sink = -1;
    this.#emptyIfDead(segment);
  }

  /** Marks what is left of a segment as one dead block, so that walks go on to the end. */
  #padToEnd(segment: number): void {
    const at = this.#fill[segment]!;
    const lines = Math.floor((this.segmentWords - at) / LINE_WORDS);
    if (lines > 0) this.arrays[segment]![at + SHAPE] = lines | IS_DEAD;
    this.#fill[segment] = this.segmentWords;
  }

  #bump(segment: number, words: number, shape: number): number {
    const at = this.#fill[segment]!;
    const end = at + words;
    this.#fill[segment] = end;
    this.#filledWords += words;
    this.#live[segment]! += words;
    if (end > this.#touched[segment]!) {
      this.#touchedWords += end - this.#touched[segment]!;
      this.#touched[segment] = end;
    }
    this.#liveWords += words;
    this.arrays[segment]![at + SHAPE] = shape;
    return blockRef(segment, at, shape);
  }

  /** Marks a block as dead; returns its words. */
  #kill(ref: number): number {
    const mem = this.arrays[ref >>> SEGMENT_SHIFT]!;
    const at = blockAt(ref);
    assert((mem[at + SHAPE]! & IS_DEAD) === 0, 'a block is freed once');
    mem[at + SHAPE]! |= IS_DEAD;
    return wordsAt(mem, at);
  }

  #emptyIfDead(segment: number): void {
    if (this.#live[segment] !== 0 || this.#fill[segment] === 0) return;
    if (segment === this.#head || segment === this.#sink || segment === this.#victim) return;
    this.#filledWords -= this.#fill[segment]!;
    this.#fill[segment] = 0;
    this.#empty.push(segment);
  }

  /** Chooses the segment with the least alive, if that is at most such a share of it. */
  #chooseVictim(shareMax: number): boolean {
    let least = shareMax * this.segmentWords;
    for (let segment = 0; segment < this.arrays.length; segment++) {
      const live = this.#live[segment]!;
      if (live > least || this.#fill[segment] === 0) continue;
      if (segment === this.#head || segment === this.#sink) continue;
      least = live;
      this.#victim = segment;
    }
    this.#victimAt = FIRST_AT;
    return this.#victim >= 0;
  }

  /** Looks at so many words of the victim, and moves what is alive. */
  #clean(words: number): void {
    const segment = this.#victim;
    const mem = this.arrays[segment]!;
    const end = this.#fill[segment]!;
    const until = Math.min(end, this.#victimAt + words);
    let at = this.#victimAt;
    // The last line may be cut short by the skew.
    while (at < until && at + LINE_WORDS <= end) {
      const blockWords = wordsAt(mem, at);
      if ((mem[at + SHAPE]! & IS_DEAD) === 0) this.#move(mem, segment, at, blockWords);
      at += blockWords;
    }
    this.#victimAt = at;
    if (at + LINE_WORDS <= end && this.#live[segment] !== 0) return;
    assert(this.#live[segment] === 0, 'what was cleaned is empty');
    this.#victim = -1;
    this.#emptyIfDead(segment);
  }

  #move(mem: Int32Array, segment: number, at: number, words: number): void {
    if (!this.#hasRoom(this.#sink, words)) this.#sink = this.#begin(this.#sink);
    const from = blockRef(segment, at, mem[at + SHAPE]!);
    const to = this.#bump(this.#sink, words, mem[at + SHAPE]!);
    copyWords(mem, at, this.arrays[to >>> SEGMENT_SHIFT]!, blockAt(to), words);
    this.#owner.moved(from, to);
    this.#kill(from);
    this.#live[segment]! -= words;
    this.#liveWords -= words;
    this.#movesCount += 1;
  }
}

/** Copies words between segments. */
export function copyWords(
  source: Int32Array,
  from: number,
  target: Int32Array,
  to: number,
  words: number,
): void {
  // A loop is faster than a view for what most users have.
  if (words > 4_096) target.set(source.subarray(from, from + words), to);
  else for (let i = 0; i < words; i++) target[to + i] = source[from + i]!;
}

function wordsAt(mem: Int32Array, at: number): number {
  return (mem[at + SHAPE]! & LINES_MASK) * LINE_WORDS;
}
