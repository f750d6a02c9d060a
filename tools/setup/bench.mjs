// `npm run bench -- <project> [name]`: brings everything into place, bundles the benches of a
// project and runs them one by one; those of the libraries that are a part of its story first.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { prepare } from './prepare.mjs';
import { root } from './root.mjs';
import { run } from './run.mjs';
import { heading, Problem, runMain } from './say.mjs';

const KINDS = ['libs', 'apps', 'tools'];
const SUFFIX = '.bench.ts';
/** What is measured before an app. */
const LIBS_BY_APP = { 'read-states': ['libs/read-state-table'] };

function benchesOf(project) {
  const folder = join(project, 'bench');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith(SUFFIX));
}

function findProject(name) {
  const folders = KINDS.map((kind) => join(root, kind, name ?? '?'));
  const found = folders.find((folder) => benchesOf(folder).length > 0);
  if (found !== undefined) return found;
  const known = KINDS.flatMap((kind) =>
    readdirSync(join(root, kind)).filter((each) => benchesOf(join(root, kind, each)).length > 0),
  );
  throw new Problem(
    `npm run bench -- <project> [name]; projects with benches: ${known.join(', ')}`,
  );
}

await runMain(async () => {
  const [name, filter = '', ...args] = process.argv.slice(2);
  const libs = (LIBS_BY_APP[name] ?? []).map((path) => join(root, path));
  const projects = [...libs, findProject(name)];
  const { node, env } = await prepare(root);
  let worst = 0;
  for (const project of projects) {
    for (const file of benchesOf(project).filter((each) => each.includes(filter))) {
      // Beside the sources: that is where its packages are found from.
      const outfile = join(project, 'dist/bench', file.replace(/\.ts$/, '.js'));
      await bundle(root, join(project, 'bench', file), outfile);
      heading(file.slice(0, -SUFFIX.length));
      const flags = ['--enable-source-maps', '--expose-gc', outfile, ...args];
      const { code } = await run(node, flags, { cwd: root, env });
      worst = Math.max(worst, code);
    }
  }
  return worst;
});
