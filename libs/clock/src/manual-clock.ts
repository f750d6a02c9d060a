// Time that moves only when told to. Timers run in the order of their due times, those due at the
// same moment in the order they were set, and each sees the clock at exactly its due time, so a
// story told with this clock has one possible course.
import type { Clock, Timer } from './clock.js';
import { checkDelay, checkInterval } from './system-clock.js';

const START_MS = Date.UTC(2026, 0, 1);

/** An `every` without pause, or timers that set timers of 0 ms, would hang a spec without a word. */
const TIMERS_PER_ADVANCE_MAX = 1_000_000;

interface Pending {
  dueMs: number;
  readonly order: number;
  readonly intervalMs: number | undefined;
  readonly callback: () => void;
}

/** A clock for specs and simulations. */
export class ManualClock implements Clock {
  #wallOffsetMs: number;
  #monotonicMs = 0;
  #ordersCount = 0;
  /** Sorted, the next one due last, so that taking it is a pop. */
  readonly #pending: Pending[] = [];

  /** @param startMs wall time at the start, ms since the Unix epoch; 2026-01-01 unless told. */
  constructor(startMs: number = START_MS) {
    this.#wallOffsetMs = startMs;
  }

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs);
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    checkDelay(delayMs);
    return this.#add(Math.max(0, delayMs), undefined, callback);
  }

  every(intervalMs: number, callback: () => void): Timer {
    checkInterval(intervalMs);
    return this.#add(intervalMs, intervalMs, callback);
  }

  /** How many timers wait. A spec asserts 0 to show that nothing was left behind. */
  get timersCount(): number {
    return this.#pending.length;
  }

  /** Ms until the next timer is due, or undefined when none waits. */
  get nextTimerMs(): number | undefined {
    const next = this.#pending.at(-1);
    return next === undefined ? undefined : next.dueMs - this.#monotonicMs;
  }

  /**
   * Moves both times forward and runs every timer that falls due on the way, also those that the
   * callbacks set. A callback that throws ends the advance, with the clock at its due time.
   */
  advance(ms: number): void {
    const untilMs = this.#until(ms);
    for (let ran = 0; this.#runNext(untilMs); ran++) checkProgress(ran);
    this.#monotonicMs = untilMs;
  }

  /**
   * As `advance`, but lets promises settle before the first timer, after each one, and at the end,
   * so that code that awaits between timers gets its turn at the right moment.
   */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#until(ms);
    await turn();
    for (let ran = 0; this.#runNext(untilMs); ran++) {
      checkProgress(ran);
      await turn();
    }
    this.#monotonicMs = untilMs;
    await turn();
  }

  /** Steps wall time alone, as NTP or an operator would; negative is back. No timer notices. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #until(ms: number): number {
    if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`advance of ${ms} ms`);
    return this.#monotonicMs + ms;
  }

  #add(delayMs: number, intervalMs: number | undefined, callback: () => void): Timer {
    const dueMs = this.#monotonicMs + delayMs;
    const pending = { dueMs, order: this.#ordersCount++, intervalMs, callback };
    this.#insert(pending);
    return {
      cancel: () => {
        const at = this.#pending.indexOf(pending);
        if (at >= 0) this.#pending.splice(at, 1);
      },
    };
  }

  #insert(pending: Pending): void {
    let low = 0;
    let high = this.#pending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#pending[middle]!;
      const isLater =
        other.dueMs > pending.dueMs ||
        (other.dueMs === pending.dueMs && other.order > pending.order);
      if (isLater) low = middle + 1;
      else high = middle;
    }
    this.#pending.splice(low, 0, pending);
  }

  #runNext(untilMs: number): boolean {
    const next = this.#pending.at(-1);
    if (next === undefined || next.dueMs > untilMs) return false;
    this.#pending.pop();
    this.#monotonicMs = next.dueMs;
    if (next.intervalMs !== undefined) {
      next.dueMs += next.intervalMs;
      this.#insert(next);
    }
    next.callback();
    return true;
  }
}

function checkProgress(ran: number): void {
  if (ran >= TIMERS_PER_ADVANCE_MAX)
    throw new Error('timers keep falling due: is one set in a loop?');
}

/** One turn of the event loop: every promise that can settle by itself has. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
