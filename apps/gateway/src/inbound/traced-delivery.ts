// What a trace tells of one delivery: one span with quantiles over its sockets, and three samples.
// Made only when the event is traced; the times of the writes are kept until the last of them.
import { SPAN, type Span, type TraceContext, type Tracer } from '@guildhall/telemetry';
import type { RelayOutcome } from '../domain/fan-out.js';
import type { Session } from '../domain/session.js';

/** What a message of a topic was about, for its span. */
export interface DeliveryCause {
  readonly trace: TraceContext;
  readonly topicId: bigint;
  readonly seq: bigint;
  readonly type: string;
}

/** One write to one socket. */
interface Write {
  readonly session: Session;
  readonly atMs: number;
}

const MICROSECONDS = 1000;

/** See the top of the file. */
export class TracedDelivery {
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #startedMs: number;
  readonly #writes: Write[] = [];
  #deliveriesLeft: number;
  #bytes = 0;

  private constructor(tracer: Tracer, span: Span, deliveriesCount: number) {
    this.#tracer = tracer;
    this.#span = span;
    this.#startedMs = tracer.nowMs();
    this.#deliveriesLeft = deliveriesCount;
  }

  /** Undefined when the trace is not sampled. */
  static begin(
    tracer: Tracer,
    outcome: RelayOutcome<Session>,
    { trace, topicId, seq, type }: DeliveryCause,
  ): TracedDelivery | undefined {
    const span = tracer.child(trace, SPAN.processTopicEvent);
    if (span === undefined) return undefined;
    span
      .set('guildhall.topic.id', String(topicId))
      .set('guildhall.event.type', type)
      .set('guildhall.event.seq', Number(seq))
      .set('guildhall.fanout.filtered', outcome.filteredCount);
    const { length } = outcome.deliveries;
    const traced = new TracedDelivery(tracer, span, length);
    if (length === 0) traced.#end();
    return traced;
  }

  get context(): TraceContext {
    return this.#span.context;
  }

  /** One socket has been written to. */
  wrote(session: Session): void {
    this.#writes.push({ session, atMs: this.#tracer.nowMs() });
  }

  /** One of its deliveries is complete; the last ends the span. */
  done(bytes: number): void {
    this.#bytes += bytes;
    this.#deliveriesLeft -= 1;
    if (this.#deliveriesLeft === 0) this.#end();
  }

  #end(): void {
    const writes = this.#writes.sort((a, b) => a.atMs - b.atMs);
    const at = (share: number): Write | undefined =>
      writes[Math.min(writes.length - 1, Math.floor(writes.length * share))];
    const tookUs = (one: Write | undefined): number =>
      one === undefined ? 0 : Math.round((one.atMs - this.#startedMs) * MICROSECONDS);
    this.#span
      .set('guildhall.fanout.sockets', writes.length)
      .set('guildhall.fanout.bytes', this.#bytes)
      .set('guildhall.fanout.p50_us', tookUs(at(0.5)))
      .set('guildhall.fanout.p99_us', tookUs(at(0.99)))
      .set('guildhall.fanout.max_us', tookUs(writes.at(-1)));
    this.#span.end();
    // Made afterwards, and only these: never a span per socket.
    this.#sample('first', writes[0]);
    this.#sample('median', writes.length > 2 ? at(0.5) : undefined);
    this.#sample('slowest', writes.length > 1 ? writes.at(-1) : undefined);
  }

  #sample(sample: 'first' | 'median' | 'slowest', one: Write | undefined): void {
    if (one === undefined) return;
    this.#tracer
      .child(this.#span.context, SPAN.deliver, this.#startedMs)
      ?.set('guildhall.sample', sample)
      .set('guildhall.session.id', one.session.id)
      .set('guildhall.socket.buffered_bytes', one.session.socket?.bufferedBytes ?? 0)
      .end(one.atMs);
  }
}
