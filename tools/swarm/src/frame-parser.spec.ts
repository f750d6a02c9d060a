import { SeededRandom, seedFromEnv } from '@guildhall/testkit';

import { FrameParser, WsViolation } from './frame-parser.js';

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** As a server writes it; in `parts` fragments. */
function encoded({ opcode, payload }: Frame, parts = 1): Buffer {
  const size = Math.ceil(payload.length / parts) || 1;
  const frames: Buffer[] = [];
  for (let part = 0; part < parts; part += 1) {
    const body = payload.subarray(part * size, (part + 1) * size);
    const isLast = part === parts - 1;
    frames.push(Buffer.concat([head(isLast, part === 0 ? opcode : 0, body.length), body]));
  }
  return Buffer.concat(frames);
}

function head(isFinal: boolean, opcode: number, length: number): Buffer {
  const first = (isFinal ? 0x80 : 0) | opcode;
  if (length < 126) return Buffer.from([first, length]);
  const bytes = Buffer.alloc(length < 65_536 ? 4 : 10);
  bytes[0] = first;
  bytes[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) bytes.writeUInt16BE(length, 2);
  else bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}

function parserInto(frames: Frame[]): FrameParser {
  return new FrameParser((opcode, bytes, start, end) =>
    frames.push({ opcode, payload: Buffer.from(bytes.subarray(start, end)) }),
  );
}

describe('FrameParser', () => {
  const random = new SeededRandom(seedFromEnv(process.env['SEED']));

  it(`finds the same frames however they are cut (${random})`, () => {
    const sizes = [0, 1, 125, 126, 127, 1_000, 65_535, 65_536, 200_000];
    const sent = Array.from({ length: 60 }, () => ({
      opcode: random.pick([1, 2, 9]),
      payload: Buffer.alloc(random.pick(sizes), random.int(256)),
    }));
    const stream = Buffer.concat(
      sent.map((frame) => encoded(frame, frame.opcode < 8 ? random.pick([1, 1, 2, 3]) : 1)),
    );
    for (const chunkMax of [1_000_000, 10_000, 200, 9]) {
      const heard: Frame[] = [];
      const parser = parserInto(heard);
      const buffer = Buffer.alloc(chunkMax + 8);
      for (let at = 0; at < stream.length;) {
        const size = Math.min(1 + random.int(chunkMax), stream.length - at);
        // One buffer for all reads, as the sockets have it.
        stream.copy(buffer, 3, at, at + size);
        parser.push(buffer, 3, 3 + size);
        buffer.fill(0xee);
        at += size;
      }
      expect(heard).toHaveLength(sent.length);
      heard.forEach((frame, at) => {
        expect(frame.opcode).toBe(sent[at]!.opcode);
        expect(frame.payload.equals(sent[at]!.payload)).toBe(true);
      });
    }
  });

  it.each([
    ['a mask', [0x81, 0x80]],
    ['a reserved bit', [0xc1, 0x00]],
    ['a continuation of nothing', [0x80, 0x00]],
    ['a message within another', [0x01, 0x00, 0x81, 0x00]],
    ['a message without end', [0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0]],
  ])('gives up at %s', (_, bytes) => {
    const parser = parserInto([]);
    expect(() => parser.push(Buffer.from(bytes), 0, bytes.length)).toThrow(WsViolation);
  });

  it('takes a control frame between the fragments of a message', () => {
    const heard: Frame[] = [];
    const bytes = Buffer.from([0x01, 1, 0x61, 0x89, 0, 0x80, 1, 0x62]);
    parserInto(heard).push(bytes, 0, bytes.length);
    expect(heard.map(({ opcode, payload }) => [opcode, payload.toString()])).toEqual([
      [9, ''],
      [1, 'ab'],
    ]);
  });
});
