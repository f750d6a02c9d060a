// The answering side of the protobuf services: decode, trace, call the handler, answer, measure.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethod,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import {
  ANY_QUEUE,
  methodToken,
  OWNER_QUEUE,
  partitionRequests,
  requestSubject,
  requestTemplate,
  serviceNameOf,
  type PartitionedService,
  type Route,
} from '@guildhall/contracts';
import { assert, Bug, Fault, FaultCode } from '@guildhall/fault';
import { SPAN } from '@guildhall/telemetry';
import type {
  Logger,
  Metrics,
  Span,
  SpanDefinition,
  TraceContext,
  Tracer,
} from '@guildhall/telemetry';
import type { Bus, Incoming, Subscription } from './bus.js';
import { MethodMetrics } from './bus-metrics.js';

/** What a handler knows of the request beside its message. */
export interface Call {
  /** For what the handler asks of others: the SERVER span, or whatever the request came with. */
  readonly trace: TraceContext | undefined;
  /** When it arrived, on the bus's monotonic clock. */
  readonly arrivedAtMs: number;
  /** The open SERVER span; ended by the bus when the answer is sent. */
  readonly span: Span | undefined;
}

/** An answer: the fields of the message, the message, or its bytes where they are known already. */
export type Answer<O extends DescMessage> = MessageInitShape<O> | Uint8Array;

/** Answers at once or later. A Fault that it throws is the answer; anything else is `internal`. */
export type MethodHandler<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  call: Call,
) => Answer<O> | Promise<Answer<O>>;

type HandlersOf<S extends DescService> = {
  readonly [K in keyof S['method']]?: S['method'][K] extends {
    input: infer I extends DescMessage;
    output: infer O extends DescMessage;
  }
    ? MethodHandler<I, O>
    : never;
};

type Intersection<U> = (U extends unknown ? (value: U) => void : never) extends (
  value: infer I,
) => void
  ? I
  : never;

/** Handlers of some services by the local names of their methods (`createMessage`). */
export type Handlers<S extends readonly DescService[]> = Intersection<HandlersOf<S[number]>>;

export interface ServeOptions {
  readonly tracer?: Tracer | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
  /**
   * Requests that may be in the handlers' hands; more are refused as `overloaded`. Default 16,384.
   */
  readonly inFlightMax?: number | undefined;
}

/** Methods that are being served. */
export interface ServedMethods extends Subscription {
  /** Methods without a handler: they are answered `not_found`. */
  readonly missing: readonly string[];
}

interface Method {
  readonly desc: DescMethodUnary;
  readonly handler: AnyHandler | undefined;
  readonly definition: SpanDefinition;
  readonly metrics: MethodMetrics | undefined;
}

type AnyHandler = (request: unknown, call: Call) => unknown;

const IN_FLIGHT_MAX = 16_384;

/**
 * The methods of some services with their handlers: made once, then attached to many partitions.
 */
export class MethodTable {
  readonly missing: readonly string[];
  readonly #methods = new Map<string, Method>();
  readonly #options: ServeOptions;
  readonly #inFlightMax: number;
  #inFlight = 0;

  /** Says in the log which methods have no handler. Throws a Bug when two have one subject. */
  constructor(
    services: readonly DescService[],
    handlers: object,
    route: Route,
    options: ServeOptions,
  ) {
    this.#options = options;
    this.#inFlightMax = options.inFlightMax ?? IN_FLIGHT_MAX;
    const { metrics } = options;
    const missing: string[] = [];
    for (const desc of services.flatMap((service) => service.methods).map(unary)) {
      const name = `${serviceNameOf(desc)}/${desc.name}`;
      const handler = (handlers as Record<string, AnyHandler | undefined>)[desc.localName];
      if (handler === undefined) missing.push(name);
      assert(!this.#methods.has(methodToken(desc)), `${name} has a subject of its own`);
      this.#methods.set(methodToken(desc), {
        desc,
        handler,
        definition: SPAN.rpcServer(name, requestTemplate(desc, route)),
        metrics: metrics === undefined ? undefined : new MethodMetrics(metrics, name),
      });
    }
    this.missing = missing;
    if (missing.length > 0) options.logger?.warn('methods without a handler', { missing });
  }

  get descriptions(): DescMethodUnary[] {
    return [...this.#methods.values()].map(({ desc }) => desc);
  }

  /** Answers one request, by the last token of its subject. */
  readonly answer = (incoming: Incoming): void => {
    const { subject } = incoming;
    const method = this.#methods.get(subject.slice(subject.lastIndexOf('.') + 1));
    if (method?.handler === undefined) {
      incoming.fail(new Fault(FaultCode.NotFound, `no method for ${subject}`));
      return;
    }
    const { tracer } = this.#options;
    const span = tracer?.child(incoming.trace, method.definition);
    if (this.#inFlight >= this.#inFlightMax) {
      const fault = new Fault(FaultCode.Overloaded, `${this.#inFlight} requests are in hand`);
      this.#fail(incoming, method, span, fault);
      return;
    }
    let request: unknown;
    try {
      request = fromBinary(method.desc.input, incoming.payload);
    } catch (cause) {
      const text = `a request to ${subject} could not be read`;
      this.#fail(incoming, method, span, new Fault(FaultCode.Malformed, text, { cause }));
      return;
    }
    const trace = span?.context ?? incoming.trace;
    this.#call(incoming, method, method.handler, request, { trace, span });
  };

  #call(
    incoming: Incoming,
    method: Method,
    handler: AnyHandler,
    request: unknown,
    { trace, span }: Pick<Call, 'trace' | 'span'>,
  ): void {
    let result: unknown;
    this.#inFlight += 1;
    try {
      result = handler(request, { trace, arrivedAtMs: incoming.arrivedAtMs, span });
    } catch (reason) {
      this.#inFlight -= 1;
      this.#failed(incoming, method, span, reason);
      return;
    }
    if (!isPromise(result)) {
      this.#inFlight -= 1;
      this.#succeed(incoming, method, span, result);
      return;
    }
    result.then(
      (answer) => {
        this.#inFlight -= 1;
        this.#succeed(incoming, method, span, answer);
      },
      (reason: unknown) => {
        this.#inFlight -= 1;
        this.#failed(incoming, method, span, reason);
      },
    );
  }

  #succeed(incoming: Incoming, method: Method, span: Span | undefined, answer: unknown): void {
    let body: Uint8Array;
    try {
      const { output } = method.desc;
      body =
        answer instanceof Uint8Array
          ? answer
          : toBinary(output, create(output, answer as MessageInitShape<DescMessage>));
    } catch (reason) {
      this.#failed(incoming, method, span, reason);
      return;
    }
    const endedAtMs = this.#nowMs(span);
    incoming.reply(body);
    span?.set('rpc.status_code', 'ok').end(endedAtMs);
    this.#answered(incoming, method, span, 'ok');
  }

  /** What the handler threw. A Bug is thrown on: to the bus, or as a rejection nobody handles. */
  #failed(incoming: Incoming, method: Method, span: Span | undefined, reason: unknown): void {
    if (reason instanceof Bug) {
      span?.fail(reason).end();
      throw reason;
    }
    this.#fail(incoming, method, span, Fault.from(reason));
  }

  #fail(incoming: Incoming, method: Method, span: Span | undefined, fault: Fault): void {
    const { subject } = incoming;
    const { logger } = this.#options;
    if (fault.code === FaultCode.Internal) {
      logger?.with(span?.context).error('a request failed', { subject, error: fault });
    }
    const endedAtMs = this.#nowMs(span);
    incoming.fail(fault);
    span?.set('rpc.status_code', fault.code).fail(fault).end(endedAtMs);
    this.#answered(incoming, method, span, fault.code);
  }

  /**
   * When a SERVER span ends: read before the answer is sent, since whoever asked may have it, and
   * end its own span, while this process is still busy with sending.
   */
  #nowMs(span: Span | undefined): number | undefined {
    return span === undefined ? undefined : this.#options.tracer?.nowMs();
  }

  #answered(incoming: Incoming, method: Method, span: Span | undefined, code: string): void {
    const trace = span?.context ?? incoming.trace;
    const ageMs = incoming.ageMs();
    method.metrics?.answered(code, ageMs, trace);
    const { logger } = this.#options;
    if (logger?.isEnabled('debug') !== true) return;
    const tookMs = Math.round(ageMs);
    logger.with(trace).debug('request served', { method: method.definition.name, code, tookMs });
  }
}

/** Serves methods that any instance may answer, or that each answers for its part. */
export function serveMethods<const S extends readonly DescService[]>(
  bus: Bus,
  where: { readonly services: S; readonly route: 'any' | 'all' },
  handlers: Handlers<S>,
  options: ServeOptions = {},
): ServedMethods {
  const { services, route } = where;
  const table = new MethodTable(services, handlers as object, route, options);
  const queue = route === 'any' ? { queue: ANY_QUEUE } : {};
  const subscriptions = table.descriptions
    .map((method) => requestSubject(method, route))
    .map((subject) => bus.serve(subject, queue, table.answer));
  return {
    subject: subscriptions[0]?.subject ?? '',
    missing: table.missing,
    unsubscribe: () => subscriptions.forEach((subscription) => subscription.unsubscribe()),
    drain: async () => void (await Promise.all(subscriptions.map((one) => one.drain()))),
  };
}

/**
 * Takes the requests to one partition: one subscription, whatever the number of methods. Owners of
 * many partitions make one table (see {@link partitionMethods}) and pass it for each.
 */
export function servePartition(
  bus: Bus,
  service: PartitionedService,
  partition: number,
  table: MethodTable,
): ServedMethods {
  const subject = partitionRequests(service, partition);
  const subscription = bus.serve(subject, { queue: OWNER_QUEUE }, table.answer);
  return {
    subject,
    missing: table.missing,
    unsubscribe: () => subscription.unsubscribe(),
    drain: () => subscription.drain(),
  };
}

/** The methods of services whose requests go to the owner of a partition. */
export function partitionMethods<const S extends readonly DescService[]>(
  services: S,
  handlers: Handlers<S>,
  options: ServeOptions = {},
): MethodTable {
  return new MethodTable(services, handlers as object, { partition: 0 }, options);
}

function unary(method: DescMethod): DescMethodUnary {
  assert(method.methodKind === 'unary', `${method.name} is a unary method`);
  return method as DescMethodUnary;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
