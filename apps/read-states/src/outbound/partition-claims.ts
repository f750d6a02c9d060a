// Taking partitions: first they are taken from whoever has them, so that nothing of them is
// committed any more; then what the owner before has left in its log is put into the rows; then
// they are served. A taker that dies in between leaves the tail where it was, for the next one.
import type { Store, Transaction } from '@guildhall/store';
import type { AckLog } from './ack-log.js';
import { replayLog } from './log-replay.js';

const ADD_MISSING = {
  text: `INSERT INTO partitions (partition, epoch, log_id) SELECT v, 0, $2
         FROM unnest($1::int[]) AS v ORDER BY v ON CONFLICT (partition) DO NOTHING`,
};
// Partitions first, logs second, each in their order: two takers never wait in a circle.
const LOCK_PARTITIONS = {
  text: `SELECT partition, log_id, tail_log_id FROM partitions
         WHERE partition = ANY($1::int[]) ORDER BY partition FOR UPDATE`,
};
const LOCK_LOGS = {
  text: `SELECT log_id, batch_no FROM logs WHERE log_id = ANY($1::bigint[])
         ORDER BY log_id FOR UPDATE`,
};
const FENCE_OUT = {
  text: `UPDATE logs SET generation = generation + 1 WHERE log_id = ANY($1::bigint[])`,
};
const TAKE = {
  text: `UPDATE partitions SET epoch = epoch + 1, log_id = $2 WHERE partition = ANY($1::int[])
         RETURNING partition, epoch`,
};
const SERVE = {
  text: `UPDATE partitions p SET tail_log_id = $3
         FROM unnest($1::int[], $2::bigint[]) AS v(partition, epoch)
         WHERE p.partition = v.partition AND p.epoch = v.epoch RETURNING p.partition`,
};

/** What taking partitions came to. */
export interface Claimed {
  /**
   * The epoch of each partition that may be served now. Fewer than asked for: others were quicker.
   */
  readonly epochs: ReadonlyMap<number, bigint>;
  /** Records that were found in logs of owners before. */
  readonly replayedCount: number;
}

interface Taken {
  readonly epochs: ReadonlyMap<number, bigint>;
  /** Which log still has to be replayed for which partitions, and up to which batch. */
  readonly tails: ReadonlyMap<bigint, { untilBatchNo: bigint; partitions: Set<number> }>;
}

/**
 * Takes partitions for a log of this process, and makes their rows complete. Rejects with a Fault
 * when the database is away; then, or when this process dies, it can simply be done again.
 */
export async function claimPartitions(
  store: Store,
  log: AckLog,
  partitions: readonly number[],
  writeMax: number,
): Promise<Claimed> {
  await log.touch();
  const { epochs, tails } = await store.transaction((tx) => take(tx, log.logId, partitions));
  let replayedCount = 0;
  for (const [logId, tail] of tails) {
    replayedCount += await replayLog(store, { logId, ...tail, writeMax });
  }
  const served = await store.query<{ partition: number }>(SERVE, [
    [...epochs.keys()],
    [...epochs.values()],
    log.logId,
  ]);
  const kept = served.rows.map(({ partition }) => [partition, epochs.get(partition)!] as const);
  return { epochs: new Map(kept), replayedCount };
}

async function take(tx: Transaction, logId: bigint, partitions: readonly number[]): Promise<Taken> {
  await tx.query(ADD_MISSING, [partitions, logId]);
  const { rows: before } = await tx.query<{
    partition: number;
    log_id: bigint;
    tail_log_id: bigint | null;
  }>(LOCK_PARTITIONS, [partitions]);
  const holders = new Set(before.map((row) => row.log_id));
  holders.delete(logId);
  const tailIds = before.flatMap(({ tail_log_id: tail }) => (tail === null ? [] : [tail]));
  const logIds = [...new Set([...holders, ...tailIds])];
  const { rows: logs } = await tx.query<{ log_id: bigint; batch_no: bigint }>(LOCK_LOGS, [logIds]);
  await tx.query(FENCE_OUT, [[...holders]]);
  const { rows: taken } = await tx.query<{ partition: number; epoch: bigint }>(TAKE, [
    partitions,
    logId,
  ]);
  const tails = new Map(
    logs.map((log) => [log.log_id, { untilBatchNo: log.batch_no, partitions: new Set<number>() }]),
  );
  for (const { partition, tail_log_id: tail } of before) {
    if (tail !== null) tails.get(tail)?.partitions.add(partition);
  }
  for (const [id, tail] of tails) if (tail.partitions.size === 0) tails.delete(id);
  return { epochs: new Map(taken.map(({ partition, epoch }) => [partition, epoch])), tails };
}
