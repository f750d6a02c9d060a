import { rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { startProcess } from './child-process.js';
import type { RunningProcess } from './child-process.js';
import { freePort } from './free-port.js';
import { findPostgres } from './postgres-binaries.js';
import { prepareCluster } from './postgres-cluster.js';
import type { PostgresRole } from './postgres-cluster.js';
import { reachableDataFolder, serverOwner } from './postgres-owner.js';
import { postgresAnswers } from './probes.js';

const READY_TIMEOUT_MS = 60_000;
const CONNECTIONS_MAX = 200;

export interface PostgresOptions {
  /**
   * Holds the data; reused when it exists. As root, where PostgreSQL runs as another user and he
   * cannot reach it, the data is under /var/lib/guildhall instead, with a link to it in `dir`.
   */
  readonly dir: string;
  /** Default: any free port. */
  readonly port?: number;
  /** Created when missing. Default `postgres`, which always exists. */
  readonly database?: string;
  /** Logins to create besides the superuser `postgres`. */
  readonly roles?: readonly PostgresRole[];
  /** Whether a commit is on disk when it is answered. Default true; false is faster. */
  readonly durable?: boolean;
  /** Output is also appended to this file. */
  readonly logFile?: string;
}

export interface PostgresServer extends RunningProcess {
  readonly port: number;
  /** The URL of the superuser. */
  readonly url: string;
  /** The URL of one of `roles`. Throws for any other name. */
  urlFor(role: string): string;
  /** Where the data really is. */
  readonly dataDir: string;
}

/**
 * Starts a PostgreSQL on 127.0.0.1 and resolves when it takes connections: a second or two on a
 * new folder, a fifth of one on an old. A folder whose server was killed is recovered. `stop` is
 * orderly and disconnects clients, `kill` is SIGKILL.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dir = resolve(options.dir);
  const owner = serverOwner();
  const binaries = findPostgres(owner);
  const database = options.database ?? 'postgres';
  const roles = options.roles ?? [];
  const isDurable = options.durable ?? true;
  const home = reachableDataFolder(dir, owner);
  const cluster = await prepareCluster({ home, binaries, owner, database, roles, isDurable });
  const port = options.port ?? (await freePort());
  const server = await startProcess({
    name: 'postgres',
    command: binaries.postgres,
    args: ['-D', cluster.dataDir, ...settings(port, isDurable)],
    cwd: '/',
    readyWhen: () => postgresAnswers(port),
    readyTimeoutMs: READY_TIMEOUT_MS,
    // SIGQUIT ends the server's own children too and frees its shared memory.
    lastSignal: 'QUIT',
    ...(owner ?? {}),
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
  });
  const urlOf = (user: string, password: string): string =>
    `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}` +
    `@127.0.0.1:${port}/${encodeURIComponent(database)}`;
  return {
    name: server.name,
    pid: server.pid,
    exited: server.exited,
    port,
    url: urlOf('postgres', cluster.password),
    urlFor(name) {
      const role = roles.find((candidate) => candidate.name === name);
      if (role === undefined) throw new Error(`PostgreSQL has no role ${name}`);
      return urlOf(role.name, role.password);
    },
    dataDir: cluster.dataDir,
    lines: () => server.lines(),
    // SIGTERM would wait until every client has left; SIGINT asks them to.
    stop: (signal = 'SIGINT', timeoutMs) => server.stop(signal, timeoutMs),
    kill: () => server.kill(),
  };
}

/** Deletes what {@link startPostgres} keeps for `dir`, wherever it is. The server must not run. */
export function removePostgres(dir: string): void {
  const home = reachableDataFolder(resolve(dir), serverOwner());
  for (const folder of [home, resolve(dir)]) rmSync(folder, { recursive: true, force: true });
}

function settings(port: number, isDurable: boolean): string[] {
  const values: Record<string, string> = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    // No socket file: its default folder may not exist, and two servers would meet there.
    unix_socket_directories: '',
    max_connections: String(CONNECTIONS_MAX),
    max_wal_size: '2GB',
    lc_messages: 'C',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(isDurable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
