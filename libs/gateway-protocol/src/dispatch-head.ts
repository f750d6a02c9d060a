/**
 * The few bytes of a dispatch that differ between sessions: all that goes before the shared body.
 *
 *   json   {"op":0,"s":123
 *   etf    131 | 116, arity 4 | "op" 97 0 | "s" 98   0 0 0 123
 */
import type { Encoding } from './api-version.js';
import { encodeEtfTerm } from './etf-encoder.js';
import { EtfTag } from './etf-tags.js';

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
