/** The repository as tidy sees it: tracked text files, and the projects they belong to. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Project {
  /** From the root: `apps/gateway`. */
  readonly path: string;
  readonly tags: readonly string[];
  readonly manifest: Readonly<Record<string, unknown>>;
}

export interface Repository {
  readonly root: string;
  readonly files: readonly SourceFile[];
  readonly projects: readonly Project[];
}

const TEXT = /\.(ts|mjs|cjs|json|proto|md|yaml)$/;

/** Reads what git tracks, or would track: what is new counts before it is committed. */
export function readRepository(root: string): Repository {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const paths = listed
    .split('\n')
    .filter((path) => TEXT.test(path) && existsSync(join(root, path)));
  const files = paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  return { root, files, projects: files.flatMap(projectOf) };
}

function projectOf({ path, text }: SourceFile): Project[] {
  if (!/^((apps|libs|tools)\/[^/]+|e2e)\/package\.json$/.test(path)) return [];
  const manifest = JSON.parse(text) as Record<string, unknown>;
  const nx = manifest['nx'] as { tags?: string[] } | undefined;
  return [{ path: path.slice(0, -'/package.json'.length), tags: nx?.tags ?? [], manifest }];
}
