// What both commands need before they can do anything, on a machine with Node 20 and git.

import { delimiter, join } from 'node:path';
import { ensurePackages, findNode } from './install.mjs';
import { withLock } from './lock.mjs';
import { ensureNats } from './nats.mjs';
import { ensurePostgres } from './postgres.mjs';
import { heading, step } from './say.mjs';

/**
 * Brings packages, Node, NATS and PostgreSQL into place, one set-up at a time, and returns the
 * environment to go on in: the right Node first on PATH. Safe to run again.
 */
export async function prepare(root) {
  heading('Set-up');
  const onWait = (pid) => step(`another set-up (process ${pid}) is at work here; waiting for it`);
  return withLock(join(root, '.guildhall/setup.lock'), onWait, async () => {
    await ensurePackages(root);
    const node = await findNode(root);
    await ensureNats(root);
    await ensurePostgres(root);
    const path = [join(root, 'node_modules/.bin'), process.env.PATH ?? ''].join(delimiter);
    return { node, env: { ...process.env, PATH: path } };
  });
}
