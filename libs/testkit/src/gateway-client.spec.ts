import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import {
  codecOf,
  compressPayload,
  createCompressor,
  dispatch,
  DispatchEvent,
  heartbeatAck,
  heartbeatRequest,
  hello,
  invalidSession,
  Opcode,
  parseConnection,
  reconnect,
} from '@guildhall/gateway-protocol';
import type { Codec, Compressor, ServerFrame } from '@guildhall/gateway-protocol';
import { eventually } from './eventually.js';
import { TestGatewayClient } from './gateway-client.js';
import type { GatewayAddress } from './gateway-client.js';

const READY = { session_id: 'abc', resume_gateway_url: 'ws://127.0.0.1:1/', v: 10 };
const message = (content: string, sequence: number) =>
  dispatch(DispatchEvent.MessageCreate, { content }, sequence);

/** The other end of one connection, which says only what a test tells it to. */
class FakeConnection {
  readonly socket: WebSocket;
  readonly received: { op: number; d: unknown }[] = [];
  readonly #codec: Codec;
  readonly #isBinary: boolean;
  readonly #compressor: Compressor | undefined;
  acks = true;

  constructor(socket: WebSocket, target: string) {
    const connection = parseConnection(target);
    if (!connection.ok) throw new Error(`bad target ${target}`);
    this.socket = socket;
    this.#codec = codecOf(connection.encoding);
    this.#isBinary = connection.encoding === 'etf' || connection.compression !== 'none';
    this.#compressor =
      connection.compression === 'none' ? undefined : createCompressor(connection.compression);
    socket.on('close', () => this.#compressor?.close());
    socket.on('message', (data) => {
      const payload = this.#codec.decode(data as Buffer) as { op: number; d: unknown };
      this.received.push(payload);
      if (payload.op === Opcode.Heartbeat && this.acks) void this.say(heartbeatAck());
    });
  }

  async say(...frames: ServerFrame[]): Promise<void> {
    for (const frame of frames) {
      const bytes = this.#codec.encode(frame);
      const wire = (await this.#compressor?.compress(bytes)) ?? bytes;
      this.socket.send(wire, { binary: this.#isBinary });
    }
  }

  heard(op: number): Promise<{ op: number; d: unknown }> {
    const find = () => this.received.find((payload) => payload.op === op);
    return eventually(find, { label: `op ${op} from the client` });
  }
}

describe('TestGatewayClient', () => {
  let server: WebSocketServer;
  let url: string;
  let clients: TestGatewayClient[];

  beforeAll(async () => {
    server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      verifyClient: ({ req }, verdict) => verdict(!req.url!.includes('v=66'), 503, 'draining'),
    });
    await once(server, 'listening');
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    clients = [];
  });

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.terminate()));
  });

  afterAll(async () => {
    server.close();
    await once(server, 'close');
  });

  async function connect(address: Partial<GatewayAddress> = {}) {
    const accepted = once(server, 'connection');
    const client = await TestGatewayClient.connect({ url, ...address });
    clients.push(client);
    const [socket, request] = (await accepted) as [WebSocket, { url: string }];
    return { client, gateway: new FakeConnection(socket, request.url), target: request.url };
  }

  async function ready(address: Partial<GatewayAddress> = {}, heartbeatIntervalMs = 60_000) {
    const pair = await connect(address);
    await pair.gateway.say(hello(heartbeatIntervalMs));
    const identified = pair.client.identify({ token: 'a.b.c', intents: 1 });
    await pair.gateway.heard(Opcode.Identify);
    await pair.gateway.say(dispatch(DispatchEvent.Ready, READY, 1));
    await identified;
    return pair;
  }

  describe.each(['json', 'etf'] as const)('in %s', (encoding) => {
    it.each(['none', 'zlib-stream', 'zstd-stream'] as const)(
      'identifies, receives in order and heartbeats, compressed: %s',
      async (compression) => {
        const { client, gateway } = await ready({ encoding, compression });
        await gateway.say(...Array.from({ length: 50 }, (_, i) => message(`number ${i}`, i + 2)));
        for (let i = 0; i < 50; i++) {
          const { d, s } = await client.next('MESSAGE_CREATE');
          expect([d, s]).toEqual([{ content: `number ${i}` }, i + 2]);
        }
        await client.heartbeat();
        expect(gateway.received.map(({ op }) => op)).toEqual([Opcode.Identify, Opcode.Heartbeat]);
        expect(gateway.received[1]!.d).toBe(51);
        expect(client.payloads[0]).toMatchObject({ op: Opcode.Hello, s: null, t: null });
        expect(client.dispatches()).toHaveLength(51);
        expect(client.dispatches('READY')).toHaveLength(1);
        expect(client.violation).toBeUndefined();
      },
    );
  });

  describe('connecting', () => {
    it('asks for what it is told to', async () => {
      const { target } = await connect({ encoding: 'etf', compression: 'zlib-stream', version: 9 });
      expect(target).toBe('/?v=9&encoding=etf&compress=zlib-stream');
      const other = await connect({ query: { encoding: '', extra: '1' } });
      expect(other.target).toBe('/?v=10&extra=1');
    });

    it('rejects with the status of a refused handshake', async () => {
      await expect(TestGatewayClient.connect({ url, version: 66 })).rejects.toThrow('503');
    });

    it('sends all of IDENTIFY that it is given', async () => {
      const { client, gateway } = await connect();
      await gateway.say(hello(60_000));
      const identified = client.identify({
        token: 't',
        intents: 513,
        shard: [0, 2],
        compress: true,
        largeThreshold: 100,
        capabilities: 4,
        presence: { status: 'idle' },
        more: { extra: null },
      });
      const { d } = await gateway.heard(Opcode.Identify);
      expect(d).toMatchObject({
        token: 't',
        intents: 513,
        shard: [0, 2],
        compress: true,
        large_threshold: 100,
        capabilities: 4,
        presence: { status: 'idle' },
        extra: null,
      });
      // Having asked for it, it reads a payload that is compressed by itself.
      const bytes = codecOf('json').encode(dispatch(DispatchEvent.Ready, READY, 1));
      gateway.socket.send(compressPayload(bytes), { binary: true });
      await expect(identified).resolves.toMatchObject({ t: 'READY', d: READY });
    });
  });

  describe('sessions', () => {
    it('resume where they were', async () => {
      const first = await ready();
      await first.gateway.say(message('seen', 2));
      await first.client.next('MESSAGE_CREATE');
      const { session } = first.client;
      expect(session).toEqual({
        token: 'a.b.c',
        sessionId: 'abc',
        sequence: 2,
        resumeUrl: 'ws://127.0.0.1:1/',
      });

      const { client, gateway } = await connect();
      await gateway.say(hello(60_000));
      const resumed = client.resume(session!);
      const { d } = await gateway.heard(Opcode.Resume);
      expect(d).toEqual({ token: 'a.b.c', session_id: 'abc', seq: 2 });
      await gateway.say(message('missed', 3), dispatch(DispatchEvent.Resumed, {}, 4));
      await expect(resumed).resolves.toMatchObject({ t: 'RESUMED', s: 4 });
      expect(client.dispatches('MESSAGE_CREATE')[0]!.d).toEqual({ content: 'missed' });
      expect(client.session).toMatchObject({ sessionId: 'abc', sequence: 4 });
    });

    it('that are refused reject, and may be started on the same connection', async () => {
      const { client, gateway } = await connect();
      await gateway.say(hello(60_000));
      const session = { token: 'a.b.c', sessionId: 'gone', sequence: 7 };
      const resumed = client.resume(session);
      await gateway.heard(Opcode.Resume);
      await gateway.say(invalidSession(false));
      await expect(resumed).rejects.toThrow('RESUMED refused: invalid session, resumable: false');
      expect(client.session).toBeUndefined();

      const identified = client.identify({ token: 'a.b.c' });
      await gateway.heard(Opcode.Identify);
      await gateway.say(dispatch(DispatchEvent.Ready, READY, 1));
      await expect(identified).resolves.toMatchObject({ s: 1 });
    });

    it('reject with the close code when the gateway closes instead', async () => {
      const { client, gateway } = await connect();
      await gateway.say(hello(60_000));
      const identified = client.identify({ token: 'bad' });
      await gateway.heard(Opcode.Identify);
      gateway.socket.close(4004, 'Authentication failed.');
      await expect(identified).rejects.toThrow(
        'the connection closed: 4004 Authentication failed.',
      );
      await expect(client.closed).resolves.toEqual({
        code: 4004,
        reason: 'Authentication failed.',
      });
    });
  });

  describe('waiting', () => {
    it('finds what came before and what comes after', async () => {
      const { client, gateway } = await ready();
      const wanted = client.waitFor(({ d }) => (d as { content?: string })?.content === 'b');
      await gateway.say(message('a', 2), message('b', 3));
      await expect(wanted).resolves.toMatchObject({ s: 3 });
      await expect(client.waitFor('MESSAGE_CREATE')).resolves.toMatchObject({ s: 2 });
      const from = client.payloads.length;
      await expect(client.waitFor('MESSAGE_CREATE', { from, timeoutMs: 20 })).rejects.toThrow(
        'waiting for MESSAGE_CREATE: not within 20 ms; the last that came: ' +
          'op 10, READY#1, MESSAGE_CREATE#2, MESSAGE_CREATE#3',
      );
    });

    it('gives each event once, and goes on after a timeout', async () => {
      const { client, gateway } = await ready();
      await expect(client.next('TYPING_START', { timeoutMs: 10 })).rejects.toThrow('TYPING_START');
      await gateway.say(message('a', 2), dispatch(DispatchEvent.TypingStart, {}, 3));
      await gateway.say(message('b', 4));
      expect(await client.next('TYPING_START')).toMatchObject({ s: 3 });
      expect(await client.next('MESSAGE_CREATE')).toMatchObject({ s: 2 });
      expect(await client.next('MESSAGE_CREATE')).toMatchObject({ s: 4 });
      await expect(client.next('MESSAGE_CREATE', { timeoutMs: 10 })).rejects.toThrow('10 ms');
    });

    it('ends when the connection does', async () => {
      const { client, gateway } = await ready();
      const waiting = client.next('MESSAGE_CREATE');
      gateway.socket.terminate();
      await expect(waiting).rejects.toThrow('the connection closed: 1006');
      await expect(client.next('MESSAGE_CREATE')).rejects.toThrow('1006');
      expect(await client.waitFor('READY')).toMatchObject({ s: 1 });
      expect(() => client.send(Opcode.Heartbeat, null)).toThrow('not open');
    });
  });

  describe('heartbeats', () => {
    it('go out by themselves, with the last sequence', async () => {
      // Long enough that an answer on a busy machine is not late.
      const { client, gateway } = await ready({}, 150);
      const beats = () => gateway.received.filter(({ op }) => op === Opcode.Heartbeat);
      await eventually(() => beats().length >= 2, { label: 'two heartbeats' });
      expect(beats().map(({ d }) => d)).toEqual([1, 1]);
      expect(client.violation).toBeUndefined();
    });

    it('answer one from the gateway, unless switched off', async () => {
      const { client, gateway } = await ready();
      await gateway.say(heartbeatRequest());
      expect(await gateway.heard(Opcode.Heartbeat)).toMatchObject({ d: 1 });
      await client.waitFor(({ op }) => op === Opcode.HeartbeatAck);

      const silent = await ready({ heartbeats: false });
      await silent.gateway.say(heartbeatRequest());
      await silent.client.waitFor(({ op }) => op === Opcode.Heartbeat);
      await silent.client.heartbeat();
      const sent = silent.gateway.received.map(({ op }) => op);
      expect(sent).toEqual([Opcode.Identify, Opcode.Heartbeat]);
    });

    it('that are not answered fail the client', async () => {
      const { client, gateway } = await connect();
      gateway.acks = false;
      await gateway.say(hello(10));
      await expect(client.next('READY')).rejects.toThrow('did not answer a heartbeat');
      await expect(client.closed).resolves.toMatchObject({ code: 1006 });
    });

    it('may run beside each other, and each waits for its own answer', async () => {
      const { client, gateway } = await ready();
      gateway.acks = false;
      const settled: string[] = [];
      const first = client.heartbeat().then(() => settled.push('first'));
      const second = client.heartbeat().then(() => settled.push('second'));
      await gateway.say(heartbeatAck(), message('between', 2));
      await client.next('MESSAGE_CREATE');
      expect(settled).toEqual(['first']);
      await gateway.say(heartbeatAck());
      await Promise.all([first, second]);
      expect(settled).toEqual(['first', 'second']);
    });
  });

  describe('leaving', () => {
    it('closes with a code', async () => {
      const { client, gateway } = await ready();
      const closed = once(gateway.socket, 'close');
      await expect(client.close(4200)).resolves.toMatchObject({ code: 4200 });
      expect((await closed)[0]).toBe(4200);
    });

    it('drops the connection without a word', async () => {
      const { client, gateway } = await ready();
      const closed = once(gateway.socket, 'close');
      await expect(client.terminate()).resolves.toEqual({ code: 1006, reason: '' });
      expect((await closed)[0]).toBe(1006);
    });

    it('drops it at the end of a block', async () => {
      const { gateway } = await (async () => {
        const pair = await ready();
        await using _client = pair.client;
        return pair;
      })();
      await eventually(() => gateway.socket.readyState === WebSocket.CLOSED, { label: 'the drop' });
    });

    it('records what came before a close, also when it is still being inflated', async () => {
      const { client, gateway } = await ready({ compression: 'zlib-stream' });
      await gateway.say(...Array.from({ length: 20 }, (_, i) => message('x'.repeat(9999), i + 2)));
      gateway.socket.close(4000);
      await client.closed;
      expect(client.dispatches('MESSAGE_CREATE')).toHaveLength(20);
    });
  });

  it('becomes slow, and fast again', async () => {
    const { client, gateway } = await ready();
    client.pause();
    const count = 400;
    const content = 'x'.repeat(50_000);
    await gateway.say(...Array.from({ length: count }, (_, i) => message(content, i + 2)));
    await eventually(() => gateway.socket.bufferedAmount > 0, { label: 'a full socket' });
    expect(client.dispatches('MESSAGE_CREATE').length).toBeLessThan(count);
    client.unpause();
    await client.waitFor(({ s }) => s === count + 1);
    expect(client.dispatches('MESSAGE_CREATE')).toHaveLength(count);
  });

  it('can be dropped while it is slow', async () => {
    const { client, gateway } = await ready();
    client.pause();
    await gateway.say(message('unread', 2));
    await expect(client.terminate()).resolves.toMatchObject({ code: 1006 });
  });

  it('takes the last sequence again from ephemeral events only', async () => {
    const { client, gateway } = await ready();
    const typing = dispatch(DispatchEvent.TypingStart, {}, 1);
    await gateway.say(typing, message('a', 2), dispatch(DispatchEvent.PresenceUpdate, {}, 2));
    await gateway.say(dispatch(DispatchEvent.TypingStart, {}, 3), message('b', 4));
    await client.waitFor(({ s }) => s === 4);
    expect(client.sequence).toBe(4);

    const strict = await ready({ ephemeralEvents: new Set() });
    await strict.gateway.say(typing);
    await expect(strict.client.next('TYPING_START')).rejects.toThrow(
      'TYPING_START with s 1 after 1',
    );
  });

  describe('refuses', () => {
    it.each<[string, unknown]>([
      ['MESSAGE_CREATE with s 3 after 1', message('hole', 3)],
      ['MESSAGE_CREATE with s 1 after 1', message('again', 1)],
      ['MESSAGE_CREATE with s null', { ...message('', 2), s: null }],
      ['MESSAGE_CREATE with s 2.5', { ...message('', 2), s: 2.5 }],
      ['a dispatch named MESSAGE_CREATED', { ...message('', 2), t: 'MESSAGE_CREATED' }],
      ['a dispatch named null', { ...message('', 2), t: null }],
      ['op 11 with s 2 and t null', { ...heartbeatAck(), s: 2 }],
      ['op 11 without all of d, s, t', { op: Opcode.HeartbeatAck, d: null }],
      ['a payload with extra', { ...message('', 2), extra: true }],
      ['a payload whose op is not a whole number', { ...message('', 2), op: '0' }],
      ['a payload that is not an object', [message('', 2)]],
      ['a heartbeat ACK nobody asked for', heartbeatAck()],
      ['an invalid session that does not say', { ...heartbeatAck(), op: 9 }],
      ['HELLO twice', hello(1000)],
      ['HELLO without an interval', { ...hello(1000), d: {} }],
    ])('%s', async (words, frame) => {
      const { client, gateway } = await ready();
      const waiting = client.next('MESSAGE_CREATE');
      await gateway.say(frame as ServerFrame, message('after', 2));
      await expect(waiting).rejects.toThrow(`the gateway sent ${words}`);
      await expect(client.closed).resolves.toMatchObject({ code: 1006 });
      expect(client.violation?.name).toBe('ProtocolViolation');
    });

    it.each<[string, Partial<GatewayAddress>, Buffer | string]>([
      ['a binary message on a plain JSON connection', {}, Buffer.from('{}')],
      ['a message that cannot be read', {}, '{'],
      ['ETF in a text message', { encoding: 'etf' }, 'x'],
      ['a message that cannot be read', { encoding: 'etf' }, Buffer.from([131, 255])],
      ['zlib-stream in a text message', { compression: 'zlib-stream' }, '{}'],
      [
        'a zlib message that does not end with one flush suffix',
        { compression: 'zlib-stream' },
        Buffer.from([0x78, 0x9c, 1, 2, 3]),
      ],
      [
        'a zlib message that does not end with one flush suffix',
        { compression: 'zlib-stream' },
        Buffer.from([0, 0, 0xff, 0xff, 0, 0, 0, 0xff, 0xff]),
      ],
      ['a message that cannot be read', { compression: 'zstd-stream' }, Buffer.from([1, 2, 3, 4])],
    ])('%s (%j)', async (words, address, bytes) => {
      const { client, gateway } = await connect(address);
      const waiting = client.waitFor(() => true);
      gateway.socket.send(bytes, { binary: typeof bytes !== 'string' });
      await expect(waiting).rejects.toThrow(words);
    });

    it('anything before HELLO but a reconnect', async () => {
      const early = await connect();
      await early.gateway.say(heartbeatRequest());
      await expect(early.client.waitFor(() => true)).rejects.toThrow('op 1 before HELLO');

      const { client, gateway } = await connect();
      await gateway.say(reconnect());
      await expect(client.waitFor(({ op }) => op === Opcode.Reconnect)).resolves.toBeDefined();
    });

    it('a dispatch to a client that has not identified', async () => {
      const { client, gateway } = await connect();
      await gateway.say(hello(60_000), message('early', 1));
      await expect(client.next('MESSAGE_CREATE')).rejects.toThrow('to a client without a session');
    });

    it.each(['session_id', 'resume_gateway_url'])('READY without a %s', async (field) => {
      const { client, gateway } = await connect();
      await gateway.say(hello(60_000));
      const identified = client.identify({ token: 't' });
      await gateway.heard(Opcode.Identify);
      const { [field]: _left, ...rest } = READY as Record<string, unknown>;
      await gateway.say(dispatch(DispatchEvent.Ready, rest, 1));
      await expect(identified).rejects.toThrow(`READY without a ${field}`);
    });
  });
});
