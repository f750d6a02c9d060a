import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';

import { openLogger, type LogLevel } from './logger.js';
import { Metrics } from './metrics.js';
import type { CollectedSpan } from './otlp-reader.js';
import type { IdSource } from './sampling.js';
import { SpanClock, type ClockReadings } from './span-clock.js';
import type { SpanSink } from './span-sink.js';
import type { Telemetry } from './telemetry.js';
import { createTracer } from './tracer.js';

/** Telemetry for a spec that looks at what was reported. Nothing leaves the process. */
export interface FakeTelemetry extends Telemetry {
  /** Ended spans, in the order they ended; available at once. */
  spans(): readonly CollectedSpan[];
  /** Log lines, parsed. */
  logs(): readonly Readonly<Record<string, unknown>>[];
}

export interface FakeTelemetryOptions {
  readonly service?: string;
  /** 1 unless told: everything is traced. */
  readonly traceRatio?: number;
  readonly logLevel?: LogLevel;
  /** Times the spans; a `ManualClock` makes them exact. */
  readonly clock?: ClockReadings;
  /** Where ids come from; `seededIds` of the testing entry repeats them. */
  readonly ids?: IdSource;
}

/** Records everything in memory; starts no timers, opens nothing. */
export function fakeTelemetry(options: FakeTelemetryOptions = {}): FakeTelemetry {
  const service = options.service ?? 'spec';
  const spans: CollectedSpan[] = [];
  const logs: Record<string, unknown>[] = [];
  const { logger } = openLogger({
    service,
    instance: 'spec-0',
    level: options.logLevel ?? 'debug',
    destination: { write: (line) => void logs.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const tracer = createTracer({
    sink: memorySink((span) => void spans.push(collected(span, service))),
    resource: resourceFromAttributes({ 'service.name': service }),
    ratio: options.traceRatio ?? 1,
    spansPerSecondMax: Infinity,
    ...(options.ids === undefined ? {} : { ids: options.ids }),
    ...(options.clock === undefined ? {} : { clock: new SpanClock(options.clock) }),
  });
  return {
    tracer,
    logger,
    metrics: new Metrics(),
    flush: async () => true,
    shutdown: async () => undefined,
    spans: () => spans,
    logs: () => logs,
  };
}

/** Telemetry that says nothing: no spans, no lines, and metrics nobody reads. */
export function silentTelemetry(): Telemetry {
  const tracer = createTracer(SILENT);
  const { logger } = openLogger({
    service: '',
    instance: '',
    level: 'silent',
    destination: { write: () => undefined },
  });
  return {
    tracer,
    logger,
    metrics: new Metrics(),
    flush: async () => true,
    shutdown: async () => undefined,
  };
}

const SILENT = { resource: resourceFromAttributes({}), ratio: 0, spansPerSecondMax: 0 };
const KINDS = ['INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const STATUSES = ['unset', 'ok', 'error'] as const;

function memorySink(keep: (span: ReadableSpan) => void): SpanSink {
  let exported = 0;
  return {
    processor: {
      onStart: () => undefined,
      onEnd: (span) => {
        exported += 1;
        keep(span);
      },
      forceFlush: async () => undefined,
      shutdown: async () => undefined,
    },
    counts: () => ({ exported, failed: 0, dropped: 0, queued: 0 }),
    flush: async () => true,
    shutdown: async () => undefined,
  };
}

function collected(span: ReadableSpan, service: string): CollectedSpan {
  const { traceId, spanId, traceState } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId,
    name: span.name,
    kind: KINDS[span.kind] ?? 'INTERNAL',
    startNs: nanoseconds(span.startTime),
    endNs: nanoseconds(span.endTime),
    attributes: { ...span.attributes } as CollectedSpan['attributes'],
    links: span.links.map(({ context }) => ({ traceId: context.traceId, spanId: context.spanId })),
    service,
    instance: 'spec-0',
    status: STATUSES[span.status.code] ?? 'unset',
    tracestate: traceState?.serialize() ?? '',
  };
}

const nanoseconds = ([seconds, rest]: readonly [number, number]): bigint =>
  BigInt(seconds) * 1_000_000_000n + BigInt(rest);
