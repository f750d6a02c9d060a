// OpenMetrics 1.0 text: https://prometheus.io/docs/specs/om/open_metrics_spec/

import { Histogram, type Exemplar } from './histogram.js';
import type { MetricFamily } from './metrics.js';

/** What `writeOpenMetrics` has to be served as. */
export const OPEN_METRICS_CONTENT_TYPE =
  'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Appends the lines of one metric and all its label sets. */
export function writeFamily(family: MetricFamily, lines: string[]): void {
  const { fullName, spec, type } = family;
  lines.push(`# TYPE ${fullName} ${type}`);
  if (spec.unit !== undefined) lines.push(`# UNIT ${fullName} ${spec.unit}`);
  lines.push(`# HELP ${fullName} ${escapeText(spec.help)}`);
  for (const [values, child] of family.children()) {
    const labels = family.labels.map((label, at) => `${label}="${escapeText(values[at]!)}"`);
    if (child instanceof Histogram) writeHistogram(fullName, labels.join(','), child, lines);
    else
      lines.push(
        `${fullName}${SUFFIX[type]}${inBraces(labels.join(','))} ${formatNumber(child.value)}`,
      );
  }
}

const SUFFIX = { counter: '_total', gauge: '', histogram: '', info: '_info' } as const;

function writeHistogram(name: string, labels: string, histogram: Histogram, lines: string[]): void {
  const before = labels === '' ? '' : `${labels},`;
  const { bounds } = histogram;
  let cumulative = 0;
  for (let bucket = 0; bucket <= bounds.length; bucket += 1) {
    cumulative += histogram.countAt(bucket);
    const bound = bucket < bounds.length ? formatNumber(bounds[bucket]!) : '+Inf';
    const example = formatExemplar(histogram.exemplarAt(bucket));
    lines.push(`${name}_bucket{${before}le="${bound}"} ${cumulative}${example}`);
  }
  lines.push(`${name}_count${inBraces(labels)} ${histogram.count}`);
  lines.push(`${name}_sum${inBraces(labels)} ${formatNumber(histogram.sum)}`);
}

function formatExemplar(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return '';
  const { traceId, value, atMs } = exemplar;
  return ` # {trace_id="${traceId}"} ${formatNumber(value)} ${atMs / 1000}`;
}

/** Canonical numbers: a bound must be the same text in every process, or series do not add up. */
function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return `${value}.0`;
  if (Math.abs(value) >= 1e-4 && Math.abs(value) < 1e15) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

function inBraces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`;
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
