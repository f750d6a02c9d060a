import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { FrameCounter } from './frame-counter.js';
import { serverFrame } from './websocket.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

function countAll(bytes: Buffer, nextChunkBytes: () => number): [number, number][] {
  const counter = new FrameCounter();
  const frames: [number, number][] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + nextChunkBytes());
    counter.read(bytes, at, end, (opcode, length) => frames.push([opcode, length]));
    at = end;
  }
  return frames;
}

describe(`FrameCounter (${random})`, () => {
  const lengths = [0, 1, 125, 126, 127, 300, 65_535, 65_536];
  const stream = Buffer.concat(lengths.map((length) => serverFrame(Buffer.alloc(length), 1)));

  it('reads all three forms of a length', () => {
    const frames = countAll(stream, () => stream.length);
    expect(frames).toEqual(lengths.map((length) => [1, length]));
  });

  it('does not mind where chunks end', () => {
    expect(countAll(stream, () => 1)).toEqual(lengths.map((length) => [1, length]));
    for (let round = 0; round < 20; round += 1) {
      const frames = countAll(stream, () => 1 + random.int(round % 2 === 0 ? 9 : 5_000));
      expect(frames).toEqual(lengths.map((length) => [1, length]));
    }
  });

  it('tells of a frame no sooner than its last byte', () => {
    const counter = new FrameCounter();
    const frame = serverFrame(Buffer.alloc(200), 2);
    let seen = 0;
    counter.read(frame, 0, frame.length - 1, () => (seen += 1));
    expect(seen).toBe(0);
    counter.read(frame, frame.length - 1, frame.length, () => (seen += 1));
    expect(seen).toBe(1);
  });
});
