// What a client may send, said once and typed by inference:
//
//   const body = object({ content: optional(string()), tts: withDefault(boolean(), false) });
//   type Body = Checked<typeof body>;
//
// A check never throws: it notes each thing that is wrong with its path, in Discord's own codes and
// words, and goes on, so that a client hears of all its mistakes at once. Keys that are not
// declared are ignored, as Discord does. Only own properties are read, so `__proto__` is just
// another key.
import { fieldErrors, refuse, type FieldError } from '@guildhall/contracts';
import { parseSnowflake } from '@guildhall/snowflake';

export type Path = readonly (string | number)[];

/**
 * What a check found wrong, in the order it was found. Bounded: a body can be wrong in a million
 * places.
 */
export class Findings {
  readonly errors: FieldError[] = [];

  add(path: Path, code: string, message: string): typeof INVALID {
    if (this.errors.length < FINDINGS_MAX) this.errors.push({ path, code, message });
    return INVALID;
  }
}

const FINDINGS_MAX = 50;
/** PostgreSQL's bigint and Discord's snowflakes end here. */
const SNOWFLAKE_MAX = 2n ** 63n - 1n;
const RAW_JSON_DEPTH_MAX = 24;

/** Stands for "there is no value, and the reason is noted". */
export const INVALID = Symbol('invalid');

/** Turns what came over the wire into a T, or notes why not. */
export interface Check<T> {
  run(value: unknown, path: Path, findings: Findings): T | typeof INVALID;
  /** What an absent key means: `'refuse'` unless it is optional or has a default. */
  readonly absent: 'refuse' | 'leave out' | { readonly value: T };
}

export type Checked<C> = C extends Check<infer T> ? T : never;

/** A check whose key may be missing from its object. */
export interface OptionalCheck<T> extends Check<T> {
  readonly absent: 'leave out';
}

type Fields = Readonly<Record<string, Check<unknown>>>;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends OptionalCheck<unknown> ? K : never }[keyof F];
export type CheckedObject<F> = {
  [K in Exclude<keyof F, OptionalKeys<F>>]: Checked<F[K]>;
} & { [K in OptionalKeys<F>]?: Checked<F[K]> };

/**
 * The value a client sent, checked. Throws the Fault that the edge answers as 50035 when anything
 * is wrong with it.
 */
export function checked<T>(check: Check<T>, value: unknown): T {
  const findings = new Findings();
  const result = run(check, value, [], findings);
  if (result !== INVALID && findings.errors.length === 0) return result;
  throw refuseFields(findings.errors);
}

/** The Fault for several fields at once. */
export function refuseFields(errors: readonly FieldError[]): Error {
  return refuse('InvalidFormBody', JSON.stringify(fieldErrors(errors)));
}

/** An object with these keys. A body that is missing altogether counts as an empty one. */
export function object<F extends Fields>(fields: F): Check<CheckedObject<F>> {
  const entries = Object.entries(fields);
  return required((value, path, findings) => {
    if (value !== undefined && !isRecord(value)) {
      return findings.add(
        path,
        'MODEL_TYPE_CONVERT',
        'Only dictionaries may be used in a ModelType',
      );
    }
    const result: Record<string, unknown> = {};
    let isValid = true;
    for (const [key, check] of entries) {
      const given = value !== undefined && Object.hasOwn(value, key) ? value[key] : undefined;
      if (given === undefined) {
        if (check.absent === 'leave out') continue;
        if (check.absent !== 'refuse') {
          result[key] = check.absent.value;
          continue;
        }
      }
      const checkedValue = run(check, given, [...path, key], findings);
      if (checkedValue === INVALID) isValid = false;
      else result[key] = checkedValue;
    }
    return isValid ? (result as CheckedObject<F>) : INVALID;
  });
}

/** Text, counted in code points as Discord does. Numbers and booleans are taken by their text. */
export function string(bounds: StringBounds = {}): Check<string> {
  const { min = 0, max = Infinity, pattern, trim = false } = bounds;
  return required((value, path, findings) => {
    const text = asText(value);
    if (text === undefined) {
      const shown = brief(value);
      return findings.add(path, 'STRING_TYPE_CONVERT', `Could not interpret "${shown}" as string.`);
    }
    const kept = trim ? text.trim() : text;
    const length = kept.length <= min || kept.length > max ? codePoints(kept) : kept.length;
    if (min > 0 && length === 0 && value === '') {
      return findings.add(path, 'BASE_TYPE_REQUIRED', REQUIRED);
    }
    if (length < min || length > max) return badLength(path, findings, min, max);
    if (pattern !== undefined && !pattern.test(kept)) {
      const message = 'String value did not match validation regex.';
      return findings.add(path, 'STRING_TYPE_REGEX', message);
    }
    return kept;
  });
}

export interface StringBounds {
  min?: number;
  max?: number;
  /** Must not be global or sticky. */
  pattern?: RegExp;
  /** White space at both ends is cut before counting. */
  trim?: boolean;
}

/** A whole number; text of digits is taken as one, which is how it comes in a query. */
export function integer(bounds: { min?: number; max?: number } = {}): Check<number> {
  const { min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = bounds;
  return required((value, path, findings) => {
    const given = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
    if (typeof given !== 'number' || !Number.isSafeInteger(given)) {
      return findings.add(path, 'NUMBER_TYPE_COERCE', `Value "${brief(value)}" is not int.`);
    }
    if (given < min) {
      const message = `int value should be greater than or equal to ${min}.`;
      return findings.add(path, 'NUMBER_TYPE_MIN', message);
    }
    if (given > max) {
      const message = `int value should be less than or equal to ${max}.`;
      return findings.add(path, 'NUMBER_TYPE_MAX', message);
    }
    return given;
  });
}

/** A number with a fraction. */
export function float(bounds: { min?: number; max?: number } = {}): Check<number> {
  const { min = -Infinity, max = Infinity } = bounds;
  return required((value, path, findings) => {
    const given = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof given !== 'number' || !Number.isFinite(given)) {
      return findings.add(path, 'FLOAT_TYPE_COERCE', `Value "${brief(value)}" is not float.`);
    }
    if (given >= min && given <= max) return given;
    const isLow = given < min;
    const bound = isLow ? `greater than or equal to ${min}` : `less than or equal to ${max}`;
    const message = `float value should be ${bound}.`;
    return findings.add(path, isLow ? 'NUMBER_TYPE_MIN' : 'NUMBER_TYPE_MAX', message);
  });
}

/** True or false; in a query also `true`, `false`, `1`, `0`. */
export function boolean(): Check<boolean> {
  return required((value, path, findings) => {
    if (value === true || value === 'true' || value === '1' || value === 'True') return true;
    if (value === false || value === 'false' || value === '0' || value === 'False') return false;
    return findings.add(path, 'BOOLEAN_TYPE_CONVERT', 'Must be either true or false.');
  });
}

/** An id: text of digits, or a number that is still exact. */
export function snowflake(): Check<bigint> {
  return required((value, path, findings) => {
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    const id = parseSnowflake(text);
    if (id !== undefined && id <= SNOWFLAKE_MAX) return id;
    return findings.add(path, 'NUMBER_TYPE_COERCE', `Value "${brief(value)}" is not snowflake.`);
  });
}

/**
 * Where a page begins or ends, as owners want it: 0n is "nowhere in particular" to them, while a
 * client that says 0 means before everything.
 */
export function anchorOf(id: bigint | undefined): bigint {
  return id === undefined ? 0n : id || 1n;
}

/** A permission set: the text of an integer of up to 64 bits (or a number). */
export function permissionBits(): Check<bigint> {
  return required((value, path, findings) => {
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    const bits = parseSnowflake(text);
    if (bits !== undefined && bits <= SNOWFLAKE_MAX) return bits;
    return findings.add(path, 'NUMBER_TYPE_COERCE', `Value "${brief(value)}" is not int.`);
  });
}

/** One of a few words or numbers. */
export function oneOf<const T extends string | number>(...choices: readonly T[]): Check<T> {
  const byText = new Map<string, T>(choices.map((choice) => [String(choice), choice]));
  return required((value, path, findings) => {
    const isPlain = typeof value === 'string' || typeof value === 'number';
    const choice = isPlain ? byText.get(String(value)) : undefined;
    if (choice !== undefined) return choice;
    const shown = choices.map((word) => (typeof word === 'string' ? `'${word}'` : word)).join(', ');
    return findings.add(path, 'BASE_TYPE_CHOICES', `Value must be one of (${shown}).`);
  });
}

/** A moment, ISO 8601, as ms since the epoch. */
export function timestamp(): Check<number> {
  return required((value, path, findings) => {
    const ms = typeof value === 'string' && ISO_DATE.test(value) ? Date.parse(value) : NaN;
    if (Number.isFinite(ms)) return ms;
    const message = `Could not parse ${brief(value)}. Should be ISO8601.`;
    return findings.add(path, 'DATE_TIME_TYPE_PARSE', message);
  });
}

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(T[\d:.]{5,}(Z|[+-]\d{2}:?\d{2})?)?$/;

/** A list, each item checked at its index. */
export function list<T>(item: Check<T>, bounds: { min?: number; max?: number } = {}): Check<T[]> {
  const { min = 0, max = 1000 } = bounds;
  return required((value, path, findings) => {
    if (!Array.isArray(value)) {
      return findings.add(path, 'LIST_TYPE_CONVERT', 'Only iterables may be used in a ListType');
    }
    if (value.length < min || value.length > max) return badLength(path, findings, min, max);
    const items: T[] = [];
    for (const [index, given] of value.entries()) {
      const checkedItem = run(item, given, [...path, index], findings);
      if (checkedItem !== INVALID) items.push(checkedItem);
    }
    return items.length === value.length ? items : INVALID;
  });
}

/**
 * An object whose keys are data: each key and its value checked, at the path of the key. Comes as
 * pairs, in the order of the object; two keys may mean the same.
 */
export function entries<K, V>(
  key: Check<K>,
  value: Check<V>,
  bounds: { max: number },
): Check<[K, V][]> {
  return required((given, path, findings) => {
    if (!isRecord(given)) {
      return findings.add(path, 'DICT_TYPE_CONVERT', 'Only dictionaries may be used in a DictType');
    }
    const keys = Object.keys(given);
    if (keys.length > bounds.max) return badLength(path, findings, 0, bounds.max);
    const pairs: [K, V][] = [];
    for (const name of keys) {
      const checkedKey = run(key, name, [...path, brief(name)], findings);
      if (checkedKey === INVALID) continue;
      const checkedValue = run(value, given[name], [...path, name], findings);
      if (checkedValue !== INVALID) pairs.push([checkedKey, checkedValue]);
    }
    return pairs.length === keys.length ? pairs : INVALID;
  });
}

/** An http or https URL; `attachment` too where Discord takes `attachment://name`. */
export function url(bounds: { max?: number; schemes?: readonly string[] } = {}): Check<string> {
  const { max = 2048, schemes = ['http', 'https'] } = bounds;
  return then(string({ max }), (text, path, findings) => {
    if (!URL.canParse(text)) {
      return findings.add(path, 'URL_TYPE_INVALID_URL', 'Not a well formed URL.');
    }
    const scheme = new URL(text).protocol.slice(0, -1);
    if (schemes.includes(scheme)) return text;
    const shown = schemes.map((one) => `'${one}'`).join(', ');
    const message = `Scheme "${scheme}" must be one of (${shown}).`;
    return findings.add(path, 'URL_TYPE_INVALID_SCHEME', message);
  });
}

/** Anything JSON can say, as JSON text no longer than `max` and not deeper than sense. */
export function rawJson(bounds: { max: number }): Check<string> {
  return required((value, path, findings) => {
    if (!isShallow(value)) {
      return findings.add(path, 'BASE_TYPE_BAD_TYPE', 'Must not be nested this deeply.');
    }
    const text = JSON.stringify(value, (_key, inner: unknown) =>
      typeof inner === 'string' ? clean(inner) : inner,
    );
    if (text.length > bounds.max) return badLength(path, findings, 0, bounds.max);
    return text;
  });
}

/** The key may be missing. Null is refused unless the check takes it. */
export function optional<T>(check: Check<T>): OptionalCheck<T> {
  return { run: check.run, absent: 'leave out' };
}

/** Null is a value of its own. */
export function nullable<T>(check: Check<T>): Check<T | null> {
  return {
    run: (value, path, findings) => (value === null ? null : run(check, value, path, findings)),
    absent: check.absent,
  };
}

/** A missing key, or null, means this value. */
export function withDefault<T>(check: Check<T>, value: T): Check<T> {
  return {
    run: (given, path, findings) => (given === null ? value : run(check, given, path, findings)),
    absent: { value },
  };
}

/** A missing key and null mean the same: nothing was said. */
export function optionalOrNull<T>(check: Check<T>): OptionalCheck<T | undefined> {
  return {
    run: (value, path, findings) =>
      value === null ? undefined : run(check, value, path, findings),
    absent: 'leave out',
  };
}

/**
 * A further step on a value that passed. `step` notes and returns INVALID when it does not like it.
 */
export function then<T, U>(
  check: Check<T>,
  step: (value: T, path: Path, findings: Findings) => U | typeof INVALID,
): Check<U> {
  return required((value, path, findings) => {
    const first = run(check, value, path, findings);
    return first === INVALID ? INVALID : step(first, path, findings);
  });
}

/** Code points, which is what Discord counts. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

const REQUIRED = 'This field is required';

function required<T>(check: Check<T>['run']): Check<T> {
  return { run: check, absent: 'refuse' };
}

function run<T>(
  check: Check<T>,
  value: unknown,
  path: Path,
  findings: Findings,
): T | typeof INVALID {
  const isMissing = value === undefined && path.length > 0 && typeof path.at(-1) === 'string';
  if (isMissing) return findings.add(path, 'BASE_TYPE_REQUIRED', REQUIRED);
  return check.run(value, path, findings);
}

function badLength(path: Path, findings: Findings, min: number, max: number): typeof INVALID {
  if (min > 0 && max < Infinity) {
    const message = `Must be between ${min} and ${max} in length.`;
    return findings.add(path, 'BASE_TYPE_BAD_LENGTH', message);
  }
  if (min > 0) {
    return findings.add(path, 'BASE_TYPE_MIN_LENGTH', `Must be ${min} or more in length.`);
  }
  return findings.add(path, 'BASE_TYPE_MAX_LENGTH', `Must be ${max} or fewer in length.`);
}

/** Whether this is a plain object of a parsed body. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The text without what neither PostgreSQL's text nor UTF-8 can hold: NUL, and halves of surrogate
 * pairs.
 */
export function clean(text: string): string {
  return text.replaceAll('\0', '').replace(/\p{Cs}/gu, '\uFFFD');
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return clean(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return undefined;
}

/** Level by level and not by recursion: a body may be a million brackets deep. */
function isShallow(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > RAW_JSON_DEPTH_MAX) return false;
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      for (const [key, inner] of Object.entries(one)) {
        if (clean(key) !== key) return false;
        next.push(inner);
      }
    }
    level = next;
  }
  return true;
}

function brief(value: unknown): string {
  if (Array.isArray(value)) return '[...]';
  if (typeof value === 'object' && value !== null) return '{...}';
  return clean(String(value).slice(0, 64));
}
