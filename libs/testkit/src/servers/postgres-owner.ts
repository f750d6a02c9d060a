// PostgreSQL refuses to run as root. When we are root (a fresh container, a new machine) it runs as
// another user, who must be able to reach its program and its data: a checkout in /root, which
// others may not enter, is the usual trap. So a place that he cannot reach is swapped for one that
// he can.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

/** Where root keeps what another user must reach and the checkout cannot offer. */
const SHARED_STATE_DIR = '/var/lib/guildhall';
const MAY_ENTER_OTHER = 0o001;
const MAY_ENTER_GROUP = 0o010;
const MAY_ENTER_OWNER = 0o100;

/** The user PostgreSQL runs as. */
export interface ServerOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Who PostgreSQL is to run as: `undefined` (ourselves) unless we are root. As root it is the user
 * `postgres`, created when missing; where users cannot be created it is `nobody`.
 */
export function serverOwner(): ServerOwner | undefined {
  if (userInfo().uid !== 0) return undefined;
  const existing = lookUp('postgres');
  if (existing !== undefined) return existing;
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'], {
      stdio: 'ignore',
    });
  } catch {
    // A read-only or minimal system: `nobody` is always there.
  }
  const owner = lookUp('postgres') ?? lookUp('nobody');
  if (owner === undefined) throw new Error('PostgreSQL needs a user other than root to run as');
  return owner;
}

/**
 * A folder for `owner` that stands for `dir`: `dir` itself when he can reach it, else one under
 * {@link SHARED_STATE_DIR}, the same each time. Both exist afterwards.
 */
export function reachableFolder(dir: string, owner: ServerOwner | undefined): string {
  mkdirSync(dir, { recursive: true });
  if (owner === undefined) return dir;
  // Temporary folders are made for their maker alone; passing through shows others nothing.
  for (const folder of ancestors(dir)) {
    if (folder.startsWith(join(tmpdir(), '/')) && !mayEnter(folder, owner)) {
      chmodSync(folder, statSync(folder).mode | MAY_ENTER_OTHER);
    }
  }
  if (isReachable(dir, owner)) return dir;
  const key = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  const elsewhere = join(SHARED_STATE_DIR, key);
  mkdirSync(SHARED_STATE_DIR, { recursive: true, mode: 0o711 });
  mkdirSync(elsewhere, { recursive: true, mode: 0o711 });
  return elsewhere;
}

/**
 * Like {@link reachableFolder}, for data: when it is elsewhere, `dir` gets a link to it named
 * `elsewhere`. Without that link, what lies there belonged to an earlier `dir` that has been
 * deleted, and is deleted too.
 */
export function reachableDataFolder(dir: string, owner: ServerOwner | undefined): string {
  const folder = reachableFolder(dir, owner);
  if (folder === dir) return dir;
  const link = join(dir, 'elsewhere');
  if (existsSync(link)) return realpathSync(link);
  rmSync(link, { force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o711 });
  symlinkSync(folder, link);
  return folder;
}

/** Whether `owner` may enter `dir` and every folder above it. */
function isReachable(dir: string, owner: ServerOwner): boolean {
  return ancestors(dir).every((folder) => mayEnter(folder, owner));
}

function mayEnter(folder: string, owner: ServerOwner): boolean {
  const { mode, uid, gid } = statSync(folder);
  if (uid === owner.uid) return (mode & MAY_ENTER_OWNER) !== 0;
  if (gid === owner.gid) return (mode & MAY_ENTER_GROUP) !== 0;
  return (mode & MAY_ENTER_OTHER) !== 0;
}

function ancestors(dir: string): string[] {
  const parent = dirname(dir);
  return parent === dir ? [dir] : [...ancestors(parent), dir];
}

function lookUp(name: string): ServerOwner | undefined {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [user, , uid, gid] = line.split(':');
    if (user === name) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}
