// Everything a test client got, in order, and those who wait for something of it.
import type { DispatchEvent } from '@guildhall/gateway-protocol';
import type { GatewayPayload } from './gateway-payload.js';

/** What is waited for: a dispatch by its name, or any payload that the function says yes to. */
export type Wanted = DispatchEvent | ((payload: GatewayPayload) => boolean);

export interface WaitOptions {
  /** 5 s unless told. */
  readonly timeoutMs?: number;
  /** Look only at payloads from this index of the record on; 0 unless told. */
  readonly from?: number;
}

const TIMEOUT_DEFAULT_MS = 5_000;
const RECENT_COUNT = 12;

interface Waiting {
  readonly wanted: Wanted;
  readonly resolve: (payload: GatewayPayload) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** A growing list of payloads. */
export class PayloadRecord {
  readonly payloads: GatewayPayload[] = [];
  readonly #waiting = new Set<Waiting>();
  /** By name: where `next` goes on looking. */
  readonly #cursors = new Map<string, number>();
  #failure: Error | undefined;

  add(payload: GatewayPayload): void {
    this.payloads.push(payload);
    for (const waiting of this.#waiting) {
      if (!matches(waiting.wanted, payload)) continue;
      this.#settle(waiting);
      waiting.resolve(payload);
    }
  }

  /**
   * Nothing more will come: whoever waits, and whoever comes to wait, is told why. First one
   * counts.
   */
  fail(failure: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    for (const waiting of [...this.#waiting]) {
      this.#settle(waiting);
      waiting.reject(this.#explained(waiting.wanted, failure));
    }
  }

  /** The first match in the record, be it there already or still to come. */
  waitFor(wanted: Wanted, options: WaitOptions = {}): Promise<GatewayPayload> {
    const from = options.from ?? 0;
    for (let at = from; at < this.payloads.length; at++) {
      const payload = this.payloads[at]!;
      if (matches(wanted, payload)) return Promise.resolve(payload);
    }
    if (this.#failure !== undefined) {
      return Promise.reject(this.#explained(wanted, this.#failure));
    }
    return this.#arrival(wanted, options.timeoutMs ?? TIMEOUT_DEFAULT_MS);
  }

  /**
   * The first dispatch of that name that `next` has not given yet. One call at a time for a name.
   */
  async next(name: DispatchEvent, timeoutMs?: number): Promise<GatewayPayload> {
    const from = this.#cursors.get(name) ?? 0;
    const payload = await this.waitFor(
      name,
      timeoutMs === undefined ? { from } : { from, timeoutMs },
    );
    this.#cursors.set(name, this.payloads.indexOf(payload) + 1);
    return payload;
  }

  #arrival(wanted: Wanted, timeoutMs: number): Promise<GatewayPayload> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle(waiting);
        reject(this.#explained(wanted, new Error(`not within ${timeoutMs} ms`)));
      }, timeoutMs);
      const waiting: Waiting = { wanted, resolve, reject, timer };
      this.#waiting.add(waiting);
    });
  }

  #settle(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    clearTimeout(waiting.timer);
  }

  #explained(wanted: Wanted, reason: Error): Error {
    const what = typeof wanted === 'string' ? wanted : 'a payload';
    const recent = this.payloads.slice(-RECENT_COUNT).map(summary).join(', ') || 'nothing';
    const words = `waiting for ${what}: ${reason.message}; the last that came: ${recent}`;
    return new Error(words, { cause: reason });
  }
}

function matches(wanted: Wanted, payload: GatewayPayload): boolean {
  return typeof wanted === 'string' ? payload.t === wanted : wanted(payload);
}

function summary(payload: GatewayPayload): string {
  return payload.t === null ? `op ${payload.op}` : `${payload.t}#${payload.s}`;
}
