import type { Histogram, Labelled, Metrics, TraceContext } from '@guildhall/telemetry';
import type { Bus, BusCounts } from './bus.js';

/** Methods times outcomes; past it durations land in one child labelled `other`. */
const LABEL_SETS_MAX = 1_000;

const COUNTERS: Partial<Record<keyof BusCounts, string>> = {
  requests: 'Requests sent over the bus',
  timeouts: 'Requests over the bus that were not answered in time',
  noResponders: 'Requests over the bus that nobody served',
  lateReplies: 'Answers over the bus that nobody waited for any more',
  published: 'Messages published on the bus',
  dropped: 'Messages not sent: disconnected, or too much was waiting',
  received: 'Messages received from the bus',
  malformed: 'Messages from the bus that could not be decoded',
  handlerFailures: 'Bus callbacks that threw',
  overloaded: 'Requests refused because too many were under way',
  gaps: 'Times that messages from the bus may have been lost',
};

const GAUGES: Partial<Record<keyof BusCounts, string>> = {
  requestsInFlight: 'Requests sent over the bus and not answered yet',
  servedInFlight: 'Requests taken from the bus and not answered yet',
  assemblyBytes: 'Bytes of answers of which parts are missing',
};

const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * Shows a bus's counts among the metrics of its process. Once per process: a second call throws.
 */
export function showBusCounts(bus: Bus, metrics: Metrics): void {
  for (const [type, specs] of [['counter', COUNTERS] as const, ['gauge', GAUGES] as const]) {
    for (const [key, help] of Object.entries(specs)) {
      const name = `bus_${snakeCase(key)}`;
      metrics.observe(type, { name, help }, () => bus.counts()[key as keyof BusCounts]);
    }
  }
}

/** How long one method takes to answer, by outcome. */
export class MethodMetrics {
  readonly #durations: Labelled<'method' | 'code', Histogram>;
  readonly #method: string;
  readonly #byCode = new Map<string, Histogram>();

  constructor(metrics: Metrics, method: string) {
    this.#method = method;
    this.#durations = metrics.histogramBy({
      name: 'rpc_server_call_duration',
      help: 'From the arrival of a request on the bus to its answer',
      unit: 'seconds',
      labels: ['method', 'code'],
      labelSetsMax: LABEL_SETS_MAX,
    });
  }

  /** Hot path. Records an answer; `code` is `ok` or the code of its fault. */
  answered(code: string, durationMs: number, trace: TraceContext | undefined): void {
    let histogram = this.#byCode.get(code);
    if (histogram === undefined) {
      histogram = this.#durations.of({ method: this.#method, code });
      this.#byCode.set(code, histogram);
    }
    histogram.recordTraced(durationMs / 1000, trace);
  }
}
