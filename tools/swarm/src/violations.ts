// What must never happen, counted by kind, with a few examples to look for the cause with.

/** The kinds, in the order they are reported. */
export const VIOLATION_KINDS = [
  /** `s` of a session jumped. */
  'sequenceGap',
  /** `s` of a session came again, or went back. */
  'sequenceRepeat',
  /** A message of a channel that should have come before this one did not. */
  'gap',
  'duplicate',
  /** An earlier message of a topic came after a later one. */
  'reorder',
  /** A message of a channel that the session may not view. */
  'leak',
  /** At the end, a message never came. */
  'missing',
  /** At the end, a session was not there again. */
  'absent',
  /** What a full decode says is not what the scan found, or a frame makes no sense. */
  'malformed',
] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];

const EXAMPLES_MAX = 20;

/** Counts by kind. */
export class Violations {
  readonly counts = new Map<ViolationKind, number>();
  readonly examples: string[] = [];

  /** Counts `count` of a kind; the text is made only while examples are still wanted. */
  add(kind: ViolationKind, describe: () => string, count = 1): void {
    const before = this.counts.get(kind) ?? 0;
    this.counts.set(kind, before + count);
    // A few of each kind, or a flood of one would hide the first of another.
    if (before >= EXAMPLES_MAX / 4 || this.examples.length >= EXAMPLES_MAX) return;
    this.examples.push(`${kind}: ${describe()}`);
  }

  get total(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
