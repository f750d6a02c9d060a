// The end of everything at once, and what comes after it.

import type { Fleet } from '@guildhall/fleet';

/**
 * Brings a fleet that `killAll` or single kills took down back up, on the same data and ports:
 * first the servers, then every app. What runs is drained and started anew. Resolves when every
 * process is ready; gives how long that took, ms.
 */
export async function restartEverything(fleet: Fleet): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(['postgres', 'nats'].map((name) => fleet.restart(name)));
  await Promise.all(fleet.instances().map(({ name }) => fleet.restart(name)));
  return performance.now() - startedMs;
}
