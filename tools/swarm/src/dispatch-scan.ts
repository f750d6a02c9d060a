// The outer part of a dispatch in JSON, read without a parser. Servers write it in one of two
// orders; what is in neither is not recognised, and is parsed by whoever asked.
//
//   {"op":0,"s":123,"t":"MESSAGE_CREATE","d":{...}}
//   {"t":"MESSAGE_CREATE","s":123,"op":0,"d":{...}}

const OP_FIRST = Buffer.from('{"op":0,"s":');
const TYPE_FIRST = Buffer.from('{"t":"');
const T_KEY = Buffer.from(',"t":"');
const S_KEY = Buffer.from(',"s":');
const OP_KEY = Buffer.from(',"op":0');
const D_KEY = Buffer.from(',"d":');
const QUOTE = 0x22;

/** The last dispatch that was scanned. One per process, read before the next scan. */
export class DispatchScanner {
  s = 0;
  typeAt = 0;
  typeEnd = 0;
  /** Where `d` begins. */
  dataAt = 0;
  #at = 0;

  /** Hot path. False when it is not a dispatch, or is in another order. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    if (end - start < 32) return false;
    if (startsWith(bytes, start, OP_FIRST)) {
      this.s = this.#number(bytes, start + OP_FIRST.length);
      return this.#type(bytes, this.#at, T_KEY) && this.#data(bytes);
    }
    if (!this.#type(bytes, start, TYPE_FIRST) || !startsWith(bytes, this.#at, S_KEY)) return false;
    this.s = this.#number(bytes, this.#at + S_KEY.length);
    if (!startsWith(bytes, this.#at, OP_KEY)) return false;
    this.#at += OP_KEY.length;
    return this.#data(bytes);
  }

  /** Hot path. Whether the type is this name. */
  is(bytes: Buffer, name: Buffer): boolean {
    return this.typeEnd - this.typeAt === name.length && startsWith(bytes, this.typeAt, name);
  }

  /** The type, as a string of its own. */
  type(bytes: Buffer): string {
    return bytes.toString('latin1', this.typeAt, this.typeEnd);
  }

  #type(bytes: Buffer, at: number, key: Buffer): boolean {
    if (!startsWith(bytes, at, key)) return false;
    this.typeAt = at + key.length;
    let end = this.typeAt;
    // Names of dispatches are short; a `null` is no name.
    while (bytes[end] !== QUOTE && end < this.typeAt + 64) end += 1;
    this.typeEnd = end;
    this.#at = end + 1;
    return bytes[end] === QUOTE;
  }

  #data(bytes: Buffer): boolean {
    if (!startsWith(bytes, this.#at, D_KEY)) return false;
    this.dataAt = this.#at + D_KEY.length;
    return true;
  }

  #number(bytes: Buffer, at: number): number {
    let value = 0;
    let end = at;
    for (; ; end += 1) {
      const digit = bytes[end]! - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    this.#at = end;
    return value;
  }
}

function startsWith(bytes: Buffer, at: number, prefix: Buffer): boolean {
  for (let index = 0; index < prefix.length; index += 1) {
    if (bytes[at + index] !== prefix[index]) return false;
  }
  return true;
}
