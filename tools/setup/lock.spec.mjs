import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, withLock } from './lock.mjs';

describe('withLock', () => {
  let folder;
  let file;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'guildhall-lock-'));
    file = join(folder, 'inner/lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const unexpected = () => {
    throw new Error('nobody to wait for');
  };

  it('lets one work at a time, and tells the other whom it waits for', async () => {
    const events = [];
    let finish;
    const first = withLock(file, unexpected, async () => {
      await new Promise((resolve) => (finish = resolve));
      events.push('first is done');
    });
    const onWait = (pid) => {
      events.push(`waits for ${pid}`);
      finish();
    };
    await withLock(file, onWait, async () => events.push('second works'));
    await first;
    expect(events).toEqual([`waits for ${process.pid}`, 'first is done', 'second works']);
    expect(existsSync(file)).toBe(false);
  });

  it('takes the lock from a process that is gone, and from one that has its number', async () => {
    await withLock(file, unexpected, async () => undefined);
    for (const holder of ['999999999 1', `${process.pid} 1`, '']) {
      writeFileSync(file, holder);
      expect(isAlive(holder)).toBe(false);
      expect(await withLock(file, unexpected, async () => 'worked')).toBe('worked');
    }
  });

  it('gives the lock back when the work fails', async () => {
    const fails = withLock(file, unexpected, () => Promise.reject(new Error('broken')));
    await expect(fails).rejects.toThrow('broken');
    expect(existsSync(file)).toBe(false);
  });
});
