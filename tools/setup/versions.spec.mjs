import { isAtLeast, parseVersion } from './versions.mjs';

describe('isAtLeast', () => {
  it.each([
    ['v26.10.0', '26.0.0', true],
    ['v26.0.0', '26.0.0', true],
    ['v20.20.2', '26.0.0', false],
    ['nats-server: v2.10.27', '2.10.23', true],
    ['nats-server: v2.9.30', '2.10.23', false],
    ['nats-server: v2.10.9', '2.10.23', false],
    ['v3.0.0', '2.10.23', true],
    ['command not found', '2.10.23', false],
  ])('%s is at least %s: %s', (text, least, expected) => {
    expect(isAtLeast(text, least)).toBe(expected);
  });

  it('reads the first version in a text', () => {
    expect(parseVersion('postgres (PostgreSQL) 18.4.1 on 5.10.0')).toEqual([18, 4, 1]);
    expect(parseVersion('none')).toBeUndefined();
  });
});
