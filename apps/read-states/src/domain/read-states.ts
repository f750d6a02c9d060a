// What the users in memory have read, and what an ack makes of it.
//
// A change is applied at once, so that the next one is decided upon it; the rooms around make it
// durable before they tell anybody. Until they have, the user is held: it cannot be evicted, since
// memory is then ahead of the database. When it could not be made durable, the user is dropped.
import { assert, Fault, FaultCode } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import {
  emptyReadState,
  readStateKey,
  ReadStateType,
  type ReadState,
  type UserReadState,
} from './read-state.js';
import type { ReadStateTable } from './read-state-table.js';

/** What an ack asks for; the fields are those of the contract. */
export interface AckMark {
  readonly type: ReadStateType;
  readonly channelId: Snowflake;
  readonly messageId: Snowflake;
  readonly isManual: boolean;
  readonly mentionCount: number;
  /** Undefined: as before. */
  readonly flags: number | undefined;
  /** Undefined: as before. */
  readonly lastViewed: number | undefined;
  readonly channelLastMessageId: Snowflake;
}

export interface ReadStatesOptions {
  readonly table: ReadStateTable;
  /** Users in memory; those that are held come on top. */
  readonly usersMax: number;
  /** Entries one user may have; an ack that would need more is refused as overloaded. */
  readonly entriesPerUserMax: number;
}

/** The users in memory. Methods about a user throw a Bug when it is not there: see `use`. */
export class ReadStates {
  readonly #table: ReadStateTable;
  readonly #options: ReadStatesOptions;
  /** Users that may be evicted, the one unused for longest first. */
  readonly #idle = new Set<Snowflake>();
  /** How many changes of each user are not durable yet. */
  readonly #holdsByUser = new Map<Snowflake, number>();
  #evictionsCount = 0;

  constructor(options: ReadStatesOptions) {
    assert(options.usersMax > 0, 'there is room for a user');
    this.#table = options.table;
    this.#options = options;
  }

  get usersCount(): number {
    return this.#table.usersCount;
  }

  get entriesCount(): number {
    return this.#table.entriesCount;
  }

  /** Users that were forgotten to make room. */
  get evictionsCount(): number {
    return this.#evictionsCount;
  }

  /** Hot path. Whether the user is in memory; if so it counts as used just now. */
  use(userId: Snowflake): boolean {
    if (this.#idle.delete(userId)) {
      this.#idle.add(userId);
      return true;
    }
    return this.#table.has(userId);
  }

  /**
   * Takes a user in as it was loaded, deleted entries among the others. It stays at least until the
   * next one is added. A user that is in memory already is left as it is.
   */
  add(userId: Snowflake, entries: readonly ReadState[]): void {
    if (this.#table.has(userId)) return;
    let version = 0n;
    for (const entry of entries) if (entry.version > version) version = entry.version;
    const present = entries.filter((entry) => !entry.isDeleted);
    this.#table.add(userId, version, present);
    if (!this.#holdsByUser.has(userId)) this.#idle.add(userId);
    for (const oldest of this.#idle) {
      if (this.#table.usersCount <= this.#options.usersMax || oldest === userId) break;
      this.drop(oldest);
      this.#evictionsCount += 1;
    }
  }

  /** Forgets a user, whatever of it is under way. */
  drop(userId: Snowflake): void {
    this.#table.drop(userId);
    this.#idle.delete(userId);
  }

  /** Forgets all users of a partition. */
  dropPartition(partition: number): void {
    for (const userId of [...this.#table.usersOf(partition)]) this.drop(userId);
  }

  /** The user has a change that is not durable yet. Once for each; ended by `release`. */
  hold(userId: Snowflake): void {
    this.#holdsByUser.set(userId, (this.#holdsByUser.get(userId) ?? 0) + 1);
    this.#idle.delete(userId);
  }

  /** A change that was held became durable, or failed. */
  release(userId: Snowflake): void {
    const holds = this.#holdsByUser.get(userId);
    assert(holds !== undefined, 'a user is released as often as it was held');
    if (holds > 1) {
      this.#holdsByUser.set(userId, holds - 1);
      return;
    }
    this.#holdsByUser.delete(userId);
    if (this.#table.has(userId)) this.#idle.add(userId);
  }

  /** Whether memory is ahead of the database. */
  isHeld(userId: Snowflake): boolean {
    return this.#holdsByUser.has(userId);
  }

  versionOf(userId: Snowflake): bigint {
    return this.#table.versionOf(userId);
  }

  /** The entries that were changed after a version; all for 0. */
  entriesAfter(userId: Snowflake, version: bigint): ReadState[] {
    const entries: ReadState[] = [];
    if (version >= this.#table.versionOf(userId)) return entries;
    for (const entry of this.#table.entriesOf(userId)) {
      if (entry.version > version) entries.push(entry);
    }
    return entries;
  }

  /**
   * Hot path. Moves marks, one after the other, each forward only unless by hand. One result for
   * each, in order: the entry as it is then, or undefined when it did not move. Throws a Fault
   * (`overloaded`), with nothing moved, when the user would have too many entries.
   */
  ack(userId: Snowflake, marks: readonly AckMark[]): (UserReadState | undefined)[] {
    this.#checkRoom(userId, marks);
    return marks.map((mark) => this.#move(userId, mark));
  }

  /** Pins were seen up to a moment; forward only. As `ack` otherwise. */
  ackPins(userId: Snowflake, channelId: Snowflake, timestampMs: number): UserReadState | undefined {
    const type = ReadStateType.Channel;
    const from = this.#table.get(userId, type, channelId) ?? emptyReadState(type, channelId);
    if (timestampMs <= from.lastPinTimestampMs) return undefined;
    this.#checkRoom(userId, [{ type, channelId }]);
    return this.#put(userId, { ...from, lastPinTimestampMs: timestampMs });
  }

  /** Deletes an entry. Returns what is left of it; undefined when there was none. */
  delete(userId: Snowflake, type: ReadStateType, channelId: Snowflake): UserReadState | undefined {
    if (this.#table.get(userId, type, channelId) === undefined) return undefined;
    const version = this.#table.versionOf(userId) + 1n;
    this.#table.remove(userId, type, channelId, version);
    return { ...emptyReadState(type, channelId), userId, version, isDeleted: true };
  }

  #move(userId: Snowflake, mark: AckMark): UserReadState | undefined {
    const { type, channelId, messageId, isManual, mentionCount } = mark;
    const before = this.#table.get(userId, type, channelId);
    const from = before ?? emptyReadState(type, channelId);
    const manualUntilMessageId = isManual ? mark.channelLastMessageId : 0n;
    const flags = mark.flags ?? from.flags;
    const lastViewed = mark.lastViewed ?? from.lastViewed;
    const isMoved = isManual
      ? before === undefined ||
        messageId !== from.lastMessageId ||
        mentionCount !== from.mentionCount ||
        manualUntilMessageId !== from.manualUntilMessageId ||
        flags !== from.flags ||
        lastViewed !== from.lastViewed
      : messageId > from.lastMessageId;
    if (!isMoved) return undefined;
    return this.#put(userId, {
      ...from,
      lastMessageId: messageId,
      mentionCount,
      manualUntilMessageId,
      flags,
      lastViewed,
    });
  }

  #put(userId: Snowflake, entry: Omit<ReadState, 'version'>): UserReadState {
    const after = { ...entry, userId, version: this.#table.versionOf(userId) + 1n };
    this.#table.put(userId, after);
    return after;
  }

  /** Before the first mark moves: half a request could be neither answered nor undone. */
  #checkRoom(userId: Snowflake, marks: readonly Pick<AckMark, 'type' | 'channelId'>[]): void {
    const room = this.#options.entriesPerUserMax - this.#table.entriesCountOf(userId);
    if (marks.length <= room) return;
    const added = new Set<bigint>();
    for (const { type, channelId } of marks) {
      if (this.#table.get(userId, type, channelId) === undefined) {
        added.add(readStateKey(type, channelId));
      }
    }
    if (added.size <= room) return;
    throw new Fault(FaultCode.Overloaded, 'the user has as many read states as it may');
  }
}
