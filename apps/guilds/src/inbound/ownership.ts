/**
 * Serves the partitions that placement gives this process, and lets go of those it takes away.
 *
 * Gaining: requests are taken at once, and topics with recent events are loaded, so that followers
 * hear of what the owner before committed and did not publish. Losing: requests are taken no more,
 * what is under way is committed, the topics are forgotten. In between two processes may serve one
 * partition; the epoch of each topic decides whose commits count.
 */
import type { Subscription } from '@guildhall/bus';
import { partitionOf } from '@guildhall/snowflake';
import type { Events } from '../events.js';
import type { TopicStore } from '../outbound/topic-store.js';
import type { TopicShelf } from './topic-shelf.js';

/** How far back a new owner looks for topics whose last events may not have been published. */
const ACTIVE_S = 60;
const WARM_AT_ONCE = 32;

export interface OwnershipOptions {
  readonly shelf: TopicShelf;
  readonly store: TopicStore;
  readonly events: Events;
  /** Serves the requests of a partition. */
  readonly serve: (partition: number) => Subscription;
  /** Listens to the ephemeral events of a partition. */
  readonly listen: (partition: number) => Subscription;
}

export class Ownership {
  readonly #options: OwnershipOptions;
  readonly #subscriptions = new Map<number, readonly Subscription[]>();

  constructor(options: OwnershipOptions) {
    this.#options = options;
  }

  /** Follows a change of placement. Changes may overlap: each partition is looked at by itself. */
  async change(gained: readonly number[], lost: readonly number[]): Promise<void> {
    if (gained.length + lost.length === 0) return;
    const { serve, listen, events } = this.#options;
    for (const partition of gained) {
      if (this.#subscriptions.has(partition)) continue;
      this.#subscriptions.set(partition, [serve(partition), listen(partition)]);
    }
    const left = lost.flatMap((partition) => {
      const subscriptions = this.#subscriptions.get(partition) ?? [];
      this.#subscriptions.delete(partition);
      return subscriptions;
    });
    events.partitionsChanged(gained.length, lost.length, this.#subscriptions.size);
    const [, warmed] = await Promise.allSettled([
      this.#letGo(lost, left),
      this.#warm(new Set(gained)),
    ]);
    if (warmed.status === 'rejected')
      events.backgroundFailed('loading active topics', warmed.reason);
  }

  /** Lets go of everything, in order: no new requests, all commits, nothing in memory. */
  async close(): Promise<void> {
    await this.change([], [...this.#subscriptions.keys()]);
  }

  /** Topics go at once: a partition that comes back meanwhile must not find them as they were. */
  async #letGo(
    partitions: readonly number[],
    subscriptions: readonly Subscription[],
  ): Promise<void> {
    if (partitions.length === 0) return;
    const released = this.#options.shelf.release(new Set(partitions));
    await Promise.all(subscriptions.map((subscription) => subscription.drain()));
    await released;
  }

  async #warm(partitions: ReadonlySet<number>): Promise<void> {
    if (partitions.size === 0) return;
    const active = await this.#options.store.activeSince(ACTIVE_S);
    const ours = active.filter((topicId) => partitions.has(partitionOf(topicId)));
    for (let at = 0; at < ours.length; at += WARM_AT_ONCE) {
      await Promise.all(
        ours.slice(at, at + WARM_AT_ONCE).map((topicId) => this.#options.shelf.warm(topicId)),
      );
    }
  }
}
