import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { workspaceRoot } from './workspace.js';

/** Older servers lack `sync_interval` and lose streams when killed. */
const NATS_VERSION_MIN = [2, 10, 23] as const;

/**
 * The nats-server to run: the one on PATH when it is new enough, else the one that the set-up put
 * into `.guildhall/bin`. Throws with what to do when there is neither.
 */
export function findNatsServer(): string {
  for (const command of ['nats-server', join(workspaceRoot(), '.guildhall/bin/nats-server')]) {
    try {
      const output = execFileSync(command, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      if (isNewEnough(output)) return command;
    } catch {
      // Not there, or not a program for this machine: the next candidate.
    }
  }
  throw new Error(
    `nats-server ${NATS_VERSION_MIN.join('.')} or newer is neither on PATH nor in .guildhall/bin: ` +
      '`npm start` and `npm test` fetch it, or install it yourself',
  );
}

/** Whether the output of `nats-server --version` names a version that will do. */
export function isNewEnough(output: string): boolean {
  const found = /v(\d+)\.(\d+)\.(\d+)/.exec(output)?.slice(1).map(Number);
  if (found === undefined) return false;
  for (const [at, least] of NATS_VERSION_MIN.entries()) {
    const part = found[at] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
