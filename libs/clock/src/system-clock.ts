import type { Clock, Timer } from './clock.js';

/** Node's timers take at most this and turn anything longer into 1 ms. */
const NODE_DELAY_MS_MAX = 2 ** 31 - 1;

export interface SystemClockOptions {
  /** Timers do not keep the process alive by themselves. Default false. */
  unrefTimers?: boolean;
}

/** The machine's own time. The one place, with main.ts, where real timers are made. */
export class SystemClock implements Clock {
  readonly #unrefTimers: boolean;

  constructor(options: SystemClockOptions = {}) {
    this.#unrefTimers = options.unrefTimers ?? false;
  }

  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    checkDelay(delayMs);
    let remainingMs = delayMs;
    let handle: NodeJS.Timeout;
    const arm = (): void => {
      const stepMs = Math.min(remainingMs, NODE_DELAY_MS_MAX);
      remainingMs -= stepMs;
      handle = setTimeout(remainingMs > 0 ? arm : callback, Math.max(0, stepMs));
      if (this.#unrefTimers) handle.unref();
    };
    arm();
    return { cancel: () => clearTimeout(handle) };
  }

  every(intervalMs: number, callback: () => void): Timer {
    checkInterval(intervalMs);
    const handle = setInterval(callback, Math.min(intervalMs, NODE_DELAY_MS_MAX));
    if (this.#unrefTimers) handle.unref();
    return { cancel: () => clearInterval(handle) };
  }
}

/** Throws a RangeError for a delay that no timer can mean. */
export function checkDelay(delayMs: number): void {
  if (!Number.isFinite(delayMs)) throw new RangeError(`delay of ${delayMs} ms`);
}

/** Throws a RangeError for an interval that would never pass, or spin. */
export function checkInterval(intervalMs: number): void {
  if (!Number.isFinite(intervalMs) || intervalMs <= 0) {
    throw new RangeError(`interval of ${intervalMs} ms`);
  }
}
