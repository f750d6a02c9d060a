import { NonceMemory, NONCE_MS, NONCES_MAX } from './nonce-memory.js';

describe('NonceMemory', () => {
  it('finds a message by channel, author and nonce for a few minutes', () => {
    const nonces = new NonceMemory();
    nonces.note(1n, 2n, 'a', 10n, 1_000);
    expect(nonces.find(1n, 2n, 'a', 1_000 + NONCE_MS - 1)).toBe(10n);
    expect(nonces.find(1n, 2n, 'a', 1_000 + NONCE_MS)).toBeUndefined();
    expect(nonces.find(1n, 3n, 'a', 1_000)).toBeUndefined();
    expect(nonces.find(2n, 2n, 'a', 1_000)).toBeUndefined();
    expect(nonces.find(1n, 2n, 'b', 1_000)).toBeUndefined();
  });

  it('forgets the oldest at its bound', () => {
    const nonces = new NonceMemory();
    for (let id = 1; id <= NONCES_MAX + 1; id += 1) nonces.note(1n, 2n, `${id}`, BigInt(id), 0);
    expect(nonces.find(1n, 2n, '1', 0)).toBeUndefined();
    expect(nonces.find(1n, 2n, '2', 0)).toBe(2n);
  });
});
