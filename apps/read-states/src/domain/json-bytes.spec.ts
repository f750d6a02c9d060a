import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { JsonBytes } from './json-bytes.js';

const written = (work: (json: JsonBytes) => void): string => {
  const json = new JsonBytes();
  work(json);
  return Buffer.from(json.bytes.subarray(0, json.end)).toString();
};

describe('JSON as bytes', () => {
  it('has whole numbers of 64 bits as they are written', () => {
    const random = new SeededRandom(seedFromEnv(process.env['SEED']));
    const numbers = [0n, 9n, 10n, 999_999_999n, 10n ** 9n, 10n ** 18n, 2n ** 32n, 2n ** 64n - 1n];
    for (let round = 0; round < 20_000; round += 1) {
      const id = (BigInt(random.int(2 ** 32)) << 32n) | BigInt(random.int(2 ** 32));
      numbers.push(id >> BigInt(random.int(64)));
    }
    for (const id of numbers) {
      const text = written((json) => json.decimal64(Number(id >> 32n), Number(id & 0xffffffffn)));
      if (text !== String(id)) throw new Error(`${random}: ${id} is written as ${text}`);
    }
  });

  it('has whole numbers up to 2^53', () => {
    for (const value of [0, 1, 9, 10, 4_294_967_295, 2 ** 53 - 1, 2 ** 53]) {
      expect(written((json) => json.decimal(value))).toBe(String(value));
    }
  });

  it('grows', () => {
    const piece = new TextEncoder().encode('x'.repeat(300));
    const text = written((json) => {
      for (let count = 0; count < 10; count += 1) {
        json.put(piece);
        json.decimal(count);
      }
    });
    expect(text).toBe(Array.from({ length: 10 }, (_, at) => `${'x'.repeat(300)}${at}`).join(''));
  });
});
