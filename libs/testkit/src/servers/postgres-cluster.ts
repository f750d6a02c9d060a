// The data folder of one PostgreSQL: made once, given its database and logins, and freed of the
// traces of a server that was killed. Everything here happens while no server runs on it.

import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import type { PostgresBinaries } from './postgres-binaries.js';
import type { ServerOwner } from './postgres-owner.js';
import { until } from './probes.js';

/** A server that was told to end may take this long to leave its data. */
const LEAVE_TIMEOUT_MS = 15_000;

/** A login of its own for one app. It owns one schema and can touch no other. */
export interface PostgresRole {
  readonly name: string;
  readonly password: string;
  /** The schema it owns, and its default one. */
  readonly schema: string;
}

export interface ClusterOptions {
  /** A folder the server's user can reach. */
  readonly home: string;
  readonly binaries: PostgresBinaries;
  readonly owner: ServerOwner | undefined;
  readonly database: string;
  readonly roles: readonly PostgresRole[];
  readonly isDurable: boolean;
}

export interface Cluster {
  readonly dataDir: string;
  /** The password of the superuser `postgres`. */
  readonly password: string;
}

/**
 * Makes the data folder when there is none, and brings its database and roles up to date. Safe to
 * run again, also after it was interrupted at any point.
 */
export async function prepareCluster(options: ClusterOptions): Promise<Cluster> {
  const { home, owner } = options;
  const dataDir = join(home, 'data');
  const passwordFile = join(home, 'password');
  if (existsSync(join(dataDir, 'PG_VERSION'))) {
    await clearStaleLock(dataDir);
  } else {
    await initialise(options, dataDir, passwordFile);
  }
  await grant(options, dataDir);
  if (owner !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  return { dataDir, password: readFileSync(passwordFile, 'utf8').trim() };
}

async function initialise(
  options: ClusterOptions,
  dataDir: string,
  passwordFile: string,
): Promise<void> {
  const { owner } = options;
  // Made aside and renamed at the end: a data folder that exists is a whole one.
  const unfinished = `${dataDir}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  rmSync(join(options.home, 'granted'), { force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  writeFileSync(passwordFile, `${randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
  if (owner !== undefined) {
    for (const path of [unfinished, passwordFile]) chownSync(path, owner.uid, owner.gid);
  }
  await run(options, options.binaries.initdb, [
    `--pgdata=${unfinished}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Order and case the same on every machine, whatever locales it has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    ...(options.isDurable ? [] : ['--no-sync']),
  ]);
  renameSync(unfinished, dataDir);
}

/**
 * After SIGKILL or a power cut `postmaster.pid` stays behind. The server sees through that unless
 * the number meanwhile belongs to some other process, so such a file is removed here; and a
 * server that still is on its way out is waited for.
 */
async function clearStaleLock(dataDir: string): Promise<void> {
  const lockFile = join(dataDir, 'postmaster.pid');
  if (!existsSync(lockFile)) return;
  const pid = readFileSync(lockFile, 'utf8').split('\n', 1)[0]!.trim();
  const isServer = (): boolean => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'postgres';
    } catch {
      return false;
    }
  };
  try {
    await until(() => Promise.resolve(!isServer()), LEAVE_TIMEOUT_MS);
  } catch (cause) {
    throw new Error(`PostgreSQL (process ${pid}) is already running on ${dataDir}`, { cause });
  }
  // Only where processes can be looked up is it certain that the file is stale.
  if (existsSync('/proc/self/comm')) rmSync(lockFile, { force: true });
}

/**
 * Creates database, logins and schemas through the server's single-user mode: no network, no
 * client library, no password needed. Done again only when what is wanted has changed.
 */
async function grant(options: ClusterOptions, dataDir: string): Promise<void> {
  const { home, database, roles } = options;
  const marker = join(home, 'granted');
  const wanted = createHash('sha256')
    .update(JSON.stringify([database, roles]))
    .digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  const single = async (into: string, statements: readonly string[]): Promise<void> => {
    const args = ['--single', '-D', dataDir, '-c', 'lc_messages=C', into];
    const output = await run(options, options.binaries.postgres, args, statements);
    const problem = output.split('\n').find((line) => /ERROR:|FATAL:|PANIC:/.test(line));
    if (problem !== undefined) throw new Error(`PostgreSQL refused its set-up: ${problem}`);
  };
  const name = identifier(database);
  if (database !== 'postgres') {
    // There is no CREATE DATABASE IF NOT EXISTS, so "already exists" is the ordinary second time.
    await single('postgres', [`CREATE DATABASE ${name}`]).catch((error: Error) => {
      if (!error.message.includes('already exists')) throw error;
    });
  }
  await single(database, [
    `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`,
    'REVOKE ALL ON SCHEMA public FROM PUBLIC',
    ...roles.flatMap((role) => grantStatements(role, name)),
  ]);
  writeFileSync(marker, wanted);
}

/** The statements for one role, each safe to run again. */
function grantStatements(role: PostgresRole, database: string): string[] {
  const user = identifier(role.name);
  const schema = identifier(role.schema);
  const create = `CREATE ROLE ${user} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE`;
  return [
    `DO $$ BEGIN ${create}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    `ALTER ROLE ${user} PASSWORD ${literal(role.password)}`,
    `ALTER ROLE ${user} SET search_path = ${schema}`,
    `GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${user}`,
    `CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${user}`,
  ];
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Runs a program of PostgreSQL to its end and returns its output; rejects with it on failure. */
function run(
  { owner }: ClusterOptions,
  command: string,
  args: readonly string[],
  input: readonly string[] = [],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: '/', ...(owner ?? {}) });
    let output = '';
    const keep = (chunk: Buffer): void => void (output += chunk.toString('utf8'));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.stdin.on('error', () => undefined);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ended with ${signal ?? code}:\n${output}`));
    });
    child.stdin.end(input.map((statement) => `${statement}\n`).join(''));
  });
}
