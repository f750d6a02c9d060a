import { decodeEtf } from './etf-decoder.js';
import { encodeEtf } from './etf-encoder.js';
import { decodeJson } from './json-codec.js';
import { MalformedPayload } from './malformed-payload.js';
import { SEED, seeded } from './testing/seeded.js';

const TAGS = [70, 80, 97, 98, 99, 100, 104, 105, 106, 107, 108, 109, 110, 111, 115, 116, 118, 119];

describe(`ETF under fuzz (SEED=${SEED})`, () => {
  const random = seeded(SEED);
  const below = (bound: number) => Math.floor(random() * bound);

  function outcome(bytes: Buffer): 'value' | 'refused' {
    try {
      decodeEtf(bytes);
      return 'value';
    } catch (error) {
      if (!(error instanceof MalformedPayload)) {
        throw new Error(`${bytes.toString('hex')} made it throw`, { cause: error });
      }
      return 'refused';
    }
  }

  it('never throws anything but MalformedPayload, on 10,000 random buffers', () => {
    const seen = { value: 0, refused: 0 };
    for (let round = 0; round < 10_000; round += 1) {
      const bytes = Buffer.from(
        Array.from({ length: below(round % 4 === 0 ? 6 : 60) }, () => below(256)),
      );
      // Half of them look like terms, or all would be refused at the first byte; lengths stay
      // small.
      if (round % 2 === 0 && bytes.length > 1) {
        for (let at = 1; at < bytes.length; at += 1) {
          const dice = below(3);
          if (dice === 0) bytes[at] = TAGS[below(TAGS.length)]!;
          if (dice === 1) bytes[at] = below(3);
        }
        bytes[0] = 131;
      }
      seen[outcome(bytes)] += 1;
    }
    expect(seen.value).toBeGreaterThan(20);
    expect(seen.refused).toBeGreaterThan(5_000);
  });

  function randomText(): string {
    const alphabet = ['a', 'Z', '0', '"', '\\', '\0', 'ä', '漢', '\u{1F600}', '__proto__', '\n'];
    return Array.from({ length: below(12) }, () => alphabet[below(alphabet.length)]).join('');
  }

  function randomNumber(): number {
    const dice = below(6);
    if (dice === 0) return below(256);
    if (dice === 1) return below(2 ** 32) - 2 ** 31;
    if (dice === 2) return Math.round((random() - 0.5) * 2 ** 53);
    if (dice === 3) return [255, 256, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1][below(6)]!;
    if (dice === 4) return (random() - 0.5) * 10 ** (below(600) - 300);
    return [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e300, 5e-324][below(4)]!;
  }

  function randomValue(depth: number): unknown {
    const dice = below(depth > 5 ? 5 : 7);
    if (dice === 0) return null;
    if (dice === 1) return random() < 0.5;
    if (dice === 2) return randomNumber();
    if (dice <= 4) return randomText();
    if (dice === 5) return Array.from({ length: below(6) }, () => randomValue(depth + 1));
    // Through JSON, so that a key `__proto__` is an own property here as well.
    const members = Array.from(
      { length: below(6) },
      () => `${JSON.stringify(randomText())}:${JSON.stringify(randomValue(depth + 1))}`,
    );
    return JSON.parse(`{${members.join(',')}}`);
  }

  it('gives back 5,000 random values as JSON would', () => {
    for (let round = 0; round < 5_000; round += 1) {
      const value = randomValue(0);
      const text = JSON.stringify(value);
      expect(JSON.stringify(decodeEtf(encodeEtf(value)))).toBe(text);
      expect(JSON.stringify(decodeJson(Buffer.from(text)))).toBe(text);
    }
  });

  it('refuses or survives 10,000 damaged encodings, and every cut one', () => {
    for (let round = 0; round < 10_000; round += 1) {
      const bytes = encodeEtf(randomValue(0));
      const cut = below(bytes.length);
      expect(outcome(bytes.subarray(0, cut))).toBe('refused');
      bytes[below(bytes.length)] = below(256);
      outcome(bytes);
    }
  });
});
