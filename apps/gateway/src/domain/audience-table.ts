// Who sees which channel, as of the relay's position. Members of one audience see the same, so the
// table has a row per audience, and what concerns a channel is decided once for all of a row.
//
// A change (new roles, overwrites, memberships) comes with the event that made it. It is described
// here as transitions: these followers saw `before` and see `after`.
import type { VisibilityChange } from '@guildhall/contracts';

export type ChannelSet = ReadonlySet<bigint>;

/** One audience, and who of it is here. */
export interface AudienceRow<F> {
  readonly id: bigint;
  channels: ChannelSet;
  readonly followers: Set<F>;
}

/** Followers whose view changed, and how. */
export interface Transition<F> {
  readonly followers: readonly F[];
  readonly before: ChannelSet;
  readonly after: ChannelSet;
}

const NOTHING: ChannelSet = new Set();

/** The rows of one topic, only those that somebody here is in. */
export class AudienceTable<F extends { row: AudienceRow<F> | undefined }> {
  readonly #rows = new Map<bigint, AudienceRow<F>>();

  rows(): Iterable<AudienceRow<F>> {
    return this.#rows.values();
  }

  /** Puts a follower into an audience; `channels` is what the audience sees, if the row is new. */
  place(follower: F, audienceId: bigint, channels: ChannelSet): void {
    this.remove(follower);
    let row = this.#rows.get(audienceId);
    if (row === undefined) {
      row = { id: audienceId, channels, followers: new Set() };
      this.#rows.set(audienceId, row);
    }
    row.followers.add(follower);
    follower.row = row;
  }

  /** Takes a follower out; a row nobody is in is dropped. */
  remove(follower: F): void {
    const row = follower.row;
    if (row === undefined) return;
    row.followers.delete(follower);
    if (row.followers.size === 0) this.#rows.delete(row.id);
    follower.row = undefined;
  }

  /**
   * Applies a change and says what it did to whom. An audience that is moved into and that nobody
   * told us about sees nothing: better too little than too much.
   */
  apply(change: VisibilityChange, followersOf: (userId: bigint) => Iterable<F>): Transition<F>[] {
    const wanted = new Set(change.moves.map((move) => move.audienceId));
    const told = new Map<bigint, ChannelSet>();
    for (const { id, channelIds } of change.audiences) {
      if (this.#rows.has(id) || wanted.has(id)) told.set(id, new Set(channelIds));
    }
    const moving: { follower: F; to: bigint; before: ChannelSet }[] = [];
    for (const move of change.moves) {
      for (const follower of followersOf(move.userId)) {
        const before = follower.row?.channels ?? NOTHING;
        // A row may be dropped here and needed again below: its channels are then in `told`, or it
        // is the one left, whose channels `before` keeps.
        moving.push({ follower, to: move.audienceId, before });
      }
    }
    const known = new Map(moving.map(({ to }) => [to, this.#rows.get(to)?.channels]));
    for (const { follower } of moving) this.remove(follower);

    const transitions: Transition<F>[] = [];
    for (const [audienceId, after] of told) {
      const row = this.#rows.get(audienceId);
      if (row === undefined) continue;
      transitions.push({ followers: [...row.followers], before: row.channels, after });
      row.channels = after;
    }
    for (const { follower, to, before } of moving) {
      const after = told.get(to) ?? known.get(to) ?? NOTHING;
      this.place(follower, to, after);
      transitions.push({ followers: [follower], before, after });
    }
    return transitions;
  }
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
