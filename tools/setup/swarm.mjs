// `npm run swarm -- <scenario>`: brings everything into place, then hands over to the swarm tool.

import { join } from 'node:path';
import { bundle } from './bundle.mjs';
import { prepare } from './prepare.mjs';
import { root } from './root.mjs';
import { handOver } from './run.mjs';
import { runMain } from './say.mjs';

await runMain(async () => {
  const { node, env } = await prepare(root);
  const main = join(root, 'tools/swarm/dist/main.js');
  await bundle(root, 'tools/swarm/src/main.ts', main);
  const args = ['--enable-source-maps', main, ...process.argv.slice(2)];
  return handOver(node, args, { cwd: root, env });
});
