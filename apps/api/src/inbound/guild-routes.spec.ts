// The routes of guilds, their channels and roles.
import { refuse } from '@guildhall/contracts';
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
const OTHER = '817000000000000004';
const [guildId, channelId, roleId, otherId] = [GUILD, CHANNEL, ROLE, OTHER].map(BigInt) as [
  bigint,
  bigint,
  bigint,
  bigint,
];
const guild = `/guilds/${GUILD}`;
const channel = `/channels/${CHANNEL}`;
const PNG = `data:image/png;base64,${Buffer.from('\x89PNG\r\n\x1a\n....', 'latin1').toString('base64')}`;
const HASH = expect.stringMatching(/^[0-9a-f]{32}$/) as string;

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let ground: Ground;
let world: World;
let alice: Caller;
let bot: Caller;

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

/** Lets whoever asks have these permissions. */
function grant(permissions: bigint): void {
  const json = Buffer.from(JSON.stringify({ permissions: String(permissions) }));
  world.owners.on('getUserGuild', () => ({ json }));
}

/** A request that changes one field or few: the body, and what the owner is told. */
type Mapping = readonly [body: object, fields: object];

const GUILD_FIELDS: readonly Mapping[] = [
  [{}, {}],
  [{ name: '  New  ' }, { name: 'New' }],
  [{ description: 'All about it' }, { description: 'All about it' }],
  [{ description: null }, { description: '' }],
  [{ icon: null }, { icon: '' }],
  [{ banner: null }, { banner: '' }],
  [{ splash: null }, { splash: '' }],
  [{ icon: PNG }, { icon: HASH }],
  [{ banner: PNG }, { banner: HASH }],
  [{ splash: PNG }, { splash: HASH }],
  [{ owner_id: OTHER }, { ownerId: otherId }],
  [{ verification_level: 4 }, { verificationLevel: 4 }],
  [{ verification_level: null }, { verificationLevel: 0 }],
  [{ default_message_notifications: 1 }, { defaultMessageNotifications: 1 }],
  [{ default_message_notifications: null }, { defaultMessageNotifications: 0 }],
  [{ explicit_content_filter: 2 }, { explicitContentFilter: 2 }],
  [{ explicit_content_filter: null }, { explicitContentFilter: 0 }],
  [{ afk_channel_id: CHANNEL }, { afkChannelId: channelId }],
  [{ afk_channel_id: null }, { afkChannelId: 0n }],
  [{ afk_timeout: 900 }, { afkTimeout: 900 }],
  [{ system_channel_id: CHANNEL }, { systemChannelId: channelId }],
  [{ system_channel_id: null }, { systemChannelId: 0n }],
  [{ system_channel_flags: 3 }, { systemChannelFlags: 3 }],
  [{ rules_channel_id: CHANNEL }, { rulesChannelId: channelId }],
  [{ rules_channel_id: null }, { rulesChannelId: 0n }],
  [{ public_updates_channel_id: CHANNEL }, { publicUpdatesChannelId: channelId }],
  [{ public_updates_channel_id: null }, { publicUpdatesChannelId: 0n }],
  [{ safety_alerts_channel_id: CHANNEL }, { safetyAlertsChannelId: channelId }],
  [{ safety_alerts_channel_id: null }, { safetyAlertsChannelId: 0n }],
  [{ preferred_locale: 'de' }, { preferredLocale: 'de' }],
  [{ preferred_locale: null }, { preferredLocale: 'en-US' }],
  [{ premium_progress_bar_enabled: true }, { premiumProgressBarEnabled: true }],
  // Nobody boosts here, and features are not for sale: passed over, as unknown keys are.
  [{ features: ['COMMUNITY'], region: 'local', nonsense: {} }, {}],
];

const OVERWRITE = { id: ROLE, type: 0, allow: '1024', deny: 2048 };

/** Fields that mean the same for a new channel and for one there is. */
const CHANNEL_FIELDS: readonly Mapping[] = [
  [{ topic: 'talk' }, { topic: 'talk' }],
  [{ position: 0 }, { position: 0 }],
  [{ parent_id: OTHER }, { parentId: otherId }],
  [{ nsfw: true }, { nsfw: true }],
  [{ rate_limit_per_user: 21_600 }, { rateLimitPerUser: 21_600 }],
  [{ bitrate: 96_000 }, { bitrate: 96_000 }],
  [{ user_limit: 99 }, { userLimit: 99 }],
  [{ rtc_region: 'local' }, { rtcRegion: 'local' }],
  [{ video_quality_mode: 2 }, { videoQualityMode: 2 }],
  [{ default_auto_archive_duration: 4320 }, { defaultAutoArchiveDuration: 4320 }],
  [{ permission_overwrites: [] }, { overwrites: { items: [] } }],
  [
    { permission_overwrites: [OVERWRITE, { id: OTHER, type: 'member', allow: null }, { id: '5' }] },
    {
      overwrites: {
        items: [
          { id: roleId, type: 0, allow: 1024n, deny: 2048n },
          { id: otherId, type: 1, allow: 0n, deny: 0n },
          { id: 5n, type: 0, allow: 0n, deny: 0n },
        ],
      },
    },
  ],
  [{ available_tags: [], default_reaction_emoji: null }, {}],
];

const NO_FIELDS = {
  ...{ topic: null, position: null, parent_id: null, nsfw: null, rate_limit_per_user: null },
  ...{ bitrate: null, user_limit: null, rtc_region: null, video_quality_mode: null },
  ...{ default_auto_archive_duration: null, permission_overwrites: null },
};

const NEW_CHANNEL: readonly Mapping[] = [
  ...CHANNEL_FIELDS.map(([body, fields]): Mapping => [
    { name: 'general', ...body },
    { name: 'general', type: 0, ...fields },
  ]),
  [
    { name: ' Talk ', type: 2 },
    { name: 'Talk', type: 2 },
  ],
  [
    { name: 'news', type: 5 },
    { name: 'news', type: 5 },
  ],
  [
    { name: 'group', type: 4 },
    { name: 'group', type: 4 },
  ],
  // Null says no more than nothing: it goes where a new channel goes, with its category's
  // overwrites.
  [
    { name: 'x', type: null, ...NO_FIELDS },
    { name: 'x', type: 0 },
  ],
];

const CHANGED_CHANNEL: readonly Mapping[] = [
  ...CHANNEL_FIELDS,
  [{}, {}],
  [{ name: 'renamed' }, { name: 'renamed' }],
  [{ type: 5 }, { type: 5 }],
  [
    NO_FIELDS,
    {
      ...{ topic: '', parentId: 0n, nsfw: false, rateLimitPerUser: 0, bitrate: 64_000 },
      ...{ userLimit: 0, rtcRegion: '', videoQualityMode: 1, defaultAutoArchiveDuration: 0 },
      overwrites: { items: [] },
    },
  ],
];

const ROLE_FIELDS: readonly Mapping[] = [
  [{}, {}],
  [{ name: 'mods' }, { name: 'mods' }],
  [{ name: null }, { name: '' }],
  [{ permissions: '8' }, { permissions: 8n }],
  [{ permissions: 0 }, { permissions: 0n }],
  // Null is @everyone's for a new role, and what it has for another: not none.
  [{ permissions: null }, {}],
  [{ color: 0xffffff }, { color: 0xffffff }],
  [{ color: null }, { color: 0 }],
  [
    { color: 1, colors: { primary_color: 2, secondary_color: 3, tertiary_color: 4 } },
    { color: 2, secondaryColor: 3, tertiaryColor: 4 },
  ],
  [
    { colors: { primary_color: 2, secondary_color: null } },
    { color: 2, secondaryColor: 0, tertiaryColor: 0 },
  ],
  [{ color: 7, colors: null }, { color: 7 }],
  [{ hoist: true }, { hoist: true }],
  [{ hoist: null }, { hoist: false }],
  [{ mentionable: true }, { mentionable: true }],
  [{ mentionable: null }, { mentionable: false }],
  [{ icon: null }, { icon: '' }],
  [{ icon: PNG }, { icon: HASH }],
  [{ unicode_emoji: '🧹' }, { unicodeEmoji: '🧹' }],
  [{ unicode_emoji: null }, { unicodeEmoji: '' }],
];

const inGuild = { topicId: guildId } as const;
const inChannel = { topicId: 0n } as const;

const CASES: readonly RouteCase[] = [
  {
    ...{ method: 'GET', path: guild, rpc: 'getGuild', status: 200, ...inGuild },
    request: { withCounts: false },
  },
  {
    ...{ method: 'GET', path: `${guild}?with_counts=true`, rpc: 'getGuild', status: 200 },
    ...inGuild,
    request: { withCounts: true },
  },
  ...GUILD_FIELDS.map(([body, request]): RouteCase => ({
    ...{ method: 'PATCH', path: guild, rpc: 'modifyGuild', status: 200, ...inGuild },
    body,
    request: { ...request },
  })),
  { method: 'DELETE', path: guild, rpc: 'deleteGuild', status: 204, ...inGuild, request: {} },

  {
    ...{ method: 'GET', path: `${guild}/channels`, rpc: 'listChannels', status: 200, ...inGuild },
    request: {},
  },
  ...NEW_CHANNEL.map(([body, fields]): RouteCase => ({
    ...{ method: 'POST', path: `${guild}/channels`, rpc: 'createChannel', status: 201 },
    ...inGuild,
    body,
    request: { fields },
  })),
  {
    ...{ method: 'PATCH', path: `${guild}/channels`, rpc: 'moveChannels', status: 204, ...inGuild },
    body: [
      { id: CHANNEL, position: 3, parent_id: OTHER, lock_permissions: true },
      { id: OTHER, position: null, parent_id: null, lock_permissions: null },
      { id: ROLE },
    ],
    request: {
      positions: [
        { channelId, position: 3, parentId: otherId, lockPermissions: true },
        { channelId: otherId, parentId: 0n, lockPermissions: false },
        { channelId: roleId, lockPermissions: false },
      ],
    },
  },
  {
    ...{ method: 'GET', path: channel, rpc: 'getChannel', status: 200, ...inChannel },
    request: { channelId },
  },
  ...CHANGED_CHANNEL.map(([body, fields]): RouteCase => ({
    ...{ method: 'PATCH', path: channel, rpc: 'modifyChannel', status: 200, ...inChannel },
    body,
    request: { channelId, fields },
  })),
  {
    ...{ method: 'DELETE', path: channel, rpc: 'deleteChannel', status: 200, ...inChannel },
    request: { channelId },
  },
  ...(
    [
      [
        { type: 0, allow: '1024', deny: '2048' },
        { type: 0, allow: 1024n, deny: 2048n },
      ],
      [
        { type: 1, allow: null },
        { type: 1, allow: 0n, deny: 0n },
      ],
      [
        { type: 'member', deny: 8 },
        { type: 1, allow: 0n, deny: 8n },
      ],
      [{ type: 'role' }, { type: 0, allow: 0n, deny: 0n }],
    ] as const
  ).map(([body, overwrite]): RouteCase => ({
    ...{ method: 'PUT', path: `${channel}/permissions/${ROLE}`, rpc: 'putOverwrite' },
    ...{ status: 204, ...inChannel },
    body,
    request: { channelId, overwrite: { id: roleId, ...overwrite } },
  })),
  {
    ...{ method: 'DELETE', path: `${channel}/permissions/${ROLE}`, rpc: 'deleteOverwrite' },
    ...{ status: 204, ...inChannel },
    request: { channelId, overwriteId: roleId },
  },

  {
    ...{ method: 'GET', path: `${guild}/roles`, rpc: 'listRoles', status: 200, ...inGuild },
    request: {},
  },
  {
    ...{ method: 'GET', path: `${guild}/roles/${ROLE}`, rpc: 'getRole', status: 200, ...inGuild },
    request: { roleId },
  },
  ...ROLE_FIELDS.map(([body, fields]): RouteCase => ({
    ...{ method: 'POST', path: `${guild}/roles`, rpc: 'createRole', status: 200, ...inGuild },
    body,
    request: { fields },
  })),
  ...ROLE_FIELDS.map(([body, fields]): RouteCase => ({
    ...{ method: 'PATCH', path: `${guild}/roles/${ROLE}`, rpc: 'modifyRole', status: 200 },
    ...inGuild,
    body,
    request: { roleId, fields },
  })),
  {
    ...{ method: 'PATCH', path: `${guild}/roles`, rpc: 'moveRoles', status: 200, ...inGuild },
    body: [{ id: ROLE, position: 2 }, { id: OTHER, position: null }, { id: CHANNEL }],
    request: { positions: [{ roleId, position: 2 }, { roleId: otherId }, { roleId: channelId }] },
  },
  {
    ...{ method: 'DELETE', path: `${guild}/roles/${ROLE}`, rpc: 'deleteRole', status: 204 },
    ...inGuild,
    request: { roleId },
  },
];

describe('What is set up in a guild', () => {
  it.each(CASES.map((one) => [titleOf(one), one] as const))('%s', async (_title, one) => {
    grant(Permission.MANAGE_GUILD | Permission.MANAGE_ROLES);
    await expectCase(world, bot, one);
  });

  const refused = [...new Map(CASES.map((one) => [`${one.method} ${one.rpc}`, one])).values()];
  it.each(refused.map((one) => [titleOf(one), one] as const))(
    'says so when it is refused: %s',
    async (_title, one) => {
      grant(Permission.MANAGE_GUILD | Permission.MANAGE_ROLES);
      await expectRefused(world, alice, one);
    },
  );

  it('carries the reason for the audit log', async () => {
    const headers = { 'x-audit-log-reason': encodeURIComponent('Aufräumen') };
    await world.ask('DELETE', channel, { token: bot.token, headers });
    expect(world.owners.of('deleteChannel')[0].command.reason).toBe('Aufräumen');
  });
});

const NAME_LONG = 'x'.repeat(101);
const WRONG: readonly WrongCase[] = [
  ['POST', '/guilds', {}, 'name', 'BASE_TYPE_REQUIRED'],
  ['POST', '/guilds', { name: '' }, 'name', 'BASE_TYPE_REQUIRED'],
  ['POST', '/guilds', { name: ' x ' }, 'name', 'BASE_TYPE_BAD_LENGTH'],
  ['POST', '/guilds', { name: NAME_LONG }, 'name', 'BASE_TYPE_BAD_LENGTH'],
  ['POST', '/guilds', { name: 'ok', icon: 'data:,x' }, 'icon', 'IMAGE_INVALID'],
  ['GET', `${guild}?with_counts=perhaps`, undefined, 'with_counts', 'BOOLEAN_TYPE_CONVERT'],
  ['PATCH', guild, { name: null }, 'name', 'STRING_TYPE_CONVERT'],
  ['PATCH', guild, { description: 'x'.repeat(301) }, 'description', 'BASE_TYPE_MAX_LENGTH'],
  ['PATCH', guild, { icon: 5 }, 'icon', 'IMAGE_INVALID'],
  ['PATCH', guild, { banner: 'data:image/png;base64,AAAA' }, 'banner', 'IMAGE_INVALID'],
  ['PATCH', guild, { splash: {} }, 'splash', 'IMAGE_INVALID'],
  ['PATCH', guild, { owner_id: null }, 'owner_id', 'NUMBER_TYPE_COERCE'],
  ['PATCH', guild, { verification_level: 5 }, 'verification_level', 'NUMBER_TYPE_MAX'],
  [
    ...(['PATCH', guild, { default_message_notifications: -1 }] as const),
    ...(['default_message_notifications', 'NUMBER_TYPE_MIN'] as const),
  ],
  [
    ...(['PATCH', guild, { explicit_content_filter: 'x' }] as const),
    ...(['explicit_content_filter', 'NUMBER_TYPE_COERCE'] as const),
  ],
  ['PATCH', guild, { afk_timeout: 61 }, 'afk_timeout', 'BASE_TYPE_CHOICES'],
  ['PATCH', guild, { afk_channel_id: 'x' }, 'afk_channel_id', 'NUMBER_TYPE_COERCE'],
  ['PATCH', guild, { system_channel_flags: null }, 'system_channel_flags', 'NUMBER_TYPE_COERCE'],
  ['PATCH', guild, { preferred_locale: 'xx' }, 'preferred_locale', 'BASE_TYPE_CHOICES'],
  [
    ...(['PATCH', guild, { premium_progress_bar_enabled: 'yes' }] as const),
    ...(['premium_progress_bar_enabled', 'BOOLEAN_TYPE_CONVERT'] as const),
  ],
  ['PATCH', guild, [], '', 'MODEL_TYPE_CONVERT'],

  ['POST', `${guild}/channels`, {}, 'name', 'BASE_TYPE_REQUIRED'],
  ['POST', `${guild}/channels`, { name: null }, 'name', 'STRING_TYPE_CONVERT'],
  ['POST', `${guild}/channels`, { name: ' ' }, 'name', 'BASE_TYPE_BAD_LENGTH'],
  ['POST', `${guild}/channels`, { name: NAME_LONG }, 'name', 'BASE_TYPE_BAD_LENGTH'],
  ['POST', `${guild}/channels`, { name: 'x', type: 15 }, 'type', 'BASE_TYPE_CHOICES'],
  ['PATCH', channel, { name: null }, 'name', 'STRING_TYPE_CONVERT'],
  ['PATCH', channel, { type: null }, 'type', 'BASE_TYPE_CHOICES'],
  ['PATCH', channel, { topic: 'x'.repeat(1025) }, 'topic', 'BASE_TYPE_MAX_LENGTH'],
  ['PATCH', channel, { position: -1 }, 'position', 'NUMBER_TYPE_MIN'],
  ['PATCH', channel, { parent_id: 'x' }, 'parent_id', 'NUMBER_TYPE_COERCE'],
  ['PATCH', channel, { nsfw: 2 }, 'nsfw', 'BOOLEAN_TYPE_CONVERT'],
  ['PATCH', channel, { rate_limit_per_user: 21_601 }, 'rate_limit_per_user', 'NUMBER_TYPE_MAX'],
  ['PATCH', channel, { bitrate: 7_999 }, 'bitrate', 'NUMBER_TYPE_MIN'],
  ['PATCH', channel, { bitrate: 96_001 }, 'bitrate', 'NUMBER_TYPE_MAX'],
  ['PATCH', channel, { user_limit: 100 }, 'user_limit', 'NUMBER_TYPE_MAX'],
  ['PATCH', channel, { rtc_region: 'x'.repeat(65) }, 'rtc_region', 'BASE_TYPE_MAX_LENGTH'],
  ['PATCH', channel, { video_quality_mode: 3 }, 'video_quality_mode', 'BASE_TYPE_CHOICES'],
  [
    ...(['PATCH', channel, { default_auto_archive_duration: 61 }] as const),
    ...(['default_auto_archive_duration', 'BASE_TYPE_CHOICES'] as const),
  ],
  [
    ...(['PATCH', channel, { permission_overwrites: [OVERWRITE, { type: 0 }] }] as const),
    ...(['permission_overwrites.1.id', 'BASE_TYPE_REQUIRED'] as const),
  ],
  [
    ...(['PATCH', channel, { permission_overwrites: [{ ...OVERWRITE, type: 2 }] }] as const),
    ...(['permission_overwrites.0.type', 'BASE_TYPE_CHOICES'] as const),
  ],
  [
    ...(['PATCH', channel, { permission_overwrites: [{ ...OVERWRITE, allow: '-1' }] }] as const),
    ...(['permission_overwrites.0.allow', 'NUMBER_TYPE_COERCE'] as const),
  ],
  [
    ...(['PATCH', channel, { permission_overwrites: Array(101).fill(OVERWRITE) }] as const),
    ...(['permission_overwrites', 'BASE_TYPE_MAX_LENGTH'] as const),
  ],
  ['PATCH', `${guild}/channels`, {}, '', 'LIST_TYPE_CONVERT'],
  ['PATCH', `${guild}/channels`, [], '', 'BASE_TYPE_BAD_LENGTH'],
  ['PATCH', `${guild}/channels`, [{ position: 1 }], '0.id', 'BASE_TYPE_REQUIRED'],
  ['PATCH', `${guild}/channels`, [{ id: '1', position: 'x' }], '0.position', 'NUMBER_TYPE_COERCE'],
  ['PUT', `${channel}/permissions/${ROLE}`, {}, 'type', 'BASE_TYPE_REQUIRED'],
  ['PUT', `${channel}/permissions/${ROLE}`, { type: 0, deny: 'x' }, 'deny', 'NUMBER_TYPE_COERCE'],
  ['PUT', `${channel}/permissions/x`, { type: 0 }, 'overwrite_id', 'NUMBER_TYPE_COERCE'],

  ['POST', `${guild}/roles`, { name: NAME_LONG }, 'name', 'BASE_TYPE_MAX_LENGTH'],
  ['POST', `${guild}/roles`, { permissions: 'x' }, 'permissions', 'NUMBER_TYPE_COERCE'],
  ['POST', `${guild}/roles`, { color: 0x1000000 }, 'color', 'NUMBER_TYPE_MAX'],
  [
    ...(['POST', `${guild}/roles`, { colors: { primary_color: -1 } }] as const),
    ...(['colors.primary_color', 'NUMBER_TYPE_MIN'] as const),
  ],
  ['POST', `${guild}/roles`, { hoist: 'x' }, 'hoist', 'BOOLEAN_TYPE_CONVERT'],
  ['POST', `${guild}/roles`, { mentionable: 'x' }, 'mentionable', 'BOOLEAN_TYPE_CONVERT'],
  ['POST', `${guild}/roles`, { icon: 'x' }, 'icon', 'IMAGE_INVALID'],
  ['POST', `${guild}/roles`, { unicode_emoji: {} }, 'unicode_emoji', 'STRING_TYPE_CONVERT'],
  ['PATCH', `${guild}/roles/${ROLE}`, { color: 1.5 }, 'color', 'NUMBER_TYPE_COERCE'],
  ['PATCH', `${guild}/roles/x`, {}, 'role_id', 'NUMBER_TYPE_COERCE'],
  ['PATCH', `${guild}/roles`, [{ id: '1', position: -1 }], '0.position', 'NUMBER_TYPE_MIN'],
  ['PATCH', `${guild}/roles`, [], '', 'BASE_TYPE_BAD_LENGTH'],
];

describe('A form that is wrong', () => {
  it.each(WRONG.map((one) => [titleOfWrong(one), one] as const))('%s', (_title, one) =>
    expectWrong(world, bot, one),
  );
});

describe('A new guild', () => {
  it('gets an id, its maker for owner, and an icon that is stored', async () => {
    const reply = { json: Buffer.from('{"id":"9"}') };
    world.owners.on('createGuild', () => reply);
    const body = { name: ' Home ', icon: PNG };
    const answer = await world.ask('POST', '/guilds', { token: alice.token, body });
    expect([answer.status, answer.text]).toEqual([201, '{"id":"9"}']);
    const [request] = world.owners.of('createGuild');
    expect(request).toMatchObject({ name: 'Home', icon: HASH, owner: { id: BigInt(alice.id) } });
    expect(request.command.topicId).toBeGreaterThan(0n);
    const icon = await world.ask('GET', `//icons/${request.command.topicId}/${request.icon}.png`);
    expect(icon.status).toBe(200);
    await world.ask('POST', '/guilds', { token: alice.token, body: { name: 'Two', icon: null } });
    const [, second] = world.owners.of('createGuild');
    expect(second.icon).toBe('');
    expect(second.command.topicId).not.toBe(request.command.topicId);
  });
});

describe('A picture', () => {
  const pictured: readonly [string, string, string, bigint][] = [
    ['PATCH', guild, 'modifyGuild', Permission.MANAGE_GUILD],
    ['POST', `${guild}/roles`, 'createRole', Permission.MANAGE_ROLES],
    ['PATCH', `${guild}/roles/${ROLE}`, 'modifyRole', Permission.MANAGE_ROLES],
  ];
  it.each(pictured)('is stored for who may set it: %s %s', async (method, path, rpc, needed) => {
    const ask = () => world.ask(method, path, { token: alice.token, body: { icon: PNG } });
    grant(~needed & ((1n << 40n) - 1n));
    expect((await ask()).json).toEqual({ message: 'Missing Permissions', code: 50013 });
    world.owners.on('getUserGuild', () => {
      throw refuse('MissingAccess');
    });
    expect((await ask()).json.code).toBe(50001);
    expect(world.owners.of(rpc)).toEqual([]);
    grant(needed);
    world.owners.on(rpc, () => ({ json: Buffer.from('{}') }));
    expect((await ask()).status).toBe(200);
  });
});

describe('The preview of a guild', () => {
  const path = `${guild}/preview`;
  const ask = () => world.ask('GET', path, { token: bot.token });

  it('is what may be shown of it, with counts', async () => {
    const shown = {
      ...{ id: GUILD, name: 'Home', icon: null, splash: null, discovery_splash: null },
      ...{ emojis: [], features: [], description: 'Ours', stickers: [] },
      ...{ approximate_member_count: 3, approximate_presence_count: 1 },
    };
    const whole = { ...shown, owner_id: OTHER, roles: [{ id: GUILD }] };
    world.owners.on('getGuild', () => ({ json: Buffer.from(JSON.stringify(whole)) }));
    const answer = await ask();
    expect([answer.status, answer.json]).toEqual([200, shown]);
    expect(world.owners.of('getGuild')[0].withCounts).toBe(true);
  });

  it('is no stranger’s', async () => {
    world.owners.on('getGuild', () => {
      throw refuse('MissingAccess');
    });
    const answer = await ask();
    expect([answer.status, answer.json]).toEqual([404, { message: 'Unknown Guild', code: 10004 }]);
  });
});

describe('What this fleet has none of', () => {
  const guildParts: readonly [string, unknown, bigint][] = [
    ['emojis', [], 0n],
    ['stickers', [], 0n],
    ['scheduled-events', [], 0n],
    ['soundboard-sounds', { items: [] }, 0n],
    ['threads/active', { threads: [], members: [] }, 0n],
    ['regions', [expect.objectContaining({ id: 'local', optimal: true })], 0n],
    ['integrations', [], Permission.MANAGE_GUILD],
    ['templates', [], Permission.MANAGE_GUILD],
    ['auto-moderation/rules', [], Permission.MANAGE_GUILD],
    ['widget', { enabled: false, channel_id: null }, Permission.MANAGE_GUILD],
    ['vanity-url', { code: null, uses: 0 }, Permission.MANAGE_GUILD],
    ['webhooks', [], Permission.MANAGE_WEBHOOKS],
    [
      'audit-logs',
      expect.objectContaining({ audit_log_entries: [], users: [], webhooks: [] }),
      Permission.VIEW_AUDIT_LOG,
    ],
  ];
  it.each(guildParts)('is answered to who may ask: guild %s', async (part, empty, needed) => {
    const ask = () => world.ask('GET', `${guild}/${part}`, { token: bot.token });
    grant(needed);
    const answer = await ask();
    expect([answer.status, answer.json]).toEqual([200, empty]);
    expect(world.owners.of('getUserGuild')[0].command.topicId).toBe(guildId);
    if (needed !== 0n) {
      grant(0n);
      expect((await ask()).json.code).toBe(50013);
    }
    world.owners.on('getUserGuild', () => {
      throw refuse('MissingAccess');
    });
    expect((await ask()).json.code).toBe(50001);
  });

  const archived = { threads: [], members: [], has_more: false };
  it.each([
    ['webhooks', []],
    ['threads/archived/public', archived],
    ['threads/archived/private', archived],
    ['users/@me/threads/archived/private', archived],
  ])('is answered to who may see the channel: %s', async (part, empty) => {
    const ask = () => world.ask('GET', `${channel}/${part}`, { token: bot.token });
    const answer = await ask();
    expect([answer.status, answer.json]).toEqual([200, empty]);
    expect(world.owners.of('getChannel')[0].channelId).toBe(channelId);
    world.owners.on('getChannel', () => {
      throw refuse('UnknownChannel');
    });
    expect((await ask()).json.code).toBe(10003);
  });

  it('is one region for voice', async () => {
    const { json } = await world.ask('GET', '/voice/regions', { token: bot.token });
    const region = { id: 'local', name: 'Local', optimal: true, deprecated: false, custom: false };
    expect(json).toEqual([region]);
  });
});
