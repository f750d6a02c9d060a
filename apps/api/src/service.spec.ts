import { callMethod } from '@guildhall/bus';
import { Accounts, refuse, refuseField } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { eventually } from '@guildhall/testkit';
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

describe('When nobody owns a partition', () => {
  it('answers 503 in Discord’s form once the deadline is over', async () => {
    await using lonely = await makeWorld(ground, { ownerDeadlineMs: 50 });
    lonely.owners.leave();
    const answer = await lonely.ask('GET', `/channels/${CHANNEL}/messages`, { token: bot.token });
    const message = '503: Service Unavailable';
    expect([answer.status, answer.json]).toEqual([503, { message, code: 0 }]);
  });
});

describe('When nobody answers for read states', () => {
  it('answers who wrote a message all the same, after a moment, and still moves the mark', async () => {
    const { token } = alice;
    const { promise: acked, reject: fail } = Promise.withResolvers<never>();
    world.owners.on('createMessage', () => ({ ...json({ id: MESSAGE }), messageId: 3n }));
    world.owners.on('ack', () => acked);
    const asked = world.ask('POST', `/channels/${CHANNEL}/messages`, {
      token,
      body: { content: 'a' },
    });
    await eventually(() => world.owners.of('ack').length === 1, { label: 'the ack is asked for' });
    await world.clock.advanceAsync(500);
    expect((await asked).json).toEqual({ id: MESSAGE });

    const isSaid = (): boolean =>
      world.telemetry.logs().some(({ message }) => message === 'own message not acked');
    expect(isSaid()).toBe(false);
    fail(new Fault(FaultCode.Overloaded, 'no room'));
    await eventually(isSaid, { label: 'what became of it is in the log' });
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
