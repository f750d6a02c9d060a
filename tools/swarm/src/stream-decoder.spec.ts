import { createCompressor, ZlibChunks } from '@guildhall/gateway-protocol';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';

import { DecodedBytes, StreamDecoder } from './stream-decoder.js';

describe('StreamDecoder', () => {
  const random = new SeededRandom(seedFromEnv(process.env['SEED']));
  const payloads = Array.from({ length: 30 }, () => {
    const bytes = Buffer.alloc(1 + random.int(random.pick([100, 5_000, 600_000])));
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = 97 + random.int(5);
    return bytes;
  });

  it.each(['zlib-stream', 'zstd-stream'] as const)(
    `decodes %s message by message (${random})`,
    async (kind) => {
      const compressor = createCompressor(kind, { pendingBytesMax: 1 << 26 });
      const output = new DecodedBytes();
      const decoder = new StreamDecoder(kind, output);
      for (const payload of payloads) {
        const message = Buffer.concat([Buffer.from('..'), await compressor.compress(payload)]);
        const count = decoder.decode(message, 2, message.length);
        expect(output.bytes.subarray(0, count).equals(payload)).toBe(true);
      }
      compressor.close();
      decoder.close();
    },
  );

  it('decodes pieces that were made for everybody', () => {
    const chunks = new ZlibChunks(0);
    const output = new DecodedBytes();
    const decoder = new StreamDecoder('zlib-stream', output);
    for (const payload of payloads) {
      const message = chunks.compress(payload);
      const count = decoder.decode(message, 0, message.length);
      expect(output.bytes.subarray(0, count).equals(payload)).toBe(true);
    }
    decoder.close();
  });

  it('lets two connections share its output', async () => {
    const output = new DecodedBytes();
    const [one, other] = [
      new StreamDecoder('zlib-stream', output),
      new StreamDecoder('zstd-stream', output),
    ];
    const [zlib, zstd] = [createCompressor('zlib-stream'), createCompressor('zstd-stream')];
    for (const text of ['first', 'second', 'third']) {
      const a = await zlib.compress(Buffer.from(`a ${text}`));
      const b = await zstd.compress(Buffer.from(`b ${text}`));
      expect(output.bytes.toString('utf8', 0, one.decode(a, 0, a.length))).toBe(`a ${text}`);
      expect(output.bytes.toString('utf8', 0, other.decode(b, 0, b.length))).toBe(`b ${text}`);
    }
    for (const each of [one, other, zlib, zstd]) each.close();
  });

  it('throws at what makes no sense, and when it is closed', () => {
    const decoder = new StreamDecoder('zlib-stream', new DecodedBytes());
    expect(() => decoder.decode(Buffer.from('not zlib at all'), 0, 15)).toThrow();
    const closed = new StreamDecoder('zlib-stream', new DecodedBytes());
    closed.close();
    expect(() => closed.decode(Buffer.from('x'), 0, 1)).toThrow(/closed/);
  });
});
