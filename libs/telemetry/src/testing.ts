export { startOtlpCollector, type OtlpCollector } from './otlp-collector.js';
export { readOtlpSpans, type CollectedSpan } from './otlp-reader.js';
export { seededIds } from './seeded-ids.js';
export { traceProblems, traceTree } from './trace-check.js';
