/**
 * Transport compression: one stream for the life of a connection, one WebSocket message per
 * payload.
 *
 * Two ways to make one, and they cost differently (bench/compression.bench.ts): a context of its
 * own for each connection is 240 KiB (zlib) or 394 (zstd), and most of its time is the way to a
 * worker thread and back; pieces that were compressed apart (zlib-chunks.ts, zstd-chunks.ts) are
 * there at once, at a half to a quarter of the CPU, and those that fit any connection are
 * compressed once.
 *
 * Here is the first way. `flush` on the stream makes zlib end each write on a byte boundary with
 * `00 00 ff ff`, and zstd end a block without ending the frame, which is what clients wait for.
 */
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import type { TransportCompression } from './api-version.js';
import { OrderedTransform } from './ordered-transform.js';

/** Turns payloads into the messages of one connection, in the order of the calls. */
export interface Compressor {
  /** Bytes taken in and not yet given out: what a slow machine makes grow. */
  readonly pendingBytes: number;
  /**
   * The one message that carries the payload (not empty, and left alone until the promise settles).
   * Rejects with `CompressionFailed`; after that, or after `close`, all calls do, for the other
   * side's context no longer matches ours. Promises settle in the order of the calls.
   */
  compress(payload: Buffer): Promise<Buffer>;
  /** Frees the context; what is pending rejects. May be called twice. */
  close(): void;
}

/** The client's half of `Compressor`, with the same promises. */
export interface Decompressor {
  readonly pendingBytes: number;
  /** The payload of one whole message; rejects if it inflates beyond the bound. */
  decompress(message: Buffer): Promise<Buffer>;
  close(): void;
}

/** What a compressor may use. */
export interface CompressorOptions {
  /** Bytes that may be pending; a payload beyond is refused. Default 4 MiB. */
  readonly pendingBytesMax?: number;
  /** zlib only: memory is `2^(windowBits+2) + 2^(memLevel+9)` bytes. Default 15 and 8, 256 KiB. */
  readonly windowBits?: number;
  readonly memLevel?: number;
}

/** What a decompressor may use. */
export interface DecompressorOptions {
  /** Bytes that may be pending. Default 4 MiB. */
  readonly pendingBytesMax?: number;
  /** Bytes that one message may inflate to. Default 16 MiB. */
  readonly outputSizeMax?: number;
}

const PENDING_BYTES_MAX = 4 * 1024 * 1024;
const OUTPUT_SIZE_MAX = 16 * 1024 * 1024;

type StreamKind = Exclude<TransportCompression, 'none'>;

/**
 * The compressor of one connection. Never shared and never carried over to another, also on resume.
 */
export function createCompressor(kind: StreamKind, options: CompressorOptions = {}): Compressor {
  const ordered = new OrderedTransform(
    kind === 'zlib-stream' ? deflater(options) : zstdCompressor(),
    options.pendingBytesMax ?? PENDING_BYTES_MAX,
    Number.MAX_SAFE_INTEGER,
  );
  const isZlib = kind === 'zlib-stream';
  return {
    get pendingBytes() {
      return ordered.pendingBytes;
    },
    async compress(payload) {
      const chunks = await ordered.transform(payload);
      return isZlib ? withOneSuffix(chunks) : joined(chunks);
    },
    close: () => ordered.close(),
  };
}

/** The decompressor of one connection. */
export function createDecompressor(
  kind: StreamKind,
  options: DecompressorOptions = {},
): Decompressor {
  const ordered = new OrderedTransform(
    kind === 'zlib-stream'
      ? zlib.createInflate({ flush: zlib.constants.Z_SYNC_FLUSH })
      : zlib.createZstdDecompress({ flush: zlib.constants.ZSTD_e_flush }),
    options.pendingBytesMax ?? PENDING_BYTES_MAX,
    options.outputSizeMax ?? OUTPUT_SIZE_MAX,
  );
  return {
    get pendingBytes() {
      return ordered.pendingBytes;
    },
    decompress: async (message) => joined(await ordered.transform(message)),
    close: () => ordered.close(),
  };
}

/**
 * Payload compression (`compress: true` in IDENTIFY): a zlib stream (RFC 1950) of its own, at once.
 */
export function compressPayload(payload: Buffer): Buffer {
  return zlib.deflateSync(payload);
}

function deflater({ windowBits = 15, memLevel = 8 }: CompressorOptions): Transform {
  return zlib.createDeflate({ flush: zlib.constants.Z_SYNC_FLUSH, windowBits, memLevel });
}

/**
 * Level 6 with a window of 256 KiB: the settings published for this protocol by those who run it.
 */
function zstdCompressor(): Transform {
  const { constants } = zlib;
  return zlib.createZstdCompress({
    flush: constants.ZSTD_e_flush,
    params: {
      [constants.ZSTD_c_compressionLevel]: 6,
      [constants.ZSTD_c_windowLog]: 18,
      [constants.ZSTD_c_chainLog]: 16,
      [constants.ZSTD_c_hashLog]: 16,
    },
  });
}

const SUFFIX_TWICE = Buffer.from([0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff]);
const EMPTY_BLOCK_SIZE = 5;

/**
 * When the output ends within a few bytes of the end of zlib's output buffer, it is asked again and
 * writes its flush marker, an empty block, a second time. A client that looks for the suffix inside
 * a message would take it for two; the second block says nothing, so it goes.
 */
function withOneSuffix(chunks: readonly Buffer[]): Buffer {
  const message = joined(chunks);
  const isSplitAtTheEnd = chunks.length > 1 && chunks.at(-1)!.length <= SUFFIX_TWICE.length;
  return isSplitAtTheEnd && message.subarray(-SUFFIX_TWICE.length).equals(SUFFIX_TWICE)
    ? message.subarray(0, -EMPTY_BLOCK_SIZE)
    : message;
}

function joined(chunks: readonly Buffer[]): Buffer {
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}
