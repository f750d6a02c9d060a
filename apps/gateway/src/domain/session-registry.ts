import type { Session } from './session.js';

export interface SessionBounds {
  readonly sessionsMax: number;
  readonly sessionsPerUserMax: number;
}

/** Every session of this gateway, with and without a socket. */
export class SessionRegistry {
  readonly #bounds: SessionBounds;
  readonly #byId = new Map<string, Session>();
  readonly #countByUser = new Map<bigint, number>();

  constructor(bounds: SessionBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** Whether there is room for one more, and if not, whose bound it is. */
  room(userId: bigint): 'free' | 'user_full' | 'full' {
    if (this.#byId.size >= this.#bounds.sessionsMax) return 'full';
    const count = this.#countByUser.get(userId) ?? 0;
    return count >= this.#bounds.sessionsPerUserMax ? 'user_full' : 'free';
  }

  add(session: Session): void {
    this.#byId.set(session.id, session);
    this.#countByUser.set(session.userId, (this.#countByUser.get(session.userId) ?? 0) + 1);
  }

  /** May be called twice. */
  remove(session: Session): void {
    if (!this.#byId.delete(session.id)) return;
    const count = this.#countByUser.get(session.userId)! - 1;
    if (count === 0) this.#countByUser.delete(session.userId);
    else this.#countByUser.set(session.userId, count);
  }

  find(id: string): Session | undefined {
    return this.#byId.get(id);
  }
}
