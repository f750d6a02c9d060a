import type { SinkPlan } from './sink.js';

/** Something that tells many of one event, as it is measured. */
export interface Target {
  /** Unique, and what `--only` names. */
  readonly name: string;
  /** The processes whose CPU time counts. */
  readonly pids: readonly number[];
  /** Its recipients. Targets of one server may share a plan: then they share the connections. */
  readonly sinks: readonly SinkPlan[];
  /**
   * Publishes so many events in one turn, each to all. Resolves when they are handed over (or
   * answered), rejects when they are refused.
   */
  publish(eventsCount: number): Promise<void>;
}

/** Targets that are started and stopped together. */
export interface Stage {
  readonly targets: readonly Target[];
  /** Ends its processes. May be called twice. */
  stop(): Promise<void>;
}
