import { createDecompressor } from './compression.js';
import { deflateChunk, writeStoredBlockHeader, ZLIB_SUFFIX, ZlibChunks } from './zlib-chunks.js';

const event = (index: number) =>
  Buffer.from(
    JSON.stringify({
      op: 0,
      s: index,
      t: 'MESSAGE_CREATE',
      d: { id: `${2 ** 40 + index}`, tts: false },
    }),
  );

describe('ZlibChunks', () => {
  it.each([0, 1, 100, 4096, 32_768])(
    'makes one stream of its pieces (history %d)',
    async (history) => {
      const chunks = new ZlibChunks(history);
      const client = createDecompressor('zlib-stream');
      const payloads = Array.from({ length: 200 }, (_, index) => event(index));
      payloads.splice(50, 0, Buffer.alloc(40_000, 'a long one, with its own repetitions. '));
      payloads.splice(120, 0, Buffer.from('x'));
      for (const payload of payloads) {
        const message = chunks.compress(payload);
        expect(message.subarray(-4)).toEqual(ZLIB_SUFFIX);
        expect(message.indexOf(ZLIB_SUFFIX)).toBe(message.length - 4);
        expect((await client.decompress(message)).equals(payload)).toBe(true);
      }
      client.close();
    },
  );

  it('opens the stream once', () => {
    const chunks = new ZlibChunks(0);
    expect(chunks.compress(event(1)).toString('hex').startsWith('789c')).toBe(true);
    expect(chunks.compress(event(2)).toString('hex').startsWith('789c')).toBe(false);
  });

  it('makes repetitive talk a third of the size when it may remember', () => {
    const sizeWith = (history: number) => {
      const chunks = new ZlibChunks(history);
      let size = 0;
      for (let index = 0; index < 100; index += 1) size += chunks.compress(event(index)).length;
      return size;
    };
    expect(sizeWith(1024) * 3).toBeLessThan(sizeWith(0));
  });

  it('without a history lets messages in between be made elsewhere', async () => {
    const chunks = new ZlibChunks(0);
    const client = createDecompressor('zlib-stream');
    await client.decompress(chunks.compress(event(1)));
    await client.decompress(deflateChunk(Buffer.from('from elsewhere')));
    expect(await client.decompress(chunks.compress(event(1)))).toEqual(event(1));
    client.close();
  });

  it('with one does not', async () => {
    const chunks = new ZlibChunks(4096);
    const client = createDecompressor('zlib-stream');
    await client.decompress(chunks.compress(event(1)));
    await client.decompress(deflateChunk(Buffer.from('from elsewhere')));
    const received = await client.decompress(chunks.compress(event(1)));
    expect(received).not.toEqual(event(1));
    client.close();
  });

  it('flushes once however much there is', () => {
    for (const size of [1, 4096, 4097, 16_384, 70_000, 1_000_000]) {
      const chunk = deflateChunk(Buffer.alloc(size, 'abc'));
      expect(chunk.indexOf(ZLIB_SUFFIX)).toBe(chunk.length - 4);
    }
  });

  it('refuses what the format cannot hold', () => {
    expect(() => new ZlibChunks(32_769)).toThrow(RangeError);
    expect(() => new ZlibChunks(NaN)).toThrow(RangeError);
    expect(() => writeStoredBlockHeader(Buffer.alloc(5), 0, 65_536)).toThrow(RangeError);
  });
});
