import type { ServerFrame, SharedForm } from '@guildhall/gateway-protocol';
import type { Dispatch } from './dispatch.js';

/** The outgoing half of a connection, as those who answer clients see it. */
export interface GatewaySocket {
  /**
   * Hot path. Writes one dispatch; returns the bytes that were handed to the socket. What the
   * client asked for (its own dispatches, and what it missed) is owed to it, and is not held
   * against it while it waits.
   */
  write(dispatch: Dispatch, s: number, isOwed?: boolean): number;
  /**
   * Hot path. Writes messages that were made elsewhere of dispatches that are not `isOwn`, in this
   * socket's `form`: `bytes` up to `end`, which may be written to again when this returns.
   */
  put(bytes: Buffer, end: number): void;
  /** The form in which frames may be `put`; undefined when each must come by `write`. */
  readonly form: SharedForm | undefined;
  /** Bytes that wait because the client reads slowly. */
  readonly bufferedBytes: number;
  /** Sends a payload that is no dispatch. */
  frame(frame: ServerFrame): void;
  /** IDENTIFY asked for single payloads to be compressed; without effect where the transport is. */
  compressPayloads(): void;
  /** Says goodbye; nothing is written after it. May be called twice. */
  close(code: number, reason: string): void;
  /** Ends the connection without a word. */
  terminate(): void;
  /** It is closed: frees what belongs to it. */
  closed(): void;
}
