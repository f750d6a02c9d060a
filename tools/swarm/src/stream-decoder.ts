// zlib-stream and zstd-stream, decoded at once: one context per connection, as a client has, but no
// stream, no worker thread and no buffer of its own. A transform stream of Node costs a trip to a
// thread and several objects per message, which for 50,000 messages a second is more than the
// decoding. The synchronous call below it has no public name; it is what `inflateSync` is made of,
// and that it is there and works is checked when a decoder is made.

import zlib from 'node:zlib';

interface RawHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputBytes: number,
    output: Uint8Array,
    outputAt: number,
    outputBytes: number,
  ): void;
  close(): void;
}

interface RawStream {
  /** Bytes of the output that are left, and of the input. */
  readonly _writeState: Uint32Array;
  readonly _handle: RawHandle | null;
}

const CHUNK_SIZE_MIN = 64;
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

/** Where decoders of this process put what they decode: only the last message is there. */
export class DecodedBytes {
  bytes = Buffer.allocUnsafe(256 * 1024);

  grow(): void {
    if (this.bytes.length >= OUTPUT_BYTES_MAX) throw new Error('a message inflates without end');
    const grown = Buffer.allocUnsafe(2 * this.bytes.length);
    this.bytes.copy(grown);
    this.bytes = grown;
  }
}

/** One connection's context. To be closed. */
export class StreamDecoder {
  readonly #stream: zlib.Inflate | zlib.ZstdDecompress;
  readonly #raw: RawStream;
  readonly #flush: number;
  readonly #output: DecodedBytes;
  #error: unknown;

  /** Throws when this Node has no such call. */
  constructor(kind: 'zlib-stream' | 'zstd-stream', output: DecodedBytes) {
    const options = { chunkSize: CHUNK_SIZE_MIN };
    this.#stream =
      kind === 'zlib-stream' ? zlib.createInflate(options) : zlib.createZstdDecompress(options);
    this.#flush =
      kind === 'zlib-stream' ? zlib.constants.Z_SYNC_FLUSH : zlib.constants.ZSTD_e_flush;
    this.#output = output;
    this.#raw = this.#stream as unknown as RawStream;
    this.#stream.on('error', (error) => (this.#error = error));
    if (typeof this.#raw._handle?.writeSync !== 'function') {
      throw new Error('this version of Node has no synchronous decompression to build on');
    }
  }

  /**
   * Hot path. Decodes one message, from `start` to before `end`; what comes out begins at 0 of the
   * shared output, and is this many bytes. Throws when it makes no sense.
   */
  decode(bytes: Buffer, start: number, end: number): number {
    const state = this.#raw._writeState;
    let inputAt = start;
    let outputAt = 0;
    for (;;) {
      const output = this.#output.bytes;
      const room = output.length - outputAt;
      const handle = this.#raw._handle;
      if (handle === null) throw new Error('the decoder is closed');
      handle.writeSync(this.#flush, bytes, inputAt, end - inputAt, output, outputAt, room);
      if (this.#error !== undefined) throw this.#error;
      const roomLeft = state[0]!;
      inputAt = end - state[1]!;
      outputAt += room - roomLeft;
      if (roomLeft > 0) return outputAt;
      this.#output.grow();
    }
  }

  close(): void {
    this.#stream.destroy();
  }
}
