/**
 * Reads single members of a payload that a stranger wrote. A reader either gives a value of its
 * type or throws `Refusal`, which `parseClientPayload` turns into its answer; it never leaves this
 * library. `undefined` and `null` are both "not said", as the libraries use them.
 */
import { CloseCode } from './close-codes.js';

export type Fields = Readonly<Record<string, unknown>>;

/** Why a payload is not accepted, and how the connection is then closed. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly closeCode: CloseCode;

  constructor(reason: string, closeCode: CloseCode = CloseCode.DecodeError) {
    super(reason);
    this.closeCode = closeCode;
  }
}

export function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function fields(value: unknown, name: string): Fields {
  if (!isFields(value)) throw new Refusal(`${name} is not an object`);
  return value;
}

export function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Refusal(`${name} is not an array`);
  return value;
}

export function string(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new Refusal(`${name} is not a string`);
  return value;
}

/** Whole numbers from 0 up to those JavaScript counts exactly. */
export function count(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new Refusal(`${name} is not a whole number`);
  }
  return value as number;
}

/** True only for `true` (some write 1); what is not said is false. */
export function flag(value: unknown): boolean {
  return value === true || value === 1;
}

/** A text of bounded length or null: what is too long is cut, what is no text is not there. */
export function shortText(value: unknown, lengthMax: number): string | null {
  if (typeof value !== 'string') return null;
  if (value.length <= lengthMax) return value;
  // A pair cut in half would be half a character.
  const isInsidePair = (value.charCodeAt(lengthMax - 1) & 0xfc00) === 0xd800;
  return value.slice(0, isInsidePair ? lengthMax - 1 : lengthMax);
}

/** A point in time in milliseconds, or null. User clients also send it as a decimal string. */
export function timeMs(value: unknown): number | null {
  const time = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof time === 'number' && Number.isFinite(time) && time >= 0 ? Math.floor(time) : null;
}

const ID_MAX = (1n << 64n) - 1n;

/** An id as decimal string, from a string or (small hand-written clients) an exact number. */
export function snowflake(value: unknown, name: string): string {
  const id = snowflakeOrNull(value);
  if (id === null) throw new Refusal(`${name} is not an id`);
  return id;
}

/** The same, but null for what is no id. */
export function snowflakeOrNull(value: unknown): string | null {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return String(value);
  if (typeof value !== 'string' || !/^(0|[1-9]\d{0,19})$/.test(value)) return null;
  return value.length < 20 || BigInt(value) <= ID_MAX ? value : null;
}

/** An id or null where null has a meaning. */
export function optionalSnowflake(value: unknown, name: string): string | null {
  return isSaid(value) ? snowflake(value, name) : null;
}
