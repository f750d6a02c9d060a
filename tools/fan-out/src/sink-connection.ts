import { createConnection, type Socket } from 'node:net';
import type { Dialect } from './dialect.js';
import { FrameCounter } from './frame-counter.js';
import { CLOSE_FRAME, FrameType } from './websocket.js';

/** One buffer for all: libuv reads into it and hands it over in the same turn. */
const READ_BUFFER = Buffer.allocUnsafe(1 << 18);
const HEADERS_END = '\r\n\r\n';
const HEADERS_BYTES_MAX = 8_192;

/** What a connection tells the sink it belongs to. */
export interface ConnectionEvents {
  /** Events may come from now on. */
  opened(): void;
  /** The connection's `index`-th event (from 0) since the last `restart`. */
  arrived(index: number): void;
  /** It ended though nobody asked it to. */
  failed(reason: string, connection: SinkConnection): void;
}

export interface ConnectionOptions {
  readonly dialect: Dialect;
  readonly port: number;
  /** Where from; absent: wherever the system likes. */
  readonly localAddress: string | undefined;
  readonly identity: string;
  /** When its first heartbeat is due, if it has any (see `monotonicMs`). */
  readonly beatDueAtMs: number;
  readonly events: ConnectionEvents;
}

/** One client that counts what it is sent. Reads heads of frames only, keeps nothing. */
export class SinkConnection {
  bytes = 0;
  beatDueAtMs: number;
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #counter = new FrameCounter();
  #headers: string | undefined = '';
  #framesCount = 0;
  #heartbeatsCount = 0;
  #eventsCount = 0;
  #eventBytes = 0;
  #isOpen = false;
  #isEnding = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.beatDueAtMs = options.beatDueAtMs;
    const { dialect, port, localAddress, events } = options;
    this.#socket = createConnection({
      host: '127.0.0.1',
      port,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.#read(length);
          return true;
        },
      },
    });
    this.#socket.once('connect', () => {
      if (dialect.upgrade === undefined) {
        this.#headers = undefined;
        this.#openWhenDue();
      } else {
        this.#socket.write(dialect.upgrade);
      }
    });
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('closed by the server'));
    this.#fail = (reason) => {
      if (this.#isEnding) return;
      this.#isEnding = true;
      events.failed(reason, this);
    };
  }

  /** Events may come. Stays true when it ends. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Counts events from 0 again. */
  restart(): void {
    this.#eventsCount = 0;
    this.#eventBytes = 0;
    this.bytes = 0;
  }

  /** Sends a heartbeat, if it is open. */
  beat(): void {
    if (!this.#isOpen || this.#isEnding) return;
    // All frames but HELLO and the answers to earlier heartbeats were dispatches.
    const dispatchesCount = this.#framesCount - 1 - this.#heartbeatsCount;
    this.#heartbeatsCount += 1;
    this.#socket.write(this.#options.dialect.heartbeat(dispatchesCount));
  }

  /** Closes it for good; resolves when it is gone. */
  close(): Promise<void> {
    if (this.#isEnding) return Promise.resolve();
    this.#isEnding = true;
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      if (this.#options.dialect.upgrade === undefined) this.#socket.destroy();
      else this.#socket.end(CLOSE_FRAME);
      this.#socket.resume();
    });
  }

  #fail: (reason: string) => void;

  #read(length: number): void {
    this.bytes += length;
    const start = this.#headers === undefined ? 0 : this.#readHeaders(length);
    if (start < length) this.#counter.read(READ_BUFFER, start, length, this.#onFrame);
  }

  /** Where the frames begin. */
  #readHeaders(length: number): number {
    const before = this.#headers!.length;
    const text = this.#headers! + READ_BUFFER.toString('latin1', 0, length);
    const end = text.indexOf(HEADERS_END);
    if (end < 0) {
      this.#headers = text;
      if (text.length > HEADERS_BYTES_MAX) this.#fail('headers without end');
      return length;
    }
    this.#headers = undefined;
    if (!text.startsWith('HTTP/1.1 101')) {
      this.#fail(text.split('\r\n')[0]!);
      this.#socket.destroy();
      return length;
    }
    this.#openWhenDue();
    return end + HEADERS_END.length - before;
  }

  readonly #onFrame = (opcode: number, payloadBytes: number, endAt: number): void => {
    if (opcode === FrameType.Close) {
      this.#fail(`closed with ${closeCode(payloadBytes, endAt)}`);
      this.#socket.destroy();
      return;
    }
    this.#framesCount += 1;
    const { dialect } = this.#options;
    if (!this.#isOpen) {
      const reply = dialect.reply(this.#framesCount, this.#options.identity);
      if (reply !== undefined) this.#socket.write(reply);
      this.#openWhenDue();
      return;
    }
    if (payloadBytes === dialect.pingBytes) {
      this.#socket.write(dialect.pong!);
      return;
    }
    if (payloadBytes < dialect.eventBytesMin) return;
    if (dialect.eventBytes === 0) this.#arrived();
    else this.#arrivedIn(payloadBytes, dialect.eventBytes);
  };

  #openWhenDue(): void {
    if (this.#isOpen || this.#framesCount < this.#options.dialect.framesToOpen) return;
    this.#isOpen = true;
    this.#options.events.opened();
  }

  #arrived(): void {
    this.#options.events.arrived(this.#eventsCount);
    this.#eventsCount += 1;
  }

  /** Several events to a frame: each has come when its last byte has. */
  #arrivedIn(payloadBytes: number, eventBytes: number): void {
    this.#eventBytes += payloadBytes;
    while (this.#eventBytes >= eventBytes) {
      this.#eventBytes -= eventBytes;
      this.#arrived();
    }
  }
}

/** A close frame's code, if it is all in the buffer; 1005 of one that has none. */
function closeCode(payloadBytes: number, endAt: number): number {
  const at = endAt - payloadBytes;
  return payloadBytes < 2 || at < 0 ? 1005 : READ_BUFFER.readUInt16BE(at);
}
