// Who may ask how often. Fixed windows, as Discord's: the first request opens a window, and when it
// is over the count starts anew. Windows are kept in two generations that change places, so that
// memory is bounded without a timer or an order of use: a key lives at least as long as its window
// unless so many keys arrive that a generation is full before it has aged.
import type { Clock } from '@guildhall/clock';

/** So many requests in so many ms. */
export interface RateLimit {
  readonly limit: number;
  readonly windowMs: number;
}

/** What one request found. */
export interface RateVerdict {
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Until the window ends, ms, never negative. */
  readonly resetAfterMs: number;
}

interface Window {
  used: number;
  endsAtMs: number;
}

/** Counts requests by key. Memory: at most `keysMax` windows. */
export class RateLimits {
  readonly #clock: Clock;
  readonly #generationMax: number;
  #young = new Map<string, Window>();
  #old = new Map<string, Window>();

  constructor(options: { clock: Clock; keysMax: number }) {
    this.#clock = options.clock;
    this.#generationMax = Math.max(1, Math.floor(options.keysMax / 2));
  }

  /** How many windows are held. */
  get keysCount(): number {
    return this.#young.size + this.#old.size;
  }

  /** Counts one request, if it is allowed; a refused one costs nothing. */
  take(key: string, rate: RateLimit): RateVerdict {
    const nowMs = this.#clock.monotonicMs();
    const window = this.#windowOf(key, nowMs, rate);
    const isAllowed = window.used < rate.limit;
    if (isAllowed) window.used++;
    return verdict(isAllowed, rate, window, nowMs);
  }

  /** Whether `take` would be allowed now, without counting. */
  peek(key: string, rate: RateLimit): RateVerdict {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#young.get(key) ?? this.#old.get(key);
    const window =
      known !== undefined && known.endsAtMs > nowMs
        ? known
        : { used: 0, endsAtMs: nowMs + rate.windowMs };
    return verdict(window.used < rate.limit, rate, window, nowMs);
  }

  #windowOf(key: string, nowMs: number, rate: RateLimit): Window {
    const young = this.#young.get(key);
    if (young !== undefined && young.endsAtMs > nowMs) return young;
    const old = this.#old.get(key);
    const isAlive = old !== undefined && old.endsAtMs > nowMs;
    const window = isAlive ? old : { used: 0, endsAtMs: nowMs + rate.windowMs };
    this.#old.delete(key);
    if (this.#young.size >= this.#generationMax) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, window);
    return window;
  }
}

function verdict(isAllowed: boolean, rate: RateLimit, window: Window, nowMs: number): RateVerdict {
  return {
    isAllowed,
    limit: rate.limit,
    remaining: Math.max(0, rate.limit - window.used),
    resetAfterMs: Math.max(0, window.endsAtMs - nowMs),
  };
}
