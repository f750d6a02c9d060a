export { fakeTelemetry, silentTelemetry } from './fake-telemetry.js';
export type { FakeTelemetry, FakeTelemetryOptions } from './fake-telemetry.js';
export { COUNT_RANGE, DURATION_RANGE, Histogram } from './histogram.js';
export type { Exemplar, HistogramRange } from './histogram.js';
export { createLogger, LOG_LEVELS } from './logger.js';
export type { Logger, LoggerConfig, LogLevel } from './logger.js';
export { Counter, Gauge, Metrics } from './metrics.js';
export type { Labelled, LabelledSpec, MetricSpec } from './metrics.js';
export { OPEN_METRICS_CONTENT_TYPE } from './open-metrics.js';
export type { CollectedSpan } from './otlp-reader.js';
export { fanOutContext, IdSource } from './sampling.js';
export { SpanClock } from './span-clock.js';
export type { ClockReadings } from './span-clock.js';
export { definitionOf, SPAN, SPAN_ATTRIBUTES } from './span-names.js';
export type {
  GatewayOp,
  SpanAttribute,
  SpanAttributes,
  SpanDefinition,
  SpanKindName,
} from './span-names.js';
export { startTelemetry } from './telemetry.js';
export type { Telemetry, TelemetryConfig } from './telemetry.js';
export { readTelemetryEnv } from './telemetry-env.js';
export type { TelemetryEnv, TelemetryKnobs } from './telemetry-env.js';
export { parseTraceparent, traceparentOf, tracestateOf } from './trace-context.js';
export type { TraceContext } from './trace-context.js';
export type { Span, Tracer, TracerCounts } from './tracer.js';
