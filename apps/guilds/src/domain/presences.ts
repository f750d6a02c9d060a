/**
 * Who of a guild's members is not offline, as last heard from the presence app. Nothing of it is
 * stored: a new owner asks again.
 */
export interface PresenceJson {
  readonly user: { readonly id: string };
  readonly status: string;
}

export class Presences {
  readonly #byUser = new Map<bigint, PresenceJson>();

  /** How many are online. */
  get size(): number {
    return this.#byUser.size;
  }

  /** The last PRESENCE_UPDATE's `d`; undefined when offline. */
  get(userId: bigint): PresenceJson | undefined {
    return this.#byUser.get(userId);
  }

  isOnline(userId: bigint): boolean {
    return this.#byUser.has(userId);
  }

  /** Sets what a user is now. Offline is the absence of a presence. */
  set(userId: bigint, presence: PresenceJson): void {
    if (presence.status === 'offline') this.#byUser.delete(userId);
    else this.#byUser.set(userId, presence);
  }

  /** Says whether it was there. */
  delete(userId: bigint): boolean {
    return this.#byUser.delete(userId);
  }

  userIds(): IterableIterator<bigint> {
    return this.#byUser.keys();
  }
}
