/**
 * `zstd-stream` without a compressor per connection, for JSON.
 *
 * A zstd frame is a header and then blocks, of which each ends on a byte boundary, and a frame need
 * not end. So a connection's stream may be put together from blocks that were compressed apart, as
 * with zlib (zlib-chunks.ts):
 *
 *   28 b5 2f fd 00 40 | message | message | ...
 *
 *   message   raw block: the bytes that differ | reset block | blocks, compressed once for all
 *
 * on the condition that a block goes by nothing that was before it. One that was compressed as the
 * first of a frame does not, with one exception: it may copy from one of the three distances that
 * were used last ("repeated offsets"), and takes them to be 1, 4 and 8, as they are when a frame
 * begins. The reset block makes them so. It is made of three copies, from distances of 8, 4 and 1,
 * and since a copy has at least three bytes, it says something: 33 spaces, which between two tokens
 * of JSON mean nothing. For ETF there is no such nothing; those connections keep a context.
 *
 *   block         last 1 | type 2 | size 21, little-endian       type 0: raw, 2: compressed
 *   reset block   c1 20      literals: 24 times a space
 *                 03 44      three copies; codes of lengths stated once, of distances predefined
 *                 08 00      each after 8 literals, each of 3 bytes
 *                 b8 dd 4a   from last to first bit: 1, then state 5 of code 3 and 011: distance 8;
 *                            state 14 of code 2 and 11: 4; state 14 of code 2 and 00: 1
 *
 * https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
 */
import { constants, zstdCompressSync } from 'node:zlib';

/** What opens the stream: one frame of unknown size without checksum, a window of 256 KiB. */
export const ZSTD_STREAM_HEADER: Buffer = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x40]);
const WINDOW_LOG = 18;

/** What a raw block adds to its bytes. */
export const RAW_BLOCK_OVERHEAD = 3;
/** The most bytes in a block. */
const BLOCK_SIZE_MAX = 2 ** 17;
const RAW = 0;
const RLE = 1;
const COMPRESSED = 2;

const RESET = [0xc1, 0x20, 0x03, 0x44, 0x08, 0x00, 0xb8, 0xdd, 0x4a];
const RESET_BLOCK = Buffer.from([(RESET.length << 3) | (COMPRESSED << 1), 0, 0, ...RESET]);

/** So few bytes are sent as they are: the reset block and a compressed one would be no fewer. */
const RAW_SIZE_MAX = 64;

const OPTIONS = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_windowLog]: WINDOW_LOG,
  },
};

/** Opens a block whose `size` bytes follow as they are; returns where they go. */
export function writeRawBlockHeader(target: Buffer, at: number, size: number): number {
  if (size > BLOCK_SIZE_MAX) throw new RangeError(`a block holds ${BLOCK_SIZE_MAX} bytes`);
  return target.writeUIntLE((size << 3) | (RAW << 1), at, RAW_BLOCK_OVERHEAD);
}

/**
 * JSON, or the rest of some, as blocks of any connection's stream; it comes out with spaces before
 * it, so it must not begin within a string or a number.
 */
export function zstdChunk(json: Buffer): Buffer {
  const frame = zstdCompressSync(json, OPTIONS);
  return Buffer.concat([RESET_BLOCK, blocksOf(frame)]);
}

/** One connection's stream, made of pieces, at once. Needs no closing. */
export class ZstdChunks {
  #isOpened = false;

  /**
   * Hot path. The one message that carries a payload, an object in JSON. The first has the header,
   * so it must come from here (HELLO does); others may be made elsewhere (`SharedFrame`).
   */
  compress(payload: Buffer): Buffer {
    const pieces = this.#isOpened ? [] : [ZSTD_STREAM_HEADER];
    this.#isOpened = true;
    // Spaces are best hidden behind the first bracket.
    const rawSize = payload.length <= RAW_SIZE_MAX ? payload.length : 1;
    const raw = Buffer.allocUnsafe(RAW_BLOCK_OVERHEAD + rawSize);
    payload.copy(raw, writeRawBlockHeader(raw, 0, rawSize), 0, rawSize);
    pieces.push(raw);
    if (rawSize < payload.length) pieces.push(zstdChunk(payload.subarray(rawSize)));
    return Buffer.concat(pieces);
  }
}

/** The blocks of a whole frame without a checksum, of which none is the last any more. */
function blocksOf(frame: Buffer): Buffer {
  const start = headerSize(frame);
  for (let at = start; ;) {
    const header = frame.readUIntLE(at, RAW_BLOCK_OVERHEAD);
    const isLast = (header & 1) !== 0;
    if (isLast) {
      frame[at]! &= 0xfe;
      return frame.subarray(start);
    }
    const type = (header >>> 1) & 3;
    at += RAW_BLOCK_OVERHEAD + (type === RLE ? 1 : header >>> 3);
  }
}

/** Of a frame: magic number 4 | descriptor 1 | window 1, or none | dictionary 0 | content size. */
function headerSize(frame: Buffer): number {
  const descriptor = frame[4]!;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  return 5 + (isSingleSegment ? 0 : 1) + contentSizeBytes;
}
