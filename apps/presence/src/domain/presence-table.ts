// The sessions of the users of some partitions, and what is to be said about them.
//
//   put ──► session ──► user ──► waiting ──► takeNews ──► events by topic
//             │ lease            (changed since it was last told)
//             ▼
//         lease wheel
//
// A partition that was just taken *settles*: the gateways put their sessions again, and until that
// is over nobody knows who is merely not yet put. So meanwhile nobody is said to be offline, and a
// session heard of for the first time is taken as what the world knows already, since one of
// several sessions alone would show a status that is not the user's. When the window is over these
// users are said once again, at leisure, for whatever the owner before did not get to say. A
// partition that is being handed over does not say anybody offline either: that is the next
// owner's.
//
// Nothing here waits or sends. The bounds: sessions (`sessionsMax`), and events in one go, the rest
// of which waits, a user at most once: later is not lost.
import { GatewayIndex } from './gateway-index.js';
import { LeaseWheel } from './lease-wheel.js';
import { takeUserNews, repeatUserNews, type News } from './presence-news.js';
import { looksTheSame, Session, type SessionFacts } from './session.js';
import { TopicIndex } from './topic-index.js';
import { User, without } from './user.js';

export interface PresenceTableLimits {
  /** Sessions; more are refused. */
  readonly sessionsMax: number;
  readonly sessionLeaseMs: number;
}

/** A session as its gateway names it. */
export interface SessionKey {
  readonly userId: bigint;
  readonly sessionId: string;
  readonly gateway: string;
}

/** What became of a session that was put. */
export type PutOutcome = 'changed' | 'unchanged' | 'outdated' | 'full';

interface Partition {
  readonly users: Map<bigint, User>;
  /** Users first heard of while it settles, as far as nothing else was said of them. */
  readonly adopted: Set<User>;
  /** Users that may be offline, which is not said for now. */
  readonly held: Set<User>;
  isSettling: boolean;
  isLeaving: boolean;
}

/** See the top of the file. Times are monotonic ms. */
export class PresenceTable {
  readonly #limits: PresenceTableLimits;
  readonly #partitions = new Map<number, Partition>();
  readonly #wheel = new LeaseWheel();
  readonly #index = new TopicIndex();
  readonly #gateways = new GatewayIndex();
  /** Whose changes are to be said, the longest waiting first. */
  readonly #waiting = new Set<User>();
  /** Who is to be said again though nothing is known to have changed. */
  readonly #repeating = new Set<User>();
  #sessionsCount = 0;
  #usersCount = 0;
  #order = 0;

  constructor(limits: PresenceTableLimits) {
    this.#limits = limits;
  }

  get sessionsCount(): number {
    return this.#sessionsCount;
  }

  get usersCount(): number {
    return this.#usersCount;
  }

  get topicsCount(): number {
    return this.#index.topicsCount;
  }

  /** Users with something to be said. */
  get waitingCount(): number {
    return this.#waiting.size + this.#repeating.size;
  }

  /** Takes a partition; what it may hold already is kept. It settles until `settled`. */
  hold(partition: number): void {
    const known = this.#partitions.get(partition);
    if (known !== undefined) {
      known.isSettling = true;
      known.isLeaving = false;
      return;
    }
    this.#partitions.set(partition, {
      users: new Map(),
      adopted: new Set(),
      held: new Set(),
      isSettling: true,
      isLeaving: false,
    });
  }

  /** The gateways have had the time to put their sessions. */
  settled(partition: number): void {
    const state = this.#partitions.get(partition);
    if (state === undefined || !state.isSettling) return;
    state.isSettling = false;
    for (const user of state.adopted) this.#repeating.add(user);
    state.adopted.clear();
    this.#release(state);
  }

  /** From now on nobody in it is said to be offline: somebody else will know better. */
  leave(partition: number): void {
    const state = this.#partitions.get(partition);
    if (state !== undefined) state.isLeaving = true;
  }

  /** Forgets everything of a partition. Nothing is said. */
  letGo(partition: number): void {
    const state = this.#partitions.get(partition);
    if (state === undefined) return;
    this.#partitions.delete(partition);
    for (const user of state.users.values()) {
      for (const session of user.sessions) this.#unlink(session);
      this.#index.delete(user, user.topicIds);
      this.#waiting.delete(user);
      this.#repeating.delete(user);
    }
    this.#usersCount -= state.users.size;
  }

  holds(partition: number): boolean {
    return this.#partitions.has(partition);
  }

  /**
   * Adds or replaces a session and begins its lease anew. `outdated`: what is known is newer;
   * nothing was done. Of two gateways that name the same session the one that spoke last has it.
   */
  put(
    partition: number,
    who: { readonly userId: bigint; readonly isBot: boolean; readonly gateway: string },
    facts: SessionFacts,
    nowMs: number,
  ): PutOutcome {
    const state = this.#partitions.get(partition)!;
    const known = state.users.get(who.userId);
    const session = known?.find(facts.sessionId);
    if (session === undefined) {
      if (this.#sessionsCount >= this.#limits.sessionsMax) return 'full';
      const user = known ?? this.#addUser(state, who.userId, partition);
      user.isBot = who.isBot;
      this.#addSession(state, user, who.gateway, facts, nowMs);
      return 'changed';
    }
    if (session.gateway === who.gateway) {
      if (facts.revision < session.facts.revision) return 'outdated';
      this.#extend(session, nowMs);
      if (facts.revision === session.facts.revision) return 'unchanged';
    } else {
      this.#gateways.move(session, who.gateway);
      this.#extend(session, nowMs);
    }
    return this.#change(session, facts) ? 'changed' : 'unchanged';
  }

  /** Extends a lease. False: no such session of this gateway. */
  renew(partition: number, key: SessionKey, nowMs: number): boolean {
    const session = this.#find(partition, key);
    if (session === undefined) return false;
    this.#extend(session, nowMs);
    return true;
  }

  /** Ends a session. False: no such session of this gateway. */
  remove(partition: number, key: SessionKey): boolean {
    const session = this.#find(partition, key);
    if (session === undefined) return false;
    this.#end(session);
    return true;
  }

  /**
   * Ends sessions whose leases have run out, at most so many; says how many. When a gateway dies
   * that may be a great part of all, and must not hold up the others.
   */
  expire(nowMs: number, endedMax = Infinity): number {
    const ended = this.#wheel.turn(nowMs, endedMax);
    for (const session of ended) this.#end(session);
    return ended.length;
  }

  /**
   * A gateway is gone: its sessions end at `untilMs` unless they are put or renewed meanwhile. Says
   * how many there are.
   */
  orphan(gateway: string, untilMs: number): number {
    let orphansCount = 0;
    for (const session of this.#gateways.sessionsOf(gateway)) {
      orphansCount += 1;
      if (session.expiresAtMs <= untilMs) continue;
      session.expiresAtMs = untilMs;
      this.#wheel.watch(session);
    }
    return orphansCount;
  }

  /** The gateway was there all along: extends the leases of all its sessions. Says how many. */
  renewAll(gateway: string, nowMs: number): number {
    let renewedCount = 0;
    for (const session of this.#gateways.sessionsOf(gateway)) {
      renewedCount += 1;
      this.#extend(session, nowMs);
    }
    return renewedCount;
  }

  /** Undefined: nobody knows this user. */
  user(partition: number, userId: bigint): User | undefined {
    return this.#partitions.get(partition)?.users.get(userId);
  }

  /** Whether users may be missing that gateways are about to put again. */
  get isSettling(): boolean {
    for (const { isSettling } of this.#partitions.values()) if (isSettling) return true;
    return false;
  }

  /** Who follows a topic and is not offline to others. */
  *onlineIn(topicId: bigint): Iterable<User> {
    for (const user of this.#index.usersOf(topicId)) {
      if (user.presence.status !== 'offline') yield user;
    }
  }

  /** Who follows a topic and is offline to others all the same. */
  *hiddenIn(topicId: bigint): Iterable<User> {
    for (const user of this.#index.usersOf(topicId)) {
      if (user.presence.status === 'offline') yield user;
    }
  }

  /**
   * Hot path. Moves into `news` what is to be said now: changes until there are `eventsMax` events
   * (the last user's may go beyond), and repetitions while there are fewer than `repeatedMax` of
   * these. What is left waits for the next call.
   */
  takeNews(news: News, eventsMax: number, repeatedMax: number): void {
    const changedMax = news.eventsCount + eventsMax;
    for (const user of this.#waiting) {
      if (news.eventsCount >= changedMax) break;
      this.#waiting.delete(user);
      this.#sayChanges(user, news);
    }
    if (repeatedMax === 0) this.#repeating.clear();
    const allMax = news.eventsCount + repeatedMax;
    for (const user of this.#repeating) {
      if (news.eventsCount >= allMax) break;
      this.#repeating.delete(user);
      // What waits will be said anyway, and is newer.
      if (user.told === undefined) repeatUserNews(user, news);
    }
  }

  #sayChanges(user: User, news: News): void {
    const state = this.#partitions.get(user.partition)!;
    const mayGoOffline = !state.isSettling && !state.isLeaving;
    if (!takeUserNews(user, mayGoOffline, news)) {
      state.held.add(user);
      return;
    }
    if (user.sessions.length === 0) this.#forget(state, user);
  }

  #release(state: Partition): void {
    for (const user of state.held) this.#waiting.add(user);
    state.held.clear();
  }

  #forget(state: Partition, user: User): void {
    if (!state.users.delete(user.id)) return;
    this.#usersCount -= 1;
    state.adopted.delete(user);
    this.#repeating.delete(user);
  }

  #find(partition: number, { userId, sessionId, gateway }: SessionKey): Session | undefined {
    const session = this.user(partition, userId)?.find(sessionId);
    return session?.gateway === gateway ? session : undefined;
  }

  #addUser(state: Partition, userId: bigint, partition: number): User {
    const user = new User(userId, partition);
    state.users.set(userId, user);
    this.#usersCount += 1;
    return user;
  }

  #addSession(
    state: Partition,
    user: User,
    gateway: string,
    facts: SessionFacts,
    nowMs: number,
  ): void {
    if (state.isSettling) state.adopted.add(user);
    else this.#willChange(user);
    const session = new Session(user, gateway, withSharedTopics(user, facts));
    session.changedOrder = this.#order += 1;
    user.sessions.push(session);
    this.#sessionsCount += 1;
    this.#gateways.add(session);
    session.expiresAtMs = nowMs + this.#limits.sessionLeaseMs;
    this.#wheel.watch(session);
    this.#followAnew(user);
  }

  /** Says whether anything is different that anybody may see. */
  #change(session: Session, facts: SessionFacts): boolean {
    const { user } = session;
    const next = withSharedTopics(user, facts);
    const isSame = looksTheSame(session.facts, next);
    if (isSame && session.facts.topicIds === next.topicIds) {
      session.facts = next;
      return false;
    }
    this.#willChange(user);
    session.facts = next;
    if (!isSame) session.changedOrder = this.#order += 1;
    const dropped = this.#followAnew(user);
    // Its user left these guilds, and they have been told that; not that it went offline.
    const { told } = user;
    if (told !== undefined && dropped.length > 0) {
      user.told = { ...told, topicIds: without(told.topicIds, dropped) };
    }
    return true;
  }

  #end(session: Session): void {
    const { user } = session;
    this.#willChange(user);
    user.sessions.splice(user.sessions.indexOf(session), 1);
    this.#unlink(session);
    this.#followAnew(user);
  }

  #willChange(user: User): void {
    user.noteBefore();
    this.#partitions.get(user.partition)?.held.delete(user);
    this.#waiting.add(user);
  }

  /** Gives the topics that none of the user's sessions follows any more. */
  #followAnew(user: User): readonly bigint[] {
    const before = user.topicIds;
    const now = user.unionOfTopics();
    if (now === before) return [];
    const dropped = without(before, now);
    user.topicIds = now;
    this.#index.delete(user, dropped);
    this.#index.add(user, without(now, before));
    return dropped;
  }

  #extend(session: Session, nowMs: number): void {
    session.expiresAtMs = nowMs + this.#limits.sessionLeaseMs;
  }

  #unlink(session: Session): void {
    this.#sessionsCount -= 1;
    this.#wheel.forget(session);
    this.#gateways.delete(session);
  }
}

function withSharedTopics(user: User, facts: SessionFacts): SessionFacts {
  const topicIds = user.sharedTopics(facts.topicIds);
  return topicIds === facts.topicIds ? facts : { ...facts, topicIds };
}
