// What the apps know of the nervous system: requests, broadcasts, and nothing that is kept.
//
// A bus delivers at most once and holds no state. What it promises is order: on one bus, everything
// that arrives (answers and broadcasts alike) is handed over synchronously, one by one, in the
// order in which it arrived. So an owner that publishes an event and then answers is seen to do so
// in that order. What was lost is found by those who count (seq), told when to look by
// `onContinuityGap`.
//
// Payloads handed to callbacks are views into larger buffers: copy what you keep.
import type { Clock } from '@guildhall/clock';
import type { Fault } from '@guildhall/fault';
import type { TraceContext } from '@guildhall/telemetry';

/** How a request is sent. */
export interface RequestOptions {
  /** How long to wait for the whole answer. */
  readonly timeoutMs: number;
  /** Travels with the request when it is sampled; absent otherwise. */
  readonly trace?: TraceContext | undefined;
}

/** How a request to every instance is sent. */
export interface RequestAllOptions extends RequestOptions {
  /** Stop waiting when so many have answered; absent: wait for the whole `timeoutMs`. */
  readonly expected?: number | undefined;
}

/**
 * Gets an answer: `fault` is set when there is none, and `body` is then empty. `trace` is the
 * context the request was sent with. Called once, never before the request returned.
 */
export type OnReply = (
  fault: Fault | undefined,
  body: Uint8Array,
  trace: TraceContext | undefined,
) => void;

/** What one of many instances said: a body, or why it has none. */
export interface GatheredReply {
  readonly fault: Fault | undefined;
  readonly body: Uint8Array;
}

/** Gets a broadcast. What it throws is logged and counted; the next message still arrives. */
export type OnMessage = (
  payload: Uint8Array,
  subject: string,
  trace: TraceContext | undefined,
) => void;

/** A request that waits for exactly one `reply` or `fail`. Answering twice is a Bug. */
export interface Incoming {
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Set when whoever asks is sampled. */
  readonly trace: TraceContext | undefined;
  /** When it was handed over, on the bus's monotonic clock. */
  readonly arrivedAtMs: number;
  readonly isAnswered: boolean;
  /** How long ago it was handed over. */
  ageMs(): number;
  /** Answers. More than 64 MB is answered with a Fault instead. */
  reply(body: Uint8Array): void;
  fail(fault: Fault): void;
}

/** Interest in a subject. */
export interface Subscription {
  readonly subject: string;
  /** Ends it; nothing is handed over any more. May be called twice. */
  unsubscribe(): void;
  /**
   * Ends it gently: the server sends no more, what has arrived is handed over, and what was taken
   * by `serve` is answered (waited for at most 10 s). May be called twice. Never rejects.
   */
  drain(): Promise<void>;
}

/** Why messages may have been lost. */
export type GapReason = 'reconnect' | 'error';

export type BusStatus = 'connected' | 'disconnected' | 'draining' | 'closed';

/** What a bus has done since it was made; the last three are of this moment. */
export interface BusCounts {
  requests: number;
  timeouts: number;
  noResponders: number;
  /** Answers that nobody waited for any more. */
  lateReplies: number;
  published: number;
  /** Publishes and replies that were not sent: disconnected, or too much was waiting. */
  dropped: number;
  received: number;
  /** Messages that could not be decoded. */
  malformed: number;
  /** Callbacks and handlers that threw. */
  handlerFailures: number;
  /** Requests refused because too many were under way. */
  overloaded: number;
  gaps: number;
  requestsInFlight: number;
  servedInFlight: number;
  /** Bytes of answers of which parts are still missing. */
  assemblyBytes: number;
}

/**
 * One connection. All methods may be called in any state; after `close` they fault or do nothing.
 */
export interface Bus {
  /** Who is connected, for logs. */
  readonly name: string;
  readonly clock: Clock;
  readonly status: BusStatus;
  /** The most that a request or a publish may carry; answers may be larger. */
  readonly payloadBytesMax: number;

  /**
   * Asks one instance. Rejects with a Fault: `unavailable` at once when nobody serves the subject
   * or the bus is disconnected, `timeout` when no answer came (or the connection was lost
   * meanwhile: it may have happened), `overloaded` when too many requests are under way, `invalid`
   * when the payload is too large, `malformed` when the answer cannot be read, or what the other
   * side says.
   */
  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array>;

  /**
   * As `request`, but `onReply` is called in the very turn in which the answer arrived, in its
   * order relative to everything else that this bus hands over. A promise would lose that order.
   */
  requestCallback(
    subject: string,
    payload: Uint8Array,
    options: RequestOptions,
    onReply: OnReply,
  ): void;

  /**
   * Asks every instance, and resolves with what came until `expected` answers or the timeout; with
   * nothing at once when nobody serves the subject. Rejects only as `request` does before sending.
   */
  requestAll(
    subject: string,
    payload: Uint8Array,
    options: RequestAllOptions,
  ): Promise<GatheredReply[]>;

  /**
   * Sends to all who subscribed, at most once. False when it was not sent, which is counted: while
   * disconnected nothing is kept for later, since those who count will ask for what they miss.
   * Throws a Fault (`invalid`) for a payload that is too large. The payload must not be changed
   * before the current turn ends.
   */
  publish(subject: string, payload: Uint8Array, trace?: TraceContext): boolean;

  /** Hears what is published. With a queue, one of its members gets each message. */
  subscribe(subject: string, onMessage: OnMessage, options?: { queue?: string }): Subscription;

  /**
   * Takes requests. What the handler throws becomes a Fault (`internal`) and a line in the log, but
   * a Bug ends the process. A handler that answers later must catch its own.
   */
  serve(
    subject: string,
    options: { queue?: string },
    handler: (request: Incoming) => void,
  ): Subscription;

  /** Counts and logs a message that could not be decoded: nothing else is done about it. */
  setAside(subject: string, reason: unknown): void;

  /** Resolves when the server has seen all that was sent. Rejects with `unavailable`. */
  flush(): Promise<void>;

  /** Called after each time that messages may have been lost. Returns how to stop it. */
  onContinuityGap(callback: (reason: GapReason) => void): () => void;

  /** Called when the status changes. Returns how to stop it. */
  onStatus(callback: (status: BusStatus) => void): () => void;

  counts(): Readonly<BusCounts>;

  /**
   * Takes no new requests, answers those taken, waits (at most 10 s) for answers asked for, sends
   * what is waiting, closes. Never rejects. May be called twice.
   */
  drain(): Promise<void>;

  /** Closes now; requests under way are rejected with `unavailable`. May be called twice. */
  close(): Promise<void>;
}
