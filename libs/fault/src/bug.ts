/**
 * A broken invariant. Never caught: the process ends and its supervisor starts a clean one, because
 * memory that broke one promise cannot be trusted with the next.
 */
export class Bug extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Bug';
  }
}

/** Throws a Bug unless the condition holds. `message` says what should have been true. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Bug(`broken invariant: ${message}`);
}

/** For the end of a switch: fails to compile when a case is missing, throws a Bug if reached. */
export function unreachable(value: never): never {
  throw new Bug(`unreachable: ${describe(value)}`);
}

function describe(value: unknown): string {
  return typeof value === 'object' ? Object.prototype.toString.call(value) : String(value);
}
