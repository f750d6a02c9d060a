// The entry of a client process: started with `fork` by its parent, and gone with it.

import { ClientProcess } from './client-process.js';
import type { Order, Report } from './process-messages.js';

const TICK_MS = 1_000;

/** Runs until the parent says `end`, or is gone. */
export function runClientProcess(): void {
  let clients: ClientProcess | undefined;
  let ticking: NodeJS.Timeout | undefined;
  // A parent that is gone does not listen, and `disconnect` tells us in its turn.
  const say = (report: Report): void => {
    if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
  };
  const tick = (): void => {
    if (clients !== undefined) say(clients.tick());
  };
  process.on('message', (order: Order) => {
    try {
      if (order.kind === 'prepare') {
        clients = new ClientProcess(order);
        ticking = setInterval(tick, TICK_MS);
        say({ kind: 'answer', id: order.id, value: 0 });
        return;
      }
      const value = clients?.obey(order) ?? 0;
      if (order.kind === 'missing' || order.kind === 'tick') tick();
      if ('id' in order) say({ kind: 'answer', id: order.id, value });
      if (order.kind === 'end') {
        clearInterval(ticking);
        tick();
        // The parent ends us when it has read this.
      }
    } catch (error) {
      say({ kind: 'failed', reason: error instanceof Error ? error.stack! : String(error) });
    }
  });
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C goes to the whole group of the terminal: the parent ends us in its order.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => undefined);
}
