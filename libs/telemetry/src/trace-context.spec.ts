import {
  invalidTraceparentsCount,
  parseTraceparent,
  traceparentOf,
  tracestateOf,
} from './trace-context.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE_ID}-${SPAN_ID}-01`;

/** Small, fast and repeatable; enough to choose mutations. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

describe('traceparent', () => {
  it('is read and written back unchanged', () => {
    const context = parseTraceparent(SAMPLED);
    expect(context).toEqual({ traceId: TRACE_ID, spanId: SPAN_ID });
    expect(traceparentOf(context!)).toBe(SAMPLED);
    expect(tracestateOf(context!)).toBeUndefined();
  });

  it('is nothing at all when absent or unsampled, and that is no error', () => {
    const before = invalidTraceparentsCount();
    expect(parseTraceparent(undefined)).toBeUndefined();
    expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-00`)).toBeUndefined();
    expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-02`)).toBeUndefined();
    expect(invalidTraceparentsCount()).toBe(before);
  });

  it.each([
    ['empty', ''],
    ['too long', `${SAMPLED}-x`],
    ['version ff', `ff${SAMPLED.slice(2)}`],
    ['upper case', SAMPLED.toUpperCase()],
    ['a zero trace id', `00-${'0'.repeat(32)}-${SPAN_ID}-01`],
    ['a zero span id', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
    ['a wrong dash', SAMPLED.replace('-4', '_4')],
    ['flags that are not hex', `${SAMPLED.slice(0, 54)}x`],
    ['a first flag digit that is not hex', `${SAMPLED.slice(0, 53)}z1`],
  ])('counts %s as malformed and carries on', (_, header) => {
    const before = invalidTraceparentsCount();
    expect(parseTraceparent(header)).toBeUndefined();
    expect(invalidTraceparentsCount()).toBe(before + 1);
  });

  it('never throws, and never accepts what the grammar does not', () => {
    const seed = Number(process.env['SEED'] ?? 20261124);
    const random = seeded(seed);
    const grammar =
      /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][13579bdf]$/;
    let acceptedCount = 0;
    for (let round = 0; round < 50_000; round += 1) {
      const characters = [...SAMPLED];
      for (let edits = Math.floor(random() * 3); edits > 0; edits -= 1) {
        const at = Math.floor(random() * characters.length);
        const alphabet = '0123456789abcdefABCDEFg-_ \u00e9\u0000';
        characters[at] = alphabet[Math.floor(random() * alphabet.length)]!;
      }
      if (random() < 0.1) characters.splice(Math.floor(random() * 55), 1);
      const header = characters.join('');
      const context = parseTraceparent(header);
      acceptedCount += context === undefined ? 0 : 1;
      if ((context !== undefined) !== grammar.test(header)) {
        throw new Error(`SEED=${seed}: ${JSON.stringify(header)} was read as ${context?.traceId}`);
      }
    }
    expect(acceptedCount).toBeGreaterThan(10_000);
  });
});

describe('tracestate', () => {
  it.each([
    ['ot=th:fd70a', 'fd70a'],
    ['vendor=1,ot=rv:123;th:8', '8'],
    ['ot=th:8000', '8'],
    ['ot=th:0', undefined],
    ['ot=th:xyz', undefined],
    ['not=th:8', undefined],
    ['ot=th:123456789abcdef', undefined],
    [`${'a'.repeat(600)},ot=th:8`, undefined],
  ])('%s gives the threshold %s', (tracestate, threshold) => {
    expect(parseTraceparent(SAMPLED, tracestate)?.threshold).toBe(threshold);
  });

  it('is written when the trace stands for more than itself', () => {
    expect(tracestateOf(parseTraceparent(SAMPLED, 'ot=th:fd70a')!)).toBe('ot=th:fd70a');
  });
});
