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
import { addUser, loadRows } from './user-rows.js';

/** Records that are gathered before users are written: about 10 MiB. */
const WINDOW_RECORDS = 1 << 18;
/** Users loaded by one query. */
const USERS_AT_ONCE = 64;
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
  readonly #records = new LogBuffer();
  readonly #placesByUser = new Map<Snowflake, number[]>();
  readonly #table = new ReadStateTable({ bytesMax: TABLE_BYTES });
  readonly #writes = new PartWrites();
  readonly #record = new LogRecord();

  constructor(store: Store, writeMax: number) {
    this.#store = store;
    this.#writeMax = writeMax;
  }

  get count(): number {
    return this.#records.count;
  }

  add(words: Uint32Array, from: number, to: number): void {
    const userId = userIdAt(words, from);
    const at = this.#records.copy(words, from, to);
    const places = this.#placesByUser.get(userId);
    if (places === undefined) this.#placesByUser.set(userId, [at]);
    else places.push(at);
  }

  /** Writes all users, and forgets them. */
  async write(): Promise<void> {
    let some: Snowflake[] = [];
    for (const userId of this.#placesByUser.keys()) {
      some.push(userId);
      if (some.length < USERS_AT_ONCE) continue;
      await this.#writeUsers(some);
      some = [];
    }
    if (some.length > 0) await this.#writeUsers(some);
    await this.#flush();
    this.#placesByUser.clear();
    this.#records.clear();
  }

  async #writeUsers(userIds: readonly Snowflake[]): Promise<void> {
    const rowsOf = await loadRows(this.#store, userIds);
    for (const userId of userIds) {
      const hi = Number(userId >> 32n);
      const lo = Number(userId & 0xffff_ffffn);
      let user = addUser(this.#table, hi, lo, rowsOf(userId));
      assert(user !== 0, 'there is room for one user');
      for (const at of this.#placesByUser.get(userId)!) {
        this.#record.read(this.#records.words, at);
        user = applyRecord(this.#table, user, this.#record);
      }
      this.#writes.take(this.#table, user);
      this.#table.drop(user);
      if (this.#writes.count >= this.#writeMax) await this.#flush();
    }
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
