// Many clients that count: the far end of every fan-out that is measured here, the same for all.
import { Arrivals } from './arrivals.js';
import { dialectOf, type Dialect, type DialectOptions } from './dialect.js';
import { monotonicMs } from './monotonic-ms.js';
import { SinkConnection } from './sink-connection.js';

/** Where a sink connects, how often, and as whom. */
export interface SinkPlan {
  readonly dialect: DialectOptions;
  readonly port: number;
  readonly connectionsCount: number;
  /** One per connection, or fewer, taken in turn. */
  readonly identities: readonly string[];
}

/** What came since `mark`. */
export interface SinkReport {
  readonly received: number;
  readonly surplus: number;
  readonly bytes: number;
  /** By event, when its last recipient here had it (see `monotonicMs`). */
  readonly lastAtMs: readonly number[];
}

/** Connections that may be opening at once. */
const OPENING_MAX = 64;
const OPEN_TIMEOUT_MS = 60_000;
const BEATS_INTERVAL_MS = 100;
/** One source address has at most 28,232 ports for one server, as Linux comes. */
const PORTS_PER_ADDRESS = 25_000;

/** A number of open connections to one port. */
export class Sink {
  readonly #plan: SinkPlan;
  readonly #dialect: Dialect;
  readonly #connections: SinkConnection[] = [];
  #arrivals = new Arrivals(0, 0);
  #onComplete: (() => void) | undefined;
  #failure: string | undefined;
  #beats: NodeJS.Timeout | undefined;
  #nextBeat = 0;

  constructor(plan: SinkPlan) {
    this.#plan = plan;
    this.#dialect = dialectOf(plan.dialect);
  }

  /** Opens all; rejects with the first failure, or when nothing opens for a minute. */
  async open(): Promise<void> {
    let opening = 0;
    let opened = 0;
    await new Promise<void>((resolve, reject) => {
      const fail = (reason: string): void => {
        this.#failure ??= `${opened} connections were open: ${reason}`;
        reject(new Error(this.#failure));
      };
      let timer = setTimeout(fail, OPEN_TIMEOUT_MS, 'no more opened');
      const more = (): void => {
        while (opening < OPENING_MAX && this.#connections.length < this.#plan.connectionsCount) {
          opening += 1;
          this.#connections.push(this.#connect(fail, wasOpened));
        }
      };
      const wasOpened = (): void => {
        opening -= 1;
        opened += 1;
        clearTimeout(timer);
        if (opened === this.#plan.connectionsCount) resolve();
        else {
          timer = setTimeout(fail, OPEN_TIMEOUT_MS, 'no more opened');
          more();
        }
      };
      if (this.#plan.connectionsCount === 0) resolve();
      more();
    });
    if (this.#dialect.heartbeatMs > 0) {
      this.#beats = setInterval(() => this.#beat(), BEATS_INTERVAL_MS);
    }
  }

  /** From now on `eventsCount` events are expected at each connection. */
  mark(eventsCount: number): void {
    for (const connection of this.#connections) connection.restart();
    this.#arrivals = new Arrivals(eventsCount, this.#plan.connectionsCount);
  }

  /** What came, when all has come or after `timeoutMs`. Rejects if a connection was lost. */
  async report(timeoutMs: number): Promise<SinkReport> {
    if (!this.#arrivals.isComplete) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#onComplete = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#onComplete = undefined;
    }
    if (this.#failure !== undefined) throw new Error(this.#failure);
    const { received, surplus } = this.#arrivals;
    const bytes = this.#connections.reduce((total, connection) => total + connection.bytes, 0);
    return { received, surplus, bytes, lastAtMs: this.#arrivals.lastAtMs() };
  }

  /** Closes all for good, and resolves when they are gone. May be called twice. */
  async close(): Promise<void> {
    clearInterval(this.#beats);
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #connect(failed: (reason: string) => void, opened: () => void): SinkConnection {
    const index = this.#connections.length;
    const { port, identities } = this.#plan;
    const address = Math.floor(index / PORTS_PER_ADDRESS);
    return new SinkConnection({
      dialect: this.#dialect,
      port,
      identity: identities[index % identities.length] ?? '',
      localAddress: address === 0 ? undefined : `127.0.0.${1 + address}`,
      events: { opened, failed, arrived: this.#arrived },
    });
  }

  readonly #arrived = (index: number): void => {
    this.#arrivals.add(index, monotonicMs());
    if (this.#arrivals.isComplete) this.#onComplete?.();
  };

  /** Spread evenly over the interval, as clients' own timers would be. */
  #beat(): void {
    const count = this.#connections.length;
    const share = (count * BEATS_INTERVAL_MS) / this.#dialect.heartbeatMs;
    const until = this.#nextBeat + share;
    for (let index = Math.ceil(this.#nextBeat); index < until; index += 1) {
      this.#connections[index % count]!.beat();
    }
    this.#nextBeat = until % count;
  }
}
