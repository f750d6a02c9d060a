/**
 * Deletes in the background what nobody asks for any more: old events, and the messages of channels
 * that are gone. In small batches, so that no commit waits long for a lock or for the disk. Every
 * instance does it; the rows are the same for all, and a batch that two of them pick is deleted
 * once.
 */
import type { Clock, Timer } from '@guildhall/clock';
import type { Store } from '@guildhall/store';

const PRUNE = {
  name: 'prune-events',
  text: `DELETE FROM events WHERE (topic_id, seq) IN (
           SELECT topic_id, seq FROM events WHERE at < now() - make_interval(secs => $1) LIMIT $2)`,
};
const NEXT_PURGE = {
  name: 'next-purge',
  text: 'SELECT topic_id, channel_id FROM purges LIMIT 1',
};
const PURGE_MESSAGES = {
  name: 'purge-messages',
  text: `WITH gone AS (
           DELETE FROM messages WHERE (topic_id, channel_id, message_id) IN (
             SELECT topic_id, channel_id, message_id FROM messages
             WHERE topic_id = $1 AND channel_id = $2 LIMIT $3)
           RETURNING message_id),
         unreacted AS (
           DELETE FROM reactions
           WHERE topic_id = $1 AND message_id IN (SELECT message_id FROM gone)),
         unmentioned AS (
           DELETE FROM mentions
           WHERE topic_id = $1 AND channel_id = $2 AND message_id IN (SELECT message_id FROM gone))
         SELECT count(*)::int AS count FROM gone`,
};
const PURGED = {
  name: 'purged',
  text: 'DELETE FROM purges WHERE topic_id = $1 AND channel_id = $2',
};

export interface SweeperOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly batchMax: number;
  readonly eventRetentionS: number;
  /** Told how many rows of each kind a sweep deleted. */
  readonly swept: (events: number, messages: number) => void;
  readonly failed: (error: unknown) => void;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: Timer | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => {
      this.#sweeping ??= this.sweep()
        .catch((error: unknown) => this.#options.failed(error))
        .finally(() => (this.#sweeping = undefined));
    });
  }

  /** Resolves when the sweep under way is over. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#sweeping;
  }

  /** One batch of events, and one of messages. May be called at any time. */
  async sweep(): Promise<void> {
    const { store, eventRetentionS, batchMax } = this.#options;
    const pruned = await store.query(PRUNE, [eventRetentionS, batchMax]);
    this.#options.swept(pruned.rowCount, await this.#purge());
  }

  async #purge(): Promise<number> {
    const { store, batchMax } = this.#options;
    const next = await store.query<{ topic_id: bigint; channel_id: bigint }>(NEXT_PURGE);
    const purge = next.rows[0];
    if (purge === undefined) return 0;
    const where = [purge.topic_id, purge.channel_id];
    const gone = await store.query<{ count: number }>(PURGE_MESSAGES, [...where, batchMax]);
    const { count } = gone.rows[0]!;
    if (count === 0) await store.query(PURGED, where);
    return count;
  }
}
