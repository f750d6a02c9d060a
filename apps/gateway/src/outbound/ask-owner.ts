// A request to an owner whose answer must be acted on in its turn: after the events that the owner
// published before it, and before those it published after it. `callOwner` of the bus gives a
// promise, and a promise settles when that turn is over.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { Bus } from '@guildhall/bus';
import { backoffMs, Deadline } from '@guildhall/clock';
import { requestSubject, requestTemplate, serviceNameOf } from '@guildhall/contracts';
import { Fault, FaultCode, isRetryable } from '@guildhall/fault';
import { SPAN, type SpanDefinition, type TraceContext, type Tracer } from '@guildhall/telemetry';
import type { OnAnswer } from '../domain/ports.js';

export interface AskOptions {
  /** How long to go on asking while the partition changes hands. */
  readonly deadlineMs: number;
  /** How long one try may take. */
  readonly tryMs: number;
  readonly trace: TraceContext | undefined;
  readonly tracer: Tracer;
  readonly random: () => number;
}

const FIRST_WAIT_MS = 20;
const WAIT_MS_MAX = 400;

const definitions = new WeakMap<DescMethodUnary, SpanDefinition>();

/** Asks until there is an answer, a final Fault, or no time left. `onAnswer` is called once. */
export function askOwner<I extends DescMessage, O extends DescMessage>(
  bus: Bus,
  method: DescMethodUnary<I, O>,
  partition: number,
  request: MessageInitShape<I>,
  options: AskOptions,
  onAnswer: OnAnswer<MessageShape<O>>,
): void {
  const { clock } = bus;
  const subject = requestSubject(method, { partition });
  const payload = toBinary(method.input, create(method.input, request));
  const deadline = Deadline.after(clock, options.deadlineMs);
  const backoff = { firstMs: FIRST_WAIT_MS, capMs: WAIT_MS_MAX, random: options.random };

  const attempt = (attemptsCount: number): void => {
    const span = options.tracer.child(options.trace, definitionOf(method));
    span?.set('guildhall.partition', partition);
    if (attemptsCount > 0) span?.set('guildhall.attempt', attemptsCount);
    const timeoutMs = Math.max(1, Math.min(options.tryMs, deadline.remainingMs()));
    const trace = span?.context;
    bus.requestCallback(subject, payload, { timeoutMs, trace }, (fault, body) => {
      const answer = fault ?? decode(method.output, body, subject);
      if (!(answer instanceof Fault)) {
        span?.set('rpc.status_code', 'ok').end();
        onAnswer(answer);
        return;
      }
      span?.set('rpc.status_code', answer.code).fail(answer).end();
      const waitMs = backoffMs(attemptsCount, backoff);
      const isOver = bus.status === 'closed' || deadline.remainingMs() <= waitMs;
      if (!isRetryable(answer.code) || isOver) onAnswer(answer);
      else clock.setTimer(waitMs, () => attempt(attemptsCount + 1));
    });
  };
  attempt(0);
}

function definitionOf(method: DescMethodUnary): SpanDefinition {
  let definition = definitions.get(method);
  if (definition === undefined) {
    const name = `${serviceNameOf(method)}/${method.name}`;
    definition = SPAN.rpcClient(name, requestTemplate(method, { partition: 0 }));
    definitions.set(method, definition);
  }
  return definition;
}

function decode<O extends DescMessage>(
  schema: O,
  body: Uint8Array,
  subject: string,
): MessageShape<O> | Fault {
  try {
    // A copy: what is decoded refers to the bytes, is kept, and the bus's buffer is not ours.
    return fromBinary(schema, Uint8Array.from(body));
  } catch (cause) {
    return new Fault(FaultCode.Malformed, `unreadable answer from ${subject}`, { cause });
  }
}
