// One WebSocket of a session, on a bare socket: reads of all connections go into one buffer, frames
// are told apart where they lie, compressed ones are decoded into one other buffer.

import { connect } from 'node:net';
import type { Socket } from 'node:net';

import {
  closeFrame,
  pongFrame,
  textFrame,
  upgradeProblem,
  upgradeRequest,
} from './client-frames.js';
import { binaryFrame } from './client-frames.js';
import { FrameParser, WsOpcode } from './frame-parser.js';
import type { Wire } from './scenario.js';
import { StreamDecoder } from './stream-decoder.js';
import type { DecodedBytes } from './stream-decoder.js';

/** The buffers that the connections of a process share. */
export interface SharedBuffers {
  readonly read: Buffer;
  readonly decoded: DecodedBytes;
}

/** Told of a connection. Nothing comes after `onEnd`, which comes once. */
export interface ConnectionEvents {
  /** A payload as the server encoded it, decompressed; the bytes are valid during the call. */
  onPayload(bytes: Buffer, start: number, end: number): void;
  onBytes(count: number): void;
  onFrame(): void;
  /** `code` is that of the server's close frame; 0 when there was none. */
  onEnd(code: number, problem: string | undefined): void;
}

const CONNECT_TIMEOUT_MS = 20_000;
const HEAD_BYTES_MAX = 16_384;
const END_OF_HEAD = '\r\n\r\n';

export class Connection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #buffers: SharedBuffers;
  readonly #decoder: StreamDecoder | undefined;
  readonly #parser: FrameParser;
  /** The head of the upgrade's answer, until it is whole. */
  #head: string | undefined = '';
  #isOver = false;
  #closeCode = 0;
  #problem: string | undefined;

  /** Begins to connect to a `ws://` URL. */
  constructor(
    url: string,
    wire: Wire,
    localAddress: string | undefined,
    buffers: SharedBuffers,
    events: ConnectionEvents,
  ) {
    this.#events = events;
    this.#buffers = buffers;
    const { compression, encoding } = wire;
    this.#decoder =
      compression === 'none' ? undefined : new StreamDecoder(compression, buffers.decoded);
    this.#parser = new FrameParser((opcode, bytes, start, end) =>
      this.#onFrame(opcode, bytes, start, end),
    );
    const { hostname, port, host } = new URL(url);
    const query = compression === 'none' ? '' : `&compress=${compression}`;
    this.#socket = connect({
      host: hostname,
      port: Number(port || 80),
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
      onread: { buffer: buffers.read, callback: (count) => this.#onRead(count) },
    });
    this.#socket.setTimeout(CONNECT_TIMEOUT_MS, () => {
      if (this.#head !== undefined) this.#fail('no answer to the upgrade');
    });
    this.#socket.on('connect', () => {
      this.#socket.write(upgradeRequest(host, `/?v=10&encoding=${encoding}${query}`));
    });
    this.#socket.on('error', (error) => (this.#problem ??= error.message));
    this.#socket.on('close', () => this.#over());
  }

  /** Sends text, or binary. Nothing when it is over. */
  send(payload: string | Uint8Array): void {
    if (this.#isOver) return;
    this.#socket.write(typeof payload === 'string' ? textFrame(payload) : binaryFrame(payload));
  }

  /** Reads no more, for a while. */
  pause(): void {
    if (!this.#isOver) this.#socket.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#socket.resume();
  }

  /** Ends it without a word, as a lost network does; `onEnd` is called before this returns. */
  drop(): void {
    this.#socket.destroy();
    this.#over();
  }

  /** Ends it as a client that leaves for good does. */
  leave(): void {
    if (this.#isOver) return;
    this.#socket.write(closeFrame(1000));
    this.drop();
  }

  #onRead(count: number): boolean {
    if (this.#isOver) return false;
    this.#events.onBytes(count);
    try {
      if (this.#head === undefined) this.#parser.push(this.#buffers.read, 0, count);
      else this.#readHead(count);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
    return !this.#isOver;
  }

  #readHead(count: number): void {
    const before = this.#head!.length;
    const head = this.#head! + this.#buffers.read.toString('latin1', 0, count);
    const end = head.indexOf(END_OF_HEAD);
    if (end === -1) {
      if (head.length > HEAD_BYTES_MAX) throw new Error('the upgrade has an endless answer');
      this.#head = head;
      return;
    }
    const problem = upgradeProblem(head.slice(0, end));
    if (problem !== undefined) throw new Error(problem);
    this.#head = undefined;
    this.#socket.setTimeout(0);
    const bodyAt = end + END_OF_HEAD.length - before;
    if (bodyAt < count) this.#parser.push(this.#buffers.read, bodyAt, count);
  }

  #onFrame(opcode: number, bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    switch (opcode) {
      case WsOpcode.Text:
      case WsOpcode.Binary: {
        this.#events.onFrame();
        if (this.#decoder === undefined) return this.#events.onPayload(bytes, start, end);
        const count = this.#decoder.decode(bytes, start, end);
        return this.#events.onPayload(this.#buffers.decoded.bytes, 0, count);
      }
      case WsOpcode.Ping:
        this.#socket.write(pongFrame(bytes.subarray(start, end)));
        return;
      case WsOpcode.Close:
        this.#closeCode = end - start >= 2 ? bytes.readUInt16BE(start) : 1005;
        this.#socket.end(closeFrame(this.#closeCode === 1005 ? 1000 : this.#closeCode));
        return this.#over();
      default:
        return;
    }
  }

  #fail(problem: string): void {
    this.#problem ??= problem;
    this.drop();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#decoder?.close();
    // What the server still says after its close frame is nobody's.
    this.#socket.destroySoon();
    this.#events.onEnd(this.#closeCode, this.#problem);
  }
}
