// Who sees which channel, as of the relay's position. Members of one audience see the same, so the
// table has a row per audience, and what concerns a channel is decided once for all of a row.
//
// Within a row, sessions to which the rules apply alike (intents, bot or person, shard) form a
// class: an event is decided once for a class and delivered to its list as it is. So nothing is
// decided, looked up or collected for single sessions.
//
//   row 21, sees {11, 12}     class 0x7e00 bot     [ session, session, ... ]
//                             class 0x0200 bot     [ session ]
//   row 22, sees {11}         class all person     [ session, session, ... ]
//
// A change (new roles, overwrites, memberships) comes with the event that made it. It is described
// here as transitions: these saw `before` and see `after`. A change of what an audience sees moves
// nobody; a change of one member's roles moves that member's sessions.
import type { VisibilityChange } from '@guildhall/contracts';
import type { Subscriber } from './delivery-rules.js';
import { Members, type Placed } from './members.js';
import { SmallMap } from './small-map.js';

export type ChannelSet = ReadonlySet<bigint>;

/** Sessions of one audience that the rules treat alike. */
export interface FollowerClass<S extends Subscriber, F extends InClass<S>> {
  readonly row: AudienceRow<S, F>;
  readonly intents: number;
  readonly isBot: boolean;
  readonly isFirstShard: boolean;
  readonly members: Members<S, F>;
}

/** One audience, and who of it is here. */
export interface AudienceRow<S extends Subscriber, F extends InClass<S>> {
  readonly id: bigint;
  channels: ChannelSet;
  /** None of them empty. */
  readonly classes: FollowerClass<S, F>[];
}

/** A session's place in the table. */
export interface InClass<S extends Subscriber> extends Placed {
  readonly subscriber: S;
  cohort: FollowerClass<S, this> | undefined;
}

/** Sessions whose view changed, and how. */
export interface Transition<S extends Subscriber> {
  /** Lists that will not change; of sessions with the same intents. */
  readonly lists: readonly { readonly intents: number; readonly to: readonly S[] }[];
  readonly before: ChannelSet;
  readonly after: ChannelSet;
}

const NOTHING: ChannelSet = new Set();

/** The rows of one topic, only those that somebody here is in. */
export class AudienceTable<S extends Subscriber, F extends InClass<S>> {
  readonly #rows = new SmallMap<bigint, AudienceRow<S, F>>();

  rows(): Iterable<AudienceRow<S, F>> {
    return this.#rows.values();
  }

  /** Puts a follower into an audience; `channels` is what the audience sees, if the row is new. */
  place(follower: F, audienceId: bigint, channels: ChannelSet): void {
    this.remove(follower);
    let row = this.#rows.get(audienceId);
    if (row === undefined) {
      row = { id: audienceId, channels, classes: [] };
      this.#rows.set(audienceId, row);
    }
    const cohort = classOf(row, follower.subscriber);
    cohort.members.add(follower);
    follower.cohort = cohort;
  }

  /** Takes a follower out; a class or row that nobody is in is dropped. */
  remove(follower: F): void {
    const { cohort } = follower;
    if (cohort === undefined) return;
    follower.cohort = undefined;
    cohort.members.remove(follower);
    if (cohort.members.count > 0) return;
    const { row } = cohort;
    row.classes.splice(row.classes.indexOf(cohort), 1);
    if (row.classes.length === 0) this.#rows.delete(row.id);
  }

  /**
   * Applies a change and says what it did to whom. An audience that is moved into and that nobody
   * told us about sees nothing: better too little than too much.
   */
  apply(change: VisibilityChange, followersOf: (userId: bigint) => Iterable<F>): Transition<S>[] {
    const wanted = new Set(change.moves.map((move) => move.audienceId));
    const told = new Map<bigint, ChannelSet>();
    for (const { id, channelIds } of change.audiences) {
      if (this.#rows.has(id) || wanted.has(id)) told.set(id, new Set(channelIds));
    }
    const moving: { follower: F; to: bigint; before: ChannelSet }[] = [];
    for (const move of change.moves) {
      for (const follower of followersOf(move.userId)) {
        const before = follower.cohort?.row.channels ?? NOTHING;
        // A row may be dropped here and needed again below: its channels are then in `told`, or it
        // is the one left, whose channels `before` keeps.
        moving.push({ follower, to: move.audienceId, before });
      }
    }
    const known = new Map(moving.map(({ to }) => [to, this.#rows.get(to)?.channels]));
    for (const { follower } of moving) this.remove(follower);

    const transitions: Transition<S>[] = [];
    for (const [audienceId, after] of told) {
      const row = this.#rows.get(audienceId);
      // Owners repeat what an audience sees when somebody moves into it.
      if (row === undefined || areEqual(row.channels, after)) continue;
      const lists = row.classes.map(({ intents, members }) => ({ intents, to: members.lend() }));
      transitions.push({ lists, before: row.channels, after });
      row.channels = after;
    }
    for (const { follower, to, before } of moving) {
      const after = told.get(to) ?? known.get(to) ?? NOTHING;
      this.place(follower, to, after);
      transitions.push(transitionOf(follower.subscriber, before, after));
    }
    return transitions;
  }
}

/** The transition of one session. */
export function transitionOf<S extends Subscriber>(
  subscriber: S,
  before: ChannelSet,
  after: ChannelSet,
): Transition<S> {
  return { lists: [{ intents: subscriber.intents, to: [subscriber] }], before, after };
}

/** A row has a handful of classes: looking at them is faster than a key. */
function classOf<S extends Subscriber, F extends InClass<S>>(
  row: AudienceRow<S, F>,
  { intents, isBot, isFirstShard }: Subscriber,
): FollowerClass<S, F> {
  for (const known of row.classes) {
    const isSame = known.intents === intents && known.isBot === isBot;
    if (isSame && known.isFirstShard === isFirstShard) return known;
  }
  const made = { row, intents, isBot, isFirstShard, members: new Members<S, F>() };
  row.classes.push(made);
  return made;
}

function areEqual(one: ChannelSet, other: ChannelSet): boolean {
  return one.size === other.size && one.isSubsetOf(other);
}

/** What one user alone sees, outside the table: for a session that is not where the relay is. */
export interface View {
  readonly audienceId: bigint;
  readonly channels: ChannelSet;
}

/** The view after a change. */
export function viewAfter(view: View, userId: bigint, change: VisibilityChange): View {
  const moved = change.moves.findLast((move) => move.userId === userId);
  const audienceId = moved?.audienceId ?? view.audienceId;
  const told = change.audiences.findLast((audience) => audience.id === audienceId);
  if (told !== undefined) return { audienceId, channels: new Set(told.channelIds) };
  return { audienceId, channels: audienceId === view.audienceId ? view.channels : NOTHING };
}
