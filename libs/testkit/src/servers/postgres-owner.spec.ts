import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { userInfo } from 'node:os';

import { reachableFolder, serverOwner } from './postgres-owner.js';
import { tempDir } from './temp-dir.js';

describe('reachableFolder', () => {
  it('opens the way to a temporary folder, however often and by whomever it is asked', () => {
    using dir = tempDir();
    const owner = serverOwner();
    const inside = join(dir.path, 'closed', 'native');
    mkdirSync(inside, { recursive: true });
    chmodSync(join(dir.path, 'closed'), 0o700);
    expect(reachableFolder(inside, owner)).toBe(inside);
    expect(reachableFolder(inside, owner)).toBe(inside);
    const isOpen = (statSync(join(dir.path, 'closed')).mode & 0o001) !== 0;
    expect(isOpen).toBe(userInfo().uid === 0);
  });
});
