// The relays of this gateway: one for each topic that somebody here follows. Feeds them what owners
// publish, hands what they decide to the deliverer, attaches and detaches sessions, and sees to it
// that nothing is missed:
//
//   a hole in seq       the relay says so; what is missing is fetched at once
//   a lost last event   owners say each second how far their topics are (digest); every few
//                       seconds, and when an owner changes, we say how far we are and hear more
//   a lost connection   everything is asked for again
//   pruned at the owner the sessions are told to start anew (op 9), never left behind
import { sleep, type Clock, Backoff } from '@guildhall/clock';
import type { AttachTopicReply, AttachUserReply, TopicEvent } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { partitionOf } from '@guildhall/snowflake';
import type { TraceContext } from '@guildhall/telemetry';
import type { TopicKind } from '../domain/delivery-rules.js';
import type { Asker, EventSource, GuildsPort, TopicSeqs } from '../domain/ports.js';
import type { Session } from '../domain/session.js';
import type { Follower, RelayOutcome } from '../domain/fan-out.js';
import { TopicRelay, type RelayLimits, type Snapshot } from '../domain/topic-relay.js';
import type { GatewayEvents } from '../events.js';
import type { Deliverer } from './deliverer.js';
import { Permits } from './permits.js';

export interface RelaysOptions {
  readonly source: EventSource;
  readonly guilds: GuildsPort;
  readonly deliverer: Deliverer;
  readonly events: GatewayEvents;
  readonly clock: Clock;
  readonly random: () => number;
  readonly limits: RelayLimits;
  readonly attachesInFlightMax: number;
  /** An event to be acted on and not sent. */
  readonly onSignal: (event: TopicEvent, sessions: readonly Session[]) => void;
  /** What a session follows has become less. */
  readonly onLeft: (session: Session) => void;
  /** What a session missed cannot be told it any more. */
  readonly onLost: (session: Session) => void;
  /** The beginning of a private channel is gone: the session was detached, and may attach anew. */
  readonly onForgotten: (session: Session, topicId: bigint) => void;
}

/** What is asked for when a session attaches to a guild or private channel. */
export type AttachRequest = Parameters<GuildsPort['attachTopic']>[1];

/** A snapshot as it came; `isFromStart` makes all that ever happened in the topic follow it. */
export interface AttachOptions {
  readonly trace?: TraceContext | undefined;
  readonly isFromStart?: boolean;
  /** Called in the turn of the answer, before anything that happened after it is delivered. */
  readonly onSnapshot?: (reply: AttachTopicReply) => void;
}

/** What an owner's answer says, and how far the topic was when it said it. */
interface Answered {
  readonly snapshot: Snapshot;
  readonly lastSeq: number;
}

interface Entry {
  readonly relay: TopicRelay<Session>;
  unfollow: () => void;
  isRepairing: boolean;
  isClosed: boolean;
  duplicatesSeen: number;
}

const SNAPSHOT_TRIES_MAX = 5;
const TOPICS_PER_FOLLOW = 5_000;
const REPAIR_BACKOFF = { firstMs: 50, capMs: 2_000 };
const ON_THE_WAY_MS = 100;

/** See the top of the file. */
export class Relays {
  readonly #options: RelaysOptions;
  readonly #entries = new Map<bigint, Entry>();
  readonly #permits: Permits;
  readonly #stopping = new AbortController();

  constructor(options: RelaysOptions) {
    this.#options = options;
    this.#permits = new Permits(options.attachesInFlightMax);
  }

  get count(): number {
    return this.#entries.size;
  }

  get followersCount(): number {
    let count = 0;
    for (const { relay } of this.#entries.values()) count += relay.followersCount;
    return count;
  }

  /** Attaches a session to its user's own topic. Resolves with what it has, or why not. */
  attachUser(session: Session, trace: TraceContext | undefined): Promise<AttachUserReply | Fault> {
    const asker = askerOf(session, session.userId, trace);
    return this.#attach(
      session,
      session.userId,
      'user',
      (onAnswer) => this.#options.guilds.attachUser(asker, onAnswer),
      (reply) => ({ snapshot: { seq: Number(reply.seq) }, lastSeq: Number(reply.seq) }),
      undefined,
    );
  }

  /** Attaches a session to a guild or private channel. See DETACHED. */
  attachTopic(
    session: Session,
    topicId: bigint,
    kind: 'guild' | 'private',
    request: AttachRequest,
    options: AttachOptions = {},
  ): Promise<AttachTopicReply | Fault> {
    const asker = askerOf(session, topicId, options.trace);
    let isFromStart = options.isFromStart === true;
    return this.#attach(
      session,
      topicId,
      kind,
      (onAnswer) => this.#options.guilds.attachTopic(asker, request, onAnswer),
      (reply) => {
        const lastSeq = Number(reply.seq);
        const seq = isFromStart ? 0 : lastSeq;
        // Asked a second time, the beginning is not remembered: the snapshot has to do.
        isFromStart = false;
        if (kind === 'private') return { snapshot: { seq }, lastSeq };
        return { snapshot: { seq, audience: reply.audience ?? nobody(reply.audienceId) }, lastSeq };
      },
      options.onSnapshot,
    );
  }

  /** Takes a session out of one topic. May be called twice. */
  detach(session: Session, topicId: bigint): void {
    const following = session.followings.get(topicId);
    if (following === undefined) return;
    session.followings.delete(topicId);
    if (!session.isEnded) this.#options.deliverer.left(topicId, session);
    following.relay.end(following.follower);
    this.#closeIfEmpty(topicId);
  }

  /** Takes a session out of everything. May be called twice. */
  detachAll(session: Session): void {
    for (const topicId of [...session.followings.keys()]) this.detach(session, topicId);
  }

  /** An owner says how far topics are. */
  heardOf(topics: readonly TopicSeqs[]): void {
    for (const { topicId, seq } of topics) {
      const entry = this.#entries.get(topicId);
      if (entry === undefined || !entry.relay.isBehind(seq)) continue;
      this.#repairUnlessWhole(entry, seq);
    }
  }

  /** Tells owners how far every relay is, and repairs those that are behind. */
  async followAll(): Promise<void> {
    const byPartition = new Map<number, TopicSeqs[]>();
    for (const { relay } of this.#entries.values()) {
      const partition = partitionOf(relay.topicId);
      if (relay.position === undefined) continue;
      const topics = byPartition.get(partition) ?? [];
      topics.push({ topicId: relay.topicId, seq: relay.position });
      byPartition.set(partition, topics);
    }
    const asked: Promise<void>[] = [];
    for (const [partition, topics] of byPartition) {
      for (let at = 0; at < topics.length; at += TOPICS_PER_FOLLOW) {
        asked.push(this.#follow(partition, topics.slice(at, at + TOPICS_PER_FOLLOW)));
      }
    }
    await Promise.all(asked);
  }

  /** Ends everything; sessions are left as they are. */
  stop(): void {
    this.#stopping.abort(new Fault(FaultCode.Unavailable, 'the gateway stops'));
    for (const entry of this.#entries.values()) close(entry);
    this.#entries.clear();
  }

  #attach<R>(
    session: Session,
    topicId: bigint,
    kind: TopicKind,
    ask: (onAnswer: (answer: R | Fault) => void) => void,
    read: (reply: R) => Answered,
    onSnapshot: ((reply: R) => void) | undefined,
  ): Promise<R | Fault> {
    const entry = this.#open(topicId, kind);
    const follower = entry.relay.begin(session);
    session.followings.set(topicId, { relay: entry.relay, follower });
    return new Promise((resolve) => {
      const tryOnce = (triesCount: number): void => {
        this.#permits.run((release) => {
          if (follower.state === 'gone') {
            release();
            resolve(DETACHED);
            return;
          }
          ask((answer) => {
            release();
            const result = this.#answered(entry, follower, answer, read, onSnapshot);
            if (result !== undefined) resolve(result);
            else if (triesCount < SNAPSHOT_TRIES_MAX) tryOnce(triesCount + 1);
            else {
              this.detach(session, topicId);
              resolve(STALE);
            }
          });
        });
      };
      tryOnce(1);
    });
  }

  /** Undefined when the snapshot is of no use and has to be asked for again. */
  #answered<R>(
    entry: Entry,
    follower: Follower<Session>,
    answer: R | Fault,
    read: (reply: R) => Answered,
    onSnapshot: ((reply: R) => void) | undefined,
  ): R | Fault | undefined {
    const session = follower.subscriber;
    if (follower.state === 'gone') return DETACHED;
    if (answer instanceof Fault) {
      this.detach(session, entry.relay.topicId);
      return answer;
    }
    const { snapshot, lastSeq } = read(answer);
    const outcome = entry.relay.attached(follower, snapshot);
    if (outcome === undefined) return undefined;
    onSnapshot?.(answer);
    this.#settle(entry, outcome, undefined);
    if (outcome.needsRepair || snapshot.seq < lastSeq) this.#repair(entry);
    // The answer may have come before the events it knows of.
    else if (entry.relay.hasGap) this.#repairUnlessWhole(entry, lastSeq);
    return answer;
  }

  #open(topicId: bigint, kind: TopicKind): Entry {
    const known = this.#entries.get(topicId);
    if (known !== undefined) return known;
    const entry: Entry = {
      relay: new TopicRelay<Session>(topicId, kind, this.#options.limits),
      unfollow: () => undefined,
      isRepairing: false,
      isClosed: false,
      duplicatesSeen: 0,
    };
    this.#entries.set(topicId, entry);
    // Before the owner is asked: what it publishes after its answer must not be missed.
    entry.unfollow = this.#options.source.follow(topicId, (events, trace) =>
      this.#received(entry, events, trace),
    );
    return entry;
  }

  #closeIfEmpty(topicId: bigint): void {
    const entry = this.#entries.get(topicId);
    if (entry === undefined || !entry.relay.isEmpty) return;
    this.#entries.delete(topicId);
    close(entry);
  }

  #received(entry: Entry, events: readonly TopicEvent[], trace: TraceContext | undefined): void {
    if (entry.isClosed) return;
    const { deliverer } = this.#options;
    if (!deliverer.hasRoom(entry.relay.topicId)) {
      // What may be lost is; the rest is asked for again when there is room.
      const droppedCount = events.filter(({ seq }) => seq === 0n).length;
      this.#options.events.ephemeralDropped(droppedCount);
      if (droppedCount < events.length) this.#repair(entry);
      return;
    }
    const outcome = entry.relay.receive(events);
    this.#settle(entry, outcome, trace === undefined ? undefined : { trace, event: events[0] });
    if (outcome.needsRepair) this.#repair(entry);
  }

  /** Deliveries first, then what follows from the events. */
  #settle(
    entry: Entry,
    outcome: RelayOutcome<Session>,
    traced: { trace: TraceContext; event: TopicEvent | undefined } | undefined,
  ): void {
    const { deliverer, events, onSignal, onLeft } = this.#options;
    const { topicId } = entry.relay;
    const cause =
      traced?.event === undefined
        ? undefined
        : {
            trace: traced.trace,
            topicId,
            seq: traced.event.seq,
            type: traced.event.type,
          };
    deliverer.deliver(topicId, outcome, cause);
    const { duplicatesCount } = entry.relay;
    if (duplicatesCount > entry.duplicatesSeen) {
      events.duplicates(duplicatesCount - entry.duplicatesSeen);
      entry.duplicatesSeen = duplicatesCount;
    }
    // A signal may end sessions: what came before it is theirs.
    if (outcome.signals.length > 0) deliverer.flush(topicId);
    for (const { event, to } of outcome.signals) onSignal(event, to);
    for (const follower of outcome.ended) {
      follower.subscriber.followings.delete(topicId);
      onLeft(follower.subscriber);
    }
    if (outcome.ended.length > 0) this.#closeIfEmpty(topicId);
  }

  /** Somebody is further than we are. Most often the events are just on their way. */
  #repairUnlessWhole(entry: Entry, seq: number): void {
    this.#options.clock.setTimer(ON_THE_WAY_MS, () => {
      if (entry.relay.isBehind(seq)) this.#repair(entry);
    });
  }

  #repair(entry: Entry): void {
    if (entry.isRepairing || entry.isClosed) return;
    entry.isRepairing = true;
    void this.#repairUntilWhole(entry).finally(() => (entry.isRepairing = false));
  }

  async #repairUntilWhole(entry: Entry): Promise<void> {
    const { guilds, events, clock, random } = this.#options;
    const { relay } = entry;
    const { topicId } = relay;
    const backoff = new Backoff({ ...REPAIR_BACKOFF, random });
    let fetchedCount = 0;
    events.gapFound(topicId, relay.position ?? 0);
    while (!entry.isClosed && relay.position !== undefined) {
      await this.#options.deliverer.room(topicId);
      if (entry.isClosed) return;
      const position = relay.position;
      try {
        const reply = await guilds.fetchEvents(topicId, position);
        if (entry.isClosed) return;
        fetchedCount += reply.events.length;
        const outcome = relay.repair(reply.events, Number(reply.lastSeq));
        this.#settle(entry, outcome, undefined);
        if (!outcome.needsRepair) break;
        if (relay.position === position) await sleep(clock, backoff.nextMs(), this.#signal);
        else backoff.reset();
      } catch (reason) {
        if (this.#signal.aborted) return;
        const fault = Fault.from(reason);
        if (fault.code === FaultCode.NotFound) {
          this.#lose(entry);
          return;
        }
        events.gapRetried(topicId, fault);
        await sleep(clock, backoff.nextMs(), this.#signal).catch(() => undefined);
        if (this.#signal.aborted) return;
      }
    }
    events.gapRepaired(topicId, fetchedCount);
  }

  get #signal(): AbortSignal {
    return this.#stopping.signal;
  }

  #lose(entry: Entry): void {
    const { relay } = entry;
    const sessions = new Set([...relay.followers()].map(({ subscriber }) => subscriber));
    if (relay.kind === 'private' && relay.position === 0) {
      for (const session of sessions) {
        this.detach(session, relay.topicId);
        this.#options.onForgotten(session, relay.topicId);
      }
      return;
    }
    this.#options.events.gapLost(relay.topicId, sessions.size);
    for (const session of sessions) this.#options.onLost(session);
  }

  async #follow(partition: number, topics: readonly TopicSeqs[]): Promise<void> {
    try {
      const ahead = await this.#options.guilds.follow(partition, topics);
      for (const { topicId, seq } of ahead) {
        const entry = this.#entries.get(topicId);
        if (entry?.relay.isBehind(seq) === true) this.#repair(entry);
      }
    } catch (reason) {
      // Said again in a few seconds; until then the digest tells as much.
      this.#options.events.followFailed(partition, Fault.from(reason));
    }
  }
}

/** The session was detached before the answer came: it ended, or is not in the topic any more. */
export const DETACHED: Fault = new Fault(
  FaultCode.Unavailable,
  'the session was detached meanwhile',
);
const STALE = new Fault(FaultCode.Unavailable, 'the snapshots are older than what is remembered');

function askerOf(session: Session, topicId: bigint, trace: TraceContext | undefined): Asker {
  return { topicId, actorId: session.userId, isBot: session.isBot, trace };
}

function close(entry: Entry): void {
  entry.isClosed = true;
  entry.unfollow();
}

/** An owner that forgets the audience shows nothing: better too little than too much. */
function nobody(id: bigint): NonNullable<Snapshot['audience']> {
  return { $typeName: 'fleet.topics.v1.Audience', id, channelIds: [] };
}
