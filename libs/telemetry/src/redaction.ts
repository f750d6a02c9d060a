// Nothing that opens a door may reach a log. Fields are copied before they are written: values
// under a secret's name are replaced at any depth, and so are credentials inside texts.

const REDACTED = '[redacted]';
const DEPTH_MAX = 6;
const ITEMS_MAX = 100;
const TEXT_LENGTH_MAX = 8_192;
const SECRET_NAMES =
  /^(?:.*(?:token|password|secret)(?:_?hash)?|(?:proxy-)?authorization|(?:set-)?cookie|api_?key)$/i;
/**
 * `Bot x` and the like; what precedes the `@` of an address; a token in three parts, on its own.
 * Lengths are bounded so that no text makes the search slow.
 */
const SECRETS_IN_TEXT = new RegExp(
  [
    String.raw`\b(?:Bot|Bearer|Basic)\s+[\w.+/=~-]{8,}`,
    String.raw`(?<=\/\/)[^\s/@?#]{1,400}(?=@)`,
    String.raw`\b[\w-]{18,100}\.[\w-]{6,7}\.[\w-]{27,100}\b`,
  ].join('|'),
  'g',
);

/** A copy of the fields without secrets, bounded in depth and size, errors spelled out. */
export function redactedFields(fields: object): Record<string, unknown> {
  return redactObject(fields, 0);
}

/** The text without credentials, cut at 8 KiB. */
export function redactedText(text: string): string {
  const short = text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
  return short.replace(SECRETS_IN_TEXT, REDACTED);
}

function redactObject(fields: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields).slice(0, ITEMS_MAX)) {
    copy[name] =
      SECRET_NAMES.test(name) && value !== null && value !== undefined
        ? REDACTED
        : redactValue(value, depth + 1);
  }
  return copy;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactedText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEPTH_MAX) return '[too deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    return value.slice(0, ITEMS_MAX).map((item) => redactValue(item, depth + 1));
  }
  return redactObject(value, depth);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  return {
    ...redactObject(error, depth),
    type: error.name,
    message: redactedText(error.message),
    ...(error.stack === undefined ? {} : { stack: redactedText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, depth + 1) }),
  };
}
