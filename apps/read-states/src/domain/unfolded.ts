// Changes that are durable in the log and not yet in the rows: the last of each entry, since the
// others are overtaken. A user that is loaded meanwhile is its rows with these laid over.
import { assert } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import { readStateKey, type ReadState, type UserReadState } from './read-state.js';

type Changes = Map<Snowflake, Map<bigint, UserReadState>>;

/** The changes of one log that wait for the rows. */
export class Unfolded {
  #waiting: Changes = new Map();
  #waitingCount = 0;
  /** Being written to the rows. */
  #taken: Changes = new Map();
  #takenCount = 0;

  /** Entries that are not in the rows, those being written included. */
  get count(): number {
    return this.#waitingCount + this.#takenCount;
  }

  /** Hot path. Adds a change; older ones of the same entry are forgotten. */
  add(change: UserReadState): void {
    let entries = this.#waiting.get(change.userId);
    if (entries === undefined) this.#waiting.set(change.userId, (entries = new Map()));
    const sizeBefore = entries.size;
    const key = readStateKey(change.type, change.channelId);
    const known = entries.get(key);
    if (known !== undefined && known.version >= change.version) return;
    entries.set(key, change);
    this.#waitingCount += entries.size - sizeBefore;
  }

  /** All changes of a user, in any order; of one entry there may be two. */
  of(userId: Snowflake): UserReadState[] {
    const taken = this.#taken.get(userId);
    const waiting = this.#waiting.get(userId);
    return [...(taken?.values() ?? []), ...(waiting?.values() ?? [])];
  }

  /**
   * Takes all changes, to write them one after the other: a list of all would be a pause. They are
   * known to `of` until `written` or `putBack`, one of which comes before the next `take`.
   */
  take(): Iterable<UserReadState> {
    assert(this.#takenCount === 0, 'one is done with what was taken before');
    this.#taken = this.#waiting;
    this.#takenCount = this.#waitingCount;
    this.#waiting = new Map();
    this.#waitingCount = 0;
    return changesIn(this.#taken);
  }

  /** What was taken is in the rows. */
  written(): void {
    this.#taken = new Map();
    this.#takenCount = 0;
  }

  /** What was taken is not in the rows, or not all of it. */
  putBack(): void {
    const taken = this.#taken;
    this.written();
    for (const entries of taken.values()) for (const change of entries.values()) this.add(change);
  }
}

function* changesIn(changes: Changes): Generator<UserReadState> {
  for (const entries of changes.values()) yield* entries.values();
}

/** Of several states of the same entries, the newest of each. */
export function newestOf(states: Iterable<ReadState>): ReadState[] {
  const newest = new Map<bigint, ReadState>();
  for (const state of states) {
    const key = readStateKey(state.type, state.channelId);
    const known = newest.get(key);
    if (known === undefined || known.version < state.version) newest.set(key, state);
  }
  return [...newest.values()];
}
