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
  evictions(): number;
  waiting(): number;
  unfolded(): number;
  served(): number;
}

export class Events {
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #acksMoved;
  readonly #acksUnmoved;
  readonly #commits;
  readonly #commitChanges;
  readonly #loads;
  readonly #folds;
  readonly #folded;
  readonly #claims;
  readonly #replayed;
  readonly #partitionsLost;

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    this.#metrics = metrics;
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
    this.#commitChanges = metrics.histogram({
      name: 'read_states_commit_changes',
      help: 'Changes in one group commit',
    });
    this.#loads = metrics.counterBy({
      name: 'read_states_user_loads',
      help: 'Users loaded from the database',
      labels: ['outcome'],
    });
    this.#folds = metrics.histogramBy({
      name: 'read_states_fold_duration',
      help: 'Putting what the log holds into the rows',
      unit: 'seconds',
      labels: ['outcome'],
    });
    this.#folded = metrics.counter({
      name: 'read_states_folded_entries',
      help: 'Entries written to the rows by folds',
    });
    this.#claims = metrics.histogramBy({
      name: 'read_states_claim_duration',
      help: 'Taking partitions, from the claim to complete rows',
      unit: 'seconds',
      labels: ['outcome'],
    });
    this.#replayed = metrics.counter({
      name: 'read_states_replayed_entries',
      help: 'Entries found in the logs of owners before, and written to the rows',
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
    gauge(
      'unfolded',
      'Entries that are durable in the log and not yet in the rows',
      levels.unfolded,
    );
    gauge('partitions_served', 'Partitions whose requests are taken', levels.served);
    const evictions = { name: 'read_states_evictions', help: 'Users forgotten to make room' };
    this.#metrics.observe('counter', evictions, levels.evictions);
  }

  /** Hot path. */
  acked(movedCount: number, unmovedCount: number): void {
    this.#acksMoved.add(movedCount);
    this.#acksUnmoved.add(unmovedCount);
  }

  committed({ changesCount, durationMs, fault }: CommitReport): void {
    this.#commits.of({ outcome: fault?.code ?? 'ok' }).record(durationMs / 1_000);
    this.#commitChanges.record(changesCount);
    if (fault !== undefined) {
      this.#logger.warn('a commit failed', { changesCount, error: fault, reason: fault.cause });
    }
  }

  loaded(usersCount: number, fault: Fault | undefined): void {
    this.#loads.of({ outcome: fault?.code ?? 'ok' }).add(usersCount);
    if (fault !== undefined) this.#logger.warn('users could not be loaded', { error: fault });
  }

  folded({ entriesCount, durationMs, fault }: FoldReport): void {
    this.#folds.of({ outcome: fault?.code ?? 'ok' }).record(durationMs / 1_000);
    this.#folded.add(entriesCount);
    if (fault === undefined) return;
    this.#logger.warn('a fold failed and will be tried again', { error: fault });
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
      replayedEntries: claimed.replayedCount,
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
