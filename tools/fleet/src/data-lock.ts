// One fleet to a data folder: two would write the same files. The lock names its holder, so that
// `fleet stop` finds it and a holder that was killed does not block the next.

import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Takes the lock of `dataDir`; returns what gives it back. Throws when a living fleet has it. */
export function lockData(dataDir: string): () => void {
  const file = join(dataDir, 'fleet.lock');
  const holder = lockHolder(dataDir);
  if (holder !== undefined) {
    throw new Error(
      `a fleet (process ${holder}) already runs on ${dataDir}: stop it (npm run fleet -- stop), ` +
        'or use another folder (--data)',
    );
  }
  rmSync(file, { force: true });
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${process.pid} ${startOf(process.pid)}`);
  try {
    // A link, unlike a rename, fails when somebody else was quicker.
    linkSync(draft, file);
  } catch (cause) {
    throw new Error(`another fleet is just starting on ${dataDir}`, { cause });
  } finally {
    rmSync(draft, { force: true });
  }
  return () => rmSync(file, { force: true });
}

/** The process that runs a fleet on `dataDir`; `undefined` when none does. */
export function lockHolder(dataDir: string): number | undefined {
  let holder: string;
  try {
    holder = readFileSync(join(dataDir, 'fleet.lock'), 'utf8');
  } catch {
    return undefined;
  }
  const [pid, start] = holder.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  return startOf(Number(pid)) === start ? Number(pid) : undefined;
}

/** When a process started, in ticks since boot: numbers are reused, this is not. */
function startOf(pid: number): string {
  try {
    // The name, in brackets, may hold spaces: count from behind it. Field 22 is the start time.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[19]!;
  } catch {
    return '?';
  }
}
