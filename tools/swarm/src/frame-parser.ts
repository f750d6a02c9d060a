// The receiving half of a WebSocket (RFC 6455), for a client that is sent much: it calls back with
// a buffer and two offsets, and copies only what a read cut in two.
//
//   fin 1 | 000 | opcode 4     mask 0 | length 7     length 16 or 64, if 126 or 127     payload

/** The opcodes that matter here. */
export const WsOpcode = {
  Continuation: 0,
  Text: 1,
  Binary: 2,
  Close: 8,
  Ping: 9,
  Pong: 10,
} as const;

/** What a server must not send: the connection is to be given up. */
export class WsViolation extends Error {}

/** A message or a control frame: bytes from `start` to before `end`, valid during the call. */
export type OnFrame = (opcode: number, bytes: Buffer, start: number, end: number) => void;

const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** One connection's. After a {@link WsViolation} it must not be used again. */
export class FrameParser {
  readonly #onFrame: OnFrame;
  /** A frame that has not come whole. */
  #pending: Buffer | undefined;
  #pendingBytes = 0;
  /** The frames of a message that comes in several. */
  #fragments: Buffer[] | undefined;
  #fragmentsOpcode = 0;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** Hot path. Takes what was read; `chunk` is not kept. Throws a {@link WsViolation}. */
  push(chunk: Buffer, start: number, end: number): void {
    if (this.#pending === undefined) {
      const taken = this.#parse(chunk, start, end);
      if (taken < end) this.#keep(chunk, taken, end);
      return;
    }
    this.#keep(chunk, start, end);
    const pending = this.#pending;
    const pendingBytes = this.#pendingBytes;
    // Parsing may end the connection or bring more, so nothing is kept here meanwhile.
    if (pendingBytes < neededBytes(pending, pendingBytes)) return;
    this.#pending = undefined;
    this.#pendingBytes = 0;
    const taken = this.#parse(pending, 0, pendingBytes);
    if (taken < pendingBytes) this.#keep(pending, taken, pendingBytes);
  }

  /** Calls back for each whole frame; where the first that is not whole begins. */
  #parse(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (end - at >= 2) {
      const first = bytes[at]!;
      const short = bytes[at + 1]!;
      if ((first & 0x70) !== 0) throw new WsViolation('a reserved bit is set');
      if (short > LENGTH_64) throw new WsViolation('a server masked a frame');
      let bodyAt = at + 2;
      let length = short;
      if (short === LENGTH_16) {
        if (end - at < 4) break;
        length = bytes.readUInt16BE(at + 2);
        bodyAt = at + 4;
      } else if (short === LENGTH_64) {
        if (end - at < 10) break;
        length = bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
        if (length > MESSAGE_BYTES_MAX) throw new WsViolation('a message is too large');
        bodyAt = at + 10;
      }
      if (end - bodyAt < length) break;
      at = bodyAt + length;
      this.#frame(first, bytes, bodyAt, at);
    }
    return at;
  }

  #frame(first: number, bytes: Buffer, start: number, end: number): void {
    const opcode = first & 0x0f;
    const isFinal = (first & 0x80) !== 0;
    if (opcode >= WsOpcode.Close || (isFinal && opcode !== WsOpcode.Continuation)) {
      if (this.#fragments !== undefined && opcode < WsOpcode.Close) {
        throw new WsViolation('a message began within another');
      }
      this.#onFrame(opcode, bytes, start, end);
      return;
    }
    if (opcode !== WsOpcode.Continuation) {
      this.#fragments = [];
      this.#fragmentsOpcode = opcode;
    }
    if (this.#fragments === undefined) throw new WsViolation('a continuation of nothing');
    this.#fragments.push(Buffer.from(bytes.subarray(start, end)));
    if (!isFinal) return;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = undefined;
    this.#onFrame(this.#fragmentsOpcode, whole, 0, whole.length);
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const added = end - start;
    const neededSize = this.#pendingBytes + added;
    if (this.#pending === undefined || this.#pending.length < neededSize) {
      const grown = Buffer.allocUnsafe(Math.max(neededSize, 2 * this.#pendingBytes));
      if (this.#pending !== undefined) this.#pending.copy(grown, 0, 0, this.#pendingBytes);
      this.#pending = grown;
    }
    bytes.copy(this.#pending, this.#pendingBytes, start, end);
    this.#pendingBytes = neededSize;
  }
}

/** How many bytes the frame has, as far as one can tell. */
function neededBytes(bytes: Buffer, count: number): number {
  if (count < 2) return 2;
  const short = bytes[1]! & 0x7f;
  if (short < LENGTH_16) return 2 + short;
  if (short === LENGTH_16) return count < 4 ? 4 : 4 + bytes.readUInt16BE(2);
  if (count < 10) return 10;
  return 10 + bytes.readUInt32BE(2) * 2 ** 32 + bytes.readUInt32BE(6);
}
