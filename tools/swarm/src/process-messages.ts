// What the parent and its client processes say to each other, over the channel of `fork`.

import type { Scenario } from './scenario.js';
import type { World } from './swarm-room.js';
import type { EpochChange } from './truth.js';

/** To a client process. What has an `id` is answered with it. */
export type Order =
  | {
      readonly kind: 'prepare';
      readonly id: number;
      readonly scenario: Scenario;
      readonly seed: number;
      readonly process: number;
      readonly world: World;
    }
  /** Everybody may identify, at the scenario's pace. */
  | { readonly kind: 'connect' }
  /** Nothing will be said in this guild before it is answered. */
  | { readonly kind: 'change'; readonly id: number; readonly change: EpochChange }
  /** Begin or end to read slowly, reconnect, change presences. */
  | { readonly kind: 'disturb'; readonly isOn: boolean }
  | {
      readonly kind: 'storm';
      readonly share: number;
      readonly resumeShare: number;
      readonly spreadMs: number;
    }
  /** How much is missing, all being said; by channel, the last `n` and the parts of its id. */
  | {
      readonly kind: 'missing';
      readonly id: number;
      readonly lastN: Int32Array;
      readonly idHighs: Float64Array;
      readonly idLows: Float64Array;
      /** Whether what is missing now is a violation. */
      readonly isFinal: boolean;
    }
  /** Say how it goes, now. */
  | { readonly kind: 'tick'; readonly id: number }
  | { readonly kind: 'end' };

/** What a client process is at, once a second. */
export interface Tick {
  readonly kind: 'tick';
  readonly process: number;
  readonly counters: Float64Array;
  readonly sessionsCount: number;
  readonly liveCount: number;
  readonly completeCount: number;
  /** How many sessions are in which phase. */
  readonly phases: readonly (readonly [phase: string, count: number])[];
  /** Since the tick before. */
  readonly latency: Float64Array;
  readonly readyLatency: Float64Array;
  /** Groups of four numbers: see last-recipients.ts. */
  readonly lastRecipients: Float64Array;
  readonly cpuUs: number;
  readonly rssBytes: number;
  readonly unjudgedCount: number;
  readonly violations: readonly (readonly [kind: string, count: number])[];
  readonly examples: readonly string[];
  /** Why connections were lost, with how often. */
  readonly losses: readonly (readonly [reason: string, count: number])[];
}

/** From a client process. */
export type Report =
  | Tick
  | { readonly kind: 'answer'; readonly id: number; readonly value: number }
  | { readonly kind: 'failed'; readonly reason: string };
