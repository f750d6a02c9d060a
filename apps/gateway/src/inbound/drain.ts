// Letting go of every client in good order: told to reconnect in batches, since libraries are back
// within tens of milliseconds, and closed resumably if they do not go by themselves.
import { sleep, type Clock } from '@guildhall/clock';
import { CloseCode, reconnect } from '@guildhall/gateway-protocol';
import type { GatewayEvents } from '../events.js';
import type { Connection } from './connection.js';

export interface DrainOptions {
  readonly clock: Clock;
  readonly events: GatewayEvents;
  readonly connections: () => Iterable<Connection>;
  readonly batchSize: number;
  readonly batchIntervalMs: number;
}

/** How long a client that was told to reconnect is given before it is closed. */
const LEAVE_MS = 1_000;
const CLOSED_MS = 500;
const LOOK_MS = 20;

/** Resolves when all are gone, or the signal aborts. */
export async function drainConnections(options: DrainOptions, signal: AbortSignal): Promise<void> {
  const { clock, events, batchSize, batchIntervalMs } = options;
  const all = [...options.connections()];
  for (let at = 0; at < all.length && !signal.aborted; at += batchSize) {
    const batch = all.slice(at, at + batchSize);
    for (const connection of batch) if (connection.isOpen) connection.socket.frame(reconnect());
    events.drainRound(
      Math.min(at + batchSize, all.length),
      Math.max(0, all.length - at - batchSize),
    );
    if (at + batchSize < all.length) await sleep(clock, batchIntervalMs, signal).catch(ignore);
  }
  await untilGone(options, LEAVE_MS, signal);
  const late = [...options.connections()];
  for (let at = 0; at < late.length; at += batchSize) {
    for (const connection of late.slice(at, at + batchSize)) {
      connection.close(CloseCode.UnknownError, 'This gateway is going away.');
    }
    if (at + batchSize < late.length && !signal.aborted) {
      await sleep(clock, batchIntervalMs, signal).catch(ignore);
    }
  }
  await untilGone(options, CLOSED_MS, signal);
}

async function untilGone(
  { clock, connections }: DrainOptions,
  forMs: number,
  signal: AbortSignal,
): Promise<void> {
  const untilMs = clock.monotonicMs() + forMs;
  const isAnyLeft = (): boolean => connections()[Symbol.iterator]().next().done !== true;
  while (isAnyLeft() && clock.monotonicMs() < untilMs && !signal.aborted) {
    await sleep(clock, LOOK_MS, signal).catch(ignore);
  }
}

/** Cut short by the signal, which the caller looks at. */
function ignore(): void {}
