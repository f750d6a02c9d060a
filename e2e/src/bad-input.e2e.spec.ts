// Whatever somebody sends, it is answered as documented, no process dies of it, and nobody else
// notices: all the while a witness on each gateway talks and listens (harness/witness.ts).

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { requestSubject, Messages, topicEvents } from '@guildhall/contracts';
import { codecOf, Opcode } from '@guildhall/gateway-protocol';
import type { Encoding } from '@guildhall/gateway-protocol';
import { eventually, SeededRandom, seedFromEnv, TestGatewayClient } from '@guildhall/testkit';
import type { GatewayAddress } from '@guildhall/testkit';
import { partitionOf } from '@guildhall/snowflake';
import type { NatsConnection } from '@nats-io/transport-node';
import { WebSocket } from 'ws';

import { BAD_BYTES, BAD_ETF, BAD_JSON, BAD_URLS } from './bad-frames.js';
import type { BadMessage, Stage } from './bad-frames.js';
import { BAD_REQUESTS } from './bad-requests.js';
import { busAs, violationOf } from './harness/bus-connection.js';
import { useFleet } from './harness/fleet-for-spec.js';
import { oddFrame } from './harness/odd-frames.js';
import { RawSocket, UPGRADE } from './harness/raw-socket.js';
import { counterOf, healthOf } from './harness/unharmed.js';
import type { Health } from './harness/unharmed.js';
import { Witness } from './harness/witness.js';
import { ok, World } from './harness/world.js';
import type { Bot, Guild, Message, Person } from './harness/world.js';

const FRAMES_COUNT = 10_000;
/** Connections that say odd things at the same time. */
const TALKERS_COUNT = 8;
/** Under the limit of 120, so that nothing is closed for its number. */
const FRAMES_OF_ONE = 100;
/** Of those with which odd frames may be answered: everything that is documented but 4000. */
const DOCUMENTED = new Set([4001, 4002, 4003, 4004, 4005, 4007, 4010, 4011, 4013, 4014]);
const IDLE_SOCKETS_COUNT = 100;
const SLOW_BODIES_COUNT = 50;
const GARBAGE_COUNT = 40;
const PATIENCE_MS = 20_000;
const POST = 'POST /api/v10/guilds HTTP/1.1\r\nHost: x\r\n';

const seed = new SeededRandom(seedFromEnv(process.env['SEED']));

describe(`bad input (${seed})`, () => {
  let witnesses: Witness[];

  // Before the fleet's own, which stops it.
  afterAll(async () => {
    await testimony();
    await Promise.all(witnesses.map((witness) => witness.end()));
  });

  const fleet = useFleet({
    appEnv: {
      api: { REQUEST_TIMEOUT_MS: '2000', FILE_BYTES_MAX: '200000' },
      gateway: { INVALID_SESSION_DELAY_MIN_MS: '20', INVALID_SESSION_DELAY_MAX_MS: '40' },
    },
  });
  let world: World;
  let me: Person;
  let bot: Bot;
  let guild: Guild;
  let message: Message;
  let before: Health;

  beforeAll(async () => {
    // A gateway in a hurry, for those who keep it waiting.
    await fleet().restart('gateway-2', {
      HEARTBEAT_INTERVAL_MS: '2000',
      IDENTIFY_TIMEOUT_MS: '1000',
    });
    world = new World(fleet());
    me = await world.register('me');
    guild = await world.createGuild(me);
    message = await world.send(me, guild.generalId, 'hello');
    bot = await world.addBot(await world.createBot(me), guild);
    const gateways = ['gateway-1', 'gateway-2'];
    witnesses = await Promise.all(gateways.map((gateway) => Witness.begin(world, gateway)));
    before = healthOf(fleet());
  });

  afterEach(() => {
    for (const witness of witnesses) witness.check();
    expect(healthOf(fleet())).toEqual(before);
    expect(before.deaths).toEqual([]);
  });

  /** Both witnesses go on to hear all that they say. */
  const testimony = (): Promise<void[]> =>
    Promise.all(witnesses.map((witness) => witness.testify()));

  describe('to a gateway', () => {
    afterAll(testimony);

    const closeOf = async (
      stage: Stage,
      messageOf: BadMessage,
      address: Partial<GatewayAddress> = {},
    ): Promise<number> => {
      await using client = await TestGatewayClient.connect({ url: world.gatewayUrl(), ...address });
      await client.waitFor(({ op }) => op === Opcode.Hello);
      if (stage === 'in session') await client.identify({ token: bot.token, intents: 0 });
      client.sendRaw(typeof messageOf === 'function' ? messageOf(bot.token) : messageOf);
      return (await client.closed).code;
    };

    it.each(BAD_URLS)('%j is closed with %d', async (query, code) => {
      const socket = new WebSocket(`${world.gatewayUrl()}/${query}`);
      const [closedWith] = (await once(socket, 'close')) as [number];
      expect(closedWith).toBe(code);
    });

    it.each(BAD_JSON)('closes for %s (%s)', async (_what, stage, bad, code) => {
      expect(await closeOf(stage, bad)).toBe(code);
    });

    it.each(BAD_ETF)('closes for %s in ETF (%s)', async (_what, stage, bad, code) => {
      expect(await closeOf(stage, bad, { encoding: 'etf' })).toBe(code);
      expect(await closeOf(stage, bad, { encoding: 'etf', compression: 'zlib-stream' })).toBe(code);
    });

    it.each(BAD_BYTES)('closes for %s', async (_what, bytes, code) => {
      const raw = await RawSocket.open(world.gatewayUrl());
      raw.write(UPGRADE);
      await eventually(() => raw.status === 101, { label: 'the handshake' });
      raw.write(bytes);
      await eventually(() => raw.isEnded, { label: 'the end', timeoutMs: PATIENCE_MS });
      expect(raw.closeCode).toBe(code);
    });

    it.each([
      ['noise', 'hello\r\n\r\n', 400],
      ['a handshake without a key', UPGRADE.replace(/Sec-WebSocket-Key.*\r\n/, ''), 400],
      ['a handshake of another version', UPGRADE.replace('Version: 13', 'Version: 99'), 400],
    ])('refuses %s', async (_what, text, status) => {
      const raw = await RawSocket.open(world.gatewayUrl());
      raw.write(text);
      await eventually(() => raw.isEnded, { label: 'the end', timeoutMs: PATIENCE_MS });
      expect(raw.status).toBe(status);
    });

    it('a session of nobody, or with a seq to come, is refused and may begin anew', async () => {
      await using client = await TestGatewayClient.connect({ url: world.gatewayUrl() });
      const nobodys = { token: bot.token, sessionId: 'f'.repeat(32), sequence: 3 };
      await expect(client.resume(nobodys)).rejects.toThrow('resumable: false');
      await client.identify({ token: bot.token, intents: 0 });
      const session = client.session!;
      await client.terminate();

      await using other = await TestGatewayClient.connect({ url: world.gatewayUrl() });
      const tooFar = { ...session, sequence: session.sequence + 1_000 };
      await expect(other.resume(tooFar)).rejects.toThrow('resumable: false');
      const stolen = { ...session, token: me.token };
      await expect(other.resume(stolen)).rejects.toThrow('resumable: false');
    });

    it('a session whose token was reset is closed with 4004, and is gone', async () => {
      const other = await world.addBot(await world.createBot(me), guild);
      const client = await world.connect(other);
      const session = client.session!;
      await ok(me.api.post(`/applications/${other.id}/bot/reset`, {}));
      expect((await client.closed).code).toBe(4004);
      await using again = await TestGatewayClient.connect({ url: world.gatewayUrl() });
      await expect(again.resume(session)).rejects.toThrow('4004');
      await using anew = await TestGatewayClient.connect({ url: world.gatewayUrl() });
      await expect(anew.identify({ token: other.token, intents: 0 })).rejects.toThrow('4004');
    });

    it('more than 120 payloads a minute are closed with 4008', async () => {
      await using client = await TestGatewayClient.connect({ url: world.gatewayUrl() });
      await client.identify({ token: bot.token, intents: 0 });
      // The IDENTIFY was the first.
      for (let sent = 1; sent < 120; sent++) client.send(Opcode.Heartbeat, null);
      await client.waitFor(() => acksCount(client) === 119);
      client.send(Opcode.Heartbeat, null);
      expect((await client.closed).code).toBe(4008);
    });

    it('who never identifies is closed with 4003, and who is silent with 4009', async () => {
      const url = world.gatewayUrl('gateway-2');
      const idle = await Promise.all(
        Array.from({ length: IDLE_SOCKETS_COUNT }, () => TestGatewayClient.connect({ url })),
      );
      const silent = await TestGatewayClient.connect({ url, heartbeats: false });
      await silent.identify({ token: bot.token, intents: 0 });
      const codes = await Promise.all(idle.map(async ({ closed }) => (await closed).code));
      expect(new Set(codes)).toEqual(new Set([4003]));
      expect((await silent.closed).code).toBe(4009);
      // Who was merely silent may come back.
      await using client = await TestGatewayClient.connect({ url });
      await client.resume(silent.session!);
    });

    it(`${FRAMES_COUNT} frames of chance are closed as documented, if at all`, async () => {
      // Somebody of its own: a bot may identify a thousand times a day.
      const { token } = await world.register('odd');
      const known = ['a.b.c', token, guild.id, guild.generalId, me.id];
      const counts = new Map<number, number>();
      let leftCount = FRAMES_COUNT;
      const talk = async (random: SeededRandom): Promise<void> => {
        while (leftCount > 0) {
          const encoding: Encoding = random.chance(0.5) ? 'json' : 'etf';
          const address = `${world.gatewayUrl()}/?v=10&encoding=${encoding}`;
          const socket = new WebSocket(address, { perMessageDeflate: false });
          const closed = once(socket, 'close') as Promise<[number]>;
          await once(socket, 'open');
          const isIn = random.chance(0.3);
          if (isIn) {
            const hello = { op: Opcode.Identify, d: { token, intents: 0, properties: {} } };
            socket.send(codecOf(encoding).encode(hello), { binary: encoding === 'etf' });
          }
          for (let sent = 0; sent < FRAMES_OF_ONE && leftCount > 0; sent++) {
            leftCount -= 1;
            const { bytes, isBinary } = oddFrame(random, encoding, known);
            socket.send(bytes, { binary: isBinary });
            // Messages are read in order with pings: this one has been read by then.
            socket.ping();
            await Promise.race([once(socket, 'pong'), closed]);
            if (socket.readyState !== WebSocket.OPEN) break;
          }
          if (socket.readyState === WebSocket.OPEN) socket.close(4999);
          const [code] = await closed;
          counts.set(code, (counts.get(code) ?? 0) + 1);
        }
      };
      await Promise.all(
        Array.from({ length: TALKERS_COUNT }, (_, at) => talk(seed.fork(`talker ${at}`))),
      );
      // Our own goodbye.
      counts.delete(4999);
      expect([...counts.keys()].filter((code) => !DOCUMENTED.has(code))).toEqual([]);
      // It was no empty talk.
      expect(counts.get(4002)).toBeGreaterThan(FRAMES_COUNT / 100);
      for (const code of [4001, 4003]) expect(counts.get(code)).toBeGreaterThan(0);
    }, 240_000);
  });

  describe('to the api', () => {
    afterAll(testimony);

    it.each(BAD_REQUESTS.map((each) => [each[0], each[4], each] as const))(
      '%s: %s',
      async (_what, answer, [, who, request, body, , options = {}]) => {
        const liar = me.api.as('MTIz.abcdef.ghijkl', 'user');
        const api = who === 'me' ? me.api : who === 'liar' ? liar : me.api.as(undefined);
        const [method, path] = request.split(' ') as [string, string];
        const ids: Record<string, string> = { C: guild.generalId, M: message.id, G: guild.id };
        const filled = path.replace(/\/([CMG])(?=\/|$|\?)/g, (_all, id: string) => `/${ids[id]}`);
        const { status, body: error } = await api.request(method, filled, body, options);
        const { code, message: text } = error as { code: number; message: string };
        expect(`${status} ${code}`).toBe(answer);
        expect(text).toEqual(expect.any(String));
      },
    );

    it.each([
      ['noise', 'hello\r\n\r\n', 400],
      ['two lengths', `${POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 400],
      [
        'a length and chunks',
        `${POST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
        400,
      ],
      ['a header of 100 KB', `${POST}X: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
      ['a thousand headers', `${POST}${'X-Y: some words\r\n'.repeat(2_000)}\r\n`, 431],
    ])('refuses %s', async (_what, text, status) => {
      const raw = await RawSocket.open(fleet().api);
      raw.write(text);
      await eventually(() => raw.isEnded, { label: 'the end', timeoutMs: PATIENCE_MS });
      expect(raw.status).toBe(status);
    });

    it('slow bodies are given up on, and keep nobody else waiting', async () => {
      const head = `POST /api/v10/channels/${guild.generalId}/messages HTTP/1.1\r\nHost: x\r\n`;
      const type = 'Content-Type: application/json\r\nContent-Length: 1000\r\n';
      const slow = await Promise.all(
        Array.from({ length: SLOW_BODIES_COUNT }, async () => {
          const raw = await RawSocket.open(fleet().api);
          raw.write(`${head}Authorization: ${me.token}\r\n${type}\r\n{"content":"`);
          return raw;
        }),
      );
      await world.send(me, guild.generalId, 'I am quick');
      const isOver = () => slow.every((raw) => raw.isEnded);
      await eventually(isOver, { label: 'all are given up on', timeoutMs: PATIENCE_MS });
      expect(new Set(slow.map(({ status }) => status))).toEqual(new Set([408]));
    });

    it('an upload that breaks off leaves nothing behind', async () => {
      const waiting = () => readdirSync(join(fleet().dataDir, 'files', 'temp'));
      const head = `POST /api/v10/channels/${guild.generalId}/messages HTTP/1.1\r\nHost: x\r\n`;
      const type = 'Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n';
      const part = '--b\r\nContent-Disposition: form-data; name="files[0]"; filename="a"\r\n\r\nxx';
      const raw = await RawSocket.open(fleet().api);
      raw.write(`${head}Authorization: ${me.token}\r\n${type}\r\n${part}`);
      await eventually(() => waiting().length > 0, { label: 'the file is being received' });
      raw.destroy();
      await eventually(() => waiting().length === 0, { label: 'the file is gone' });
    });
  });

  describe('on the bus', () => {
    let operator: NatsConnection;

    beforeAll(async () => {
      operator = await busAs(fleet().natsUrl());
    });

    afterAll(() => operator.close());

    it('garbage of the operator is counted and not fatal', async () => {
      const guildId = BigInt(guild.id);
      const partition = partitionOf(guildId);
      await using client = await world.connect(bot);
      const counted = async () => ({
        gateway: await counterOf(fleet(), 'gateway-1', 'gateway_events_malformed'),
      });
      const earlier = await counted();
      const subjects = [
        requestSubject(Messages.method.createMessage, { partition }),
        topicEvents(guildId),
        `guilds.v1.p${partition}.attach_topic`,
        `guilds.v1.p${partition}.nonsense`,
        `read-states.v1.p${partition}.ack`,
        `presence.v1.p${partition}.put_sessions`,
        'accounts.v1.any.authenticate',
        'topics.v1.digest',
        'placement.v1.members',
        'presence.v1.taken',
        `topics.v1.p${partition}.t${guildId}.ephemeral`,
      ];
      for (const subject of subjects) {
        for (let at = 0; at < GARBAGE_COUNT; at++) {
          operator.publish(subject, randomBytes(seed.int(200)), { reply: '_INBOX.nobody.x' });
        }
      }
      await operator.flush();
      await eventually(async () => (await counted()).gateway > earlier.gateway, {
        label: 'it is counted',
      });
      await world.send(me, guild.generalId, 'still here');
      await client.waitFor(({ d }) => (d as Message | null)?.content === 'still here');
    });

    it('no app can say or hear what is not its own', async () => {
      const subject = topicEvents(BigInt(guild.id));
      const attempts = [
        ['gateway', 'publish', subject],
        ['api', 'publish', subject],
        ['presence', 'publish', subject],
        ['read-states', 'publish', subject],
        ['gateway', 'publish', 'topics.v1.digest'],
        ['presence', 'subscribe', 'guilds.v1.>'],
        ['gateway', 'subscribe', 'guilds.v1.>'],
        ['gateway', 'subscribe', '_INBOX.api.>'],
        ['api', 'subscribe', 'topics.v1.>'],
        ['read-states', 'subscribe', '>'],
      ] as const;
      for (const [app, what, where] of attempts) {
        const violation = await violationOf(fleet().natsUrl(app), what, where);
        const operation = what === 'publish' ? 'publish' : 'subscription';
        expect(`${app}: ${violation}`).toBe(`${app}: ${operation} ${where}`);
      }
      expect(await violationOf(fleet().natsUrl('guilds'), 'publish', subject)).toBeUndefined();
    });
  });
});

const acksCount = (client: TestGatewayClient): number =>
  client.payloads.filter(({ op }) => op === Opcode.HeartbeatAck).length;
