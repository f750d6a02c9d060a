// The front door: WebSocket upgrades of the HTTP server become connections. Any path will do.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '@guildhall/clock';
import {
  CloseCode,
  parseConnection,
  USER_PAYLOAD_SIZE_MAX,
  type Encoding,
  type TransportCompression,
} from '@guildhall/gateway-protocol';
import { WebSocket, WebSocketServer } from 'ws';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import { TimerWheel } from '../domain/timer-wheel.js';
import { Connection, type ConnectionRoom } from './connection.js';
import { reasonOf } from './frame-reader.js';

export interface SocketAcceptorOptions {
  readonly clock: Clock;
  readonly room: Omit<ConnectionRoom, 'reschedule'>;
  readonly socketsMax: number;
  readonly tickMs: number;
  /** Makes the outgoing half of a connection. */
  readonly makeSocket: (
    ws: WebSocket,
    socket: Duplex,
    terms: { encoding: Encoding; compression: TransportCompression },
    sessionId: () => string | undefined,
  ) => GatewaySocket;
}

/** A little more than a client may say: what is above is told so, what is far above is not read. */
const MESSAGE_BYTES_MAX = USER_PAYLOAD_SIZE_MAX + 1024;
const WHEEL_SLOTS = 1024;
const TOO_BIG = 1009;
const NOT_UTF8 = 1007;
const NO_CODE = 1006;

/** A server's socket: what the WebSocket layer refuses to read is this protocol's decode error. */
class ClientSocket extends WebSocket {
  connection: Connection | undefined;

  override close(code?: number, data?: string | Buffer): void {
    if (code === TOO_BIG || code === NOT_UTF8) {
      const { connection } = this;
      if (connection !== undefined) connection.close(CloseCode.DecodeError);
      else super.close(CloseCode.DecodeError, reasonOf(CloseCode.DecodeError));
      return;
    }
    super.close(code, data);
  }
}

/** See the top of the file. */
export class SocketAcceptor {
  readonly #options: SocketAcceptorOptions;
  readonly #server: WebSocketServer;
  readonly #wheel: TimerWheel<Connection>;
  readonly #connections = new Map<Connection, ClientSocket>();
  readonly #room: ConnectionRoom;
  #tick: Timer | undefined;
  #isAccepting = false;

  constructor(options: SocketAcceptorOptions) {
    this.#options = options;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MESSAGE_BYTES_MAX,
      WebSocket: ClientSocket as never,
    });
    this.#wheel = new TimerWheel<Connection>({
      tickMs: options.tickMs,
      slotsCount: WHEEL_SLOTS,
      nowMs: options.clock.monotonicMs(),
    });
    this.#room = { ...options.room, reschedule: (connection) => this.#wheel.add(connection) };
  }

  get count(): number {
    return this.#connections.size;
  }

  connections(): Iterable<Connection> {
    return this.#connections.keys();
  }

  /** Takes upgrades from now on. */
  open(server: Server): void {
    const { clock, tickMs } = this.#options;
    this.#isAccepting = true;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    this.#tick = clock.every(tickMs, () => {
      for (const connection of this.#wheel.turn(clock.monotonicMs())) {
        if (connection.isOpen) connection.timedOut();
      }
    });
  }

  /** Answers upgrades with 503 from now on. */
  refuse(): void {
    this.#isAccepting = false;
  }

  /** Ends every connection without waiting for its client. */
  stop(): void {
    this.#isAccepting = false;
    this.#tick?.cancel();
    for (const ws of this.#connections.values()) ws.terminate();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', noop);
    if (!this.#isAccepting || this.#connections.size >= this.#options.socketsMax) {
      socket.end(
        'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      socket.off('error', noop);
      this.#accept(ws as ClientSocket, socket, request.url ?? '');
    });
  }

  #accept(ws: ClientSocket, duplex: Duplex, url: string): void {
    ws.on('error', noop);
    const asked = parseConnection(url);
    if (!asked.ok) {
      this.#options.room.events.socketClosed(asked.closeCode);
      ws.close(asked.closeCode, reasonOf(asked.closeCode));
      return;
    }
    const socket = this.#options.makeSocket(ws, duplex, asked, () => ws.connection?.session?.id);
    const connection = new Connection(this.#room, socket, asked);
    ws.connection = connection;
    this.#connections.set(connection, ws);
    this.#wheel.add(connection);
    ws.on('message', onMessage);
    ws.on('close', (code: number) => {
      this.#connections.delete(connection);
      this.#wheel.remove(connection);
      connection.closed(code === 0 ? NO_CODE : code);
    });
    connection.greet();
  }
}

function onMessage(this: WebSocket, data: Buffer | ArrayBuffer | Buffer[]): void {
  // Only fragments of `binaryType` "fragments" come as an array, and that is never set.
  (this as ClientSocket).connection!.receive(data as Buffer);
}

/** An error of a socket is followed by its close, which is what we act on. */
function noop(): void {}
