// One session as presence knows it, and the times it was last heard of.
import type { User } from './user.js';

/** What a session says of itself. `invisible` is told to nobody but its own user. */
export type SessionStatus = 'online' | 'idle' | 'dnd' | 'invisible';

/** What a gateway puts. */
export interface SessionFacts {
  readonly sessionId: string;
  readonly status: SessionStatus;
  /** A JSON array, as text. */
  readonly activities: string;
  /** desktop, mobile or web. */
  readonly client: string;
  readonly clientOs: string;
  readonly isAfk: boolean;
  /** Guilds and private channels whose members may see it, each once. */
  readonly topicIds: readonly bigint[];
  /** Counts up with each change on one gateway. */
  readonly revision: bigint;
}

/** A session with a lease. */
export class Session {
  readonly user: User;
  /** The gateway that put it, and alone may renew or remove it. */
  gateway: string;
  facts: SessionFacts;
  /** The higher, the later its presence changed, among all sessions of the table. */
  changedOrder = 0;
  /** Monotonic ms. */
  expiresAtMs = 0;
  /** Where the lease wheel looks at it next; -1 when it does not. */
  slot = -1;

  constructor(user: User, gateway: string, facts: SessionFacts) {
    this.user = user;
    this.gateway = gateway;
    this.facts = facts;
  }

  get id(): string {
    return this.facts.sessionId;
  }

  /** Whether somebody sits in front of it, as far as it says. */
  get isActive(): boolean {
    return !this.facts.isAfk && this.facts.status !== 'idle';
  }
}

/** Whether two states of a session look the same to everybody, whatever they follow. */
export function looksTheSame(one: SessionFacts, other: SessionFacts): boolean {
  return (
    one.status === other.status &&
    one.activities === other.activities &&
    one.client === other.client &&
    one.clientOs === other.clientOs &&
    one.isAfk === other.isAfk
  );
}
