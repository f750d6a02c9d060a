// What a fleet remembers between two starts, in one file that only its owner may read: the
// passwords its parts use among themselves, and the demo guild with its tokens.

import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { SeedResult } from './seed.js';

export interface FleetState {
  /** Passwords, by what they are for (`nats:api`, `postgres:api`, `demo:alice`). */
  readonly secrets: Record<string, string>;
  /** The demo guild, once it is complete. */
  seed?: SeedResult;
}

/** What the fleet in `dataDir` remembers; nothing yet when it is new. */
export function readState(dataDir: string): FleetState {
  try {
    return JSON.parse(readFileSync(stateFile(dataDir), 'utf8')) as FleetState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { secrets: {} };
    const file = stateFile(dataDir);
    throw new Error(`cannot read ${file}; mend it, or start with --clean`, { cause: error });
  }
}

/** Replaces what is remembered, whole or not at all. */
export function writeState(dataDir: string, state: FleetState): void {
  replaceFile(stateFile(dataDir), `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

/** The secret for `purpose`, made up the first time. The caller writes the state. */
export function secretFor(state: FleetState, purpose: string): string {
  return (state.secrets[purpose] ??= randomBytes(24).toString('base64url'));
}

/** Writes `file` so that a reader finds the old text or the new, never a part. */
export function replaceFile(file: string, text: string, mode: number): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode });
  renameSync(draft, file);
}

function stateFile(dataDir: string): string {
  return join(dataDir, 'state.json');
}
