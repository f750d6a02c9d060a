// A nats-server that will do: named by NATS_URL, on PATH, fetched before, or fetched now by apt's
// own tools from the mirror this machine uses anyway. Nothing of the system is changed: lists,
// cache and the unpacked program are in .guildhall.

import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourceFor } from './apt-sources.mjs';
import { run } from './run.mjs';
import { Problem, step } from './say.mjs';
import { isAtLeast } from './versions.mjs';

const VERSION_MIN = '2.10.23';
/** The Debian release whose nats-server is new enough and runs on the one before. */
const SUITE = 'trixie';
const INSTALL = `install nats-server ${VERSION_MIN} or newer onto PATH, or set NATS_URL`;

/** Makes sure there is a nats-server and says which. Throws a Problem when there can be none. */
export async function ensureNats(root) {
  if (process.env.NATS_URL) return step(`NATS: the server NATS_URL names`);
  const fetched = join(root, '.guildhall/bin/nats-server');
  for (const command of ['nats-server', fetched]) {
    const version = await versionOf(command);
    if (version !== undefined && isAtLeast(version, VERSION_MIN)) return step(`NATS: ${version}`);
  }
  const startedMs = performance.now();
  await fetchFromDebian(root, fetched);
  const version = await versionOf(fetched);
  if (version === undefined || !isAtLeast(version, VERSION_MIN)) {
    throw new Problem(`the nats-server that was fetched does not run (${version}): ${INSTALL}`);
  }
  step(`NATS: ${version}, fetched into .guildhall/bin`, startedMs);
}

async function versionOf(command) {
  const { code, output } = await run(command, ['--version'], { quiet: true });
  return code === 0 ? output.trim() : undefined;
}

async function fetchFromDebian(root, target) {
  const source = sourceFor(sourceFiles(), debianCodename(), SUITE);
  if (source === undefined) {
    throw new Problem(`there is no nats-server, and no Debian source to fetch it from: ${INSTALL}`);
  }
  const apt = join(root, '.guildhall/apt');
  rmSync(apt, { recursive: true, force: true });
  for (const folder of ['sources', 'lists/partial', 'cache/archives/partial', 'unpacked']) {
    mkdirSync(join(apt, folder), { recursive: true });
  }
  writeFileSync(join(apt, 'sources', source.name), source.text);
  const options = [
    'Dir::Etc::sourcelist=/dev/null',
    `Dir::Etc::sourceparts=${join(apt, 'sources')}`,
    `Dir::State::Lists=${join(apt, 'lists')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    // apt would step down to a user who cannot write here.
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
  ].flatMap((option) => ['-o', option]);
  await must('apt-get', [...options, '-q', 'update'], apt);
  await must('apt-get', [...options, '-q', 'download', 'nats-server'], apt);
  const archive = readdirSync(apt).find((name) => name.endsWith('.deb'));
  if (archive === undefined) throw new Problem(`apt-get downloaded nothing: ${INSTALL}`);
  await must('dpkg', ['-x', archive, 'unpacked'], apt);
  // Copied aside and renamed: a program that is there is a whole one.
  mkdirSync(join(root, '.guildhall/bin'), { recursive: true });
  const unfinished = `${target}.unfinished`;
  copyFileSync(join(apt, 'unpacked/usr/sbin/nats-server'), unfinished);
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, target);
  rmSync(apt, { recursive: true, force: true });
}

async function must(command, args, cwd) {
  const { code, output } = await run(command, args, { cwd, quiet: true });
  if (code === 0) return;
  throw new Problem(
    `there is no nats-server and it could not be fetched (${command} ended with ${code}):\n` +
      `${output.trim()}\n\n${INSTALL}`,
  );
}

function debianCodename() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  return /^VERSION_CODENAME="?([^"\n]+)/m.exec(release)?.[1];
}

function sourceFiles() {
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  return ['/etc/apt/sources.list', ...names.map((name) => join(parts, name))]
    .filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
    .map((path) => ({ name: path, text: readFileSync(path, 'utf8') }));
}
