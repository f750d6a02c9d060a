import { codecOf } from './codec.js';
import { createDecompressor } from './compression.js';
import { dispatchHeadSize, SEQUENCE_MAX } from './dispatch-head.js';
import { EncodedDispatch } from './encoded-dispatch.js';
import { ZlibChunks } from './zlib-chunks.js';

const DATA = { id: '81384788765712384', content: 'ä "quoted" \u{1F600}', embeds: [], tts: false };
const encodedDispatch = () =>
  new EncodedDispatch('MESSAGE_CREATE', Buffer.from(JSON.stringify(DATA)));
const SEQUENCES = [1, 9, 10, 99, 100, 255, 256, 12_345, 999_999_999, SEQUENCE_MAX];

describe('EncodedDispatch', () => {
  describe.each(['json', 'etf'] as const)('as %s', (encoding) => {
    it('gives each session the same event with its own sequence', () => {
      const event = encodedDispatch();
      for (const sequence of SEQUENCES) {
        expect(codecOf(encoding).decode(event.frame(encoding, sequence))).toEqual({
          op: 0,
          s: sequence,
          t: 'MESSAGE_CREATE',
          d: DATA,
        });
      }
    });

    it('gives the same frame for one alone, and keeps nothing for others', () => {
      const event = encodedDispatch();
      for (const sequence of SEQUENCES) {
        expect(event.frameOnce(encoding, sequence)).toEqual(
          encodedDispatch().frame(encoding, sequence),
        );
      }
    });

    it('writes frames one after another into one buffer', () => {
      const event = encodedDispatch();
      const frames = SEQUENCES.map((sequence) => event.frame(encoding, sequence));
      const size = SEQUENCES.reduce((sum, one) => sum + event.frameSize(encoding, one), 0);
      const target = Buffer.alloc(size);
      let at = 0;
      for (const sequence of SEQUENCES) at = event.writeFrame(target, at, encoding, sequence);
      expect(at).toBe(size);
      expect(target).toEqual(Buffer.concat(frames));
    });

    it('makes the shared part once', () => {
      const event = encodedDispatch();
      expect(event.body(encoding)).toBe(event.body(encoding));
      const frame = event.frame(encoding, 77);
      expect(frame.subarray(dispatchHeadSize(encoding, 77))).toEqual(event.body(encoding));
    });

    it('fits any zlib stream that is open, between messages made for it alone', async () => {
      const event = encodedDispatch();
      const chunks = new ZlibChunks(4096);
      const client = createDecompressor('zlib-stream');
      const plain = (sequence: number) => event.frame(encoding, sequence);
      const own = Buffer.from('{"op":11,"d":null,"s":null,"t":null}');
      for (let sequence = 1; sequence < 300; sequence += 1) {
        expect(await client.decompress(chunks.compress(own))).toEqual(own);
        expect(await client.decompress(chunks.compress(own))).toEqual(own);
        chunks.skip();
        const message = event.zlibFrame(encoding, sequence);
        expect(message.subarray(-4).toString('hex')).toBe('0000ffff');
        expect(message.indexOf('0000ffff', 0, 'hex')).toBe(message.length - 4);
        expect(await client.decompress(message)).toEqual(plain(sequence));
      }
      client.close();
    });
  });

  it('asks for no ETF where nobody speaks it: broken JSON is only found then', () => {
    const event = new EncodedDispatch('MESSAGE_CREATE', Buffer.from('{'));
    expect(event.frame('json', 1).toString()).toBe('{"op":0,"s":1,"t":"MESSAGE_CREATE","d":{}');
    expect(() => event.frame('etf', 1)).toThrow(SyntaxError);
  });
});
