// What the runtime is doing to us: event loop, garbage collection, memory, CPU, handles.
//
// The loop's delay is measured with a timer of our own rather than `monitorEventLoopDelay`,
// because that one gives quantiles, and quantiles of many processes cannot be added up.

import { statSync } from 'node:fs';
import { constants, performance, PerformanceObserver } from 'node:perf_hooks';
import { cpuUsage, getActiveResourcesInfo, memoryUsage, versions } from 'node:process';

import type { Histogram } from './histogram.js';
import type { Metrics } from './metrics.js';

/** Each firing wakes the process up: fifty a second would be most of what an idle one takes. */
const LOOP_PROBE_INTERVAL_MS = 100;

const GC_KINDS: Readonly<Record<number, string>> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** Who this process is, for `guildhall_build_info`. */
export interface Build {
  readonly service: string;
  readonly instance: string;
  readonly version: string;
}

/** Starts measuring this process; returns the end of it, which may be called twice. */
export function startProcessMetrics(metrics: Metrics, build: Build): () => void {
  metrics.info(
    { name: 'guildhall_build', help: 'Which build of which service this is' },
    { ...build, node: versions.node },
  );
  observeMemory(metrics);
  observeUsage(metrics);
  const stopLoop = probeLoop(metrics);
  const stopCollections = observeCollections(metrics);
  return () => {
    stopLoop();
    stopCollections();
  };
}

/** Measures how late a timer fires: what any callback of this process had to wait. */
function probeLoop(metrics: Metrics): () => void {
  const delay = metrics.histogram({
    name: 'nodejs_eventloop_delay',
    unit: 'seconds',
    help: 'How much later than asked a timer fired, measured every 100 ms',
  });
  let expectedMs = performance.now() + LOOP_PROBE_INTERVAL_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    delay.record((nowMs - expectedMs) / 1000);
    expectedMs = nowMs + LOOP_PROBE_INTERVAL_MS;
  }, LOOP_PROBE_INTERVAL_MS).unref();
  return () => clearInterval(timer);
}

function observeCollections(metrics: Metrics): () => void {
  const pauses = metrics.histogramBy({
    name: 'v8js_gc_duration',
    unit: 'seconds',
    help: 'Pauses for garbage collection',
    labels: ['type'],
  });
  const pausesByKind = new Map<number, Histogram>();
  for (const [kind, type] of Object.entries(GC_KINDS))
    pausesByKind.set(Number(kind), pauses.of({ type }));
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { detail } = entry as unknown as { readonly detail: { readonly kind: number } };
      pausesByKind.get(detail.kind)?.record(entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

function observeMemory(metrics: Metrics): void {
  const resident = metrics.gauge({
    name: 'process_resident_memory',
    unit: 'bytes',
    help: 'Memory of the process as the system sees it',
  });
  const areas = metrics.gaugeBy({
    name: 'nodejs_memory',
    unit: 'bytes',
    help: 'Memory by area: the heap in use and in total, buffers, everything outside the heap',
    labels: ['area'],
  });
  const heapUsed = areas.of({ area: 'heap_used' });
  const heapTotal = areas.of({ area: 'heap_total' });
  const external = areas.of({ area: 'external' });
  const arrayBuffers = areas.of({ area: 'array_buffers' });
  metrics.beforeWriting(() => {
    const usage = memoryUsage();
    resident.set(usage.rss);
    heapUsed.set(usage.heapUsed);
    heapTotal.set(usage.heapTotal);
    external.set(usage.external);
    arrayBuffers.set(usage.arrayBuffers);
  });
}

function observeUsage(metrics: Metrics): void {
  metrics.observe(
    'counter',
    { name: 'process_cpu', unit: 'seconds', help: 'Processor time used, user and system' },
    () => {
      const { user, system } = cpuUsage();
      return (user + system) / 1e6;
    },
  );
  let previous = performance.eventLoopUtilization();
  metrics.observe(
    'gauge',
    {
      name: 'nodejs_eventloop_utilization',
      unit: 'ratio',
      help: 'Share of the time since the last reading that the event loop was busy',
    },
    () => {
      const current = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(current, previous);
      previous = current;
      return utilization;
    },
  );
  metrics.observe(
    'gauge',
    { name: 'process_start_time', unit: 'seconds', help: 'When the process started, since 1970' },
    () => performance.timeOrigin / 1000,
  );
  metrics.observe(
    'gauge',
    {
      name: 'nodejs_open_handles',
      help: 'Open file descriptors where the system counts them, else handles of the event loop',
    },
    openHandlesCount,
  );
}

/** Listing handles makes a string for each; Linux from 6.2 says how many there are for one stat. */
function openHandlesCount(): number {
  const descriptorsCount = statSync('/proc/self/fd', { throwIfNoEntry: false })?.size ?? 0;
  return descriptorsCount > 0 ? descriptorsCount : getActiveResourcesInfo().length;
}
