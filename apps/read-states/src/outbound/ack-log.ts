// One log: where the changes of some partitions are made durable, and who may write to it.
//
//   logs        generation, batch_no      one row: the fence of every commit to this log
//   ack_log     (log, batch) payload      one row a commit
//   partitions  epoch, log, tail          which log has a partition
//
// A commit is one statement: it raises `batch_no` if `generation` is still what this process
// believes, and only then appends. Whoever takes a partition from this log raises its generation in
// the transaction in which it takes it. So a commit that was on its way is either before the
// taking, and its batch is found by the taker, or it is not at all. A row is locked, not one per
// partition: the price of a commit does not grow with the partitions in it.
import type { Store } from '@guildhall/store';
import { Fault, FaultCode } from '@guildhall/fault';
import { decodeBatch } from './log-records.js';

/** Rows of the log read at once in a replay: so many, or as few as have so many bytes. */
const REPLAY_ROWS_MAX = 512;
const REPLAY_BYTES = 1 << 20;
/** A log that nothing points to and that was not used for so long belongs to no living process. */
const ABANDONED = '1 day';

const OPEN = { text: `SELECT nextval('log_ids') AS log_id` };
const TOUCH = {
  text: `INSERT INTO logs (log_id, owner, generation, batch_no) VALUES ($1, $2, 0, 0)
         ON CONFLICT (log_id) DO UPDATE SET touched_at = now()`,
};
const APPEND = {
  name: 'append-batch',
  text: `WITH fence AS (
           UPDATE logs SET batch_no = $2, touched_at = now()
           WHERE log_id = $1 AND generation = $3 AND batch_no = $2 - 1
           RETURNING log_id)
         INSERT INTO ack_log (log_id, batch_no, payload) SELECT log_id, $2, $4::bytea FROM fence`,
};
// Raising the generation ends whatever statement of ours may still be on its way to the server.
const SETTLE = {
  text: `UPDATE logs SET generation = generation + 1 WHERE log_id = $1
         RETURNING generation, batch_no`,
};
const HOLDINGS = {
  text: `SELECT l.generation, l.batch_no, p.partition, p.epoch
         FROM logs l LEFT JOIN partitions p ON p.log_id = l.log_id WHERE l.log_id = $1`,
};
// Not while a partition that its owner has given up, or lost, waits for another to replay this log:
// its users are no longer in the memory from which the rows were written.
const CUT = {
  name: 'cut-log',
  text: `WITH needed AS (
           SELECT EXISTS (SELECT FROM partitions
             WHERE tail_log_id = $1 AND partition <> ALL($3::int[])) AS is_needed),
         cut AS (
           DELETE FROM ack_log WHERE log_id = $1 AND batch_no <= $2
             AND NOT (SELECT is_needed FROM needed))
         SELECT is_needed FROM needed`,
};
const BATCHES = {
  text: `WITH next AS (
           SELECT batch_no, payload, sum(length(payload)) OVER (ORDER BY batch_no) AS bytes_total
           FROM ack_log WHERE log_id = $1 AND batch_no > $2 AND batch_no <= $3
           ORDER BY batch_no LIMIT $4)
         SELECT batch_no, payload FROM next WHERE bytes_total - length(payload) < $5
         ORDER BY batch_no`,
};
// What is left of logs whose every partition has been replayed by another owner.
const SWEEP_BATCHES = {
  text: `DELETE FROM ack_log a WHERE NOT EXISTS (
           SELECT FROM partitions p WHERE p.tail_log_id = a.log_id OR p.log_id = a.log_id)`,
};
const SWEEP_LOGS = {
  text: `DELETE FROM logs l WHERE touched_at < now() - interval '${ABANDONED}' AND NOT EXISTS (
           SELECT FROM partitions p WHERE p.tail_log_id = l.log_id OR p.log_id = l.log_id)`,
};

/** What the database says a log has. */
export interface Holdings {
  readonly generation: bigint;
  readonly batchNo: bigint;
  /** The epoch of each partition that has this log. */
  readonly epochs: ReadonlyMap<number, bigint>;
}

/**
 * The log of one commit lane of this process. All methods reject with a Fault, as the store does.
 */
export class AckLog {
  readonly logId: bigint;
  readonly #store: Store;
  readonly #owner: string;

  private constructor(store: Store, logId: bigint, owner: string) {
    this.#store = store;
    this.logId = logId;
    this.#owner = owner;
  }

  /** A new log; nobody else has it, nor had it before. */
  static async open(store: Store, owner: string): Promise<AckLog> {
    const { rows } = await store.query<{ log_id: bigint }>(OPEN);
    const log = new AckLog(store, rows[0]!.log_id, owner);
    await log.touch();
    return log;
  }

  /** Sees to it that the log has its row: an idle one may have been swept away. */
  async touch(): Promise<void> {
    await this.#store.query(TOUCH, [this.logId, this.#owner]);
  }

  /**
   * Appends one batch, all of it or nothing. False when the log is no longer as the caller thinks:
   * look at `holdings`. When it rejects nobody knows: ask `settle` before anything else is
   * appended.
   */
  async append(batchNo: bigint, generation: bigint, payload: Buffer): Promise<boolean> {
    const values = [this.logId, batchNo, generation, payload];
    const { rowCount } = await this.#store.query(APPEND, values);
    return rowCount === 1;
  }

  /** The last batch that is committed, for good: what was under way before is so no more. */
  async settle(): Promise<{ generation: bigint; batchNo: bigint }> {
    const { rows } = await this.#store.query<{ generation: bigint; batch_no: bigint }>(SETTLE, [
      this.logId,
    ]);
    const row = rows[0];
    if (row === undefined) throw new Fault(FaultCode.Unavailable, 'the log is not there');
    return { generation: row.generation, batchNo: row.batch_no };
  }

  async holdings(): Promise<Holdings> {
    const { rows } = await this.#store.query<{
      generation: bigint;
      batch_no: bigint;
      partition: number | null;
      epoch: bigint | null;
    }>(HOLDINGS, [this.logId]);
    const epochs = new Map<number, bigint>();
    for (const { partition, epoch } of rows) {
      if (partition !== null && epoch !== null) epochs.set(partition, epoch);
    }
    const { generation = 0n, batch_no: batchNo = 0n } = rows[0] ?? {};
    return { generation, batchNo, epochs };
  }

  /**
   * Deletes the batches up to this one: the rows have what they say of the partitions held. False
   * when another partition needs them: nothing was deleted, which is to be tried again.
   */
  async cut(batchNo: bigint, held: readonly number[]): Promise<boolean> {
    const values = [this.logId, batchNo, held];
    const { rows } = await this.#store.query<{ is_needed: boolean }>(CUT, values);
    return rows[0]?.is_needed === false;
  }
}

/** The records in a log up to a batch, oldest first, a batch at a time; see `decodeBatch`. */
export async function* readLog(
  store: Store,
  logId: bigint,
  untilBatchNo: bigint,
): AsyncGenerator<Uint32Array> {
  for (let after = -1n; ;) {
    const { rows } = await store.query<{ batch_no: bigint; payload: Buffer }>(BATCHES, [
      logId,
      after,
      untilBatchNo,
      REPLAY_ROWS_MAX,
      REPLAY_BYTES,
    ]);
    if (rows.length === 0) return;
    for (const { batch_no: batchNo, payload } of rows) {
      after = batchNo;
      yield decodeBatch(payload);
    }
  }
}

/** Deletes what remains of logs that nobody needs any more. May run anywhere, at any time. */
export async function sweepLogs(store: Store): Promise<void> {
  await store.query(SWEEP_BATCHES);
  await store.query(SWEEP_LOGS);
}
