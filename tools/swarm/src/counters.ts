// What a client process counts, as one array: it goes to the parent once a second as it is.

/** In the order of their places. */
export const COUNTERS = [
  /** From the sockets, with the framing of WebSocket. */
  'bytes',
  /** WebSocket messages. */
  'frames',
  'dispatches',
  /** Messages of ours that came to a session. */
  'deliveries',
  /** Messages without a mark: somebody else's, or without content. */
  'unmarked',
  'identifies',
  'readies',
  'resumes',
  'resumed',
  /** Sessions that were told to start anew, by op 9 or a close code. */
  'toldAnew',
  /** Connections that the other side ended. */
  'losses',
  /** Connections that we ended on purpose. */
  'drops',
  /** Heartbeats that were not answered until the next. */
  'zombies',
  /** Sessions that may not connect any more. */
  'refusals',
  'presencesSent',
  'fullDecodes',
  /** Payloads that no scan recognised, and that were parsed. */
  'parses',
] as const;
export type Counter = (typeof COUNTERS)[number];

/** The counts of one process, or the sum of several. */
export class Counters {
  readonly values: Float64Array;

  constructor(values = new Float64Array(COUNTERS.length)) {
    this.values = values;
  }

  get(counter: Counter): number {
    return this.values[COUNTERS.indexOf(counter)]!;
  }

  add(values: Float64Array): void {
    for (let at = 0; at < values.length; at += 1) this.values[at]! += values[at]!;
  }

  minus(before: Counters): Counters {
    return new Counters(this.values.map((value, at) => value - before.values[at]!));
  }
}

/** The place of a counter, looked up once by whoever counts often. */
export function placeOf(counter: Counter): number {
  return COUNTERS.indexOf(counter);
}
