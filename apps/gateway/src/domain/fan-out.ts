// From one event to those who are told of it: channels gained, the event itself, channels lost.
//
//   a session gains the channel     CHANNEL_CREATE, then the event
//   a session loses it              the event unless it is of that channel, then CHANNEL_DELETE
//   the channel itself goes         the event (a CHANNEL_DELETE), and nothing made up beside it
//
// The event goes to whole classes (see audience-table.ts): a class is asked about once, and its
// list is delivered to as it is. What concerns single users is an exception to that, and found by
// looking for those users' sessions, not by looking at everybody's.
//
// What a relay decides is collected here, and handed out as a whole: see RelayOutcome.
import type { TopicEvent } from '@guildhall/contracts';
import { isSignal } from '@guildhall/contracts';
import { DispatchEvent, Intent } from '@guildhall/gateway-protocol';
import type { AudienceRow, FollowerClass, InClass, Transition, View } from './audience-table.js';
import { EventRules, type Subscriber, type TopicKind } from './delivery-rules.js';
import { Dispatch } from './dispatch.js';

/** One session's place in a relay. */
export class Follower<S extends Subscriber> implements InClass<S> {
  readonly subscriber: S;
  /** `attaching` waits for its snapshot, `ahead` for the relay; `live` is told everything. */
  state: 'attaching' | 'ahead' | 'live' | 'gone' = 'attaching';
  cohort: FollowerClass<S, this> | undefined;
  at = -1;
  /** While ahead: the position and view of its snapshot. */
  aheadSeq = 0;
  aheadView: View | undefined;

  constructor(subscriber: S) {
    this.subscriber = subscriber;
  }
}

type Row<S extends Subscriber> = AudienceRow<S, Follower<S>>;
type Cohort<S extends Subscriber> = FollowerClass<S, Follower<S>>;

/** What a list was lent by. */
export interface Lender<S> {
  giveBack(lent: readonly S[]): void;
}

/** What is known of one event while its deliveries go out. */
export interface EventTally {
  /** When it was committed or published, in microseconds since the epoch; 0: not known. */
  readonly atUs: number;
  /** Deliveries that are not done. */
  leftCount: number;
  /** Sockets written to. */
  writtenCount: number;
}

/** One dispatch and who gets it, in the order in which they are to be sent. */
export interface Delivery<S> {
  readonly dispatch: Dispatch;
  /** Does not change. */
  readonly to: readonly S[];
  /** Who of those does not get it: very few. */
  readonly except: readonly S[];
  /** To be told when `to` was delivered to; undefined when the list is this delivery's alone. */
  readonly lender: Lender<S> | undefined;
  /** Shared by all deliveries of one event. */
  readonly tally: EventTally;
}

/** What came of a batch, an answer, or a repair. */
export interface RelayOutcome<S extends Subscriber> {
  readonly deliveries: readonly Delivery<S>[];
  /** Events to be acted on and not sent, in order. */
  readonly signals: readonly { readonly event: TopicEvent; readonly to: readonly S[] }[];
  /** Followers that are out of the topic: removed members, or all when it is gone. */
  readonly ended: readonly Follower<S>[];
  /** Something is missing: fetch what comes after `position`, then call `repair`. */
  readonly needsRepair: boolean;
  /** Live followers that an event was not for. */
  readonly filteredCount: number;
  /** Events that the deliveries are of. */
  readonly eventsCount: number;
}

/** Where an event goes: to these rows, whose followers by user can be looked up. */
export interface Scope<S extends Subscriber> {
  readonly rows: Iterable<Row<S>>;
  readonly liveOf: (userId: bigint) => Iterable<Follower<S>>;
}

const NULL_DATA = Buffer.from('null');
const NOBODY: readonly never[] = [];

/** The dispatch of an event; undefined for what is acted on and not sent. */
export function dispatchOf(event: TopicEvent): Dispatch | undefined {
  if (isSignal(event.type)) return undefined;
  return new Dispatch(event.type, event.data.length === 0 ? NULL_DATA : event.data);
}

/** Collects an outcome. */
export class FanOut<S extends Subscriber> implements RelayOutcome<S> {
  readonly deliveries: Delivery<S>[] = [];
  readonly signals: { event: TopicEvent; to: readonly S[] }[] = [];
  readonly ended: Follower<S>[] = [];
  needsRepair = false;
  filteredCount = 0;
  eventsCount = 0;
  readonly #kind: TopicKind;
  #event: TopicEvent | undefined;
  #tally: EventTally = { atUs: 0, leftCount: 0, writtenCount: 0 };

  constructor(kind: TopicKind) {
    this.#kind = kind;
  }

  /**
   * Hot path. Tells whole rows of the event, as far as the rules admit, and those in transition of
   * the channels they gained or lost; how many were told of the event.
   */
  emit(
    event: TopicEvent,
    dispatch: Dispatch | undefined,
    transitions: readonly Transition<S>[],
    scope: Scope<S>,
  ): number {
    this.eventsCount += 1;
    this.#gained(event, transitions);
    let told = 0;
    if (dispatch === undefined) told = this.#signal(event, everybodyIn(scope.rows));
    else {
      told = this.#toClasses(event, dispatch, scope);
      told += this.#toSingles(event, dispatch, loserSessions(event, transitions));
    }
    this.#lost(event, transitions);
    return told;
  }

  /** The same for single sessions; the caller has seen to it that they see the channel. */
  emitTo(
    event: TopicEvent,
    dispatch: Dispatch | undefined,
    transitions: readonly Transition<S>[],
    subscribers: readonly S[],
  ): number {
    this.eventsCount += 1;
    this.#gained(event, transitions);
    let told = 0;
    if (dispatch === undefined) told = this.#signal(event, subscribers);
    else {
      const losing = loserSessions(event, transitions);
      told = this.#toSingles(event, dispatch, [...subscribers, ...losing]);
    }
    this.#lost(event, transitions);
    return told;
  }

  /** Tells followers that they are out of the topic; the caller ends them. */
  out(followers: readonly Follower<S>[], event: TopicEvent): void {
    const isDeletion = event.visibility?.topicDeleted === true;
    const isToldByEvent = isDeletion && event.type === DispatchEvent.GuildDelete;
    if (this.#kind === 'guild' && !isToldByEvent) {
      // Without the key `unavailable`: that would be an outage.
      const json = Buffer.from(`{"id":"${event.topicId}"}`);
      const to = followers.map(({ subscriber }) => subscriber).filter(hearsOfGuilds);
      this.#deliver(new Dispatch(DispatchEvent.GuildDelete, json), to, NOBODY, undefined, event);
    }
    this.ended.push(...followers);
  }

  #toClasses(event: TopicEvent, dispatch: Dispatch, { rows, liveOf }: Scope<S>): number {
    const rules = new EventRules(event, this.#kind);
    const { subjectUserId, exceptUserId } = event;
    const exceptions = exceptUserId === 0n ? NOBODY : [...liveOf(exceptUserId)];
    let told = 0;
    for (const { classes } of rows) {
      for (const cohort of classes) {
        const admitted = rules.admitsClass(cohort);
        if (admitted === 'nobody') continue;
        if (admitted === 'subject') {
          const subjects = subjectUserId === 0n ? NOBODY : inClass(liveOf(subjectUserId), cohort);
          if (subjects.length > 0) told += this.#toSingles(event, dispatch, subjects);
          continue;
        }
        const out = exceptions.length === 0 ? NOBODY : inClass(exceptions, cohort);
        told += cohort.members.count - out.length;
        if (rules.classSeesContent(cohort)) {
          this.#toClass(dispatch, cohort, out, event);
        } else {
          const seeing = seeingIn(cohort, rules.contentUserIds, liveOf).filter(
            (subscriber) => !out.includes(subscriber),
          );
          this.#deliver(dispatch, seeing, NOBODY, undefined, event);
          const except = seeing.length === 0 ? out : [...out, ...seeing];
          this.#toClass(dispatch.withoutContent(), cohort, except, event);
        }
      }
    }
    return told;
  }

  #toClass(
    dispatch: Dispatch,
    { members }: Cohort<S>,
    except: readonly S[],
    event: TopicEvent,
  ): void {
    if (except.length >= members.count) return;
    this.#deliver(dispatch, members.lend(), except, members, event);
  }

  #toSingles(event: TopicEvent, dispatch: Dispatch, subscribers: readonly S[]): number {
    if (subscribers.length === 0) return 0;
    const rules = new EventRules(event, this.#kind);
    const admitted = subscribers.filter((subscriber) => rules.admits(subscriber));
    const whole = admitted.filter((subscriber) => rules.seesContent(subscriber));
    this.#deliver(dispatch, whole, NOBODY, undefined, event);
    if (whole.length < admitted.length) {
      const blanked = admitted.filter((subscriber) => !rules.seesContent(subscriber));
      this.#deliver(dispatch.withoutContent(), blanked, NOBODY, undefined, event);
    }
    return admitted.length;
  }

  #gained(event: TopicEvent, transitions: readonly Transition<S>[]): void {
    if (transitions.length === 0) return;
    for (const { channelId, json } of event.visibility?.channels ?? []) {
      const isItself = event.type === DispatchEvent.ChannelCreate && event.channelId === channelId;
      if (isItself) continue;
      const dispatch = new Dispatch(DispatchEvent.ChannelCreate, json);
      for (const { lists, before, after } of transitions) {
        if (!before.has(channelId) && after.has(channelId)) this.#tell(lists, dispatch, event);
      }
    }
  }

  #lost(event: TopicEvent, transitions: readonly Transition<S>[]): void {
    if (transitions.length === 0) return;
    for (const { channelId, json } of event.visibility?.channels ?? []) {
      if (isDeletionOf(event, channelId)) continue;
      const dispatch = new Dispatch(DispatchEvent.ChannelDelete, json);
      for (const { lists, before, after } of transitions) {
        if (before.has(channelId) && !after.has(channelId)) this.#tell(lists, dispatch, event);
      }
    }
  }

  /** What is made up here is about channels, and for those who asked for guilds. */
  #tell(lists: Transition<S>['lists'], dispatch: Dispatch, event: TopicEvent): void {
    for (const { intents, to } of lists) {
      if ((intents & Intent.Guilds) === 0) continue;
      this.#deliver(dispatch, to, NOBODY, undefined, event);
    }
  }

  #signal(event: TopicEvent, to: readonly S[]): number {
    this.signals.push({ event, to });
    return to.length;
  }

  #deliver(
    dispatch: Dispatch,
    to: readonly S[],
    except: readonly S[],
    lender: Lender<S> | undefined,
    event: TopicEvent,
  ): void {
    if (to.length === 0) return;
    if (this.#event !== event) {
      this.#event = event;
      this.#tally = { atUs: Number(event.atUs), leftCount: 0, writtenCount: 0 };
    }
    this.#tally.leftCount += 1;
    this.deliveries.push({ dispatch, to, except, lender, tally: this.#tally });
  }
}

function hearsOfGuilds({ intents }: Subscriber): boolean {
  return (intents & Intent.Guilds) !== 0;
}

function isDeletionOf(event: TopicEvent, channelId: bigint): boolean {
  return event.type === DispatchEvent.ChannelDelete && event.channelId === channelId;
}

/** Those who saw a channel that is deleted are told of that, although they see it no more. */
function loserSessions<S extends Subscriber>(
  event: TopicEvent,
  transitions: readonly Transition<S>[],
): readonly S[] {
  const { channelId } = event;
  if (transitions.length === 0 || channelId === 0n || !isDeletionOf(event, channelId)) {
    return NOBODY;
  }
  return transitions
    .filter(({ before, after }) => before.has(channelId) && !after.has(channelId))
    .flatMap(({ lists }) => lists.flatMap(({ to }) => to));
}

function everybodyIn<S extends Subscriber>(rows: Iterable<Row<S>>): S[] {
  const everybody: S[] = [];
  for (const { classes } of rows) {
    for (const { members } of classes) {
      for (const { subscriber } of members.followers) everybody.push(subscriber);
    }
  }
  return everybody;
}

function inClass<S extends Subscriber>(
  followers: Iterable<Follower<S>>,
  cohort: Cohort<S>,
): readonly S[] {
  let found: S[] | undefined;
  for (const follower of followers) {
    if (follower.cohort === cohort) (found ??= []).push(follower.subscriber);
  }
  return found ?? NOBODY;
}

/** Each once, however often it is named. */
function seeingIn<S extends Subscriber>(
  cohort: Cohort<S>,
  userIds: readonly bigint[],
  liveOf: (userId: bigint) => Iterable<Follower<S>>,
): readonly S[] {
  if (userIds.length === 0) return NOBODY;
  const seeing: S[] = [];
  for (const userId of new Set(userIds)) seeing.push(...inClass(liveOf(userId), cohort));
  return seeing;
}
