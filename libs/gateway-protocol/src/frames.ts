import type { DispatchEvent } from './dispatch-events.js';
import { Opcode } from './opcodes.js';

/** A payload from server to client, before it is encoded. `s` and `t` are null unless `op` is 0. */
export interface ServerFrame {
  readonly op: Opcode;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
}

/** The first frame on every connection. `trace` is shown as `_trace`, for people who debug. */
export function hello(heartbeatIntervalMs: number, trace: readonly string[] = []): ServerFrame {
  return frame(Opcode.Hello, { heartbeat_interval: heartbeatIntervalMs, _trace: trace });
}

/** The answer to a heartbeat of either kind. */
export function heartbeatAck(): ServerFrame {
  return frame(Opcode.HeartbeatAck, null);
}

/** Asks the client to heartbeat at once. */
export function heartbeatRequest(): ServerFrame {
  return frame(Opcode.Heartbeat, null);
}

/** Asks the client to come back on another connection and resume; allowed even before HELLO. */
export function reconnect(): ServerFrame {
  return frame(Opcode.Reconnect, null);
}

/**
 * Tells the client that it has no session. Some libraries identify again within a millisecond and
 * on the same connection: delay it by 1 to 5 s, and allow both IDENTIFY and RESUME after it.
 */
export function invalidSession(isResumable: boolean): ServerFrame {
  return frame(Opcode.InvalidSession, isResumable);
}

/** An event for one session (READY, RESUMED). For many sessions see `EncodedDispatch`. */
export function dispatch(type: DispatchEvent, data: unknown, sequence: number): ServerFrame {
  return { op: Opcode.Dispatch, d: data, s: sequence, t: type };
}

function frame(op: Opcode, d: unknown): ServerFrame {
  return { op, d, s: null, t: null };
}
