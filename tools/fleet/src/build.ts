// Bundles the apps as their `build` targets do (same options, read from the same place), without
// the seconds that a task runner takes to find out that nothing changed.

import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { AppName } from '@guildhall/contracts';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

import { replaceFile } from './state.js';

/** Where the bundle of an app is. */
export function bundleOf(root: string, app: AppName): string {
  return join(root, 'apps', app, 'dist/main.js');
}

/**
 * Bundles `apps`. A file is written only when its text changes, whole or not at all, so running
 * processes and other fleets are not disturbed. Rejects with the compiler's messages.
 */
export async function buildApps(root: string, apps: readonly AppName[]): Promise<void> {
  await Promise.all(apps.map((app) => buildApp(root, app)));
}

async function buildApp(root: string, app: AppName): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(root, 'apps', app, 'package.json'), 'utf8')) as {
    nx: { targets: { build: { options: { main: string; target: string } } } };
  };
  const { main, target } = manifest.nx.targets.build.options;
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [main],
    outfile: bundleOf(root, app),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target,
    sourcemap: true,
    write: false,
    logLevel: 'silent',
    plugins: [packagesStayOutside],
  });
  for (const { path, text } of outputFiles) {
    if (readIfPresent(path) === text) continue;
    mkdirSync(dirname(path), { recursive: true });
    replaceFile(path, text, 0o644);
  }
}

/** Our own libs are part of the bundle; npm's packages are found at run time. */
const packagesStayOutside: Plugin = {
  name: 'packages-stay-outside',
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, ({ kind, path }) =>
      kind === 'entry-point' || path.startsWith('@guildhall/') ? undefined : { external: true },
    );
  },
};

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
