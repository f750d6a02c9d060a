import type { Encoding } from './api-version.js';
import { decodeEtf } from './etf-decoder.js';
import { encodeEtf } from './etf-encoder.js';
import { decodeJson, encodeJson } from './json-codec.js';
import type { DecodeLimits } from './malformed-payload.js';

/** One of the two encodings of a payload, chosen by the connection's URL. */
export interface Codec {
  /** A fresh buffer each time; the caller owns it. Throws only on values that JSON cannot say. */
  encode(value: unknown): Buffer;
  /** Throws `MalformedPayload` and nothing else. The value shares no memory with the bytes. */
  decode(bytes: Uint8Array, limits?: DecodeLimits): unknown;
}

const CODECS: Readonly<Record<Encoding, Codec>> = Object.freeze({
  json: Object.freeze({ encode: encodeJson, decode: decodeJson }),
  etf: Object.freeze({ encode: encodeEtf, decode: decodeEtf }),
});

/** The codec of an encoding; the same object each time, without state. */
export function codecOf(encoding: Encoding): Codec {
  return CODECS[encoding];
}
