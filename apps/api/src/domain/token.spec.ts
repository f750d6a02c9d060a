import { makeToken, parseToken } from './token.js';

const NOW_MS = Date.UTC(2026, 0, 1);
const SECRET = Buffer.alloc(32, 7);

describe('A token', () => {
  it('has three parts, and its owner in the first, as libraries expect', () => {
    const token = makeToken(817000000000000001n, NOW_MS, SECRET);
    const [id, when, secret] = token.split('.');
    expect(Buffer.from(id!, 'base64url').toString()).toBe('817000000000000001');
    expect(Buffer.from(when!, 'base64url').readUInt32BE()).toBe(NOW_MS / 1000);
    expect(Buffer.from(secret!, 'base64url')).toEqual(SECRET);
  });

  it('is read back, and its secret only as a hash', () => {
    const parts = parseToken(makeToken(1n, NOW_MS, SECRET));
    expect(parts?.userId).toBe(1n);
    expect(parts?.hash).toHaveLength(32);
    expect(Buffer.from(parts!.hash)).not.toEqual(SECRET);
    const other = parseToken(makeToken(1n, NOW_MS, Buffer.alloc(32, 8)));
    expect(other?.hash).not.toEqual(parts?.hash);
  });

  it('that cannot be one is none', () => {
    const token = makeToken(817000000000000001n, NOW_MS, SECRET);
    const [id, when, secret] = token.split('.');
    const huge = Buffer.from('9223372036854775808').toString('base64url');
    for (const wrong of [
      '',
      'x',
      `${id}.${when}`,
      `${id}.${when}.${secret}.x`,
      `${id}.${when}.${secret!.slice(1)}`,
      `${huge}.${when}.${secret}`,
      `${Buffer.from('abc').toString('base64url')}.${when}.${secret}`,
      `${token} `,
      'x'.repeat(10_000),
    ]) {
      expect(parseToken(wrong)).toBeUndefined();
    }
  });
});
