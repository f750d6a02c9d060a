// The network between clients and one gateway, which a story may cut. While it is cut, clients that
// come back are let wait, as by a network that swallows packets, so a story decides for itself what
// happens between the loss of a connection and the next one.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** A TCP proxy on 127.0.0.1. */
export class NetworkLink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiting: Socket[] = [];
  #targetPort = 0;
  #isCut = false;

  /** A link that leads nowhere until {@link leadTo}; it has its port for good. */
  static async open(): Promise<NetworkLink> {
    const link = new NetworkLink();
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  private constructor() {
    this.#server = createServer((socket) => {
      this.#hold(socket);
      if (this.#isCut) this.#waiting.push(socket);
      else this.#pass(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `ws://host:port`, without a slash. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** How many connections are held back because the link is cut. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  leadTo(port: number): void {
    this.#targetPort = port;
  }

  /** Drops every connection, without a word to either end, and holds back new ones. */
  cut(): void {
    this.#isCut = true;
    this.#dropAll();
  }

  /** Lets through what was held back, and what comes. */
  mend(): void {
    this.#isCut = false;
    for (const socket of this.#waiting.splice(0)) this.#pass(socket);
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#dropAll();
    await once(this.#server, 'close');
  }

  #pass(socket: Socket): void {
    if (socket.destroyed) return;
    const other = connect(this.#targetPort, '127.0.0.1');
    this.#hold(other);
    socket.pipe(other).pipe(socket);
    socket.once('close', () => other.destroy());
    other.once('close', () => socket.destroy());
  }

  #hold(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // A reset is a loss like any other; `close` follows.
    socket.on('error', () => undefined);
  }

  #dropAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#waiting = [];
  }
}
