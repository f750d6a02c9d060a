/** Bounds of what a request may carry, refused in Discord's words. Lengths are in characters. */
import { refuseField } from '@guildhall/contracts';

type Path = readonly (string | number)[];

/** Refuses a text that is too short or too long; absent is fine. */
export function checkLength(path: Path, text: string | undefined, min: number, max: number): void {
  if (text === undefined) return;
  // Characters, not UTF-16 units: an emoji is one.
  const length = text.length <= max ? text.length : [...text].length;
  if (length >= min && length <= max) return;
  const bounds = min === 0 ? `${max} or fewer` : `between ${min} and ${max}`;
  throw refuseField(path, 'BASE_TYPE_BAD_LENGTH', `Must be ${bounds} in length.`);
}

/** Refuses a number out of its bounds; absent is fine. */
export function checkRange(path: Path, value: number | undefined, min: number, max: number): void {
  if (value === undefined) return;
  if (value < min) {
    const text = `int value should be greater than or equal to ${min}.`;
    throw refuseField(path, 'NUMBER_TYPE_MIN', text);
  }
  if (value > max) {
    throw refuseField(path, 'NUMBER_TYPE_MAX', `int value should be less than or equal to ${max}.`);
  }
}

/** Refuses what is not one of these; absent is fine. */
export function checkChoice<T>(path: Path, value: T | undefined, choices: readonly T[]): void {
  if (value === undefined || choices.includes(value)) return;
  const text = `Value must be one of {${choices.join(', ')}}.`;
  throw refuseField(path, 'BASE_TYPE_CHOICES', text);
}
