/**
 * One part of a process that has to be brought up and let down: a bus connection, a table with its
 * loader, an HTTP listener. Rooms open in the order given and close in reverse, so a room may lean
 * on those before it for all of its life.
 */
export interface Room {
  readonly name: string;
  /**
   * Resolves when the room can do its work. Called once. The signal aborts when the process gives
   * up on starting; a room whose start rejects is not stopped, so it must leave nothing behind.
   */
  start(signal: AbortSignal): Promise<void>;
  /**
   * Take no new work; finish or hand over what is in hand. Called at most once, after start. The
   * signal aborts when the budget is used up; whatever then remains undone is cut off by `stop`.
   */
  drain?(signal: AbortSignal): Promise<void>;
  /** Lets go of everything. Called once, drained or not. */
  stop(): Promise<void>;
}

/** The part of a log that this lib writes to; telemetry's Logger is one. */
export interface ServiceLog {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}
