import { codecOf } from './codec.js';
import { createDecompressor } from './compression.js';
import { SEQUENCE_MAX } from './dispatch-head.js';
import { EncodedDispatch } from './encoded-dispatch.js';
import { sharedForm } from './shared-frame.js';
import { ZlibChunks } from './zlib-chunks.js';

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
  ['json', false],
  ['etf', false],
  ['json', true],
  ['etf', true],
] as const;
/** Numbers of every length, in no order. */
const SEQUENCES = [9, 10, 9, 99, 100, 1, SEQUENCE_MAX, 12_345];
for (let at = 1; SEQUENCES.length < 200; at += 1) {
  SEQUENCES.push(1 + ((at * 982_451_653) % 10 ** (1 + (at % 9))));
}

describe.each(FORMS)('SharedFrame, %s, zlib %s', (encoding, isZlib) => {
  const form = sharedForm(encoding, isZlib);

  it('is the frame of whoever it was patched for, from session to session', async () => {
    const client = createDecompressor('zlib-stream');
    // A client needs the header of its stream first.
    await client.decompress(new ZlibChunks(0).compress(Buffer.from('{}')));
    for (const size of [0, 30, 60, 70, 80, 90, 300, 65_400, 65_500, 70_000]) {
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
        expect(message!.opcode).toBe(encoding === 'json' && !isZlib ? 1 : 2);
        const payload = isZlib ? await client.decompress(message!.payload) : message!.payload;
        expect(payload.equals(event.frame(encoding, sequence))).toBe(true);
      }
    }
    client.close();
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
    if (isZlib) return;
    const read = messages.map(({ payload }) => codecOf(encoding).decode(payload));
    expect(read).toMatchObject([{ s: 9 }, { s: 10 }, { s: 11 }]);
  });
});
