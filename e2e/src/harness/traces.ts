// Traces as a story wants to look at them: whole, and in a form that can be written down.

import { traceProblems } from '@guildhall/telemetry/testing';
import type { CollectedSpan, OtlpCollector } from '@guildhall/telemetry/testing';
import { eventually } from '@guildhall/testkit';

/** Processes send their spans once a second, and may be busy. */
const EXPORT_TIMEOUT_MS = 20_000;
const NANOSECONDS_PER_MS = 1_000_000n;

/**
 * The trace that a root of this name began since then (by `Date.now()`); there must be just one.
 * Waits until it has the given shape (see {@link shapeOf}) and nothing is wrong with it; rejects
 * with the difference when it never comes to that.
 */
export async function traceOfShape(
  collector: OtlpCollector,
  root: { readonly name: string; readonly sinceMs: number },
  shape: string,
): Promise<CollectedSpan[]> {
  return eventually(
    () => {
      const traces = tracesSince(collector, root.sinceMs).filter((trace) =>
        trace.some(({ name, parentSpanId }) => name === root.name && parentSpanId === undefined),
      );
      if (traces.length !== 1) throw new Error(`${traces.length} traces begin with ${root.name}`);
      const [trace] = traces as [CollectedSpan[]];
      const problems = traceProblems(trace);
      if (shapeOf(trace) !== shape || problems.length > 0) {
        throw new Error(`the trace is\n${shapeOf(trace)}\n${problems.join('\n')}`);
      }
      return trace;
    },
    { label: `the trace of ${root.name} to be\n${shape}\n`, timeoutMs: EXPORT_TIMEOUT_MS },
  );
}

/**
 * Waits until nothing is wrong with any trace that has begun since then, and there is one for each
 * of these roots; rejects with what is.
 */
export async function expectTracesWhole(
  collector: OtlpCollector,
  sinceMs: number,
  rootNames: readonly string[],
): Promise<void> {
  await eventually(
    () => {
      const spans = tracesSince(collector, sinceMs).flat();
      const missing = rootNames.filter((wanted) => !spans.some(({ name }) => name === wanted));
      const problems = [...traceProblems(spans), ...missing.map((name) => `no trace of ${name}`)];
      if (problems.length > 0) throw new Error(problems.join('\n'));
      return true;
    },
    { label: 'every trace is whole', timeoutMs: EXPORT_TIMEOUT_MS },
  );
}

/** Traces that began then or later, as far as they have arrived. */
function tracesSince(collector: OtlpCollector, sinceMs: number): CollectedSpan[][] {
  const sinceNs = BigInt(Math.floor(sinceMs)) * NANOSECONDS_PER_MS;
  const traces = Object.groupBy(collector.spans(), ({ traceId }) => traceId);
  return Object.values(traces)
    .map((trace) => trace!)
    .filter((trace) => trace.every(({ startNs }) => startNs >= sinceNs));
}

/**
 * Services, names and kinds as indented text. Siblings are sorted by this text and not by time:
 * what is done side by side has no order.
 */
export function shapeOf(trace: readonly CollectedSpan[]): string {
  const below = (parentSpanId: string | undefined, depth: number): string[] =>
    trace
      .filter((span) => span.parentSpanId === parentSpanId)
      .map((span) => {
        const line = `${'  '.repeat(depth)}${span.service}: ${span.name} ${span.kind}`;
        return [line, ...below(span.spanId, depth + 1)].join('\n');
      })
      .toSorted();
  return below(undefined, 0).join('\n');
}

/** The sum of an attribute over the spans that have it. */
export function sumOf(trace: readonly CollectedSpan[], attribute: string): number {
  return trace.reduce((sum, { attributes }) => sum + Number(attributes[attribute] ?? 0), 0);
}
