import { inflateSync } from 'node:zlib';
import { compressPayload, createCompressor, createDecompressor } from './compression.js';
import { CompressionFailed } from './ordered-transform.js';

const KINDS = ['zlib-stream', 'zstd-stream'] as const;

/** Bytes that do not compress, the same in every run. */
function noise(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = size + 1;
  for (let at = 0; at < size; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

const payloads = [
  Buffer.from('{"op":10}'),
  Buffer.from('{"op":0,"t":"MESSAGE_CREATE","d":"hello"}'),
  Buffer.from('{"op":0,"t":"MESSAGE_CREATE","d":"hello"}'),
  noise(100_000),
  Buffer.alloc(3_000_000, 'READY '),
  Buffer.from('x'),
];

describe.each(KINDS)('%s', (kind) => {
  it('carries one payload in one message, in order, without waiting in between', async () => {
    const compressor = createCompressor(kind);
    const decompressor = createDecompressor(kind);
    const messages = await Promise.all(payloads.map((payload) => compressor.compress(payload)));
    const received = await Promise.all(messages.map((one) => decompressor.decompress(one)));
    expect(received.map((one) => one.toString('latin1'))).toEqual(
      payloads.map((one) => one.toString('latin1')),
    );
    expect(compressor.pendingBytes).toBe(0);
    expect(decompressor.pendingBytes).toBe(0);
    compressor.close();
    decompressor.close();
  });

  it('remembers what was said before: the repeated event is smaller', async () => {
    const compressor = createCompressor(kind);
    const [, first, second] = await Promise.all(
      payloads.slice(0, 3).map((payload) => compressor.compress(payload)),
    );
    expect(second!.length).toBeLessThan(first!.length);
    compressor.close();
  });

  it('opens with the bytes of its format', async () => {
    const compressor = createCompressor(kind);
    const message = await compressor.compress(payloads[0]!);
    const magic = kind === 'zlib-stream' ? '789c' : '28b52ffd';
    expect(message.toString('hex').startsWith(magic)).toBe(true);
    compressor.close();
  });

  it('counts what is pending, and refuses only what is beyond the bound', async () => {
    const compressor = createCompressor(kind, { pendingBytesMax: 100 });
    const first = compressor.compress(Buffer.alloc(60, 1));
    expect(compressor.pendingBytes).toBe(60);
    await expect(compressor.compress(Buffer.alloc(41, 2))).rejects.toMatchObject({
      name: 'CompressionFailed',
      reason: 'overloaded',
    });
    const second = compressor.compress(Buffer.alloc(40, 3));
    expect(compressor.pendingBytes).toBe(100);
    const decompressor = createDecompressor(kind);
    expect(await decompressor.decompress(await first)).toEqual(Buffer.alloc(60, 1));
    expect(await decompressor.decompress(await second)).toEqual(Buffer.alloc(40, 3));
    expect(compressor.pendingBytes).toBe(0);
    compressor.close();
    decompressor.close();
  });

  it('rejects what is pending when it is closed, and everything after', async () => {
    const compressor = createCompressor(kind);
    const pending = payloads.slice(0, 3).map((payload) => compressor.compress(payload));
    compressor.close();
    compressor.close();
    for (const outcome of await Promise.allSettled(pending)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'closed' } });
    }
    await expect(compressor.compress(payloads[0]!)).rejects.toThrow(CompressionFailed);
    expect(compressor.pendingBytes).toBe(0);
  });

  it('refuses an empty payload, which would have no message', async () => {
    const compressor = createCompressor(kind);
    await expect(compressor.compress(Buffer.alloc(0))).rejects.toThrow(RangeError);
    compressor.close();
  });

  it('stops inflating at the bound', async () => {
    const compressor = createCompressor(kind);
    const decompressor = createDecompressor(kind, { outputSizeMax: 1_000_000 });
    const small = await compressor.compress(Buffer.alloc(1_000_000));
    const bomb = await compressor.compress(Buffer.alloc(3_000_000));
    expect((await decompressor.decompress(small)).length).toBe(1_000_000);
    await expect(decompressor.decompress(bomb)).rejects.toMatchObject({ reason: 'too_large' });
    await expect(decompressor.decompress(small)).rejects.toMatchObject({ reason: 'too_large' });
    compressor.close();
  });

  it('reports a broken stream to everyone waiting', async () => {
    const decompressor = createDecompressor(kind);
    const outcomes = await Promise.allSettled([
      decompressor.decompress(noise(50)),
      decompressor.decompress(noise(51)),
    ]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { reason: 'broken' } });
    }
  });
});

describe('zlib-stream', () => {
  it('ends every message with one suffix, wherever the output buffer happens to end', async () => {
    const compressor = createCompressor('zlib-stream');
    const decompressor = createDecompressor('zlib-stream');
    // Sizes around the buffer's, so that over the run its end falls on each byte of the marker.
    for (let extra = -40; extra < 120; extra += 1) {
      const payload = noise(16_384 + extra);
      const message = await compressor.compress(payload);
      expect(message.subarray(-4).toString('hex')).toBe('0000ffff');
      expect(message.subarray(-9).toString('hex')).not.toBe('0000ffff000000ffff');
      expect((await decompressor.decompress(message)).equals(payload)).toBe(true);
    }
    compressor.close();
    decompressor.close();
  });

  it('works with a smaller context', async () => {
    const compressor = createCompressor('zlib-stream', { windowBits: 12, memLevel: 5 });
    const decompressor = createDecompressor('zlib-stream');
    for (const payload of payloads) {
      const received = await decompressor.decompress(await compressor.compress(payload));
      expect(received.equals(payload)).toBe(true);
    }
    compressor.close();
    decompressor.close();
  });
});

describe('compressPayload', () => {
  it('is a zlib stream of its own', () => {
    expect(inflateSync(compressPayload(payloads[1]!))).toEqual(payloads[1]);
  });
});
