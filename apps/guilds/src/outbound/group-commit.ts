/**
 * The group commit: what many commands have decided, made durable in one transaction.
 *
 * A few transactions may be under way at once, in lanes that no topic belongs to: a free lane takes
 * all that waits, but for topics that another lane is writing. So a single command pays one round
 * trip to the disk, a burst pays one for all, entries of one topic are written in their order, and
 * a topic waits for another one's commit only when every lane is busy.
 *
 * The transaction begins by raising `topics.seq` where the epoch is still ours. A topic that does
 * not answer was taken by another owner: the transaction is rolled back and done again without it,
 * and its entries fail as `wrong_owner`. Nothing of a fenced topic is ever written.
 *
 *   entries   [T1 a] [T2 b] [T1 c] [T3 d]        in the order in which they were decided
 *   batch     topics: T1 seq+2, T2 seq+1, T3 seq+1 · events · rows (last of each key wins) · outbox
 *
 * When a batch fails for another reason every entry in it fails the same way. The outcome may be
 * unknown (the connection was lost during COMMIT); the host then forgets the topics, and what it
 * reads when it takes them again says what happened.
 */
import { assert, Fault, FaultCode, isRetryable } from '@guildhall/fault';
import type { Store, Transaction } from '@guildhall/store';
import { TABLES, type Document, type RowChange, type TableName } from '../domain/tables.js';

/** What one command writes. */
export interface CommitEntry {
  readonly topicId: bigint;
  readonly epoch: bigint;
  /** The topic's seq after this entry. */
  readonly seq: bigint;
  readonly commandId: bigint;
  /** Encoded TopicEvents with the last seqs up to `seq`, oldest first. */
  readonly events: readonly Uint8Array[];
  /** The answer, kept beside the first event so that a repeat of the command gets the same. */
  readonly reply: Uint8Array | undefined;
  readonly rows: readonly RowChange[];
  readonly errands: readonly { errandId: bigint; targetTopicId: bigint; request: Uint8Array }[];
  /** The topic's own row, if it changed. */
  readonly document: Document | undefined;
  readonly kind: number;
  /** Everything of the topic is deleted. */
  readonly isDeleted: boolean;
  /** Called once, synchronously: committed, or why not. */
  settled(fault: Fault | undefined): void;
}

/** What was seen of one commit, for metrics. */
export interface CommitReport {
  readonly entriesCount: number;
  readonly durationMs: number;
  readonly fault: Fault | undefined;
}

export interface GroupCommitOptions {
  readonly store: Store;
  readonly lanesCount: number;
  /** The most entries in one transaction. */
  readonly batchMax: number;
  /** The most entries waiting; past it, commands are refused as overloaded. */
  readonly waitingMax: number;
  readonly monotonicMs: () => number;
  readonly report: (report: CommitReport) => void;
}

/** Somebody who waits for what was given before it asked. */
interface Waiter {
  /** How many of those entries are not settled. */
  count: number;
  readonly entries: ReadonlySet<CommitEntry>;
  readonly resolve: () => void;
}

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** By topic, what the next free lane takes. */
  readonly #ready = new Map<bigint, CommitEntry[]>();
  /** By topic that a lane is writing, what came meanwhile. */
  readonly #behind = new Map<bigint, CommitEntry[]>();
  readonly #unsettled = new Set<CommitEntry>();
  #busyLanesCount = 0;
  #waiters: Waiter[] = [];

  constructor(options: GroupCommitOptions) {
    assert(options.lanesCount > 0 && options.batchMax > 0, 'there is a lane and a batch');
    this.#options = options;
  }

  /** Entries decided and not yet settled. */
  get waitingCount(): number {
    return this.#unsettled.size;
  }

  /** True when a command should be refused instead of decided. */
  get isFull(): boolean {
    return this.waitingCount >= this.#options.waitingMax;
  }

  /** Takes an entry; entries of one topic are written in the order in which they are given. */
  add(entry: CommitEntry): void {
    this.#unsettled.add(entry);
    const behind = this.#behind.get(entry.topicId);
    if (behind !== undefined) {
      behind.push(entry);
      return;
    }
    this.#makeReady(entry.topicId, [entry]);
    if (this.#busyLanesCount < this.#options.lanesCount) void this.#runLane();
  }

  /** Resolves when everything that was given so far is settled; what comes later may wait still. */
  async settled(): Promise<void> {
    const entries = new Set(this.#unsettled);
    if (entries.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#waiters.push({ count: entries.size, entries, resolve });
    });
  }

  /** One lane, until nothing waits that it may take. */
  async #runLane(): Promise<void> {
    this.#busyLanesCount += 1;
    // Commands that arrived in the same turn of the event loop share the first commit already.
    await Promise.resolve();
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      await this.#commit(batch);
      for (const { topicId } of batch) {
        const behind = this.#behind.get(topicId);
        this.#behind.delete(topicId);
        if (behind !== undefined && behind.length > 0) this.#makeReady(topicId, behind);
      }
    }
    this.#busyLanesCount -= 1;
  }

  #makeReady(topicId: bigint, entries: CommitEntry[]): void {
    const ready = this.#ready.get(topicId);
    if (ready === undefined) this.#ready.set(topicId, entries);
    else ready.push(...entries);
  }

  /** What is ready, at most a batch; its topics are this lane's until it is done. */
  #take(): CommitEntry[] {
    const { batchMax } = this.#options;
    const batch: CommitEntry[] = [];
    for (const [topicId, entries] of this.#ready) {
      if (batch.length >= batchMax) break;
      this.#ready.delete(topicId);
      batch.push(...entries.splice(0, batchMax - batch.length));
      this.#behind.set(topicId, entries);
    }
    return batch;
  }

  async #commit(batch: CommitEntry[]): Promise<void> {
    let rest = batch;
    while (rest.length > 0) {
      const startedAt = this.#options.monotonicMs();
      let fault: Fault | undefined;
      let fenced: ReadonlySet<bigint> = new Set();
      try {
        await this.#options.store.transaction((tx) => writeBatch(tx, rest));
      } catch (error) {
        if (error instanceof Fenced) fenced = error.topicIds;
        fault = Fault.from(error);
      }
      const durationMs = this.#options.monotonicMs() - startedAt;
      this.#options.report({ entriesCount: rest.length, durationMs, fault });
      if (fenced.size === 0) {
        if (fault !== undefined && !isRetryable(fault.code) && isOfSeveralTopics(rest)) {
          // Something in it cannot be stored. Whose it is shows when each topic goes alone.
          for (const alone of byTopic(rest)) await this.#commit(alone);
        } else {
          this.#settle(rest, fault);
        }
        return;
      }
      const lost: CommitEntry[] = rest.filter((entry) => fenced.has(entry.topicId));
      rest = rest.filter((entry) => !fenced.has(entry.topicId));
      this.#settle(lost, new Fault(FaultCode.WrongOwner, 'the topic has another owner'));
    }
  }

  #settle(entries: readonly CommitEntry[], fault: Fault | undefined): void {
    for (const entry of entries) {
      this.#unsettled.delete(entry);
      entry.settled(fault);
    }
    if (this.#waiters.length === 0) return;
    for (const waiter of this.#waiters) {
      for (const entry of entries) if (waiter.entries.has(entry)) waiter.count -= 1;
      if (waiter.count === 0) waiter.resolve();
    }
    this.#waiters = this.#waiters.filter(({ count }) => count > 0);
  }
}

const isOfSeveralTopics = (entries: readonly CommitEntry[]): boolean =>
  entries.some((entry) => entry.topicId !== entries[0]!.topicId);

function byTopic(entries: readonly CommitEntry[]): CommitEntry[][] {
  const topics = new Map<bigint, CommitEntry[]>();
  for (const entry of entries) {
    const others = topics.get(entry.topicId);
    if (others === undefined) topics.set(entry.topicId, [entry]);
    else others.push(entry);
  }
  return [...topics.values()];
}

/** Thrown inside the transaction, so that it is rolled back. */
class Fenced extends Error {
  readonly topicIds: ReadonlySet<bigint>;

  constructor(topicIds: ReadonlySet<bigint>) {
    super('topics were taken by another owner');
    this.topicIds = topicIds;
  }
}

const FENCE = {
  name: 'fence',
  text: `UPDATE topics t SET seq = v.seq
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS v(topic_id, epoch, seq)
         WHERE t.topic_id = v.topic_id AND t.epoch = v.epoch
         RETURNING t.topic_id`,
};
// Joined with the fence: the seqs of a topic that was taken are the other owner's, and would
// collide.
const APPEND_EVENTS = {
  name: 'append-events',
  text: `INSERT INTO events (topic_id, seq, command_id, event, reply)
         SELECT v.topic_id, v.seq, v.command_id, v.event, v.reply
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
                     $4::bytea[], $5::bytea[], $6::bigint[])
           AS v(topic_id, seq, command_id, event, reply, epoch)
         JOIN topics t ON t.topic_id = v.topic_id AND t.epoch = v.epoch`,
};
const PUT_ERRANDS = {
  name: 'put-errands',
  text: `INSERT INTO outbox (topic_id, errand_id, target_topic_id, request)
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[])`,
};
const PUT_TOPICS = {
  name: 'put-topics',
  text: `UPDATE topics t SET document = v.document::jsonb, kind = v.kind
         FROM unnest($1::bigint[], $2::text[], $3::smallint[]) AS v(topic_id, document, kind)
         WHERE t.topic_id = v.topic_id`,
};

const PURGE_CHANNELS = {
  name: 'purge-channels',
  text: `INSERT INTO purges (topic_id, channel_id, document)
         SELECT topic_id, channel_id, '{}' FROM channels WHERE topic_id = $1
         ON CONFLICT DO NOTHING`,
};

/**
 * Statements are given at once, so they travel together. The fence is judged before COMMIT is sent.
 */
async function writeBatch(tx: Transaction, batch: readonly CommitEntry[]): Promise<void> {
  const heads = new Map<bigint, CommitEntry>();
  for (const entry of batch) heads.set(entry.topicId, entry);
  // In one order everywhere, so that two owners who contend do not wait for each other in a circle.
  const topics = [...heads.values()].sort((a, b) => (a.topicId < b.topicId ? -1 : 1));
  const writes: Promise<unknown>[] = [];
  const fence = tx.query<{ topic_id: bigint }>(FENCE, [
    topics.map((entry) => entry.topicId),
    topics.map((entry) => entry.epoch),
    topics.map((entry) => entry.seq),
  ]);
  writes.push(fence);
  writeEvents(tx, batch, writes);
  writeRows(tx, batch, writes);
  writeErrands(tx, batch, writes);
  writeTopics(tx, batch, writes);
  await Promise.all(writes);
  const held = new Set((await fence).rows.map((row) => row.topic_id));
  const lost = topics.filter((entry) => !held.has(entry.topicId)).map((entry) => entry.topicId);
  if (lost.length > 0) throw new Fenced(new Set(lost));
  for (const entry of topics) if (entry.isDeleted) await deleteTopic(tx, entry.topicId);
}

function writeEvents(
  tx: Transaction,
  batch: readonly CommitEntry[],
  writes: Promise<unknown>[],
): void {
  const topicIds: bigint[] = [];
  const seqs: bigint[] = [];
  const commandIds: bigint[] = [];
  const events: Uint8Array[] = [];
  const replies: (Uint8Array | null)[] = [];
  const epochs: bigint[] = [];
  for (const entry of batch) {
    const firstSeq = entry.seq - BigInt(entry.events.length) + 1n;
    entry.events.forEach((event, index) => {
      topicIds.push(entry.topicId);
      seqs.push(firstSeq + BigInt(index));
      epochs.push(entry.epoch);
      commandIds.push(entry.commandId);
      events.push(asBuffer(event));
      replies.push(index === 0 && entry.reply !== undefined ? asBuffer(entry.reply) : null);
    });
  }
  if (events.length === 0) return;
  writes.push(tx.query(APPEND_EVENTS, [topicIds, seqs, commandIds, events, replies, epochs]));
}

function writeRows(
  tx: Transaction,
  batch: readonly CommitEntry[],
  writes: Promise<unknown>[],
): void {
  const tables = new Map<TableName, Map<string, { topicId: bigint; change: RowChange }>>();
  for (const entry of batch) {
    for (const change of entry.rows) {
      let rows = tables.get(change.table);
      if (rows === undefined) tables.set(change.table, (rows = new Map()));
      rows.set(`${entry.topicId}/${change.key.join('/')}`, { topicId: entry.topicId, change });
    }
  }
  for (const [table, rows] of tables) {
    const puts = [...rows.values()].filter(({ change }) => change.document !== undefined);
    const deletes = [...rows.values()].filter(({ change }) => change.document === undefined);
    if (puts.length > 0) {
      const documents = puts.map(({ change }) => storableJson(change.document!));
      writes.push(tx.query(putRows(table), [...keyColumns(table, puts), documents]));
    }
    if (deletes.length > 0) writes.push(tx.query(deleteRows(table), keyColumns(table, deletes)));
  }
}

function writeErrands(
  tx: Transaction,
  batch: readonly CommitEntry[],
  writes: Promise<unknown>[],
): void {
  const errands = batch.flatMap((entry) =>
    entry.errands.map((errand) => ({ topicId: entry.topicId, ...errand })),
  );
  if (errands.length === 0) return;
  writes.push(
    tx.query(PUT_ERRANDS, [
      errands.map((errand) => errand.topicId),
      errands.map((errand) => errand.errandId),
      errands.map((errand) => errand.targetTopicId),
      errands.map((errand) => asBuffer(errand.request)),
    ]),
  );
}

function writeTopics(
  tx: Transaction,
  batch: readonly CommitEntry[],
  writes: Promise<unknown>[],
): void {
  const changed = new Map<bigint, CommitEntry>();
  for (const entry of batch) if (entry.document !== undefined) changed.set(entry.topicId, entry);
  if (changed.size === 0) return;
  const entries = [...changed.values()];
  writes.push(
    tx.query(PUT_TOPICS, [
      entries.map((entry) => entry.topicId),
      entries.map((entry) => storableJson(entry.document!)),
      entries.map((entry) => entry.kind),
    ]),
  );
}

/** Deleted in the background: there may be millions. */
const PURGED_TABLES: readonly TableName[] = ['messages', 'reactions', 'mentions', 'purges'];

/** The events stay until they are pruned, and so does the outbox: others are still to be told. */
async function deleteTopic(tx: Transaction, topicId: bigint): Promise<void> {
  const tables = (Object.keys(TABLES) as TableName[]).filter(
    (table) => !PURGED_TABLES.includes(table),
  );
  // Sent in this order and run in it: the channels are read before they are gone.
  await Promise.all([
    tx.query(PURGE_CHANNELS, [topicId]),
    ...[...tables, 'topics'].map((table) =>
      tx.query({ text: `DELETE FROM ${table} WHERE topic_id = $1` }, [topicId]),
    ),
  ]);
}

/** Two key columns are text; the rest are snowflakes. */
const columnType = (column: string): string =>
  column === 'code' || column === 'emoji' ? 'text' : 'bigint';

function putRows(table: TableName): { name: string; text: string } {
  const keys = TABLES[table];
  const arrays = keys.map((key, index) => `$${index + 1}::${columnType(key)}[]`).join(', ');
  return {
    name: `put-${table}`,
    text: `INSERT INTO ${table} (${keys.join(', ')}, document)
           SELECT ${keys.map((key) => `v.${key}`).join(', ')}, v.document::jsonb
           FROM unnest(${arrays}, $${keys.length + 1}::text[]) AS v(${keys.join(', ')}, document)
           ON CONFLICT (${keys.join(', ')}) DO UPDATE SET document = excluded.document`,
  };
}

function deleteRows(table: TableName): { name: string; text: string } {
  const keys = TABLES[table];
  const arrays = keys.map((key, index) => `$${index + 1}::${columnType(key)}[]`).join(', ');
  const same = keys.map((key) => `t.${key} = v.${key}`).join(' AND ');
  return {
    name: `delete-${table}`,
    text: `DELETE FROM ${table} t USING unnest(${arrays}) AS v(${keys.join(', ')}) WHERE ${same}`,
  };
}

function keyColumns(
  table: TableName,
  rows: readonly { topicId: bigint; change: RowChange }[],
): (bigint | string)[][] {
  return TABLES[table].map((_, column) =>
    rows.map(({ topicId, change }) => (column === 0 ? topicId : change.key[column - 1]!)),
  );
}

/**
 * JSON that jsonb takes: it knows neither U+0000 nor half a surrogate pair, which are legal in a
 * JSON string and so can come from any client. Both are rare, and dropped.
 */
export function storableJson(document: Document): string {
  const text = JSON.stringify(document);
  if (!text.includes('\\u0000') && !text.includes('\\ud')) return text;
  return JSON.stringify(document, (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\u0000', '').toWellFormed() : value,
  );
}

/** A view of the same bytes: what the PostgreSQL client knows as bytea. */
const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
