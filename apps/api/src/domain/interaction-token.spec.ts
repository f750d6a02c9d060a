import { makeInteractionToken, parseInteractionToken } from './interaction-token.js';

const ID = 1_300_000_000_000_000_001n;
const secret = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

describe('A token of an interaction', () => {
  it('says which one, in a form that fits a path', () => {
    const token = makeInteractionToken(ID, secret(7));
    expect(token).toMatch(/^aW50ZXJhY3Rpb246[\w-]+$/);
    expect(parseInteractionToken(token)?.interactionId).toBe(ID);
  });

  it('is another for another secret', () => {
    const [one, other] = [7, 8].map((fill) =>
      parseInteractionToken(makeInteractionToken(ID, secret(fill))),
    );
    expect(one!.hash).toHaveLength(32);
    expect(one!.hash).not.toEqual(other!.hash);
  });

  it.each([
    '',
    'nonsense',
    'x'.repeat(10_000),
    '../..',
    Buffer.from('interaction:12:short').toString('base64url'),
    Buffer.from(`interaction::${'a'.repeat(43)}`).toString('base64url'),
    Buffer.from(`interaction:18446744073709551615:${'a'.repeat(43)}`).toString('base64url'),
  ])('is not %p', (token) => {
    expect(parseInteractionToken(token)).toBeUndefined();
  });
});
