import { createDecompressor } from './compression.js';
import { SEED, seeded } from './testing/seeded.js';
import { writeRawBlockHeader, ZSTD_STREAM_HEADER, zstdChunk, ZstdChunks } from './zstd-chunks.js';

const random = seeded(SEED);
const below = (bound: number): number => Math.floor(random() * bound);
const RESET_BLOCK_SIZE = 12;

const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
/** What a client makes of it, as text. */
const understood = (bytes: Buffer): string => JSON.stringify(JSON.parse(bytes.toString()));

/** Made of what repeats at any distance: with little variety, near distances; and in any script. */
function someJson(): Buffer {
  const words = Array.from({ length: 1 + below(6) }, () =>
    'abcdä中😀'.slice(0, 1 + below(5)).repeat(1 + below(3)),
  );
  const count = pick([0, 1, 5, 50, 500, below(20) === 0 ? 20_000 : 100]);
  const list = Array.from({ length: count }, () => pick(words));
  return Buffer.from(JSON.stringify({ op: 0, d: list, n: below(1000) }));
}

describe(`ZstdChunks (SEED=${SEED})`, () => {
  it('makes one stream of what was compressed apart, whatever came before', async () => {
    const client = createDecompressor('zstd-stream');
    const chunks = new ZstdChunks();
    await client.decompress(chunks.compress(Buffer.from('{"op":10}')));
    const shared = Array.from({ length: 50 }, () => someJson());
    const chunksOfAll = shared.map((json) => zstdChunk(json));
    for (let step = 0; step < 500; step += 1) {
      const own = someJson();
      expect(understood(await client.decompress(chunks.compress(own)))).toBe(own.toString());
      const at = below(shared.length);
      const received = await client.decompress(chunksOfAll[at]!);
      expect(received.subarray(0, 33).toString().trim()).toBe('');
      expect(received.subarray(33).equals(shared[at]!)).toBe(true);
    }
    client.close();
  });

  it('copies from the distances that a frame begins with, whatever was used last', async () => {
    // The first copy in this is from a distance of 1, said to be one that was used last.
    const json = Buffer.from(`["${'a'.repeat(320)}","${'abcd'.repeat(40)}"]`);
    const chunk = zstdChunk(json);
    const bare = chunk.subarray(RESET_BLOCK_SIZE);
    const other = zstdChunk(Buffer.from(`["${'0123456789'.repeat(40)}"]`));
    const last = async (...messages: Buffer[]): Promise<string> => {
      const client = createDecompressor('zstd-stream');
      const [first, ...more] = messages;
      let received = await client.decompress(Buffer.concat([ZSTD_STREAM_HEADER, first!]));
      for (const message of more) {
        received = await client.decompress(message).catch(() => Buffer.alloc(0));
      }
      client.close();
      return received.toString().trim();
    };
    expect(await last(bare)).toBe(json.toString());
    expect(await last(other, bare)).not.toBe(json.toString());
    expect(await last(other, chunk)).toBe(json.toString());
  });

  it('has blocks of at most 128 KiB where there is more', async () => {
    const client = createDecompressor('zstd-stream');
    const text = Array.from({ length: 100_000 }, () => String(below(1e9))).join(' ');
    for (const length of [131_070, 131_072, 131_073, 262_144, 900_000]) {
      const json = Buffer.from(JSON.stringify({ text: text.slice(0, length) }));
      const chunk = zstdChunk(json);
      const bytes = length === 131_070 ? Buffer.concat([ZSTD_STREAM_HEADER, chunk]) : chunk;
      expect((await client.decompress(bytes)).subarray(33).equals(json)).toBe(true);
    }
    client.close();
  });

  it('sends what is small as it is', async () => {
    const client = createDecompressor('zstd-stream');
    const chunks = new ZstdChunks();
    const small = Buffer.from('{"op":11}');
    await client.decompress(chunks.compress(small));
    const message = chunks.compress(small);
    expect(message).toHaveLength(small.length + 3);
    expect((await client.decompress(message)).equals(small)).toBe(true);
    client.close();
  });

  it('makes text smaller', () => {
    const json = Buffer.from(JSON.stringify({ content: 'hello there '.repeat(50) }));
    expect(zstdChunk(json).length).toBeLessThan(json.length / 5);
  });

  it('refuses what a block cannot hold', () => {
    expect(() => writeRawBlockHeader(Buffer.alloc(3), 0, 131_073)).toThrow(RangeError);
  });
});
