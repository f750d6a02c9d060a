// Where the entries of the users in memory are kept. The interface is what the rest of the app
// knows; another layout of the same memory only has to keep it.
import { partitionOf, type Snowflake } from '@guildhall/snowflake';
import { assert } from '@guildhall/fault';
import { readStateKey, type ReadState, type ReadStateType } from './read-state.js';

/** Users with all their entries. Says nothing about which users to keep. */
export interface ReadStateTable {
  readonly usersCount: number;
  readonly entriesCount: number;
  has(userId: Snowflake): boolean;
  /** Adds a user with its entries, none of them deleted. Throws a Bug when it is there already. */
  add(userId: Snowflake, version: bigint, entries: Iterable<ReadState>): void;
  /** Forgets a user. Nothing happens when it is not there. */
  drop(userId: Snowflake): void;
  /** The users of a partition, in any order. */
  usersOf(partition: number): Iterable<Snowflake>;

  // From here on the user must be there; else a Bug is thrown.

  /** The version of the user's last change. */
  versionOf(userId: Snowflake): bigint;
  entriesCountOf(userId: Snowflake): number;
  /** Hot path. */
  get(userId: Snowflake, type: ReadStateType, channelId: Snowflake): ReadState | undefined;
  /**
   * Hot path. Puts an entry in place of the one with its type and channel; its version becomes the
   * user's.
   */
  put(userId: Snowflake, entry: ReadState): void;
  /** Takes an entry away; the version becomes the user's. */
  remove(userId: Snowflake, type: ReadStateType, channelId: Snowflake, version: bigint): void;
  /** All entries of a user, in any order. */
  entriesOf(userId: Snowflake): Iterable<ReadState>;
}

interface UserEntries {
  version: bigint;
  readonly entries: Map<bigint, ReadState>;
}

/** A table of ordinary maps: one object an entry. */
export class MappedReadStateTable implements ReadStateTable {
  /** By partition, so that a partition that is lost is found without a look at all users. */
  readonly #partitions = new Map<number, Map<Snowflake, UserEntries>>();
  #usersCount = 0;
  #entriesCount = 0;

  get usersCount(): number {
    return this.#usersCount;
  }

  get entriesCount(): number {
    return this.#entriesCount;
  }

  has(userId: Snowflake): boolean {
    return this.#find(userId) !== undefined;
  }

  add(userId: Snowflake, version: bigint, entries: Iterable<ReadState>): void {
    assert(!this.has(userId), 'a user is added once');
    const partition = partitionOf(userId);
    let users = this.#partitions.get(partition);
    if (users === undefined) this.#partitions.set(partition, (users = new Map()));
    const user: UserEntries = { version, entries: new Map() };
    for (const entry of entries) user.entries.set(readStateKey(entry.type, entry.channelId), entry);
    users.set(userId, user);
    this.#usersCount += 1;
    this.#entriesCount += user.entries.size;
  }

  drop(userId: Snowflake): void {
    const partition = partitionOf(userId);
    const users = this.#partitions.get(partition);
    const user = users?.get(userId);
    if (users === undefined || user === undefined) return;
    users.delete(userId);
    if (users.size === 0) this.#partitions.delete(partition);
    this.#usersCount -= 1;
    this.#entriesCount -= user.entries.size;
  }

  usersOf(partition: number): Iterable<Snowflake> {
    return this.#partitions.get(partition)?.keys() ?? [];
  }

  versionOf(userId: Snowflake): bigint {
    return this.#of(userId).version;
  }

  entriesCountOf(userId: Snowflake): number {
    return this.#of(userId).entries.size;
  }

  get(userId: Snowflake, type: ReadStateType, channelId: Snowflake): ReadState | undefined {
    return this.#of(userId).entries.get(readStateKey(type, channelId));
  }

  put(userId: Snowflake, entry: ReadState): void {
    const user = this.#of(userId);
    const sizeBefore = user.entries.size;
    user.entries.set(readStateKey(entry.type, entry.channelId), entry);
    user.version = entry.version;
    this.#entriesCount += user.entries.size - sizeBefore;
  }

  remove(userId: Snowflake, type: ReadStateType, channelId: Snowflake, version: bigint): void {
    const user = this.#of(userId);
    if (user.entries.delete(readStateKey(type, channelId))) this.#entriesCount -= 1;
    user.version = version;
  }

  entriesOf(userId: Snowflake): Iterable<ReadState> {
    return this.#of(userId).entries.values();
  }

  #find(userId: Snowflake): UserEntries | undefined {
    return this.#partitions.get(partitionOf(userId))?.get(userId);
  }

  #of(userId: Snowflake): UserEntries {
    const user = this.#find(userId);
    assert(user !== undefined, 'the user is in memory');
    return user;
  }
}
