import { inviteCode, inviteTopic } from './invite-code.js';

describe('Invite codes', () => {
  it.each([1n, 1024n, 1_417_283_974_381_010_944n, (1n << 64n) - 1n])('spell the guild %s', (id) => {
    const code = inviteCode(id, Math.random);
    expect(code).toMatch(/^[0-9A-Za-z]{16}$/);
    expect(inviteTopic(code)).toBe(id);
  });

  it('differ by chance', () => {
    const codes = new Set(Array.from({ length: 200 }, () => inviteCode(7n, Math.random)));
    expect(codes.size).toBeGreaterThan(190);
  });

  it.each(['', 'abc', 'zzzzzzzzzzzzzzzz', '0000000000-00000', '00000000000000000'])(
    'are not %j',
    (code) => {
      expect(inviteTopic(code)).toBeUndefined();
    },
  );
});
