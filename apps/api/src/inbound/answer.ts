import { assert, FaultCode, type Fault } from '@guildhall/fault';

/** What a route answers with. */
export interface Answer {
  readonly status: number;
  /** JSON unless `headers` says otherwise. Absent: an empty body. */
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** 204: done, nothing to say. */
export const DONE: Answer = { status: 204 };

/** JSON that an owner rendered, passed through untouched, or a small object of our own. */
export function json(body: Uint8Array | object, status = 200): Answer {
  return { status, body: body instanceof Uint8Array ? body : JSON.stringify(body) };
}

/** The JSON array of elements that are JSON already. */
export function jsonArray(elements: readonly Uint8Array[]): Answer {
  const parts: Uint8Array[] = [Buffer.from('[')];
  for (const [index, element] of elements.entries()) {
    if (index > 0) parts.push(Buffer.from(','));
    parts.push(element);
  }
  parts.push(Buffer.from(']'));
  return { status: 200, body: Buffer.concat(parts) };
}

/** An error in Discord's form. `errorsJson` is the `errors` object of a form body. */
export function errorAnswer(
  status: number,
  code: number,
  message: string,
  errorsJson?: string,
): Answer {
  const errors = errorsJson === undefined || errorsJson === '' ? '' : `,"errors":${errorsJson}`;
  return { status, body: `{"message":${JSON.stringify(message)},"code":${code}${errors}}` };
}

export const NOT_FOUND = errorAnswer(404, 0, '404: Not Found');
export const METHOD_NOT_ALLOWED = errorAnswer(405, 0, '405: Method Not Allowed');
export const UNAUTHORIZED = errorAnswer(401, 0, '401: Unauthorized');
const INTERNAL = errorAnswer(500, 0, '500: Internal Server Error');
const UNAVAILABLE = errorAnswer(503, 0, '503: Service Unavailable');
const OVERLOADED = errorAnswer(
  503,
  130000,
  'API resource is currently overloaded. Try again a little later',
);

/**
 * How long a client is asked to wait after a 429 that an owner decided and gave no time for,
 * seconds.
 */
const OWNERS_RETRY_AFTER_S = 1;

/** The one place where a Fault becomes an HTTP answer. */
export function faultAnswer(fault: Fault): Answer {
  switch (fault.code) {
    case FaultCode.Refused:
      return refusalAnswer(fault);
    case FaultCode.Unauthorized:
      return UNAUTHORIZED;
    case FaultCode.NotFound:
      return NOT_FOUND;
    case FaultCode.Invalid:
    case FaultCode.Malformed:
      return errorAnswer(400, 0, '400: Bad Request');
    case FaultCode.Overloaded:
      return OVERLOADED;
    case FaultCode.WrongOwner:
    case FaultCode.Unavailable:
    case FaultCode.Timeout:
      return UNAVAILABLE;
    case FaultCode.Internal:
      return INTERNAL;
  }
}

function refusalAnswer(fault: Fault): Answer {
  const refusal = fault.refusal;
  assert(refusal !== undefined, 'a refused fault says what a client is answered');
  const { httpStatus, discordCode, message, errorsJson } = refusal;
  if (httpStatus !== 429) return errorAnswer(httpStatus, discordCode, message, errorsJson);
  const retryAfterS = retryAfterIn(errorsJson) ?? OWNERS_RETRY_AFTER_S;
  return {
    status: 429,
    body: JSON.stringify({ message, code: discordCode, retry_after: retryAfterS, global: false }),
    // "shared": the limit is the channel's, so it does not count against the client.
    headers: { 'retry-after': String(Math.ceil(retryAfterS)), 'x-ratelimit-scope': 'shared' },
  };
}

/** An owner that limits (slowmode) may say for how long: `{"retry_after": seconds}`. */
function retryAfterIn(errorsJson: string | undefined): number | undefined {
  if (errorsJson === undefined || errorsJson === '') return undefined;
  try {
    const seconds: unknown = (JSON.parse(errorsJson) as Record<string, unknown>)['retry_after'];
    return typeof seconds === 'number' && seconds >= 0 ? seconds : undefined;
  } catch {
    return undefined;
  }
}
