// The front door: WebSocket upgrades of the HTTP server become connections. Any path will do.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '@guildhall/clock';
import {
  parseConnection,
  USER_PAYLOAD_SIZE_MAX,
  type Encoding,
  type TransportCompression,
} from '@guildhall/gateway-protocol';
import { WebSocketServer } from 'ws';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import { TimerWheel } from '../domain/timer-wheel.js';
import { ClientSocket } from './client-socket.js';
import { Connection, type ConnectionRoom } from './connection.js';
import { reasonOf } from './frame-reader.js';

/** In what form a connection is written to. */
export interface ConnectionKind {
  readonly encoding: Encoding;
  readonly compression: TransportCompression;
}

export interface SocketAcceptorOptions {
  readonly clock: Clock;
  readonly room: Omit<ConnectionRoom, 'reschedule' | 'left'>;
  readonly socketsMax: number;
  readonly tickMs: number;
  /** Makes the outgoing half of a connection. */
  readonly makeSocket: (
    client: ClientSocket,
    socket: Duplex,
    kind: ConnectionKind,
  ) => GatewaySocket;
}

/** A little more than a client may say: what is above is told so, what is far above is not read. */
const MESSAGE_BYTES_MAX = USER_PAYLOAD_SIZE_MAX + 1024;
const WHEEL_SLOTS = 1024;

/** What `ws` makes of an upgrade it has answered: the stream, for ourselves. */
class Handshake {
  stream: Duplex | undefined;
  head: Buffer | undefined;

  setSocket(stream: Duplex, head: Buffer): void {
    this.stream = stream;
    this.head = head;
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
      WebSocket: Handshake as never,
    });
    this.#wheel = new TimerWheel<Connection>({
      tickMs: options.tickMs,
      slotsCount: WHEEL_SLOTS,
      nowMs: options.clock.monotonicMs(),
    });
    this.#room = {
      ...options.room,
      reschedule: (connection) => this.#wheel.add(connection),
      left: (connection) => {
        this.#connections.delete(connection);
        this.#wheel.remove(connection);
      },
    };
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
    for (const client of this.#connections.values()) client.terminate();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', noop);
    if (!this.#isAccepting || this.#connections.size >= this.#options.socketsMax) {
      socket.end(
        'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      );
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (made) => {
      socket.off('error', noop);
      const { stream, head: early } = made as unknown as Handshake;
      this.#accept(stream!, early!, request.url ?? '');
    });
  }

  #accept(stream: Duplex, early: Buffer, url: string): void {
    const { clock, room, makeSocket } = this.#options;
    const client = new ClientSocket(stream, clock, MESSAGE_BYTES_MAX);
    const asked = parseConnection(url);
    if (!asked.ok) {
      room.events.socketClosed(asked.closeCode);
      client.close(asked.closeCode, reasonOf(asked.closeCode));
      return;
    }
    const socket = makeSocket(client, stream, asked);
    const connection = new Connection(this.#room, socket, asked);
    client.listener = connection;
    this.#connections.set(connection, client);
    this.#wheel.add(connection);
    connection.greet();
    if (early.length > 0) client.receive(early);
  }
}

/** An error of a socket is followed by its close, which is what we act on. */
function noop(): void {}
