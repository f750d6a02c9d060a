// Users as blocks of memory: who is here, in which partition, who must stay, who has changes that
// are not stored outside. What is in a block besides its head is read-state-table.ts's.
import { assert } from '@guildhall/fault';
import {
  blockAt,
  DIRTY_PARTS,
  ENTRIES,
  ENTRIES_MAX,
  EXTENSIONS,
  EXTENSION_WORDS,
  HOLDS,
  IS_DIRTY,
  IS_WIDE,
  LANE_MASK,
  LANE_SHIFT,
  LINES_MASK,
  LINE_WORDS,
  laneCapacity,
  layoutOf,
  PART_SHIFT,
  ROWS_AT,
  ROW_WORDS,
  SEGMENT_SHIFT,
  SHAPE,
  USER_HI,
  USER_LO,
  VERSION_HI,
  VERSION_LO,
  type BlockLayout,
} from './block.js';
import { hash64 } from './hash.js';
import { entryHash, laneAt, marksWordsOf, putInLane } from './lane.js';
import { copyWords, Segments } from './segments.js';
import { INDEX_BYTES_PER_USER, UserIndex } from './user-index.js';
import { UserLists } from './user-lists.js';

/**
 * A user that is here; 0: none. Good until the next `add` or `reserve` of any user, or until it is
 * dropped; then it is asked for again.
 */
export type UserRef = number;

/** The highest version there can be. */
export const VERSION_MAX = Number.MAX_SAFE_INTEGER;

/** The least that a table can be made of. */
export const BYTES_MIN = 2 << 20;
/** What references reach. */
export const BYTES_MAX = 16 * 2 ** 30;

export interface ReadStateTableOptions {
  /** All memory of the table; a sixteenth of it is the index's. From BYTES_MIN to BYTES_MAX. */
  readonly bytesMax: number;
  /** 32 bits that callers do not know, so that nobody can choose ids that collide. Default 0. */
  readonly hashSeed?: number;
}

const UINT32_COUNT = 2 ** 32;
const INDEX_SHARE = 16;
/** How far the hand goes for one user to forget: some thousands of users. */
const SWEEP_BUCKETS_MAX = 1_024;
/** How often cleaning is tried for one block before users have to go for it. */
const CLEANINGS_MAX = 4;
const ALLOCATIONS_MAX = 1_000;

/** The users. Subclassed by the table, which knows what an entry is. */
export class UserBlocks {
  protected readonly segments: Segments;
  protected readonly lists: UserLists;
  protected readonly seed: number;
  readonly #index: UserIndex;
  readonly #usersMax: number;
  protected entriesTotal = 0;
  #pinnedCount = 0;
  #evictionsCount = 0;
  /** The user for whom there is being made room: it stays, and where it moves to is noted. */
  #kept: UserRef = 0;
  readonly #mayGo = (user: UserRef): boolean => user !== this.#kept && !this.isPinned(user);

  constructor(options: ReadStateTableOptions) {
    const { bytesMax, hashSeed = 0 } = options;
    assert(bytesMax >= BYTES_MIN && bytesMax <= BYTES_MAX, 'the table has a size that works');
    const indexBytesMax = Math.floor(bytesMax / INDEX_SHARE);
    this.seed = hashSeed | 0;
    this.segments = new Segments(bytesMax - indexBytesMax, {
      moved: (from, to) => this.#moved(from, to),
    });
    this.lists = new UserLists(this.segments.arrays);
    this.#index = new UserIndex(this.segments.arrays);
    this.#usersMax = Math.floor(indexBytesMax / (INDEX_BYTES_PER_USER * 1.5));
  }

  get usersCount(): number {
    return this.#index.usersCount;
  }

  get entriesCount(): number {
    return this.entriesTotal;
  }

  /** Memory of the table that was ever touched. Never more than `bytesMax`. */
  get bytesUsed(): number {
    return this.segments.bytesUsed + this.#index.bytesUsed;
  }

  /** Of `bytesUsed`, what users are in; the rest waits for others. */
  get bytesLive(): number {
    return this.segments.liveWords * 4 + this.#index.bytesUsed;
  }

  /** Users that were forgotten to make room. */
  get evictionsCount(): number {
    return this.#evictionsCount;
  }

  /** Blocks that were moved to win back memory. */
  get movesCount(): number {
    return this.segments.movesCount;
  }

  /** Users that are held, or have dirty parts, or both: none of them can be forgotten. */
  get pinnedUsersCount(): number {
    return this.#pinnedCount;
  }

  /** Users with dirty parts. */
  get dirtyUsersCount(): number {
    return this.lists.dirtyCount;
  }

  /** Hot path. A user by the halves of its id; it counts as used just now. 0: it is not here. */
  find(userHi: number, userLo: number): UserRef {
    const hash = hash64(userHi, userLo, this.seed);
    return this.#index.find(hash, userHi | 0, userLo | 0, true);
  }

  /** As `find`, but the user does not count as used. */
  peek(userHi: number, userLo: number): UserRef {
    const hash = hash64(userHi, userLo, this.seed);
    return this.#index.find(hash, userHi | 0, userLo | 0, false);
  }

  /**
   * Adds a user that is not here (else a Bug), without entries, at version 0, with room for as many
   * as are expected. Users unused for long are forgotten to make room. 0: there is no room, since
   * all others are pinned; nothing was added.
   */
  add(userHi: number, userLo: number, entriesExpected: number): UserRef {
    assert(this.peek(userHi, userLo) === 0, 'a user is added once');
    const layout = layoutOf(Math.min(Math.max(entriesExpected, 1), ENTRIES_MAX), 0);
    while (this.usersCount >= this.#usersMax) if (!this.#evictOne()) return 0;
    const user = this.#allocate(layout, 0);
    if (user === 0) return 0;
    const mem = this.#memOf(user);
    const at = blockAt(user);
    initBlock(mem, at, layout);
    mem[at + USER_LO] = userLo;
    mem[at + USER_HI] = userHi;
    this.lists.add(user);
    this.#index.insert(hash64(userHi, userLo, this.seed), user);
    return user;
  }

  /** Forgets a user, whether pinned or not. */
  drop(user: UserRef): void {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    if (this.isPinned(user)) this.#pinnedCount -= 1;
    this.lists.remove(user);
    this.#index.replace(hash64(mem[at + USER_HI]!, mem[at + USER_LO]!, this.seed), user, 0);
    this.entriesTotal -= mem[at + ENTRIES]!;
    this.segments.free(user);
  }

  /** Forgets up to so many users of a partition, pinned or not; says how many there were. */
  dropPartition(partition: number, usersMax: number): number {
    let dropped = 0;
    while (dropped < usersMax) {
      const user = this.lists.firstOf(partition);
      if (user === 0) break;
      this.drop(user);
      dropped += 1;
    }
    return dropped;
  }

  /** A user of a partition, 0 if there is none. The others follow by `nextOf`, in any order. */
  firstOf(partition: number): UserRef {
    return this.lists.firstOf(partition);
  }

  /** The user after this one in its partition, 0 after the last. */
  nextOf(user: UserRef): UserRef {
    return this.lists.nextOf(user);
  }

  /** The upper half of a user's id, unsigned as all halves that are returned. */
  userHi(user: UserRef): number {
    return this.#memOf(user)[blockAt(user) + USER_HI]! >>> 0;
  }

  userLo(user: UserRef): number {
    return this.#memOf(user)[blockAt(user) + USER_LO]! >>> 0;
  }

  /** Hot path. The version of the user's last change. */
  versionOf(user: UserRef): number {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    return mem[at + VERSION_HI]! * UINT32_COUNT + (mem[at + VERSION_LO]! >>> 0);
  }

  /** Raises the user's version; a lower one than it has changes nothing. Not beyond VERSION_MAX. */
  raiseVersion(user: UserRef, version: number): void {
    assert(Number.isSafeInteger(version) && version >= 0, 'a version is a whole number');
    if (version <= this.versionOf(user)) return;
    const mem = this.#memOf(user);
    const at = blockAt(user);
    mem[at + VERSION_LO] = version;
    mem[at + VERSION_HI] = version / UINT32_COUNT;
  }

  /** Hot path. How many entries a user has. */
  entriesCountOf(user: UserRef): number {
    return this.#memOf(user)[blockAt(user) + ENTRIES]!;
  }

  /** Pins a user: it has a change that is not durable yet. Once for each. */
  hold(user: UserRef): void {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    if (!this.isPinned(user)) this.#pinnedCount += 1;
    mem[at + HOLDS]! += 1;
  }

  /** Ends one `hold`. A Bug if there was none. */
  release(user: UserRef): void {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    assert(mem[at + HOLDS]! > 0, 'a user is released as often as it was held');
    mem[at + HOLDS]! -= 1;
    if (!this.isPinned(user)) this.#pinnedCount -= 1;
  }

  /** How many holds of a user have not ended. */
  holdsOf(user: UserRef): number {
    return this.#memOf(user)[blockAt(user) + HOLDS]!;
  }

  /** Whether a user is held or has dirty parts, and so cannot be forgotten to make room. */
  isPinned(user: UserRef): boolean {
    return this.holdsOf(user) > 0 || this.lists.isDirty(user);
  }

  /** The user with dirty parts for longest, 0 if none has. */
  oldestDirty(): UserRef {
    return this.lists.dirtyFirst;
  }

  /** The user that has had dirty parts for longest after this one, which has some; 0: none. */
  dirtyAfter(user: UserRef): UserRef {
    return this.lists.dirtyAfter(user);
  }

  /**
   * The first dirty part from `part` on, -1 if there is none. It may be one that a user no longer
   * has (see `partsCountOf`): its last entries were removed.
   */
  nextDirtyPart(user: UserRef, part: number): number {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    const marksWords = marksWordsOf(mem, at);
    for (let word = part >>> 5; word < marksWords; word++) {
      let marks = mem[at + DIRTY_PARTS + word]!;
      if (word === part >>> 5) marks &= -1 << (part & 31);
      if (marks !== 0) return word * 32 + 31 - Math.clz32(marks & -marks);
    }
    return -1;
  }

  /** Hot path. Says that a part has to be stored; with its first the user gets into the list. */
  markDirty(user: UserRef, part: number): void {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    mem[at + DIRTY_PARTS + (part >>> 5)]! |= 1 << (part & 31);
    if (this.lists.isDirty(user)) return;
    if (mem[at + HOLDS] === 0) this.#pinnedCount += 1;
    this.lists.addDirty(user);
  }

  /** Takes the mark from a part. A change that is made later marks it again. */
  clearDirty(user: UserRef, part: number): void {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    mem[at + DIRTY_PARTS + (part >>> 5)]! &= ~(1 << (part & 31));
    if (!this.lists.isDirty(user) || this.nextDirtyPart(user, 0) >= 0) return;
    this.lists.removeDirty(user);
    if (mem[at + HOLDS] === 0) this.#pinnedCount -= 1;
  }

  /** In how many parts a user is stored: at least one, since the first has its version. */
  partsCountOf(user: UserRef): number {
    return Math.max(1, (this.entriesCountOf(user) + 63) >>> PART_SHIFT);
  }

  /**
   * Makes room for so many more entries of a user, and for extensions of entries, without which
   * those cannot have pins, a manual mark, or large numbers. Returns where the user is then; 0 when
   * there is no room, or it would have too many: nothing was changed. Cheap when there is room.
   */
  reserve(user: UserRef, entriesCount: number, extensionsCount = entriesCount): UserRef {
    const mem = this.#memOf(user);
    const at = blockAt(user);
    const count = mem[at + ENTRIES]!;
    const shape = mem[at + SHAPE]!;
    const capacity = laneCapacity((shape >>> LANE_SHIFT) & LANE_MASK, (shape & IS_WIDE) !== 0);
    const words = entriesCount * ROW_WORDS + extensionsCount * EXTENSION_WORDS;
    if (count + entriesCount <= capacity && freeWordsOf(mem, at) >= words) return user;
    // Parts that are gone, but are still to be taken away outside, keep their marks.
    const needed = Math.max(count + entriesCount, this.#markedEntriesOf(mem, at));
    if (needed > ENTRIES_MAX) return 0;
    const extensions = mem[at + EXTENSIONS]! + extensionsCount;
    // A quarter more than there are, so that a user that grows is copied a few times only.
    const roomy = Math.min(Math.max(needed, count + (count >>> 2)), ENTRIES_MAX);
    return (
      this.#resize(user, layoutOf(roomy, extensions)) ||
      this.#resize(user, layoutOf(needed, extensions))
    );
  }

  /** Throws a Bug unless everything about users adds up. For tests: it looks at everything. */
  protected checkUsers(): void {
    this.segments.check();
    const blocks = new Set<UserRef>();
    this.segments.forEachBlock((ref) => blocks.add(ref));
    const users = new Set<UserRef>();
    let pinned = 0;
    let entries = 0;
    this.#index.forEach((user, hash) => {
      assert(blocks.has(user) && !users.has(user), 'a user has one block, a block one user');
      assert(hash === hash64(this.userHi(user), this.userLo(user), this.seed), 'a hash is its own');
      users.add(user);
      entries += this.entriesCountOf(user);
      if (this.isPinned(user)) pinned += 1;
      assert(this.lists.isDirty(user) === this.nextDirtyPart(user, 0) >= 0, 'dirty is dirty');
    });
    assert(users.size === blocks.size && users.size === this.usersCount, 'users add up');
    assert(entries === this.entriesTotal, 'entries add up');
    assert(pinned === this.#pinnedCount, 'pinned users add up');
    this.#checkLists(users);
  }

  #checkLists(users: ReadonlySet<UserRef>): void {
    const listed = new Set<UserRef>();
    for (let partition = 0; partition < 1_024; partition++) {
      for (let user = this.firstOf(partition); user !== 0; user = this.nextOf(user)) {
        assert(users.has(user) && !listed.has(user), 'a user is in one list');
        assert(((this.userLo(user) >>> 12) & 1_023) === partition, 'that of its partition');
        listed.add(user);
      }
    }
    assert(listed.size === users.size, 'every user is in a list');
    let dirty = 0;
    for (let user = this.oldestDirty(); user !== 0; user = this.dirtyAfter(user)) {
      assert(users.has(user) && this.lists.isDirty(user), 'who is listed as dirty is');
      dirty += 1;
      assert(dirty <= users.size, 'the list of dirty users ends');
    }
    assert(dirty === this.dirtyUsersCount, 'dirty users add up');
  }

  /** How many entries a block must have marks for. Any has marks for what a word can mark. */
  #markedEntriesOf(mem: Int32Array, at: number): number {
    for (let word = marksWordsOf(mem, at) - 1; word > 0; word--) {
      const marks = mem[at + DIRTY_PARTS + word]!;
      if (marks !== 0) return ((word * 32 + 31 - Math.clz32(marks)) << PART_SHIFT) + 1;
    }
    return 0;
  }

  #memOf(user: UserRef): Int32Array {
    return this.segments.arrays[user >>> SEGMENT_SHIFT]!;
  }

  /** Memory for a block, for which users may have to go; not `kept`, which may move. */
  #allocate(layout: BlockLayout, kept: UserRef): UserRef {
    const { segments } = this;
    const words = layout.blockWords;
    this.#kept = kept;
    if (words > segments.blockWordsMax) return 0;
    while (segments.liveWords + words > segments.liveWordsMax) if (!this.#evictOne()) return 0;
    segments.cleanFor(words);
    for (let tries = 0; tries < ALLOCATIONS_MAX; tries++) {
      const ref = segments.take(words, layout.shape);
      if (ref !== 0) return ref;
      const isWon = tries < CLEANINGS_MAX && segments.cleanWhole();
      if (!isWon && !this.#evictOne() && !segments.cleanWhole()) return 0;
    }
    return 0;
  }

  /** Forgets the next user that was not used for long, or if all were, the next. */
  #evictOne(): boolean {
    if (this.#pinnedCount === this.usersCount) return false;
    let fallback = 0;
    const bucketsMax = Math.min(SWEEP_BUCKETS_MAX, this.#index.bucketsCount * 2);
    for (let i = 0; i < bucketsMax; i++) {
      const user = this.#index.sweep(this.#mayGo);
      if (user > 0) return this.#evict(user);
      if (fallback === 0) fallback = -user;
    }
    return fallback !== 0 && this.#evict(fallback);
  }

  #evict(user: UserRef): true {
    this.drop(user);
    this.#evictionsCount += 1;
    return true;
  }

  #moved(from: UserRef, to: UserRef): void {
    const hash = hash64(this.userHi(to), this.userLo(to), this.seed);
    this.#index.replace(hash, from, to);
    this.lists.moved(to);
    if (this.#kept === from) this.#kept = to;
  }

  /** Puts a user into a block of another layout, with all it has. 0 when there is no room. */
  #resize(user: UserRef, layout: BlockLayout): UserRef {
    const to = this.#allocate(layout, user);
    if (to === 0) return 0;
    const from = this.#kept;
    const source = this.#memOf(from);
    const target = this.#memOf(to);
    const sourceAt = blockAt(from);
    const targetAt = blockAt(to);
    initBlock(target, targetAt, layout);
    copyBlock(source, sourceAt, target, targetAt, this.seed);
    this.#moved(from, to);
    this.segments.free(from);
    return to;
  }
}

/** How many words are between rows and extensions. */
export function freeWordsOf(mem: Int32Array, at: number): number {
  const words = (mem[at + SHAPE]! & LINES_MASK) * LINE_WORDS - mem[at + ROWS_AT]!;
  return words - mem[at + ENTRIES]! * ROW_WORDS - mem[at + EXTENSIONS]! * EXTENSION_WORDS;
}

/** Writes the head of an empty block, and clears its marks and lane. */
function initBlock(mem: Int32Array, at: number, layout: BlockLayout): void {
  mem.fill(0, at, at + layout.rowsAt);
  mem[at + SHAPE] = layout.shape;
  mem[at + ROWS_AT] = layout.rowsAt;
}

/** Copies all of a user into a block that is initialised, and has room. */
function copyBlock(
  source: Int32Array,
  sourceAt: number,
  target: Int32Array,
  targetAt: number,
  seed: number,
): void {
  const shape = target[targetAt + SHAPE]!;
  const rowsAt = target[targetAt + ROWS_AT]!;
  const marksWords = Math.min(marksWordsOf(source, sourceAt), marksWordsOf(target, targetAt));
  copyWords(source, sourceAt, target, targetAt, DIRTY_PARTS + marksWords);
  target[targetAt + SHAPE] = shape | (source[sourceAt + SHAPE]! & IS_DIRTY);
  target[targetAt + ROWS_AT] = rowsAt;

  const entries = source[sourceAt + ENTRIES]!;
  const sourceRows = sourceAt + source[sourceAt + ROWS_AT]!;
  const targetRows = targetAt + rowsAt;
  copyWords(source, sourceRows, target, targetRows, entries * ROW_WORDS);

  const extensionsWords = source[sourceAt + EXTENSIONS]! * EXTENSION_WORDS;
  const sourceEnd = sourceAt + (source[sourceAt + SHAPE]! & LINES_MASK) * LINE_WORDS;
  const targetEnd = targetAt + (shape & LINES_MASK) * LINE_WORDS;
  copyWords(
    source,
    sourceEnd - extensionsWords,
    target,
    targetEnd - extensionsWords,
    extensionsWords,
  );
  // An extended row says how far away its extension is, which is as much more as there is room.
  const farther = (targetEnd - targetRows - (sourceEnd - sourceRows)) >> 1;
  for (let at = targetEnd - extensionsWords; at < targetEnd; at += EXTENSION_WORDS) {
    target[targetRows + target[at + 7]! * ROW_WORDS + 5]! += farther << 7;
  }

  const laneMask = IS_WIDE | (LANE_MASK << LANE_SHIFT);
  if (((source[sourceAt + SHAPE]! ^ shape) & laneMask) === 0) {
    const from = laneAt(source, sourceAt);
    copyWords(source, from, target, laneAt(target, targetAt), sourceRows - from);
    return;
  }
  for (let number = 0; number < entries; number++) {
    const row = targetRows + number * ROW_WORDS;
    const type = target[row + 5]! & 7;
    putInLane(target, targetAt, entryHash(type, target[row + 1]!, target[row]!, seed), number);
  }
}
