// The members of a class, as a dense list that a delivery can be made from as it is.
//
// A delivery may take a while (a large one goes out in slices), and meanwhile sessions join and
// leave. So a list is lent: what was lent does not change any more, and the first change after that
// is made to a copy, which is the list from then on. What nobody has been lent is changed in place.

/** Something with a place in a list of members. */
export interface Placed {
  /** Its index; kept by the list. */
  at: number;
}

/** See the top of the file. `S` is what deliveries go to, `F` stands for it here. */
export class Members<S, F extends Placed & { readonly subscriber: S }> {
  #subscribers: S[] = [];
  readonly #placed: F[] = [];
  #lentCount = 0;

  get count(): number {
    return this.#placed.length;
  }

  /** In no order; must not be kept while members come and go. */
  get followers(): readonly F[] {
    return this.#placed;
  }

  add(follower: F): void {
    this.#own();
    follower.at = this.#placed.push(follower) - 1;
    this.#subscribers.push(follower.subscriber);
  }

  /** The last one takes its place. It must be here. */
  remove(follower: F): void {
    this.#own();
    const last = this.#placed.pop()!;
    const lastSubscriber = this.#subscribers.pop()!;
    if (last === follower) return;
    this.#placed[follower.at] = last;
    this.#subscribers[follower.at] = lastSubscriber;
    last.at = follower.at;
  }

  /** Hot path. All members as of now, and never others, until it is given back. */
  lend(): readonly S[] {
    this.#lentCount += 1;
    return this.#subscribers;
  }

  /** Hot path. What was lent is not needed any more; once for each time it was lent. */
  giveBack(lent: readonly S[]): void {
    if (lent === this.#subscribers) this.#lentCount -= 1;
  }

  #own(): void {
    if (this.#lentCount === 0) return;
    this.#subscribers = this.#subscribers.slice();
    this.#lentCount = 0;
  }
}
