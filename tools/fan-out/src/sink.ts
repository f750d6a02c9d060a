// Many clients that count: the far end of every fan-out that is measured here, the same for all.
import { Arrivals } from './arrivals.js';
import { dialectOf, type Dialect, type DialectOptions } from './dialect.js';
import { monotonicMs } from './monotonic-ms.js';
import { SinkConnection, type ConnectionEvents } from './sink-connection.js';

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
const OPENING_MAX = 32;
/** Real clients try again too, when a server that is busy lets them down at login. */
const RETRIES_MAX = 100;
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
  #retriesCount = 0;

  constructor(plan: SinkPlan) {
    this.#plan = plan;
    this.#dialect = dialectOf(plan.dialect);
  }

  /** How often a connection was let down while opening, and tried again. */
  get retriesCount(): number {
    return this.#retriesCount;
  }

  /**
   * Opens all. When too many tries fail, or nothing opens for a minute, closes those that are open
   * and rejects.
   */
  async open(): Promise<void> {
    // From the first one on: ten thousand may take longer to open than one may be silent.
    if (this.#dialect.heartbeatMs > 0) {
      this.#beats = setInterval(() => this.#beat(), BEATS_INTERVAL_MS);
    }
    try {
      await this.#openAll();
    } catch (error) {
      await this.close();
      throw error;
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

  async #openAll(): Promise<void> {
    const wanted = this.#plan.connectionsCount;
    if (wanted === 0) return;
    let opened = 0;
    await new Promise<void>((resolve, reject) => {
      const giveUp = (reason: string): void => {
        clearTimeout(timer);
        this.#failure ??= `${opened} connections were open: ${reason}`;
        reject(new Error(this.#failure));
      };
      const wait = (): NodeJS.Timeout => setTimeout(giveUp, OPEN_TIMEOUT_MS, 'no more opened');
      let timer = wait();
      const events = {
        arrived: this.#arrived,
        opened: (): void => {
          opened += 1;
          clearTimeout(timer);
          if (opened === wanted) {
            resolve();
            return;
          }
          timer = wait();
          if (this.#connections.length < wanted) this.#connect(events);
        },
        failed: (reason: string, connection: SinkConnection): void => {
          const isLost = connection.isOpen || this.#retriesCount === RETRIES_MAX;
          if (isLost || this.#failure !== undefined) {
            giveUp(reason);
            return;
          }
          this.#retriesCount += 1;
          this.#connections.splice(this.#connections.indexOf(connection), 1);
          this.#connect(events);
        },
      };

      for (let index = 0; index < Math.min(wanted, OPENING_MAX); index += 1) this.#connect(events);
    });
  }

  #connect(events: ConnectionEvents): void {
    const index = this.#connections.length;
    const { port, identities } = this.#plan;
    const address = Math.floor(index / PORTS_PER_ADDRESS);
    const connection = new SinkConnection({
      dialect: this.#dialect,
      port,
      identity: identities[index % identities.length] ?? '',
      localAddress: address === 0 ? undefined : `127.0.0.${1 + address}`,
      beatDueAtMs: monotonicMs() + phaseOf(index) * this.#dialect.heartbeatMs,
      events,
    });
    this.#connections.push(connection);
  }

  readonly #arrived = (index: number): void => {
    this.#arrivals.add(index, monotonicMs());
    if (this.#arrivals.isComplete) this.#onComplete?.();
  };

  /** By the clock, each at its own time of the interval, as clients' own timers would be. */
  #beat(): void {
    const nowMs = monotonicMs();
    for (const connection of this.#connections) {
      if (connection.beatDueAtMs > nowMs) continue;
      connection.beat();
      connection.beatDueAtMs += this.#dialect.heartbeatMs;
    }
  }
}

/** Where in its interval the n-th connection has its heartbeats, from 0 to 1: evenly spread. */
const phaseOf = (index: number): number => (index * 0.618034) % 1;
