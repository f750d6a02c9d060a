// Where finished spans go: in batches, over OTLP, through a bounded queue that counts what it
// drops. Nothing here may slow the process down or fail it: a dead collector costs counters.

import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';

const QUEUE_SPANS_MAX = 8_192;
const BATCH_SPANS_MAX = 512;
const BATCH_DELAY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;

/** What became of the finished spans. `queued` is neither yet. */
export interface SpanSinkCounts {
  readonly exported: number;
  readonly failed: number;
  readonly dropped: number;
  readonly queued: number;
}

/** The receiver of finished spans. */
export interface SpanSink {
  readonly processor: SpanProcessor;
  counts(): SpanSinkCounts;
  /** True if every span ended so far has been handed over within the time. Never throws. */
  flush(timeoutMs: number): Promise<boolean>;
  /** Flushes and lets go of timers. May be called twice. Never throws. */
  shutdown(timeoutMs: number): Promise<void>;
}

/** Sends spans to an OTLP/HTTP collector at `endpoint` (its base address) as protobuf. */
export function otlpSink(endpoint: string, onFailure: (error: Error) => void): SpanSink {
  const url = new URL('v1/traces', endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href;
  return sinkInto(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }), onFailure);
}

/** Sends spans to any exporter, batched. The exporter is called with at most one batch of 512. */
export function sinkInto(exporter: SpanExporter, onFailure: (error: Error) => void): SpanSink {
  return new BatchedSink(exporter, onFailure);
}

class BatchedSink implements SpanSink {
  readonly processor: SpanProcessor;
  readonly #batches: BatchSpanProcessor;
  readonly #exporter: SpanExporter;
  readonly #onFailure: (error: Error) => void;
  readonly #inFlight = new Set<Promise<void>>();
  #queued = 0;
  #exported = 0;
  #failed = 0;
  #dropped = 0;
  #stopped: Promise<void> | undefined;

  constructor(exporter: SpanExporter, onFailure: (error: Error) => void) {
    this.#exporter = exporter;
    this.#onFailure = onFailure;
    this.#batches = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => this.#export(spans, done),
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: QUEUE_SPANS_MAX,
      maxExportBatchSize: BATCH_SPANS_MAX,
      scheduledDelayMillis: BATCH_DELAY_MS,
      exportTimeoutMillis: EXPORT_TIMEOUT_MS * 2,
    });
    this.processor = {
      onStart: (span, context) => this.#batches.onStart(span, context),
      onEnd: (span) => this.#accept(span),
      forceFlush: () => this.#batches.forceFlush(),
      shutdown: () => this.#batches.shutdown(),
    };
  }

  counts(): SpanSinkCounts {
    return {
      exported: this.#exported,
      failed: this.#failed,
      dropped: this.#dropped,
      queued: this.#queued,
    };
  }

  async flush(timeoutMs: number): Promise<boolean> {
    const lostBefore = this.#failed + this.#dropped;
    const isDone = await within(timeoutMs, this.#drain());
    return isDone && this.#failed + this.#dropped === lostBefore;
  }

  shutdown(timeoutMs: number): Promise<void> {
    this.#stopped ??= within(timeoutMs, this.#close()).then(() => undefined);
    return this.#stopped;
  }

  /** The SDK's own flush does not wait for a batch that its timer has already sent off. */
  async #drain(): Promise<void> {
    await this.#batches.forceFlush();
    await Promise.all(this.#inFlight);
  }

  async #close(): Promise<void> {
    await this.#drain().catch(() => undefined);
    await this.#batches.shutdown();
  }

  /** The SDK drops silently when its queue is full; keeping the same bound here lets us count. */
  #accept(span: ReadableSpan): void {
    if (this.#queued >= QUEUE_SPANS_MAX || this.#stopped !== undefined) {
      this.#dropped += 1;
      return;
    }
    this.#queued += 1;
    this.#batches.onEnd(span);
  }

  #export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const handedOver = new Promise<void>((resolve) => {
      this.#exporter.export(spans, (result) => {
        this.#queued -= spans.length;
        if (result.code === ExportResultCode.SUCCESS) this.#exported += spans.length;
        else {
          this.#failed += spans.length;
          this.#onFailure(result.error ?? new Error('the collector refused the spans'));
        }
        resolve();
        done(result);
      });
    });
    this.#inFlight.add(handedOver);
    void handedOver.then(() => this.#inFlight.delete(handedOver));
  }
}

/** Whether the work ended well within the time. The work goes on; its failure is swallowed. */
function within(timeoutMs: number, work: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isDone: boolean): void => {
      clearTimeout(timer);
      resolve(isDone);
    };
    const timer = setTimeout(settle, timeoutMs, false);
    work.then(
      () => settle(true),
      () => settle(false),
    );
  });
}
