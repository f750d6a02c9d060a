/**
 * Erlang's External Term Format back into JSON values: all that client encoders are known to write.
 *
 * The bytes come from strangers. Every length is checked against what is left before anything is
 * allocated, so memory stays in proportion to the input; nesting is bounded, so the stack is; a
 * term must end where the payload does. Map keys become own properties, `__proto__` too.
 *
 *   atoms nil, null, undefined   null          tuples         arrays
 *   atoms true, false            boolean       STRING_EXT     array of bytes (an Erlang list)
 *   other atoms                  string        BINARY_EXT     string, must be UTF-8
 *   integers that are safe       number        other integers decimal string (snowflakes)
 */
import { isUtf8 } from 'node:buffer';
import { inflateSync } from 'node:zlib';
import { EtfTag } from './etf-tags.js';
import type { DecodeLimits } from './malformed-payload.js';
import {
  DECODE_DEPTH_MAX_DEFAULT,
  DECODE_SIZE_MAX_DEFAULT,
  MalformedPayload,
} from './malformed-payload.js';

/** The value of ETF bytes. Throws `MalformedPayload` and nothing else. */
export function decodeEtf(bytes: Uint8Array, limits: DecodeLimits = {}): unknown {
  const sizeMax = limits.sizeMax ?? DECODE_SIZE_MAX_DEFAULT;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length > sizeMax) throw new MalformedPayload('the payload is too large');
  if (view[0] !== EtfTag.Version) throw new MalformedPayload('not the external term format');
  const isCompressed = view[1] === EtfTag.Compressed;
  const terms = isCompressed ? inflated(view, sizeMax) : view.subarray(1);
  return new TermReader(terms, limits.depthMax ?? DECODE_DEPTH_MAX_DEFAULT).readWhole();
}

/**
 * `131 80 | size 4 | zlib of the term`. The size is a claim: it caps the inflater and must be met.
 */
function inflated(view: Buffer, sizeMax: number): Buffer {
  if (view.length < 6) throw new MalformedPayload('the payload is cut short');
  const size = view.readUInt32BE(2);
  if (size === 0 || size > sizeMax) throw new MalformedPayload('the payload is too large');
  try {
    const { buffer, engine } = inflateSync(view.subarray(6), {
      maxOutputLength: size,
      info: true,
    }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
    if (buffer.length === size && engine.bytesWritten === view.length - 6) return buffer;
  } catch {
    // Falls through to the one answer: what zlib found wrong is of no use to the sender.
  }
  throw new MalformedPayload('the compressed payload is not what it claims to be');
}

/**
 * Bytes of an integer beyond which nobody means a number: turning them into decimals is quadratic.
 */
const BIG_SIZE_MAX = 64;

class TermReader {
  readonly #bytes: Buffer;
  readonly #depthMax: number;
  #at = 0;
  #depth = 0;

  constructor(bytes: Buffer, depthMax: number) {
    this.#bytes = bytes;
    this.#depthMax = depthMax;
  }

  readWhole(): unknown {
    const value = this.#readTerm();
    if (this.#at !== this.#bytes.length) throw new MalformedPayload('bytes follow the payload');
    return value;
  }

  #readTerm(): unknown {
    const tag = this.#readUint8();
    switch (tag) {
      case EtfTag.SmallInteger:
        return this.#readUint8();
      case EtfTag.Integer:
        return this.#bytes.readInt32BE(this.#take(4));
      case EtfTag.NewFloat:
        return finite(this.#bytes.readDoubleBE(this.#take(8)));
      case EtfTag.Float:
        return this.#readFloatText();
      case EtfTag.SmallBig:
        return this.#readBig(this.#readUint8());
      case EtfTag.LargeBig:
        return this.#readBig(this.#readUint32());
      case EtfTag.Atom:
      case EtfTag.AtomUtf8:
        return atomValue(this.#readText(this.#readUint16(), tag === EtfTag.AtomUtf8));
      case EtfTag.SmallAtom:
      case EtfTag.SmallAtomUtf8:
        return atomValue(this.#readText(this.#readUint8(), tag === EtfTag.SmallAtomUtf8));
      case EtfTag.Binary:
        return this.#readText(this.#readUint32(), true);
      case EtfTag.String:
        return this.#readByteList(this.#readUint16());
      case EtfTag.Nil:
        return [];
      case EtfTag.List:
        return this.#readList(this.#readUint32());
      case EtfTag.SmallTuple:
        return this.#readItems(this.#readUint8());
      case EtfTag.LargeTuple:
        return this.#readItems(this.#readUint32());
      case EtfTag.Map:
        return this.#readMap(this.#readUint32());
      default:
        throw new MalformedPayload(`a term of the unknown kind ${tag}`);
    }
  }

  #readFloatText(): number {
    const start = this.#take(31);
    const text = this.#bytes.toString('latin1', start, start + 31).replace(/\0+$/, '');
    if (!/^ *[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) {
      throw new MalformedPayload('a float that is none');
    }
    return finite(Number(text));
  }

  #readBig(size: number): number | string {
    if (size > BIG_SIZE_MAX) throw new MalformedPayload('an integer that is too large');
    const isNegative = this.#readUint8() !== 0;
    const start = this.#take(size);
    let magnitude = 0n;
    for (let at = start + size - 1; at >= start; at -= 1) {
      magnitude = (magnitude << 8n) | BigInt(this.#bytes[at]!);
    }
    const value = isNegative ? -magnitude : magnitude;
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : value.toString();
  }

  #readText(size: number, isUnicode: boolean): string {
    const start = this.#take(size);
    const bytes = this.#bytes.subarray(start, start + size);
    if (!isUnicode) return bytes.toString('latin1');
    if (!isUtf8(bytes)) throw new MalformedPayload('a string that is not UTF-8');
    return bytes.toString();
  }

  #readByteList(size: number): number[] {
    const start = this.#take(size);
    return Array.from(this.#bytes.subarray(start, start + size));
  }

  #readList(count: number): unknown[] {
    const items = this.#readItems(count);
    if (this.#readUint8() !== EtfTag.Nil) throw new MalformedPayload('an improper list');
    return items;
  }

  #readItems(count: number): unknown[] {
    this.#enter(count);
    const items: unknown[] = [];
    for (let index = 0; index < count; index += 1) items.push(this.#readTerm());
    this.#depth -= 1;
    return items;
  }

  #readMap(arity: number): Record<string, unknown> {
    this.#enter(arity * 2);
    const map: Record<string, unknown> = {};
    for (let index = 0; index < arity; index += 1) {
      const key = this.#readKey();
      const value = this.#readTerm();
      if (key === '__proto__') {
        Object.defineProperty(map, key, {
          value,
          configurable: true,
          enumerable: true,
          writable: true,
        });
      } else {
        map[key] = value;
      }
    }
    this.#depth -= 1;
    return map;
  }

  /**
   * Keys are binaries or atoms, of which `nil` and `true` are words like any other; or integers.
   */
  #readKey(): string {
    const tag = this.#bytes[this.#at];
    switch (tag) {
      case EtfTag.Atom:
      case EtfTag.AtomUtf8:
        this.#at += 1;
        return this.#readText(this.#readUint16(), tag === EtfTag.AtomUtf8);
      case EtfTag.SmallAtom:
      case EtfTag.SmallAtomUtf8:
        this.#at += 1;
        return this.#readText(this.#readUint8(), tag === EtfTag.SmallAtomUtf8);
      case EtfTag.Binary:
      case EtfTag.SmallInteger:
      case EtfTag.Integer:
      case EtfTag.SmallBig:
        return String(this.#readTerm());
      default:
        throw new MalformedPayload('a map key that is no name');
    }
  }

  /** A count is believed only if that many terms, of a byte each at least, can still follow. */
  #enter(termsCount: number): void {
    this.#depth += 1;
    if (this.#depth > this.#depthMax) throw new MalformedPayload('the payload nests too deep');
    if (termsCount > this.#bytes.length - this.#at) {
      throw new MalformedPayload('the payload is cut short');
    }
  }

  #readUint8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  #readUint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  #readUint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** Where the next `size` bytes start; they are then behind us. */
  #take(size: number): number {
    const start = this.#at;
    if (size > this.#bytes.length - start) throw new MalformedPayload('the payload is cut short');
    this.#at = start + size;
    return start;
  }
}

function atomValue(name: string): string | boolean | null {
  switch (name) {
    case 'nil':
    case 'null':
    case 'undefined':
      return null;
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      return name;
  }
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new MalformedPayload('a float that is not finite');
  return value;
}
