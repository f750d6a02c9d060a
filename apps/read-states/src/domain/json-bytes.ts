// JSON as bytes, piece by piece, for what is said too often to make strings of it.

const FIRST_BYTES = 512;
const BILLION = 1e9;
const UINT16_COUNT = 65_536;
const ZERO = 48;

/** Bytes that grow at their end. */
export class JsonBytes {
  bytes = new Uint8Array(FIRST_BYTES);
  end = 0;

  /** Sees to it that so many more bytes fit. */
  reserve(count: number): void {
    if (this.end + count <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.end + count));
    bytes.set(this.bytes.subarray(0, this.end));
    this.bytes = bytes;
  }

  /** Hot path. Bytes that are known already. */
  put(piece: Uint8Array): void {
    this.reserve(piece.length);
    // Short enough that a call to copy them would cost more.
    for (let at = 0; at < piece.length; at += 1) this.bytes[this.end + at] = piece[at]!;
    this.end += piece.length;
  }

  /** Hot path. A whole number from 0 to 2^53 in decimal digits. */
  decimal(value: number): void {
    this.reserve(20);
    let digits = 1;
    for (let rest = Math.floor(value / 10); rest > 0; rest = Math.floor(rest / 10)) digits += 1;
    this.#digits(value, digits);
  }

  /** Hot path. A whole number of 64 bits, by its halves. */
  decimal64(hi: number, lo: number): void {
    // Long division by 10^9, in digits small enough that every step is exact.
    const first = Math.floor(hi / BILLION);
    let rest = (hi % BILLION) * UINT16_COUNT + (lo >>> 16);
    const middle = Math.floor(rest / BILLION);
    rest = (rest % BILLION) * UINT16_COUNT + (lo & 0xffff);
    const last = Math.floor(rest / BILLION);
    const quotient = first * 2 ** 32 + middle * UINT16_COUNT + last;
    if (quotient === 0) {
      this.decimal(rest % BILLION);
      return;
    }
    this.decimal(quotient);
    this.#digits(rest % BILLION, 9);
  }

  #digits(value: number, count: number): void {
    const { bytes } = this;
    let rest = value;
    for (let at = this.end + count - 1; at >= this.end; at -= 1) {
      const next = Math.floor(rest / 10);
      bytes[at] = ZERO + (rest - next * 10);
      rest = next;
    }
    this.end += count;
  }
}
