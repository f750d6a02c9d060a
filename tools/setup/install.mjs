// node_modules as package-lock.json says, and the Node to go on with.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';
import { Problem, step } from './say.mjs';
import { isAtLeast } from './versions.mjs';

const NODE_VERSION_MIN = '26.0.0';
const STAMP = 'node_modules/.guildhall-lock';

/** Runs `npm ci` unless node_modules is what the lock file describes. */
export async function ensurePackages(root) {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const digest = createHash('sha256').update(text).digest('hex');
  const stamp = join(root, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) {
    return step('packages: up to date');
  }
  // An `npm install` by hand leaves no stamp of ours, but npm's own record of what it installed.
  const record = join(root, 'node_modules/.package-lock.json');
  if (existsSync(record) && matches(JSON.parse(text), JSON.parse(readFileSync(record, 'utf8')))) {
    writeFileSync(stamp, digest);
    return step('packages: up to date');
  }
  const startedMs = performance.now();
  step('packages: npm ci (a minute or two on a new machine)');
  await installPackages(root);
  writeFileSync(stamp, digest);
  step('packages: installed', startedMs);
}

async function installPackages(root) {
  const npm = (...args) =>
    run('npm', [...args, '--no-fund', '--no-audit', '--loglevel=error'], {
      cwd: root,
      quiet: true,
      // Tools are devDependencies, and an environment meant for production would leave them out.
      env: { ...process.env, NODE_ENV: 'development', npm_config_omit: '' },
    });
  const clean = await npm('ci');
  if (clean.code === 0) return;
  // `npm ci` wants the lock file to name the packages of every other platform too, and a registry
  // that lacks some makes it lack them. What this machine needs is pinned all the same.
  step('packages: npm ci refused; trying npm install with the same lock file');
  const lenient = await npm('install', '--no-save');
  if (lenient.code === 0) return;
  throw new Problem(
    `npm could not install the packages. npm ci said:\n\n${firstLines(clean.output)}\n\n` +
      `npm install said:\n\n${firstLines(lenient.output)}\n\nIt needs npm's registry (see npm ` +
      'config get registry) and 1 GB of disk; once that is right, run the same command again.',
  );
}

function firstLines(output) {
  return output.trim().split('\n').slice(0, 12).join('\n');
}

/** Whether what npm recorded as installed is what `lock` asks for, optional packages aside. */
export function matches(lock, record) {
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === '') return true;
    const found = record.packages?.[path];
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true;
    return found.version === wanted.version && found.resolved === wanted.resolved;
  });
}

/** The path of a Node that is new enough: the pinned one, else the one that runs this. */
export async function findNode(root) {
  for (const candidate of [join(root, 'node_modules/.bin/node'), process.execPath]) {
    const { code, output } = await run(candidate, ['--version'], { quiet: true });
    if (code !== 0 || !isAtLeast(output, NODE_VERSION_MIN)) continue;
    step(`Node: ${output.trim()}`);
    return candidate;
  }
  throw new Problem(
    `Guildhall runs on Node ${NODE_VERSION_MIN} or newer, and this is ${process.version}. On Linux ` +
      '(x64, arm64) npm installs one into node_modules, unless optional packages are left out ' +
      '(npm config get omit); elsewhere install Node 26 and run the same command with it.',
  );
}
