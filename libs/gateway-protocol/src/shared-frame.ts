/**
 * One event as a whole WebSocket message (RFC 6455, unmasked, as a server sends it), in memory
 * once, for any number of sessions in turn: what differs is written in place before each send.
 *
 *   | free |  81 7e 01 2c  |             {"op":0,"s":123  |  ,"t":"MESSAGE_CREATE","d":{...}}  |
 *   | free |  82 7e 00 d0  |  00 0f ..   {"op":0,"s":123  |  chunk 00 00 ff ff                 |
 *          `-- ws header --+-- header --+----- head -----' `--------- body, shared -----------'
 *          `start          `of a block, if compressed     `ROOM                             `end
 *
 * The head ends where the body begins, so a longer number moves only the few bytes before it, and
 * that happens when the count of digits changes, not with each session. Nothing is allocated for a
 * recipient; the kernel copies the bytes when they are sent.
 */
import type { Encoding, TransportCompression } from './api-version.js';
import { dispatchHeadSize, writeDispatchHead } from './dispatch-head.js';
import { STORED_BLOCK_OVERHEAD, writeStoredBlockHeader } from './zlib-chunks.js';
import { RAW_BLOCK_OVERHEAD, writeRawBlockHeader } from './zstd-chunks.js';

/**
 * The forms in which one run of bytes serves every session: an encoding, plain or in shared chunks
 * of a compression.
 */
export const SharedForm = { Json: 0, Etf: 1, JsonZlib: 2, EtfZlib: 3, JsonZstd: 4 } as const;
export type SharedForm = (typeof SharedForm)[keyof typeof SharedForm];

/** How many forms there are. */
export const SHARED_FORMS_COUNT = 5;

/** The form of an encoding as it is. */
export function plainForm(encoding: Encoding): SharedForm {
  return encoding === 'json' ? SharedForm.Json : SharedForm.Etf;
}

/** The form of an encoding in a compression; ETF has no chunks of zstd that fit all. */
export function sharedForm(
  encoding: Encoding,
  compression: TransportCompression,
): SharedForm | undefined {
  const isJson = encoding === 'json';
  switch (compression) {
    case 'none':
      return plainForm(encoding);
    case 'zlib-stream':
      return isJson ? SharedForm.JsonZlib : SharedForm.EtfZlib;
    case 'zstd-stream':
      return isJson ? SharedForm.JsonZstd : undefined;
  }
}

const ENCODINGS = {
  [SharedForm.Json]: 'json',
  [SharedForm.Etf]: 'etf',
  [SharedForm.JsonZlib]: 'json',
  [SharedForm.EtfZlib]: 'etf',
  [SharedForm.JsonZstd]: 'json',
} as const satisfies Record<SharedForm, Encoding>;

const WS_TEXT = 0x81;
const WS_BINARY = 0x82;
const WS_SIZE_16 = 126;
const WS_SIZE_64 = 127;
const TWO_TO_32 = 2 ** 32;

/** Room before every body: for the longest header of WebSocket, block and dispatch. */
const ROOM = 64;

/** Room and body in one piece of memory, which a `SharedFrame` may be made of. */
export function withRoom(pieces: readonly Buffer[]): Buffer {
  let size = ROOM;
  for (const piece of pieces) size += piece.length;
  const bytes = Buffer.allocUnsafe(size);
  let at = ROOM;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** See the top of the file. Valid from `start` to `end` until the next `patch`. */
export class SharedFrame {
  /** To be sent from, and not written to. */
  readonly bytes: Buffer;
  /** Where the message of the session that was patched for last begins in `bytes`. */
  start = ROOM;
  readonly end: number;
  /** What follows the head, the same for every session. */
  readonly body: Buffer;
  readonly #form: SharedForm;
  readonly #encoding: Encoding;
  /** Sequences within these limits have the head that lies there, but for the number. */
  #layoutFrom = 1;
  #layoutBelow = 0;

  /** @param bytes as made by `withRoom`; from now on this frame's own. */
  constructor(form: SharedForm, bytes: Buffer) {
    this.#form = form;
    this.#encoding = ENCODINGS[form];
    this.bytes = bytes;
    this.end = bytes.length;
    this.body = bytes.subarray(ROOM);
  }

  /**
   * Hot path. Makes it the frame of one session; returns its size in bytes, header and all.
   * 1 <= sequence <= SEQUENCE_MAX.
   */
  patch(sequence: number): number {
    if (sequence < this.#layoutFrom || sequence >= this.#layoutBelow) this.#layOut(sequence);
    const { bytes } = this;
    if (this.#encoding === 'etf') {
      bytes[ROOM - 4] = sequence >>> 24;
      bytes[ROOM - 3] = (sequence >>> 16) & 0xff;
      bytes[ROOM - 2] = (sequence >>> 8) & 0xff;
      bytes[ROOM - 1] = sequence & 0xff;
    } else {
      let rest = sequence;
      for (let at = ROOM - 1; rest > 0; at -= 1) {
        const tenth = (rest / 10) | 0;
        bytes[at] = 0x30 + rest - tenth * 10;
        rest = tenth;
      }
    }
    return this.end - this.start;
  }

  /** Hot path. Writes one session's frame into a larger buffer, which has room; the next offset. */
  writeTo(target: Buffer, at: number, sequence: number): number {
    const size = this.patch(sequence);
    this.bytes.copy(target, at, this.start, this.end);
    return at + size;
  }

  /** The most that `patch` may say. */
  get sizeMax(): number {
    return this.end;
  }

  /** Everything before the body, for sequences with as many digits as this one. */
  #layOut(sequence: number): void {
    const { bytes } = this;
    const headSize = dispatchHeadSize(this.#encoding, sequence);
    let at = ROOM - headSize;
    writeDispatchHead(bytes, at, this.#encoding, sequence);
    if (this.#form === SharedForm.JsonZstd) {
      at -= RAW_BLOCK_OVERHEAD;
      writeRawBlockHeader(bytes, at, headSize);
    } else if (this.#form !== plainForm(this.#encoding)) {
      at -= STORED_BLOCK_OVERHEAD;
      writeStoredBlockHeader(bytes, at, headSize);
    }
    this.start = layHeader(bytes, at, this.end - at, this.#form === SharedForm.Json);
    this.#layoutFrom = 1;
    this.#layoutBelow = Infinity;
    if (this.#encoding === 'etf') return;
    while (this.#layoutFrom * 10 <= sequence) this.#layoutFrom *= 10;
    this.#layoutBelow = this.#layoutFrom * 10;
  }
}

/** Writes the header of an unmasked message so that it ends at `end`; where it begins. */
function layHeader(bytes: Buffer, end: number, size: number, isText: boolean): number {
  let start = end - 2;
  if (size < WS_SIZE_16) {
    bytes[start + 1] = size;
  } else if (size <= 0xffff) {
    start = end - 4;
    bytes[start + 1] = WS_SIZE_16;
    bytes.writeUInt16BE(size, start + 2);
  } else {
    start = end - 10;
    bytes[start + 1] = WS_SIZE_64;
    bytes.writeUInt32BE(Math.floor(size / TWO_TO_32), start + 2);
    bytes.writeUInt32BE(size % TWO_TO_32, start + 6);
  }
  bytes[start] = isText ? WS_TEXT : WS_BINARY;
  return start;
}
