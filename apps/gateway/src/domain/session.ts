// A session outlives its socket. It counts its own dispatches (`s`, without holes) and remembers
// them for RESUME; the socket is something it has at the moment, or has not.
import type { Presence } from '@guildhall/gateway-protocol';
import type { Subscriber } from './delivery-rules.js';
import type { Dispatch } from './dispatch.js';
import type { GatewaySocket } from './gateway-socket.js';
import { Replay, type ReplayLimits } from './replay.js';
import { SendLimiter } from './send-limiter.js';
import { SmallMap } from './small-map.js';
import type { WheelEntry } from './timer-wheel.js';
import type { Follower } from './fan-out.js';
import type { TopicRelay } from './topic-relay.js';
import type { Recipient } from './turn-batch.js';

/** Who a session is, settled at IDENTIFY and never changed. */
export interface SessionIdentity {
  readonly id: string;
  readonly userId: bigint;
  readonly isBot: boolean;
  readonly applicationId: bigint;
  /** A digest of the token, so that RESUME need not ask who it belongs to. */
  readonly tokenDigest: string;
  readonly intents: number;
  readonly shard: { readonly id: number; readonly count: number };
  readonly largeThreshold: number;
  readonly client: { readonly name: string; readonly os: string };
}

export interface SessionLimits extends ReplayLimits {
  /** Dispatches that may wait for READY. */
  readonly heldMax: number;
  readonly presenceUpdatesMax: number;
  readonly presenceUpdatesWindowMs: number;
}

/** What a session follows: the relay and its place in it. */
export interface Following {
  readonly relay: TopicRelay<Session>;
  readonly follower: Follower<Session>;
}

export type SessionState = 'identifying' | 'connected' | 'detached' | 'ended';

/** One session. Synchronous; others send what it counts. */
export class Session implements Subscriber, Recipient, WheelEntry {
  readonly identity: SessionIdentity;
  readonly userId: bigint;
  readonly intents: number;
  readonly isBot: boolean;
  readonly isFirstShard: boolean;
  /** By topic. */
  readonly followings = new SmallMap<bigint, Following>();
  state: SessionState = 'identifying';
  socket: GatewaySocket | undefined;
  presence: Presence;
  /** Counts up with each change of what presence is told. */
  presenceRevision = 0;
  /** An update that came too soon after others; the last one is applied when there is room. */
  presenceWaiting: Presence | undefined;
  /** Whether presence knows of this session. */
  isPresent = false;
  /** Guilds in whose voice channels this session said it is; undefined before the first. */
  voiceGuilds: Set<bigint> | undefined;
  /** The close code it ended with; undefined also when it was found invalid (op 9). */
  endCode: number | undefined;
  /** When something has to happen to it while it is detached. */
  dueMs = Infinity;
  wheelSlot = -1;
  wheelIndex = 0;
  detachedAtMs = 0;
  chainFirst = -1;
  chainLast = -1;
  readonly #replay: Replay;
  readonly #limits: SessionLimits;
  #presenceLimiter: SendLimiter | undefined;
  #held: Dispatch[] | undefined = [];

  constructor(identity: SessionIdentity, presence: Presence, limits: SessionLimits) {
    this.identity = identity;
    this.userId = identity.userId;
    this.intents = identity.intents;
    this.isBot = identity.isBot;
    this.isFirstShard = identity.shard.id === 0;
    this.presence = presence;
    this.#limits = limits;
    this.#replay = new Replay(limits);
  }

  get id(): string {
    return this.identity.id;
  }

  /** Made when it is first asked for: most sessions never change their presence. */
  get presenceLimiter(): SendLimiter {
    const { presenceUpdatesMax, presenceUpdatesWindowMs } = this.#limits;
    this.#presenceLimiter ??= new SendLimiter(presenceUpdatesMax, presenceUpdatesWindowMs);
    return this.#presenceLimiter;
  }

  /** The `s` of its newest dispatch. */
  get seq(): number {
    return this.#replay.seq;
  }

  get isEnded(): boolean {
    return this.state === 'ended';
  }

  /** Whether more waited for READY than may: the session cannot go on. */
  get isOverfull(): boolean {
    return this.#held !== undefined && this.#held.length >= this.#limits.heldMax;
  }

  /** Whether this shard is the one that hears of the guild. */
  hasGuild(guildId: bigint): boolean {
    const { id, count } = this.identity.shard;
    return count === 1 || Number((guildId >> 22n) % BigInt(count)) === id;
  }

  /**
   * Hot path. Counts the next dispatch and returns its `s`, to be written to the socket if there is
   * one; 0 when it is not (yet) to be sent.
   */
  take(dispatch: Dispatch): number {
    if (this.#held !== undefined) {
      if (this.#held.length < this.#limits.heldMax) this.#held.push(dispatch);
      return 0;
    }
    if (this.state === 'ended') return 0;
    return this.#replay.push(dispatch);
  }

  /**
   * READY is about to be sent: from now on `take` counts. What waited is returned, to follow it.
   */
  open(): Dispatch[] {
    const held = this.#held ?? [];
    this.#held = undefined;
    return held;
  }

  /** What the client has not got; undefined when that cannot be told any more. */
  missedAfter(seq: number): Dispatch[] | undefined {
    return this.#held === undefined ? this.#replay.after(seq) : undefined;
  }

  /** The client says it has everything up to `seq`. */
  confirm(seq: number): void {
    this.#replay.confirm(seq);
  }
}
