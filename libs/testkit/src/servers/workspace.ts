import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/**
 * The root of the checkout: the nearest folder at or above `from` (default: the working directory)
 * that holds `nx.json`. Jest and nx run a project from its own folder, so the working directory
 * alone is not it. Throws when there is none.
 */
export function workspaceRoot(from: string = resolve('.')): string {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'nx.json'))) return folder;
    if (dirname(folder) === folder) throw new Error(`no nx.json at or above ${resolve(from)}`);
  }
}
