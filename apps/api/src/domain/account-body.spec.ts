import { changeUserBody, email, password, username } from './account-body.js';
import { checked } from './validation.js';

describe('A username', () => {
  it.each(['ab', 'a.b', 'under_score', '0123', 'x'.repeat(32)])('may be %s', (name) => {
    expect(checked(username, name)).toBe(name);
  });

  it('is in lower case', () => {
    expect(checked(username, ' Alice ')).toBe('alice');
  });

  it.each(['', 'a', 'x'.repeat(33), 'a b', 'a-b', 'a..b', 'é', '@x', 'everyone', 'Discord'])(
    'may not be %j',
    (name) => {
      expect(() => checked(username, name)).toThrow();
    },
  );
});

describe('An email', () => {
  it.each(['a@b.org', 'A.b+c@Sub.Example.Org', 'a@localhost'])('may be %s', (address) => {
    expect(checked(email, address)).toBe(address.toLowerCase());
  });

  it.each([
    '',
    'a',
    '@b.org',
    'a@',
    'a@b@c.org',
    'a b@c.org',
    'a@-b.org',
    `${'x'.repeat(65)}@b.org`,
  ])('may not be %j', (address) => {
    expect(() => checked(email, address)).toThrow();
  });
});

describe('A password', () => {
  it('has 8 to 72 characters', () => {
    expect(checked(password, 'x'.repeat(8))).toBe('x'.repeat(8));
    expect(() => checked(password, 'x'.repeat(7))).toThrow();
    expect(() => checked(password, 'x'.repeat(73))).toThrow();
  });
});

describe('A change of a user', () => {
  it('tells no display name from an untouched one', () => {
    expect(checked(changeUserBody, {})).toEqual({});
    expect(checked(changeUserBody, { global_name: null, avatar: null })).toEqual({
      global_name: null,
      avatar: null,
    });
  });
});
