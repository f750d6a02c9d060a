/** Every event this app reports, one function each. */
import type { Fault } from '@guildhall/fault';
import type { Logger, Metrics } from '@guildhall/telemetry';
import type { CommitReport } from './outbound/group-commit.js';
import type { StoredErrand } from './outbound/topic-store.js';

export class Events {
  readonly #logger: Logger;
  readonly #commits;
  readonly #entries;
  readonly #lost;
  readonly #swept;
  readonly #errandFailures;
  readonly #tooLarge;

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    this.#commits = metrics.histogramBy({
      name: 'guilds_commit_duration',
      help: 'A group commit, from its first statement to its durable end',
      unit: 'seconds',
      labels: ['outcome'],
    });
    this.#entries = metrics.counter({
      name: 'guilds_commit_entries',
      help: 'Commands committed, or not, by group commits',
    });
    this.#lost = metrics.counterBy({
      name: 'guilds_topics_lost',
      help: 'Topics forgotten, by why',
      labels: ['reason'],
    });
    this.#swept = metrics.counterBy({
      name: 'guilds_rows_swept',
      help: 'Old events, and messages of channels that are gone, deleted in the background',
      labels: ['table'],
    });
    this.#errandFailures = metrics.counter({
      name: 'guilds_errand_failures',
      help: 'Errands to other topics that failed and are tried again',
    });
    this.#tooLarge = metrics.counter({
      name: 'guilds_events_too_large',
      help: 'Messages of events that the bus does not carry; followers fetch them',
    });
  }

  committed({ entriesCount, durationMs, fault }: CommitReport): void {
    this.#commits.of({ outcome: fault?.code ?? 'ok' }).record(durationMs / 1_000);
    this.#entries.add(entriesCount);
    if (fault !== undefined) this.#logger.warn('a commit failed', { entriesCount, err: fault });
  }

  topicLost(topicId: bigint, fault: Fault): void {
    this.#lost.of({ reason: fault.code }).add(1);
    this.#logger.debug('topic let go', { topicId: String(topicId), code: fault.code });
  }

  errandFailed(errand: StoredErrand, fault: Fault): void {
    this.#errandFailures.add(1);
    const { topicId, targetTopicId } = errand;
    this.#logger.warn('an errand failed and will be tried again', {
      topicId: String(topicId),
      targetTopicId: String(targetTopicId),
      err: fault,
    });
  }

  eventTooLarge(topicId: bigint, bytes: number): void {
    this.#tooLarge.add(1);
    this.#logger.info('an event is left to be fetched', { topicId: String(topicId), bytes });
  }

  partitionsChanged(gained: number, lost: number, owned: number): void {
    this.#logger.info('partitions changed', { gained, lost, owned });
  }

  swept(eventsCount: number, messagesCount: number): void {
    this.#swept.of({ table: 'events' }).add(eventsCount);
    this.#swept.of({ table: 'messages' }).add(messagesCount);
  }

  backgroundFailed(what: string, error: unknown): void {
    this.#logger.warn(`${what} failed and will be tried again`, { err: error });
  }
}
