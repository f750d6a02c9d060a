// The sessions of one user and what the world has been told of them.
//
// Between windows the world has been told what is so, and nothing is kept about it. The first
// change of a window notes how things were; at its end the two are compared, and only the
// difference is said.
import { mergePresence, sessionsJson, type MergedPresence } from './presence-merge.js';
import type { Session } from './session.js';

/** How a user stood when the world was last told. */
export interface Standing {
  readonly presence: MergedPresence;
  readonly topicIds: readonly bigint[];
  /** As in SESSIONS_REPLACE; empty for bots, who are not told. */
  readonly sessions: string;
}

const NO_TOPICS: readonly bigint[] = Object.freeze([]);

/** See the top of the file. */
export class User {
  readonly id: bigint;
  readonly partition: number;
  readonly sessions: Session[] = [];
  isBot = false;
  /** The topics of all its sessions, each once. Never changed in place. */
  topicIds: readonly bigint[] = NO_TOPICS;
  /** Undefined when nothing has changed since the world was told. */
  told: Standing | undefined;

  constructor(id: bigint, partition: number) {
    this.id = id;
    this.partition = partition;
  }

  get presence(): MergedPresence {
    return mergePresence(this.sessions);
  }

  get standing(): Standing {
    const { presence, topicIds } = this;
    return { presence, topicIds, sessions: this.isBot ? '' : sessionsJson(this.sessions) };
  }

  find(sessionId: string): Session | undefined {
    return this.sessions.find((session) => session.id === sessionId);
  }

  /** To be called before a change that the world is to be told of. */
  noteBefore(): void {
    this.told ??= this.standing;
  }

  /** The union of what its sessions follow: the array of one of them wherever that is all. */
  unionOfTopics(): readonly bigint[] {
    const [first] = this.sessions;
    if (first === undefined) return NO_TOPICS;
    const arrays = new Set(this.sessions.map(({ facts }) => facts.topicIds));
    if (arrays.size === 1) return first.facts.topicIds;
    const union = new Set<bigint>();
    for (const topicIds of arrays) for (const topicId of topicIds) union.add(topicId);
    for (const topicIds of arrays) if (topicIds.length === union.size) return topicIds;
    return [...union];
  }

  /** Ids as an array that the user's sessions share when it says the same. */
  sharedTopics(topicIds: readonly bigint[]): readonly bigint[] {
    for (const { facts } of this.sessions) {
      if (isSame(facts.topicIds, topicIds)) return facts.topicIds;
    }
    return topicIds;
  }
}

/** What of `topicIds` is not in `others`. */
export function without(topicIds: readonly bigint[], others: readonly bigint[]): readonly bigint[] {
  if (topicIds === others || topicIds.length === 0) return NO_TOPICS;
  if (others.length === 0) return topicIds;
  const known = new Set(others);
  return topicIds.filter((topicId) => !known.has(topicId));
}

/** Whether both merge to the same. */
export function isSamePresence(one: MergedPresence, other: MergedPresence): boolean {
  return (
    one.status === other.status &&
    one.activities === other.activities &&
    one.clientStatus === other.clientStatus
  );
}

function isSame(one: readonly bigint[], other: readonly bigint[]): boolean {
  return one.length === other.length && one.every((topicId, at) => topicId === other[at]);
}
