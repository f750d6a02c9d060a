import { fanOutContext, IdSource, keepsTrace, samplingRate } from './sampling.js';
import { seededIds } from './seeded-ids.js';

const IDS_COUNT = 100_000;
const RATES = [0.5, 0.1, 0.01, 0.001];

function drawIds(count: number): string[] {
  const ids = seededIds(20261124);
  const everything = samplingRate(1);
  return Array.from({ length: count }, () => {
    ids.drawTrace(everything);
    return ids.takeTraceId();
  });
}

const ids = drawIds(IDS_COUNT);

describe('consistent sampling', () => {
  it.each(RATES)('keeps a share of %d, within three standard deviations', (p) => {
    const { threshold } = samplingRate(p);
    const kept = ids.filter((id) => keepsTrace(id, threshold)).length;
    const deviation = Math.sqrt(IDS_COUNT * p * (1 - p));
    expect(Math.abs(kept - IDS_COUNT * p)).toBeLessThan(3 * deviation + 1);
  });

  it('keeps at a lower rate only what it keeps at a higher one', () => {
    for (let at = 1; at < RATES.length; at += 1) {
      const more = samplingRate(RATES[at - 1]!).threshold;
      const fewer = samplingRate(RATES[at]!).threshold;
      const kept = ids.filter((id) => keepsTrace(id, fewer));
      expect(kept.length).toBeGreaterThan(0);
      expect(kept.every((id) => keepsTrace(id, more))).toBe(true);
    }
  });

  it('decides on the drawn bits as everyone else will on the id', () => {
    for (const p of RATES) {
      const source = seededIds(7);
      const rate = samplingRate(p);
      for (let round = 0; round < 20_000; round += 1) {
        const isKept = source.drawTrace(rate);
        expect(keepsTrace(source.takeTraceId(), rate.threshold)).toBe(isKept);
      }
    }
  });

  it('keeps everything at 1 and nothing at 0', () => {
    const source = new IdSource();
    const none = samplingRate(0);
    const everything = samplingRate(1);
    expect(everything.threshold).toBeUndefined();
    for (let round = 0; round < 1_000; round += 1) {
      expect(source.drawTrace(none)).toBe(false);
      expect(source.drawTrace(everything)).toBe(true);
    }
  });

  it('makes ids of the right form, all different', () => {
    expect(new Set(ids).size).toBe(IDS_COUNT);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
    const source = new IdSource();
    expect(source.takeSpanId()).toMatch(/^[0-9a-f]{16}$/);
  });

  it('never makes an id of zeros', () => {
    const source = new IdSource((words) => words.fill(0));
    source.drawTrace(samplingRate(1));
    expect(source.takeTraceId()).toMatch(/[^0]/);
    expect(source.takeSpanId()).toMatch(/[^0]/);
  });
});

describe('fanOutContext', () => {
  const contexts = ids.map((traceId) => ({ traceId, spanId: '00f067aa0ba902b7' }));

  it('leaves a small fan-out complete', () => {
    expect(contexts.every((context) => fanOutContext(context, 16) === context)).toBe(true);
    expect(fanOutContext(undefined, 1_000)).toBeUndefined();
  });

  it('keeps 16 consumers a message on average, and says for how many each stands', () => {
    const kept = contexts.flatMap((context) => fanOutContext(context, 1_600) ?? []);
    const deviation = Math.sqrt(IDS_COUNT * 0.01 * 0.99);
    expect(Math.abs(kept.length - IDS_COUNT * 0.01)).toBeLessThan(3 * deviation);
    expect(kept[0]!.threshold).toBe(samplingRate(0.01).threshold);
  });

  it('never lowers the threshold of the root', () => {
    const { threshold } = samplingRate(0.001);
    const context = {
      ...contexts.find(({ traceId }) => keepsTrace(traceId, threshold))!,
      threshold: threshold!,
    };
    expect(fanOutContext(context, 32)).toBe(context);
  });
});
