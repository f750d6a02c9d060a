import { parseClientPayload } from './parse-client-payload.js';

const GUILD = '81384788765712400';
const parsed = (op: number, d?: unknown) => {
  const result = parseClientPayload({ op, d });
  if (!result.ok) throw new Error(`${result.closeCode}: ${result.reason}`);
  return result.payload;
};
const closeCode = (value: unknown) => {
  const result = parseClientPayload(value);
  return result.ok ? null : result.closeCode;
};

describe('parseClientPayload', () => {
  it.each([undefined, null, 1, 'x', [], {}, { op: '1' }, { op: 1.5 }, { op: null }, { d: {} }])(
    'finds no payload in %j',
    (value) => {
      expect(closeCode(value)).toBe(4002);
    },
  );

  it.each([0, 7, 9, 10, 11, 12, 15, 16, 27, 44, 99, -1])(
    'does not know op %d from a client',
    (op) => {
      expect(closeCode({ op, d: {} })).toBe(4001);
    },
  );

  it.each([2, 3, 4, 6, 8, 14, 31, 37, 43])('takes nothing but an object for op %d', (op) => {
    for (const d of [undefined, null, 1, 'x', []]) expect(closeCode({ op, d })).toBe(4002);
  });

  it('lets user clients say what nobody answers', () => {
    expect(parsed(41, 'anything')).toEqual({ op: 41 });
  });

  it('gives a reason that fits a close frame', () => {
    const result = parseClientPayload({ op: 8, d: { guild_id: 'x'.repeat(4000), query: '' } });
    expect(result).toEqual({ ok: false, closeCode: 4002, reason: 'guild_id is not an id' });
  });

  describe('HEARTBEAT', () => {
    it.each([null, undefined, 0, 251])('takes %p', (d) => {
      expect(parsed(1, d)).toEqual({ op: 1, sequence: d ?? null });
      expect(parsed(40, { seq: d, qos: { ver: 27 } })).toEqual({ op: 40, sequence: d ?? null });
    });

    it.each(['1', -1, 1.5, {}, NaN, 2 ** 53])('refuses %p', (d) => {
      expect(closeCode({ op: 1, d })).toBe(4002);
      expect(closeCode({ op: 40, d: { seq: d } })).toBe(4002);
    });
  });

  describe('IDENTIFY', () => {
    const identify = (d: object) => parsed(2, { token: 't', ...d });
    const refusedWith = (d: object) => closeCode({ op: 2, d: { token: 't', ...d } });

    it('needs no more than a token', () => {
      expect(parsed(2, { token: 'MTI.x.y' })).toEqual({
        op: 2,
        token: 'MTI.x.y',
        properties: { os: '', browser: '', device: '' },
        compress: false,
        largeThreshold: 50,
        shard: null,
        presence: null,
        intents: null,
        capabilities: null,
        clientState: null,
      });
      expect(refusedWith({ token: undefined })).toBe(4002);
    });

    it('strips the prefix of a bot token, once', () => {
      expect(identify({ token: 'Bot MTI.x.y' })).toMatchObject({ token: 'MTI.x.y' });
      expect(identify({ token: 'Bot Bot x' })).toMatchObject({ token: 'Bot x' });
    });

    it('knows properties by both names', () => {
      const properties = { $os: 'linux', browser: 'b'.repeat(500), $browser: 'no', device: 7 };
      expect(identify({ properties })).toMatchObject({
        properties: { os: 'linux', browser: 'b'.repeat(128), device: '' },
      });
    });

    it('compresses payloads for true, and not for the name of a transport', () => {
      expect(identify({ compress: true })).toMatchObject({ compress: true });
      expect(identify({ compress: 'zlib-stream' })).toMatchObject({ compress: false });
    });

    it.each([
      [0, 50],
      [49, 50],
      [51, 51],
      [250, 250],
      [100_000, 250],
    ])('holds a large_threshold of %d to %d', (threshold, held) => {
      expect(identify({ large_threshold: threshold })).toMatchObject({ largeThreshold: held });
    });

    it('has a close code for shards', () => {
      expect(identify({ shard: [0, 1] })).toMatchObject({ shard: { id: 0, count: 1 } });
      expect(identify({ shard: [15, 16] })).toMatchObject({ shard: { id: 15, count: 16 } });
      for (const shard of [[1, 1], [0, 0], [-1, 2], ['0', '1'], [0], [0, 1, 2], 'x', [0.5, 1]]) {
        expect([shard, refusedWith({ shard })]).toEqual([shard, 4010]);
      }
    });

    it('has a close code for intents', () => {
      expect(identify({ intents: 40_835 })).toMatchObject({ intents: 40_835 });
      expect(identify({ intents: null, capabilities: 1_734_653 })).toMatchObject({
        intents: null,
        capabilities: 1_734_653,
      });
      for (const intents of [-1, 2 ** 26, '1', {}, 1.5]) {
        expect([intents, refusedWith({ intents })]).toEqual([intents, 4013]);
      }
    });

    it('takes the half empty presence one library sends', () => {
      const presence = { activities: null, afk: false, since: null, status: 'offline' };
      expect(identify({ presence })).toMatchObject({
        presence: { status: 'offline', isAfk: false, sinceMs: null, activities: [] },
      });
      expect(identify({ presence: {} })).toMatchObject({ presence: { status: 'online' } });
    });

    it('reads what a user client still has', () => {
      const client_state = {
        guild_versions: {},
        read_state_version: 4,
        user_guild_settings_version: 5,
        initial_guild_id: GUILD,
      };
      expect(identify({ client_state })).toMatchObject({
        clientState: { readStateVersion: 4, userGuildSettingsVersion: 5, initialGuildId: GUILD },
      });
      const nothing = { read_state_version: -1, user_guild_settings_version: -1 };
      for (const said of [nothing, {}, { user_guild_settings_version: 'x' }]) {
        expect(identify({ client_state: said })).toMatchObject({
          clientState: {
            readStateVersion: null,
            userGuildSettingsVersion: null,
            initialGuildId: null,
          },
        });
      }
    });
  });

  describe('UPDATE_PRESENCE', () => {
    const activities = (list: unknown) => {
      const payload = parsed(3, { status: 'online', activities: list });
      return payload.op === 3 ? payload.presence.activities : [];
    };

    it.each(['online', 'idle', 'dnd', 'invisible', 'offline', 'unknown'])('takes %s', (status) => {
      expect(parsed(3, { status, since: 91_879_201, afk: true, activities: [] })).toEqual({
        op: 3,
        presence: { status, sinceMs: 91_879_201, isAfk: true, activities: [] },
      });
    });

    it('refuses what is no status, no array, no activity', () => {
      for (const d of [
        { status: 'away' },
        { status: 1 },
        { status: 'constructor' },
        { activities: {} },
        { activities: [null] },
        { activities: [{}] },
        { activities: [{ name: 'x', type: 7 }] },
        { activities: [{ name: 'x', type: '0' }] },
      ]) {
        expect([d, closeCode({ op: 3, d })]).toEqual([d, 4002]);
      }
    });

    it('keeps what people see of an activity and nothing else', () => {
      expect(
        activities([
          {
            name: 'Custom Status',
            type: 4,
            state: 'away',
            created_at: '1754006400000',
            timestamps: { end: 1_754_092_800_000 },
            emoji: { name: 'x', id: GUILD, animated: true },
            secrets: { join: 'no' },
          },
        ]),
      ).toEqual([
        {
          name: 'Custom Status',
          type: 4,
          state: 'away',
          url: null,
          details: null,
          applicationId: null,
          createdAtMs: 1_754_006_400_000,
          timestamps: { startMs: null, endMs: 1_754_092_800_000 },
          emoji: { name: 'x', id: GUILD, isAnimated: true },
        },
      ]);
    });

    it('bounds them, without cutting a character in half', () => {
      expect(activities(Array.from({ length: 50 }, () => ({ name: 'x' })))).toHaveLength(16);
      const [cut] = activities([{ name: 'x'.repeat(127) + '\u{1F600}', state: 'y'.repeat(500) }]);
      expect(cut!.name).toBe('x'.repeat(127));
      expect(cut!.state).toHaveLength(128);
    });
  });

  describe('VOICE_STATE_UPDATE', () => {
    it('joins, leaves, and needs no guild for a private call', () => {
      expect(parsed(4, { guild_id: GUILD, channel_id: '2', self_mute: true })).toEqual({
        op: 4,
        guildId: GUILD,
        channelId: '2',
        isSelfMute: true,
        isSelfDeaf: false,
        isSelfVideo: false,
      });
      expect(parsed(4, { guild_id: null, channel_id: null })).toMatchObject({
        guildId: null,
        channelId: null,
      });
      expect(closeCode({ op: 4, d: { guild_id: 'x' } })).toBe(4002);
    });
  });

  describe('RESUME', () => {
    it('takes a token of either form, and a sequence of none', () => {
      const resume = { op: 6, token: 'x', sessionId: 's' };
      expect(parsed(6, { token: 'Bot x', session_id: 's', seq: 9 })).toEqual({
        ...resume,
        sequence: 9,
      });
      expect(parsed(6, { token: 'x', session_id: 's', seq: null })).toEqual({
        ...resume,
        sequence: 0,
      });
    });

    it('refuses half of it', () => {
      for (const d of [
        { token: 'x', seq: 1 },
        { session_id: 's', seq: 1 },
        { token: 'x', session_id: 's', seq: '1' },
      ]) {
        expect(closeCode({ op: 6, d })).toBe(4002);
      }
    });
  });

  describe('REQUEST_GUILD_MEMBERS', () => {
    const request = (d: object) => parsed(8, { guild_id: GUILD, query: '', ...d });

    it('asks by prefix or by ids, which win', () => {
      expect(request({ limit: 0, nonce: 'n' })).toEqual({
        op: 8,
        guildId: GUILD,
        query: '',
        userIds: null,
        limit: 0,
        wantsPresences: false,
        nonce: 'n',
      });
      expect(request({ user_ids: ['1', '2', '1'], presences: true })).toMatchObject({
        query: null,
        userIds: ['1', '2'],
        wantsPresences: true,
      });
      expect(request({ user_ids: '7' })).toMatchObject({ userIds: ['7'] });
      expect(closeCode({ op: 8, d: { guild_id: GUILD, limit: 0 } })).toBe(4002);
    });

    it('takes one guild, in an array or not', () => {
      expect(request({ guild_id: [GUILD] })).toMatchObject({ guildId: GUILD });
      for (const guild_id of [[], [GUILD, '2'], null, [[GUILD]], {}]) {
        expect(closeCode({ op: 8, d: { guild_id, query: '' } })).toBe(4002);
      }
    });

    it('takes a hundred ids and not one more', () => {
      const ids = Array.from({ length: 101 }, (_, index) => String(index));
      expect(request({ user_ids: ids.slice(1) })).toMatchObject({ userIds: ids.slice(1) });
      expect(closeCode({ op: 8, d: { guild_id: GUILD, user_ids: ids } })).toBe(4002);
    });

    it('forgets a nonce of more than 32 bytes', () => {
      expect(request({ nonce: 'f'.repeat(32) })).toMatchObject({ nonce: 'f'.repeat(32) });
      expect(request({ nonce: 'f'.repeat(33) })).toMatchObject({ nonce: null });
      expect(request({ nonce: 'ä'.repeat(17) })).toMatchObject({ nonce: null });
      expect(request({ nonce: 5 })).toMatchObject({ nonce: null });
    });

    it.each([-1, 1.5, '5', {}])('refuses a limit of %p', (limit) => {
      expect(closeCode({ op: 8, d: { guild_id: GUILD, query: '', limit } })).toBe(4002);
    });
  });

  describe('ids', () => {
    const guildId = (guild_id: unknown) => closeCode({ op: 8, d: { guild_id, query: '' } });

    it.each(['0', '1', GUILD, '18446744073709551615', 42])('are decimals of 64 bits: %p', (id) => {
      expect(parsed(8, { guild_id: id, query: '' })).toMatchObject({ guildId: String(id) });
    });

    it.each([
      '18446744073709551616',
      '99999999999999999999',
      '',
      '-1',
      '01',
      '1e3',
      ' 1',
      '0x1',
      '1\n',
      2 ** 53,
      1.5,
      -1,
    ])('and nothing else: %p', (id) => {
      expect(guildId(id)).toBe(4002);
    });
  });

  describe('REQUEST_SOUNDBOARD_SOUNDS and REQUEST_CHANNEL_INFO', () => {
    it('name guilds, and fields that exist', () => {
      expect(parsed(31, { guild_ids: [GUILD, GUILD, '2'] })).toEqual({
        op: 31,
        guildIds: [GUILD, '2'],
      });
      expect(
        parsed(43, { guild_id: GUILD, fields: ['voice_start_time', 'x', 'status', 'status'] }),
      ).toEqual({ op: 43, guildId: GUILD, fields: ['status', 'voice_start_time'] });
    });

    it('refuse lists that are none, or too long', () => {
      expect(closeCode({ op: 31, d: { guild_ids: GUILD } })).toBe(4002);
      expect(
        closeCode({ op: 31, d: { guild_ids: Array.from({ length: 201 }, (_, id) => id) } }),
      ).toBe(4002);
      expect(closeCode({ op: 43, d: { guild_id: GUILD, fields: 'status' } })).toBe(4002);
    });
  });

  describe('guild subscriptions', () => {
    it('say the same one by one and in bulk', () => {
      const said = {
        typing: true,
        threads: false,
        member_updates: 'yes',
        members: ['1', 'x', '1', '2'],
        channels: {
          '7': [
            [0, 99],
            [100, 199],
          ],
          x: [[0, 99]],
          '8': 'all',
          '9': [],
        },
      };
      const subscription = {
        guildId: GUILD,
        typing: true,
        threads: false,
        activities: undefined,
        memberUpdates: undefined,
        memberIds: ['1', '2'],
        channels: [
          {
            channelId: '7',
            ranges: [
              [0, 99],
              [100, 199],
            ],
          },
          { channelId: '9', ranges: [] },
        ],
        threadMemberListIds: undefined,
      };
      expect(parsed(14, { guild_id: GUILD, ...said })).toEqual({
        op: 14,
        subscriptions: [subscription],
      });
      expect(parsed(37, { subscriptions: { [GUILD]: said, '5': {} } })).toEqual({
        op: 37,
        subscriptions: [
          expect.objectContaining({ guildId: '5', channels: undefined }),
          subscription,
        ],
      });
    });

    it('leave out ranges that are none', () => {
      const ranges = [
        [0, 100],
        [5, 4],
        [-1, 5],
        [0, 0],
        ['0', '9'],
        [1],
        null,
        [0.5, 1],
        [300, 399],
      ];
      expect(parsed(14, { guild_id: GUILD, channels: { '7': ranges } })).toMatchObject({
        subscriptions: [
          {
            channels: [
              {
                ranges: [
                  [0, 0],
                  [300, 399],
                ],
              },
            ],
          },
        ],
      });
    });

    it('bound channels and ranges', () => {
      const many = Array.from({ length: 50 }, (_, index) => [index * 100, index * 100 + 99]);
      const channels = Object.fromEntries(Array.from({ length: 500 }, (_, id) => [id, many]));
      const payload = parsed(14, { guild_id: GUILD, channels });
      const [subscription] = payload.op === 14 ? payload.subscriptions : [];
      expect(subscription!.channels).toHaveLength(100);
      expect(subscription!.channels![0]!.ranges).toHaveLength(8);
    });

    it('need a guild', () => {
      expect(closeCode({ op: 14, d: {} })).toBe(4002);
      expect(closeCode({ op: 37, d: { subscriptions: { x: {} } } })).toBe(4002);
      expect(closeCode({ op: 37, d: { subscriptions: { '1': null } } })).toBe(4002);
    });
  });

  it('never throws, whatever is in d', () => {
    const oddities = [null, undefined, true, 0, -0, NaN, '', 'x', [], [[]], {}, { id: {} }];
    oddities.push(
      JSON.parse('{"__proto__":1,"constructor":2}') as object,
      Object.create(null) as object,
    );
    const names = ['token', 'properties', 'shard', 'presence', 'status', 'activities', 'guild_id'];
    names.push('query', 'user_ids', 'limit', 'nonce', 'fields', 'subscriptions', 'channels', 'seq');
    names.push('members', 'session_id', 'client_state', 'capabilities', 'large_threshold', 'd');
    for (let op = 0; op < 50; op += 1) {
      for (const first of names) {
        for (const oddity of oddities) {
          for (const d of [oddity, { [first]: oddity, token: 't', guild_id: '1', query: '' }]) {
            const result = parseClientPayload({ op, d });
            if (!result.ok) expect([4001, 4002, 4010, 4013]).toContain(result.closeCode);
          }
        }
      }
    }
  });
});
