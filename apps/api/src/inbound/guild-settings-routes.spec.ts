import { refuse, refuseField } from '@guildhall/contracts';
import { makeGround, makeWorld, type Ground, type World } from '../api-world.conformance.js';
import { expectWrong, titleOfWrong, type WrongCase } from '../route-cases.conformance.js';

const GUILD = '817000000000000002';
const OTHER = '817000000000000003';
const CHANNEL = '817000000000000004';
const PATH = `/users/@me/guilds/${GUILD}/settings`;
const PRIVATE = '/users/@me/guilds/@me/settings';
const BULK = '/users/@me/guilds/settings';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let ground: Ground;
let world: World;
let alice: { token: string; id: string };
let bot: { token: string; id: string };

beforeAll(async () => {
  ground = await makeGround();
  world = await makeWorld(ground);
  alice = await world.person('alice');
  bot = await world.bot(alice.token, 'Helper');
}, 60_000);
beforeEach(() => {
  world.owners.reset();
  world.owners.on('updateUserGuildSettings', ({ changes }: { changes: unknown[] }) => ({
    settingsJson: changes.map((_, index) => Buffer.from(`{ "the":${index} }`)),
  }));
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await ground?.end();
});

const patch = (path: string, body: unknown, token = alice.token) =>
  world.ask('PATCH', path, { token, body });

/** The changes that the owner was asked for by the only request, without what was left out. */
function changesAsked(): unknown {
  const [request, ...others] = world.owners.of('updateUserGuildSettings');
  expect(others).toEqual([]);
  expect(request.command).toMatchObject({ topicId: BigInt(alice.id), actorId: BigInt(alice.id) });
  expect(request.command.commandId).toBeGreaterThan(0n);
  return request.changes.map(plain);
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(
    ([key, inner]) => !key.startsWith('$') && inner !== undefined,
  );
  return Object.fromEntries(fields.map(([key, inner]) => [key, plain(inner)]));
}

const overridesCount = (count: number, from = 1): Record<string, object> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [String(from + index), {}]));

describe('User guild settings', () => {
  it('are changed as far as they are said, and answered whole', async () => {
    const answer = await patch(PATH, {
      suppress_everyone: true,
      suppress_roles: false,
      message_notifications: 1,
      muted: true,
      mute_config: { selected_time_window: 900, end_time: '2026-11-24T03:00:00.000Z' },
      mobile_push: false,
      hide_muted_channels: true,
      mute_scheduled_events: true,
      notify_highlights: 2,
      flags: 4_096,
      version: 77,
      unknown: 'ignored',
    });
    expect([answer.status, answer.text]).toEqual([200, '{ "the":0 }']);
    expect(changesAsked()).toEqual([
      {
        guildId: BigInt(GUILD),
        channelOverrides: [],
        suppressEveryone: true,
        suppressRoles: false,
        messageNotifications: 1,
        muted: true,
        muteConfig: { isNone: false, selectedTimeWindow: 900, endTimeMs: 1_795_489_200_000n },
        mobilePush: false,
        hideMutedChannels: true,
        muteScheduledEvents: true,
        notifyHighlights: 2,
        flags: 4_096,
      },
    ]);
  });

  it('stay as they are where nothing, or null, is said', async () => {
    const nothing = {
      suppress_everyone: null,
      message_notifications: null,
      channel_overrides: null,
      flags: null,
    };
    expect((await patch(PATH, nothing)).status).toBe(200);
    expect(changesAsked()).toEqual([{ guildId: BigInt(GUILD), channelOverrides: [] }]);
  });

  it('are those of private channels as well, where channels are muted one by one', async () => {
    const channel_overrides = {
      [CHANNEL]: { muted: true, mute_config: { end_time: null, selected_time_window: -1 } },
      5: { muted: false, mute_config: null, collapsed: true, message_notifications: 3, flags: 1 },
      6: { mute_config: { end_time: '1960-01-01' } },
    };
    expect((await patch(PRIVATE, { channel_overrides })).text).toBe('{ "the":0 }');
    expect(changesAsked()).toEqual([
      {
        guildId: 0n,
        channelOverrides: [
          {
            channelId: 5n,
            muted: false,
            muteConfig: { isNone: true, endTimeMs: 0n },
            collapsed: true,
            messageNotifications: 3,
            flags: 1,
          },
          { channelId: 6n, muteConfig: { isNone: false, endTimeMs: 1n } },
          {
            channelId: BigInt(CHANNEL),
            muted: true,
            muteConfig: { isNone: false, selectedTimeWindow: -1, endTimeMs: 0n },
          },
        ],
      },
    ]);
  });

  it('are changed for several guilds at once, and answered in the same order', async () => {
    const guilds = { [GUILD]: { suppress_roles: true }, '@me': { flags: 1 }, [OTHER]: {} };
    const answer = await patch(BULK, { guilds });
    expect([answer.status, answer.text]).toEqual([200, '[{ "the":0 },{ "the":1 },{ "the":2 }]']);
    expect(changesAsked()).toEqual([
      { guildId: BigInt(GUILD), channelOverrides: [], suppressRoles: true },
      { guildId: 0n, channelOverrides: [], flags: 1 },
      { guildId: BigInt(OTHER), channelOverrides: [] },
    ]);
    expect(world.owners.of('updateUserGuildSettings')[0].bulk).toBe(true);
    expect((await patch(BULK, { guilds: {} })).text).toBe('[]');
  });

  it('are as many as there can be', async () => {
    const guilds = Object.fromEntries(Object.keys(overridesCount(100)).map((id) => [id, {}]));
    expect((await patch(BULK, { guilds })).status).toBe(200);
    const most = { channel_overrides: overridesCount(1_000) };
    expect((await patch(PATH, most)).status).toBe(200);
    expect((await patch(BULK, { guilds: { [GUILD]: most } })).status).toBe(200);
  });

  it('are for people, who say who they are', async () => {
    for (const path of [PATH, PRIVATE, BULK]) {
      const asBot = await patch(path, {}, bot.token);
      expect([asBot.status, asBot.json.code]).toEqual([403, 20001]);
      expect((await world.ask('PATCH', path, { body: {} })).status).toBe(401);
    }
    expect(world.owners.asked).toEqual([]);
  });

  it('are of no guild that the owner does not know of, and of no guild 0', async () => {
    world.owners.on('updateUserGuildSettings', () => {
      throw refuse('UnknownGuild');
    });
    for (const [path, body] of [
      [PATH, {}],
      [BULK, { guilds: { [GUILD]: {} } }],
      ['/users/@me/guilds/0/settings', {}],
      [BULK, { guilds: { 0: {} } }],
    ] as const) {
      const answer = await patch(path, body);
      expect([answer.status, answer.json.code]).toEqual([404, 10004]);
    }
    expect(world.owners.of('updateUserGuildSettings')).toHaveLength(2);
  });

  it('are refused as the owner refuses them', async () => {
    world.owners.on('updateUserGuildSettings', () => {
      throw refuseField(['guilds', '@me', 'channel_overrides'], 'BASE_TYPE_MAX_LENGTH', 'Many.');
    });
    const answer = await patch(BULK, { guilds: { '@me': {} } });
    expect([answer.status, answer.json.code]).toEqual([400, 50035]);
    expect(answer.json.errors.guilds['@me'].channel_overrides._errors[0].message).toBe('Many.');
  });

  const half = { channel_overrides: overridesCount(501) };
  const wrong: WrongCase[] = [
    ['PATCH', '/users/@me/guilds/x/settings', {}, 'guild_id', 'NUMBER_TYPE_COERCE'],
    ['PATCH', PATH, [], '', 'MODEL_TYPE_CONVERT'],
    ['PATCH', PATH, { suppress_everyone: 'perhaps' }, 'suppress_everyone', 'BOOLEAN_TYPE_CONVERT'],
    ['PATCH', PATH, { message_notifications: 4 }, 'message_notifications', 'NUMBER_TYPE_MAX'],
    ['PATCH', PATH, { message_notifications: -1 }, 'message_notifications', 'NUMBER_TYPE_MIN'],
    ['PATCH', PATH, { notify_highlights: 3 }, 'notify_highlights', 'NUMBER_TYPE_MAX'],
    ['PATCH', PATH, { flags: 2 ** 32 }, 'flags', 'NUMBER_TYPE_MAX'],
    ['PATCH', PATH, { mute_config: 7 }, 'mute_config', 'MODEL_TYPE_CONVERT'],
    [
      'PATCH',
      PATH,
      { mute_config: { end_time: 'soon' } },
      'mute_config.end_time',
      'DATE_TIME_TYPE_PARSE',
    ],
    [
      'PATCH',
      PATH,
      { mute_config: { selected_time_window: -2 } },
      'mute_config.selected_time_window',
      'NUMBER_TYPE_MIN',
    ],
    ['PATCH', PATH, { channel_overrides: [] }, 'channel_overrides', 'DICT_TYPE_CONVERT'],
    [
      'PATCH',
      PRIVATE,
      { channel_overrides: { [CHANNEL]: { muted: 5 } } },
      `channel_overrides.${CHANNEL}.muted`,
      'BOOLEAN_TYPE_CONVERT',
    ],
    [
      'PATCH',
      PRIVATE,
      { channel_overrides: { x: {} } },
      'channel_overrides.x',
      'NUMBER_TYPE_COERCE',
    ],
    [
      'PATCH',
      PATH,
      { channel_overrides: overridesCount(1_001) },
      'channel_overrides',
      'BASE_TYPE_MAX_LENGTH',
    ],
    ['PATCH', BULK, {}, 'guilds', 'BASE_TYPE_REQUIRED'],
    ['PATCH', BULK, { guilds: { me: {} } }, 'guilds.me', 'NUMBER_TYPE_COERCE'],
    ['PATCH', BULK, { guilds: overridesCount(101) }, 'guilds', 'BASE_TYPE_MAX_LENGTH'],
    ['PATCH', BULK, { guilds: { 5: half, 6: half } }, 'guilds', 'BASE_TYPE_MAX_LENGTH'],
    [
      'PATCH',
      BULK,
      { guilds: { '@me': { flags: 'x' } } },
      'guilds.@me.flags',
      'NUMBER_TYPE_COERCE',
    ],
  ];
  it.each(wrong.map((one) => [titleOfWrong(one), one] as const))('%s', async (_, one) => {
    await expectWrong(world, alice, one);
  });
});
