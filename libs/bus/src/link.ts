import type { GapReason } from './bus.js';

/** Headers of a message as it came. `get` gives an empty string for a header that is not there. */
export interface WireHeaders {
  get(name: string): string;
  /** 0, or a status of the server: 503 says that nobody serves the subject. */
  readonly code: number;
}

/** A message as it came. */
export interface WireMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where an answer goes; empty or absent when none is wanted. */
  readonly reply?: string;
  /** Absent, at no cost, when the message has none. */
  readonly headers?: WireHeaders | undefined;
}

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** What a connection tells its bus. */
export interface LinkEvents {
  onUp(): void;
  onDown(): void;
  onGap(reason: GapReason): void;
}

export interface LinkSubscription {
  unsubscribe(): void;
  /** Ends the interest, then resolves when what was under way has been handed over. */
  drain(): Promise<void>;
}

/**
 * What NATS and its twin in memory must be able to do; everything else is in LinkedBus, once.
 * Messages are handed over synchronously in the order of their arrival over all subscriptions,
 * never during a call of `publish` or `subscribe`. Callbacks do not throw.
 */
export interface Link {
  readonly isConnected: boolean;
  readonly payloadBytesMax: number;
  listen(events: LinkEvents): void;
  /** False when it was not sent: not connected, or too much is waiting to be. */
  publish(
    subject: string,
    payload: Uint8Array,
    reply: string | undefined,
    headers: HeaderList | undefined,
  ): boolean;
  subscribe(
    subject: string,
    queue: string | undefined,
    onMessage: (message: WireMessage) => void,
  ): LinkSubscription;
  flush(): Promise<void>;
  close(): Promise<void>;
}
