/**
 * Serves the partitions of users that placement gives this process, and lets go of those it takes
 * away.
 *
 * Gaining: requests are taken at once, and gateways are asked to put their sessions again; until
 * they have had the time to, the partition settles. Losing: requests are taken no more, what those
 * in hand have changed is said, but for who went offline, and everything is forgotten.
 */
import type { Subscription } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import type { PresenceTable } from '../domain/presence-table.js';
import type { Events } from '../events.js';

/** Partitions forgotten in one turn of the event loop. */
const LET_GO_AT_ONCE = 8;

export interface OwnershipOptions {
  readonly table: PresenceTable;
  readonly clock: Clock;
  readonly events: Events;
  readonly settleMs: number;
  /** Serves the requests of a partition. */
  readonly serve: (partition: number) => Subscription;
  /** Tells the gateways. */
  readonly taken: (partitions: readonly number[]) => void;
  /** Says what waits to be said. */
  readonly say: () => void;
}

/** See the top of the file. */
export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #subscriptions = new Map<number, Subscription>();
  /** By partition, the timer that will say that it has settled. */
  readonly #settling = new Map<number, Timer>();

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** Follows a change of placement. Changes may overlap: each partition is looked at by itself. */
  async change(gained: readonly number[], lost: readonly number[]): Promise<void> {
    const { table, serve, taken, events } = this.#options;
    for (const partition of gained) {
      table.hold(partition);
      if (this.#subscriptions.has(partition)) continue;
      this.#subscriptions.set(partition, serve(partition));
    }
    if (gained.length > 0) {
      this.#settle(gained);
      taken(gained);
    }
    const left = lost.flatMap((partition) => {
      table.leave(partition);
      this.#settling.delete(partition);
      const subscription = this.#subscriptions.get(partition);
      this.#subscriptions.delete(partition);
      return subscription === undefined ? [] : [subscription];
    });
    if (gained.length + lost.length > 0) {
      events.partitionsChanged(gained.length, lost.length, this.#subscriptions.size);
    }
    await this.#letGo(lost, left);
  }

  /** Lets go of everything. May be called twice. */
  async close(): Promise<void> {
    await this.change([], [...this.#subscriptions.keys()]);
  }

  #settle(partitions: readonly number[]): void {
    const { clock, table, settleMs } = this.#options;
    const timer = clock.setTimer(settleMs, () => {
      for (const partition of partitions) {
        // Taken again, or lost, meanwhile: then this was not the last word.
        if (this.#settling.get(partition) !== timer) continue;
        this.#settling.delete(partition);
        table.settled(partition);
      }
    });
    for (const partition of partitions) this.#settling.set(partition, timer);
  }

  async #letGo(
    partitions: readonly number[],
    subscriptions: readonly Subscription[],
  ): Promise<void> {
    if (partitions.length === 0) return;
    await Promise.all(subscriptions.map((subscription) => subscription.drain()));
    this.#options.say();
    for (const [at, partition] of partitions.entries()) {
      // Requests for what is still owned get their turns in between.
      if (at % LET_GO_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
      // A partition may have come back meanwhile.
      if (!this.#subscriptions.has(partition)) this.#options.table.letGo(partition);
    }
  }
}
