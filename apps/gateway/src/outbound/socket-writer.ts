// Writes to one WebSocket: one gateway payload is one message, in the encoding and compression that
// the connection's URL asked for.
//
//   none          JSON as text, ETF as binary
//   payload       as none, but what was made for this session alone goes out as a zlib stream of
//                 its own (IDENTIFY `compress: true`); events for many are small and stay plain
//   zlib-stream   pieces that fit any connection (see EncodedDispatch.zlibFrame), or pieces that
//                 refer to this connection's last payloads: a knob
//   zstd-stream   a context per connection; compressed off the event loop, in order
//
// Nothing waits without a bound: a client that reads too slowly is cut off, and may resume.
import {
  codecOf,
  compressPayload,
  createCompressor,
  ZlibChunks,
  type Compressor,
  type Encoding,
  type ServerFrame,
  type TransportCompression,
} from '@guildhall/gateway-protocol';
import type { WebSocket } from 'ws';
import type { Dispatch } from '../domain/dispatch.js';
import type { GatewaySocket } from '../domain/gateway-socket.js';

export interface SocketWriterOptions {
  readonly encoding: Encoding;
  readonly compression: TransportCompression;
  /** More than this waiting, and the socket is cut off. */
  readonly bufferBytesMax: number;
  /** `zlib-stream`: bytes of earlier payloads that a message may refer to; 0: pieces for all. */
  readonly zlibHistoryBytes: number;
  readonly onSlow: () => void;
}

/** Only a last resort: what is not owed is bounded by `bufferBytesMax`. */
const ZSTD_PENDING_MAX = 256 * 1024 * 1024;

/** The outgoing half of one connection. */
export class SocketWriter implements GatewaySocket {
  readonly #ws: WebSocket;
  readonly #options: SocketWriterOptions;
  readonly #isBinary: boolean;
  readonly #zlib: ZlibChunks | undefined;
  readonly #zstd: Compressor | undefined;
  /** Settles when what was handed to the compressor has been handed to the socket. */
  #lastSent: Promise<unknown> | undefined;
  /** Of what waits, that which is owed. */
  #owedBytes = 0;
  #compressesPayloads = false;
  #isClosed = false;

  constructor(ws: WebSocket, options: SocketWriterOptions) {
    this.#ws = ws;
    this.#options = options;
    this.#isBinary = options.encoding === 'etf' || options.compression !== 'none';
    const { compression, zlibHistoryBytes } = options;
    if (compression === 'zlib-stream') this.#zlib = new ZlibChunks(zlibHistoryBytes);
    if (compression === 'zstd-stream') {
      this.#zstd = createCompressor('zstd-stream', { pendingBytesMax: ZSTD_PENDING_MAX });
    }
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount + (this.#zstd?.pendingBytes ?? 0);
  }

  compressPayloads(): void {
    const { encoding, compression } = this.#options;
    this.#compressesPayloads = encoding === 'json' && compression === 'none';
  }

  /** Hot path. */
  write(dispatch: Dispatch, s: number, isOwed = dispatch.isOwn): number {
    if (this.#isClosed) return 0;
    const { encoding } = this.#options;
    const { encoded } = dispatch;
    if (this.#zlib !== undefined && !dispatch.isOwn && this.#options.zlibHistoryBytes === 0) {
      return this.#send(encoded.zlibFrame(encoding, s), true, isOwed);
    }
    const frame = encoded.frame(encoding, s);
    return dispatch.isOwn && this.#compressesPayloads
      ? this.#send(compressPayload(frame), true, isOwed)
      : this.#compressed(frame, isOwed);
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
  }

  #compressed(frame: Buffer, isOwed: boolean): number {
    if (this.#zlib !== undefined) return this.#send(this.#zlib.compress(frame), true, isOwed);
    if (this.#zstd === undefined) return this.#send(frame, this.#isBinary, isOwed);
    const owedBytes = isOwed ? frame.length : 0;
    this.#owedBytes += owedBytes;
    this.#lastSent = this.#zstd.compress(frame).then(
      (message) => {
        this.#owedBytes -= owedBytes;
        this.#send(message, true, isOwed);
      },
      () => this.#cutOff(),
    );
    return frame.length;
  }

  #send(message: Buffer, isBinary: boolean, isOwed: boolean): number {
    const options = { binary: isBinary, compress: false };
    if (isOwed) {
      this.#owedBytes += message.length;
      this.#ws.send(message, options, () => (this.#owedBytes -= message.length));
    } else {
      this.#ws.send(message, options, noop);
    }
    if (this.bufferedBytes > this.#options.bufferBytesMax + this.#owedBytes) this.#cutOff();
    return message.length;
  }

  #cutOff(): void {
    if (this.#isClosed) return;
    this.#options.onSlow();
    this.terminate();
  }
}

/** Errors of the socket come as its events; `send` also hands them to its callback. */
function noop(): void {}
