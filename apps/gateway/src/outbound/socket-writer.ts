// Writes to one WebSocket: one gateway payload is one message, in the encoding and compression that
// the connection's URL asked for.
//
//   none          JSON as text, ETF as binary
//   payload       as none, but what was made for this session alone goes out as a zlib stream of
//                 its own (IDENTIFY `compress: true`); events for many are small and stay plain
//   zlib-stream   pieces that fit any connection (zlib-chunks.ts), or pieces that refer to this
//                 connection's last payloads: a knob
//   zstd-stream   pieces that fit any connection (zstd-chunks.ts); for ETF, and where a knob says
//                 so, a context per connection, compressed off the event loop, in order
//
// What is the same for many sessions but for a few bytes goes to the kernel from one piece of
// memory (kernel-socket.ts); the rest, and all that is not a dispatch, through the WebSocket's
// stream.
//
// Nothing waits without a bound: a client that reads too slowly is cut off, and may resume.
import type { Duplex } from 'node:stream';
import {
  codecOf,
  compressPayload,
  createCompressor,
  sharedForm,
  ZlibChunks,
  ZstdChunks,
  type Compressor,
  type Encoding,
  type ServerFrame,
  type SharedForm,
  type TransportCompression,
} from '@guildhall/gateway-protocol';
import type { Dispatch } from '../domain/dispatch.js';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import { KernelSocket } from './kernel-socket.js';
import type { SendBacklog, Waiter } from './send-backlog.js';

/** What is asked of a WebSocket here. */
export interface MessageSocket {
  /** 1 while neither side has said goodbye. */
  readonly readyState: number;
  readonly bufferedAmount: number;
  /** For reports. */
  readonly sessionId: string | undefined;
  send(message: Buffer, options: { readonly binary: boolean }, onGone: () => void): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** The same object for all connections of the same kind. */
export interface SocketWriterOptions {
  readonly encoding: Encoding;
  readonly compression: TransportCompression;
  /** More than this waiting, and the socket is cut off. */
  readonly bufferBytesMax: number;
  /** `zlib-stream`: bytes of earlier payloads that a message may refer to; 0: pieces for all. */
  readonly zlibHistoryBytes: number;
  /** `zstd-stream`: a context for each connection; ETF always has one. */
  readonly hasZstdContexts: boolean;
  /** What waits in all sockets. */
  readonly backlog: SendBacklog;
  readonly onSlow: (socket: MessageSocket) => void;
}

/** `readyState` of a WebSocket that neither side has said goodbye on. */
const OPEN = 1;
/** Only a last resort: what is not owed is bounded by `bufferBytesMax`. */
const ZSTD_PENDING_MAX = 256 * 1024 * 1024;

/** The outgoing half of one connection. */
export class SocketWriter implements GatewaySocket, Waiter {
  readonly form: SharedForm | undefined;
  readonly #ws: MessageSocket;
  readonly #kernel: KernelSocket;
  readonly #options: SocketWriterOptions;
  readonly #isBinary: boolean;
  /** Compresses at once, if it is that which compresses; else `#zstd`. */
  readonly #chunks: ZlibChunks | ZstdChunks | undefined;
  readonly #zstd: Compressor | undefined;
  /** Settles when what was handed to the compressor has been handed to the socket. */
  #lastSent: Promise<unknown> | undefined;
  /** Of what waits, that which is owed. */
  #owedBytes = 0;
  /** What the backlog was told last. */
  #notedBytes = 0;
  #compressesPayloads = false;
  #isClosed = false;

  /** @param socket what `ws` writes to. */
  constructor(ws: MessageSocket, socket: Duplex, options: SocketWriterOptions) {
    this.#ws = ws;
    this.#kernel = new KernelSocket(socket);
    this.#options = options;
    const { encoding, compression } = options;
    this.#isBinary = encoding === 'etf' || compression !== 'none';
    const hasContext =
      compression === 'zstd-stream' && (encoding === 'etf' || options.hasZstdContexts);
    if (hasContext) {
      this.#zstd = createCompressor('zstd-stream', { pendingBytesMax: ZSTD_PENDING_MAX });
      return;
    }
    if (compression === 'zlib-stream') this.#chunks = new ZlibChunks(options.zlibHistoryBytes);
    if (compression === 'zstd-stream') this.#chunks = new ZstdChunks();
    const refersBack = compression === 'zlib-stream' && options.zlibHistoryBytes > 0;
    if (!refersBack) this.form = sharedForm(encoding, compression);
  }

  get bufferedBytes(): number {
    return this.#kernel.waitingBytes + (this.#zstd?.pendingBytes ?? 0);
  }

  compressPayloads(): void {
    const { encoding, compression } = this.#options;
    this.#compressesPayloads = encoding === 'json' && compression === 'none';
  }

  /** Hot path. */
  write(dispatch: Dispatch, s: number, isOwed = dispatch.isOwn): number {
    if (this.#isClosed) return 0;
    const { encoded } = dispatch;
    if (this.form !== undefined && !dispatch.isOwn) {
      const frame = encoded.shared(this.form);
      const size = frame.patch(s);
      this.#put(frame.bytes, frame.start, frame.end, isOwed);
      return size;
    }
    const { encoding } = this.#options;
    const frame = dispatch.isOwn ? encoded.frameOnce(encoding, s) : encoded.frame(encoding, s);
    return dispatch.isOwn && this.#compressesPayloads
      ? this.#send(compressPayload(frame), true, isOwed)
      : this.#compressed(frame, isOwed);
  }

  /** Hot path. */
  put(bytes: Buffer, end: number): void {
    if (!this.#isClosed) this.#put(bytes, 0, end, false);
  }

  frame(frame: ServerFrame): void {
    if (!this.#isClosed) this.#compressed(codecOf(this.#options.encoding).encode(frame), false);
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // What is being compressed goes out first.
    if (this.#lastSent === undefined) this.#ws.close(code, reason);
    else void this.#lastSent.finally(() => this.#ws.close(code, reason));
  }

  terminate(): void {
    this.#isClosed = true;
    this.#ws.terminate();
  }

  closed(): void {
    this.#isClosed = true;
    this.#zstd?.close();
    this.#note(0);
  }

  cutOff(): void {
    if (this.#isClosed) return;
    this.#options.onSlow(this.#ws);
    this.terminate();
  }

  #compressed(frame: Buffer, isOwed: boolean): number {
    if (this.#chunks !== undefined) return this.#send(this.#chunks.compress(frame), true, isOwed);
    if (this.#zstd === undefined) return this.#send(frame, this.#isBinary, isOwed);
    const owedBytes = isOwed ? frame.length : 0;
    this.#owedBytes += owedBytes;
    this.#lastSent = this.#zstd.compress(frame).then(
      (message) => {
        this.#owedBytes -= owedBytes;
        this.#send(message, true, isOwed);
      },
      () => this.cutOff(),
    );
    return frame.length;
  }

  #put(bytes: Buffer, start: number, end: number, isOwed: boolean): void {
    if (this.#ws.readyState !== OPEN) return;
    const at = this.#kernel.write(bytes, start, end);
    if (at === end) return;
    const owedBytes = isOwed ? end - at : 0;
    this.#owedBytes += owedBytes;
    this.#kernel.append(bytes, at, end, () => this.#gone(owedBytes));
    this.#account();
  }

  #send(message: Buffer, isBinary: boolean, isOwed: boolean): number {
    const owedBytes = isOwed ? message.length : 0;
    this.#owedBytes += owedBytes;
    this.#ws.send(message, { binary: isBinary }, () => this.#gone(owedBytes));
    this.#account();
    return message.length;
  }

  /** Bytes that waited have been sent, or never will be: an error comes as the socket's event. */
  #gone(owedBytes: number): void {
    this.#owedBytes -= owedBytes;
    this.#note(this.#isClosed ? 0 : this.bufferedBytes);
  }

  /** Something waits, or may: holds it against the bounds. */
  #account(): void {
    const waiting = this.bufferedBytes;
    this.#note(waiting);
    if (waiting > this.#options.bufferBytesMax + this.#owedBytes) this.cutOff();
  }

  #note(bytes: number): void {
    if (bytes === this.#notedBytes) return;
    this.#notedBytes = bytes;
    this.#options.backlog.note(this, bytes);
  }
}
