/**
 * The `json` encoding. Encoding is what the platform does; decoding adds the three things it leaves
 * out: that bytes are UTF-8 at all, that they are not too many, and that they do not nest deeper
 * than the recursive code behind us can follow.
 *
 * A key `__proto__` becomes an own property, as `JSON.parse` defines it, and never a prototype.
 */
import { isUtf8 } from 'node:buffer';
import type { DecodeLimits } from './malformed-payload.js';
import {
  DECODE_DEPTH_MAX_DEFAULT,
  DECODE_SIZE_MAX_DEFAULT,
  MalformedPayload,
} from './malformed-payload.js';

/**
 * The UTF-8 bytes of a value as JSON. The value must be one JSON can say (not undefined, no cycle).
 */
export function encodeJson(value: unknown): Buffer {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError('a payload must be a JSON value');
  return Buffer.from(text);
}

/** The value of JSON bytes. Throws `MalformedPayload` and nothing else. */
export function decodeJson(bytes: Uint8Array, limits: DecodeLimits = {}): unknown {
  if (bytes.length > (limits.sizeMax ?? DECODE_SIZE_MAX_DEFAULT)) {
    throw new MalformedPayload('the payload is too large');
  }
  if (!isUtf8(bytes)) throw new MalformedPayload('the payload is not UTF-8');
  refuseDeepNesting(bytes, limits.depthMax ?? DECODE_DEPTH_MAX_DEFAULT);
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
  } catch {
    throw new MalformedPayload('the payload is not JSON');
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * One pass over the bytes before parsing: brackets outside strings. ASCII never occurs inside
 * UTF-8.
 */
function refuseDeepNesting(bytes: Uint8Array, depthMax: number): void {
  let depth = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      for (at += 1; at < bytes.length && bytes[at] !== QUOTE; at += 1) {
        if (bytes[at] === BACKSLASH) at += 1;
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > depthMax) throw new MalformedPayload('the payload nests too deep');
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    }
  }
}
