/**
 * JSON values as Erlang's External Term Format, in the few forms every client decoder knows:
 *
 *   null, true, false   ATOM_EXT            100 | length 2 | name
 *   0..255              SMALL_INTEGER_EXT    97 | value 1
 *   32 bits             INTEGER_EXT          98 | value 4
 *   other safe ints     SMALL_BIG_EXT       110 | n 1 | sign 1 | n bytes, little-endian
 *   other numbers       NEW_FLOAT_EXT        70 | IEEE 754, 8
 *   string, key         BINARY_EXT          109 | length 4 | UTF-8
 *   array               LIST_EXT            108 | length 4 | items | NIL_EXT 106    ([] is NIL_EXT)
 *   object              MAP_EXT             116 | arity 4 | key, value ...
 *
 * Snowflakes are strings before they come here and stay so. What JSON leaves out (undefined
 * members) is left out, what it nulls (NaN) is nil.
 */
import { EtfTag } from './etf-tags.js';

/**
 * The bytes of a value, with the version byte. The value must be one JSON can say, without cycles.
 */
export function encodeEtf(value: unknown): Buffer {
  return encoded(value, true);
}

/** The bytes of a value without the version byte, to be placed inside a larger term. */
export function encodeEtfTerm(value: unknown): Buffer {
  return encoded(value, false);
}

const NIL_ATOM = atom('nil');
const TRUE_ATOM = atom('true');
const FALSE_ATOM = atom('false');

// Encoding is synchronous and never re-entered, so one scratch buffer serves all; a huge READY does
// not keep its size for good.
const SCRATCH_SIZE = 64 * 1024;
let scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE);
let at = 0;

function encoded(value: unknown, isWhole: boolean): Buffer {
  at = 0;
  try {
    if (isWhole) scratch[at++] = EtfTag.Version;
    writeTerm(value);
    return Buffer.from(scratch.subarray(0, at));
  } finally {
    if (scratch.length > SCRATCH_SIZE * 16) scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE);
  }
}

function writeTerm(value: unknown): void {
  switch (typeof value) {
    case 'string':
      return writeBinary(value);
    case 'number':
      return writeNumber(value);
    case 'boolean':
      return writeBytes(value ? TRUE_ATOM : FALSE_ATOM);
    case 'bigint':
      return writeBig(value);
    case 'object':
      if (value === null) return writeBytes(NIL_ATOM);
      return Array.isArray(value) ? writeList(value) : writeMap(value as Record<string, unknown>);
    default:
      return writeBytes(NIL_ATOM);
  }
}

function writeBinary(text: string): void {
  reserve(5 + text.length * 3);
  const size = scratch.write(text, at + 5);
  scratch[at] = EtfTag.Binary;
  scratch.writeUInt32BE(size, at + 1);
  at += 5 + size;
}

function writeNumber(value: number): void {
  reserve(9);
  if (Number.isInteger(value) && value >= 0 && value <= 255) {
    scratch[at++] = EtfTag.SmallInteger;
    scratch[at++] = value;
  } else if (value === (value | 0)) {
    scratch[at] = EtfTag.Integer;
    scratch.writeInt32BE(value, at + 1);
    at += 5;
  } else if (Number.isSafeInteger(value)) {
    writeBig(BigInt(value));
  } else if (Number.isFinite(value)) {
    scratch[at] = EtfTag.NewFloat;
    scratch.writeDoubleBE(value, at + 1);
    at += 9;
  } else {
    writeBytes(NIL_ATOM);
  }
}

function writeBig(value: bigint): void {
  const digits: number[] = [];
  for (let rest = value < 0n ? -value : value; rest > 0n; rest >>= 8n) {
    digits.push(Number(rest & 0xffn));
  }
  if (digits.length > 255) throw new RangeError('an integer of more than 255 bytes');
  reserve(3 + digits.length);
  scratch[at++] = EtfTag.SmallBig;
  scratch[at++] = digits.length;
  scratch[at++] = value < 0n ? 1 : 0;
  for (const digit of digits) scratch[at++] = digit;
}

function writeList(items: readonly unknown[]): void {
  reserve(6);
  if (items.length > 0) {
    scratch[at] = EtfTag.List;
    scratch.writeUInt32BE(items.length, at + 1);
    at += 5;
    for (const item of items) writeTerm(item);
    reserve(1);
  }
  scratch[at++] = EtfTag.Nil;
}

function writeMap(value: Record<string, unknown>): void {
  reserve(5);
  const start = at;
  let arity = 0;
  scratch[at] = EtfTag.Map;
  at += 5;
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (member === undefined || typeof member === 'function') continue;
    writeBinary(key);
    writeTerm(member);
    arity += 1;
  }
  scratch.writeUInt32BE(arity, start + 1);
}

function writeBytes(bytes: Buffer): void {
  reserve(bytes.length);
  scratch.set(bytes, at);
  at += bytes.length;
}

function reserve(size: number): void {
  if (at + size <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, at + size));
  scratch.copy(larger, 0, 0, at);
  scratch = larger;
}

function atom(name: string): Buffer {
  return Buffer.from([EtfTag.Atom, 0, name.length, ...Buffer.from(name)]);
}
