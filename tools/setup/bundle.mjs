// How our own programs are bundled, for esbuild.

import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Our own libs become part of a bundle; npm's packages are found at run time. */
const packagesStayOutside = {
  name: 'packages-stay-outside',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
      kind === 'entry-point' || path.startsWith('@guildhall/') ? undefined : { external: true },
    );
  },
};

/**
 * Bundles `entry` (relative to `root`) into `outfile`, a matter of milliseconds. Needs the packages
 * installed, so it is not to be called before they are.
 */
export async function bundle(root, entry, outfile) {
  // Not a static import: this file is loaded before esbuild is there.
  const { build, stop } = createRequire(join(root, 'package.json'))('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    sourcemap: true,
    logLevel: 'error',
    plugins: [packagesStayOutside],
  });
  // Its helper process would live as long as we do, and we may wait for a fleet.
  await stop();
}
