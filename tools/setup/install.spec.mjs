import { matches } from './install.mjs';

const lock = {
  packages: {
    '': { name: 'guildhall' },
    'libs/bus': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', resolved: 'r/a' },
    'node_modules/for-another-system': { version: '2.0.0', resolved: 'r/b', optional: true },
  },
};
const installed = (a) => ({ packages: { 'libs/bus': { version: '0.1.0' }, 'node_modules/a': a } });

describe('matches', () => {
  it('accepts what is installed, optional packages aside', () => {
    expect(matches(lock, installed({ version: '1.0.0', resolved: 'r/a' }))).toBe(true);
  });

  it('notices another version and a missing package', () => {
    expect(matches(lock, installed({ version: '1.0.1', resolved: 'r/a' }))).toBe(false);
    expect(matches(lock, { packages: {} })).toBe(false);
    expect(matches(lock, {})).toBe(false);
  });

  it('notices an optional package in another version', () => {
    const other = installed({ version: '1.0.0', resolved: 'r/a' });
    other.packages['node_modules/for-another-system'] = { version: '2.0.1', resolved: 'r/b' };
    expect(matches(lock, other)).toBe(false);
  });
});
