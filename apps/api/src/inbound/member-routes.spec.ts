// The routes of members, bans and invites.
import { inviteCode, refuse } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import { makeGround, makeWorld, type Ground, type World } from '../api-world.conformance.js';
import {
  expectCase,
  expectRefused,
  expectWrong,
  titleOf,
  titleOfWrong,
  type Caller,
  type RouteCase,
  type WrongCase,
} from '../route-cases.conformance.js';

const GUILD = '817000000000000001';
const CHANNEL = '817000000000000002';
const ROLE = '817000000000000003';
const USER = '817000000000000004';
const NOBODY = '817000000000000005';
const [guildId, channelId, roleId, userId] = [GUILD, CHANNEL, ROLE, USER].map(BigInt) as [
  bigint,
  bigint,
  bigint,
  bigint,
];
const guild = `/guilds/${GUILD}`;
const members = `${guild}/members`;
const member = `${members}/${USER}`;
const bans = `${guild}/bans`;
const invites = `/channels/${CHANNEL}/invites`;
const CODE = inviteCode(guildId, () => 0.5);
const GUILD_MEMBERS_LIMITED = 1 << 15;

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let ground: Ground;
let world: World;
let alice: Caller;
let bob: Caller;
let bot: Caller;

beforeAll(async () => {
  ground = await makeGround();
  world = await makeWorld(ground, { tokenCacheMs: 0 });
  alice = await world.person('alice');
  bob = await world.person('bob');
  bot = await world.bot(alice.token, 'Helper');
}, 60_000);
beforeEach(() => world.owners.reset());
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await ground?.end();
});

/** Lets whoever asks have these permissions. */
function grant(permissions: bigint): void {
  const json = Buffer.from(JSON.stringify({ permissions: String(permissions) }));
  world.owners.on('getUserGuild', () => ({ json }));
}

type Mapping = readonly [sent: object, told: object];

const MEMBER_FIELDS: readonly Mapping[] = [
  [{}, {}],
  [{ nick: ' Al ' }, { nick: 'Al' }],
  [{ nick: '' }, { nick: '' }],
  [{ nick: null }, { nick: '' }],
  [{ roles: [ROLE] }, { roles: { ids: [roleId] } }],
  [{ roles: [] }, { roles: { ids: [] } }],
  [{ roles: null }, { roles: { ids: [] } }],
  [{ mute: true }, { mute: true }],
  [{ mute: null }, { mute: false }],
  [{ deaf: true }, { deaf: true }],
  [{ deaf: null }, { deaf: false }],
  [{ channel_id: CHANNEL }, { channelId }],
  [{ channel_id: null }, { channelId: 0n }],
  [
    { communication_disabled_until: '2026-08-01T00:00:00.000000+00:00' },
    { communicationDisabledUntilMs: BigInt(Date.UTC(2026, 7, 1)) },
  ],
  [{ communication_disabled_until: '1969-01-01' }, { communicationDisabledUntilMs: 0n }],
  [{ communication_disabled_until: null }, { communicationDisabledUntilMs: 0n }],
  [{ flags: 4 }, { flags: 4 }],
  [{ flags: null }, { flags: 0 }],
];

const BAN_PAGES: readonly Mapping[] = [
  [{}, { limit: 1000, before: 0n, after: 0n }],
  [
    { limit: 5, before: USER },
    { limit: 5, before: userId, after: 0n },
  ],
  [{ after: USER }, { limit: 1000, before: 0n, after: userId }],
  // Before and after everything, which owners are told by the least id there could be.
  [{ before: 0 }, { limit: 1000, before: 1n, after: 0n }],
  [{ after: 0 }, { limit: 1000, before: 0n, after: 1n }],
];

const INVITE_DEFAULTS = { maxAgeSeconds: 86_400, maxUses: 0, temporary: false, unique: false };
const NEW_INVITE: readonly Mapping[] = [
  [{}, INVITE_DEFAULTS],
  [{ max_age: 0 }, { ...INVITE_DEFAULTS, maxAgeSeconds: 0 }],
  [
    { max_age: 604_800, max_uses: 100 },
    { ...INVITE_DEFAULTS, maxAgeSeconds: 604_800, maxUses: 100 },
  ],
  [
    { temporary: true, unique: true },
    { ...INVITE_DEFAULTS, temporary: true, unique: true },
  ],
  [{ max_age: null, max_uses: null, temporary: null, unique: null }, INVITE_DEFAULTS],
  [{ target_type: 1, target_user_id: USER, validate: null }, INVITE_DEFAULTS],
];

const inGuild = { topicId: guildId } as const;
const query = (sent: object) => `?${new URLSearchParams(sent as Record<string, string>)}`;

const CASES: readonly RouteCase[] = [
  {
    ...{ method: 'GET', path: `${members}/search?query=al`, rpc: 'searchMembers', status: 200 },
    ...inGuild,
    request: { query: 'al', limit: 1 },
  },
  {
    ...{ method: 'GET', path: `${members}/search?query=a%20b&limit=1000`, rpc: 'searchMembers' },
    ...{ status: 200, ...inGuild },
    request: { query: 'a b', limit: 1000 },
  },
  { method: 'GET', path: member, rpc: 'getMember', status: 200, ...inGuild, request: { userId } },
  ...MEMBER_FIELDS.map(([body, fields]): RouteCase => ({
    ...{ method: 'PATCH', path: member, rpc: 'modifyMember', status: 200, ...inGuild },
    body,
    request: { userId, ...fields },
  })),
  {
    ...{ method: 'DELETE', path: member, rpc: 'removeMember', status: 204, ...inGuild },
    request: { userId },
  },
  {
    ...{ method: 'PUT', path: `${member}/roles/${ROLE}`, rpc: 'putMemberRole', status: 204 },
    ...inGuild,
    request: { userId, roleId },
  },
  {
    ...{ method: 'DELETE', path: `${member}/roles/${ROLE}`, rpc: 'deleteMemberRole', status: 204 },
    ...inGuild,
    request: { userId, roleId },
  },

  ...BAN_PAGES.map(([sent, request]): RouteCase => ({
    ...{ method: 'GET', path: bans + query(sent), rpc: 'listBans', status: 200, ...inGuild },
    request: { ...request },
  })),
  {
    ...{ method: 'GET', path: `${bans}/${USER}`, rpc: 'getBan', status: 200, ...inGuild },
    request: { userId },
  },
  {
    ...{ method: 'DELETE', path: `${bans}/${USER}`, rpc: 'deleteBan', status: 204, ...inGuild },
    request: { userId },
  },

  {
    ...{ method: 'GET', path: `${guild}/invites`, rpc: 'listInvites', status: 200, ...inGuild },
    request: { channelId: 0n },
  },
  {
    ...{ method: 'GET', path: invites, rpc: 'listInvites', status: 200, topicId: 0n },
    request: { channelId },
  },
  ...NEW_INVITE.map(([body, request]): RouteCase => ({
    ...{ method: 'POST', path: invites, rpc: 'createInvite', status: 200, topicId: 0n },
    body,
    request: { channelId, ...request },
  })),
  {
    ...{ method: 'DELETE', path: `/invites/${CODE}`, rpc: 'deleteInvite', status: 200, ...inGuild },
    request: { code: CODE, withCounts: false },
  },
];

describe('Who is in a guild, and comes in', () => {
  it.each(CASES.map((one) => [titleOf(one), one] as const))('%s', (_title, one) =>
    expectCase(world, bot, one),
  );

  const refused = [...new Map(CASES.map((one) => [`${one.method} ${one.rpc}`, one])).values()];
  it.each(refused.map((one) => [titleOf(one), one] as const))(
    'says so when it is refused: %s',
    (_title, one) => expectRefused(world, alice, one),
  );
});

const LATE = 'communication_disabled_until';
const WRONG: readonly WrongCase[] = [
  ['GET', `${members}?limit=0`, undefined, 'limit', 'NUMBER_TYPE_MIN'],
  ['GET', `${members}?limit=1001`, undefined, 'limit', 'NUMBER_TYPE_MAX'],
  ['GET', `${members}?after=x`, undefined, 'after', 'NUMBER_TYPE_COERCE'],
  ['GET', `${members}/search`, undefined, 'query', 'BASE_TYPE_REQUIRED'],
  ['GET', `${members}/search?query=`, undefined, 'query', 'BASE_TYPE_REQUIRED'],
  [
    ...(['GET', `${members}/search?query=${'x'.repeat(101)}`, undefined] as const),
    ...(['query', 'BASE_TYPE_BAD_LENGTH'] as const),
  ],
  ['GET', `${members}/search?query=a&limit=x`, undefined, 'limit', 'NUMBER_TYPE_COERCE'],
  ['GET', `${members}/x`, undefined, 'user_id', 'NUMBER_TYPE_COERCE'],
  ['PUT', member, {}, 'access_token', 'BASE_TYPE_REQUIRED'],
  ['PATCH', member, { nick: 'x'.repeat(33) }, 'nick', 'BASE_TYPE_MAX_LENGTH'],
  ['PATCH', member, { roles: ['1', 'x'] }, 'roles.1', 'NUMBER_TYPE_COERCE'],
  ['PATCH', member, { roles: Array(251).fill('1') }, 'roles', 'BASE_TYPE_MAX_LENGTH'],
  ['PATCH', member, { roles: '1' }, 'roles', 'LIST_TYPE_CONVERT'],
  ['PATCH', member, { mute: 1 }, 'mute', 'BOOLEAN_TYPE_CONVERT'],
  ['PATCH', member, { deaf: {} }, 'deaf', 'BOOLEAN_TYPE_CONVERT'],
  ['PATCH', member, { channel_id: '' }, 'channel_id', 'NUMBER_TYPE_COERCE'],
  ['PATCH', member, { [LATE]: 'tomorrow' }, LATE, 'DATE_TIME_TYPE_PARSE'],
  ['PATCH', member, { flags: -1 }, 'flags', 'NUMBER_TYPE_MIN'],
  ['PATCH', `${members}/@me`, { nick: 'x'.repeat(33) }, 'nick', 'BASE_TYPE_MAX_LENGTH'],
  ['PATCH', `${members}/@me/nick`, { nick: [] }, 'nick', 'STRING_TYPE_CONVERT'],
  ['PUT', `${member}/roles/x`, undefined, 'role_id', 'NUMBER_TYPE_COERCE'],

  ['GET', `${bans}?limit=1001`, undefined, 'limit', 'NUMBER_TYPE_MAX'],
  ['GET', `${bans}?before=x`, undefined, 'before', 'NUMBER_TYPE_COERCE'],
  [
    ...(['PUT', `${bans}/${USER}`, { delete_message_seconds: 604_801 }] as const),
    ...(['delete_message_seconds', 'NUMBER_TYPE_MAX'] as const),
  ],
  [
    ...(['PUT', `${bans}/${USER}`, { delete_message_days: 8 }] as const),
    ...(['delete_message_days', 'NUMBER_TYPE_MAX'] as const),
  ],
  ['POST', `${guild}/bulk-ban`, {}, 'user_ids', 'BASE_TYPE_REQUIRED'],
  ['POST', `${guild}/bulk-ban`, { user_ids: [] }, 'user_ids', 'BASE_TYPE_BAD_LENGTH'],
  [
    ...(['POST', `${guild}/bulk-ban`, { user_ids: Array(201).fill('1') }] as const),
    ...(['user_ids', 'BASE_TYPE_BAD_LENGTH'] as const),
  ],
  ['POST', `${guild}/bulk-ban`, { user_ids: ['x'] }, 'user_ids.0', 'NUMBER_TYPE_COERCE'],

  ['POST', invites, { max_age: 604_801 }, 'max_age', 'NUMBER_TYPE_MAX'],
  ['POST', invites, { max_age: -1 }, 'max_age', 'NUMBER_TYPE_MIN'],
  ['POST', invites, { max_uses: 101 }, 'max_uses', 'NUMBER_TYPE_MAX'],
  ['POST', invites, { temporary: 'x' }, 'temporary', 'BOOLEAN_TYPE_CONVERT'],
  ['POST', invites, { unique: 5 }, 'unique', 'BOOLEAN_TYPE_CONVERT'],
  ['GET', `/invites/${CODE}?with_counts=2`, undefined, 'with_counts', 'BOOLEAN_TYPE_CONVERT'],
];

describe('A form that is wrong', () => {
  it.each(WRONG.map((one) => [titleOfWrong(one), one] as const))('%s', (_title, one) =>
    expectWrong(world, bot, one),
  );
});

describe('The list of all members', () => {
  const list = (sent: object, expected: object): RouteCase => ({
    ...{ method: 'GET', path: members + query(sent), rpc: 'listMembers', status: 200, ...inGuild },
    request: { ...expected },
  });

  it('is for people, and for bots that have the privilege', async () => {
    const asBot = await world.ask('GET', members, { token: bot.token });
    expect([asBot.status, asBot.json]).toEqual([403, { message: 'Missing Access', code: 50001 }]);
    expect(world.owners.asked).toEqual([]);
    await expectCase(world, alice, list({}, { limit: 1, after: 0n }));
    const body = { flags: GUILD_MEMBERS_LIMITED };
    const changed = await world.ask('PATCH', `/applications/${bot.id}`, {
      token: alice.token,
      body,
    });
    expect(changed.status).toBe(200);
    world.owners.reset();
    await expectCase(
      world,
      bot,
      list({ limit: 1000, after: USER }, { limit: 1000, after: userId }),
    );
    world.owners.reset();
    await expectRefused(world, bot, list({}, {}));
  });
});

describe('One’s own nick', () => {
  it('is changed under @me, or by an old address that answers the nick alone', async () => {
    const nicked = { json: Buffer.from(JSON.stringify({ nick: 'Al', user: { id: bot.id } })) };
    world.owners.on('modifyMember', () => nicked);
    const { token } = bot;
    const now = await world.ask('PATCH', `${members}/@me`, { token, body: { nick: ' Al ' } });
    expect([now.status, now.json.user.id]).toEqual([200, bot.id]);
    const old = await world.ask('PATCH', `${members}/@me/nick`, { token, body: { nick: 'Al' } });
    expect([old.status, old.json]).toEqual([200, { nick: 'Al' }]);
    world.owners.on('modifyMember', () => ({ json: Buffer.from('{"nick":null}') }));
    const none = await world.ask('PATCH', `${members}/@me/nick`, { token, body: { nick: null } });
    expect(none.json).toEqual({ nick: null });
    await world.ask('PATCH', `${members}/@me`, { token, body: {} });
    const asked = world.owners.of('modifyMember');
    expect(asked.map(({ userId: id }) => id)).toEqual(Array(4).fill(BigInt(bot.id)));
    expect(asked.map(({ nick }) => nick)).toEqual(['Al', 'Al', '', undefined]);
  });
});

describe('Adding a member', () => {
  const body = { access_token: 'x' };
  it('takes a token of the user, which nobody can have here', async () => {
    grant(Permission.CREATE_INSTANT_INVITE);
    const answer = await world.ask('PUT', member, { token: bot.token, body });
    expect([answer.status, answer.json]).toEqual([
      403,
      { message: 'Invalid OAuth2 access token', code: 50025 },
    ]);
    grant(0n);
    expect((await world.ask('PUT', member, { token: bot.token, body })).json.code).toBe(50013);
    expect((await world.ask('PUT', member, { token: alice.token, body })).json.code).toBe(20002);
  });
});

describe('A ban', () => {
  const put = (id: string, body?: object) =>
    world.ask('PUT', `${bans}/${id}`, {
      token: bot.token,
      ...(body === undefined ? {} : { body }),
    });

  it('says who it is, member or not, and how much of theirs goes', async () => {
    const bodies = [
      undefined,
      {},
      { delete_message_seconds: 60 },
      { delete_message_days: 7 },
      { delete_message_days: 1, delete_message_seconds: 5 },
      { delete_message_days: null, delete_message_seconds: null },
    ];
    for (const body of bodies) {
      const answer = await put(bob.id, body);
      expect([answer.status, answer.text]).toEqual([204, '']);
    }
    const asked = world.owners.of('putBan');
    const seconds = asked.map(({ deleteMessageSeconds }) => deleteMessageSeconds);
    expect(seconds).toEqual([0, 0, 60, 604_800, 5, 0]);
    expect(asked[0]).toMatchObject({
      userId: BigInt(bob.id),
      user: { id: BigInt(bob.id), username: 'bob', bot: false },
      command: { topicId: guildId, actorId: BigInt(bot.id) },
    });
  });

  it('is of somebody', async () => {
    const answer = await put(NOBODY);
    expect([answer.status, answer.json]).toEqual([404, { message: 'Unknown User', code: 10013 }]);
    expect(world.owners.asked).toEqual([]);
  });

  it('says so when it is refused', async () => {
    world.owners.on('putBan', () => {
      throw refuse('MissingPermissions');
    });
    expect((await put(bob.id)).json.code).toBe(50013);
  });
});

describe('Many bans at once', () => {
  const MAY = Permission.BAN_MEMBERS | Permission.MANAGE_GUILD;
  const ban = (ids: string[], more: object = {}) => {
    const body = { user_ids: ids, ...more };
    return world.ask('POST', `${guild}/bulk-ban`, { token: bot.token, body });
  };
  const nobodyIsBanned = () =>
    world.owners.on('getBan', () => {
      throw refuse('UnknownBan');
    });

  it('are judged one by one; who asks is passed over', async () => {
    grant(MAY);
    nobodyIsBanned();
    world.owners.on('putBan', ({ userId: id }: { userId: bigint }) => {
      if (id === BigInt(alice.id)) throw refuse('MissingPermissions');
      return {};
    });
    const ids = [bob.id, alice.id, NOBODY, bot.id, bob.id];
    const answer = await ban(ids, { delete_message_seconds: 9 });
    expect([answer.status, answer.json]).toEqual([
      200,
      { banned_users: [bob.id], failed_users: [alice.id, NOBODY] },
    ]);
    const [first, second, ...others] = world.owners.of('putBan');
    expect(others).toEqual([]);
    expect(first).toMatchObject({ user: { username: 'bob' }, deleteMessageSeconds: 9 });
    expect(second.command.commandId).not.toBe(first.command.commandId);
  });

  it('fail when none of them is new', async () => {
    grant(MAY);
    const answer = await ban([bob.id, NOBODY]);
    expect([answer.status, answer.json]).toEqual([
      400,
      { message: 'Failed to ban users', code: 500_000 },
    ]);
    expect(world.owners.of('putBan')).toEqual([]);
    expect((await ban([bot.id])).json).toEqual({ banned_users: [], failed_users: [] });
  });

  it.each([
    ['BAN_MEMBERS', Permission.BAN_MEMBERS],
    ['MANAGE_GUILD', Permission.MANAGE_GUILD],
  ])('take more than %s', async (_name, one) => {
    grant(one);
    expect((await ban([bob.id])).json.code).toBe(50013);
    expect(world.owners.of('putBan')).toEqual([]);
  });

  it('break off when something is broken', async () => {
    grant(MAY);
    nobodyIsBanned();
    world.owners.on('putBan', () => {
      throw new Fault(FaultCode.Overloaded, 'full');
    });
    expect((await ban([bob.id])).status).toBe(503);
  });
});

describe('An invite', () => {
  const path = `/invites/${CODE}`;
  const shown = { json: Buffer.from('{"code":"x",  "type":0}') };

  it('is shown to anybody who has its code', async () => {
    world.owners.on('getInvite', () => shown);
    const answer = await world.ask('GET', path);
    expect([answer.status, answer.text]).toEqual([200, '{"code":"x",  "type":0}']);
    await world.ask('GET', `${path}?with_counts=true`, { token: bot.token });
    expect(world.owners.of('getInvite')).toMatchObject([
      { code: CODE, withCounts: false, command: { topicId: guildId, commandId: 0n } },
      { code: CODE, withCounts: true, command: { topicId: guildId, commandId: 0n } },
    ]);
  });

  it('is accepted by people', async () => {
    world.owners.on('acceptInvite', () => shown);
    const answer = await world.ask('POST', path, { token: bob.token, body: {} });
    expect([answer.status, answer.text]).toEqual([200, '{"code":"x",  "type":0}']);
    expect(world.owners.of('acceptInvite')[0]).toMatchObject({
      code: CODE,
      user: { id: BigInt(bob.id), username: 'bob' },
      command: { topicId: guildId, actorId: BigInt(bob.id) },
    });
    const asBot = await world.ask('POST', path, { token: bot.token });
    expect([asBot.status, asBot.json.code]).toEqual([403, 20001]);
    world.owners.on('acceptInvite', () => {
      throw refuse('UserBanned');
    });
    expect((await world.ask('POST', path, { token: bob.token })).json.code).toBe(40007);
  });

  it.each(['GET', 'POST', 'DELETE'])('that names no guild is unknown: %s', async (method) => {
    for (const code of ['discord', 'x', '%F0%9F%92%A5', `${CODE}${CODE}${CODE}`]) {
      const answer = await world.ask(method, `/invites/${code}`, { token: bob.token });
      expect([answer.status, answer.json]).toEqual([
        404,
        { message: 'Unknown Invite', code: 10006 },
      ]);
    }
    expect(world.owners.asked).toEqual([]);
  });
});
