// Is a trace complete? The rules that a fleet's test asks of every trace it collected, each
// violation as a sentence. They hold for any operation; what a particular one must look like is
// the test's own golden tree (`traceTree`).

import type { CollectedSpan } from './otlp-reader.js';
import { definitionOf, SPAN_ATTRIBUTES } from './span-names.js';

/** How far clocks of two processes on one machine may disagree. */
const SKEW_NS = 200_000n;

/**
 * What is wrong with these spans, over all their traces; empty when every trace is whole:
 * one root and no orphans, every call answered once by another process, every published event
 * processed by as many gateways as were expected, blocking children inside their parents, and
 * only registered names and attributes.
 */
export function traceProblems(spans: readonly CollectedSpan[]): string[] {
  const problems: string[] = [];
  for (const [traceId, trace] of groupedBy(spans, (span) => span.traceId)) {
    const byId = new Map(trace.map((span) => [span.spanId, span]));
    const childrenOf = groupedBy(trace, (span) => span.parentSpanId ?? '');
    const roots = trace.filter((span) => span.parentSpanId === undefined);
    if (roots.length !== 1) problems.push(`trace ${traceId} has ${roots.length} roots`);
    if (byId.size !== trace.length) problems.push(`trace ${traceId} has a span id twice`);
    for (const span of trace) {
      const parent = span.parentSpanId === undefined ? undefined : byId.get(span.parentSpanId);
      if (span.parentSpanId !== undefined && parent === undefined) {
        problems.push(`${label(span)} is an orphan: its parent ${span.parentSpanId} never arrived`);
      }
      const children = childrenOf.get(span.spanId) ?? [];
      problems.push(...registryProblems(span), ...childProblems(span, children));
      if (parent !== undefined && isBlocking(span) && !liesWithin(span, parent)) {
        problems.push(`${label(span)} is not inside its parent ${label(parent)}`);
      }
    }
  }
  return problems;
}

/** The traces as indented text: names, kinds and services, children by their start. */
export function traceTree(spans: readonly CollectedSpan[]): string {
  const ids = new Set(spans.map((span) => span.spanId));
  const byParent = groupedBy(spans, (span) =>
    span.parentSpanId !== undefined && ids.has(span.parentSpanId) ? span.parentSpanId : '',
  );
  const lines: string[] = [];
  const write = (parentSpanId: string, depth: number): void => {
    const children = byParent.get(parentSpanId) ?? [];
    for (const span of children.toSorted(byStart)) {
      lines.push(`${'  '.repeat(depth)}${label(span)}${span.status === 'error' ? ' !' : ''}`);
      write(span.spanId, depth + 1);
    }
  };
  write('', 0);
  return lines.join('\n');
}

function registryProblems(span: CollectedSpan): string[] {
  const definition = definitionOf(span.name, span.kind);
  if (definition === undefined) return [`${label(span)} is not in the registry`];
  const unknown = Object.keys(span.attributes).filter((name) => !(name in SPAN_ATTRIBUTES));
  const missing =
    span.status === 'error'
      ? []
      : definition.required.filter((name) => span.attributes[name] === undefined);
  return [
    ...unknown.map((name) => `${label(span)} has an unregistered attribute ${name}`),
    ...missing.map((name) => `${label(span)} lacks ${name}`),
  ];
}

function childProblems(span: CollectedSpan, children: readonly CollectedSpan[]): string[] {
  if (span.kind === 'CLIENT' && span.status !== 'error') {
    const answers = children.filter((child) => child.kind === 'SERVER');
    if (answers.length !== 1) return [`${label(span)} was answered ${answers.length} times`];
    const isElsewhere =
      answers[0]!.instance !== span.instance || answers[0]!.service !== span.service;
    // An owner that asks the owner of another partition of its own service may be that owner too.
    const isAmongPeers = span.name.startsWith(`${span.service}/`);
    return isElsewhere || isAmongPeers
      ? []
      : [`${label(span)} was answered by the process that asked`];
  }
  const expected = span.attributes['guildhall.fanout.gateways'];
  if (span.kind !== 'PRODUCER' || expected === undefined) return [];
  const deliveries = children.filter(
    (child) => child.kind === 'CONSUMER' && 'guildhall.fanout.sockets' in child.attributes,
  );
  return deliveries.length === expected
    ? []
    : [`${label(span)} expected ${expected} gateways and ${deliveries.length} processed it`];
}

function isBlocking(span: CollectedSpan): boolean {
  return span.kind === 'SERVER' || span.kind === 'INTERNAL';
}

function liesWithin(child: CollectedSpan, parent: CollectedSpan): boolean {
  const skewNs = child.instance === parent.instance ? 0n : SKEW_NS;
  // An answer that came too late, or a failed call, outlives the caller's patience rightly.
  if (parent.status === 'error') return child.startNs + skewNs >= parent.startNs;
  return child.startNs + skewNs >= parent.startNs && child.endNs <= parent.endNs + skewNs;
}

function groupedBy(
  spans: readonly CollectedSpan[],
  keyOf: (span: CollectedSpan) => string,
): Map<string, CollectedSpan[]> {
  const groups = new Map<string, CollectedSpan[]>();
  for (const span of spans) {
    const key = keyOf(span);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [span]);
    else group.push(span);
  }
  return groups;
}

const byStart = (a: CollectedSpan, b: CollectedSpan): number =>
  a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : a.name.localeCompare(b.name);

const label = (span: CollectedSpan): string => `${span.service}: ${span.name} ${span.kind}`;
