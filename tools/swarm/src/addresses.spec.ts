import { isIPv4 } from 'node:net';

import { ADDRESSES_MAX, sourceAddress } from './addresses.js';

describe('sourceAddress', () => {
  it('leaves it to the system where one address is enough', () => {
    expect(sourceAddress(5, 1)).toBeUndefined();
  });

  it.each([2, 8, ADDRESSES_MAX, 1_000])('spreads sessions evenly over %d addresses', (count) => {
    const counts = new Map<string, number>();
    const sessions = 10 * ADDRESSES_MAX;
    for (let session = 0; session < sessions; session += 1) {
      const address = sourceAddress(session, count)!;
      expect(isIPv4(address) && address.startsWith('127.')).toBe(true);
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    expect(counts.size).toBe(Math.min(count, ADDRESSES_MAX));
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
  });
});
