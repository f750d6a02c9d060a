import { getHeapStatistics } from 'node:v8';

import { COUNT_RANGE, Histogram } from './histogram.js';
import { Metrics } from './metrics.js';
import { startProcessMetrics } from './process-metrics.js';

const CONTEXT = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
  readonly exemplar: string | undefined;
}

/** Reads OpenMetrics text, throwing on what the specification does not allow. */
function readOpenMetrics(text: string): Map<string, { type: string; samples: Sample[] }> {
  const families = new Map<string, { type: string; samples: Sample[] }>();
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== '# EOF') throw new Error('no EOF at the end');
  let current = '';
  for (const line of lines) {
    const meta = /^# (TYPE|UNIT|HELP) ([a-z0-9_]+) (.+)$/.exec(line);
    if (meta !== null) {
      const [, keyword, name, rest] = meta as unknown as [string, string, string, string];
      if (keyword === 'TYPE') {
        if (families.has(name)) throw new Error(`${name} appears twice`);
        families.set(name, { type: rest, samples: [] });
        current = name;
      }
      if (name !== current) throw new Error(`${line}: not about ${current}`);
      if (keyword === 'UNIT' && !name.endsWith(`_${rest}`)) throw new Error(`${line}: wrong unit`);
      continue;
    }
    const sample =
      /^([a-z0-9_]+)(?:\{(.*?)\})? (\S+)(?: # (\{trace_id="[0-9a-f]{32}"\} \S+ \S+))?$/;
    const parts = sample.exec(line);
    if (parts === null) throw new Error(`cannot read: ${line}`);
    const [, name, labelText = '', number, exemplar] = parts as unknown as string[];
    const family = families.get(current)!;
    const suffixes = { counter: ['_total'], gauge: [''], info: ['_info'] }[family.type] ?? [
      ...['_bucket', '_count', '_sum'],
    ];
    if (!suffixes.includes(name!.slice(current.length))) throw new Error(`${line}: wrong suffix`);
    const labels: Record<string, string> = {};
    for (const [, key, value] of labelText.matchAll(/([a-z0-9_]+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[key!] = value!;
    }
    const value = number === '+Inf' ? Infinity : Number(number);
    if (Number.isNaN(value)) throw new Error(`${line}: not a number`);
    if (exemplar !== undefined && !name!.endsWith('_bucket')) throw new Error(`${line}: exemplar`);
    family.samples.push({ name: name!, labels, value, exemplar });
  }
  for (const [name, { type, samples }] of families) {
    if (type === 'histogram') checkHistogram(name, samples);
  }
  return families;
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  let count = 0;
  let bound = -Infinity;
  for (const sample of samples) {
    if (sample.name === `${name}_bucket`) {
      const le = sample.labels['le'] === '+Inf' ? Infinity : Number(sample.labels['le']);
      if (!(le > bound)) throw new Error(`${name}: bounds do not ascend`);
      if (sample.value < count) throw new Error(`${name}: counts do not accumulate`);
      bound = le;
      count = sample.value;
    } else if (sample.name === `${name}_count`) {
      if (bound !== Infinity || sample.value !== count) throw new Error(`${name}: wrong count`);
      bound = -Infinity;
      count = 0;
    }
  }
}

describe('OpenMetrics text', () => {
  it('says everything in the form of the specification', () => {
    const metrics = new Metrics();
    metrics.counter({ name: 'frames', help: 'Frames "read"\nso far' }).add(3);
    const calls = metrics.counterBy({ name: 'calls', help: 'Calls', labels: ['op', 'result'] });
    calls.of({ op: 'ack', result: 'a "b"\\\n' }).add();
    calls.of({ op: 'send', result: 'ok' }).add(2);
    metrics.gauge({ name: 'sockets', help: 'Open sockets' }).set(-1.5);
    metrics.observe('gauge', { name: 'fill', unit: 'ratio', help: 'Fill' }, () => 0.25);
    const took = metrics.histogram({
      name: 'delivery_duration',
      unit: 'seconds',
      help: 'Delivery',
    });
    took.recordTraced(0.0123, CONTEXT);
    took.record(0.5);
    took.record(1e9);
    metrics.info({ name: 'build', help: 'Build' }, { version: '1.2.3' });

    const families = readOpenMetrics(metrics.writeOpenMetrics());
    expect(Object.fromEntries([...families].map(([name, { type }]) => [name, type]))).toEqual({
      frames: 'counter',
      calls: 'counter',
      sockets: 'gauge',
      fill_ratio: 'gauge',
      delivery_duration_seconds: 'histogram',
      build: 'info',
    });
    expect(families.get('calls')!.samples).toEqual([
      {
        name: 'calls_total',
        labels: { op: 'ack', result: 'a \\"b\\"\\\\\\n' },
        value: 1,
        exemplar: undefined,
      },
      { name: 'calls_total', labels: { op: 'send', result: 'ok' }, value: 2, exemplar: undefined },
    ]);
    expect(families.get('sockets')!.samples[0]!.value).toBe(-1.5);
    const buckets = families.get('delivery_duration_seconds')!.samples;
    const marked = buckets.filter(({ exemplar }) => exemplar !== undefined);
    expect(marked).toHaveLength(1);
    expect(marked[0]!.exemplar).toContain(`{trace_id="${CONTEXT.traceId}"} 0.0123 `);
    expect(Number(marked[0]!.labels['le'])).toBeGreaterThanOrEqual(0.0123);
    expect(buckets.find(({ name }) => name.endsWith('_count'))!.value).toBe(3);
    expect(buckets.find(({ labels }) => labels['le'] === '+Inf')!.value).toBe(3);
  });

  it('gives one metric to all who ask for it, and refuses another under its name', () => {
    const metrics = new Metrics();
    const spec = { name: 'frames', help: 'Frames' };
    metrics.counter(spec).add();
    metrics.counter(spec).add();
    expect(metrics.counter(spec).value).toBe(2);
    expect(() => metrics.gauge(spec)).toThrow(TypeError);
    expect(() => metrics.counterBy({ ...spec, labels: ['op'] })).toThrow(TypeError);
    expect(() => metrics.counter({ name: 'Frames-read', help: '' })).toThrow(TypeError);
    expect(() => metrics.observe('counter', spec, () => 1)).toThrow(TypeError);
  });

  it('holds a bounded number of label sets, and loses no count past it', () => {
    const metrics = new Metrics();
    const family = metrics.counterBy({ name: 'ids', help: 'Ids', labels: ['id'], labelSetsMax: 3 });
    for (let id = 0; id < 100; id += 1) family.of({ id: String(id) }).add();
    const { samples } = readOpenMetrics(metrics.writeOpenMetrics()).get('ids')!;
    expect(samples.map(({ labels, value }) => [labels['id'], value])).toEqual([
      ...[
        ['0', 1],
        ['1', 1],
        ['2', 1],
      ],
      ['other', 97],
    ]);
  });

  it('tells what the process itself is doing', async () => {
    const metrics = new Metrics();
    const stop = startProcessMetrics(metrics, { service: 'api', instance: 'api-0', version: '1' });
    const delay = metrics.histogram({ name: 'nodejs_eventloop_delay', unit: 'seconds', help: '' });
    const busyUntilMs = performance.now() + 250;
    while (performance.now() < busyUntilMs);
    await new Promise<void>((resolve) => {
      const look = (): void => void (delay.count > 0 ? resolve() : setImmediate(look));
      look();
    });
    stop();
    stop();
    expect(delay.quantile(1)).toBeGreaterThan(0.1);
    const families = readOpenMetrics(metrics.writeOpenMetrics());
    const valueOf = (name: string): number => families.get(name)!.samples[0]!.value;
    expect(valueOf('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
    expect(valueOf('process_cpu_seconds')).toBeGreaterThan(0);
    expect(valueOf('nodejs_open_handles')).toBeGreaterThan(0);
    expect(families.get('guildhall_build')!.samples[0]!.labels).toMatchObject({ service: 'api' });
    expect(families.get('v8js_gc_duration_seconds')!.samples.length).toBeGreaterThan(0);
  });
});

describe('Histogram', () => {
  it('puts every value into the bucket that its bounds promise', () => {
    const histogram = new Histogram({ min: 1, max: 64 });
    const { bounds } = histogram;
    const values = [0, -1, NaN, 1, 1.0000001, 1.25, 2, 3.999, 4, 63.9, 64, 64.1, Infinity];
    for (const bound of bounds) values.push(bound, bound * 1.0001, bound * 0.9999);
    for (const value of values) {
      const one = new Histogram({ min: 1, max: 64 });
      one.record(value);
      const found = Array.from({ length: bounds.length + 1 }, (_, at) => one.countAt(at)).indexOf(
        1,
      );
      const expected = bounds.findIndex((bound) => !(value > bound));
      expect([value, found]).toEqual([value, expected < 0 ? bounds.length : expected]);
    }
  });

  it('gives quantiles at most a quarter too high', () => {
    const histogram = new Histogram();
    for (let at = 1; at <= 10_000; at += 1) histogram.record(at / 10_000);
    for (const q of [0.01, 0.5, 0.9, 0.99, 1]) {
      expect(histogram.quantile(q)).toBeGreaterThanOrEqual(q);
      expect(histogram.quantile(q)).toBeLessThanOrEqual(q * 1.25);
    }
    expect(new Histogram().quantile(0.5)).toBe(0);
    expect(histogram.sum).toBeCloseTo(5_000.5, 3);
  });

  it('allocates nothing to record', () => {
    const histogram = new Histogram();
    const values = Float64Array.from({ length: 1_024 }, (_, at) => at / 1_024);
    const work = (roundsCount: number): number => {
      const before = getHeapStatistics().total_allocated_bytes;
      for (let round = 0; round < roundsCount; round += 1) {
        histogram.recordTraced(values[round & 1_023]!, undefined);
      }
      return (getHeapStatistics().total_allocated_bytes - before) / roundsCount;
    };
    // The first rounds run before the code is compiled and may box numbers.
    const bytes = Array.from({ length: 10 }, () => work(200_000));
    expect(Math.min(...bytes)).toBeLessThan(2);
  });

  it('adds up across processes', () => {
    const [one, other] = [new Histogram(COUNT_RANGE), new Histogram(COUNT_RANGE)];
    one.record(3);
    other.record(700);
    one.add(other);
    expect([one.count, one.sum, one.quantile(1)]).toEqual([2, 703, 768]);
    expect(() => one.add(new Histogram())).toThrow(RangeError);
    expect(() => new Histogram({ min: 0, max: 1 })).toThrow(RangeError);
  });

  it('keeps the last traced value of each bucket', () => {
    let nowMs = 1_000;
    const histogram = new Histogram(COUNT_RANGE, () => nowMs);
    histogram.recordTraced(5, undefined);
    expect(histogram.exemplarAt(10)).toBeUndefined();
    histogram.recordTraced(5, CONTEXT);
    nowMs = 2_000;
    histogram.recordTraced(5, { ...CONTEXT, traceId: '1'.repeat(32) });
    const at = histogram.bounds.indexOf(5);
    expect(histogram.exemplarAt(at)).toEqual({ value: 5, traceId: '1'.repeat(32), atMs: 2_000 });
    expect(histogram.countAt(at)).toBe(3);
  });
});
