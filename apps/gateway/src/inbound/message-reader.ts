// The receiving half of the WebSocket protocol (RFC 6455, section 5): bytes as they come from a
// client become messages, pings and goodbyes. No extensions are negotiated, so none are understood.
//
//   0        1          2 ..                   payload
//   F RSV op M length   [16 or 64 bit length]  mask 4   bytes, each XOR its mask
//
// A connection at rest, between two frames, has no reader and no state: `readMessages` returns what
// is unfinished, most often nothing, and is given it with the next bytes. What is unfinished is in
// one buffer each for the frame and the message, never larger than a message may be.
import { isUtf8 } from 'node:buffer';

/** Who is told what was read, in order. None of these may throw. */
export interface MessageSink {
  /** False when nothing more is to be read: what was told before has closed the connection. */
  readonly isReading: boolean;
  /** A whole message; the bytes are the caller's only until this returns. */
  message(bytes: Buffer): void;
  ping(bytes: Buffer): void;
  /** The client says goodbye; 1005 when it gives no code. */
  goodbye(code: number): void;
  /** The client broke the protocol: how to close the connection. The rest is not read. */
  violated(code: number): void;
}

/** A frame and a message of which more is to come. */
export interface Unfinished {
  /** Of a header that is not whole yet. */
  readonly header: Buffer | undefined;
  readonly frame: PartialFrame | undefined;
  readonly message: PartialMessage | undefined;
}

interface PartialFrame {
  readonly header: Header;
  readonly payload: Buffer;
  filled: number;
}

interface PartialMessage {
  readonly isText: boolean;
  bytes: Buffer;
  size: number;
}

interface Header {
  readonly isFinal: boolean;
  readonly opcode: number;
  readonly payloadSize: number;
  /** Of the header itself. */
  readonly size: number;
  readonly mask: Buffer;
}

export const WsClose = {
  NoStatus: 1005,
  Abnormal: 1006,
  ProtocolError: 1002,
  NotUtf8: 1007,
  TooBig: 1009,
} as const;

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const RESERVED_BITS = 0x70;
const CONTROL_SIZE_MAX = 125;
const MASK_SIZE = 4;
const MESSAGE_SIZE_FIRST = 1024;

/**
 * Hot path. Reads what came and says it; returns what is unfinished, undefined between two frames.
 * `bytes` are unmasked where they are. A message of more than `sizeMax` bytes is a violation, told
 * as soon as its header says so.
 */
export function readMessages(
  bytes: Buffer,
  unfinished: Unfinished | undefined,
  sizeMax: number,
  sink: MessageSink,
): Unfinished | undefined {
  let message = unfinished?.message;
  let at = 0;
  let all = bytes;
  if (unfinished?.header !== undefined) all = Buffer.concat([unfinished.header, bytes]);
  const open = unfinished?.frame;
  if (open !== undefined) {
    at = Math.min(open.payload.length - open.filled, all.length);
    open.payload.set(all.subarray(0, at), open.filled);
    open.filled += at;
    if (open.filled < open.payload.length) return { header: undefined, frame: open, message };
    message = takeFrame(open.header, open.payload, message, sink);
  }
  while (sink.isReading && at < all.length) {
    const header = headerAt(all, at, message, sizeMax);
    if (typeof header === 'number') {
      sink.violated(header);
      return undefined;
    }
    if (header === undefined) {
      return { header: Buffer.from(all.subarray(at)), frame: undefined, message };
    }
    const from = at + header.size;
    const to = from + header.payloadSize;
    if (to > all.length) {
      const payload = Buffer.allocUnsafeSlow(header.payloadSize);
      payload.set(all.subarray(from), 0);
      const frame = { header, payload, filled: all.length - from };
      return { header: undefined, frame, message };
    }
    message = takeFrame(header, all.subarray(from, to), message, sink);
    at = to;
  }
  return message === undefined || !sink.isReading
    ? undefined
    : { header: undefined, frame: undefined, message };
}

/** The header that begins there; undefined when it is not whole, a close code when it is wrong. */
function headerAt(
  bytes: Buffer,
  at: number,
  message: PartialMessage | undefined,
  sizeMax: number,
): Header | number | undefined {
  if (bytes.length < at + 2) return undefined;
  const first = bytes[at]!;
  const second = bytes[at + 1]!;
  const isFinal = (first & 0x80) !== 0;
  const opcode = first & 0x0f;
  const short = second & 0x7f;
  if ((first & RESERVED_BITS) !== 0 || (second & 0x80) === 0) return WsClose.ProtocolError;
  if (opcode >= CLOSE) {
    if (opcode > PONG || !isFinal || short > CONTROL_SIZE_MAX) return WsClose.ProtocolError;
  } else {
    // A message goes on exactly when one has begun.
    const isExpected = opcode === CONTINUATION ? message !== undefined : message === undefined;
    if (opcode > BINARY || !isExpected) return WsClose.ProtocolError;
  }
  const lengthSize = short === 126 ? 2 : short === 127 ? 8 : 0;
  const size = 2 + lengthSize + MASK_SIZE;
  if (bytes.length < at + 2 + lengthSize) return undefined;
  const payloadSize = lengthSize === 0 ? short : bytes.readUIntBE(...lengthAt(at, lengthSize));
  const isHuge = lengthSize === 8 && bytes.readUInt16BE(at + 2) !== 0;
  if (isHuge || (message?.size ?? 0) + payloadSize > sizeMax) {
    if (opcode < CLOSE) return WsClose.TooBig;
  }
  if (bytes.length < at + size) return undefined;
  const mask = bytes.subarray(at + size - MASK_SIZE, at + size);
  return { isFinal, opcode, payloadSize, size, mask };
}

/** Where the length is: of eight bytes the last six, the others are zero or it is too big. */
function lengthAt(at: number, lengthSize: number): [offset: number, size: number] {
  return lengthSize === 2 ? [at + 2, 2] : [at + 4, 6];
}

/** A whole frame; returns the message that goes on after it. */
function takeFrame(
  { isFinal, opcode, mask }: Header,
  payload: Buffer,
  message: PartialMessage | undefined,
  sink: MessageSink,
): PartialMessage | undefined {
  unmask(payload, mask);
  if (opcode >= CLOSE) {
    if (opcode === PING) sink.ping(payload);
    else if (opcode === CLOSE) takeGoodbye(payload, sink);
    return message;
  }
  const isText = message?.isText ?? opcode === TEXT;
  if (!isFinal) return extended(message ?? { isText, bytes: EMPTY, size: 0 }, payload);
  const whole =
    message === undefined
      ? payload
      : ((last) => last.bytes.subarray(0, last.size))(extended(message, payload));
  if (isText && !isUtf8(whole)) sink.violated(WsClose.NotUtf8);
  else sink.message(whole);
  return undefined;
}

function takeGoodbye(payload: Buffer, sink: MessageSink): void {
  if (payload.length === 0) {
    sink.goodbye(WsClose.NoStatus);
    return;
  }
  const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
  if (!mayBeSent(code)) sink.violated(WsClose.ProtocolError);
  else if (!isUtf8(payload.subarray(2))) sink.violated(WsClose.NotUtf8);
  else sink.goodbye(code);
}

/** Whether a close frame may carry it: codes of the protocol, of libraries, of applications. */
function mayBeSent(code: number): boolean {
  if (code >= 3000) return code < 5000;
  return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

/** In one buffer, doubled as needed: pieces of one byte each must not cost an object each. */
function extended(message: PartialMessage, payload: Buffer): PartialMessage {
  const size = message.size + payload.length;
  if (size > message.bytes.length) {
    const larger = Buffer.allocUnsafeSlow(
      Math.max(MESSAGE_SIZE_FIRST, size, message.bytes.length * 2),
    );
    larger.set(message.bytes.subarray(0, message.size), 0);
    message.bytes = larger;
  }
  message.bytes.set(payload, message.size);
  message.size = size;
  return message;
}

const EMPTY = Buffer.alloc(0);

function unmask(payload: Buffer, mask: Buffer): void {
  const [a, b, c, d] = [mask[0]!, mask[1]!, mask[2]!, mask[3]!];
  const { length } = payload;
  let at = 0;
  for (; at + 3 < length; at += 4) {
    payload[at]! ^= a;
    payload[at + 1]! ^= b;
    payload[at + 2]! ^= c;
    payload[at + 3]! ^= d;
  }
  if (at < length) payload[at]! ^= a;
  if (at + 1 < length) payload[at + 1]! ^= b;
  if (at + 2 < length) payload[at + 2]! ^= c;
}
