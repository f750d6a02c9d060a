// What the halves of a bus (asking, answering, broadcasting) share.
import type { Clock } from '@guildhall/clock';
import { Bug } from '@guildhall/fault';
import { parseTraceparent, traceparentOf, tracestateOf } from '@guildhall/telemetry';
import type { Logger, TraceContext } from '@guildhall/telemetry';
import type { BusCounts } from './bus.js';
import type { HeaderList, Link, WireHeaders } from './link.js';

/** The bounds of one connection. */
export interface BusLimits {
  /** Requests that may wait for their answers; more are refused as `overloaded`. Default 16,384. */
  readonly requestsInFlightMax: number;
  /** The largest answer. Default 64 MiB. */
  readonly replyBytesMax: number;
  /** Bytes of unfinished answers over all requests. Default 256 MiB. */
  readonly assemblyBytesMax: number;
  /** Answers above this travel in parts. Default 900,000, and never more than a message may be. */
  readonly partBytesMax: number;
  /** How long a drain waits for handlers and for answers. Default 10,000. */
  readonly drainTimeoutMs: number;
}

/** What any bus may be told; both twins add their own. */
export interface BusOptions {
  readonly clock: Clock;
  /** Who is connected: in logs, and to the server. */
  readonly name: string;
  readonly logger?: Logger | undefined;
  readonly limits?: Partial<BusLimits> | undefined;
  /** Gets a Bug thrown by a handler; by default it is thrown on, past every catch. */
  readonly onBug?: ((bug: Bug) => void) | undefined;
}

const MEBIBYTE = 1024 * 1024;
/** Room for the headers of a message, which count towards its size. */
const HEADER_BYTES_MAX = 512;
const REPORT_INTERVAL_MS = 1_000;
const REPORTS_MAX = 100;

/** Applies the defaults. */
export function busLimits(given: Partial<BusLimits> = {}): BusLimits {
  return {
    requestsInFlightMax: 16_384,
    replyBytesMax: 64 * MEBIBYTE,
    assemblyBytesMax: 256 * MEBIBYTE,
    partBytesMax: 900_000,
    drainTimeoutMs: 10_000,
    ...given,
  };
}

/** The shared state of one connection. */
export class BusRoom {
  readonly name: string;
  readonly clock: Clock;
  readonly link: Link;
  readonly limits: BusLimits;
  readonly counts: BusCounts = {
    requests: 0,
    timeouts: 0,
    noResponders: 0,
    lateReplies: 0,
    published: 0,
    dropped: 0,
    received: 0,
    malformed: 0,
    handlerFailures: 0,
    overloaded: 0,
    gaps: 0,
    requestsInFlight: 0,
    servedInFlight: 0,
    assemblyBytes: 0,
  };
  readonly #logger: Logger | undefined;
  readonly #onBug: (bug: Bug) => void;
  readonly #reports = new Map<string, { atMs: number; suppressed: number }>();

  constructor(link: Link, options: BusOptions) {
    this.link = link;
    this.name = options.name;
    this.clock = options.clock;
    this.limits = busLimits(options.limits);
    this.#logger = options.logger;
    this.#onBug = options.onBug ?? throwOn;
  }

  /** The most a request or a publish may carry beside its headers. */
  get payloadBytesMax(): number {
    return this.link.payloadBytesMax - HEADER_BYTES_MAX;
  }

  /** Says it in the log, each thing at most once a second: a flood must not become a second one. */
  report(message: string, fields: Record<string, unknown>): void {
    const nowMs = this.clock.monotonicMs();
    const last = this.#reports.get(message);
    if (last !== undefined && nowMs - last.atMs < REPORT_INTERVAL_MS) {
      last.suppressed += 1;
      return;
    }
    if (this.#reports.size >= REPORTS_MAX) this.#reports.clear();
    this.#reports.set(message, { atMs: nowMs, suppressed: 0 });
    const more = last === undefined || last.suppressed === 0 ? {} : { suppressed: last.suppressed };
    this.#logger?.warn(message, { ...fields, ...more });
  }

  /** A message that could not be decoded. */
  setAside(subject: string, error: unknown): void {
    this.counts.malformed += 1;
    this.report('a message on the bus could not be read', { subject, error });
  }

  /** Deals with what a callback threw: a Bug ends the process, all else is logged and counted. */
  callbackThrew(reason: unknown, subject: string): void {
    if (reason instanceof Bug) {
      this.#onBug(reason);
      return;
    }
    this.counts.handlerFailures += 1;
    this.report('a bus callback threw', { subject, error: reason });
  }
}

/** Hot path. The headers of an outgoing message; none unless it is sampled. */
export function traceHeaders(trace: TraceContext | undefined): HeaderList | undefined {
  if (trace === undefined) return undefined;
  const state = tracestateOf(trace);
  const parent = ['traceparent', traceparentOf(trace)] as const;
  return state === undefined ? [parent] : [parent, ['tracestate', state]];
}

/** Hot path. The sampled context of a message; absent headers cost one comparison. */
export function traceOf(headers: WireHeaders | undefined): TraceContext | undefined {
  if (headers === undefined) return undefined;
  const parent = headers.get('traceparent');
  return parent === '' ? undefined : parseTraceparent(parent, headers.get('tracestate'));
}

/** In a turn of its own, where nothing catches it: the process ends. */
function throwOn(bug: Bug): void {
  queueMicrotask(() => {
    throw bug;
  });
}
