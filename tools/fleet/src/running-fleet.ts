// A fleet that another process runs, looked at and stopped from outside.

import { readFileSync } from 'node:fs';

import { httpAnswers, until } from '@guildhall/testkit';

import { lockHolder } from './data-lock.js';
import { fleetFilePath } from './fleet-file.js';
import type { FleetFile } from './fleet-file.js';

/** Two waves of draining, then the servers. */
const STOP_TIMEOUT_MS = 60_000;

/** What `fleet.json` says, and which processes answer; `undefined` when no fleet is up. */
export async function inspectFleet(
  dataDir: string,
): Promise<{ file: FleetFile; isReady: ReadonlyMap<string, boolean> } | undefined> {
  if (lockHolder(dataDir) === undefined) return undefined;
  let file: FleetFile;
  try {
    file = JSON.parse(readFileSync(fleetFilePath(dataDir), 'utf8')) as FleetFile;
  } catch {
    // It is still starting, or already stopping.
    return undefined;
  }
  const answers = await Promise.all(file.services.map(({ health }) => httpAnswers(health)));
  return {
    file,
    isReady: new Map(file.services.map(({ instance }, index) => [instance, answers[index]!])),
  };
}

/** Has the fleet on `dataDir` drain and waits until it is gone. False when there is none. */
export async function stopFleet(dataDir: string): Promise<boolean> {
  const pid = lockHolder(dataDir);
  if (pid === undefined) return false;
  process.kill(pid, 'SIGTERM');
  await until(() => Promise.resolve(lockHolder(dataDir) !== pid), STOP_TIMEOUT_MS);
  return true;
}
