import type { User } from './user.js';

const NOBODY: ReadonlySet<User> = new Set();

/** Who of the users held here follows which topic, offline to others or not. */
export class TopicIndex {
  readonly #usersByTopic = new Map<bigint, Set<User>>();

  get topicsCount(): number {
    return this.#usersByTopic.size;
  }

  /** May be called twice. */
  add(user: User, topicIds: readonly bigint[]): void {
    for (const topicId of topicIds) {
      const users = this.#usersByTopic.get(topicId);
      if (users === undefined) this.#usersByTopic.set(topicId, new Set([user]));
      else users.add(user);
    }
  }

  /** May be called twice. */
  delete(user: User, topicIds: readonly bigint[]): void {
    for (const topicId of topicIds) {
      const users = this.#usersByTopic.get(topicId);
      users?.delete(user);
      if (users?.size === 0) this.#usersByTopic.delete(topicId);
    }
  }

  usersOf(topicId: bigint): ReadonlySet<User> {
    return this.#usersByTopic.get(topicId) ?? NOBODY;
  }
}
