import { decodeJson, encodeJson } from './json-codec.js';
import { MalformedPayload } from './malformed-payload.js';

describe('JSON codec', () => {
  it('gives back what it was given', () => {
    const value = { op: 1, d: [null, true, 'ä \u{1F600} "[{', -1.5, {}], s: null };
    expect(decodeJson(encodeJson(value))).toEqual(value);
  });

  it.each(['', '{', '{"op":1}x', 'undefined', '{"op":}', "{'op':1}"])('refuses %j', (text) => {
    expect(() => decodeJson(Buffer.from(text))).toThrow(MalformedPayload);
  });

  it('refuses what is not UTF-8', () => {
    expect(() => decodeJson(Buffer.from([0x22, 0xff, 0x22]))).toThrow(MalformedPayload);
  });

  it('refuses one byte and one level too many, and not one less', () => {
    const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
    expect(decodeJson(nested(64))).toBeInstanceOf(Array);
    expect(() => decodeJson(nested(65))).toThrow('nests too deep');
    expect(decodeJson(nested(2), { sizeMax: 4, depthMax: 2 })).toEqual([[]]);
    expect(() => decodeJson(nested(2), { sizeMax: 3 })).toThrow('too large');
    expect(() => decodeJson(nested(2), { depthMax: 1 })).toThrow('nests too deep');
  });

  it('does not take brackets in strings for nesting', () => {
    const text = JSON.stringify({ a: '[[[[{{{{\\"', b: '\\', c: '[[' });
    expect(decodeJson(Buffer.from(text), { depthMax: 1 })).toEqual(JSON.parse(text));
  });

  it('lets no key reach a prototype', () => {
    const value = decodeJson(Buffer.from('{"__proto__":{"isAdmin":true}}')) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect('isAdmin' in value).toBe(false);
    expect('isAdmin' in {}).toBe(false);
  });

  it('refuses to encode what is no value', () => {
    expect(() => encodeJson(undefined)).toThrow(TypeError);
  });
});
