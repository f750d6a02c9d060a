import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { eventually } from '@guildhall/testkit';
import { KernelSocket } from './kernel-socket.js';

let server: Server;
let client: Socket;
let socket: Socket;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const connection = once(server, 'connection');
  client = connect(port, '127.0.0.1');
  client.on('error', () => undefined);
  [socket] = (await connection) as [Socket];
  socket.on('error', () => undefined);
});

afterEach(() => {
  client.destroy();
  socket.destroy();
  server.close();
});

/** Sends a line, from memory that is overwritten at once. */
function send(kernel: KernelSocket, line: string, gone: () => void = () => undefined): number {
  const bytes = Buffer.from(`..${line}\n..`);
  const end = bytes.length - 2;
  const at = kernel.write(bytes, 2, end);
  if (at < end) kernel.append(bytes, at, end, gone);
  bytes.fill('!');
  return end - at;
}

describe('KernelSocket', () => {
  it('gives bytes to the kernel from memory that may change at once', async () => {
    const kernel = new KernelSocket(socket);
    expect(kernel.isDirect).toBe(true);
    for (let at = 0; at < 100; at += 1) expect(send(kernel, `line ${at}`)).toBe(0);
    expect(kernel.waitingBytes).toBe(0);
    let said = '';
    client.setEncoding('utf8').on('data', (part: string) => (said += part));
    await eventually(() => said.split('\n').length === 101, { label: 'all lines' });
    expect(said.trim().split('\n')).toEqual(Array.from({ length: 100 }, (_, at) => `line ${at}`));
  });

  it('keeps order and every byte when the client does not read', async () => {
    const kernel = new KernelSocket(socket);
    client.pause();
    const wanted: string[] = [];
    let waits = 0;
    let goneCount = 0;
    let appendedCount = 0;
    for (let at = 0; waits < 200_000; at += 1) {
      const line = `${at} ${'x'.repeat(5_000)}`;
      wanted.push(line);
      const left = send(kernel, line, () => (goneCount += 1));
      if (left > 0) appendedCount += 1;
      waits += left;
    }
    expect(kernel.waitingBytes).toBe(waits);
    // The stream's own writes take their place behind what waits.
    socket.write('from the stream\n');
    wanted.push('from the stream');
    send(kernel, 'last');
    wanted.push('last');
    let said = '';
    client.setEncoding('utf8').on('data', (part: string) => (said += part));
    client.resume();
    await eventually(() => said.endsWith('last\n'), { label: 'the last line' });
    expect(said.trim().split('\n')).toEqual(wanted);
    expect(goneCount).toBe(appendedCount);
    await eventually(() => kernel.waitingBytes === 0, { label: 'nothing waits' });
    expect(send(kernel, 'direct again')).toBe(0);
  });

  it('never touches the descriptor of a socket that is closed', async () => {
    const kernel = new KernelSocket(socket);
    socket.destroy();
    // Its number may be somebody else's by now.
    let goneCount = 0;
    expect(send(kernel, 'to nobody', () => (goneCount += 1))).toBe(10);
    expect(goneCount).toBe(1);
    await once(client, 'close');
    expect(client.bytesRead).toBe(0);
  });

  it('leaves a broken connection to the events of the socket', async () => {
    const kernel = new KernelSocket(socket);
    socket.resume();
    client.resetAndDestroy();
    await eventually(
      () => {
        send(kernel, 'into the void');
        return socket.destroyed;
      },
      { label: 'the socket is closed' },
    );
  });

  it('goes through the stream where there is no plain TCP socket below', async () => {
    const stream = new PassThrough();
    const kernel = new KernelSocket(stream);
    expect(kernel.isDirect).toBe(false);
    send(kernel, 'a');
    send(kernel, 'b');
    stream.end();
    expect(await text(stream)).toBe('a\nb\n');
  });
});
