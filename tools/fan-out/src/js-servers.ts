// The rivals that are written in JavaScript, each in a process of its own: a loop over the sockets
// of `ws`, and a room of Socket.IO.
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Server as SocketIo } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';
import { answerParent, Child } from './child.js';
import type { DialectName } from './dialect.js';
import type { Stage, Target } from './target.js';
import { FrameType, serverFrame } from './websocket.js';

/** The roles of the children. */
export const WS_ROLE = 'ws';
export const SOCKET_IO_ROLE = 'socket.io';

/** A name of an event, so that Socket.IO's payload is all but this long. */
const EVENT = 'fan';
const ROOM = 'everyone';

interface Publish {
  readonly lane: string;
  readonly count: number;
}

/** Sends one event to all, by one of the server's ways. */
type Lanes = Readonly<Record<string, () => void>>;

/** The child's side of the `ws` server: both of its ways to send. */
export function runWsServer(): void {
  serve((http, payloadBytes) => {
    const server = new WebSocketServer({ server: http, perMessageDeflate: false });
    const payload = Buffer.alloc(payloadBytes, 'x');
    const frame = serverFrame(payload, FrameType.Text);
    const sockets: Socket[] = [];
    server.on('connection', (ws: WebSocket & { _socket?: Socket }) => sockets.push(ws._socket!));
    return {
      'ws socket': () => {
        for (const socket of sockets) socket.write(frame);
      },
      'ws.send': () => {
        for (const client of server.clients) client.send(payload, { binary: false });
      },
    };
  });
}

/** The child's side of the Socket.IO server. */
export function runSocketIoServer(): void {
  serve((http, payloadBytes) => {
    const io = new SocketIo(http, { transports: ['websocket'], perMessageDeflate: false });
    // `42["fan","..."]` is the whole payload on the wire.
    const text = 'x'.repeat(payloadBytes - `42["${EVENT}",""]`.length);
    io.on('connection', (socket) => void socket.join(ROOM));
    return { 'socket.io': () => io.to(ROOM).emit(EVENT, text) };
  });
}

function serve(lanesOn: (http: HttpServer, payloadBytes: number) => Lanes): void {
  const http = createServer();
  let lanes: Lanes = {};
  answerParent(async (name, argument) => {
    if (name === 'publish') {
      const { lane, count } = argument as Publish;
      for (let event = 0; event < count; event += 1) lanes[lane]!();
      return undefined;
    }
    lanes = lanesOn(http, argument as number);
    await new Promise<void>((resolve) => http.listen({ port: 0, host: '127.0.0.1' }, resolve));
    return (http.address() as AddressInfo).port;
  });
}

/** Starts the `ws` server: one process and one set of sockets, two targets. */
export function startWs(connectionsCount: number, payloadBytes: number): Promise<Stage> {
  return start(WS_ROLE, 'websocket', ['ws socket', 'ws.send'], connectionsCount, payloadBytes);
}

/** Starts the Socket.IO server. */
export function startSocketIo(connectionsCount: number, payloadBytes: number): Promise<Stage> {
  return start(SOCKET_IO_ROLE, 'socket.io', ['socket.io'], connectionsCount, payloadBytes);
}

async function start(
  role: string,
  dialect: DialectName,
  lanes: readonly string[],
  connectionsCount: number,
  payloadBytes: number,
): Promise<Stage> {
  const child = new Child(role);
  const port = await child.ask<number>('listen', payloadBytes);
  const plan = { dialect: { name: dialect }, port, connectionsCount, identities: [] };
  const targets = lanes.map((lane): Target => {
    return {
      name: lane,
      pids: [child.pid],
      sinks: [plan],
      publish: (count) => {
        child.tell('publish', { lane, count } satisfies Publish);
        return Promise.resolve();
      },
    };
  });
  return { targets, stop: () => child.stop() };
}
