// From one event to those who are told of it: channels gained, the event itself, channels lost.
//
//   a session gains the channel     CHANNEL_CREATE, then the event
//   a session loses it              the event unless it is of that channel, then CHANNEL_DELETE
//   the channel itself goes         the event (a CHANNEL_DELETE), and nothing made up beside it
//
// What a relay decides is collected here, and handed out as a whole: see RelayOutcome.
import type { TopicEvent } from '@guildhall/contracts';
import { isSignal } from '@guildhall/contracts';
import { DispatchEvent, Intent } from '@guildhall/gateway-protocol';
import type { AudienceRow, Transition, View } from './audience-table.js';
import { EventRules, type Subscriber, type TopicKind } from './delivery-rules.js';
import { Dispatch } from './dispatch.js';

/** One session's place in a relay. */
export class Follower<S extends Subscriber> {
  readonly subscriber: S;
  /** `attaching` waits for its snapshot, `ahead` for the relay; `live` is told everything. */
  state: 'attaching' | 'ahead' | 'live' | 'gone' = 'attaching';
  row: AudienceRow<Follower<S>> | undefined;
  /** While ahead: the position and view of its snapshot. */
  aheadSeq = 0;
  aheadView: View | undefined;

  constructor(subscriber: S) {
    this.subscriber = subscriber;
  }
}

/** One dispatch and who gets it, in the order in which they are to be sent. */
export interface Delivery<S> {
  readonly dispatch: Dispatch;
  readonly to: readonly S[];
  /** When its event was committed or published, in microseconds since the epoch. */
  readonly atUs: number;
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
}

const NULL_DATA = Buffer.from('null');

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
  readonly #kind: TopicKind;

  constructor(kind: TopicKind) {
    this.#kind = kind;
  }

  /**
   * Hot path. Tells `candidates` of the event, as far as the rules admit, and those in transition
   * of the channels they gained or lost; how many were told of the event.
   */
  emit(
    event: TopicEvent,
    dispatch: Dispatch | undefined,
    transitions: readonly Transition<Follower<S>>[],
    candidates: readonly Follower<S>[],
  ): number {
    if (transitions.length === 0) return this.#event(event, dispatch, candidates);
    const channels = event.visibility?.channels ?? [];
    const isDeletion = event.type === DispatchEvent.ChannelDelete && event.channelId !== 0n;
    for (const { channelId, json } of channels) {
      const isItself = event.type === DispatchEvent.ChannelCreate && event.channelId === channelId;
      if (isItself) continue;
      this.#tell(gainers(transitions, channelId), DispatchEvent.ChannelCreate, json, event);
    }
    const losing = isDeletion ? losers(transitions, event.channelId) : [];
    const told = this.#event(event, dispatch, [...candidates, ...losing]);
    for (const { channelId, json } of channels) {
      if (isDeletion && event.channelId === channelId) continue;
      this.#tell(losers(transitions, channelId), DispatchEvent.ChannelDelete, json, event);
    }
    return told;
  }

  /** Tells followers that they are out of the topic; the caller ends them. */
  out(followers: readonly Follower<S>[], event: TopicEvent): void {
    const isDeletion = event.visibility?.topicDeleted === true;
    const isToldByEvent = isDeletion && event.type === DispatchEvent.GuildDelete;
    if (this.#kind === 'guild' && !isToldByEvent) {
      // Without the key `unavailable`: that would be an outage.
      const json = Buffer.from(`{"id":"${event.topicId}"}`);
      this.#tell(followers, DispatchEvent.GuildDelete, json, event);
    }
    this.ended.push(...followers);
  }

  #event(
    event: TopicEvent,
    dispatch: Dispatch | undefined,
    candidates: readonly Follower<S>[],
  ): number {
    if (dispatch === undefined) {
      this.signals.push({ event, to: candidates.map(({ subscriber }) => subscriber) });
      return candidates.length;
    }
    const rules = new EventRules(event, this.#kind);
    const atUs = Number(event.atUs);
    const whole: S[] = [];
    const blanked: S[] = [];
    for (const { subscriber } of candidates) {
      if (!rules.admits(subscriber)) continue;
      if (rules.seesContent(subscriber)) whole.push(subscriber);
      else blanked.push(subscriber);
    }
    if (whole.length > 0) this.deliveries.push({ dispatch, to: whole, atUs });
    if (blanked.length > 0) {
      this.deliveries.push({ dispatch: dispatch.withoutContent(), to: blanked, atUs });
    }
    return whole.length + blanked.length;
  }

  /** What is made up here is about guilds and channels, and for those who asked for them. */
  #tell(
    followers: readonly Follower<S>[],
    type: string,
    json: Uint8Array,
    { atUs }: TopicEvent,
  ): void {
    const to = followers
      .map(({ subscriber }) => subscriber)
      .filter(({ intents }) => (intents & Intent.Guilds) !== 0);
    if (to.length === 0) return;
    this.deliveries.push({ dispatch: new Dispatch(type, json), to, atUs: Number(atUs) });
  }
}

function gainers<F>(transitions: readonly Transition<F>[], channelId: bigint): F[] {
  return transitions
    .filter(({ before, after }) => !before.has(channelId) && after.has(channelId))
    .flatMap(({ followers }) => followers);
}

function losers<F>(transitions: readonly Transition<F>[], channelId: bigint): F[] {
  return transitions
    .filter(({ before, after }) => before.has(channelId) && !after.has(channelId))
    .flatMap(({ followers }) => followers);
}
