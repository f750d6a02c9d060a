import type { Fault } from '@guildhall/fault';
import {
  boolean,
  checked,
  entries,
  float,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  optionalOrNull,
  rawJson,
  snowflake,
  string,
  timestamp,
  url,
  withDefault,
  type Check,
} from './validation.js';

/** The `errors` of a refusal. */
function errorsOf(check: Check<unknown>, value: unknown): unknown {
  try {
    checked(check, value);
  } catch (reason) {
    const { refusal } = reason as Fault;
    expect([refusal?.discordCode, refusal?.httpStatus]).toEqual([50035, 400]);
    return JSON.parse(refusal!.errorsJson!);
  }
  throw new Error('nothing was wrong');
}
const first = (check: Check<unknown>, value: unknown): { code: string; message: string } =>
  (errorsOf(object({ it: check }), { it: value }) as never)['it']['_errors'][0];

describe('A check', () => {
  it('notes everything that is wrong, each at its path', () => {
    const body = object({
      name: string({ max: 3 }),
      tags: list(object({ id: snowflake() }), { max: 2 }),
      count: integer({ min: 1 }),
    });
    expect(errorsOf(body, { name: 'long', tags: [{ id: '1' }, { id: 'x' }] })).toEqual({
      name: {
        _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 3 or fewer in length.' }],
      },
      tags: {
        '1': {
          id: { _errors: [{ code: 'NUMBER_TYPE_COERCE', message: 'Value "x" is not snowflake.' }] },
        },
      },
      count: { _errors: [{ code: 'BASE_TYPE_REQUIRED', message: 'This field is required' }] },
    });
  });

  it('tells absent, null and a value apart', () => {
    const body = object({
      a: optional(string()),
      b: optional(nullable(string())),
      c: withDefault(integer(), 7),
      d: optionalOrNull(string()),
      e: nullable(string()),
    });
    expect(checked(body, { e: null })).toEqual({ c: 7, e: null });
    expect(checked(body, { b: null, c: null, d: null, e: 'x' })).toEqual({
      b: null,
      c: 7,
      d: undefined,
      e: 'x',
    });
    expect(first(optional(string()), null).code).toBe('STRING_TYPE_CONVERT');
  });

  it('ignores keys it does not know, and is not fooled by inherited ones', () => {
    const body = object({ a: optional(string()), toString: optional(string()) });
    expect(checked(body, JSON.parse('{"__proto__":{"a":"x"},"z":1}'))).toEqual({});
  });

  it('takes text as Discord does', () => {
    expect(checked(string(), 12)).toBe('12');
    expect(checked(string({ max: 2 }), '💥💥')).toBe('💥💥');
    expect(checked(string(), 'a\0b\ud800c')).toBe('ab\ufffdc');
    expect(first(string({ min: 2, max: 4 }), 'x')).toEqual({
      code: 'BASE_TYPE_BAD_LENGTH',
      message: 'Must be between 2 and 4 in length.',
    });
    expect(first(string({ min: 2 }), 'x').code).toBe('BASE_TYPE_MIN_LENGTH');
    expect(first(string({ min: 1 }), '').code).toBe('BASE_TYPE_REQUIRED');
    expect(first(string({ pattern: /^a/ }), 'b').code).toBe('STRING_TYPE_REGEX');
    expect(first(string(), {}).message).toBe('Could not interpret "{...}" as string.');
  });

  it('takes numbers, and texts of them', () => {
    expect(checked(integer(), '42')).toBe(42);
    expect(first(integer(), 1.5).message).toBe('Value "1.5" is not int.');
    expect(first(integer({ max: 5 }), 6)).toEqual({
      code: 'NUMBER_TYPE_MAX',
      message: 'int value should be less than or equal to 5.',
    });
    expect(first(integer({ min: 5 }), 4).code).toBe('NUMBER_TYPE_MIN');
    expect(checked(float({ max: 1 }), '0.5')).toBe(0.5);
    expect(first(float(), 'x').code).toBe('FLOAT_TYPE_COERCE');
    expect(first(float({ min: 0 }), -1).code).toBe('NUMBER_TYPE_MIN');
  });

  it('takes ids up to what a bigint column holds', () => {
    expect(checked(snowflake(), '9223372036854775807')).toBe(2n ** 63n - 1n);
    for (const wrong of ['9223372036854775808', '-1', '01', '', 'x', 2 ** 60, {}, null]) {
      expect(first(snowflake(), wrong).code).toBe('NUMBER_TYPE_COERCE');
    }
  });

  it('takes objects whose keys are data', () => {
    const check = object({ ids: entries(snowflake(), object({ on: boolean() }), { max: 2 }) });
    expect(checked(check, { ids: { 7: { on: true }, 5: { on: false } } }).ids).toEqual([
      [5n, { on: false }],
      [7n, { on: true }],
    ]);
    expect(checked(check, { ids: {} }).ids).toEqual([]);
    expect(errorsOf(check, { ids: { 6: { on: '?' }, x: {} } })).toMatchObject({
      ids: {
        6: { on: { _errors: [{ code: 'BOOLEAN_TYPE_CONVERT' }] } },
        x: { _errors: [{ code: 'NUMBER_TYPE_COERCE' }] },
      },
    });
    for (const ids of [[], 'x', null, { 1: {}, 2: {}, 3: {} }]) {
      expect(errorsOf(check, { ids })).toHaveProperty('ids._errors');
    }
    expect(errorsOf(check, {})).toHaveProperty('ids._errors');
  });

  it('names keys that mean something to JavaScript, and is not fooled by them', () => {
    const check = object({ ids: entries(snowflake(), object({}), { max: 9 }) });
    const names = ['__proto__', 'constructor', 'toString', '_errors', 'x'.repeat(1_000)];
    const ids = names.map((name) => `${JSON.stringify(name)}:{}`).join();
    const errors = errorsOf(check, JSON.parse(`{"ids":{${ids}}}`)) as Record<string, object>;
    expect(Object.keys(errors['ids']!)).toEqual([...names.slice(0, 4), 'x'.repeat(64)]);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('_errors');
  });

  it('takes words, moments, flags and addresses', () => {
    expect(checked(oneOf('a', 'b'), 'b')).toBe('b');
    expect(checked(oneOf(0, 1), '1')).toBe(1);
    expect(first(oneOf<'a' | 1>('a', 1), 'c').message).toBe("Value must be one of ('a', 1).");
    expect(checked(timestamp(), '2026-01-01T00:00:00.000Z')).toBe(Date.UTC(2026, 0, 1));
    expect(first(timestamp(), 'yesterday').code).toBe('DATE_TIME_TYPE_PARSE');
    expect(checked(boolean(), 'true')).toBe(true);
    expect(first(boolean(), 'yes').message).toBe('Must be either true or false.');
    expect(checked(url(), 'https://example.org/a')).toBe('https://example.org/a');
    expect(first(url(), 'ftp://x').message).toBe(`Scheme "ftp" must be one of ('http', 'https').`);
    expect(first(url(), 'x').code).toBe('URL_TYPE_INVALID_URL');
    expect(first(list(string()), {}).code).toBe('LIST_TYPE_CONVERT');
    expect(first(object({}), []).code).toBe('MODEL_TYPE_CONVERT');
  });

  it('keeps raw JSON, cleaned, and no deeper than sense', () => {
    expect(checked(rawJson({ max: 100 }), { a: ['x\0'] })).toBe('{"a":["x"]}');
    const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as unknown;
    expect(first(rawJson({ max: 1e9 }), deep).code).toBe('BASE_TYPE_BAD_TYPE');
    expect(first(rawJson({ max: 1e9 }), { 'a\0': 1 }).code).toBe('BASE_TYPE_BAD_TYPE');
    expect(first(rawJson({ max: 5 }), 'longer').code).toBe('BASE_TYPE_MAX_LENGTH');
  });

  it('does not list more mistakes than anybody reads', () => {
    const many = Array.from({ length: 1000 }, () => 'x');
    const errors = errorsOf(list(snowflake()), many) as object;
    expect(Object.keys(errors)).toHaveLength(50);
  });
});
