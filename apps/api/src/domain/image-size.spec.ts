import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { imageSizeOf } from './image-size.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const PNG = hex('89504e470d0a1a0a 0000000d 49484452 00000140 000000f0 08060000');
const GIF = Buffer.concat([Buffer.from('GIF89a'), hex('4001f000 00000000')]);
const JPEG = hex('ffd8 ffe0 0004 0000 ffc4 0003 00 ffff c0 0011 08 00f0 0140 03 000000000000');
const webp = (kind: string, rest: string): Buffer =>
  Buffer.concat([Buffer.from('RIFF....WEBP'), Buffer.from(kind), hex('0a000000'), hex(rest)]);

describe('imageSizeOf', () => {
  it.each([
    ['PNG', PNG],
    ['GIF', GIF],
    ['JPEG', JPEG],
    ['WebP, extended', webp('VP8X', '00000000 3f0100 ef0000')],
    ['WebP, lossy', webp('VP8 ', '000000 9d012a 4001 f000')],
    ['WebP, lossless', webp('VP8L', '2f 3fc13b00 0000000000')],
  ])('reads a %s', (_kind, bytes) => {
    expect(imageSizeOf(bytes)).toEqual({ width: 320, height: 240 });
  });

  it('does not know what is cut short or is no picture', () => {
    for (const bytes of [PNG, GIF, JPEG]) {
      expect(imageSizeOf(bytes.subarray(0, 9))).toBeUndefined();
    }
    expect(imageSizeOf(Buffer.from('hello'))).toBeUndefined();
    expect(imageSizeOf(Buffer.alloc(0))).toBeUndefined();
    const empty = Buffer.from(PNG);
    empty.writeUInt32BE(0, 16);
    expect(imageSizeOf(empty)).toBeUndefined();
  });

  const random = new SeededRandom(seedFromEnv(process.env['SEED']));
  it(`bears any bytes after a good beginning (${random})`, () => {
    for (let round = 0; round < 5_000; round++) {
      const head = random
        .pick([PNG, GIF, JPEG, webp('VP8L', ''), webp('VP8X', '')])
        .subarray(0, 16);
      const rest = Buffer.from(Array.from({ length: random.int(60) }, () => random.int(256)));
      const size = imageSizeOf(Buffer.concat([head, rest]));
      if (size !== undefined) expect(Number.isInteger(size.width + size.height)).toBe(true);
    }
  });
});
