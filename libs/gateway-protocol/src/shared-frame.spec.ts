import { codecOf } from './codec.js';
import { createDecompressor } from './compression.js';
import { SEQUENCE_MAX } from './dispatch-head.js';
import { EncodedDispatch } from './encoded-dispatch.js';
import { sharedForm } from './shared-frame.js';
import { ZLIB_STREAM_HEADER } from './zlib-chunks.js';
import { ZSTD_STREAM_HEADER } from './zstd-chunks.js';

interface Message {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** What a client makes of a server's bytes, by RFC 6455. */
function messagesIn(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length;) {
    expect(bytes[at]! & 0xf0).toBe(0x80);
    const opcode = bytes[at]! & 0x0f;
    let size = bytes[at + 1]!;
    let from = at + 2;
    if (size === 126) {
      size = bytes.readUInt16BE(from);
      expect(size).toBeGreaterThan(125);
      from += 2;
    } else if (size === 127) {
      size = Number(bytes.readBigUInt64BE(from));
      expect(size).toBeGreaterThan(0xffff);
      from += 8;
    }
    messages.push({ opcode, payload: bytes.subarray(from, from + size) });
    at = from + size;
    expect(at).toBeLessThanOrEqual(bytes.length);
  }
  return messages;
}

const dataOf = (size: number): Buffer => Buffer.from(JSON.stringify({ text: 'x'.repeat(size) }));
const FORMS = [
  ['json', 'none'],
  ['etf', 'none'],
  ['json', 'zlib-stream'],
  ['etf', 'zlib-stream'],
  ['json', 'zstd-stream'],
] as const;
const STREAM_HEADERS = { 'zlib-stream': ZLIB_STREAM_HEADER, 'zstd-stream': ZSTD_STREAM_HEADER };

/** Reads messages as a client does, in turn. */
function reader(compression: (typeof FORMS)[number][1]): (payload: Buffer) => Promise<Buffer> {
  if (compression === 'none') return (payload) => Promise.resolve(payload);
  const stream = createDecompressor(compression);
  let header = STREAM_HEADERS[compression];
  return (payload) => {
    const bytes = Buffer.concat([header, payload]);
    header = Buffer.alloc(0);
    return stream.decompress(bytes);
  };
}

/** Numbers of every length, in no order. */
const SEQUENCES = [9, 10, 9, 99, 100, 1, SEQUENCE_MAX, 12_345];
for (let at = 1; SEQUENCES.length < 200; at += 1) {
  SEQUENCES.push(1 + ((at * 982_451_653) % 10 ** (1 + (at % 9))));
}

describe.each(FORMS)('SharedFrame, %s, %s', (encoding, compression) => {
  const form = sharedForm(encoding, compression)!;

  it('is the frame of whoever it was patched for, from session to session', async () => {
    const read = reader(compression);
    for (const size of [0, 30, 60, 70, 80, 90, 300, 65_400, 65_500, 70_000, 300_000]) {
      const data = dataOf(size);
      const event = new EncodedDispatch('MESSAGE_CREATE', data);
      const frame = event.shared(form);
      expect(event.shared(form)).toBe(frame);
      for (const sequence of size > 1000 ? SEQUENCES.slice(0, 10) : SEQUENCES) {
        const length = frame.patch(sequence);
        expect(length).toBeLessThanOrEqual(frame.sizeMax);
        expect(frame.end - frame.start).toBe(length);
        const [message, ...more] = messagesIn(frame.bytes.subarray(frame.start, frame.end));
        expect(more).toEqual([]);
        expect(message!.opcode).toBe(encoding === 'json' && compression === 'none' ? 1 : 2);
        const payload = await read(message!.payload);
        const plain = event.frame(encoding, sequence);
        // Pieces of zstd have spaces between them.
        if (compression === 'zstd-stream') {
          expect(JSON.parse(payload.toString())).toEqual(JSON.parse(plain.toString()));
        } else {
          expect(payload.equals(plain)).toBe(true);
        }
      }
    }
  });

  it('writes frames one behind another into one buffer', () => {
    const events = [1, 2, 3].map((size) => new EncodedDispatch('TYPING_START', dataOf(size)));
    const target = Buffer.alloc(1000);
    let at = 0;
    for (const [index, event] of events.entries()) {
      at = event.shared(form).writeTo(target, at, 9 + index);
    }
    const messages = messagesIn(target.subarray(0, at));
    expect(messages).toHaveLength(3);
    if (compression !== 'none') return;
    const read = messages.map(({ payload }) => codecOf(encoding).decode(payload));
    expect(read).toMatchObject([{ s: 9 }, { s: 10 }, { s: 11 }]);
  });
});
