// Hot path: Tracer.nowMs, Tracer.root, Tracer.child, SpanClock.nowMs, IdSource.drawTrace,
// SpanBudget.halvings. What a process pays per operation that is not traced; must allocate nothing.
// The last line is what a traced one costs, without its export.
//
//   npx esbuild libs/telemetry/bench/tracer.bench.ts --bundle --platform=node --format=cjs |
//     node -
import { measure } from './measure.js';
import { fakeTelemetry, IdSource, parseTraceparent, SPAN, silentTelemetry } from '../src/index.js';
import { samplingRate } from '../src/sampling.js';
import { SpanBudget } from '../src/span-budget.js';

const off = silentTelemetry().tracer;
const never = fakeTelemetry({ traceRatio: 0 }).tracer;
const ids = new IdSource();
const budget = new SpanBudget(500, 0);
const rate = samplingRate(0.01);
const unsampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
let keptCount = 0;

measure('root, tracing off', 0, () => void off.root(SPAN.gateway.identify));
measure('root, not sampled', 0, () => void never.root(SPAN.gateway.identify));
measure('child of nothing', 0, () => void never.child(undefined, SPAN.encode));
measure('parseTraceparent, none', 0, () => void parseTraceparent(undefined));
measure('parseTraceparent, unsampled', 0, () => void parseTraceparent(unsampled));
measure('IdSource.drawTrace', 0, () => {
  if (ids.drawTrace(rate)) keptCount += 1;
});
measure('SpanBudget.halvings', 16, (round) => void budget.halvings(round / 1_000));
measure('Tracer.nowMs', 16, () => void never.nowMs());

const SPANS_COUNT = 50_000;
for (let pass = 0; pass < 3; pass += 1) {
  const { tracer, spans } = fakeTelemetry();
  const context = tracer.root(SPAN.gateway.identify)!.context;
  const startMs = performance.now();
  for (let at = 0; at < SPANS_COUNT; at += 1) tracer.child(context, SPAN.encode)!.end();
  const us = ((performance.now() - startMs) * 1_000) / SPANS_COUNT;
  if (pass === 2) console.log(`a recorded span, kept in memory: ${us.toFixed(2)} us`);
  if (spans().length !== SPANS_COUNT) throw new Error('spans were lost');
}
if (keptCount === 0) throw new Error('nothing was drawn');
