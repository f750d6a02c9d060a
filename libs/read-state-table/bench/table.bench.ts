// Our table against what else one would take, in one run, with the same records and operations:
// maps of objects and strings; and where rustc and Debian's librust-dashmap-dev are at hand,
// the sharded concurrent map in Rust, its inner maps sharded too, or plain.
//
//   npm run bench -- read-state-table [table] [users ...]      default 100,000 and 200,000 users
//
// With 100 channels a user. Every contender has a process of its own. The same is written as JSON
// to dist/bench/table.json.
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { freemem, loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { contendMaps } from './contender-maps.js';
import { contendTable } from './contender-table.js';
import type { Figures } from './contender.js';
import { CHANNELS_PER_USER } from './sequence.js';

const CRATES = '/usr/share/cargo/registry';
const DEFAULT_USERS = [100_000, 200_000];
/** What maps of objects take, about; with less at hand they are left out. */
const MAPS_BYTES_PER_RECORD = 400;
const OUTPUT_BYTES_MAX = 1 << 20;

const run = promisify(execFile);

/** Builds the contender in Rust, offline. Undefined, having said why, where it cannot be built. */
function buildRust(folder: string): string | undefined {
  const program = join(folder, 'target/release/contender');
  if (!existsSync(join(CRATES, 'dashmap-5.4.0'))) {
    console.log(`skipping Rust: no dashmap in ${CRATES} (Debian: librust-dashmap-dev)`);
    return undefined;
  }
  cpSync(join(import.meta.dirname, '../../bench/rust'), folder, { recursive: true });
  mkdirSync(join(folder, '.cargo'), { recursive: true });
  const source = `[source.crates-io]\nreplace-with = "debian"\n[source.debian]\n`;
  writeFileSync(join(folder, '.cargo/config.toml'), `${source}directory = "${CRATES}"\n`);
  const built = spawnSync('cargo', ['build', '--release', '--offline', '--quiet'], { cwd: folder });
  if (built.status === 0) return program;
  const why = built.error?.message ?? built.stderr.toString().trim().split('\n').at(-1);
  console.log(`skipping Rust: cargo could not build the contender (${why})`);
  return undefined;
}

async function contend(program: string, args: readonly string[]): Promise<Figures> {
  const { stdout } = await run(program, args, { maxBuffer: OUTPUT_BYTES_MAX });
  return JSON.parse(stdout) as Figures;
}

async function contendInJavaScript(name: string, users: number): Promise<Figures> {
  const flags = ['--expose-gc', '--max-old-space-size=16000', process.argv[1]!];
  return contend(process.execPath, [...flags, 'contend', name, String(users)]);
}

const COLUMNS: readonly [string, (figures: Figures) => number | undefined, number][] = [
  ['get ns', ({ getNs }) => getNs, 0],
  ['ack ns', ({ ackNs }) => ackNs, 0],
  ['walk ns/entry', ({ walkNs }) => walkNs, 1],
  ['load ns/entry', ({ loadNs }) => loadNs, 0],
  ['RSS B/entry', ({ bytesPerRecord }) => bytesPerRecord, 1],
  ['own B/entry', ({ ownBytesPerRecord }) => ownBytesPerRecord, 1],
  ['batch p99.9 ms', ({ batchP999Ms }) => batchP999Ms, 1],
  ['batch max ms', ({ batchMaxMs }) => batchMaxMs, 1],
  ['CPU p99.9 ms', ({ batchCpuP999Ms }) => batchCpuP999Ms, 1],
  ['CPU max ms', ({ batchCpuMaxMs }) => batchCpuMaxMs, 1],
  ['gc max ms', ({ collectionMaxMs }) => collectionMaxMs, 1],
  ['full gc ms', ({ fullCollectionMs }) => fullCollectionMs, 1],
];

function print(all: readonly Figures[]): void {
  const cell = (text: string): string => text.padStart(15);
  console.log(''.padEnd(16) + all.map(({ name }) => cell(name)).join(''));
  for (const [title, valueOf, digits] of COLUMNS) {
    const cells = all.map((figures) => valueOf(figures)?.toFixed(digits) ?? '-');
    console.log(title.padEnd(16) + cells.map(cell).join(''));
  }
  const [table] = all;
  for (const rival of all.slice(1)) {
    const get = (table!.getNs / rival.getNs).toFixed(2);
    const ack = (table!.ackNs / rival.ackNs).toFixed(2);
    console.log(`table / ${rival.name}: get ${get}, ack ${ack}`);
  }
}

async function compare(users: number, rust: string | undefined): Promise<object> {
  const records = users * CHANNELS_PER_USER;
  const loadBefore = loadavg()[0]!;
  console.log(`\n${records.toLocaleString('en')} entries, load average ${loadBefore.toFixed(1)}`);
  const all = [await contendInJavaScript('table', users)];
  if (rust !== undefined) {
    all.push(await contend(rust, ['nested', String(users)]));
    all.push(await contend(rust, ['inner', String(users)]));
  }
  if (freemem() > records * MAPS_BYTES_PER_RECORD) {
    all.push(await contendInJavaScript('maps', users));
  } else {
    console.log('skipping maps: they would not fit into memory');
  }
  print(all);
  const moved = new Set(all.map(({ movedCount }) => movedCount));
  if (moved.size > 1) console.log('the contenders did not do the same', all);
  return { records, loadBefore, loadAfter: loadavg()[0]!, contenders: all };
}

const args = process.argv.slice(2);
if (args[0] === 'contend') {
  const users = Number(args[2]);
  await (args[1] === 'table' ? contendTable(users) : contendMaps(users));
} else {
  const rust = buildRust(join(import.meta.dirname, 'rust'));
  const runs: object[] = [];
  const sizes = args.length > 0 ? args.map(Number) : DEFAULT_USERS;
  for (const users of sizes) runs.push(await compare(users, rust));
  const report = join(import.meta.dirname, 'table.json');
  writeFileSync(report, `${JSON.stringify(runs, undefined, 2)}\n`);
  console.log(`\nwritten to ${report}`);
}
