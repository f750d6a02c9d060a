// Putting what a log holds into the rows, after its owner has died or lost its memory.
//
// The records are gathered by user, a window of them at a time. Then each user is made from its
// rows, gets the records that are newer than its rows, in their order, and is written: so a user
// that moved a thousand marks costs a row or two, not a thousand. A user is written by one
// statement, whole; so replaying may end anywhere and begin anew.
import { assert } from '@guildhall/fault';
import { ReadStateTable } from '@guildhall/read-state-table';
import type { UserRef } from '@guildhall/read-state-table';
import type { Snowflake } from '@guildhall/snowflake';
import type { Store } from '@guildhall/store';
import { readLog } from './ack-log.js';
import { LogBuffer, LogRecord, partitionAt, recordWords } from './log-records.js';
import { PartWrites } from './part-writes.js';
import { addUser, loadRows, type PartRow } from './user-rows.js';

/**
 * Records that are gathered before users are written: about 120 MiB. A user is loaded and written
 * once for each window that has something of it, which is what a replay spends its time on; so all
 * of a log should fit into one.
 */
const WINDOW_RECORDS = 1 << 21;
/** Records in one buffer, so that none gets so large that to let it grow is felt. */
const BUFFER_RECORDS = 1 << 16;
/** A place is the number of its buffer and where in it, of less than this. */
const PLACES_PER_BUFFER = 2 ** 21;
/** Users loaded by one query. */
const USERS_AT_ONCE = 128;
/** Room for one user at a time, of the size that one may have at most. */
const TABLE_BYTES = 64 * 2 ** 20;

export interface Replay {
  readonly logId: bigint;
  readonly untilBatchNo: bigint;
  /** Whose changes are wanted. */
  readonly partitions?: ReadonlySet<number> | undefined;
  readonly users?: ReadonlySet<Snowflake> | undefined;
  /** About the most rows in one statement. */
  readonly writeMax: number;
}

/**
 * Makes the rows say what the log does. Resolves with how many records it found. Rejects with a
 * Fault when the database is away, and may then be done again.
 */
export async function replayLog(store: Store, replay: Replay): Promise<number> {
  const { logId, untilBatchNo } = replay;
  const window = new Window(store, replay.writeMax);
  let count = 0;
  for await (const words of readLog(store, logId, untilBatchNo)) {
    for (let at = 0; at < words.length;) {
      const next = at + recordWords(words, at);
      if (isWanted(replay, words, at)) {
        window.add(words, at, next);
        count += 1;
      }
      at = next;
    }
    if (window.count >= WINDOW_RECORDS) await window.write();
  }
  await window.write();
  return count;
}

function isWanted({ partitions, users }: Replay, words: Uint32Array, at: number): boolean {
  if (partitions !== undefined && !partitions.has(partitionAt(words, at))) return false;
  return users === undefined || users.has(userIdAt(words, at));
}

const userIdAt = (words: Uint32Array, at: number): Snowflake =>
  (BigInt(words[at + 3]!) << 32n) | BigInt(words[at + 2]!);

/** Records by user. */
class Window {
  readonly #store: Store;
  readonly #writeMax: number;
  #buffers: LogBuffer[] = [];
  #count = 0;
  readonly #placesByUser = new Map<Snowflake, number[]>();
  readonly #table = new ReadStateTable({ bytesMax: TABLE_BYTES });
  readonly #writes = new PartWrites();
  readonly #record = new LogRecord();

  constructor(store: Store, writeMax: number) {
    this.#store = store;
    this.#writeMax = writeMax;
  }

  get count(): number {
    return this.#count;
  }

  add(words: Uint32Array, from: number, to: number): void {
    const userId = userIdAt(words, from);
    if (this.#count % BUFFER_RECORDS === 0) this.#buffers.push(new LogBuffer());
    const number = this.#buffers.length - 1;
    const place = number * PLACES_PER_BUFFER + this.#buffers[number]!.copy(words, from, to);
    this.#count += 1;
    const places = this.#placesByUser.get(userId);
    if (places === undefined) this.#placesByUser.set(userId, [place]);
    else places.push(place);
  }

  /** Writes all users, and forgets them. Some are loaded while those before them are written. */
  async write(): Promise<void> {
    const userIds = [...this.#placesByUser.keys()];
    let loading = this.#load(userIds, 0);
    for (let at = 0; at < userIds.length; at += USERS_AT_ONCE) {
      const rowsOf = await loading;
      loading = this.#load(userIds, at + USERS_AT_ONCE);
      // Should writing fail nobody waits for it any more.
      loading.catch(() => undefined);
      for (const userId of userIds.slice(at, at + USERS_AT_ONCE)) {
        this.#apply(userId, rowsOf(userId));
        if (this.#writes.count >= this.#writeMax) await this.#flush();
      }
    }
    await this.#flush();
    this.#placesByUser.clear();
    this.#buffers = [];
    this.#count = 0;
  }

  #load(userIds: readonly Snowflake[], from: number): ReturnType<typeof loadRows> {
    return loadRows(this.#store, userIds.slice(from, from + USERS_AT_ONCE));
  }

  #apply(userId: Snowflake, rows: readonly PartRow[]): void {
    const hi = Number(userId >> 32n);
    const lo = Number(userId & 0xffff_ffffn);
    let user = addUser(this.#table, hi, lo, rows);
    assert(user !== 0, 'there is room for one user');
    for (const place of this.#placesByUser.get(userId)!) {
      const { words } = this.#buffers[Math.floor(place / PLACES_PER_BUFFER)]!;
      this.#record.read(words, place % PLACES_PER_BUFFER);
      user = applyRecord(this.#table, user, this.#record);
    }
    this.#writes.take(this.#table, user);
    this.#table.drop(user);
  }

  async #flush(): Promise<void> {
    await this.#writes.write(this.#store);
    this.#writes.clear();
  }
}

/** Makes a change that was made before, unless the user has it. Returns where the user is then. */
function applyRecord(table: ReadStateTable, user: UserRef, record: LogRecord): UserRef {
  if (record.version <= table.versionOf(user)) return user;
  let entry = table.findEntry(user, record.type, record.channelHi, record.channelLo);
  if (record.isDeleted) {
    if (entry !== 0) table.remove(user, entry);
    else table.markDirty(user, 0);
    table.raiseVersion(user, record.version);
    return user;
  }
  const roomy = table.reserve(user, 1);
  assert(roomy !== 0, 'there is room for one user');
  entry =
    entry === 0
      ? table.addEntry(roomy, record.type, record.channelHi, record.channelLo)
      : table.findEntry(roomy, record.type, record.channelHi, record.channelLo);
  const isPut = table.put(
    roomy,
    entry,
    record.messageHi,
    record.messageLo,
    record.mentions,
    record.flags,
    record.lastViewed,
    record.manualHi,
    record.manualLo,
    record.pinMs,
    record.version,
  );
  assert(isPut, 'there is room for an extension');
  table.markDirty(roomy, table.numberOf(roomy, entry) >>> 6);
  return roomy;
}
