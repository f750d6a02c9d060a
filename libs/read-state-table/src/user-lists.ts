// Lists of users that lead through their blocks: one of each partition, and one of the users with
// dirty parts, the oldest first. A user is taken out of a list without a search.
import {
  blockAt,
  DIRTY_NEXT,
  DIRTY_PREVIOUS,
  IS_DIRTY,
  PARTITION_NEXT,
  PARTITION_PREVIOUS,
  SEGMENT_SHIFT,
  SHAPE,
  USER_LO,
} from './block.js';

const PARTITIONS_COUNT = 1 << 10;
const PARTITION_SHIFT = 12;

/** The partition of an id by its lower half: the ten bits that `partitionOf` reads. */
function partitionOfLo(lo: number): number {
  return (lo >>> PARTITION_SHIFT) & (PARTITIONS_COUNT - 1);
}

/** The lists. References are to blocks in `arrays`; 0 ends a list. */
export class UserLists {
  readonly #arrays: readonly Int32Array[];
  readonly #firstByPartition = new Int32Array(PARTITIONS_COUNT);
  #dirtyFirst = 0;
  #dirtyLast = 0;
  #dirtyCount = 0;

  constructor(arrays: readonly Int32Array[]) {
    this.#arrays = arrays;
  }

  get dirtyCount(): number {
    return this.#dirtyCount;
  }

  get dirtyFirst(): number {
    return this.#dirtyFirst;
  }

  firstOf(partition: number): number {
    return this.#firstByPartition[partition]!;
  }

  nextOf(ref: number): number {
    return this.#get(ref, PARTITION_NEXT);
  }

  /** Puts a new user into the list of its partition. */
  add(ref: number): void {
    const partition = partitionOfLo(this.#get(ref, USER_LO));
    const next = this.#firstByPartition[partition]!;
    this.#firstByPartition[partition] = ref;
    this.#set(ref, PARTITION_PREVIOUS, 0);
    this.#set(ref, PARTITION_NEXT, next);
    if (next !== 0) this.#set(next, PARTITION_PREVIOUS, ref);
  }

  /** Takes a user out of all lists. */
  remove(ref: number): void {
    if (this.isDirty(ref)) this.removeDirty(ref);
    this.#linkPartition(
      this.#get(ref, PARTITION_PREVIOUS),
      this.#get(ref, PARTITION_NEXT),
      ref,
      this.#get(ref, PARTITION_NEXT),
      this.#get(ref, PARTITION_PREVIOUS),
    );
  }

  /** The block of a user has moved, its own links are copied. */
  moved(ref: number): void {
    this.#linkPartition(
      this.#get(ref, PARTITION_PREVIOUS),
      this.#get(ref, PARTITION_NEXT),
      ref,
      ref,
      ref,
    );
    if (!this.isDirty(ref)) return;
    const previous = this.#get(ref, DIRTY_PREVIOUS);
    const next = this.#get(ref, DIRTY_NEXT);
    if (previous === 0) this.#dirtyFirst = ref;
    else this.#set(previous, DIRTY_NEXT, ref);
    if (next === 0) this.#dirtyLast = ref;
    else this.#set(next, DIRTY_PREVIOUS, ref);
  }

  isDirty(ref: number): boolean {
    return (this.#get(ref, SHAPE) & IS_DIRTY) !== 0;
  }

  /** Puts a user that is not dirty at the end of those that are. */
  addDirty(ref: number): void {
    this.#set(ref, SHAPE, this.#get(ref, SHAPE) | IS_DIRTY);
    this.#set(ref, DIRTY_NEXT, 0);
    this.#set(ref, DIRTY_PREVIOUS, this.#dirtyLast);
    if (this.#dirtyLast === 0) this.#dirtyFirst = ref;
    else this.#set(this.#dirtyLast, DIRTY_NEXT, ref);
    this.#dirtyLast = ref;
    this.#dirtyCount += 1;
  }

  /** Takes a dirty user out of those that are. */
  removeDirty(ref: number): void {
    const previous = this.#get(ref, DIRTY_PREVIOUS);
    const next = this.#get(ref, DIRTY_NEXT);
    this.#set(ref, SHAPE, this.#get(ref, SHAPE) & ~IS_DIRTY);
    if (previous === 0) this.#dirtyFirst = next;
    else this.#set(previous, DIRTY_NEXT, next);
    if (next === 0) this.#dirtyLast = previous;
    else this.#set(next, DIRTY_PREVIOUS, previous);
    this.#dirtyCount -= 1;
  }

  /** The one after a dirty user, 0 after the last. */
  dirtyAfter(ref: number): number {
    return this.#get(ref, DIRTY_NEXT);
  }

  /** Sets what leads to a user from before and from behind. */
  #linkPartition(
    previous: number,
    next: number,
    ref: number,
    forward: number,
    backward: number,
  ): void {
    if (previous !== 0) this.#set(previous, PARTITION_NEXT, forward);
    else this.#firstByPartition[partitionOfLo(this.#get(ref, USER_LO))] = forward;
    if (next !== 0) this.#set(next, PARTITION_PREVIOUS, backward);
  }

  #get(ref: number, word: number): number {
    return this.#arrays[ref >>> SEGMENT_SHIFT]![blockAt(ref) + word]!;
  }

  #set(ref: number, word: number, value: number): void {
    this.#arrays[ref >>> SEGMENT_SHIFT]![blockAt(ref) + word] = value;
  }
}
