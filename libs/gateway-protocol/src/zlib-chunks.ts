/**
 * `zlib-stream` without a compressor per connection.
 *
 * A zlib stream is a header and then blocks; a sync flush ends the last block on a byte boundary.
 * So a connection's stream may be put together from pieces that were compressed apart:
 *
 *   78 9c | chunk 00 00 ff ff | chunk 00 00 ff ff | stored block, chunk 00 00 ff ff | ...
 *
 * on one condition: a piece refers back only to bytes that are really before it. A piece made from
 * an empty window refers to none, and fits any connection: an event is compressed once and sent to
 * all (`deflateChunk`), after the few bytes that differ, as they are (a stored block). A piece made
 * with the last bytes of its connection as dictionary fits that one only, and is a third of the
 * size on talk that repeats itself (`ZlibChunks`). The stream never ends, so its checksum is never
 * asked for.
 *
 *   stored block   00 | length 2, little-endian | its complement 2 | bytes          RFC 1951, 3.2.4
 */
import { constants, deflateRawSync } from 'node:zlib';

/** The two bytes that open every zlib stream: a window of 32 KiB, the default effort. */
export const ZLIB_STREAM_HEADER: Buffer = Buffer.from([0x78, 0x9c]);

/** The four bytes that end every message; a client inflates when it sees them. */
export const ZLIB_SUFFIX: Buffer = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** What a stored block adds to its bytes. */
export const STORED_BLOCK_OVERHEAD = 5;

// A window of 4 KiB and little memory lose nothing on payloads this small, and take a third of the
// time: what costs is to make and clear a context each time.
const SMALL = { windowBits: 12, memLevel: 5, finishFlush: constants.Z_SYNC_FLUSH };
const LARGE = { finishFlush: constants.Z_SYNC_FLUSH };
const SMALL_SIZE_MAX = 4096;

/** One piece of any connection's stream, ending in the suffix. Refers to nothing before it. */
export function deflateChunk(bytes: Buffer): Buffer {
  return deflateRawSync(bytes, bytes.length <= SMALL_SIZE_MAX ? SMALL : withRoomFor(bytes));
}

/** Opens a block whose `size` bytes (at most 65,535) follow as they are; returns where they go. */
export function writeStoredBlockHeader(target: Buffer, at: number, size: number): number {
  if (size > 0xffff) throw new RangeError('a stored block holds 65,535 bytes');
  target[at] = 0;
  target.writeUInt16LE(size, at + 1);
  return target.writeUInt16LE(size ^ 0xffff, at + 3);
}

/**
 * One connection's stream, made of pieces, at once. The first message must come from `compress`
 * (HELLO does): it carries the header. Needs no closing.
 */
export class ZlibChunks {
  /** The last payloads, oldest byte first; filled from the left. Its own memory, not a pool's. */
  readonly #history: Buffer;
  #historySize = 0;
  #isOpened = false;

  /** @param historySizeMax bytes of earlier payloads to refer to, at most 32,768; 0 for none. */
  constructor(historySizeMax: number) {
    if (!(historySizeMax >= 0 && historySizeMax <= 32_768)) {
      throw new RangeError('historySizeMax is not within 0 and 32,768');
    }
    this.#history = Buffer.allocUnsafeSlow(historySizeMax);
  }

  /**
   * Hot path. The one message that carries a payload; it ends with exactly one suffix. With a
   * history all messages must come from here; without, others may be made elsewhere (`SharedFrame`).
   */
  compress(payload: Buffer): Buffer {
    const chunk = this.#referringBack(payload);
    if (this.#isOpened) return chunk;
    this.#isOpened = true;
    return Buffer.concat([ZLIB_STREAM_HEADER, chunk]);
  }

  #referringBack(payload: Buffer): Buffer {
    if (this.#historySize === 0) {
      this.#remember(payload);
      return deflateChunk(payload);
    }
    const dictionary = this.#history.subarray(0, this.#historySize);
    const isSmall = payload.length + dictionary.length <= SMALL_SIZE_MAX;
    const options = isSmall ? SMALL : withRoomFor(payload);
    const chunk = deflateRawSync(payload, { ...options, dictionary });
    this.#remember(payload);
    return chunk;
  }

  #remember(payload: Buffer): void {
    const sizeMax = this.#history.length;
    const added = payload.subarray(-Math.min(sizeMax, payload.length));
    if (sizeMax === 0 || added.length === 0) return;
    const kept = Math.min(this.#historySize, sizeMax - added.length);
    this.#history.copyWithin(0, this.#historySize - kept, this.#historySize);
    this.#history.set(added, kept);
    this.#historySize = kept + added.length;
  }
}

/** With room for all the output in one piece zlib is asked once, and flushes once. */
function withRoomFor(bytes: Buffer): typeof LARGE & { chunkSize: number } {
  return { ...LARGE, chunkSize: bytes.length + (bytes.length >> 8) + 1024 };
}
