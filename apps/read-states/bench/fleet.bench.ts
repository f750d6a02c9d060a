// Read states through the real thing: PostgreSQL with fsync on, nats-server, a process of the app,
// and the callers in a process of their own, all on whatever processors there are. So many users
// with so many entries each are in the rows when it begins; every ack moves a mark, every answer is
// given when it would survive the death of every process.
//
//   npm run bench -- read-states fleet [seconds] [users] [channels] [only what is called like this]
//
// First with nobody in memory, then with everybody, then after a restart once more with nobody, as
// fast as it goes, and at half of that; and it is killed with a long log. CPU is that of all
// threads of a process and, for PostgreSQL, of all of its processes. Prints a table, and writes
// fleet.json beside its bundle.
// BENCH_APP_FLAGS are node's for the app (--cpu-prof).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn, type ChildProcess } from 'node:child_process';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { runMain } from '@guildhall/service';
import { openStore, type Store } from '@guildhall/store';
import { PARTITIONS_COUNT } from '@guildhall/snowflake';
import { freePort, removePostgres, startNats, startPostgres, tempDir } from '@guildhall/testkit';
import { readConfig } from '../src/config.js';
import { assembleProcess } from '../src/service.js';
import { runCaller, type Load, type LoadResult } from './caller.js';
import { fill } from './population.js';

const [seconds = 20, usersCount = 100_000, channelsCount = 100] = process.argv
  .slice(2, 5)
  .map(Number);
const only = new RegExp(process.argv[5] ?? '');
const TICKS_PER_SECOND = 100;
const US_PER_SECOND = 1e6;
const WAL_MIB = 1_792;
const WAL_FILE_MIB = 16;

if (process.env['BENCH_ROLE'] === 'app') void runApp();
else if (process.env['BENCH_ROLE'] === 'caller') {
  void runCaller(process.env['NATS_URL']!, createInterface({ input: process.stdin }));
} else void main();

async function runApp(): Promise<void> {
  await runMain({
    name: 'read-states',
    process,
    assemble: ({ env, phase }) =>
      assembleProcess(readConfig(env), { phase, onReplaced: () => undefined }),
  });
}

/** A process of this bench, which talks in lines. */
class Part {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(role: string, env: Record<string, string>) {
    const flags = role === 'app' ? (process.env['BENCH_APP_FLAGS'] ?? '') : '';
    const args = flags.split(' ').filter((flag) => flag !== '');
    this.child = spawn(process.execPath, [...args, process.argv[1]!], {
      env: { ...process.env, ...env, BENCH_ROLE: role },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#reader = createInterface({ input: this.child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.child.pid!;
  }

  async ask(question: string): Promise<string> {
    this.child.stdin!.write(`${question}\n`);
    return this.next();
  }

  async next(): Promise<string> {
    return String((await this.#lines.next()).value);
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
    this.#reader.close();
  }
}

interface Counts {
  readonly cpuUs: Readonly<Record<'app' | 'caller' | 'postgres' | 'nats', number>>;
  readonly walBytes: number;
  readonly rowWrites: number;
  readonly folded: number;
  readonly commits: number;
}

interface Row {
  readonly what: string;
  readonly perSecond: number;
  readonly failed: number;
  readonly operationsPerMessage: number;
  readonly recordsPerCommit: number;
  readonly latencyMs: LoadResult['latencyMs'];
  readonly cpuUsEach: Counts['cpuUs'];
  readonly walBytesEach: number;
  readonly rowWritesEach: number;
  readonly partRowsPerSecond: number;
  readonly appMebibytes: number;
  readonly load: number;
}

async function main(): Promise<void> {
  const dir = tempDir();
  const databaseDir = join(dir.path, 'postgres');
  const server = await startPostgres({ dir: databaseDir });
  const nats = await startNats({ dir: join(dir.path, 'nats') });
  const store = openStore({
    databaseUrl: server.url,
    schema: 'read_states',
    connectionsMax: 2,
    applicationName: 'bench',
    statementTimeoutMs: 120_000,
  });
  const rows: Row[] = [];
  const deaths: { records: number; servedAfterMs: number }[] = [];
  const caller = new Part('caller', { NATS_URL: nats.url });
  let app: Part | undefined;
  try {
    const startedAtMs = performance.now();
    await fill(store, usersCount, channelsCount);
    await layOutWal(store);
    const tookMs = performance.now() - startedAtMs;
    const entries = (usersCount * channelsCount).toLocaleString('en-US');
    console.log(`${entries} entries in the rows after ${(tookMs / 1_000).toFixed(1)} s`);
    await caller.next();
    const port = await freePort();
    const start = async (): Promise<Part> => {
      const one = new Part('app', {
        NATS_URL: nats.url,
        DATABASE_URL: server.url,
        PORT: String(port),
        LOG_LEVEL: 'warn',
      });
      app = one;
      await ready(port);
      return one;
    };
    const measure = async (what: string, load: Partial<Load>): Promise<Row | undefined> => {
      if (!only.test(what)) return undefined;
      const all = { kind: 'ack', seconds, rate: 0, usersCount, channelsCount, ...load } as const;
      const pids = { app: app!.pid, caller: caller.pid, postgres: server.pid, nats: nats.pid };
      const before = await countsOf(store, pids, port);
      const result = JSON.parse(await caller.ask(JSON.stringify(all))) as LoadResult;
      const after = await countsOf(store, pids, port);
      const row = rowOf(what, result, before, after, app!.pid);
      rows.push(row);
      show(row);
      return row;
    };
    await start();
    const cold = await measure('acks, nobody in memory', {});
    await measure('gets, each user once', { kind: 'get-all', seconds: 60 });
    const warm = await measure('acks', {});
    const half = { rate: Math.round((warm?.perSecond ?? 0) / 2) };
    if (half.rate > 0) await measure('acks at half of that', half);
    await measure('acks at 200,000 a second', { rate: 200_000 });
    await measure('acks at 100,000 a second', { rate: 100_000 });
    if (only.test('death')) {
      await measure('acks before a death', { rate: 200_000 });
      const records = (await metricsOf(port))(/^read_states_log_records (\S+)/m);
      await app!.kill();
      const killedAtMs = performance.now();
      await start();
      await untilServed(port);
      const servedAfterMs = performance.now() - killedAtMs;
      deaths.push({ records, servedAfterMs });
      console.log(
        `killed with ${records.toLocaleString('en-US')} records in the log: everything is served ` +
          `${(servedAfterMs / 1_000).toFixed(1)} s later`,
      );
    }
    await measure('acks that sessions are told of', { kind: 'ack-told' });
    await measure('gets', { kind: 'get' });
    await app!.stop();
    await start();
    await measure('acks after a restart', {});
    await app!.stop();
    await start();
    const halfCold = { rate: Math.round((cold?.perSecond ?? 0) / 2) };
    if (halfCold.rate > 0) await measure('acks after a restart, at half', halfCold);
  } finally {
    await app?.stop();
    await caller.stop();
    await store.close();
    await nats.stop();
    await server.stop();
    removePostgres(databaseDir);
    dir.remove();
  }
  const file = join(dirname(process.argv[1]!), 'fleet.json');
  writeFileSync(
    file,
    `${JSON.stringify({ seconds, usersCount, channelsCount, rows, deaths }, null, 2)}\n`,
  );
  console.log(`written to ${file}`);
}

/**
 * Sees to it that the files of the WAL are there, as they are on a server that has run for a while:
 * a new one fills each of them with zeros first, 16 MiB, while commits wait.
 */
async function layOutWal(store: Store): Promise<void> {
  await store.query({ text: `ALTER SYSTEM SET min_wal_size = '${WAL_MIB}MB'` });
  await store.query({ text: 'SELECT pg_reload_conf()' });
  for (let at = 0; at < WAL_MIB / WAL_FILE_MIB; at += 1) {
    await store.query({ text: `SELECT pg_logical_emit_message(false, 'bench', 'next')` });
    await store.query({ text: 'SELECT pg_switch_wal()' });
  }
  await store.query({ text: 'CHECKPOINT' });
}

async function ready(port: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function countsOf(
  store: Store,
  pids: Readonly<Record<keyof Counts['cpuUs'], number>>,
  port: number,
): Promise<Counts> {
  const { rows } = await store.query<{ wal: string; writes: string }>({
    text: `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS wal,
             (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::text FROM pg_stat_user_tables
              WHERE schemaname = 'read_states') AS writes`,
  });
  const metric = await metricsOf(port);
  return {
    cpuUs: {
      app: cpuUs(pids.app),
      caller: cpuUs(pids.caller),
      postgres: cpuUs(pids.postgres),
      nats: cpuUs(pids.nats),
    },
    walBytes: Number(rows[0]!.wal),
    rowWrites: Number(rows[0]!.writes),
    folded: metric(/^read_states_folded_rows_total (\d+)/m),
    commits: metric(/^read_states_commit_records_count (\d+)/m),
  };
}

async function metricsOf(port: number): Promise<(pattern: RegExp) => number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return (pattern) => Number(pattern.exec(text)?.[1] ?? 0);
}

async function untilServed(port: number): Promise<void> {
  for (;;) {
    const metric = await metricsOf(port);
    if (metric(/^read_states_partitions_served (\S+)/m) === PARTITIONS_COUNT) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Of a process, with its children and those of them that have ended. */
function cpuUs(pid: number): number {
  let ticks = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let text: string;
    try {
      text = readFileSync(`/proc/${name}/stat`, 'utf8');
    } catch {
      continue;
    }
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (Number(name) === pid) {
      ticks += [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    } else if (Number(fields[1]) === pid) {
      ticks += Number(fields[11]) + Number(fields[12]);
    }
  }
  return (ticks / TICKS_PER_SECOND) * US_PER_SECOND;
}

function rowOf(
  what: string,
  { answered, failed, messages, tookMs, latencyMs }: LoadResult,
  before: Counts,
  after: Counts,
  appPid: number,
): Row {
  const each = (name: keyof Counts['cpuUs']): number =>
    (after.cpuUs[name] - before.cpuUs[name]) / answered;
  const status = readFileSync(`/proc/${appPid}/status`, 'utf8');
  const commits = after.commits - before.commits;
  return {
    what,
    perSecond: (answered / tookMs) * 1_000,
    failed,
    operationsPerMessage: (answered + failed) / messages,
    recordsPerCommit: commits === 0 ? 0 : answered / commits,
    latencyMs,
    cpuUsEach: {
      app: each('app'),
      caller: each('caller'),
      postgres: each('postgres'),
      nats: each('nats'),
    },
    walBytesEach: (after.walBytes - before.walBytes) / answered,
    rowWritesEach: (after.rowWrites - before.rowWrites) / answered,
    partRowsPerSecond: ((after.folded - before.folded) / tookMs) * 1_000,
    appMebibytes: Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1_024,
    load: loadavg()[0]!,
  };
}

function show(row: Row): void {
  const { latencyMs: ms, cpuUsEach: cpu } = row;
  const number = (value: number, digits = 0): string =>
    value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  console.log(
    `${row.what}: ${number(row.perSecond)} a second, ${row.failed} failed\n` +
      `    ms   p50 ${number(ms.p50, 1)}  p99 ${number(ms.p99, 1)}  p99.9 ${number(ms.p999, 1)}` +
      `  longest ${number(ms.max, 1)}\n` +
      `    CPU  us each: app ${number(cpu.app, 2)}  callers ${number(cpu.caller, 2)}` +
      `  PostgreSQL ${number(cpu.postgres, 2)}  NATS ${number(cpu.nats, 2)}\n` +
      `    each: ${number(row.walBytesEach)} bytes of WAL, ${number(row.rowWritesEach, 4)} row ` +
      `writes; ${number(row.partRowsPerSecond)} part rows a second\n` +
      `    ${number(row.operationsPerMessage)} operations a message, ` +
      `${number(row.recordsPerCommit)} records a commit; app ${number(row.appMebibytes)} MiB; ` +
      `load ${row.load.toFixed(1)}`,
  );
}
