// `fleet.json`: what other programs need to find a running fleet.

import { rmSync } from 'node:fs';
import { join } from 'node:path';

import type { SeedResult } from './seed.js';
import { replaceFile } from './state.js';

export interface FleetFile {
  /** The HTTP API, up to and including `/api`. */
  readonly api: string;
  /** `ws://host:port` of the advertised gateway. */
  readonly gateway: string;
  readonly bots: readonly { id: string; name: string; token: string }[];
  readonly users: readonly {
    id: string;
    name: string;
    token: string;
    email: string;
    password: string;
  }[];
  readonly guilds: readonly {
    id: string;
    name: string;
    channels: readonly { id: string; name: string; type: number }[];
  }[];
  /** The processes that run now. */
  readonly services: readonly { name: string; instance: string; pid: number; health: string }[];
}

/** Where the file is. */
export function fleetFilePath(dataDir: string): string {
  return join(dataDir, 'fleet.json');
}

/** Replaces the file; it holds tokens, so only its owner may read it. */
export function writeFleetFile(
  dataDir: string,
  where: Pick<FleetFile, 'api' | 'gateway' | 'services'>,
  seed: SeedResult | undefined,
): void {
  const file: FleetFile = {
    api: where.api,
    gateway: where.gateway,
    bots: seed?.bots ?? [],
    users: seed?.users ?? [],
    guilds: seed?.guilds ?? [],
    services: where.services,
  };
  replaceFile(fleetFilePath(dataDir), `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

/** Removes the file: the fleet is gone. */
export function removeFleetFile(dataDir: string): void {
  rmSync(fleetFilePath(dataDir), { force: true });
}
