import { codecOf } from './codec.js';
import { dispatchHeadSize, SEQUENCE_MAX } from './dispatch-head.js';
import { EncodedDispatch } from './encoded-dispatch.js';

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
  });

  it('asks for no ETF where nobody speaks it: broken JSON is only found then', () => {
    const event = new EncodedDispatch('MESSAGE_CREATE', Buffer.from('{'));
    expect(event.frame('json', 1).toString()).toBe('{"op":0,"s":1,"t":"MESSAGE_CREATE","d":{}');
    expect(() => event.frame('etf', 1)).toThrow(SyntaxError);
  });
});
