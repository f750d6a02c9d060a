/**
 * Where time comes from. Passed to whoever needs it, so that a spec can hold it still. Wall time
 * may step back or forward (NTP, an operator); measure durations with the monotonic one only.
 */
export interface Clock {
  /** Wall time, whole ms since the Unix epoch. May step back. */
  nowMs(): number;
  /** Ms since some fixed moment, with a fraction; never steps back. */
  monotonicMs(): number;
  /** Calls back once, not before `delayMs` has passed; a delay of 0 or less means the next turn. */
  setTimer(delayMs: number, callback: () => void): Timer;
  /** Calls back each `intervalMs` (more than 0) until cancelled. Late rounds are not made up for. */
  every(intervalMs: number, callback: () => void): Timer;
}

/** Something that will call back. */
export interface Timer {
  /** It will not call back any more. May be called twice, and from within the callback. */
  cancel(): void;
}
