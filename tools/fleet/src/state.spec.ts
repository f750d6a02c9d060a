import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { tempDir } from '@guildhall/testkit';

import { lockData, lockHolder } from './data-lock.js';
import { readState, secretFor, writeState } from './state.js';

describe('what a fleet remembers', () => {
  it('keeps secrets between two lives, for the owner alone', () => {
    using dir = tempDir();
    const state = readState(dir.path);
    const secret = secretFor(state, 'nats:api');
    expect(secret).toHaveLength(32);
    expect(secretFor(state, 'nats:guilds')).not.toBe(secret);
    writeState(dir.path, state);
    expect(secretFor(readState(dir.path), 'nats:api')).toBe(secret);
    expect(statSync(join(dir.path, 'state.json')).mode & 0o777).toBe(0o600);
  });

  it('says what to do about a file it cannot read', () => {
    using dir = tempDir();
    writeFileSync(join(dir.path, 'state.json'), '{');
    expect(() => readState(dir.path)).toThrow('--clean');
  });
});

describe('lockData', () => {
  it('lets one fleet have a folder, and the next when it is gone', () => {
    using dir = tempDir();
    const unlock = lockData(dir.path);
    expect(lockHolder(dir.path)).toBe(process.pid);
    expect(() => lockData(dir.path)).toThrow(`a fleet (process ${process.pid}) already runs`);
    unlock();
    expect(existsSync(join(dir.path, 'fleet.lock'))).toBe(false);
    lockData(dir.path)();
  });

  it('takes over from a fleet that was killed', () => {
    using dir = tempDir();
    const { pid } = spawnSync('true');
    writeFileSync(join(dir.path, 'fleet.lock'), `${pid} 1`);
    expect(lockHolder(dir.path)).toBeUndefined();
    // A number that meanwhile belongs to somebody else is told apart by when that one started.
    writeFileSync(join(dir.path, 'fleet.lock'), `${process.pid} 1`);
    expect(lockHolder(dir.path)).toBeUndefined();
    lockData(dir.path)();
  });
});
