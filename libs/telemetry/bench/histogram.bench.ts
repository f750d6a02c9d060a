// Hot path: Histogram.record, Counter.add, Gauge.set, Gauge.add. Time and bytes for each; recording
// must allocate nothing.
//
//   npx esbuild libs/telemetry/bench/histogram.bench.ts --bundle --platform=node --format=cjs |
//     node -
import { measure } from './measure.js';
import { Counter, Gauge, Histogram } from '../src/index.js';

const VALUES_COUNT = 4_096;
const values = Float64Array.from({ length: VALUES_COUNT }, (_, at) => 1e-5 * 1.003 ** at);
const context = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

const histogram = new Histogram();
const counter = new Counter();
const gauge = new Gauge();

measure('Histogram.record', 0, (round) => histogram.record(values[round & (VALUES_COUNT - 1)]!));
measure('Histogram.recordTraced, unsampled', 0, (round) =>
  histogram.recordTraced(values[round & (VALUES_COUNT - 1)]!, undefined),
);
measure('Histogram.recordTraced, sampled', 32, (round) =>
  histogram.recordTraced(values[round & (VALUES_COUNT - 1)]!, context),
);
measure('Counter.add', 0, () => counter.add());
measure('Gauge.set', 0, (round) => gauge.set(round & 1023));
measure('Gauge.add', 0, (round) => gauge.add((round & 1) - 0.5));

if (histogram.count === 0 || counter.value === 0) throw new Error('nothing was recorded');
