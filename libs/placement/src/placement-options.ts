import type { Bus } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import type { Logger, Metrics } from '@guildhall/telemetry';
import type { MemberView } from './member-table.js';

export interface PlacementOptions {
  readonly bus: Bus;
  /** Default: the bus's. */
  readonly clock?: Clock | undefined;
  readonly service: string;
  /** Unique among the living instances of the service. */
  readonly instance: string;
  readonly version: string;
  /** False for apps that only show that they are there, and watch others. Default true. */
  readonly ownsPartitions?: boolean | undefined;
  /** How often this instance says that it is there. Default 500. */
  readonly beatMs?: number | undefined;
  /** How long after its last beat an instance is taken for alive. Default 2,000. */
  readonly leaseMs?: number | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
  /** Another process was started under our name and has replaced us: this one should end. */
  readonly onReplaced?: (() => void) | undefined;
}

/** What changed for this instance, or among the members of its service. */
export interface PlacementChange {
  /** Partitions that are ours from now on, ascending. */
  readonly gained: readonly number[];
  /** Partitions that are no longer ours, ascending. */
  readonly lost: readonly number[];
  /** The living members of our own service. */
  readonly members: readonly MemberView[];
}

/** The members of one service, followed. */
export interface ServiceWatch {
  /** The living members by name. The same array until something changes. */
  instances(): readonly MemberView[];
  /** Calls back after each change. Returns how to stop it. */
  onChange(callback: (members: readonly MemberView[]) => void): () => void;
}
