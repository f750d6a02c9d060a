// Traces, explicitly.
//
// A context is a value handed beside each message, and `undefined` means "not sampled": the guard
// at every call site is one comparison, and the SDK is only ever called for a span that will be
// kept. Nothing is registered globally, so two copies of OpenTelemetry in one process (a CommonJS
// and an ESM build, say) cannot disagree.
//
//   const span = tracer.child(context, SPAN.storeCommit);
//   …
//   span?.end();
//
// Times are readings of the tracer's monotonic clock in milliseconds (`nowMs()`), so work that was
// measured before anyone knew it would be traced can become a span afterwards.

import {
  createTraceState,
  ROOT_CONTEXT,
  SamplingDecision,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Span as SdkSpan,
  type SpanContext,
  type Tracer as SdkTracer,
  type TraceState,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { TracerProvider } from '@opentelemetry/sdk-trace';

import { IdSource, keepsTrace, type SamplingRate } from './sampling.js';
import { halvedRates, SpanBudget } from './span-budget.js';
import { SpanClock } from './span-clock.js';
import type { SpanAttributes, SpanDefinition, SpanKindName } from './span-names.js';
import type { SpanSink } from './span-sink.js';
import type { TraceContext } from './trace-context.js';

/** An open span. Everything after `end` is ignored. */
export interface Span {
  /** What children of this span, here or elsewhere, are given. */
  readonly context: TraceContext;
  set<K extends keyof SpanAttributes>(name: K, value: SpanAttributes[K]): this;
  /** Marks the span failed. An error contributes its `code` or name, never its message. */
  fail(reason: string | Error): this;
  /** Says that another trace had a part in this; at most 32, the rest are counted. */
  link(context: TraceContext): this;
  /** Ends the span, at `atMs` of the tracer's clock or now, and never before it started. */
  end(atMs?: number): void;
}

/** Spans since the start of the process. */
export interface TracerCounts {
  readonly started: number;
  readonly ended: number;
  /** Started and not ended; zero once the process is drained. */
  readonly open: number;
  /** Roots that would have been kept but for the budget. */
  readonly refused: number;
  readonly exported: number;
  readonly failed: number;
  readonly dropped: number;
}

/** Makes spans. All methods are safe to call when tracing is off; they then do nothing. */
export interface Tracer {
  /** Whether any span can be made at all: false without a collector. */
  readonly isOn: boolean;
  /** Hot path. The clock that spans are timed with, in milliseconds. */
  nowMs(): number;
  /** Hot path. Starts a trace, or decides not to: only where work enters the fleet. */
  root(definition: SpanDefinition, startedAtMs?: number): Span | undefined;
  /** Starts a trace whatever the ratio and the budget say: for someone who is debugging. */
  forcedRoot(definition: SpanDefinition, startedAtMs?: number): Span | undefined;
  /** Hot path. Continues a trace; a sampled trace is never cut. `undefined` in, `undefined` out. */
  child(
    context: TraceContext | undefined,
    definition: SpanDefinition,
    startedAtMs?: number,
  ): Span | undefined;
  counts(): TracerCounts;
}

/** What a tracer is made of. */
export interface TracerOptions {
  /** Absent: tracing is off. */
  readonly sink?: SpanSink | undefined;
  readonly resource: Resource;
  /** Share of new traces that is kept, 0..1, before a definition's weight. */
  readonly ratio: number;
  readonly spansPerSecondMax: number;
  readonly clock?: SpanClock;
  readonly ids?: IdSource;
}

const LINKS_MAX = 32;
const TRACE_STATES_MAX = 64;
const EVERYTHING: SamplingRate = { probability: 1, high: 0, low: 0, threshold: undefined };
const KINDS: Readonly<Record<SpanKindName, SpanKind>> = {
  INTERNAL: SpanKind.INTERNAL,
  SERVER: SpanKind.SERVER,
  CLIENT: SpanKind.CLIENT,
  PRODUCER: SpanKind.PRODUCER,
  CONSUMER: SpanKind.CONSUMER,
};

/** Makes a tracer; the caller keeps the sink and shuts it down. */
export function createTracer(options: TracerOptions): Tracer {
  return options.sink === undefined
    ? new SilentTracer(options.clock ?? new SpanClock())
    : new SampledTracer(options, options.sink);
}

class SilentTracer implements Tracer {
  readonly isOn = false;
  readonly #clock: SpanClock;

  constructor(clock: SpanClock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  root(): undefined {}

  forcedRoot(): undefined {}

  child(): undefined {}

  counts(): TracerCounts {
    return { started: 0, ended: 0, open: 0, refused: 0, exported: 0, failed: 0, dropped: 0 };
  }
}

class SampledTracer implements Tracer {
  readonly isOn = true;
  readonly #sink: SpanSink;
  readonly #sdk: SdkTracer;
  readonly #clock: SpanClock;
  readonly #ids: IdSource;
  readonly #budget: SpanBudget;
  readonly #ratio: number;
  readonly #ratesByWeight = new Map<number, readonly SamplingRate[]>();
  readonly #traceStates = new Map<string, TraceState>();
  readonly #onEnd = (): void => void (this.#ended += 1);
  /** What the SDK is about to ask its id generator and sampler for. */
  #pendingTraceId = '';
  #pendingTraceState: TraceState | undefined;
  #started = 0;
  #ended = 0;
  #refused = 0;

  constructor(options: TracerOptions, sink: SpanSink) {
    this.#sink = sink;
    this.#clock = options.clock ?? new SpanClock();
    this.#ids = options.ids ?? new IdSource();
    this.#ratio = options.ratio;
    this.#budget = new SpanBudget(options.spansPerSecondMax, this.#clock.nowMs());
    const provider = new TracerProvider({
      resource: options.resource,
      spanProcessors: [sink.processor],
      spanLimits: { attributeValueLengthLimit: 1_024, linkCountLimit: LINKS_MAX },
      idGenerator: {
        generateTraceId: () => this.#pendingTraceId,
        generateSpanId: () => this.#ids.takeSpanId(),
      },
      sampler: {
        shouldSample: () => ({
          decision: SamplingDecision.RECORD_AND_SAMPLED,
          ...(this.#pendingTraceState === undefined ? {} : { traceState: this.#pendingTraceState }),
        }),
        toString: () => 'decided before the SDK is asked',
      },
    });
    this.#sdk = provider.getTracer('guildhall');
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  root(definition: SpanDefinition, startedAtMs?: number): Span | undefined {
    const rates = this.#ratesByWeight.get(definition.weight) ?? this.#ratesOf(definition.weight);
    if (!this.#ids.drawTrace(rates[0]!)) return undefined;
    const nowMs = this.#clock.nowMs();
    const halvings = this.#budget.halvings(nowMs);
    const traceId = this.#ids.takeTraceId();
    const rate = rates[halvings];
    if (rate === undefined || !keeps(rate, traceId)) {
      this.#refused += 1;
      return undefined;
    }
    return this.#startRoot(definition, traceId, rate.threshold, startedAtMs ?? nowMs);
  }

  forcedRoot(definition: SpanDefinition, startedAtMs?: number): Span {
    this.#ids.drawTrace(EVERYTHING);
    const traceId = this.#ids.takeTraceId();
    return this.#startRoot(definition, traceId, undefined, startedAtMs ?? this.#clock.nowMs());
  }

  child(
    context: TraceContext | undefined,
    definition: SpanDefinition,
    startedAtMs?: number,
  ): Span | undefined {
    if (context === undefined) return undefined;
    const parent: SpanContext = {
      traceId: context.traceId,
      spanId: context.spanId,
      traceFlags: TraceFlags.SAMPLED,
      ...(context.threshold === undefined
        ? {}
        : { traceState: this.#traceStateOf(context.threshold) }),
    };
    this.#pendingTraceState = undefined;
    return this.#start(definition, parent, context.threshold, startedAtMs ?? this.#clock.nowMs());
  }

  counts(): TracerCounts {
    const { exported, failed, dropped } = this.#sink.counts();
    return {
      started: this.#started,
      ended: this.#ended,
      open: this.#started - this.#ended,
      refused: this.#refused,
      exported,
      failed,
      dropped,
    };
  }

  #startRoot(
    definition: SpanDefinition,
    traceId: string,
    threshold: string | undefined,
    startedAtMs: number,
  ): Span {
    this.#pendingTraceId = traceId;
    this.#pendingTraceState = threshold === undefined ? undefined : this.#traceStateOf(threshold);
    return this.#start(definition, undefined, threshold, startedAtMs);
  }

  #start(
    definition: SpanDefinition,
    parent: SpanContext | undefined,
    threshold: string | undefined,
    startedAtMs: number,
  ): Span {
    this.#budget.take(this.#clock.nowMs());
    this.#started += 1;
    const sdkSpan = this.#sdk.startSpan(
      definition.name,
      { kind: KINDS[definition.kind], startTime: this.#clock.wallTime(startedAtMs) },
      parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
    );
    // Set one by one: attributes in the options are copied and checked twice.
    for (const [name, value] of Object.entries(definition.fixed)) sdkSpan.setAttribute(name, value);
    return new OpenSpan(sdkSpan, threshold, startedAtMs, this.#clock, this.#onEnd);
  }

  #ratesOf(weight: number): readonly SamplingRate[] {
    const ratio = this.#ratio;
    // A ratio of 1 means everything: tests and development must see whole traces of every kind.
    const rates = halvedRates(ratio >= 1 ? 1 : Math.min(1, ratio * weight));
    this.#ratesByWeight.set(weight, rates);
    return rates;
  }

  #traceStateOf(threshold: string): TraceState {
    const known = this.#traceStates.get(threshold);
    if (known !== undefined) return known;
    // Thresholds of others come off the wire: keep the memory of them bounded.
    if (this.#traceStates.size >= TRACE_STATES_MAX) this.#traceStates.clear();
    const state = createTraceState(`ot=th:${threshold}`);
    this.#traceStates.set(threshold, state);
    return state;
  }
}

class OpenSpan implements Span {
  readonly context: TraceContext;
  readonly #sdkSpan: SdkSpan;
  readonly #startedAtMs: number;
  readonly #clock: SpanClock;
  readonly #onEnd: () => void;
  #linksCount = 0;
  #isEnded = false;

  constructor(
    sdkSpan: SdkSpan,
    threshold: string | undefined,
    startedAtMs: number,
    clock: SpanClock,
    onEnd: () => void,
  ) {
    const { traceId, spanId } = sdkSpan.spanContext();
    this.context = threshold === undefined ? { traceId, spanId } : { traceId, spanId, threshold };
    this.#sdkSpan = sdkSpan;
    this.#startedAtMs = startedAtMs;
    this.#clock = clock;
    this.#onEnd = onEnd;
  }

  set<K extends keyof SpanAttributes>(name: K, value: SpanAttributes[K]): this {
    if (!this.#isEnded) this.#sdkSpan.setAttribute(name, value);
    return this;
  }

  fail(reason: string | Error): this {
    if (this.#isEnded) return this;
    const type = typeof reason === 'string' ? reason : typeOf(reason);
    this.#sdkSpan.setAttribute('error.type', type);
    this.#sdkSpan.setStatus({ code: SpanStatusCode.ERROR, message: type });
    return this;
  }

  link(context: TraceContext): this {
    if (this.#isEnded) return this;
    this.#linksCount += 1;
    if (this.#linksCount > LINKS_MAX) {
      return this.set('guildhall.links.dropped', this.#linksCount - LINKS_MAX);
    }
    const { traceId, spanId } = context;
    this.#sdkSpan.addLink({ context: { traceId, spanId, traceFlags: TraceFlags.SAMPLED } });
    return this;
  }

  end(atMs: number = this.#clock.nowMs()): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd();
    this.#sdkSpan.end(this.#clock.wallTime(Math.max(this.#startedAtMs, atMs)));
  }
}

function keeps(rate: SamplingRate, traceId: string): boolean {
  return rate.threshold === undefined
    ? rate.probability === 1
    : keepsTrace(traceId, rate.threshold);
}

function typeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
