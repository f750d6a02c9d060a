import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { eventually } from '@guildhall/testkit';
import { WebSocketServer, type WebSocket } from 'ws';
import type { DialectOptions } from './dialect.js';
import { Sink } from './sink.js';
import { FrameType, serverFrame } from './websocket.js';

const PAYLOAD = Buffer.alloc(300, 'x');

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

function sinkAt(port: number, dialect: DialectOptions, connectionsCount: number): Sink {
  return new Sink({ dialect, port, connectionsCount, identities: ['one', 'two'] });
}

describe('a sink of WebSockets', () => {
  let server: WebSocketServer;
  let received: string[];

  beforeEach(async () => {
    received = [];
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (ws) => ws.on('message', (data) => received.push(String(data))));
    await new Promise((resolve) => server.once('listening', resolve));
  });

  afterEach(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  const toAll = (send: (ws: WebSocket) => void): void => server.clients.forEach(send);

  it('opens as many as it was told, and reports when every event is everywhere', async () => {
    const sink = sinkAt(portOf(server), { name: 'websocket' }, 150);
    await sink.open();
    expect(server.clients.size).toBe(150);
    sink.mark(2);
    toAll((ws) => ws.send(PAYLOAD));
    toAll((ws) => ws.send(PAYLOAD));
    const report = await sink.report(5_000);
    expect(report).toMatchObject({ received: 300, surplus: 0, bytes: 300 * 304 });
    expect(report.lastAtMs[0]).toBeGreaterThan(0);
    expect(report.lastAtMs[1]).toBeGreaterThanOrEqual(report.lastAtMs[0]!);
    await sink.close();
    await eventually(() => server.clients.size === 0, { label: 'all closed' });
  });

  it('says what is missing and what is too much', async () => {
    const sink = sinkAt(portOf(server), { name: 'websocket' }, 3);
    await sink.open();
    sink.mark(2);
    toAll((ws) => ws.send(PAYLOAD));
    expect(await sink.report(50)).toMatchObject({ received: 3, surplus: 0 });
    sink.mark(1);
    toAll((ws) => ws.send(PAYLOAD));
    await sink.report(5_000);
    toAll((ws) => ws.send(PAYLOAD));
    await eventually(async () => (await sink.report(0)).surplus === 3, { label: 'a surplus' });
    await sink.close();
  });

  it('takes small frames for no events', async () => {
    const sink = sinkAt(portOf(server), { name: 'websocket', eventBytesMin: 100 }, 2);
    await sink.open();
    sink.mark(1);
    toAll((ws) => ws.send('{"op":11}'));
    toAll((ws) => ws.send(PAYLOAD));
    expect(await sink.report(5_000)).toMatchObject({ received: 2, surplus: 0 });
    await sink.close();
  });

  it('fails when a connection is lost', async () => {
    const sink = sinkAt(portOf(server), { name: 'websocket' }, 2);
    await sink.open();
    sink.mark(1);
    toAll((ws) => ws.terminate());
    const failure = await eventually(
      () =>
        sink.report(0).then(
          () => undefined,
          (error: Error) => error.message,
        ),
      { label: 'a failure' },
    );
    expect(failure).toMatch(/2 connections were open: closed/);
    await sink.close();
  });

  it('tries again where opening is refused, and says with which code at last', async () => {
    let refusalsLeft = 2;
    server.on('connection', (ws) => {
      refusalsLeft -= 1;
      if (refusalsLeft >= 0) ws.close(4000, 'later');
      else for (const frame of ['hello', 'ready', 'guild']) ws.send(frame);
    });
    const sink = sinkAt(portOf(server), { name: 'guildhall' }, 2);
    await sink.open();
    expect(sink.retriesCount).toBe(2);
    await sink.close();
    refusalsLeft = 1_000;
    await expect(sinkAt(portOf(server), { name: 'guildhall' }, 2).open()).rejects.toThrow(/4000/);
  });

  it('identifies where a gateway says hello, and counts what it was dispatched', async () => {
    server.on('connection', (ws) => {
      ws.send('{"op":10}');
      ws.on('message', (data) => {
        if (!String(data).includes('"op":2')) return;
        ws.send('{"t":"READY"}');
        ws.send('{"t":"GUILD_CREATE"}');
      });
    });
    const sink = sinkAt(portOf(server), { name: 'guildhall', heartbeatMs: 200 }, 2);
    await sink.open();
    expect(received.map((text) => (JSON.parse(text) as { d: { token: string } }).d.token)).toEqual([
      'one',
      'two',
    ]);
    // READY and GUILD_CREATE were dispatches, HELLO was none.
    await eventually(() => received.includes('{"op":1,"d":2}'), { label: 'a heartbeat' });
    await sink.close();
  });

  it('keeps each connection alive by heartbeats of its own, also while others open', async () => {
    const beats: number[] = [];
    const getReady = (ws: WebSocket): void => {
      for (const frame of ['ready', 'guild']) ws.send(frame);
    };
    server.on('connection', (ws) => {
      const at = beats.push(0) - 1;
      ws.send('{"op":10}');
      // The last one is let in when all others have beaten twice: if they did not, it never is.
      if (at < 4) getReady(ws);
      ws.on('message', (data) => {
        if (!String(data).startsWith('{"op":1,')) return;
        beats[at]! += 1;
        if (beats[at] === 2 && beats.slice(0, 4).every((count) => count >= 2)) {
          getReady([...server.clients].at(-1)!);
        }
      });
    });
    const sink = sinkAt(portOf(server), { name: 'guildhall', heartbeatMs: 200 }, 5);
    await sink.open();
    await eventually(() => beats.length === 5 && beats.every((count) => count >= 3), {
      label: 'three heartbeats of each',
    });
    await sink.close();
  });

  it('joins what it must and answers pings', async () => {
    server.on('connection', (ws) => {
      ws.send('0{"sid":"x"}');
      ws.on('message', (data) => {
        if (String(data) === '40') ws.send('40{"sid":"y"}');
      });
    });
    const sink = sinkAt(portOf(server), { name: 'socket.io' }, 1);
    await sink.open();
    toAll((ws) => ws.send('2'));
    await eventually(() => received.length === 2, { label: 'a pong' });
    expect(received).toEqual(['40', '3']);
    await sink.close();
  });

  it('counts several events in one frame, and one in several', async () => {
    server.on('connection', (ws) => {
      ws.send('INFO {}\r\n');
      ws.on('message', (data) => {
        if (String(data).includes('PING')) ws.send('PONG\r\n');
      });
    });
    const dialect = { name: 'nats' as const, subject: 'fan', eventBytes: 300 };
    const sink = sinkAt(portOf(server), dialect, 1);
    await sink.open();
    expect(received[0]).toContain('SUB fan 1');
    sink.mark(3);
    toAll((ws) => ws.send(Buffer.alloc(450)));
    toAll((ws) => ws.send('PING\r\n'));
    toAll((ws) => ws.send(Buffer.alloc(450)));
    expect(await sink.report(5_000)).toMatchObject({ received: 3, surplus: 0 });
    await eventually(() => received.includes('PONG\r\n'), { label: 'a pong' });
    await sink.close();
  });
});

describe('a sink of something else', () => {
  it('takes frames from whoever sends them at once', async () => {
    const sockets: Socket[] = [];
    const server: Server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sink = sinkAt(portOf(server), { name: 'bare' }, 2);
    await sink.open();
    await eventually(() => sockets.length === 2, { label: 'both connections' });
    sink.mark(1);
    for (const socket of sockets) socket.write(serverFrame(PAYLOAD, FrameType.Text));
    expect(await sink.report(5_000)).toMatchObject({ received: 2, surplus: 0 });
    await sink.close();
    await new Promise((resolve) => server.close(resolve));
  });

  it('says that nobody is there', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = portOf(server);
    await new Promise((resolve) => server.close(resolve));
    await expect(sinkAt(port, { name: 'bare' }, 1).open()).rejects.toThrow(/ECONNREFUSED/);
  });

  it('says what an HTTP server says instead', async () => {
    const server = createServer((socket) => socket.resume().end('HTTP/1.1 503 No\r\n\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sink = sinkAt(portOf(server), { name: 'websocket' }, 1);
    await expect(sink.open()).rejects.toThrow(/503 No/);
    await new Promise((resolve) => server.close(resolve));
  });
});
