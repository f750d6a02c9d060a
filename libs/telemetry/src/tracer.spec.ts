import { getHeapStatistics } from 'node:v8';

import { resourceFromAttributes } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';

import { ManualClock } from '@guildhall/clock';

import { fakeTelemetry, silentTelemetry } from './fake-telemetry.js';
import { keepsTrace, samplingRate } from './sampling.js';
import { seededIds } from './seeded-ids.js';
import { SpanClock } from './span-clock.js';
import { SPAN } from './span-names.js';
import type { SpanSink } from './span-sink.js';
import { parseTraceparent } from './trace-context.js';
import { createTracer } from './tracer.js';

const resource = resourceFromAttributes({});

function countingSink(): SpanSink & { startedCount(): number } {
  let startedCount = 0;
  return {
    processor: {
      onStart: () => void (startedCount += 1),
      onEnd: () => undefined,
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
    startedCount: () => startedCount,
    counts: () => ({ exported: 0, failed: 0, dropped: 0, queued: 0 }),
    flush: async () => true,
    shutdown: async () => undefined,
  };
}

describe('Tracer', () => {
  it('keeps children inside their parents, to the nanosecond', () => {
    const clock = new ManualClock();
    const { tracer, spans } = fakeTelemetry({ clock });
    for (let round = 0; round < 500; round += 1) {
      const root = tracer.root(SPAN.gateway.identify)!;
      clock.advance(0.0137);
      const child = tracer.child(root.context, SPAN.storeCommit)!;
      clock.advance(0.0009);
      child.end();
      clock.advance(0.0002);
      root.end();
    }
    const byId = new Map(spans().map((span) => [span.spanId, span]));
    for (const span of spans()) {
      expect(span.endNs).toBeGreaterThan(span.startNs);
      const parent = byId.get(span.parentSpanId ?? '');
      if (parent === undefined) continue;
      expect(span.startNs - parent.startNs).toBeGreaterThanOrEqual(13_699n);
      expect(parent.endNs - span.endNs).toBeGreaterThanOrEqual(199n);
    }
    expect(spans()).toHaveLength(1_000);
  });

  it('keeps children inside their parents on the real clock', () => {
    const { tracer, spans } = fakeTelemetry();
    for (let round = 0; round < 2_000; round += 1) {
      const root = tracer.root(SPAN.gateway.identify)!;
      tracer.child(root.context, SPAN.encode)!.end();
      root.end();
    }
    const byId = new Map(spans().map((span) => [span.spanId, span]));
    const outside = spans().filter((span) => {
      const parent = byId.get(span.parentSpanId ?? '');
      return parent !== undefined && (span.startNs < parent.startNs || span.endNs > parent.endNs);
    });
    expect(outside).toEqual([]);
  });

  it('makes spans of work that was measured before', () => {
    const clock = new ManualClock();
    const { tracer, spans } = fakeTelemetry({ clock });
    const arrivedMs = tracer.nowMs();
    clock.advance(4);
    const root = tracer.root(SPAN.gateway.resume, arrivedMs)!;
    tracer.child(root.context, SPAN.mailboxWait, arrivedMs)!.end(arrivedMs + 3);
    root.end();
    const [wait, whole] = spans();
    expect(wait!.startNs).toBe(whole!.startNs);
    expect(wait!.endNs - wait!.startNs).toBe(3_000_000n);
    expect(whole!.endNs - whole!.startNs).toBe(4_000_000n);
  });

  it('never ends a span before it started, nor twice', () => {
    const clock = new ManualClock();
    const { tracer, spans } = fakeTelemetry({ clock });
    clock.advance(10);
    const root = tracer.root(SPAN.gateway.resume)!;
    root.end(2);
    root.end();
    root.set('guildhall.session.id', 'late').fail('late');
    expect(spans()).toHaveLength(1);
    expect(spans()[0]!.endNs).toBe(spans()[0]!.startNs);
    expect(spans()[0]).toMatchObject({ status: 'unset' });
    expect(tracer.counts()).toMatchObject({ started: 1, ended: 1, open: 0 });
  });

  it('names the span, its kind and what follows from its name', () => {
    const { tracer, spans } = fakeTelemetry();
    const context = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
    const send = SPAN.rpcClient('guilds/SendMessage', 'guilds.v1.p{partition}.send_message');
    const call = tracer.child(context, send)!;
    call
      .set('rpc.status_code', 'ok')
      .link({ ...context, traceId: '1'.repeat(32) })
      .end();
    expect(spans()[0]).toMatchObject({
      ...{ traceId: context.traceId, parentSpanId: context.spanId, spanId: call.context.spanId },
      name: 'guilds/SendMessage',
      kind: 'CLIENT',
      attributes: {
        'rpc.system.name': 'nats',
        'rpc.method': 'guilds/SendMessage',
        'rpc.status_code': 'ok',
        'messaging.destination.template': 'guilds.v1.p{partition}.send_message',
      },
      links: [{ traceId: '1'.repeat(32), spanId: context.spanId }],
    });
  });

  it('says what kind of error it was, and never its message', () => {
    const { tracer, spans } = fakeTelemetry();
    const error = Object.assign(new Error('user 42 said: secret'), { code: 'wrong_owner' });
    const root = tracer.root(SPAN.gateway.identify)!;
    root.fail(error).end();
    expect(spans()[0]).toMatchObject({
      status: 'error',
      attributes: { 'error.type': 'wrong_owner' },
    });
    expect(JSON.stringify(spans()[0]!.attributes)).not.toContain('secret');
  });

  it('keeps 32 links and counts the rest', () => {
    const { tracer, spans } = fakeTelemetry();
    const root = tracer.root(SPAN.publish('presence.v1.events'))!;
    for (let at = 0; at < 40; at += 1) root.link(root.context);
    root.end();
    expect(spans()[0]!.links).toHaveLength(32);
    expect(spans()[0]!.attributes['guildhall.links.dropped']).toBe(8);
  });

  it('counts what is open', () => {
    const { tracer } = fakeTelemetry();
    const root = tracer.root(SPAN.gateway.identify)!;
    const child = tracer.child(root.context, SPAN.encode)!;
    expect(tracer.counts().open).toBe(2);
    child.end();
    root.end();
    expect(tracer.counts()).toMatchObject({ started: 2, ended: 2, open: 0 });
  });

  it('never asks the SDK about what is not sampled', () => {
    const sdkStart = jest.spyOn(TracerProvider.prototype, 'getTracer');
    const sink = countingSink();
    const tracer = createTracer({ sink, resource, ratio: 0, spansPerSecondMax: Infinity });
    const sdkTracer = sdkStart.mock.results[0]!.value as { startSpan(): unknown };
    const startSpan = jest.spyOn(sdkTracer, 'startSpan');
    for (let round = 0; round < 1_000; round += 1) {
      expect(tracer.root(SPAN.gateway.identify)).toBeUndefined();
      expect(tracer.child(undefined, SPAN.encode)).toBeUndefined();
    }
    expect(startSpan).not.toHaveBeenCalled();
    tracer.forcedRoot(SPAN.gateway.identify)!.end();
    expect(startSpan).toHaveBeenCalledTimes(1);
    expect(sink.startedCount()).toBe(1);
    sdkStart.mockRestore();
  });

  it('allocates nothing for what is not sampled', () => {
    const { tracer } = fakeTelemetry({ traceRatio: 0 });
    const unsampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
    const work = (roundsCount: number): number => {
      const before = getHeapStatistics().total_allocated_bytes;
      for (let round = 0; round < roundsCount; round += 1) {
        tracer.root(SPAN.gateway.identify);
        tracer.child(undefined, SPAN.encode);
        tracer.child(parseTraceparent(unsampled), SPAN.encode);
      }
      return (getHeapStatistics().total_allocated_bytes - before) / roundsCount;
    };
    // The first rounds run before the code is compiled and may box numbers.
    const bytes = Array.from({ length: 10 }, () => work(200_000));
    expect(Math.min(...bytes)).toBeLessThan(2);
  });

  it('makes no span without a collector, even for a sampled parent', () => {
    const { tracer } = silentTelemetry();
    const context = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
    expect(tracer.isOn).toBe(false);
    expect(tracer.root(SPAN.gateway.identify)).toBeUndefined();
    expect(tracer.forcedRoot(SPAN.gateway.identify)).toBeUndefined();
    expect(tracer.child(context, SPAN.encode)).toBeUndefined();
  });

  it('keeps the share it was told, says so in the trace, and hands that to children', () => {
    const { tracer, spans } = fakeTelemetry({ traceRatio: 0.25, ids: seededIds(1) });
    let kept = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const root = tracer.root(SPAN.storeCommit);
      if (root === undefined) continue;
      kept += 1;
      tracer.child(root.context, SPAN.encode)!.end();
      root.end();
    }
    expect(Math.abs(kept - 5_000)).toBeLessThan(3 * Math.sqrt(20_000 * 0.25 * 0.75));
    const { threshold } = samplingRate(0.25);
    expect(spans().every((span) => span.tracestate === `ot=th:${threshold}`)).toBe(true);
    expect(spans().every((span) => keepsTrace(span.traceId, threshold))).toBe(true);
  });

  it('weighs roots by their kind, but keeps everything when told to', () => {
    const rare = fakeTelemetry({ traceRatio: 0.01, ids: seededIds(2) });
    const whole = fakeTelemetry({ traceRatio: 1 });
    for (let round = 0; round < 20_000; round += 1) {
      rare.tracer.root(SPAN.gateway.identify)?.end();
      rare.tracer.root(SPAN.gateway.presence_update)?.end();
    }
    for (let round = 0; round < 100; round += 1) {
      whole.tracer.root(SPAN.gateway.presence_update)?.end();
    }
    const count = (name: string): number => rare.spans().filter((s) => s.name === name).length;
    expect(Math.abs(count('gateway/identify') - 2_000)).toBeLessThan(3 * Math.sqrt(20_000 * 0.09));
    expect(count('gateway/presence_update')).toBeLessThan(45);
    expect(whole.spans()).toHaveLength(100);
  });
});

describe('the span budget', () => {
  it('thins new traces as it empties, never a trace that has begun, and recovers', () => {
    const clock = new ManualClock();
    const tracer = createTracer({
      sink: countingSink(),
      resource,
      ratio: 1,
      spansPerSecondMax: 100,
      ids: seededIds(3),
      clock: new SpanClock(clock),
    });
    const roots = Array.from({ length: 1_000 }, () => tracer.root(SPAN.gateway.identify));
    const kept = roots.flatMap((root) => root ?? []);
    expect(kept.length).toBeGreaterThanOrEqual(50);
    expect(kept.length).toBeLessThanOrEqual(100);
    expect(kept[0]!.context.threshold).toBeUndefined();
    expect(kept.at(-1)!.context.threshold).toMatch(/^[8cef]/);
    expect(tracer.counts().refused).toBe(1_000 - kept.length);
    for (let round = 0; round < 200; round += 1) {
      expect(tracer.child(kept[0]!.context, SPAN.encode)).toBeDefined();
    }
    expect(tracer.root(SPAN.gateway.identify)).toBeUndefined();
    clock.advance(3_000);
    expect(tracer.root(SPAN.gateway.identify)).toBeDefined();
  });
});
