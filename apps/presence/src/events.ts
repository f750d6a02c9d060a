/** Every event this app reports, one function each. */
import type { Logger, Metrics } from '@guildhall/telemetry';
import type { PutOutcome } from './domain/presence-table.js';

export class Events {
  readonly #logger: Logger;
  readonly #puts: Readonly<Record<PutOutcome, { add(amount?: number): void }>>;
  readonly #removed;
  readonly #expired;
  readonly #unknown;
  readonly #orphaned;
  readonly #badActivities;
  readonly #said;
  readonly #dropped;
  readonly #windows;

  constructor(logger: Logger, metrics: Metrics) {
    this.#logger = logger;
    const puts = metrics.counterBy({
      name: 'presence_sessions_put',
      help: 'Sessions put by gateways, by what became of them',
      labels: ['outcome'],
    });
    this.#puts = {
      changed: puts.of({ outcome: 'changed' }),
      unchanged: puts.of({ outcome: 'unchanged' }),
      outdated: puts.of({ outcome: 'outdated' }),
      full: puts.of({ outcome: 'full' }),
    };
    this.#removed = metrics.counter({
      name: 'presence_sessions_removed',
      help: 'Sessions ended by their gateways',
    });
    this.#expired = metrics.counter({
      name: 'presence_sessions_expired',
      help: 'Sessions ended since their leases ran out',
    });
    this.#unknown = metrics.counter({
      name: 'presence_renewals_unknown',
      help: 'Renewals of sessions that are not known here, to be put again',
    });
    this.#orphaned = metrics.counter({
      name: 'presence_sessions_orphaned',
      help: 'Sessions whose gateway is gone',
    });
    this.#badActivities = metrics.counter({
      name: 'presence_activities_left_out',
      help: 'Activities that were too large or no JSON array',
    });
    this.#said = metrics.counter({
      name: 'presence_events_said',
      help: 'Ephemeral events published',
    });
    this.#dropped = metrics.counter({
      name: 'presence_events_dropped',
      help: 'Ephemeral events that the bus did not take',
    });
    this.#windows = metrics.histogram({
      name: 'presence_window_duration',
      help: 'Finding and publishing what is to be said at the end of a window',
      unit: 'seconds',
    });
  }

  put(outcome: PutOutcome): void {
    this.#puts[outcome].add();
  }

  removed(): void {
    this.#removed.add();
  }

  expired(count: number): void {
    if (count === 0) return;
    this.#expired.add(count);
    this.#logger.debug('leases of sessions ran out', { count });
  }

  renewalsUnknown(count: number): void {
    this.#unknown.add(count);
  }

  activitiesLeftOut(): void {
    this.#badActivities.add();
  }

  gatewayGone(gateway: string, sessionsCount: number): void {
    this.#orphaned.add(sessionsCount);
    this.#logger.info('a gateway is gone', { gateway, sessionsCount });
  }

  gatewayBack(gateway: string, sessionsCount: number): void {
    this.#logger.info('a gateway is back', { gateway, sessionsCount });
  }

  windowSaid(saidCount: number, droppedCount: number, durationMs: number): void {
    this.#said.add(saidCount);
    this.#dropped.add(droppedCount);
    this.#windows.record(durationMs / 1_000);
  }

  partitionsChanged(gained: number, lost: number, owned: number): void {
    this.#logger.info('partitions changed', { gained, lost, owned });
  }
}
