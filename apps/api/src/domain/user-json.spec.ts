import { applicationJson, ownUser, publicUser } from './user-json.js';

const alice = {
  id: 817000000000000001n,
  username: 'alice',
  discriminator: '0',
  globalName: '',
  avatar: 'abc',
  bot: false,
  publicFlags: 0,
};

describe('User objects', () => {
  it('show others what is theirs to see', () => {
    expect(publicUser(alice)).toMatchObject({ id: '817000000000000001', global_name: null });
    expect(publicUser(alice)).not.toHaveProperty('email');
    expect(publicUser(alice)).not.toHaveProperty('bot');
  });

  it('show the user itself more', () => {
    expect(ownUser(alice, 'a@b.org')).toMatchObject({ email: 'a@b.org', verified: true });
    expect(ownUser({ ...alice, bot: true }, '')).toMatchObject({ email: null, bot: true });
  });
});

describe('Application objects', () => {
  it('have what libraries read at login', () => {
    const application = {
      id: 2n,
      ownerId: 1n,
      name: 'Helper',
      description: '',
      icon: '',
      flags: 5,
      isBotPublic: true,
    };
    expect(applicationJson(application, { ...alice, id: 2n, bot: true }, alice)).toMatchObject({
      id: '2',
      flags: 5,
      icon: null,
      bot: { id: '2', bot: true },
      owner: { id: String(alice.id) },
    });
    expect(applicationJson(application, undefined, undefined)).not.toHaveProperty('owner');
  });
});
