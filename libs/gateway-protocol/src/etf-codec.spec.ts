import { deflateSync } from 'node:zlib';
import { codecOf } from './codec.js';
import { decodeEtf } from './etf-decoder.js';
import { encodeEtf, encodeEtfTerm } from './etf-encoder.js';
import { MalformedPayload } from './malformed-payload.js';

const etf = (...parts: (number | string | Buffer)[]) =>
  Buffer.concat([
    Buffer.from([131]),
    ...parts.map((part) =>
      typeof part === 'number'
        ? Buffer.from([part])
        : typeof part === 'string'
          ? Buffer.from(part, 'latin1')
          : part,
    ),
  ]);
const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

describe('ETF encoder', () => {
  it.each<[string, unknown, Buffer]>([
    ['null', null, etf(100, 0, 3, 'nil')],
    ['true', true, etf(100, 0, 4, 'true')],
    ['false', false, etf(100, 0, 5, 'false')],
    ['zero', 0, etf(97, 0)],
    ['255', 255, etf(97, 255)],
    ['256', 256, etf(98, 0, 0, 1, 0)],
    ['-1', -1, etf(98, 255, 255, 255, 255)],
    ['2^31', 2 ** 31, etf(110, 4, 0, 0, 0, 0, 128)],
    ['a time in ms', 1_700_000_000_000, etf(110, 6, 0, 0, 104, 229, 207, 139, 1)],
    ['-2^32', -(2 ** 32), etf(110, 5, 1, 0, 0, 0, 0, 1)],
    ['1.5', 1.5, etf(70, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0)],
    ['NaN', NaN, etf(100, 0, 3, 'nil')],
    ['text', 'aä', etf(109, uint32(3), 'a', Buffer.from('ä'))],
    ['a snowflake', '81384788765712384', etf(109, uint32(17), '81384788765712384')],
    ['no items', [], etf(106)],
    ['items', [1, undefined], etf(108, uint32(2), 97, 1, 100, 0, 3, 'nil', 106)],
    ['no members', {}, etf(116, uint32(0))],
    [
      'members',
      { op: 1, no: undefined, d: null },
      etf(116, uint32(2), 109, uint32(2), 'op', 97, 1, 109, uint32(1), 'd', 100, 0, 3, 'nil'),
    ],
  ])('writes %s as small decoders expect it', (_name, value, bytes) => {
    expect(encodeEtf(value)).toEqual(bytes);
    expect(encodeEtfTerm(value)).toEqual(bytes.subarray(1));
  });

  it('grows for large values and keeps none of its earlier results', () => {
    const first = encodeEtf('first');
    const large = Array.from({ length: 50_000 }, (_, index) => `${index}-ä`.repeat(5));
    expect(decodeEtf(encodeEtf(large))).toEqual(large);
    expect(decodeEtf(first)).toBe('first');
  });
});

describe('ETF decoder', () => {
  it.each<[string, Buffer, unknown]>([
    ['ATOM_EXT', etf(100, 0, 3, 'nil'), null],
    ['SMALL_ATOM_EXT null', etf(115, 4, 'null'), null],
    ['SMALL_ATOM_EXT true', etf(115, 4, 'true'), true],
    ['ATOM_UTF8_EXT undefined', etf(118, 0, 9, 'undefined'), null],
    ['SMALL_ATOM_UTF8_EXT false', etf(119, 5, 'false'), false],
    ['an atom of another name', etf(119, 3, Buffer.from('ä1')), 'ä1'],
    ['a latin-1 atom', etf(115, 1, 0xe4), 'ä'],
    ['FLOAT_EXT', etf(99, '1.50000000000000000000e+00', 0, 0, 0, 0, 0), 1.5],
    ['NEW_FLOAT_EXT', etf(70, 0xbf, 0xf8, 0, 0, 0, 0, 0, 0), -1.5],
    ['SMALL_BIG_EXT, safe', etf(110, 4, 0, 0, 0, 0, 128), 2 ** 31],
    ['SMALL_BIG_EXT, a snowflake', etf(110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1), '72057594037927936'],
    ['SMALL_BIG_EXT, negative', etf(110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 1), '-72057594037927936'],
    ['LARGE_BIG_EXT', etf(111, uint32(2), 0, 1, 1), 257],
    ['a big without digits', etf(110, 0, 0), 0],
    ['STRING_EXT', etf(107, 0, 3, 1, 2, 3), [1, 2, 3]],
    ['SMALL_TUPLE_EXT', etf(104, 2, 97, 0, 97, 1), [0, 1]],
    ['LARGE_TUPLE_EXT', etf(105, uint32(1), 106), [[]]],
    [
      'keys of every kind',
      etf(
        116,
        uint32(4),
        119,
        2,
        'op',
        97,
        1,
        97,
        7,
        97,
        2,
        115,
        3,
        'nil',
        97,
        3,
        109,
        uint32(0),
        97,
        4,
      ),
      { op: 1, 7: 2, nil: 3, '': 4 },
    ],
    ['COMPRESSED', etf(80, uint32(2), deflateSync(Buffer.from([97, 9]))), 9],
  ])('reads %s', (_name, bytes, value) => {
    expect(decodeEtf(bytes)).toEqual(value);
  });

  const bomb = deflateSync(Buffer.alloc(1 << 20, 106));
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['only the version', etf()],
    ['another version', Buffer.from([130, 97, 1])],
    ['an unknown kind', etf(255)],
    ['bytes after the term', etf(97, 1, 0)],
    ['a cut integer', etf(98, 0, 0)],
    ['a binary longer than the payload', etf(109, uint32(4_000_000_000), 'a')],
    ['a list longer than the payload', etf(108, uint32(4_000_000_000), 106)],
    ['a map larger than the payload', etf(116, uint32(2 ** 31), 106)],
    ['an improper list', etf(108, uint32(1), 97, 1, 97, 2)],
    ['a binary that is not UTF-8', etf(109, uint32(1), 0xff)],
    ['a map as key', etf(116, uint32(1), 116, uint32(0), 97, 1)],
    ['an endless float', etf(70, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0)],
    ['a float of letters', etf(99, 'x'.repeat(31))],
    ['an integer of 65 bytes', etf(110, 65, 0, Buffer.alloc(65, 1))],
    ['a compressed term that inflates to more than it says', etf(80, uint32(100), bomb)],
    [
      'a compressed term that inflates to less',
      etf(80, uint32(3), deflateSync(Buffer.from([97, 9]))),
    ],
    ['a compressed term that says it is huge', etf(80, uint32(2 ** 32 - 1), bomb)],
    [
      'a compressed term followed by bytes',
      etf(80, uint32(2), deflateSync(Buffer.from([97, 9])), 0),
    ],
    [
      'a compressed term inside a compressed term',
      etf(80, uint32(6), deflateSync(etf(80, uint32(9)))),
    ],
    ['compressed noise', etf(80, uint32(2), 'noise')],
  ])('refuses %s', (_name, bytes) => {
    expect(() => decodeEtf(bytes)).toThrow(MalformedPayload);
  });

  it('bounds depth and size', () => {
    const nested = (depth: number) => etf(Buffer.alloc(depth * 2, Buffer.from([104, 1])), 97, 1);
    expect(decodeEtf(nested(64))).toBeInstanceOf(Array);
    expect(() => decodeEtf(nested(65))).toThrow('nests too deep');
    expect(() => decodeEtf(nested(2_000_000))).toThrow('nests too deep');
    expect(() => decodeEtf(nested(5), { depthMax: 4 })).toThrow('nests too deep');
    expect(() => decodeEtf(nested(5), { sizeMax: 12 })).toThrow('too large');
    expect(decodeEtf(nested(5), { sizeMax: 13 })).toEqual([[[[[1]]]]]);
  });

  it('lets no key reach a prototype', () => {
    const value = decodeEtf(
      etf(116, uint32(1), 109, uint32(9), '__proto__', 116, uint32(1), 109, uint32(1), 'x', 97, 1),
    ) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect('x' in value).toBe(false);
  });

  it('reads a term in the middle of a larger buffer', () => {
    const pool = new Uint8Array([1, 2, 131, 97, 7, 9]);
    expect(decodeEtf(pool.subarray(2, 5))).toBe(7);
  });
});

describe('codecOf', () => {
  it('says the same in both encodings', () => {
    const payload = { op: 8, d: { guild_id: '81384788765712384', limit: 0, query: '' } };
    for (const encoding of ['json', 'etf'] as const) {
      const codec = codecOf(encoding);
      expect(codec.decode(codec.encode(payload))).toEqual(payload);
    }
  });
});
