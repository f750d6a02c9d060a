import { connect } from 'node:net';
import { once } from 'node:events';
import { Bug } from '@guildhall/fault';
import { createHttpServer } from './http-server.js';
import { httpRoom, type HttpRoom } from './http-room.js';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const quiet = new AbortController().signal;

function open(): { room: HttpRoom; answer: () => void; arrived: Promise<void> } {
  let answer = (): void => undefined;
  let arrive = (): void => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const server = createHttpServer({ logger: log, metrics: () => '', isReady: () => true });
  server.get('/quick', async () => 'quick');
  // In a scope opened before the room knows the server: the room must see these requests too.
  void server.register(async (scope) => {
    scope.get('/slow', async () => {
      arrive();
      await new Promise<void>((resolve) => (answer = resolve));
      return 'slow';
    });
  });
  const room = httpRoom(server, { host: '127.0.0.1', port: 0, logger: log });
  return { room, answer: () => answer(), arrived };
}

describe('httpRoom', () => {
  it('says which port the system gave it, once it has one', async () => {
    const { room } = open();
    expect(() => room.port).toThrow(Bug);
    await room.start(quiet);
    const answer = await fetch(`http://127.0.0.1:${room.port}/quick`);
    expect(await answer.text()).toBe('quick');
    expect(answer.headers.has('x-powered-by')).toBe(false);
    await room.stop();
    await expect(fetch(`http://127.0.0.1:${room.port}/quick`)).rejects.toThrow();
  });

  it('does not start on a port that is taken', async () => {
    const first = open().room;
    await first.start(quiet);
    const server = createHttpServer({ logger: log, metrics: () => '', isReady: () => true });
    const second = httpRoom(server, { host: '127.0.0.1', port: first.port });
    await expect(second.start(quiet)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await first.stop();
  });

  it('has drained when the requests in hand are answered, and asks clients to go', async () => {
    const { room, answer, arrived } = open();
    await room.start(quiet);
    const url = `http://127.0.0.1:${room.port}`;
    const slow = fetch(`${url}/slow`);
    await arrived;
    let isDrained = false;
    const drained = room.drain!(quiet).then(() => (isDrained = true));

    const during = await fetch(`${url}/quick`);
    expect(during.status).toBe(200);
    expect(during.headers.get('connection')).toBe('close');
    await during.text();
    expect(isDrained).toBe(false);

    answer();
    expect(await (await slow).text()).toBe('slow');
    await drained;
    await room.stop();
  });

  it('has nothing to drain when nobody asks for anything', async () => {
    const { room } = open();
    await room.start(quiet);
    await room.drain!(quiet);
    await room.stop();
  });

  it('ends the drain when its time is up', async () => {
    const { room, answer, arrived } = open();
    await room.start(quiet);
    const slow = fetch(`http://127.0.0.1:${room.port}/slow`);
    await arrived;
    const late = new AbortController();
    const drained = room.drain!(late.signal);
    late.abort();
    await drained;
    answer();
    await slow;
    await room.stop();
  });

  it('does not count a client that gave up', async () => {
    const { room, arrived } = open();
    await room.start(quiet);
    const socket = connect(room.port, '127.0.0.1');
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await arrived;
    socket.destroy();
    await once(socket, 'close');
    await room.drain!(quiet);
    await room.stop();
  });
});
