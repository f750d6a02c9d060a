// What the sessions of one client process share, and what they may ask of it.

import type { Checker } from './checker.js';
import type { SharedBuffers } from './connection.js';
import type { Counter, Counters } from './counters.js';
import type { DispatchScanner } from './dispatch-scan.js';
import type { Histogram } from './histogram.js';
import type { LastRecipients } from './last-recipients.js';
import type { MarkScanner } from './mark.js';
import type { SwarmSession } from './session.js';
import type { Violations } from './violations.js';

/** What was made for a run: real names for the numbers of the plan. */
export interface World {
  /** By number of the gateway. */
  readonly gatewayUrls: readonly string[];
  /** By account. */
  readonly tokens: readonly string[];
  readonly userIds: readonly string[];
  /** By guild. */
  readonly guildIds: readonly string[];
  /** By channel. */
  readonly channelIds: readonly string[];
}

/** See the top of the file. */
export interface SwarmRoom {
  readonly world: World;
  readonly botsCount: number;
  /** Of bots. */
  readonly intents: number;
  readonly buffers: SharedBuffers;
  readonly counters: Counters;
  readonly checker: Checker;
  readonly violations: Violations;
  readonly dispatch: DispatchScanner;
  readonly mark: MarkScanner;
  /** From when a message was due to when a session had it. */
  readonly latency: Histogram;
  /** From IDENTIFY to READY. */
  readonly readyLatency: Histogram;
  readonly lastRecipients: LastRecipients;
  /** By id. */
  readonly channelNumbers: ReadonlyMap<string, number>;
  random(): number;
  count(counter: Counter): void;
  nameOf(place: number): string;
  addressOf(place: number): string | undefined;
  guildIdsOf(account: number): readonly string[];
  /** Whether this message is to be decoded in full. */
  isFullDecodeDue(): boolean;
  /** The session waits for its turn to identify. */
  toBegin(session: SwarmSession): void;
  /** The session comes back after a while. */
  backIn(session: SwarmSession, delayMs: number): void;
  /** Its next heartbeat is due after this part of its interval. */
  beatLater(session: SwarmSession, share: number): void;
  /** It has what it came for. */
  settled(session: SwarmSession): void;
  /** Its connection was ended by the other side or the network. */
  lost(code: number, problem: string | undefined): void;
}
