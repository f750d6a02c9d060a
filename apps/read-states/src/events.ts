/** Every event this app reports, one function each. */
import type { Fault } from '@guildhall/fault';
import type { Logger, Metrics } from '@guildhall/telemetry';
import type { CommitReport } from './outbound/commit-lane.js';
import type { FoldReport } from './outbound/log-fold.js';
import type { Claimed } from './outbound/partition-claims.js';

/** What is looked at when somebody reads the metrics. */
export interface Levels {
  users(): number;
  entries(): number;
  tableBytes(): number;
  pinnedUsers(): number;
  evictions(): number;
  waiting(): number;
  operations(): number;
  loading(): number;
  /** Records that are durable in the logs and not cut off yet. */
  logRecords(): number;
  served(): number;
}

export class Events {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #operations;
  readonly #acksMoved;
  readonly #acksUnmoved;
  readonly #commits;
  readonly #commitRecords;
  readonly #batchOperations;
  readonly #loads;
  readonly #folds;
  readonly #folded;
  readonly #claims;
  readonly #replayed;
  readonly #partitionsLost;

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    this.#metrics = metrics;
    this.#operations = metrics.counter({
      name: 'read_states_operations',
      help: 'Operations asked for; what read_states_user_loads is to it has missed the memory',
    });
    const acks = metrics.counterBy({
      name: 'read_states_acks',
      help: 'Acks decided, by whether the mark moved',
      labels: ['moved'],
    });
    this.#acksMoved = acks.of({ moved: 'yes' });
    this.#acksUnmoved = acks.of({ moved: 'no' });
    this.#commits = metrics.histogramBy({
      name: 'read_states_commit_duration',
      help: 'A group commit, from its statement to its durable end',
      unit: 'seconds',
      labels: ['outcome'],
    });
    this.#commitRecords = metrics.histogram({
      name: 'read_states_commit_records',
      help: 'Changes in one group commit',
    });
    this.#batchOperations = metrics.histogram({
      name: 'read_states_batch_operations',
      help: 'Operations in one batch',
    });
    this.#loads = metrics.counterBy({
      name: 'read_states_user_loads',
      help: 'Users loaded from the database',
      labels: ['outcome'],
    });
    this.#folds = metrics.histogramBy({
      name: 'read_states_fold_duration',
      help: 'From a mark in the log until the rows have what was in it then',
      unit: 'seconds',
      labels: ['outcome'],
    });
    this.#folded = metrics.counter({
      name: 'read_states_folded_rows',
      help: 'Rows written by folds',
    });
    this.#claims = metrics.histogramBy({
      name: 'read_states_claim_duration',
      help: 'Taking partitions, from the claim to complete rows',
      unit: 'seconds',
      labels: ['outcome'],
    });
    this.#replayed = metrics.counter({
      name: 'read_states_replayed_records',
      help: 'Records found in the logs of owners before, and put into the rows',
    });
    this.#partitionsLost = metrics.counter({
      name: 'read_states_partitions_lost',
      help: 'Partitions that another process took while this one held them',
    });
  }

  /** Shows what there is at any moment. Called once. */
  observe(levels: Levels): void {
    const gauge = (name: string, help: string, read: () => number): void =>
      this.#metrics.observe('gauge', { name: `read_states_${name}`, help }, read);
    gauge('users', 'Users in memory', levels.users);
    gauge('entries', 'Entries in memory', levels.entries);
    gauge('waiting', 'Requests in hand', levels.waiting);
    gauge('operations_waiting', 'Operations in hand', levels.operations);
    gauge('loading', 'Users that are waited for', levels.loading);
    gauge('table_bytes', 'Memory that users in memory take', levels.tableBytes);
    gauge('pinned_users', 'Users that cannot be forgotten just now', levels.pinnedUsers);
    gauge('log_records', 'Changes in the logs that were not cut off yet', levels.logRecords);
    gauge('partitions_served', 'Partitions whose requests are taken', levels.served);
    const evictions = { name: 'read_states_evictions', help: 'Users forgotten to make room' };
    this.#metrics.observe('counter', evictions, levels.evictions);
  }

  /** Hot path. Operations were carried out, of which these moved a mark and those did not. */
  carriedOut(operationsCount: number, movedCount: number, unmovedCount: number): void {
    this.#operations.add(operationsCount);
    this.#acksMoved.add(movedCount);
    this.#acksUnmoved.add(unmovedCount);
  }

  /** Hot path. */
  batched(operationsCount: number): void {
    this.#batchOperations.record(operationsCount);
  }

  committed({ recordsCount, durationMs, fault }: CommitReport): void {
    this.#commits.of({ outcome: fault?.code ?? 'ok' }).record(durationMs / 1_000);
    this.#commitRecords.record(recordsCount);
    if (fault !== undefined) {
      this.#logger.warn('a commit failed', { recordsCount, error: fault, reason: fault.cause });
    }
  }

  loaded(usersCount: number, fault: Fault | undefined): void {
    this.#loads.of({ outcome: fault?.code ?? 'ok' }).add(usersCount);
    if (fault !== undefined) this.#logger.warn('users could not be loaded', { error: fault });
  }

  wroteRows(count: number): void {
    this.#folded.add(count);
  }

  folded({ durationMs, fault }: FoldReport): void {
    this.#folds.of({ outcome: fault?.code ?? 'ok' }).record(durationMs / 1_000);
    if (fault === undefined) return;
    this.#logger.warn('a fold failed and will be tried again', { error: fault });
  }

  /** Users that were dropped when a commit failed are complete again in the rows. */
  rebuilt(usersCount: number): void {
    this.#logger.info('users were made anew from the log', { usersCount });
  }

  partitionsChanged(gained: number, lost: number): void {
    this.#logger.info('partitions changed hands', { gained, lost });
  }

  partitionsClaimed(partitionsCount: number, claimed: Claimed, durationMs: number): void {
    this.#claims.of({ outcome: 'ok' }).record(durationMs / 1_000);
    this.#replayed.add(claimed.replayedCount);
    this.#logger.info('partitions claimed', {
      asked: partitionsCount,
      claimed: claimed.epochs.size,
      replayedRecords: claimed.replayedCount,
      tookMs: Math.round(durationMs),
    });
  }

  claimFailed(partitionsCount: number, fault: Fault): void {
    this.#claims.of({ outcome: fault.code }).record(0);
    this.#logger.warn('partitions could not be claimed, trying again', {
      partitionsCount,
      error: fault,
    });
  }

  partitionsTaken(partitions: readonly number[]): void {
    this.#partitionsLost.add(partitions.length);
    this.#logger.warn('another process has taken partitions', { count: partitions.length });
  }

  unfoldedAtDrain(): void {
    this.#logger.warn('the log was not folded before leaving: the next owner replays it');
  }

  sweepFailed(error: unknown): void {
    this.#logger.warn('sweeping old logs failed and will be tried again', { error });
  }
}
