import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of one test, gone when disposed of. */
export interface TempDir {
  readonly path: string;
  /** Deletes the folder and everything in it. May be called twice. */
  remove(): void;
  [Symbol.dispose](): void;
}

/**
 * A fresh folder under the system's temporary folder. Others may pass through it but not list it:
 * PostgreSQL, which refuses to run as root, must reach its data inside as another user.
 */
export function tempDir(prefix = 'guildhall-'): TempDir {
  const path = mkdtempSync(join(tmpdir(), prefix));
  chmodSync(path, 0o711);
  // A server that was killed may still be letting go of its files, hence the retries.
  const remove = (): void =>
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  return { path, remove, [Symbol.dispose]: remove };
}
