// Requests as methods of the protobuf services: encoded, traced, and asked again where that helps.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { backoffMs, Deadline, sleep } from '@guildhall/clock';
import { requestSubject, requestTemplate, serviceNameOf, type Route } from '@guildhall/contracts';
import { Fault, FaultCode, isRetryable } from '@guildhall/fault';
import { SPAN } from '@guildhall/telemetry';
import type { Span, SpanDefinition, TraceContext, Tracer } from '@guildhall/telemetry';
import type { Bus } from './bus.js';

export interface CallOptions {
  /** How long to wait for the answer. */
  readonly timeoutMs: number;
  readonly trace?: TraceContext | undefined;
  /** Makes the CLIENT span; without one the caller's own span is the parent of the other side's. */
  readonly tracer?: Tracer | undefined;
}

export interface CallOwnerOptions {
  /** How long to go on asking. Default 8,000: a takeover and what comes before and after it. */
  readonly deadlineMs?: number | undefined;
  /** How long one try may take. Default 2,000. */
  readonly timeoutMs?: number | undefined;
  readonly trace?: TraceContext | undefined;
  readonly tracer?: Tracer | undefined;
  /** Chance for the waits, seeded in specs. Default Math.random. */
  readonly random?: (() => number) | undefined;
}

/** What the instances of a service said. */
export interface AllReplies<T> {
  readonly replies: T[];
  readonly faults: Fault[];
}

const DEADLINE_MS = 8_000;
const TRY_TIMEOUT_MS = 2_000;
const FIRST_WAIT_MS = 20;
const WAIT_MS_MAX = 400;

/** By method and kind of route: made once, since definitions are per method and not per request. */
const definitions = new WeakMap<DescMethodUnary, Map<string, SpanDefinition>>();

/** Asks once. Rejects with a Fault, as {@link Bus.request} does. */
export async function callMethod<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  route: Route,
  request: MessageInitShape<I>,
  options: CallOptions,
): Promise<MessageShape<O>> {
  const payload = encode(method.input, request);
  return callEncoded(bus, method, route, payload, options, 0);
}

/**
 * Asks the owner of a partition, again and again while it is changing hands (`wrong_owner`,
 * `unavailable`) or silent (`timeout`), until the deadline; then rejects with the last Fault. Every
 * try sends the same bytes, so what carries a command id is done once.
 */
export async function callOwner<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  partition: number,
  request: MessageInitShape<I>,
  options: CallOwnerOptions = {},
): Promise<MessageShape<O>> {
  const payload = encode(method.input, request);
  const deadline = Deadline.after(bus.clock, options.deadlineMs ?? DEADLINE_MS);
  const backoff = {
    firstMs: FIRST_WAIT_MS,
    capMs: WAIT_MS_MAX,
    random: options.random ?? Math.random,
  };
  for (let attempt = 0; ; attempt += 1) {
    const timeoutMs = Math.min(options.timeoutMs ?? TRY_TIMEOUT_MS, deadline.remainingMs());
    try {
      const once = { timeoutMs, trace: options.trace, tracer: options.tracer };
      return await callEncoded(bus, method, { partition }, payload, once, attempt);
    } catch (reason) {
      const fault = Fault.from(reason);
      const waitMs = backoffMs(attempt, backoff);
      const isOver = bus.status === 'closed' || deadline.remainingMs() <= waitMs;
      if (!isRetryable(fault.code) || isOver) throw fault;
      await sleep(bus.clock, waitMs);
    }
  }
}

/**
 * Asks every instance of a service; resolves with what came until `expected` answers or the
 * timeout. An answer that cannot be read is among the faults.
 */
export async function callAll<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
  options: CallOptions & { readonly expected?: number | undefined },
): Promise<AllReplies<MessageShape<O>>> {
  const payload = encode(method.input, request);
  const { timeoutMs, expected } = options;
  return spanned(method, 'all', options, 0, async (trace) => {
    const subject = requestSubject(method, 'all');
    const gathered = await bus.requestAll(subject, payload, { timeoutMs, trace, expected });
    const replies: MessageShape<O>[] = [];
    const faults: Fault[] = [];
    for (const { fault, body } of gathered) {
      const reply = fault ?? decode(method.output, body, subject);
      if (reply instanceof Fault) faults.push(reply);
      else replies.push(reply);
    }
    return { replies, faults };
  });
}

function callEncoded<O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<DescMessage, O>,
  route: Route,
  payload: Uint8Array,
  options: CallOptions,
  attempt: number,
): Promise<MessageShape<O>> {
  return spanned(method, route, options, attempt, async (trace) => {
    const subject = requestSubject(method, route);
    const body = await bus.request(subject, payload, { timeoutMs: options.timeoutMs, trace });
    const reply = decode(method.output, body, subject);
    if (reply instanceof Fault) throw reply;
    return reply;
  });
}

/** Does it within a CLIENT span, if it is sampled and there is somebody to make one. */
function spanned<T>(
  method: DescMethodUnary,
  route: Route,
  { trace, tracer }: CallOptions,
  attempt: number,
  ask: (trace: TraceContext | undefined) => Promise<T>,
): Promise<T> {
  if (trace === undefined || tracer === undefined) return ask(trace);
  const span = tracer.child(trace, definitionOf(method, route));
  if (span === undefined) return ask(trace);
  if (typeof route === 'object') span.set('guildhall.partition', route.partition);
  if (attempt > 0) span.set('guildhall.attempt', attempt);
  return ask(span.context).then(
    (result) => {
      span.set('rpc.status_code', 'ok').end();
      return result;
    },
    (reason: unknown) => {
      endFailed(span, Fault.from(reason));
      throw reason;
    },
  );
}

function endFailed(span: Span, fault: Fault): void {
  span.set('rpc.status_code', fault.code).fail(fault).end();
}

function definitionOf(method: DescMethodUnary, route: Route): SpanDefinition {
  const kind = typeof route === 'string' ? route : 'p';
  let byKind = definitions.get(method);
  if (byKind === undefined) definitions.set(method, (byKind = new Map()));
  let definition = byKind.get(kind);
  if (definition === undefined) {
    const name = `${serviceNameOf(method)}/${method.name}`;
    definition = SPAN.rpcClient(name, requestTemplate(method, route));
    byKind.set(kind, definition);
  }
  return definition;
}

function encode<I extends DescMessage>(schema: I, request: MessageInitShape<I>): Uint8Array {
  return toBinary(schema, create(schema, request));
}

function decode<O extends DescMessage>(
  schema: O,
  body: Uint8Array,
  subject: string,
): MessageShape<O> | Fault {
  try {
    return fromBinary(schema, body);
  } catch (cause) {
    return new Fault(FaultCode.Malformed, `unreadable answer from ${subject}`, { cause });
  }
}
