/**
 * One event on its way to many sessions: everything is encoded once, and only the sequence differs.
 *
 *   json   {"op":0,"s":  123  ,"t":"MESSAGE_CREATE","d":{...}}
 *   etf    131 | 116, arity 4 | "op" 97 0 | "s" 98   0 0 0 123   | "t" "MESSAGE_CREATE" | "d" {...}
 *          `---------------- head --------------------------'     `---- body, shared -----------'
 *
 * The sequence comes first so that all after it is one shared run of bytes. It may be copied behind
 * a head (`frame`, `writeFrame`), compressed once for every connection (see zlib-chunks.ts and
 * zstd-chunks.ts), or sent from where it is after its head was patched (`shared`, shared-frame.ts).
 *
 * What is not asked for is not made: the ETF form costs a JSON parse and is made for the first
 * session that wants it.
 */
import type { Encoding } from './api-version.js';
import { dispatchHeadSize, writeDispatchHead } from './dispatch-head.js';
import { encodeEtfTerm } from './etf-encoder.js';
import {
  plainForm,
  SHARED_FORMS_COUNT,
  SharedForm,
  SharedFrame,
  withRoom,
} from './shared-frame.js';
import { deflateChunk } from './zlib-chunks.js';
import { zstdChunk } from './zstd-chunks.js';

const NONE: (SharedFrame | undefined)[] = [];
const CLOSING = Buffer.from('}');
const T = encodeEtfTerm('t');
const D = encodeEtfTerm('d');

/** An event encoded for any number of sessions. The buffers it gives out must not be written to. */
export class EncodedDispatch {
  readonly type: string;
  readonly #dataJson: Buffer;
  /** By form. The only place where bodies and chunks are. */
  #shared: (SharedFrame | undefined)[] = NONE;

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

  /**
   * The same for an event that one session alone is sent: nothing is kept for others, so that what
   * waits to be confirmed is in memory once.
   */
  frameOnce(encoding: Encoding, sequence: number): Buffer {
    const parts = this.#bodyOf(plainForm(encoding));
    const head = Buffer.allocUnsafe(dispatchHeadSize(encoding, sequence));
    writeDispatchHead(head, 0, encoding, sequence);
    return Buffer.concat([head, ...parts]);
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

  /** Hot path. The event as a WebSocket message that is patched for one session after another. */
  shared(form: SharedForm): SharedFrame {
    return this.#shared[form] ?? this.#make(form);
  }

  /** What follows the head, the same for every session. */
  body(encoding: Encoding): Buffer {
    return this.shared(plainForm(encoding)).body;
  }

  #make(form: SharedForm): SharedFrame {
    const frame = new SharedFrame(form, withRoom(this.#bodyOf(form)));
    if (this.#shared === NONE) this.#shared = new Array<undefined>(SHARED_FORMS_COUNT);
    this.#shared[form] = frame;
    return frame;
  }

  #bodyOf(form: SharedForm): Buffer[] {
    switch (form) {
      case SharedForm.Json:
        return [Buffer.from(`,"t":${JSON.stringify(this.type)},"d":`), this.#dataJson, CLOSING];
      case SharedForm.JsonZlib:
        return [deflateChunk(this.body('json'))];
      case SharedForm.EtfZlib:
        return [deflateChunk(this.body('etf'))];
      case SharedForm.JsonZstd:
        return [zstdChunk(this.body('json'))];
      case SharedForm.Etf: {
        const data: unknown = JSON.parse(this.#dataJson.toString());
        return [T, encodeEtfTerm(this.type), D, encodeEtfTerm(data)];
      }
    }
  }
}
