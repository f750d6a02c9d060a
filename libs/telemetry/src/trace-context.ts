// The trace context that travels beside a message: W3C Trace Context, and only when sampled.
//
//   traceparent  00-<32 hex trace id>-<16 hex span id>-<2 hex flags>       55 characters
//   tracestate   ot=th:<rejection threshold, trailing zeros cut>           only when p < 1
//
// There is no context for an unsampled operation: `undefined` is the whole representation, so the
// common case costs one comparison and puts nothing on the wire. That is also why parsing looks at
// the length and the sampled bit before it looks at anything else.
//
// https://www.w3.org/TR/trace-context/ and OpenTelemetry's consistent probability sampling.

/** A sampled operation, as its children need to know it. Pass it explicitly beside the message. */
export interface TraceContext {
  /** 32 lower-case hex digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hex digits, not all zero: the span that children name as their parent. */
  readonly spanId: string;
  /** Rejection threshold of the sampler, 1–14 hex digits; absent when everything was kept. */
  readonly threshold?: string;
}

const TRACEPARENT_LENGTH = 55;
const TRACE_ID_AT = 3;
const SPAN_ID_AT = 36;
const FLAGS_AT = 53;
const DASH = 0x2d;
const THRESHOLD_DIGITS_MAX = 14;
const TRACESTATE_LENGTH_MAX = 512;
const TRACESTATE = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?=[;,\s]|$)/;

let invalidCount = 0;

/** Headers of this process that were present and malformed since it started. */
export const invalidTraceparentsCount = (): number => invalidCount;

/**
 * Reads a `traceparent` header, and `tracestate` if there is one.
 * Absent, unsampled or malformed: `undefined`; malformed ones are also counted. Never throws.
 */
export function parseTraceparent(
  header: string | undefined,
  tracestate?: string,
): TraceContext | undefined {
  if (header === undefined) return undefined;
  if (header.length !== TRACEPARENT_LENGTH) return reject();
  const flags = hexDigit(header.charCodeAt(TRACEPARENT_LENGTH - 1));
  if (flags < 0) return reject();
  if ((flags & 1) === 0) return undefined;
  if (
    header.charCodeAt(TRACE_ID_AT - 1) !== DASH ||
    header.charCodeAt(SPAN_ID_AT - 1) !== DASH ||
    header.charCodeAt(FLAGS_AT - 1) !== DASH ||
    !isHex(header, 0, TRACE_ID_AT - 1) ||
    // Version ff is forbidden; an unknown version of this length carries these fields too.
    header.startsWith('ff') ||
    !isHex(header, FLAGS_AT, TRACEPARENT_LENGTH) ||
    !isId(header, TRACE_ID_AT, SPAN_ID_AT - 1) ||
    !isId(header, SPAN_ID_AT, FLAGS_AT - 1)
  ) {
    return reject();
  }
  const traceId = header.slice(TRACE_ID_AT, SPAN_ID_AT - 1);
  const spanId = header.slice(SPAN_ID_AT, FLAGS_AT - 1);
  const threshold = tracestate === undefined ? undefined : thresholdIn(tracestate);
  return threshold === undefined ? { traceId, spanId } : { traceId, spanId, threshold };
}

/** The `traceparent` header of a sampled operation. */
export function traceparentOf(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-01`;
}

/** The `tracestate` header, or `undefined` when everything is kept and none is needed. */
export function tracestateOf(context: TraceContext): string | undefined {
  return context.threshold === undefined ? undefined : `ot=th:${context.threshold}`;
}

/** The threshold padded to 14 digits, for comparing: an absent one rejects nothing. */
export function paddedThreshold(threshold: string | undefined): string {
  return (threshold ?? '').padEnd(THRESHOLD_DIGITS_MAX, '0');
}

function thresholdIn(tracestate: string): string | undefined {
  if (tracestate.length > TRACESTATE_LENGTH_MAX) return undefined;
  const digits = TRACESTATE.exec(tracestate)?.[1]?.replace(/0+$/, '');
  return digits === '' ? undefined : digits;
}

function reject(): undefined {
  invalidCount += 1;
  return undefined;
}

function isId(text: string, from: number, to: number): boolean {
  let some = 0;
  for (let at = from; at < to; at += 1) {
    const digit = hexDigit(text.charCodeAt(at));
    if (digit < 0) return false;
    some |= digit;
  }
  return some !== 0;
}

function isHex(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (hexDigit(text.charCodeAt(at)) < 0) return false;
  return true;
}

/** The value of a lower-case hex digit, -1 for anything else: W3C forbids upper case. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  return -1;
}
