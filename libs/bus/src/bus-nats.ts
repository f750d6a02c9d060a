import { nuid } from '@nats-io/nats-core';
import { SystemClock, type Clock } from '@guildhall/clock';
import type { Bus } from './bus.js';
import type { BusOptions } from './bus-room.js';
import { LinkedBus } from './linked-bus.js';
import { openNatsLink, type NatsLinkOptions } from './nats-link.js';

export interface NatsBusOptions
  extends Omit<BusOptions, 'clock'>, Omit<NatsLinkOptions, 'clock' | 'name' | 'logger'> {
  /** Where answers come to; what `inboxPrefix(app)` gives, and all this app may listen to. */
  readonly inboxPrefix: string;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
}

/**
 * A bus over NATS. Resolves when connected; rejects with a Fault (`unavailable`) when no server
 * answers within `connectTimeoutMs`. Afterwards it connects again for ever: see `status` and
 * `onContinuityGap`.
 */
export async function connectNats(options: NatsBusOptions): Promise<Bus> {
  const withClock = { ...options, clock: options.clock ?? new SystemClock() };
  const link = await openNatsLink(withClock);
  return new LinkedBus(link, `${options.inboxPrefix}.${nuid.next()}`, withClock);
}
