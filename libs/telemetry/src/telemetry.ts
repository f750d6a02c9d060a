import { resourceFromAttributes } from '@opentelemetry/resources';

import { openLogger, type Logger, type LoggerConfig } from './logger.js';
import { Metrics } from './metrics.js';
import { startProcessMetrics } from './process-metrics.js';
import { otlpSink, type SpanSink } from './span-sink.js';
import type { TelemetryKnobs } from './telemetry-env.js';
import { invalidTraceparentsCount } from './trace-context.js';
import { createTracer, type Tracer, type TracerCounts } from './tracer.js';

/** Who the process is and what it reports. */
export interface TelemetryConfig extends TelemetryKnobs {
  readonly service: string;
  /** Tells this process from its siblings. */
  readonly instance: string;
  readonly version: string;
  /** Receives log lines; standard output when absent. */
  readonly logDestination?: LoggerConfig['destination'];
}

/** A process's traces, metrics and logs. */
export interface Telemetry {
  readonly tracer: Tracer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** True if every span ended so far reached the collector in time. Never throws. */
  flush(timeoutMs: number): Promise<boolean>;
  /** Sends what is left, bounded in time, and stops all timers. May be called twice. */
  shutdown(): Promise<void>;
}

const SHUTDOWN_TIMEOUT_MS = 3_000;
const FAILURE_REPORT_INTERVAL_MS = 60_000;

/** Starts telemetry; once per process, before anything that reports. Registers nothing globally. */
export function startTelemetry(config: TelemetryConfig): Telemetry {
  const { service, instance, version } = config;
  const { logger, flush: flushLog } = openLogger({
    service,
    instance,
    level: config.logLevel,
    ...(config.logDestination === undefined ? {} : { destination: config.logDestination }),
  });
  const metrics = new Metrics();
  const sink =
    config.otlpEndpoint === undefined || config.otlpEndpoint === ''
      ? undefined
      : otlpSink(config.otlpEndpoint, occasionally(logger));
  const tracer = createTracer({
    sink,
    resource: resourceFromAttributes({
      'service.namespace': 'guildhall',
      'service.name': service,
      'service.instance.id': instance,
      'service.version': version,
    }),
    ratio: config.traceRatio,
    spansPerSecondMax: config.spansPerSecondMax,
  });
  observeTracer(metrics, tracer);
  const stopProcessMetrics = startProcessMetrics(metrics, { service, instance, version });
  return {
    tracer,
    logger,
    metrics,
    flush: async (timeoutMs) => (await sink?.flush(timeoutMs)) ?? true,
    shutdown: async () => {
      stopProcessMetrics();
      await stop(sink);
      flushLog();
    },
  };
}

const stop = async (sink: SpanSink | undefined): Promise<void> =>
  sink?.shutdown(SHUTDOWN_TIMEOUT_MS);

/** A collector that is down fails every second; that is worth a line a minute. */
function occasionally(logger: Logger): (error: Error) => void {
  let reportedAtMs = -Infinity;
  let sinceThenCount = 0;
  return (error) => {
    sinceThenCount += 1;
    const nowMs = performance.now();
    if (nowMs - reportedAtMs < FAILURE_REPORT_INTERVAL_MS) return;
    reportedAtMs = nowMs;
    logger.warn('spans could not be exported', { error, batchesCount: sinceThenCount });
    sinceThenCount = 0;
  };
}

/** Tracing shows its own price. */
function observeTracer(metrics: Metrics, tracer: Tracer): void {
  const counted: readonly (readonly [keyof TracerCounts, string])[] = [
    ['started', 'Spans started'],
    ['ended', 'Spans ended'],
    ['exported', 'Spans that reached the collector'],
    ['failed', 'Spans that the collector did not take'],
    ['dropped', 'Spans that found the queue full'],
    ['refused', 'Traces that were not started because of the budget'],
  ];
  for (const [name, help] of counted) {
    const spec = { name: `guildhall_trace_spans_${name}`, help };
    metrics.observe('counter', spec, () => tracer.counts()[name]);
  }
  metrics.observe(
    'gauge',
    { name: 'guildhall_trace_spans_open', help: 'Spans started and not ended' },
    () => tracer.counts().open,
  );
  metrics.observe(
    'counter',
    { name: 'guildhall_trace_headers_invalid', help: 'Trace headers that were malformed' },
    invalidTraceparentsCount,
  );
}
