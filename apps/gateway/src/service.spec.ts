import { Signal, topicEvents } from '@guildhall/contracts';
import { ALL_INTENTS, CloseCode, Intent, Opcode } from '@guildhall/gateway-protocol';
import { eventually, TestGatewayClient, type GatewayPayload } from '@guildhall/testkit';
import type { EventFields, FakeGuild } from './testing/fake-fleet.js';
import { fakeId, idIn } from './testing/fake-fleet.js';
import { runGateway, type RunningGateway } from './testing/running-gateway.js';

type Json = Record<string, unknown>;
const data = (payload: GatewayPayload): Json => payload.d as Json;
const connect = (gateway: RunningGateway, more: Json = {}): Promise<TestGatewayClient> =>
  TestGatewayClient.connect({ url: gateway.url, ...more });
const contents = (client: TestGatewayClient): unknown[] =>
  client.dispatches('MESSAGE_CREATE').map((payload) => data(payload)['content']);

/** Waits until all that was published so far has come to the client: until a last event has. */
async function settled(client: TestGatewayClient, gateway: RunningGateway, guild: FakeGuild) {
  const mark = `mark-${fakeId()}`;
  gateway.fleet.emit(guild, 'VOICE_SERVER_UPDATE', { mark });
  await client.waitFor(({ d }) => (d as Json | null)?.['mark'] === mark);
}

/** One bot in one guild with one channel, logged in. */
async function loggedIn(gateway: RunningGateway, intents: number = ALL_INTENTS, token = 'token') {
  const botId = gateway.fleet.user(token);
  const channelId = fakeId();
  const guild = gateway.fleet.guild([botId], [channelId]);
  const client = await connect(gateway);
  const ready = await client.identify({ token, intents });
  if ((intents & Intent.Guilds) !== 0) await client.next('GUILD_CREATE');
  const relays = gateway.service.relays;
  await eventually(() => relays.followersCount >= 2, { label: 'the guild is attached' });
  return { botId, channelId, guild, client, ready };
}

let gateway: RunningGateway;
afterEach(() => gateway[Symbol.asyncDispose]());

describe('a gateway, to a bot', () => {
  it('gives READY, then each guild, then what happens', async () => {
    gateway = await runGateway();
    const { botId, channelId, guild, client, ready } = await loggedIn(gateway);
    expect(data(ready)).toMatchObject({
      v: 10,
      user: { id: String(botId), bot: true, email: null, verified: true },
      guilds: [{ id: String(guild.id), unavailable: true }],
      private_channels: [],
      application: { id: String(botId) },
      resume_gateway_url: gateway.url,
    });
    expect(client.dispatches('GUILD_CREATE')[0]!.d).toMatchObject({
      id: String(guild.id),
      unavailable: false,
    });
    gateway.fleet.message(guild, channelId, 'hello');
    expect(data(await client.next('MESSAGE_CREATE'))['content']).toBe('hello');
  });

  it('takes a token with and without "Bot ", and version 9', async () => {
    gateway = await runGateway();
    gateway.fleet.user('token');
    for (const [token, version] of [
      ['Bot token', 10],
      ['token', 9],
    ] as const) {
      const client = await connect(gateway, { version });
      expect(data(await client.identify({ token, intents: 0 }))['v']).toBe(version);
      await client.close();
    }
  });

  it('sends a guild whose owner is away as an outage, and later whole', async () => {
    gateway = await runGateway();
    const botId = gateway.fleet.user('token');
    const guild = gateway.fleet.guild([botId]);
    gateway.fleet.away.add(guild.id);
    const client = await connect(gateway);
    await client.identify({ token: 'token', intents: ALL_INTENTS });
    expect((await client.next('GUILD_DELETE')).d).toEqual({
      id: String(guild.id),
      unavailable: true,
    });
    gateway.fleet.away.delete(guild.id);
    expect(data(await client.next('GUILD_CREATE'))['id']).toBe(String(guild.id));
  });

  it('shards by guild id, with private channels on shard 0 alone', async () => {
    gateway = await runGateway();
    const botId = gateway.fleet.user('token');
    const guilds = [gateway.fleet.guild([botId]), gateway.fleet.guild([botId])];
    const conversation = gateway.fleet.conversation([botId, fakeId()]);
    const shardOf = ({ id }: { id: bigint }) => Number((id >> 22n) % 2n);
    expect(guilds.map(shardOf).sort()).toEqual([0, 1]);
    const clients: TestGatewayClient[] = [];
    for (const shard of [0, 1]) {
      const client = await connect(gateway);
      const ready = data(
        await client.identify({ token: 'token', intents: ALL_INTENTS, shard: [shard, 2] }),
      );
      expect(ready['shard']).toEqual([shard, 2]);
      const own = guilds.find((guild) => shardOf(guild) === shard)!;
      expect(ready['guilds']).toEqual([{ id: String(own.id), unavailable: true }]);
      await client.next('GUILD_CREATE');
      clients.push(client);
    }
    const { relays } = gateway.service;
    await eventually(() => relays.followersCount === 5, { label: 'all attached' });
    gateway.fleet.message(conversation, conversation.id, 'psst');
    expect(data(await clients[0]!.next('MESSAGE_CREATE'))['content']).toBe('psst');
    await clients[1]!.heartbeat();
    expect(contents(clients[1]!)).toEqual([]);
  });
});

describe('a gateway closes with', () => {
  const closings: [string, number, (client: TestGatewayClient) => void, Json?][] = [
    ['4001 for an opcode nobody knows', 4001, (client) => client.send(99, null)],
    ['4002 for what is no JSON', 4002, (client) => client.sendRaw('{nonsense')],
    ['4002 for too much', 4002, (client) => client.sendRaw(`{"op":1,"d":"${'x'.repeat(15_400)}"}`)],
    ['4002 for far too much', 4002, (client) => client.sendRaw('x'.repeat(1024 * 1024))],
    [
      '4002 for a text that is no UTF-8',
      4002,
      (client) => client.sendRaw(Buffer.from([0xff]), false),
    ],
    [
      '4003 before IDENTIFY',
      4003,
      (client) => client.send(3, { status: 'online', activities: [] }),
    ],
    ['4004 for a wrong token', 4004, (client) => client.send(2, { token: 'wrong', intents: 0 })],
    [
      '4004 for a wrong token of RESUME',
      4004,
      (client) => client.send(6, { token: 'wrong', session_id: 'x', seq: 1 }),
    ],
    [
      '4010 for a shard that is none',
      4010,
      (client) => client.send(2, { token: 'token', intents: 0, shard: [2, 2] }),
    ],
    ['4012 for another version', 4012, () => undefined, { version: 6 }],
    ['4012 for no version', 4012, () => undefined, { query: { v: '' } }],
    ['4002 for another encoding', 4002, () => undefined, { query: { encoding: 'xml' } }],
    ['4013 for a bot without intents', 4013, (client) => client.send(2, { token: 'token' })],
    [
      '4013 for intents nobody knows',
      4013,
      (client) => client.send(2, { token: 'token', intents: 1 << 30 }),
    ],
  ];
  for (const [name, code, provoke, address] of closings) {
    it(name, async () => {
      gateway = await runGateway();
      gateway.fleet.user('token');
      const client = await connect(gateway, address);
      if (address === undefined) await client.waitFor(({ op }) => op === Opcode.Hello);
      provoke(client);
      expect((await client.closed).code).toBe(code);
    });
  }

  it('4002 for ETF that is none, and for a compressed bomb', async () => {
    gateway = await runGateway();
    for (const bytes of [
      [131, 116, 255],
      [131, 80, 255, 255, 255, 255, 0],
    ]) {
      const client = await connect(gateway, { encoding: 'etf' });
      client.sendRaw(Buffer.from(bytes), true);
      expect((await client.closed).code).toBe(4002);
    }
  });

  it('4014 for a privileged intent that is not granted', async () => {
    gateway = await runGateway();
    gateway.fleet.user('poor', { applicationFlags: 1 << 13 });
    for (const intents of [Intent.GuildMembers, Intent.MessageContent]) {
      const client = await connect(gateway);
      client.send(2, { token: 'poor', intents });
      expect((await client.closed).code).toBe(4014);
    }
    const granted = await connect(gateway);
    await granted.identify({ token: 'poor', intents: Intent.GuildPresences });
  });

  it('4002 for more than 4096 bytes of a bot that is logged in', async () => {
    gateway = await runGateway();
    const { client } = await loggedIn(gateway);
    client.sendRaw(`{"op":1,"d":1,"x":"${'x'.repeat(4096)}"}`);
    expect((await client.closed).code).toBe(4002);
  });

  it('4005 for a second IDENTIFY', async () => {
    gateway = await runGateway();
    const { client } = await loggedIn(gateway);
    client.send(2, { token: 'token', intents: 0 });
    expect((await client.closed).code).toBe(CloseCode.AlreadyAuthenticated);
  });

  it('4008 for more than 120 payloads in a minute', async () => {
    gateway = await runGateway();
    const client = await connect(gateway);
    for (let sent = 0; sent < 121; sent += 1) client.send(1, null);
    expect((await client.closed).code).toBe(CloseCode.RateLimited);
    expect(client.payloads.filter(({ op }) => op === Opcode.HeartbeatAck)).toHaveLength(120);
  });

  it('4011 for too many guilds on a shard', async () => {
    gateway = await runGateway({ guildsPerShardMax: 1 });
    const botId = gateway.fleet.user('token');
    gateway.fleet.guild([botId]);
    gateway.fleet.guild([botId]);
    const client = await connect(gateway);
    client.send(2, { token: 'token', intents: 1 });
    expect((await client.closed).code).toBe(CloseCode.ShardingRequired);
    expect(gateway.service.registry.size).toBe(0);
  });

  it('4003 when nobody identifies in time', async () => {
    gateway = await runGateway({ identifyTimeoutMs: 150 });
    const client = await connect(gateway);
    expect((await client.closed).code).toBe(CloseCode.NotAuthenticated);
  });

  it('4009 when heartbeats stop, and the session can be resumed', async () => {
    gateway = await runGateway({ heartbeatIntervalMs: 150 });
    gateway.fleet.user('token');
    const client = await connect(gateway);
    await client.identify({ token: 'token', intents: 0 });
    const session = client.session!;
    client.heartbeats = false;
    expect((await client.closed).code).toBe(CloseCode.SessionTimedOut);
    const again = await connect(gateway);
    await again.resume(session);
  });

  it('4004 when all sessions of a user end', async () => {
    gateway = await runGateway();
    const { botId, client } = await loggedIn(gateway);
    gateway.fleet.emit(gateway.fleet.users.get(botId)!, Signal.SessionsEnded, {});
    expect((await client.closed).code).toBe(CloseCode.AuthenticationFailed);
    expect(gateway.service.registry.size).toBe(0);
  });

  it('4008 when the IDENTIFYs of the day are used up', async () => {
    gateway = await runGateway();
    gateway.fleet.user('token');
    gateway.fleet.identifiesLeft = 0;
    const client = await connect(gateway);
    client.send(2, { token: 'token', intents: 0 });
    expect((await client.closed).code).toBe(CloseCode.RateLimited);
    expect(gateway.service.registry.size).toBe(0);
  });
});

describe('IDENTIFYs of the day', () => {
  it('are counted before READY when few are left, and beside it when there are plenty', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const gate = Promise.withResolvers<void>();
    fleet.startSessionGate = gate.promise;
    fleet.user('plenty');
    const first = await connect(gateway);
    await first.identify({ token: 'plenty', intents: 0 });
    expect(fleet.identifiesLeft).toBe(1_000);

    fleet.identifiesLeft = 10;
    fleet.user('few');
    const second = await connect(gateway);
    const ready = second.identify({ token: 'few', intents: 0 });
    await eventually(() => gateway.service.registry.size === 2, { label: 'the second is known' });
    expect(second.dispatches('READY')).toEqual([]);
    gate.resolve();
    await ready;
    expect(fleet.identifiesLeft).toBe(8);
  });
});

describe('max_concurrency', () => {
  it('answers a second IDENTIFY of a key within the interval by op 9, then lets the socket in', async () => {
    gateway = await runGateway({ identifyIntervalMs: 400 });
    gateway.fleet.user('token');
    const first = await connect(gateway);
    await first.identify({ token: 'token', intents: 0 });
    const second = await connect(gateway);
    await expect(second.identify({ token: 'token', intents: 0 })).rejects.toThrow(
      'invalid session',
    );
    await eventually(() => second.identify({ token: 'token', intents: 0 }).then(() => true), {
      label: 'the same socket identifies',
    });
  });
});

describe('RESUME', () => {
  it('replays what was missed, in order, then RESUMED, on the encoding that is asked for', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway);
    gateway.fleet.message(guild, channelId, 'one');
    await client.next('MESSAGE_CREATE');
    const session = client.session!;
    await client.terminate();
    for (const content of ['two', 'three']) gateway.fleet.message(guild, channelId, content);
    const again = await connect(gateway, { encoding: 'etf', compression: 'zlib-stream' });
    const resumed = await again.resume(session);
    expect(contents(again)).toEqual(['two', 'three']);
    expect(resumed.s).toBe(session.sequence + 3);
    gateway.fleet.message(guild, channelId, 'four');
    await eventually(() => contents(again).length === 3, { label: 'it goes on' });
  });

  it('takes over from a socket that still lives', async () => {
    gateway = await runGateway();
    const { client } = await loggedIn(gateway);
    const again = await connect(gateway);
    await again.resume(client.session!);
    expect((await client.closed).code).toBe(CloseCode.UnknownError);
    await again.heartbeat();
    expect(gateway.service.registry.size).toBe(1);
  });

  it('is refused for what is unknown, of others, or never sent', async () => {
    gateway = await runGateway();
    const { client } = await loggedIn(gateway);
    gateway.fleet.user('other');
    const session = client.session!;
    await client.terminate();
    const refused = async (more: Json) => {
      const again = await connect(gateway);
      await expect(again.resume({ ...session, ...more })).rejects.toThrow('resumable: false');
      return again;
    };
    await refused({ token: 'other' });
    const unknown = await refused({ sessionId: 'unknown' });
    await refused({ sequence: 1000 });
    // The same socket may identify after op 9.
    await unknown.identify({ token: 'token', intents: 0 });
  });

  it('is refused after a goodbye, and when the window has passed', async () => {
    gateway = await runGateway({ resumeWindowMs: 50, heartbeatIntervalMs: 400 });
    const { client } = await loggedIn(gateway);
    const session = client.session!;
    await client.close(1000);
    await eventually(() => gateway.service.registry.size === 0, { label: 'the session ends' });
    const other = await connect(gateway);
    await other.identify({ token: 'token', intents: 0 });
    await other.terminate();
    await eventually(() => gateway.service.registry.size === 0, { label: 'the window passes' });
    const again = await connect(gateway);
    await expect(again.resume(session)).rejects.toThrow('resumable: false');
  });

  it('survives the close codes that libraries use themselves', async () => {
    gateway = await runGateway();
    const { client } = await loggedIn(gateway);
    const session = client.session!;
    await client.close(4200);
    const again = await connect(gateway);
    await again.resume(session);
  });

  it('is refused when more was missed than is remembered', async () => {
    gateway = await runGateway({ replayEventsMax: 16 });
    const { channelId, guild, client } = await loggedIn(gateway);
    const session = client.session!;
    await client.terminate();
    for (let sent = 0; sent < 17; sent += 1) gateway.fleet.message(guild, channelId, `${sent}`);
    const again = await connect(gateway);
    await expect(again.resume(session)).rejects.toThrow('resumable: false');
  });
});

describe('encodings and compressions', () => {
  const WAYS = [
    ['none', {}],
    ['zlib-stream', {}],
    ['zlib-stream', { zlibHistoryBytes: 4096 }],
    ['zstd-stream', {}],
    ['zstd-stream', { zstdContexts: 1 }],
  ] as const;
  for (const encoding of ['json', 'etf'] as const) {
    for (const [compression, knobs] of WAYS) {
      it(`${encoding} with ${compression} ${JSON.stringify(knobs)}`, async () => {
        gateway = await runGateway(knobs);
        const botId = gateway.fleet.user('token');
        const channelId = fakeId();
        const guild = gateway.fleet.guild([botId], [channelId]);
        const client = await connect(gateway, { encoding, compression });
        await client.identify({ token: 'token', intents: ALL_INTENTS });
        await client.next('GUILD_CREATE');
        for (let at = 0; at < 20; at += 1) {
          gateway.fleet.message(guild, channelId, `message ${at} ${'long '.repeat(at * 40)}`);
        }
        await eventually(() => contents(client).length === 20, { label: 'all messages' });
        await client.heartbeat();
        expect(client.violation).toBeUndefined();
      });
    }
  }

  it('compresses single payloads when IDENTIFY asks for it', async () => {
    gateway = await runGateway();
    gateway.fleet.user('token');
    const client = await connect(gateway);
    const ready = await client.identify({ token: 'token', intents: 0, compress: true });
    expect(ready.wireSize).toBeLessThan(JSON.stringify(ready.d).length);
  });
});

describe('intents', () => {
  it('admit events one by one', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway, Intent.GuildMessages);
    const { fleet } = gateway;
    fleet.emit(guild, 'MESSAGE_REACTION_ADD', {}, { channelId });
    fleet.emit(guild, 'GUILD_ROLE_CREATE', {});
    fleet.emit(guild, 'GUILD_MEMBER_ADD', {}, { subjectUserId: fakeId() });
    fleet.emitEphemeral(guild, 'TYPING_START', {}, { channelId });
    fleet.emitEphemeral(guild, 'PRESENCE_UPDATE', {});
    fleet.message(guild, channelId, 'yes');
    await settled(client, gateway, guild);
    expect(client.dispatches().map(({ t }) => t)).toEqual([
      'READY',
      'MESSAGE_CREATE',
      'VOICE_SERVER_UPDATE',
    ]);
  });

  it('blank messages without MESSAGE_CONTENT, but for own ones, mentions and private ones', async () => {
    gateway = await runGateway();
    const intents = Intent.Guilds | Intent.GuildMessages | Intent.DirectMessages;
    const { fleet } = gateway;
    const { botId, channelId, guild, client } = await loggedIn(gateway, intents);
    const conversation = fleet.conversation([botId, fakeId()]);
    const user = fleet.users.get(botId)!;
    fleet.emit(user, Signal.PrivateChannelOpened, { topic_id: String(conversation.id) });
    fleet.message(guild, channelId, 'secret');
    fleet.message(guild, channelId, 'own', { authorId: botId });
    fleet.message(guild, channelId, 'mention', { mentionedUserIds: [botId] });
    await settled(client, gateway, guild);
    fleet.message(conversation, conversation.id, 'private');
    await eventually(() => contents(client).length === 4, { label: 'all messages' });
    expect(contents(client)).toEqual(['', 'own', 'mention', 'private']);
    expect(data(client.dispatches('MESSAGE_CREATE')[0]!)).toMatchObject({
      embeds: [],
      attachments: [],
      components: [],
    });
  });

  it('do not keep a member from news about itself', async () => {
    gateway = await runGateway();
    const { botId, guild, client } = await loggedIn(gateway, Intent.Guilds);
    gateway.fleet.emit(guild, 'GUILD_MEMBER_UPDATE', { of: 'other' }, { subjectUserId: fakeId() });
    gateway.fleet.emit(guild, 'GUILD_MEMBER_UPDATE', { of: 'self' }, { subjectUserId: botId });
    expect((await client.next('GUILD_MEMBER_UPDATE')).d).toEqual({ of: 'self' });
  });
});

describe('visibility', () => {
  it('takes effect with its own event: channels come and go, and nothing is seen in between', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const { botId, channelId, guild, client } = await loggedIn(gateway);
    const channels = [{ channelId, json: Buffer.from(`{"id":"${channelId}","type":0}`) }];
    const see = (type: string, channelIds: bigint[], audienceId: bigint): EventFields => ({
      visibility: {
        audiences: [{ id: audienceId, channelIds }],
        moves: [{ userId: botId, audienceId }],
        channels,
      },
      subjectUserId: botId,
    });
    fleet.message(guild, channelId, 'before');
    fleet.emit(guild, 'GUILD_MEMBER_UPDATE', {}, see('lost', [], 77n));
    fleet.message(guild, channelId, 'hidden');
    fleet.emit(guild, 'GUILD_MEMBER_UPDATE', {}, see('gained', [channelId], 78n));
    fleet.message(guild, channelId, 'after');
    await settled(client, gateway, guild);
    expect(
      client
        .dispatches()
        .slice(2, -1)
        .map(({ t }) => t),
    ).toEqual([
      'MESSAGE_CREATE',
      'GUILD_MEMBER_UPDATE',
      'CHANNEL_DELETE',
      'CHANNEL_CREATE',
      'GUILD_MEMBER_UPDATE',
      'MESSAGE_CREATE',
    ]);
    expect(contents(client)).toEqual(['before', 'after']);
  });

  it('ends with GUILD_DELETE for who is removed', async () => {
    gateway = await runGateway();
    const { botId, channelId, guild, client } = await loggedIn(gateway);
    gateway.fleet.emit(
      guild,
      'GUILD_MEMBER_REMOVE',
      {},
      {
        subjectUserId: botId,
        visibility: { removedUserIds: [botId] },
      },
    );
    expect((await client.next('GUILD_DELETE')).d).toEqual({ id: String(guild.id) });
    gateway.fleet.message(guild, channelId, 'not for you');
    await client.heartbeat();
    expect(contents(client)).toEqual([]);
    await eventually(() => gateway.service.relays.count === 1, { label: 'the relay is gone' });
  });

  it('begins when a guild is joined, and ends when the user leaves', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const { botId, client } = await loggedIn(gateway);
    const user = fleet.users.get(botId)!;
    const joined = fleet.guild([botId]);
    fleet.emit(user, Signal.GuildJoined, { guild_id: String(joined.id) });
    expect(data(await client.next('GUILD_CREATE'))['id']).toBe(String(joined.id));
    fleet.emit(user, Signal.GuildLeft, { guild_id: String(joined.id) });
    expect((await client.next('GUILD_DELETE')).d).toEqual({ id: String(joined.id) });
  });
});

describe('what is lost on the bus', () => {
  it('is fetched when the next event shows the hole', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway);
    gateway.fleet.message(guild, channelId, 'one', { isLost: true });
    gateway.fleet.message(guild, channelId, 'two', { isLost: true });
    gateway.fleet.message(guild, channelId, 'three');
    await eventually(() => contents(client).length === 3, { label: 'all three' });
    expect(contents(client)).toEqual(['one', 'two', 'three']);
  });

  it('is fetched when an owner says how far it is', async () => {
    gateway = await runGateway({ followIntervalMs: 50 });
    const { channelId, guild, client } = await loggedIn(gateway);
    gateway.fleet.message(guild, channelId, 'last', { isLost: true });
    expect(data(await client.next('MESSAGE_CREATE'))['content']).toBe('last');
  });

  it('is fetched after a lost connection', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway);
    gateway.bus.disconnect();
    gateway.fleet.message(guild, channelId, 'unheard');
    gateway.bus.reconnect();
    expect(data(await client.next('MESSAGE_CREATE'))['content']).toBe('unheard');
  });

  it('ends sessions, openly, when it is gone for good', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway);
    gateway.fleet.message(guild, channelId, 'gone', { isLost: true });
    gateway.fleet.prune(guild);
    gateway.fleet.message(guild, channelId, 'next');
    await client.waitFor(({ op, d }) => op === Opcode.InvalidSession && d === false);
    expect(gateway.service.registry.size).toBe(0);
    await client.identify({ token: 'token', intents: ALL_INTENTS });
  });

  it('comes once if it comes twice', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway);
    const event = gateway.fleet.message(guild, channelId, 'once');
    gateway.fleet.publish(guild, [event]);
    await settled(client, gateway, guild);
    expect(contents(client)).toEqual(['once']);
  });

  it('is counted and set aside if it is nonsense', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway);
    gateway.fleet.bus.publish(topicEvents(guild.id), Buffer.from('nonsense'));
    gateway.fleet.message(guild, channelId, 'sense');
    await client.next('MESSAGE_CREATE');
    expect(gateway.telemetry.metrics.writeOpenMetrics()).toContain(
      'gateway_events_malformed_total 1',
    );
  });
});

describe('requests of a client', () => {
  it('op 8: pages of members as chunks, with the nonce', async () => {
    gateway = await runGateway();
    const { guild, client } = await loggedIn(gateway);
    gateway.fleet.queriedMembers = Array.from({ length: 2500 }, (_, at) => ({
      userId: BigInt(at + 1),
    }));
    const request = { guild_id: String(guild.id), query: '', limit: 0, nonce: 'n' };
    client.send(8, request);
    await eventually(() => client.dispatches('GUILD_MEMBERS_CHUNK').length === 3, {
      label: 'chunks',
    });
    const chunks = client.dispatches('GUILD_MEMBERS_CHUNK').map(data);
    expect(chunks.map((chunk) => (chunk['members'] as unknown[]).length)).toEqual([
      1000, 1000, 500,
    ]);
    expect(
      chunks.map((chunk) => [chunk['chunk_index'], chunk['chunk_count'], chunk['nonce']]),
    ).toEqual([0, 1, 2].map((index) => [index, 3, 'n']));
    // Once per guild and bot in 30 s.
    client.send(8, request);
    expect(data(await client.next('RATE_LIMITED'))).toMatchObject({
      opcode: 8,
      meta: { guild_id: String(guild.id), nonce: 'n' },
    });
    client.send(8, { guild_id: String(guild.id), user_ids: ['5', '9000'], presences: true });
    const byId = await client.waitFor(({ d }) => (d as Json | null)?.['not_found'] !== undefined);
    expect(data(byId)).toMatchObject({
      not_found: ['9000'],
      members: [{ user: { id: '5' } }],
      presences: [],
    });
  });

  it('op 8 without the intent says nothing of anybody', async () => {
    gateway = await runGateway();
    const { guild, client } = await loggedIn(gateway, Intent.Guilds);
    gateway.fleet.queriedMembers = [{ userId: 1n }];
    client.send(8, { guild_id: String(guild.id), query: '', limit: 0 });
    expect(data(await client.next('GUILD_MEMBERS_CHUNK'))['members']).toEqual([]);
    expect(gateway.fleet.memberQueries).toEqual([]);
  });

  it('op 3: presence is told, at READY, at changes and at the end', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const { guild, client } = await loggedIn(gateway);
    const id = client.session!.sessionId;
    await eventually(() => fleet.present.get(id)?.topicIds.includes(guild.id), { label: 'online' });
    client.send(3, { status: 'dnd', since: null, activities: [], afk: false });
    await eventually(() => fleet.present.get(id)?.status === 'dnd', { label: 'dnd' });
    await client.close(1000);
    await eventually(() => fleet.removedSessions.includes(id), { label: 'offline' });
  });

  it('op 3: only after a grace is a lost socket shown offline, and online again by RESUME', async () => {
    gateway = await runGateway({ presenceGraceMs: 30, heartbeatIntervalMs: 400 });
    const { fleet } = gateway;
    const { client } = await loggedIn(gateway);
    const session = client.session!;
    await eventually(() => fleet.present.has(session.sessionId), { label: 'online' });
    await client.terminate();
    await eventually(() => fleet.removedSessions.length === 1, { label: 'offline' });
    const again = await connect(gateway);
    await again.resume(session);
    await eventually(() => fleet.present.has(session.sessionId), { label: 'online again' });
  });

  it('renews leases, and tells owners again that have not heard of it', async () => {
    gateway = await runGateway({ leaseRenewalMs: 50 });
    const { fleet } = gateway;
    const { client } = await loggedIn(gateway);
    const id = client.session!.sessionId;
    await eventually(() => fleet.present.has(id), { label: 'online' });
    fleet.present.clear();
    await eventually(() => fleet.present.has(id), { label: 'told again' });
  });

  it('op 4, 31 and 43', async () => {
    gateway = await runGateway();
    const { channelId, guild, client } = await loggedIn(gateway);
    const guildId = String(guild.id);
    client.send(4, {
      guild_id: guildId,
      channel_id: String(channelId),
      self_mute: true,
      self_deaf: false,
    });
    expect(data(await client.next('VOICE_SERVER_UPDATE'))).toMatchObject({
      guild_id: guildId,
      endpoint: null,
      token: expect.any(String) as unknown,
    });
    expect(gateway.fleet.voiceStates[0]).toMatchObject({ channelId, selfMute: true });
    client.send(31, { guild_ids: [guildId, '1'] });
    expect((await client.next('SOUNDBOARD_SOUNDS')).d).toEqual({
      guild_id: guildId,
      soundboard_sounds: [],
    });
    client.send(43, { guild_id: guildId, fields: ['status'] });
    expect((await client.next('CHANNEL_INFO')).d).toEqual({ guild_id: guildId, channels: [] });
    await client.close(1000);
    await eventually(() => gateway.fleet.voiceStates[1]?.channelId === 0n, { label: 'it leaves' });
  });

  it('accepts what it need not answer', async () => {
    gateway = await runGateway();
    const { guild, client } = await loggedIn(gateway);
    client.send(14, { guild_id: String(guild.id), typing: true, channels: {} });
    client.send(37, { subscriptions: { [String(guild.id)]: { typing: true } } });
    client.send(41, { anything: 1 });
    await client.heartbeat();
    expect(gateway.service.registry.size).toBe(1);
  });
});

describe('heartbeats', () => {
  it('of both kinds are answered, whatever number they carry', async () => {
    gateway = await runGateway();
    const socket = new WebSocket(`${gateway.url}/?v=10&encoding=json`);
    const ops: unknown[] = [];
    socket.addEventListener('message', ({ data: text }) => {
      ops.push((JSON.parse(String(text)) as Json)['op']);
      if (ops.length > 1) return;
      socket.send(JSON.stringify({ op: 1, d: 0 }));
      socket.send(JSON.stringify({ op: 1, d: null }));
      socket.send(JSON.stringify({ op: 40, d: { seq: 1, qos: { ver: 1, active: true } } }));
    });
    await eventually(() => ops.length === 4, { label: 'all are answered' });
    expect(ops).toEqual([10, 11, 11, 11]);
    socket.close();
  });
});

describe('a person', () => {
  it('has everything in READY, with mentions counted', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const personId = fleet.user('person', { bot: false });
    const friendId = fakeId();
    const guild = fleet.guild([personId]);
    const channelId = idIn(guild.id);
    const silentId = idIn(guild.id);
    fleet.guilds.get(guild.id)!.audiences.set(guild.id, [channelId, silentId]);
    const conversation = fleet.conversation([personId, friendId]);
    const entry = {
      $typeName: 'fleet.readstates.v1.ReadStateEntry' as const,
      type: 0,
      channelId,
      lastMessageId: 5n,
      mentionCount: 9,
      lastPinTimestampMs: 0n,
      flags: 1,
      lastViewed: 0,
      version: 3n,
      manualUntilMessageId: 0n,
    };
    fleet.readStates.set(personId, [entry]);
    fleet.mentionCounts.set(guild.id, [
      { channelId, mentionCount: 2 },
      { channelId: silentId, mentionCount: 1 },
    ]);
    const client = await connect(gateway);
    const ready = data(await client.identify({ token: 'person', capabilities: 1 << 2 }));
    expect(ready).toMatchObject({
      user: { id: String(personId), bot: false, email: 'person@example.org' },
      guilds: [{ id: String(guild.id), channels: [{ id: String(channelId) }, {}] }],
      private_channels: [{ id: String(conversation.id) }],
      users: [{ id: String(personId) }, { id: String(friendId) }],
      sessions: [{ status: 'online', active: true }],
      read_state: { partial: false, version: 7 },
      relationships: [],
      session_type: 'normal',
      merged_members: [[]],
    });
    expect((ready['read_state'] as Json)['entries']).toEqual([
      expect.objectContaining({ id: String(channelId), last_message_id: '5', mention_count: 2 }),
      { id: String(silentId), last_message_id: '0', mention_count: 1 },
    ]);
    expect(client.dispatches('GUILD_CREATE')).toEqual([]);
    fleet.message(guild, channelId, 'to all');
    expect(data(await client.next('MESSAGE_CREATE'))['content']).toBe('to all');
    const user = fleet.users.get(personId)!;
    fleet.emitEphemeral(user, 'MESSAGE_ACK', { channel_id: String(channelId) });
    await client.waitFor('MESSAGE_ACK');
  });

  it('has a plain read state, and READY in two parts, as its capabilities say', async () => {
    gateway = await runGateway();
    const personId = gateway.fleet.user('person', { bot: false });
    const otherId = fakeId();
    gateway.fleet.guild([personId, otherId]);
    const client = await connect(gateway);
    const ready = data(await client.identify({ token: 'person', capabilities: 1 << 5 }));
    expect(ready['read_state']).toEqual([]);
    expect(ready['merged_members']).toMatchObject([[{ user_id: String(personId) }]]);
    expect(data(await client.next('READY_SUPPLEMENTAL'))).toMatchObject({
      merged_members: [[{ user_id: String(otherId) }]],
    });
  });

  it('has its user guild settings, the new ones alone if it knows the others', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const personId = fleet.user('person', { bot: false });
    const [first, second] = [1, 2].map((version) => ({
      json: Buffer.from(JSON.stringify({ guild_id: null, version })),
      version: BigInt(version),
    }));
    fleet.guildSettings.set(personId, [first!, second!]);
    const settings = async (more: object): Promise<unknown> => {
      const client = await connect(gateway);
      const ready = data(await client.identify({ token: 'person', ...more }));
      return ready['user_guild_settings'];
    };
    const [one, two] = [first, second].map((each) => JSON.parse(String(each!.json)) as Json);
    expect(await settings({})).toEqual([one, two]);
    const whole = { entries: [one, two], partial: false, version: 2 };
    expect(await settings({ capabilities: 1 << 3 })).toEqual(whole);
    const knowing = (version: number) => ({
      capabilities: 1 << 3,
      more: { client_state: { guild_versions: {}, user_guild_settings_version: version } },
    });
    expect(await settings(knowing(1))).toEqual({ entries: [two], partial: true, version: 2 });
    expect(await settings(knowing(-1))).toEqual(whole);
    expect(await settings(knowing(3))).toEqual(whole);
  });

  it('gets READY without the guilds whose owners do not answer, and those later', async () => {
    gateway = await runGateway();
    const personId = gateway.fleet.user('person', { bot: false });
    const guild = gateway.fleet.guild([personId]);
    gateway.fleet.away.add(guild.id);
    const client = await connect(gateway);
    const ready = data(await client.identify({ token: 'person' }));
    expect(ready['guilds']).toEqual([{ id: String(guild.id), unavailable: true }]);
    gateway.fleet.away.delete(guild.id);
    await client.next('GUILD_CREATE');
  });

  it('does not miss the first message of a private channel that has just come to be', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const personId = fleet.user('person', { bot: false });
    const client = await connect(gateway);
    await client.identify({ token: 'person' });
    const conversation = fleet.conversation([personId, fakeId()]);
    fleet.message(conversation, conversation.id, 'first');
    fleet.emit(fleet.users.get(personId)!, Signal.PrivateChannelOpened, {
      topic_id: String(conversation.id),
    });
    expect(data(await client.next('MESSAGE_CREATE'))['content']).toBe('first');
  });

  it('follows a private channel as it is when its beginning is gone', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const personId = fleet.user('person', { bot: false });
    const client = await connect(gateway);
    await client.identify({ token: 'person' });
    const conversation = fleet.conversation([personId, fakeId()]);
    fleet.message(conversation, conversation.id, 'long ago');
    fleet.prune(conversation);
    fleet.emit(fleet.users.get(personId)!, Signal.PrivateChannelOpened, {
      topic_id: String(conversation.id),
    });
    await eventually(() => fleet.attachesCount === 2, { label: 'it is attached anew' });
    fleet.message(conversation, conversation.id, 'now');
    expect(data(await client.next('MESSAGE_CREATE'))['content']).toBe('now');
    expect(contents(client)).toEqual(['now']);
  });

  it('is not told what only others of its sessions, or bots, are told', async () => {
    gateway = await runGateway();
    const { botId, guild, client } = await loggedIn(gateway);
    gateway.fleet.emitEphemeral(gateway.fleet.users.get(botId)!, 'SESSIONS_REPLACE', []);
    gateway.fleet.emitEphemeral(guild, 'PRESENCE_UPDATE', {}, { exceptUserId: botId });
    await settled(client, gateway, guild);
    expect(client.dispatches('SESSIONS_REPLACE')).toEqual([]);
    expect(client.dispatches('PRESENCE_UPDATE')).toEqual([]);
  });
});

describe('under pressure', () => {
  it('cuts off a client that does not read, and lets it resume', async () => {
    gateway = await runGateway({ socketBufferBytesMax: 65_536 });
    const { channelId, guild, client } = await loggedIn(gateway);
    await client.heartbeat();
    const session = client.session!;
    client.pause();
    const long = 'x'.repeat(50_000);
    let sent = 0;
    await eventually(
      () => {
        for (let at = 0; at < 20; at += 1)
          gateway.fleet.message(guild, channelId, `${sent++}${long}`);
        const text = gateway.telemetry.metrics.writeOpenMetrics();
        return text.includes('gateway_slow_consumers_closed_total 1');
      },
      { label: 'it is cut off' },
    );
    client.unpause();
    await client.closed;
    expect(gateway.service.registry.size).toBe(1);
    const again = await connect(gateway);
    await again.resume({ ...session, sequence: session.sequence + sent });
  });

  for (const compression of ['none', 'zstd-stream'] as const) {
    it(`does not hold against a client what it is owed (${compression})`, async () => {
      gateway = await runGateway({ socketBufferBytesMax: 65_536 });
      const { fleet } = gateway;
      const botId = fleet.user('token');
      fleet.descriptionLength = 500_000;
      const channelId = fakeId();
      const guilds = Array.from({ length: 24 }, () => fleet.guild([botId], [channelId]));
      const client = await connect(gateway, { compression });
      await client.identify({ token: 'token', intents: ALL_INTENTS });
      const created = () => client.dispatches('GUILD_CREATE').length === guilds.length;
      await eventually(created, { label: 'every guild', timeoutMs: 15_000 });
      // What it missed is more than the bound as well.
      const session = client.session!;
      await client.terminate();
      const long = 'x'.repeat(50_000);
      for (let at = 0; at < 200; at += 1) fleet.message(guilds[0]!, channelId, long);
      const again = await connect(gateway, { compression });
      await again.resume(session, 15_000);
      expect(contents(again)).toHaveLength(200);
    }, 40_000);
  }

  it('has a bound on sessions and on sockets', async () => {
    gateway = await runGateway({ sessionsMax: 1, socketsMax: 2 });
    gateway.fleet.user('token');
    const first = await connect(gateway);
    await first.identify({ token: 'token', intents: 0 });
    const second = await connect(gateway);
    await expect(connect(gateway)).rejects.toThrow('503');
    second.send(2, { token: 'token', intents: 0 });
    expect((await second.closed).code).toBe(1013);
    // Who has no socket gives way.
    await first.terminate();
    const third = await connect(gateway);
    await third.identify({ token: 'token', intents: 0 });
    expect(gateway.service.registry.size).toBe(1);
  });
});

describe('a drain', () => {
  it('asks clients to reconnect, takes nobody new, shows nobody offline', async () => {
    gateway = await runGateway();
    const { fleet } = gateway;
    const { client } = await loggedIn(gateway);
    const id = client.session!.sessionId;
    await eventually(() => fleet.present.has(id), { label: 'online' });
    const stubborn = await connect(gateway);
    await stubborn.waitFor(({ op }) => op === Opcode.Hello);
    const drained = gateway.life.drain();
    await client.waitFor(({ op }) => op === Opcode.Reconnect);
    await client.close(4901);
    await expect(connect(gateway)).rejects.toThrow('503');
    expect((await stubborn.closed).code).toBe(CloseCode.UnknownError);
    await drained;
    expect(fleet.removedSessions).toEqual([]);
    expect(fleet.present.has(id)).toBe(true);
  });
});

describe('tracing', () => {
  it('has one span per event and gateway, with three deliveries at most', async () => {
    gateway = await runGateway({}, { isTraced: true });
    const { channelId, guild, client } = await loggedIn(gateway);
    const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
    gateway.fleet.message(guild, channelId, 'traced', { trace });
    await client.next('MESSAGE_CREATE');
    const spans = gateway.telemetry.spans().filter(({ traceId }) => traceId === trace.traceId);
    expect(spans.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      'CONSUMER process topics.{topic_id}.events',
      'PRODUCER deliver',
    ]);
    expect(spans[0]!.parentSpanId).toBe(trace.spanId);
    expect(spans[0]!.attributes).toMatchObject({
      'guildhall.fanout.sockets': 1,
      'guildhall.fanout.filtered': 0,
      'guildhall.event.type': 'MESSAGE_CREATE',
    });
    const identify = gateway.telemetry.spans().find(({ name }) => name === 'gateway/identify')!;
    const children = gateway.telemetry
      .spans()
      .filter(({ parentSpanId }) => parentSpanId === identify.spanId);
    expect(children.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['accounts/Authenticate', 'guilds/AttachUser', 'guilds/AttachTopic']),
    );
    expect(gateway.telemetry.tracer.counts().open).toBe(0);
  });
});

describe('health', () => {
  it('says live, ready and the metrics', async () => {
    gateway = await runGateway();
    const base = gateway.url.replace('ws:', 'http:');
    for (const path of ['/health/live', '/health/ready']) {
      expect((await fetch(base + path)).status).toBe(200);
    }
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('gateway_sessions 0');
  });
});
