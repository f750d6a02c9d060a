// Everything the api reports, one function each. No token, password, address of a person or content
// of a message is ever a field.
import { FaultCode, type Fault } from '@guildhall/fault';
import type { Histogram, Labelled, Telemetry, TraceContext } from '@guildhall/telemetry';

type Trace = TraceContext | undefined;

/** What the api says about itself, in its log and its metrics. */
export class Events {
  readonly #telemetry: Telemetry;
  readonly #durations: Labelled<'route' | 'status', Histogram>;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
    this.#durations = telemetry.metrics.histogramBy({
      name: 'guildhall_api_request_duration',
      help: 'From the first byte of a request to the last of its answer',
      unit: 'seconds',
      labels: ['route', 'status'],
      labelSetsMax: 600,
    });
  }

  /** A request was answered, well or badly. */
  requestAnswered(trace: Trace, route: string, status: number, tookMs: number): void {
    this.#durations.of({ route, status: `${Math.floor(status / 100)}xx` }).record(tookMs / 1000);
    const { logger } = this.#telemetry;
    if (!logger.isEnabled('debug')) return;
    logger.with(trace).debug('request answered', { route, status, took_ms: Math.round(tookMs) });
  }

  /** A request was not obliged. What the rules refuse is the client's business and not reported. */
  requestFailed(trace: Trace, route: string, fault: Fault): void {
    const log = this.#telemetry.logger.with(trace);
    if (fault.code === FaultCode.Internal) log.error('request failed', { route, error: fault });
    else if (fault.code !== FaultCode.Refused)
      log.warn('request could not be obliged', { route, code: fault.code, detail: fault.detail });
  }

  /** The ack that a person's own message implies was not made; the message itself was. */
  ownMessageNotAcked(trace: Trace, fault: Fault): void {
    this.#telemetry.logger.with(trace).warn('own message not acked', { code: fault.code });
  }

  /** A token was replaced, by its owner's wish. */
  botTokenReset(trace: Trace, applicationId: bigint): void {
    this.#telemetry.logger.with(trace).info('bot token reset', { application_id: applicationId });
  }

  /** An attachment of a refused message is still on disk. */
  attachmentNotDropped(reason: unknown): void {
    this.#telemetry.logger.warn('attachment not deleted', { error: reason });
  }

  /** A person's client was not told that the bot has heard. */
  invokerNotTold(trace: Trace, fault: Fault): void {
    this.#telemetry.logger.with(trace).warn('invoker not told', { code: fault.code });
  }

  /** Old interactions are still there; the next sweep tries again. */
  sweepFailed(reason: unknown): void {
    this.#telemetry.logger.warn('old interactions not swept', { error: reason });
  }
}
