import { userJson } from './discord-user.js';

const USER = {
  id: 5n,
  username: 'ada',
  discriminator: '',
  globalName: '',
  avatar: '',
  bot: false,
  publicFlags: 64,
};

describe('userJson', () => {
  it('writes ids as text, and nothing as null', () => {
    expect(userJson(USER)).toMatchObject({
      id: '5',
      username: 'ada',
      discriminator: '0',
      global_name: null,
      avatar: null,
      public_flags: 64,
    });
  });

  it('has the key bot for bots only', () => {
    expect(userJson({ ...USER, bot: true }).bot).toBe(true);
    expect('bot' in userJson(USER)).toBe(false);
  });
});
