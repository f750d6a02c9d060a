import { callMethod } from '@guildhall/bus';
import { Accounts, refuse } from '@guildhall/contracts';
import { makeGround, makeWorld, type Ground, type World } from '../api-world.conformance.js';

const GUILD = '817000000000000002';
const json = (value: unknown): { json: Uint8Array } => ({
  json: Buffer.from(JSON.stringify(value)),
});

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let ground: Ground;
let world: World;
let alice: { token: string; id: string; email: string; password: string };
let bot: { token: string; id: string };

beforeAll(async () => {
  ground = await makeGround();
  world = await makeWorld(ground);
  alice = await world.person('alice');
  bot = await world.bot(alice.token, 'Helper');
}, 60_000);
beforeEach(() => world.owners.reset());
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await ground?.end();
});

describe('Accounts', () => {
  it('shows a person its account, and others less of it', async () => {
    const me = await world.ask('GET', '/users/@me', { token: alice.token });
    expect(me.json).toMatchObject({
      id: alice.id,
      username: 'alice',
      discriminator: '0',
      email: 'alice@example.org',
      global_name: null,
      avatar: null,
    });
    const other = await world.ask('GET', `/users/${alice.id}`, { token: bot.token });
    expect(other.json.username).toBe('alice');
    expect(other.json).not.toHaveProperty('email');
    const nobody = await world.ask('GET', '/users/817000000000009999', { token: bot.token });
    expect([nobody.status, nobody.json.code]).toEqual([404, 10013]);
  });

  it('says everything that is wrong with a registration at once', async () => {
    const body = { username: 'a..b', email: 'nope', password: 'short' };
    const answer = await world.ask('POST', '/auth/register', { body });
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.json.errors)).toEqual(['username', 'email', 'password']);
    const empty = await world.ask('POST', '/auth/register', {});
    expect(empty.json.errors.username._errors).toEqual([
      { code: 'BASE_TYPE_REQUIRED', message: 'This field is required' },
    ]);
  });

  it('gives a name and an email once, whatever the case', async () => {
    const password = 'correct horse';
    const name = { username: 'ALICE', email: 'other@example.org', password };
    const taken = await world.ask('POST', '/auth/register', { body: name });
    expect(taken.json.errors.username._errors[0].code).toBe('USERNAME_ALREADY_TAKEN');
    const email = { username: 'other', email: 'Alice@Example.org', password };
    const known = await world.ask('POST', '/auth/register', { body: email });
    expect(known.json.errors.email._errors[0].code).toBe('EMAIL_ALREADY_REGISTERED');
    // The name that was claimed on the way is free again.
    const free = { username: 'other', email: 'other@example.org', password };
    expect((await world.ask('POST', '/auth/register', { body: free })).status).toBe(201);
  });

  it('lets only one of many have the same name at the same moment', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        world.ask('POST', '/auth/register', {
          body: {
            username: 'rival',
            email: `rival${index}@example.org`,
            password: 'correct horse',
          },
        }),
      ),
    );
    expect(answers.map(({ status }) => status).filter((status) => status === 201)).toHaveLength(1);
  });

  it('logs in by email and by name, and says the same to whoever is wrong', async () => {
    const { email, password } = alice;
    for (const login of [email, 'Alice', 'ALICE@example.org']) {
      const answer = await world.ask('POST', '/auth/login', { body: { login, password } });
      expect(answer.status).toBe(200);
      expect(answer.json.user_id).toBe(alice.id);
    }
    const old = await world.ask('POST', '/auth/login', { body: { email, password } });
    expect(old.status).toBe(200);
    const wrong = await world.ask('POST', '/auth/login', { body: { login: email, password: 'x' } });
    const unknown = await world.ask('POST', '/auth/login', { body: { login: 'who', password } });
    const error = { code: 'INVALID_LOGIN', message: 'Login or password is invalid.' };
    expect(wrong.json.errors).toEqual({
      login: { _errors: [error] },
      password: { _errors: [error] },
    });
    expect(unknown.json).toEqual(wrong.json);
    // A bot has no password: nobody logs in as one.
    const asBot = await world.ask('POST', '/auth/login', {
      body: { login: 'Helper', password: '' },
    });
    expect(asBot.status).toBe(400);
  });

  it('ends just the token that logs out', async () => {
    const { email, password } = alice;
    const made = await world.ask('POST', '/auth/login', { body: { login: email, password } });
    const { token } = made.json;
    expect((await world.ask('POST', '/auth/logout', { token })).status).toBe(204);
    expect((await world.ask('GET', '/users/@me', { token })).status).toBe(401);
    expect((await world.ask('GET', '/users/@me', { token: alice.token })).status).toBe(200);
  });

  it('changes a profile and tells the owner of the user', async () => {
    const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(40)]);
    const avatar = `data:image/png;base64,${png.toString('base64')}`;
    const changed = await world.ask('PATCH', '/users/@me', {
      token: alice.token,
      body: { global_name: 'Alice A.', avatar },
    });
    expect(changed.status).toBe(200);
    expect(changed.json.global_name).toBe('Alice A.');
    const [request] = world.owners.of('updateUser');
    expect(request.command.topicId).toBe(BigInt(alice.id));
    expect(request.user).toMatchObject({ globalName: 'Alice A.', avatar: changed.json.avatar });
    expect(JSON.parse(Buffer.from(request.selfJson).toString())).toEqual(changed.json);

    const picture = await fetch(
      `${world.url}/avatars/${alice.id}/${changed.json.avatar}.webp?size=64`,
    );
    expect(picture.headers.get('content-type')).toBe('image/png');
    expect(picture.headers.get('x-content-type-options')).toBe('nosniff');
    expect(Buffer.from(await picture.arrayBuffer())).toEqual(png);

    const gone = await world.ask('PATCH', '/users/@me', {
      token: alice.token,
      body: { avatar: null },
    });
    expect(gone.json.avatar).toBeNull();
  });

  it('wants the password for a new name, email or password', async () => {
    const carol = await world.person('carol');
    const body = { username: 'caroline' };
    const refused = await world.ask('PATCH', '/users/@me', { token: carol.token, body });
    expect(refused.json.errors.password._errors[0].code).toBe('PASSWORD_DOES_NOT_MATCH');
    const login = { login: carol.email, password: carol.password };
    const second = (await world.ask('POST', '/auth/login', { body: login })).json.token;

    const changed = await world.ask('PATCH', '/users/@me', {
      token: carol.token,
      body: { ...body, password: carol.password, new_password: 'battery staple' },
    });
    expect(changed.json.username).toBe('caroline');
    // Whoever else was logged in is not any more, and open sessions end.
    expect((await world.ask('GET', '/users/@me', { token: second })).status).toBe(401);
    expect((await world.ask('GET', '/users/@me', { token: carol.token })).status).toBe(200);
    expect(world.owners.of('endSessions')).toHaveLength(1);
    expect((await world.ask('POST', '/auth/login', { body: login })).status).toBe(400);
    const anew = { login: 'caroline', password: 'battery staple' };
    expect((await world.ask('POST', '/auth/login', { body: anew })).status).toBe(200);
    // The old name is free.
    const heir = { username: 'carol', email: 'heir@example.org', password: 'correct horse' };
    expect((await world.ask('POST', '/auth/register', { body: heir })).status).toBe(201);
  });

  it('keeps what it stored when the process is gone, and no token in the clear', async () => {
    await using other = await makeWorld(ground);
    expect((await other.ask('GET', '/users/@me', { token: alice.token })).json.id).toBe(alice.id);
  });
});

describe('Guilds and private channels of a user', () => {
  it('lists guilds, one line from each owner, and passes over those that are gone', async () => {
    world.owners.on('listUserGuilds', () => ({ guildIds: [11n, 22n, 33n] }));
    world.owners.on('getUserGuild', ({ command }: { command: { topicId: bigint } }) => {
      if (command.topicId === 22n) throw refuse('UnknownGuild');
      return json({ id: String(command.topicId) });
    });
    const answer = await world.ask('GET', '/users/@me/guilds?limit=3', { token: bot.token });
    expect(answer.json).toEqual([{ id: '11' }, { id: '33' }]);
    expect(world.owners.of('listUserGuilds')[0].limit).toBe(3);
  });

  it('leaves a guild by removing itself', async () => {
    const path = `/users/@me/guilds/${GUILD}`;
    expect((await world.ask('DELETE', path, { token: bot.token })).status).toBe(204);
    const [request] = world.owners.of('removeMember');
    expect([request.userId, request.command.topicId]).toEqual([BigInt(bot.id), BigInt(GUILD)]);
  });

  it('opens a private channel in the topic both sides agree on', async () => {
    world.owners.on('openPrivateChannel', () => json({ id: '5', type: 1 }));
    const lower = BigInt(alice.id) < BigInt(bot.id) ? alice.id : bot.id;
    const body = { recipient_id: alice.id };
    const answer = await world.ask('POST', '/users/@me/channels', { token: bot.token, body });
    expect(answer.json).toEqual({ id: '5', type: 1 });
    const list = { recipients: [bot.id] };
    await world.ask('POST', '/users/@me/channels', { token: alice.token, body: list });
    const requests = world.owners.of('openPrivateChannel');
    expect(requests.map(({ command }) => String(command.topicId))).toEqual([lower, lower]);
    expect(requests[1].recipient).toMatchObject({
      id: BigInt(bot.id),
      bot: true,
      username: 'Helper',
    });

    const self = await world.ask('POST', '/users/@me/channels', {
      token: alice.token,
      body: { recipient_id: alice.id },
    });
    expect(self.json.code).toBe(50033);
    const none = await world.ask('POST', '/users/@me/channels', { token: alice.token, body: {} });
    expect(none.json.errors.recipient_id._errors[0].code).toBe('BASE_TYPE_REQUIRED');
  });
});

describe('Applications', () => {
  it('belong to people, and are seen by their bots', async () => {
    const list = await world.ask('GET', '/applications', { token: alice.token });
    expect(list.json.map(({ id }: { id: string }) => id)).toContain(bot.id);
    const bob = await world.person('bob');
    expect(
      (await world.ask('GET', `/applications/${bot.id}`, { token: bob.token })).json.code,
    ).toBe(10002);
    expect((await world.ask('GET', '/applications', { token: bot.token })).json.code).toBe(20001);
    for (const path of ['/applications/@me', '/oauth2/applications/@me']) {
      const own = await world.ask('GET', path, { token: bot.token });
      expect(own.json).toMatchObject({
        id: bot.id,
        name: 'Helper',
        bot: { id: bot.id, bot: true },
        owner: { id: alice.id },
      });
    }
  });

  it('have flags for privileged intents, and no others that an owner may set', async () => {
    const flags = (1 << 13) | (1 << 15) | (1 << 19) | (1 << 6);
    const path = `/applications/${bot.id}`;
    const changed = await world.ask('PATCH', path, {
      token: alice.token,
      body: { flags, description: 'helps' },
    });
    expect(changed.json.flags).toBe((1 << 13) | (1 << 15) | (1 << 19));
    const reply = await callMethod(
      world.bus,
      Accounts.method.authenticate,
      'any',
      { token: bot.token.slice(4) },
      { timeoutMs: 5_000 },
    );
    expect(reply).toMatchObject({
      applicationId: BigInt(bot.id),
      applicationFlags: changed.json.flags,
      user: { id: BigInt(bot.id), bot: true, username: 'Helper' },
    });
  });

  it('reset a token so that the old one is dead at once, for sessions too', async () => {
    const second = await world.bot(alice.token, 'Second');
    expect((await world.ask('GET', '/users/@me', { token: second.token })).status).toBe(200);
    world.owners.reset();
    const path = `/applications/${second.id}/bot/reset`;
    const { token } = (await world.ask('POST', path, { token: alice.token })).json;
    expect(token.split('.')).toHaveLength(3);
    expect(Buffer.from(token.split('.')[0], 'base64url').toString()).toBe(second.id);
    expect((await world.ask('GET', '/users/@me', { token: second.token })).status).toBe(401);
    expect((await world.ask('GET', '/users/@me', { token: `Bot ${token}` })).status).toBe(200);
    expect(world.owners.of('endSessions')[0].command.topicId).toBe(BigInt(second.id));
    const old = callMethod(
      world.bus,
      Accounts.method.authenticate,
      'any',
      { token: second.token.slice(4) },
      { timeoutMs: 5_000 },
    );
    await expect(old).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('are not remembered by a request that was under way when their token died', async () => {
    const third = await world.bot(alice.token, 'Third');
    const path = `/applications/${third.id}/bot/reset`;
    const asking = Array.from({ length: 20 }, () =>
      world.ask('GET', '/users/@me', { token: third.token }),
    );
    const reset = await world.ask('POST', path, { token: alice.token });
    await Promise.all(asking);
    expect(reset.status).toBe(200);
    expect((await world.ask('GET', '/users/@me', { token: third.token })).status).toBe(401);
  });

  it('are believed by another instance for a moment at most', async () => {
    await using other = await makeWorld(ground);
    const fourth = await world.bot(alice.token, 'Fourth');
    const me = () => other.ask('GET', '/users/@me', { token: fourth.token });
    expect((await me()).status).toBe(200);
    await world.ask('POST', `/applications/${fourth.id}/bot/reset`, { token: alice.token });
    other.clock.advance(other.config.tokenCacheMs);
    expect((await me()).status).toBe(401);
  });

  it('are let into a guild by a person', async () => {
    const path = `/oauth2/authorize?client_id=${bot.id}&scope=bot`;
    const body = { guild_id: GUILD, permissions: '8', authorize: true };
    const answer = await world.ask('POST', path, { token: alice.token, body });
    expect(answer.json.location).toContain(GUILD);
    expect(world.owners.of('addMember')[0]).toMatchObject({
      command: { topicId: BigInt(GUILD), actorId: BigInt(alice.id) },
      user: { id: BigInt(bot.id), bot: true },
      botPermissions: 8n,
      applicationId: BigInt(bot.id),
    });
    world.owners.on('listUserGuilds', () => ({ guildIds: [11n] }));
    world.owners.on('getUserGuild', () => json({ id: '11' }));
    const shown = await world.ask('GET', path, { token: alice.token });
    expect(shown.json).toMatchObject({ application: { id: bot.id }, guilds: [{ id: '11' }] });
  });

  it('register slash commands, which keep their ids', async () => {
    const path = `/applications/${bot.id}/commands`;
    const ask = (method: string, rest: string, body?: unknown) =>
      world.ask(method, path + rest, { token: bot.token, body });
    const ping = { name: 'ping', description: 'Pong' };
    const made = await ask('POST', '', ping);
    expect([made.status, made.json.type]).toEqual([201, 1]);
    expect((await ask('POST', '', { ...ping, description: 'New' })).status).toBe(200);
    const option = { type: 3, name: 'word', description: 'a word', required: true };
    const all = await ask('PUT', '', [
      { ...ping, options: [option] },
      { name: 'Look up', type: 2 },
    ]);
    expect(all.json[0].id).toBe(made.json.id);
    expect(all.json[0].options).toEqual([option]);
    const renamed = await ask('PATCH', `/${made.json.id}`, { name: 'pong' });
    expect(renamed.json).toMatchObject({ name: 'pong', description: 'Pong' });
    expect(renamed.json.version).not.toBe(all.json[0].version);
    expect((await ask('DELETE', `/${made.json.id}`)).status).toBe(204);
    expect((await ask('GET', `/${made.json.id}`)).json.code).toBe(10063);
    expect((await ask('GET', '')).json).toHaveLength(1);

    const wrong = await ask('PUT', '', [{ name: 'Bad Name', description: 'x' }]);
    expect(wrong.json.errors['0'].name._errors[0].code).toBe('APPLICATION_COMMAND_INVALID_NAME');
    const twice = await ask('PUT', '', [ping, ping]);
    expect(twice.json.errors['1'].name._errors[0].code).toBe('APPLICATION_COMMANDS_DUPLICATE_NAME');
    const other = await world.bot(alice.token, 'Other');
    expect((await world.ask('GET', path, { token: other.token })).json.code).toBe(50001);
    const inGuild = `/applications/${bot.id}/guilds/${GUILD}/commands`;
    const local = await world.ask('POST', inGuild, { token: bot.token, body: ping });
    expect(local.json.guild_id).toBe(GUILD);
    expect(world.owners.of('getUserGuild')).toHaveLength(1);
  });
});
