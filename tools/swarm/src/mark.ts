// What the swarm writes into its messages, so that whoever receives one knows, from its bytes
// alone, what it is and what must have come before:
//
//   ~gh:<channel>:<n>:<epoch>:<due>:<previous>~ and words up to the size that is wanted
//
//   channel   its number in the plan           epoch     of the guild's permissions: see truth.ts
//   n         counts up by one per channel     due       when it was to be sent, us since boot
//   previous  the id of the message before it in the channel, 0 if none
//
// Ids have up to 20 digits: they are kept as two doubles, the last nine digits and what is before
// them, since a BigInt or a string per delivery would be garbage per delivery.

const MARK = '~gh:';
const NEEDLE = Buffer.from(`"content":"${MARK}`);
const TEXT_NEEDLE = Buffer.from(MARK);
const ID_NEEDLE = Buffer.from('"id":"');
const LOW_DIGITS = 9;
/** The last nine digits of an id are below this. */
export const LOW_COUNT = 10 ** LOW_DIGITS;
const COLON = 0x3a;
const TILDE = 0x7e;
const ZERO = 0x30;
const WORDS = 'lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod'.split(
  ' ',
);

/** The content of a message; `random` gives the words, so that it does not compress to nothing. */
export function writeMark(
  mark: { channel: number; n: number; epoch: number; dueUs: number; previousId: string },
  contentBytes: number,
  random: () => number,
): string {
  const { channel, n, epoch, dueUs, previousId } = mark;
  let text = `${MARK}${channel}:${n}:${epoch}:${Math.round(dueUs)}:${previousId}~`;
  while (text.length + 6 < contentBytes) {
    const word = WORDS[Math.floor(random() * WORDS.length)]!;
    text += ` ${word}${Math.floor(random() * 1_000)}`;
  }
  return text.slice(0, Math.max(contentBytes, text.indexOf('~', 1) + 1));
}

/** The last message that was scanned. One per process, read before the next scan. */
export class MarkScanner {
  channel = 0;
  n = 0;
  epoch = 0;
  dueUs = 0;
  previousHigh = 0;
  previousLow = 0;
  /** The message's own id. */
  idHigh = 0;
  idLow = 0;
  #at = 0;
  #value = 0;
  #high = 0;

  /**
   * Hot path. Reads the `d` of a MESSAGE_CREATE that begins at `at` and ends before `end`. False
   * when it is none of ours, and the fields mean nothing.
   */
  scan(bytes: Buffer, at: number, end: number): boolean {
    const idAt = bytes.indexOf(ID_NEEDLE, at);
    if (idAt === -1 || idAt >= end) return false;
    this.#at = idAt + ID_NEEDLE.length;
    this.#digits(bytes);
    this.#keepId();
    const markAt = bytes.indexOf(NEEDLE, this.#at);
    if (markAt === -1 || markAt >= end) return false;
    return this.#mark(bytes, markAt + NEEDLE.length) && this.#at < end;
  }

  /** The same for a message that has been decoded. */
  read(message: { readonly id?: unknown; readonly content?: unknown }): boolean {
    const { id, content } = message;
    if (typeof id !== 'string' || typeof content !== 'string') return false;
    this.#at = 0;
    this.#digits(Buffer.from(`${id}"`));
    this.#keepId();
    const bytes = Buffer.from(content);
    if (bytes.indexOf(TEXT_NEEDLE) !== 0) return false;
    return this.#mark(bytes, TEXT_NEEDLE.length);
  }

  #keepId(): void {
    this.idHigh = this.#high;
    this.idLow = this.#value;
  }

  #mark(bytes: Buffer, at: number): boolean {
    this.#at = at;
    this.channel = this.#number(bytes);
    this.n = this.#number(bytes);
    this.epoch = this.#number(bytes);
    this.dueUs = this.#number(bytes);
    this.#digits(bytes);
    this.previousHigh = this.#high;
    this.previousLow = this.#value;
    return bytes[this.#at] === TILDE;
  }

  /** A number of at most 15 digits, and the colon after it. */
  #number(bytes: Buffer): number {
    let value = 0;
    let at = this.#at;
    for (; ; at += 1) {
      const digit = bytes[at]! - ZERO;
      if (!(digit >= 0 && digit <= 9)) break;
      value = value * 10 + digit;
    }
    this.#at = bytes[at] === COLON ? at + 1 : at;
    return value;
  }

  /** A number of any length, into `#high` and `#value`. */
  #digits(bytes: Buffer): void {
    const from = this.#at;
    let end = from;
    while (bytes[end]! >= ZERO && bytes[end]! <= ZERO + 9) end += 1;
    const split = Math.max(from, end - LOW_DIGITS);
    let high = 0;
    for (let at = from; at < split; at += 1) high = high * 10 + bytes[at]! - ZERO;
    let low = 0;
    for (let at = split; at < end; at += 1) low = low * 10 + bytes[at]! - ZERO;
    this.#high = high;
    this.#value = low;
    this.#at = end;
  }
}

/** An id as the two doubles of a scan. */
export function splitId(id: string): { high: number; low: number } {
  const split = Math.max(0, id.length - LOW_DIGITS);
  return { high: Number(id.slice(0, split)), low: Number(id.slice(split)) };
}
