// `npm start`: brings everything into place, then hands over to the fleet tool.

import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { prepare } from './prepare.mjs';
import { root } from './root.mjs';
import { handOver } from './run.mjs';
import { runMain } from './say.mjs';

await runMain(async () => {
  const given = process.argv.slice(2);
  const { node, env } = await prepare(root);
  const main = join(root, 'tools/fleet/dist/main.js');
  await bundle(root, 'tools/fleet/src/main.ts', main);
  // `npm start` alone, or with options only, means `fleet start`.
  const args = given[0] === undefined || given[0].startsWith('-') ? ['start', ...given] : given;
  return handOver(node, ['--enable-source-maps', main, ...args], { cwd: root, env });
});
