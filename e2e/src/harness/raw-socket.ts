// TCP without any manners: for what no client library would send.

import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** One connection, and all that came back on it. */
export class RawSocket {
  readonly socket: Socket;
  readonly #received: Buffer[] = [];
  #isEnded = false;

  static async open(url: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawSocket(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => this.#received.push(bytes));
    // A reset is one way to end a conversation.
    socket.on('error', () => undefined);
    socket.on('close', () => (this.#isEnded = true));
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Whether the other side has hung up. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The status of the first HTTP answer; undefined while there is none. */
  get status(): number | undefined {
    const match = /^HTTP\/1\.1 (\d{3}) /.exec(this.received.toString('latin1'));
    return match === null ? undefined : Number(match[1]);
  }

  /** The code of the WebSocket close frame that came, if one did. */
  get closeCode(): number | undefined {
    const all = this.received;
    let at = all.indexOf('\r\n\r\n') + 4;
    while (at >= 4 && at + 2 <= all.length) {
      const kind = all[at]! & 0x0f;
      let size = all[at + 1]! & 0x7f;
      at += 2;
      if (size === 126) {
        size = all.readUInt16BE(at);
        at += 2;
      }
      if (kind === 8) return size >= 2 ? all.readUInt16BE(at) : 1005;
      at += size;
    }
    return undefined;
  }

  write(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** The request that makes a socket a WebSocket. */
export const UPGRADE = [
  'GET /?v=10&encoding=json HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');
