// Everything the gateway reports, one function each. No token, no content of a message and no
// address of a person is ever a field.
import type { Fault } from '@guildhall/fault';
import type {
  Counter,
  Histogram,
  Labelled,
  Logger,
  Metrics,
  Telemetry,
  TraceContext,
} from '@guildhall/telemetry';

export interface Gauges {
  readonly sessions: () => number;
  readonly sockets: () => number;
  readonly relays: () => number;
  readonly followers: () => number;
}

type Resume = 'resumed' | 'unknown_session' | 'too_old' | 'wrong_token';

/** Counts, measures and logs what happens here. */
export class GatewayEvents {
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #identifies: Labelled<'outcome', Counter>;
  readonly #resumes: Labelled<'outcome', Counter>;
  readonly #closes: Labelled<'code', Counter>;
  readonly #delivered: Counter;
  readonly #bytes: Counter;
  readonly #delivery: Histogram;
  readonly #readyDuration: Histogram;
  readonly #slow: Counter;
  readonly #gaps: Counter;
  readonly #repairs: Labelled<'outcome', Counter>;
  readonly #malformed: Counter;
  readonly #duplicates: Counter;
  readonly #ephemeralDropped: Counter;

  constructor(telemetry: Pick<Telemetry, 'logger' | 'metrics'>) {
    this.#log = telemetry.logger;
    const { metrics } = telemetry;
    this.#metrics = metrics;
    this.#identifies = metrics.counterBy({
      name: 'gateway_identifies',
      help: 'IDENTIFYs by what came of them',
      labels: ['outcome'],
    });
    this.#resumes = metrics.counterBy({
      name: 'gateway_resumes',
      help: 'RESUMEs by what came of them',
      labels: ['outcome'],
    });
    this.#closes = metrics.counterBy({
      name: 'gateway_closes',
      help: 'Sockets closed, by close code',
      labels: ['code'],
    });
    this.#delivered = metrics.counter({
      name: 'gateway_events_delivered',
      help: 'Dispatches written to sockets',
    });
    this.#bytes = metrics.counter({
      name: 'gateway_sent',
      help: 'Bytes of dispatches handed to sockets',
      unit: 'bytes',
    });
    this.#delivery = metrics.histogram({
      name: 'gateway_delivery_duration',
      help: 'From the commit of an event to the write to its last socket here',
      unit: 'seconds',
    });
    this.#readyDuration = metrics.histogram({
      name: 'gateway_ready_duration',
      help: 'From IDENTIFY to READY',
      unit: 'seconds',
    });
    this.#slow = metrics.counter({
      name: 'gateway_slow_consumers_closed',
      help: 'Sockets cut off because too much was waiting for them',
    });
    this.#gaps = metrics.counter({
      name: 'gateway_gaps',
      help: 'Holes found in the events of a topic',
    });
    this.#repairs = metrics.counterBy({
      name: 'gateway_gap_repairs',
      help: 'Repairs of holes by what came of them',
      labels: ['outcome'],
    });
    this.#malformed = metrics.counter({
      name: 'gateway_events_malformed',
      help: 'Messages of topics that could not be decoded and were set aside',
    });
    this.#duplicates = metrics.counter({
      name: 'gateway_events_duplicate',
      help: 'Events of topics that came a second time',
    });
    this.#ephemeralDropped = metrics.counter({
      name: 'gateway_events_ephemeral_dropped',
      help: 'Presence, typing and the like, dropped because too much waited for their topic',
    });
  }

  show({ sessions, sockets, relays, followers }: Gauges): void {
    const gauges = [
      ['gateway_sessions', 'Sessions, with and without a socket', sessions],
      ['gateway_sockets', 'Open sockets', sockets],
      ['gateway_relays', 'Topics that somebody here follows', relays],
      ['gateway_followers', 'Sessions in relays', followers],
    ] as const;
    for (const [name, help, read] of gauges) this.#metrics.observe('gauge', { name, help }, read);
  }

  identified(outcome: string): void {
    this.#identifies.of({ outcome }).add();
  }

  ready(durationMs: number, trace: TraceContext | undefined): void {
    this.#readyDuration.recordTraced(durationMs / 1000, trace);
    if (!this.#log.isEnabled('debug')) return;
    this.#log.with(trace).debug('session is ready', { tookMs: Math.round(durationMs) });
  }

  resumed(outcome: Resume): void {
    this.#resumes.of({ outcome }).add();
  }

  socketClosed(code: number): void {
    this.#closes.of({ code: String(code) }).add();
  }

  /** Hot path. */
  delivered(dispatchesCount: number, bytes: number): void {
    this.#delivered.add(dispatchesCount);
    this.#bytes.add(bytes);
  }

  /** Hot path. */
  deliveryTook(durationMs: number, trace: TraceContext | undefined): void {
    this.#delivery.recordTraced(Math.max(0, durationMs) / 1000, trace);
    if (trace === undefined || !this.#log.isEnabled('debug')) return;
    this.#log.with(trace).debug('event delivered', { tookMs: Math.round(durationMs) });
  }

  duplicates(count: number): void {
    this.#duplicates.add(count);
  }

  ephemeralDropped(count: number): void {
    this.#ephemeralDropped.add(count);
  }

  slowConsumer(sessionId: string | undefined, bufferedBytes: number): void {
    this.#slow.add();
    this.#log.warn('socket cut off: the client reads too slowly', { sessionId, bufferedBytes });
  }

  gapFound(topicId: bigint, position: number): void {
    this.#gaps.add();
    this.#log.info('events of a topic are missing', { topicId: String(topicId), position });
  }

  gapRepaired(topicId: bigint, eventsCount: number): void {
    this.#repairs.of({ outcome: 'repaired' }).add();
    this.#log.info('missing events fetched', { topicId: String(topicId), eventsCount });
  }

  gapRetried(topicId: bigint, fault: Fault): void {
    this.#repairs.of({ outcome: 'retried' }).add();
    this.#log.warn('missing events not fetched yet', { topicId: String(topicId), err: fault });
  }

  gapLost(topicId: bigint, sessionsCount: number): void {
    this.#repairs.of({ outcome: 'lost' }).add();
    this.#log.error('missing events are gone: sessions have to start anew', {
      topicId: String(topicId),
      sessionsCount,
    });
  }

  followFailed(partition: number, fault: Fault): void {
    if (!this.#log.isEnabled('debug')) return;
    this.#log.debug('an owner was not told how far we are', { partition, err: fault });
  }

  malformedBatch(subject: string): void {
    this.#malformed.add();
    this.#log.error('a message of a topic could not be decoded and was set aside', { subject });
  }

  topicUnavailable(topicId: bigint, fault: Fault): void {
    this.#log.warn('a topic could not be attached', { topicId: String(topicId), err: fault });
  }

  requestFailed(what: string, fault: Fault, trace: TraceContext | undefined): void {
    this.#log.with(trace).warn('a request of a client could not be done', { what, err: fault });
  }

  presenceFailed(what: string, fault: Fault): void {
    this.#log.warn('presence was not told', { what, err: fault });
  }

  continuityLost(reason: string, relaysCount: number): void {
    this.#log.warn('messages may have been lost: every relay asks', { reason, relaysCount });
  }

  drainRound(toldCount: number, leftCount: number): void {
    this.#log.info('told sessions to reconnect elsewhere', { toldCount, leftCount });
  }
}
