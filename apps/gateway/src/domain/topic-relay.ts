// A relay: what one gateway knows of one topic, for all its sessions that follow it.
//
// It holds the topic's position (the `seq` of the last event it has processed), the table of who
// sees what as of that position, and the last few events. It takes batches of events as they come,
// puts them in order, and says what is to be sent to whom. It sends nothing itself.
//
//   owner's events  ... 41 42 43 | 45 46        position 43: 44 was lost, 45 and 46 wait (early)
//   a new session   attached as of 42           catches up with 43 from the recent events
//   a new session   attached as of 46           ahead: hears nothing until the relay is at 46
//
// Nothing is missed: a hole makes `needsRepair`, and the caller fetches what is missing. Nothing
// comes twice: what is not past the position is dropped. Nobody sees what they may not: a change of
// visibility is applied at its own event, and each session's snapshot says from where it goes on.
import {
  isSignal,
  type Audience,
  type TopicEvent,
  type VisibilityChange,
} from '@guildhall/contracts';
import {
  AudienceTable,
  transitionOf,
  viewAfter,
  type AudienceRow,
  type ChannelSet,
  type Transition,
  type View,
} from './audience-table.js';
import type { Subscriber, TopicKind } from './delivery-rules.js';
import type { Dispatch } from './dispatch.js';
import { dispatchOf, FanOut, Follower, type RelayOutcome } from './fan-out.js';
import { SmallMap } from './small-map.js';

export interface RelayLimits {
  /** Events kept for sessions that attach as of an older position. */
  readonly recentEventsMax: number;
  /** The same while a session is attaching, since its snapshot may be this much older. */
  readonly heldEventsMax: number;
  /** Events kept that came before one that is missing. */
  readonly earlyEventsMax: number;
}

/** A snapshot, as the owner answered it. */
export interface Snapshot {
  readonly seq: number;
  /** For guilds; absent for private channels and users, where everybody sees everything. */
  readonly audience?: Audience | undefined;
}

interface Recent {
  readonly event: TopicEvent;
  readonly seq: number;
  readonly dispatch: Dispatch | undefined;
}

const EVERYTHING = 0n;
const NO_CHANNELS: ChannelSet = new Set();

/** See the top of the file. Synchronous; time and sending are for its callers. */
export class TopicRelay<S extends Subscriber> {
  readonly topicId: bigint;
  readonly kind: TopicKind;
  readonly #limits: RelayLimits;
  readonly #table = new AudienceTable<S, Follower<S>>();
  /** Lists that are replaced and never changed. */
  readonly #followersByUser = new SmallMap<bigint, readonly Follower<S>[]>();
  #ahead: Set<Follower<S>> | undefined;
  readonly #recent: Recent[] = [];
  readonly #early = new SmallMap<number, TopicEvent>();
  #attachingCount = 0;
  #liveCount = 0;
  #position: number | undefined;
  #duplicatesCount = 0;

  constructor(topicId: bigint, kind: TopicKind, limits: RelayLimits) {
    this.topicId = topicId;
    this.kind = kind;
    this.#limits = limits;
  }

  /** The `seq` up to which everything was processed; undefined before the first snapshot. */
  get position(): number | undefined {
    return this.#position;
  }

  get followersCount(): number {
    let count = 0;
    for (const followers of this.#followersByUser.values()) count += followers.length;
    return count;
  }

  get isEmpty(): boolean {
    return this.#followersByUser.size === 0;
  }

  /** Events that came a second time. */
  get duplicatesCount(): number {
    return this.#duplicatesCount;
  }

  /** Whether an event is known to be missing, or was known to others before it came here. */
  get hasGap(): boolean {
    return this.#early.size > 0 || (this.#ahead !== undefined && this.#ahead.size > 0);
  }

  followersOf(userId: bigint): Iterable<Follower<S>> {
    return this.#followersByUser.get(userId) ?? [];
  }

  /** Every session that follows, in no order. */
  *followers(): Iterable<Follower<S>> {
    for (const followers of this.#followersByUser.values()) yield* followers;
  }

  /** Registers a session before the owner is asked, so that nothing after the answer is missed. */
  begin(subscriber: S): Follower<S> {
    const follower = new Follower(subscriber);
    const followers = this.#followersByUser.get(subscriber.userId) ?? [];
    this.#followersByUser.set(subscriber.userId, [...followers, follower]);
    this.#attachingCount += 1;
    return follower;
  }

  /** Takes a session out, in whatever state. May be called twice. */
  end(follower: Follower<S>): void {
    if (follower.state === 'gone') return;
    if (follower.state === 'attaching') this.#attachingCount -= 1;
    if (follower.state === 'live') this.#liveCount -= 1;
    this.#ahead?.delete(follower);
    this.#table.remove(follower);
    follower.state = 'gone';
    const { userId } = follower.subscriber;
    const left = this.#followersByUser.get(userId)!.filter((other) => other !== follower);
    if (left.length === 0) this.#followersByUser.delete(userId);
    else this.#followersByUser.set(userId, left);
  }

  /**
   * The owner answered. What comes out is for after the snapshot's own dispatch. Undefined when the
   * snapshot is older than what is remembered here: the session must ask again. One that is ahead
   * of the relay is no hole yet: what lies between may be on its way (see `hasGap`).
   */
  attached(follower: Follower<S>, snapshot: Snapshot): RelayOutcome<S> | undefined {
    const outcome = new FanOut<S>(this.kind);
    if (follower.state !== 'attaching') return outcome;
    if (this.#position === undefined) {
      this.#position = snapshot.seq;
      for (const seq of this.#early.keys()) if (seq <= snapshot.seq) this.#early.delete(seq);
    }
    let view: View = {
      audienceId: snapshot.audience?.id ?? EVERYTHING,
      channels:
        snapshot.audience === undefined ? NO_CHANNELS : new Set(snapshot.audience.channelIds),
    };
    if (snapshot.seq < this.#position) {
      const missed = this.#recentAfter(snapshot.seq);
      if (missed === undefined) return undefined;
      for (const recent of missed) {
        const next = this.#catchUp(follower, view, recent, outcome);
        if (next === undefined) return outcome;
        view = next;
      }
    }
    this.#attachingCount -= 1;
    if (snapshot.seq > this.#position) {
      follower.state = 'ahead';
      follower.aheadSeq = snapshot.seq;
      follower.aheadView = view;
      this.#ahead ??= new Set();
      this.#ahead.add(follower);
    } else {
      this.#join(follower, view);
    }
    this.#drainEarly(outcome);
    return outcome;
  }

  /** Events as they came from the bus, in any order, perhaps for the second time. */
  receive(events: readonly TopicEvent[]): RelayOutcome<S> {
    const outcome = new FanOut<S>(this.kind);
    for (const event of events) this.#take(event, outcome);
    return outcome;
  }

  /** What the owner had after `position`, oldest first, and how far the topic is. */
  repair(events: readonly TopicEvent[], lastSeq: number): RelayOutcome<S> {
    const outcome = new FanOut<S>(this.kind);
    for (const event of events) this.#take(event, outcome);
    outcome.needsRepair = this.hasGap || (this.#position ?? lastSeq) < lastSeq;
    return outcome;
  }

  /** Somebody says how far the topic is; true when that is further than here. */
  isBehind(seq: number): boolean {
    return this.#position !== undefined && seq > this.#position;
  }

  #take(event: TopicEvent, outcome: FanOut<S>): void {
    const seq = Number(event.seq);
    if (seq === 0) {
      // A signal that may be lost is for the owner.
      if (this.#position === undefined || isSignal(event.type)) return;
      this.#emitToLive(event, dispatchOf(event), [], outcome);
      return;
    }
    if (this.#position === undefined) {
      // Nobody has a snapshot yet; what came before it is in it.
      this.#keepEarly(seq, event);
      return;
    }
    if (seq <= this.#position) {
      this.#duplicatesCount += 1;
      return;
    }
    if (seq > this.#position + 1) {
      this.#keepEarly(seq, event);
      outcome.needsRepair = true;
      return;
    }
    this.#process(event, seq, outcome);
    this.#drainEarly(outcome);
  }

  /** Beyond the bound the newest are dropped: the repair brings them in their turn. */
  #keepEarly(seq: number, event: TopicEvent): void {
    if (this.#early.size < this.#limits.earlyEventsMax) this.#early.set(seq, event);
  }

  #drainEarly(outcome: FanOut<S>): void {
    while (this.#early.size > 0) {
      const seq = this.#position! + 1;
      const event = this.#early.get(seq);
      if (event === undefined) break;
      this.#early.delete(seq);
      this.#process(event, seq, outcome);
    }
    for (const seq of this.#early.keys()) if (seq <= this.#position!) this.#early.delete(seq);
    if (this.#early.size > 0) outcome.needsRepair = true;
  }

  #process(event: TopicEvent, seq: number, outcome: FanOut<S>): void {
    const dispatch = dispatchOf(event);
    this.#position = seq;
    this.#remember({ event, seq, dispatch });
    const change = event.visibility;
    const transitions =
      change === undefined ? [] : this.#table.apply(change, (userId) => this.#liveOf(userId));
    this.#emitToLive(event, dispatch, transitions, outcome);
    if (change !== undefined) this.#endRemoved(event, change, outcome);
    for (const follower of this.#ahead ?? []) {
      if (follower.state === 'ahead' && follower.aheadSeq <= seq) {
        this.#ahead!.delete(follower);
        this.#join(follower, follower.aheadView!);
        follower.aheadView = undefined;
      }
    }
  }

  *#liveOf(userId: bigint): Iterable<Follower<S>> {
    for (const follower of this.followersOf(userId)) if (follower.state === 'live') yield follower;
  }

  #join(follower: Follower<S>, view: View): void {
    follower.state = 'live';
    this.#liveCount += 1;
    this.#table.place(follower, view.audienceId, view.channels);
  }

  #remember(recent: Recent): void {
    this.#recent.push(recent);
    const { recentEventsMax, heldEventsMax } = this.#limits;
    const max = this.#attachingCount > 0 ? heldEventsMax : recentEventsMax;
    // Trimmed in strides: shifting an array one by one moves all of it each time.
    if (this.#recent.length > max * 2) this.#recent.splice(0, this.#recent.length - max);
  }

  #recentAfter(seq: number): Recent[] | undefined {
    const oldest = this.#recent[0];
    if (oldest === undefined || oldest.seq > seq + 1) return undefined;
    return this.#recent.slice(seq + 1 - oldest.seq);
  }

  /** A past event for one session that attaches; its view afterwards, undefined if it is out. */
  #catchUp(
    follower: Follower<S>,
    view: View,
    { event, dispatch }: Recent,
    outcome: FanOut<S>,
  ): View | undefined {
    const { userId } = follower.subscriber;
    const change = event.visibility;
    const after = change === undefined ? view : viewAfter(view, userId, change);
    const transitions =
      change === undefined
        ? []
        : [transitionOf(follower.subscriber, view.channels, after.channels)];
    const sees = this.#seesEverything(event) || after.channels.has(event.channelId);
    outcome.emitTo(event, dispatch, transitions, sees ? [follower.subscriber] : []);
    if (change === undefined || !this.#isRemovedBy(follower, change)) return after;
    this.#endAll([follower], event, outcome);
    return undefined;
  }

  #isRemovedBy(follower: Follower<S>, change: VisibilityChange): boolean {
    return change.topicDeleted || change.removedUserIds.includes(follower.subscriber.userId);
  }

  #seesEverything(event: TopicEvent): boolean {
    return this.kind !== 'guild' || event.channelId === 0n;
  }

  #emitToLive(
    event: TopicEvent,
    dispatch: Dispatch | undefined,
    transitions: readonly Transition<S>[],
    outcome: FanOut<S>,
  ): void {
    const told =
      event.onlyUserIds.length > 0
        ? outcome.emitTo(event, dispatch, transitions, this.#named(event))
        : outcome.emit(event, dispatch, transitions, {
            rows: this.#seesEverything(event)
              ? this.#table.rows()
              : this.#rowsThatSee(event.channelId),
            liveOf: (userId) => this.#liveOf(userId),
          });
    outcome.filteredCount += this.#liveCount - told;
  }

  /** Those that an event names, as far as they see its channel. */
  #named(event: TopicEvent): S[] {
    const named: S[] = [];
    for (const userId of new Set(event.onlyUserIds)) {
      for (const { subscriber, cohort } of this.#liveOf(userId)) {
        const isSeen = this.#seesEverything(event) || cohort!.row.channels.has(event.channelId);
        if (isSeen) named.push(subscriber);
      }
    }
    return named;
  }

  *#rowsThatSee(channelId: bigint): Iterable<AudienceRow<S, Follower<S>>> {
    for (const row of this.#table.rows()) if (row.channels.has(channelId)) yield row;
  }

  #endRemoved(event: TopicEvent, change: VisibilityChange, outcome: FanOut<S>): void {
    const removed: Follower<S>[] = [];
    if (change.topicDeleted) {
      for (const follower of this.followers())
        if (follower.state === 'live') removed.push(follower);
    } else {
      for (const userId of change.removedUserIds) removed.push(...this.#liveOf(userId));
    }
    if (removed.length > 0) this.#endAll(removed, event, outcome);
  }

  #endAll(followers: readonly Follower<S>[], event: TopicEvent, outcome: FanOut<S>): void {
    outcome.out(followers, event);
    for (const follower of followers) this.end(follower);
  }
}
