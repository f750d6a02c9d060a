// From what a relay decided to the sockets. The one loop that everything a session is sent goes
// through, so that `s` is counted in one place.
import type { Clock } from '@guildhall/clock';
import { SPAN, type Span, type TraceContext, type Tracer } from '@guildhall/telemetry';
import type { Dispatch } from '../domain/dispatch.js';
import type { Session } from '../domain/session.js';
import type { Delivery, RelayOutcome } from '../domain/fan-out.js';
import type { GatewayEvents } from '../events.js';

/** What a message of a topic was about, for its span. */
export interface DeliveryCause {
  readonly trace: TraceContext | undefined;
  readonly topicId: bigint;
  readonly seq: bigint;
  readonly type: string;
}

export interface DelivererOptions {
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly events: GatewayEvents;
  /** A session for which more waits than may. */
  readonly onOverfull: (session: Session) => void;
}

/** One write to one socket, while a delivery is traced. */
interface Written {
  readonly session: Session;
  readonly atMs: number;
}

const MICROSECONDS = 1000;

/** Counts, encodes and writes dispatches. */
export class Deliverer {
  readonly #options: DelivererOptions;
  /** Wall time minus monotonic time: durations since an event's commit want more than whole ms. */
  #wallOffsetMs: number;

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#wallOffsetMs = wallOffset(options.clock);
  }

  /** Wall time may have been stepped: looks again. To be called every few seconds. */
  anchor(): void {
    this.#wallOffsetMs = wallOffset(this.#options.clock);
  }

  /** Sends one session something of its own. */
  own(session: Session, dispatch: Dispatch): void {
    const s = session.take(dispatch);
    if (s === 0) {
      if (session.isOverfull) this.#options.onOverfull(session);
      return;
    }
    const { socket } = session;
    if (socket !== undefined) this.#options.events.delivered(1, socket.write(dispatch, s));
  }

  /** Hot path. Sends what a relay decided. */
  deliver(outcome: RelayOutcome<Session>, cause: DeliveryCause | undefined): void {
    const { tracer } = this.#options;
    const trace = cause?.trace;
    if (trace !== undefined) {
      const span = tracer.child(trace, SPAN.processTopicEvent);
      if (span !== undefined) {
        this.#deliverTraced(outcome, cause!, span);
        return;
      }
    }
    for (const delivery of outcome.deliveries) this.#deliverOne(delivery, undefined, undefined);
  }

  #deliverOne(
    { dispatch, to, atUs }: Delivery<Session>,
    written: Written[] | undefined,
    trace: TraceContext | undefined,
  ): number {
    const { events, tracer, clock } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const session of to) {
      const s = session.take(dispatch);
      if (s === 0) {
        if (session.isOverfull) this.#options.onOverfull(session);
        continue;
      }
      const { socket } = session;
      if (socket === undefined) continue;
      bytes += socket.write(dispatch, s);
      count += 1;
      written?.push({ session, atMs: tracer.nowMs() });
    }
    if (count === 0) return 0;
    events.delivered(count, bytes);
    if (atUs !== 0) {
      const nowMs = clock.monotonicMs() + this.#wallOffsetMs;
      events.deliveryTook(nowMs - atUs / MICROSECONDS, trace);
    }
    return bytes;
  }

  #deliverTraced(outcome: RelayOutcome<Session>, cause: DeliveryCause, span: Span): void {
    const startedMs = this.#options.tracer.nowMs();
    const written: Written[] = [];
    let bytes = 0;
    for (const delivery of outcome.deliveries) {
      bytes += this.#deliverOne(delivery, written, span.context);
    }
    written.sort((a, b) => a.atMs - b.atMs);
    const at = (share: number): Written | undefined =>
      written[Math.min(written.length - 1, Math.floor(written.length * share))];
    const tookUs = (one: Written | undefined): number =>
      one === undefined ? 0 : Math.round((one.atMs - startedMs) * MICROSECONDS);
    span
      .set('guildhall.topic.id', String(cause.topicId))
      .set('guildhall.event.type', cause.type)
      .set('guildhall.event.seq', Number(cause.seq))
      .set('guildhall.fanout.sockets', written.length)
      .set('guildhall.fanout.filtered', outcome.filteredCount)
      .set('guildhall.fanout.bytes', bytes)
      .set('guildhall.fanout.p50_us', tookUs(at(0.5)))
      .set('guildhall.fanout.p99_us', tookUs(at(0.99)))
      .set('guildhall.fanout.max_us', tookUs(written.at(-1)));
    span.end();
    // Made afterwards, and only these: never a span per socket.
    const samples: [Written | undefined, 'first' | 'median' | 'slowest'][] = [
      [written[0], 'first'],
      [written.length > 2 ? at(0.5) : undefined, 'median'],
      [written.length > 1 ? written.at(-1) : undefined, 'slowest'],
    ];
    for (const [one, sample] of samples) {
      if (one === undefined) continue;
      this.#options.tracer
        .child(span.context, SPAN.deliver, startedMs)
        ?.set('guildhall.sample', sample)
        .set('guildhall.session.id', one.session.id)
        .set('guildhall.socket.buffered_bytes', one.session.socket?.bufferedBytes ?? 0)
        .end(one.atMs);
    }
  }
}

/** Half a millisecond: wall time is in whole ones. */
function wallOffset(clock: Clock): number {
  return clock.nowMs() + 0.5 - clock.monotonicMs();
}
