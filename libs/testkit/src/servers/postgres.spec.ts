import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Client } from 'pg';

import { removePostgres, startPostgres } from './postgres.js';
import { postgresAnswers } from './probes.js';
import { tempDir } from './temp-dir.js';

const roles = ['guilds', 'api'].map((name) => ({ name, password: `of ${name}`, schema: name }));

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  // A server that is killed takes its connections with it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  it('keeps commits through SIGKILL, roles apart, and leaves nothing', async () => {
    using dir = tempDir();
    const options = { dir: dir.path, database: 'guildhall', roles };
    const first = await startPostgres(options);
    expect(await query(first.url, 'SHOW fsync')).toEqual([{ fsync: 'on' }]);
    await query(first.urlFor('guilds'), 'CREATE TABLE kept AS SELECT 7 AS n');
    await expect(query(first.urlFor('api'), 'TABLE guilds.kept')).rejects.toThrow(
      'permission denied for schema guilds',
    );
    await expect(query(first.urlFor('api'), 'CREATE SCHEMA other')).rejects.toThrow(
      'permission denied for database guildhall',
    );
    await first.kill();

    const second = await startPostgres(options);
    expect(await query(second.urlFor('guilds'), 'TABLE guilds.kept')).toEqual([{ n: 7 }]);
    await second.stop();
    expect(await postgresAnswers(second.port)).toBe(false);
    expect(() => process.kill(second.pid, 0)).toThrow('ESRCH');
    expect(existsSync(join(second.dataDir, 'postmaster.pid'))).toBe(false);
    removePostgres(dir.path);
    expect(existsSync(second.dataDir)).toBe(false);
  }, 60_000);

  it('starts over a lock file whose number now belongs to another process', async () => {
    using dir = tempDir();
    const first = await startPostgres({ dir: dir.path, durable: false });
    await first.stop();
    const lock = [process.pid, first.dataDir, 1, first.port, '', '127.0.0.1', '0 0', 'ready', ''];
    writeFileSync(join(first.dataDir, 'postmaster.pid'), lock.join('\n'));
    const second = await startPostgres({ dir: dir.path, durable: false });
    expect(await query(second.url, 'SHOW fsync')).toEqual([{ fsync: 'off' }]);
    await second.stop();
  }, 60_000);
});
