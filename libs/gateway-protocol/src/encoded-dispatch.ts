/**
 * One event on its way to many sessions: everything is encoded once, and only the sequence differs.
 *
 *   json   {"op":0,"s":  123  ,"t":"MESSAGE_CREATE","d":{...}}
 *   etf    131 | 116, arity 4 | "op" 97 0 | "s" 98   0 0 0 123   | "t" "MESSAGE_CREATE" | "d" {...}
 *          `---------------- head --------------------------'     `---- body, shared -----------'
 *
 * The sequence comes first so that all after it is one shared run of bytes: it may be handed to the
 * socket as it is (`head` and `body`, two pieces of one message), copied behind the head (`frame`,
 * `writeFrame`), or compressed once for every `zlib-stream` (`zlibFrame`, see zlib-chunks.ts).
 *
 * What is not asked for is not made: the ETF form costs a JSON parse and is made for the first
 * session that wants it.
 */
import type { Encoding } from './api-version.js';
import { EtfTag } from './etf-tags.js';
import { encodeEtfTerm } from './etf-encoder.js';
import { deflateChunk, STORED_BLOCK_OVERHEAD, writeStoredBlockHeader } from './zlib-chunks.js';

const JSON_HEAD = Buffer.from('{"op":0,"s":');
const ETF_HEAD = Buffer.concat([
  Buffer.from([EtfTag.Version, EtfTag.Map, 0, 0, 0, 4]),
  encodeEtfTerm('op'),
  encodeEtfTerm(0),
  encodeEtfTerm('s'),
  Buffer.from([EtfTag.Integer]),
]);
const ETF_HEAD_SIZE = ETF_HEAD.length + 4;

/** The largest sequence: what fits the integer of both encodings. */
export const SEQUENCE_MAX = 2 ** 31 - 1;

/** An event encoded for any number of sessions. The buffers it gives out must not be written to. */
export class EncodedDispatch {
  readonly type: string;
  readonly #dataJson: Buffer;
  readonly #bodies: Record<Encoding, Buffer | undefined> = { json: undefined, etf: undefined };
  readonly #chunks: Record<Encoding, Buffer | undefined> = { json: undefined, etf: undefined };

  /** @param dataJson the event's `d` as UTF-8 JSON, trusted to be that; kept, and not copied. */
  constructor(type: string, dataJson: Buffer) {
    this.type = type;
    this.#dataJson = dataJson;
  }

  /** Hot path. The whole payload as one session is sent it. 1 <= sequence <= SEQUENCE_MAX. */
  frame(encoding: Encoding, sequence: number): Buffer {
    const body = this.body(encoding);
    const headSize = dispatchHeadSize(encoding, sequence);
    const frame = Buffer.allocUnsafe(headSize + body.length);
    writeDispatchHead(frame, 0, encoding, sequence);
    frame.set(body, headSize);
    return frame;
  }

  /** The size of that frame. */
  frameSize(encoding: Encoding, sequence: number): number {
    return dispatchHeadSize(encoding, sequence) + this.body(encoding).length;
  }

  /**
   * Hot path. Writes that frame into a larger buffer, which has room; returns the offset after it.
   */
  writeFrame(target: Buffer, at: number, encoding: Encoding, sequence: number): number {
    const body = this.body(encoding);
    const bodyAt = writeDispatchHead(target, at, encoding, sequence);
    target.set(body, bodyAt);
    return bodyAt + body.length;
  }

  /** What follows the head, the same for every session. */
  body(encoding: Encoding): Buffer {
    return (this.#bodies[encoding] ??= encoding === 'json' ? this.#jsonBody() : this.#etfBody());
  }

  /**
   * Hot path. The frame as a message of any `zlib-stream` that has been opened: the head as it is,
   * then the body compressed, once for all. Ends with exactly one suffix.
   */
  zlibFrame(encoding: Encoding, sequence: number): Buffer {
    const chunk = (this.#chunks[encoding] ??= deflateChunk(this.body(encoding)));
    const headSize = dispatchHeadSize(encoding, sequence);
    const frame = Buffer.allocUnsafe(STORED_BLOCK_OVERHEAD + headSize + chunk.length);
    const headAt = writeStoredBlockHeader(frame, 0, headSize);
    frame.set(chunk, writeDispatchHead(frame, headAt, encoding, sequence));
    return frame;
  }

  #jsonBody(): Buffer {
    const opening = Buffer.from(`,"t":${JSON.stringify(this.type)},"d":`);
    return Buffer.concat([opening, this.#dataJson, Buffer.from('}')]);
  }

  #etfBody(): Buffer {
    const data: unknown = JSON.parse(this.#dataJson.toString());
    return Buffer.concat([
      encodeEtfTerm('t'),
      encodeEtfTerm(this.type),
      encodeEtfTerm('d'),
      encodeEtfTerm(data),
    ]);
  }
}

/** The bytes of a head: for JSON they grow with the digits of the sequence. */
export function dispatchHeadSize(encoding: Encoding, sequence: number): number {
  return encoding === 'json' ? JSON_HEAD.length + digitsCount(sequence) : ETF_HEAD_SIZE;
}

/** Hot path. Writes all of a frame that goes before its body; returns the offset after it. */
export function writeDispatchHead(
  target: Buffer,
  at: number,
  encoding: Encoding,
  sequence: number,
): number {
  if (encoding === 'etf') {
    target.set(ETF_HEAD, at);
    return target.writeInt32BE(sequence, at + ETF_HEAD.length);
  }
  target.set(JSON_HEAD, at);
  const end = at + JSON_HEAD.length + digitsCount(sequence);
  let rest = sequence;
  for (let digitAt = end - 1; digitAt >= at + JSON_HEAD.length; digitAt -= 1) {
    const tenth = Math.floor(rest / 10);
    target[digitAt] = 0x30 + rest - tenth * 10;
    rest = tenth;
  }
  return end;
}

function digitsCount(value: number): number {
  let count = 1;
  for (let limit = 10; value >= limit; limit *= 10) count += 1;
  return count;
}
