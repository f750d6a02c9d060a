// The program that client processes run, for whoever is not a bundle itself (the stories in e2e).

import { join } from 'node:path';

import { workspaceRoot } from '@guildhall/testkit';
import { build } from 'esbuild';

/** Bundles it, a matter of milliseconds, and gives its path. */
export async function bundleClients(): Promise<string> {
  const root = workspaceRoot();
  const outfile = join(root, 'tools/swarm/dist/clients.js');
  await build({
    absWorkingDir: root,
    entryPoints: ['tools/swarm/src/clients.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: true,
    logLevel: 'silent',
    plugins: [
      {
        name: 'packages-stay-outside',
        setup({ onResolve }) {
          onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
            kind === 'entry-point' || path.startsWith('@guildhall/')
              ? undefined
              : { external: true },
          );
        },
      },
    ],
  });
  return outfile;
}
