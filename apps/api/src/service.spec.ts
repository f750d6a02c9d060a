import { readdir } from 'node:fs/promises';
import { callMethod } from '@guildhall/bus';
import { Accounts, refuse, refuseField } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { makeGround, makeWorld, type Ground, type World } from './api-world.conformance.js';

const CHANNEL = '817000000000000001';
const GUILD = '817000000000000002';
const MESSAGE = '817000000000000003';
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

describe('The frame', () => {
  it('answers on v10, v9 and without a version, and refuses others', async () => {
    for (const prefix of ['//api/v10', '//api/v9', '//api']) {
      const answer = await world.ask('GET', `${prefix}/gateway`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('application/json');
      expect(answer.json).toEqual({ url: 'ws://127.0.0.1:3001' });
    }
    const old = await world.ask('GET', '//api/v6/gateway');
    expect([old.status, old.json]).toEqual([
      400,
      { message: 'Invalid API version provided', code: 50041 },
    ]);
  });

  it('ignores a slash or a question mark at the end', async () => {
    expect((await world.ask('GET', '/gateway/')).status).toBe(200);
    expect((await world.ask('GET', '/gateway?')).status).toBe(200);
  });

  it('tells an unknown route from a wrong method', async () => {
    const unknown = await world.ask('GET', '/nowhere');
    expect([unknown.status, unknown.json]).toEqual([404, { message: '404: Not Found', code: 0 }]);
    const wrong = await world.ask('DELETE', '/gateway');
    const message = '405: Method Not Allowed';
    expect([wrong.status, wrong.json]).toEqual([405, { message, code: 0 }]);
    expect((await world.ask('PATCH', `/channels/${CHANNEL}/pins/1`)).status).toBe(405);
  });

  it('lets browsers in', async () => {
    const preflight = await world.ask('OPTIONS', `/channels/${CHANNEL}/messages`);
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    expect(preflight.headers.get('access-control-allow-headers')).toContain('X-Audit-Log-Reason');
    const head = await world.ask('HEAD', '/gateway');
    expect([head.status, head.text]).toEqual([200, '']);
  });

  it('wants a token that is somebody’s, in the clothes of its kind', async () => {
    const bare = bot.token.slice('Bot '.length);
    for (const token of [undefined, '', 'nonsense', bare, `Bot ${alice.token}`, `Bearer ${bare}`]) {
      const answer = await world.ask('GET', '/users/@me', { token });
      const message = '401: Unauthorized';
      expect([answer.status, answer.json]).toEqual([401, { message, code: 0 }]);
    }
    expect((await world.ask('GET', '/users/@me', { token: bot.token })).json.id).toBe(bot.id);
    expect((await world.ask('GET', '/users/@me', { token: alice.token })).json.id).toBe(alice.id);
  });

  it('names the field of a path that is no id', async () => {
    const answer = await world.ask('GET', '/channels/abc/messages', { token: alice.token });
    expect([answer.status, answer.json]).toEqual([
      400,
      {
        message: 'Invalid Form Body',
        code: 50035,
        errors: {
          channel_id: {
            _errors: [{ code: 'NUMBER_TYPE_COERCE', message: 'Value "abc" is not snowflake.' }],
          },
        },
      },
    ]);
    const huge = await world.ask('GET', '/users/18446744073709551615', { token: alice.token });
    expect(huge.json.errors.user_id._errors[0].code).toBe('NUMBER_TYPE_COERCE');
  });

  it('refuses bodies that are no JSON, of another type, or too large', async () => {
    const path = `/channels/${CHANNEL}/messages`;
    const headers = { 'content-type': 'application/json' };
    const broken = await world.ask('POST', path, { token: alice.token, body: '{"a":', headers });
    expect([broken.status, broken.json.code]).toEqual([400, 50109]);
    const text = await world.ask('POST', path, { token: alice.token, body: 'content=hi' });
    expect([text.status, text.json.errors._errors[0].code]).toEqual([400, 'CONTENT_TYPE_INVALID']);
    const large = JSON.stringify({ content: 'x'.repeat(2_000_000) });
    const tooLarge = await world.ask('POST', path, { token: alice.token, body: large, headers });
    expect([tooLarge.status, tooLarge.json.code]).toEqual([413, 40005]);
  });

  it('answers what fails before any route in the same form', async () => {
    const answer = await world.ask('GET', '/channels/%E0%A4%A/messages', { token: alice.token });
    expect([answer.status, answer.json]).toEqual([400, { message: '400: Bad Request', code: 0 }]);
  });

  it('passes on refusals of owners, and hides what went wrong inside', async () => {
    const ask = () => world.ask('GET', `/channels/${CHANNEL}/messages`, { token: alice.token });
    world.owners.on('listMessages', () => {
      throw refuse('MissingAccess');
    });
    const missing = await ask();
    expect([missing.status, missing.json]).toEqual([
      403,
      { message: 'Missing Access', code: 50001 },
    ]);
    world.owners.on('listMessages', () => {
      throw refuseField(['limit'], 'X', 'Y');
    });
    expect((await ask()).json.errors).toEqual({
      limit: { _errors: [{ code: 'X', message: 'Y' }] },
    });
    world.owners.on('listMessages', () => {
      throw new Fault(FaultCode.Internal, 'secret detail');
    });
    const broken = await ask();
    const message = '500: Internal Server Error';
    expect([broken.status, broken.json]).toEqual([500, { message, code: 0 }]);
  });

  it('carries the audit log reason, decoded', async () => {
    const headers = { 'x-audit-log-reason': encodeURIComponent('Frühjahrsputz 🧹') };
    await world.ask('DELETE', `/channels/${CHANNEL}/messages/${MESSAGE}`, {
      token: bot.token,
      headers,
    });
    const [request] = world.owners.of('deleteMessages');
    expect(request.command).toMatchObject({
      reason: 'Frühjahrsputz 🧹',
      actorId: BigInt(bot.id),
      actorIsBot: true,
    });
    expect(request.command.commandId).toBeGreaterThan(0n);
  });

  it('traces each request by the pattern of its route, and logs no token', async () => {
    await world.ask('GET', `/channels/${CHANNEL}/messages`, { token: alice.token });
    const spans = world.telemetry.spans();
    const span = spans.findLast(({ name }) => name === 'GET /channels/:channel_id/messages');
    expect(span?.attributes['http.response.status_code']).toBe(200);
    const lines = JSON.stringify(world.telemetry.logs());
    expect(lines).not.toContain(alice.token);
    expect(lines).toContain(span!.traceId);
  });
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

describe('Messages', () => {
  const path = `/channels/${CHANNEL}/messages`;

  it('sends what was said, and passes the owner’s JSON through untouched', async () => {
    const odd = `{"id":"${MESSAGE}",  "content":"hi"}`;
    world.owners.on('createMessage', () => ({ json: Buffer.from(odd), messageId: 9n }));
    const answer = await world.ask('POST', path, {
      token: bot.token,
      body: {
        content: 'hi',
        nonce: 1234,
        enforce_nonce: true,
        messageReference: 'stray',
        message_reference: { message_id: MESSAGE, fail_if_not_exists: false },
        allowed_mentions: { parse: ['roles', 'users'] },
        embeds: [{ title: 'T', color: 255, timestamp: '2026-01-02T03:04:05.678Z' }],
      },
    });
    expect(answer.text).toBe(odd);
    const [request] = world.owners.of('createMessage');
    expect(request).toMatchObject({
      channelId: BigInt(CHANNEL),
      content: 'hi',
      nonce: '1234',
      nonceIsNumber: true,
      enforceNonce: true,
      referenceMessageId: BigInt(MESSAGE),
      referenceMustExist: false,
      applicationId: BigInt(bot.id),
      author: { id: BigInt(bot.id), bot: true },
      allowedMentions: { parse: ['roles', 'users'], repliedUser: false },
    });
    expect(JSON.parse(Buffer.from(request.embedsJson).toString())).toEqual([
      {
        type: 'rich',
        title: 'T',
        color: 255,
        timestamp: '2026-01-02T03:04:05.678000+00:00',
        fields: [],
      },
    ]);
    expect(world.owners.of('ack')).toHaveLength(0);
  });

  it('repeats a command under one id while its partition moves', async () => {
    let tries = 0;
    world.owners.on('createMessage', () => {
      if (++tries < 3) throw new Fault(FaultCode.WrongOwner, 'moved');
      return { json: Buffer.from('{}'), messageId: 9n };
    });
    const answer = await world.ask('POST', path, { token: bot.token, body: { content: 'hi' } });
    expect([answer.status, tries]).toEqual([200, 3]);
    const ids = world.owners.of('createMessage').map(({ command }) => command.commandId);
    expect(new Set(ids).size).toBe(1);
  });

  it('acks a person’s own message, silently, and stands by the message if that fails', async () => {
    world.owners.on('createMessage', () => ({ json: Buffer.from('{"id":"9"}'), messageId: 9n }));
    await world.ask('POST', path, { token: alice.token, body: { content: 'hi' } });
    expect(world.owners.of('ack')[0]).toMatchObject({
      userId: BigInt(alice.id),
      silent: true,
      acks: [{ channelId: BigInt(CHANNEL), messageId: 9n }],
    });
    world.owners.on('ack', () => {
      throw new Fault(FaultCode.Overloaded, 'full');
    });
    const answer = await world.ask('POST', path, { token: alice.token, body: { content: 'hi' } });
    expect([answer.status, answer.json]).toEqual([200, { id: '9' }]);
  });

  it('refuses an empty message, and what is too long or wrong, by its path', async () => {
    const post = (body: unknown) => world.ask('POST', path, { token: bot.token, body });
    expect((await post({})).json.code).toBe(50006);
    expect((await post({ content: '  ' })).json.code).toBe(50006);
    const long = await post({ content: 'x'.repeat(2001) });
    expect(long.json.errors.content._errors).toEqual([
      { code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' },
    ]);
    const embed = await post({ embeds: [{}, { fields: [{ name: 'n' }] }] });
    expect(embed.json.errors.embeds['1'].fields['0'].value._errors[0].code).toBe(
      'BASE_TYPE_REQUIRED',
    );
    const wrong = await post({ content: {}, tts: 'maybe', embeds: {}, allowed_mentions: [] });
    expect(Object.keys(wrong.json.errors)).toEqual([
      'content',
      'tts',
      'embeds',
      'allowed_mentions',
    ]);
    expect(world.owners.of('createMessage')).toHaveLength(0);
  });

  it('edits just what was said', async () => {
    world.owners.on('editMessage', () => json({}));
    await world.ask('PATCH', `${path}/${MESSAGE}`, { token: bot.token, body: { content: null } });
    await world.ask('PATCH', `${path}/${MESSAGE}`, {
      token: bot.token,
      body: { embeds: [], attachments: [{ id: MESSAGE }], flags: 4 },
    });
    const [first, second] = world.owners.of('editMessage');
    expect(first.content).toBe('');
    expect([first.embedsJson, first.keepAttachments, first.flags]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(second.content).toBeUndefined();
    expect(Buffer.from(second.embedsJson).toString()).toBe('[]');
    expect(second.keepAttachments.ids).toEqual([BigInt(MESSAGE)]);
    expect(second.flags).toBe(4);
  });

  it('lists by limit and one anchor', async () => {
    world.owners.on('listMessages', () => json([]));
    await world.ask('GET', path, { token: bot.token });
    await world.ask('GET', `${path}?limit=100&before=5`, { token: bot.token });
    const [first, second] = world.owners.of('listMessages');
    expect([first.limit, first.before, first.after, first.around]).toEqual([50, 0n, 0n, 0n]);
    expect([second.limit, second.before]).toEqual([100, 5n]);
    const wrong = await world.ask('GET', `${path}?limit=101`, { token: bot.token });
    expect(wrong.json.errors.limit._errors[0]).toEqual({
      code: 'NUMBER_TYPE_MAX',
      message: 'int value should be less than or equal to 100.',
    });
  });

  it('deletes one, or many, and says how many are too few', async () => {
    expect((await world.ask('DELETE', `${path}/${MESSAGE}?`, { token: bot.token })).status).toBe(
      204,
    );
    const bulk = (messages: string[]) =>
      world.ask('POST', `${path}/bulk-delete`, { token: bot.token, body: { messages } });
    expect((await bulk([MESSAGE])).json.code).toBe(50016);
    expect((await bulk([MESSAGE, MESSAGE])).json.code).toBe(50016);
    expect((await bulk([MESSAGE, CHANNEL])).status).toBe(204);
    expect(world.owners.of('deleteMessages').map(({ bulk: isBulk }) => isBulk)).toEqual([
      false,
      true,
    ]);
  });

  it('types, crossposts, pins under both addresses', async () => {
    world.owners.on('crosspostMessage', () => json({}));
    world.owners.on('listPins', () => json([]));
    const ask = (method: string, rest: string) =>
      world.ask(method, `/channels/${CHANNEL}${rest}`, { token: bot.token });
    expect((await ask('POST', '/typing')).status).toBe(204);
    expect((await ask('POST', `/messages/${MESSAGE}/crosspost`)).status).toBe(200);
    expect((await ask('PUT', `/messages/pins/${MESSAGE}`)).status).toBe(204);
    expect((await ask('DELETE', `/pins/${MESSAGE}`)).status).toBe(204);
    expect((await ask('GET', '/pins')).status).toBe(200);
    expect((await ask('GET', '/messages/pins?before=2026-01-01T00:00:00Z&limit=5')).status).toBe(
      200,
    );
    const [old, now] = world.owners.of('listPins');
    expect([old.legacy, now.legacy, now.limit]).toEqual([true, false, 5]);
    expect(now.beforeMs).toBe(BigInt(Date.UTC(2026, 0, 1)));
  });

  it('reads the emoji of a reaction in every spelling', async () => {
    const put = (emoji: string) =>
      world.ask('PUT', `${path}/${MESSAGE}/reactions/${emoji}/@me`, { token: bot.token });
    expect((await put(encodeURIComponent('👍🏽'))).status).toBe(204);
    expect((await put('blob:817000000000000009')).status).toBe(204);
    expect((await put(encodeURIComponent('👩‍❤️‍💋‍👨'))).status).toBe(204);
    const unknown = await put('notanemoji');
    expect([unknown.status, unknown.json.code]).toEqual([404, 10014]);
    expect(world.owners.of('putReaction').map(({ emoji }) => [emoji.id, emoji.name])).toEqual([
      [0n, '👍🏽'],
      [817000000000000009n, 'blob'],
      [0n, '👩‍❤️‍💋‍👨'],
    ]);
    const other = `${path}/${MESSAGE}/reactions/%F0%9F%91%8D/${alice.id}`;
    expect((await world.ask('DELETE', other, { token: bot.token })).status).toBe(204);
    expect(world.owners.of('deleteReaction')[0].userId).toBe(BigInt(alice.id));
    world.owners.on('listReactions', () => json([]));
    const list = `${path}/${MESSAGE}/reactions/%F0%9F%91%8D?limit=2`;
    expect((await world.ask('GET', list, { token: bot.token })).json).toEqual([]);
    await world.ask('DELETE', `${path}/${MESSAGE}/reactions/%F0%9F%91%8D`, { token: bot.token });
    await world.ask('DELETE', `${path}/${MESSAGE}/reactions`, { token: bot.token });
    expect(world.owners.of('clearReactions').map(({ emoji }) => emoji?.name)).toEqual([
      '👍',
      undefined,
    ]);
  });
});

describe('Files', () => {
  const path = `/channels/${CHANNEL}/messages`;
  const form = (parts: Record<string, string | Blob>, name = 'cat.png'): FormData => {
    const data = new FormData();
    for (const [key, value] of Object.entries(parts)) {
      if (typeof value === 'string') data.append(key, value);
      else data.append(key, value, name);
    }
    return data;
  };

  beforeEach(() => {
    world.owners.on('createMessage', () => ({ json: Buffer.from('{"id":"9"}'), messageId: 9n }));
  });

  it('takes payload_json with files, keeps them, and serves them', async () => {
    const bytes = Buffer.from('not really a cat');
    const payload = { content: 'look', attachments: [{ id: '0', description: 'a cat' }] };
    const body = form({
      payload_json: JSON.stringify(payload),
      'files[0]': new Blob([bytes], { type: 'image/png' }),
    });
    expect((await world.ask('POST', path, { token: bot.token, body })).status).toBe(200);
    const [request] = world.owners.of('createMessage');
    const [attachment] = request.attachments;
    expect(request.content).toBe('look');
    expect(attachment).toMatchObject({
      filename: 'cat.png',
      description: 'a cat',
      contentType: 'image/png',
      sizeBytes: BigInt(bytes.length),
      url: `http://files.example/attachments/${CHANNEL}/${attachment.id}/cat.png`,
    });
    const address = new URL(attachment.url).pathname;
    const served = await fetch(world.url + address);
    expect(Buffer.from(await served.arrayBuffer())).toEqual(bytes);
    expect(served.headers.get('content-type')).toBe('image/png');
    expect(served.headers.get('content-disposition')).toBe('inline; filename="cat.png"');
    expect(served.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('says how large a picture is, and what a file is', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000140000000f008060000', 'hex');
    const body = form({ 'files[0]': new Blob([png]), 'files[1]': new Blob(['x']) }, 'a.txt');
    await world.ask('POST', path, { token: bot.token, body });
    const [request] = world.owners.of('createMessage');
    expect(request.attachments).toMatchObject([
      { width: 320, height: 240, contentType: 'text/plain; charset=utf-8' },
      { width: 0, height: 0 },
    ]);
  });

  it('takes one part per key as well', async () => {
    const body = form(
      {
        content: '123',
        tts: 'true',
        allowed_mentions: '{"parse":["users"]}',
        file: new Blob(['x'], { type: 'text/html' }),
      },
      'page.html',
    );
    expect((await world.ask('POST', path, { token: bot.token, body })).status).toBe(200);
    const [request] = world.owners.of('createMessage');
    expect(request).toMatchObject({
      content: '123',
      tts: true,
      allowedMentions: { parse: ['users'] },
    });
    // What could run as a page is saved and not shown.
    const served = await fetch(world.url + new URL(request.attachments[0].url).pathname);
    expect(served.headers.get('content-type')).toBe('application/octet-stream');
    expect(served.headers.get('content-disposition')).toMatch(/^attachment;/);
    await served.arrayBuffer();
  });

  it('gives no path away', async () => {
    const body = form({ 'files[0]': new Blob(['x']) }, '../../../etc/passwd');
    await world.ask('POST', path, { token: bot.token, body });
    const [request] = world.owners.of('createMessage');
    expect(request.attachments[0].filename).toBe('passwd');
    for (const address of [
      `/attachments/${CHANNEL}/1/..%2F..%2Fpasswd`,
      '/attachments/..%2F..%2Fetc/1/passwd',
      `/attachments/${CHANNEL}/${request.attachments[0].id}/.`,
      `/avatars/${alice.id}/..%2F..%2Fx.png`,
      `/avatars/..%2Ftemp/${'0'.repeat(32)}.png`,
    ]) {
      expect((await fetch(world.url + address)).status).toBe(404);
    }
  });

  it('refuses files that are too many or too large, and leaves nothing of them', async () => {
    await using small = await makeWorld(ground, {
      fileBytesMax: 1000,
      uploadBytesMax: 1500,
      filesMax: 2,
    });
    small.owners.on('createMessage', () => ({ json: Buffer.from('{"id":"9"}'), messageId: 9n }));
    const post = (parts: Record<string, Blob>) =>
      small.ask('POST', path, { token: bot.token, body: form(parts) });
    const blob = (bytes: number) => new Blob([Buffer.alloc(bytes)]);
    const many = { 'files[0]': blob(1), 'files[1]': blob(1), 'files[2]': blob(1) };
    for (const parts of [{ 'files[0]': blob(1001) }, { a: blob(900), b: blob(900) }, many]) {
      const answer = await post(parts);
      expect([answer.status, answer.json]).toEqual([
        413,
        { message: 'Request entity too large', code: 40005 },
      ]);
    }
    expect((await post({ 'files[0]': blob(1000) })).status).toBe(200);
    expect(await readdir(`${small.config.filesDir}/temp`)).toEqual([]);
  });

  it('drops the file of a message that is refused', async () => {
    let id = 0n;
    world.owners.on('createMessage', ({ attachments }: { attachments: { id: bigint }[] }) => {
      id = attachments[0]!.id;
      throw refuse('MissingPermissions');
    });
    const body = form({ 'files[0]': new Blob(['x']) });
    expect((await world.ask('POST', path, { token: bot.token, body })).json.code).toBe(50013);
    expect((await fetch(`${world.url}/attachments/${CHANNEL}/${id}/cat.png`)).status).toBe(404);
  });

  it('survives forms that are none', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    for (const body of [
      '',
      '--x',
      '--x\r\n\r\n',
      '--x--',
      '--x\r\nContent-Disposition: form-data\r\n\r\na',
    ]) {
      const answer = await world.ask('POST', path, { token: bot.token, body, headers });
      expect(answer.status).toBe(400);
    }
    const none = { 'content-type': 'multipart/form-data' };
    const answer = await world.ask('POST', path, { token: bot.token, body: 'x', headers: none });
    expect(answer.status).toBe(400);
  });
});

describe('Read states', () => {
  it('asks how many mentions lie past the message, then moves the mark', async () => {
    world.owners.on('countMentions', () => ({
      mentionCount: 3,
      lastMessageId: 99n,
      isGuildChannel: true,
    }));
    const path = `/channels/${CHANNEL}/messages/${MESSAGE}/ack`;
    const answer = await world.ask('POST', path, { token: alice.token, body: { token: null } });
    expect([answer.status, answer.json]).toEqual([200, { token: null }]);
    expect(world.owners.asked.map(({ method }) => method)).toEqual(['countMentions', 'ack']);
    expect(world.owners.of('countMentions')[0].position).toBe(BigInt(MESSAGE));
    expect(world.owners.of('ack')[0]).toMatchObject({
      userId: BigInt(alice.id),
      silent: false,
      acks: [{ mentionCount: 3, channelLastMessageId: 99n, flags: 1, manual: false }],
    });
    const body = { manual: true, mention_count: 7, flags: 2 };
    await world.ask('POST', path, { token: alice.token, body });
    expect(world.owners.of('ack')[1].acks[0]).toMatchObject({
      manual: true,
      mentionCount: 7,
      flags: 2,
    });
  });

  it('is for people who may see the channel', async () => {
    const path = `/channels/${CHANNEL}/messages/${MESSAGE}/ack`;
    expect((await world.ask('POST', path, { token: bot.token })).json.code).toBe(20001);
    world.owners.on('countMentions', () => {
      throw refuse('MissingAccess');
    });
    expect((await world.ask('POST', path, { token: alice.token })).json.code).toBe(50001);
    expect(world.owners.of('ack')).toHaveLength(0);
  });

  it('acks many at once and passes over what is hidden', async () => {
    world.owners.on('countMentions', ({ channelId }: { channelId: bigint }) => {
      if (channelId === 2n) throw refuse('UnknownChannel');
      return { mentionCount: 0, lastMessageId: 9n };
    });
    const read_states = [
      { channel_id: '1', message_id: '5' },
      { channel_id: '2', message_id: '5' },
      { channel_id: '3', message_id: '5', read_state_type: 1 },
    ];
    const answer = await world.ask('POST', '/read-states/ack-bulk', {
      token: alice.token,
      body: { read_states },
    });
    expect(answer.status).toBe(204);
    const { acks } = world.owners.of('ack')[0];
    expect(acks.map(({ channelId, type }: never) => [channelId, type])).toEqual([
      [1n, 0],
      [3n, 1],
    ]);
    const many = Array.from({ length: 101 }, () => read_states[0]);
    const tooMany = await world.ask('POST', '/read-states/ack-bulk', {
      token: alice.token,
      body: { read_states: many },
    });
    expect(tooMany.status).toBe(400);
  });

  it('knows the other kinds', async () => {
    const ask = (method: string, path: string) => world.ask(method, path, { token: alice.token });
    expect((await ask('POST', `/channels/${CHANNEL}/pins/ack`)).status).toBe(204);
    expect((await ask('POST', `/guilds/${GUILD}/ack/1/${MESSAGE}`)).status).toBe(200);
    expect((await ask('POST', `/guilds/${GUILD}/ack/9/${MESSAGE}`)).status).toBe(400);
    expect((await ask('POST', `/users/@me/2/${MESSAGE}/ack`)).status).toBe(200);
    expect((await ask('DELETE', `/channels/${CHANNEL}/messages/ack`)).status).toBe(204);
    world.owners.on('listChannels', () => json([{ id: '1', last_message_id: '7' }, { id: '2' }]));
    expect((await ask('POST', `/guilds/${GUILD}/ack`)).status).toBe(204);
    expect(world.owners.asked.map(({ method }) => method)).toEqual([
      'countMentions',
      'ackPins',
      'getUserGuild',
      'ack',
      'ack',
      'delete',
      'listChannels',
      'ack',
    ]);
    expect(world.owners.of('ack')[2].acks).toHaveLength(1);
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

describe('Starting sessions', () => {
  it('says where, and how many are left of the day', async () => {
    world.owners.on('listUserGuilds', () => ({ guildIds: [1n, 2n] }));
    const ask = () => world.ask('GET', '/gateway/bot', { token: bot.token });
    expect((await ask()).json).toEqual({
      url: 'ws://127.0.0.1:3001',
      shards: 1,
      session_start_limit: { total: 1000, remaining: 1000, reset_after: 0, max_concurrency: 1 },
    });
    const start = () =>
      callMethod(
        world.bus,
        Accounts.method.startSession,
        'any',
        { userId: BigInt(bot.id) },
        { timeoutMs: 60_000 },
      );
    expect((await start()).remaining).toBe(999);
    world.clock.advance(1_000);
    const limit = (await ask()).json.session_start_limit;
    expect([limit.remaining, limit.reset_after]).toEqual([999, 86_399_000]);
    // All at once: not one more than is left gets through.
    const more = await Promise.allSettled(Array.from({ length: 1_010 }, start));
    expect(more.filter(({ status }) => status === 'fulfilled')).toHaveLength(999);
    await expect(start()).rejects.toMatchObject({ code: 'refused' });
    world.clock.advance(86_400_000);
    expect((await start()).remaining).toBe(999);
  });

  it('counts shards by guilds', async () => {
    world.owners.on('listUserGuilds', ({ after }: { after: bigint }) => {
      const left = Math.min(200, 1_001 - Number(after));
      return { guildIds: Array.from({ length: left }, (_, index) => after + BigInt(index) + 1n) };
    });
    expect((await world.ask('GET', '/gateway/bot', { token: bot.token })).json.shards).toBe(2);
  });
});

describe('When nobody owns a partition', () => {
  it('answers 503 in Discord’s form once the deadline is over', async () => {
    await using lonely = await makeWorld(ground, { ownerDeadlineMs: 50 });
    lonely.owners.leave();
    const answer = await lonely.ask('GET', `/channels/${CHANNEL}/messages`, { token: bot.token });
    const message = '503: Service Unavailable';
    expect([answer.status, answer.json]).toEqual([503, { message, code: 0 }]);
  });
});

describe('Rate limits', () => {
  it('are told with every answer, and end', async () => {
    await using strict = await makeWorld(ground, { rateLimitFactor: 1 });
    strict.owners.on('createMessage', () => ({ json: Buffer.from('{}'), messageId: 1n }));
    const post = (channel: string) =>
      strict.ask('POST', `/channels/${channel}/messages`, {
        token: bot.token,
        body: { content: 'x' },
      });
    for (let left = 4; left >= 0; left--) {
      const answer = await post(CHANNEL);
      expect([answer.status, answer.headers.get('x-ratelimit-remaining')]).toEqual([
        200,
        String(left),
      ]);
    }
    const limited = await post(CHANNEL);
    expect(limited.status).toBe(429);
    expect(limited.json).toEqual({
      message: 'You are being rate limited.',
      retry_after: 5,
      global: false,
    });
    const header = (name: string) => limited.headers.get(name);
    expect(header('retry-after')).toBe('5');
    expect(header('x-ratelimit-scope')).toBe('user');
    expect(header('x-ratelimit-limit')).toBe('5');
    expect(header('x-ratelimit-reset-after')).toBe('5.000');
    expect(header('x-ratelimit-reset')).toBe((strict.clock.nowMs() / 1000 + 5).toFixed(3));
    expect(header('x-ratelimit-bucket')).toMatch(/^[0-9a-f]{32}$/);
    // Another channel has a count of its own.
    expect((await post(GUILD)).status).toBe(200);
    strict.clock.advance(5_000);
    expect((await post(CHANNEL)).status).toBe(200);
  });

  it('are global as well, and cost nothing when the owner set them', async () => {
    await using strict = await makeWorld(ground, { rateLimitFactor: 1 });
    const me = () => strict.ask('GET', '/users/@me', { token: bot.token });
    const path = (n: number) => `/channels/${n}/messages`;
    strict.owners.on('listMessages', () => json([]));
    for (let n = 0; n < 50; n++) {
      expect((await strict.ask('GET', path(n), { token: bot.token })).status).toBe(200);
    }
    const limited = await me();
    expect(limited.status).toBe(429);
    expect(limited.json.global).toBe(true);
    expect(limited.headers.get('x-ratelimit-global')).toBe('true');
    expect(limited.headers.get('x-ratelimit-scope')).toBe('global');
    strict.clock.advance(1_000);
    strict.owners.on('createMessage', () => {
      throw refuse('SlowmodeRateLimit', '{"retry_after":3.5}');
    });
    const slow = await strict.ask('POST', path(1), { token: bot.token, body: { content: 'x' } });
    expect([slow.status, slow.json.code, slow.json.retry_after]).toEqual([429, 20016, 3.5]);
    expect(slow.headers.get('x-ratelimit-scope')).toBe('shared');
    expect(slow.headers.get('retry-after')).toBe('4');
  });

  it('shut out an address that is refused too often', async () => {
    await using strict = await makeWorld(ground, { invalidRequestsMax: 20 });
    for (let n = 0; n < 20; n++) {
      expect((await strict.ask('GET', '/users/@me')).status).toBe(401);
    }
    const answer = await strict.ask('GET', '/gateway');
    expect([answer.status, answer.json.global]).toEqual([429, true]);
    expect(answer.headers.get('retry-after')).toBe('600');
    expect((await strict.ask('GET', '//health/live')).status).toBe(200);
    strict.clock.advance(600_000);
    expect((await strict.ask('GET', '/gateway')).status).toBe(200);
  });
});
