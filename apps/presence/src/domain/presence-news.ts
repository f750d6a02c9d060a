// What is said of a user at the end of a window: PRESENCE_UPDATE to each topic for which something
// is different, SESSIONS_REPLACE to the user itself; and, since an invisible user looks the same as
// one that is not there, whose last session has ended. All events of one window for one topic leave
// together.
import type { MergedPresence } from './presence-merge.js';
import { isSamePresence, without, type User } from './user.js';

/** One ephemeral event. */
export interface PresenceEvent {
  readonly type: 'PRESENCE_UPDATE' | 'SESSIONS_REPLACE';
  readonly userId: bigint;
  /** The dispatch's `d`, JSON. */
  readonly data: string;
}

/** The events of a window by topic, in the order in which they were found. */
export class News {
  readonly eventsByTopic = new Map<bigint, PresenceEvent[]>();
  /** By topic, whose last sessions have ended, seen or unseen. One event tells of all of them. */
  readonly goneByTopic = new Map<bigint, bigint[]>();
  eventsCount = 0;

  get isEmpty(): boolean {
    return this.eventsCount === 0;
  }

  add(topicId: bigint, event: PresenceEvent): void {
    const events = this.eventsByTopic.get(topicId);
    if (events === undefined) this.eventsByTopic.set(topicId, [event]);
    else events.push(event);
    this.eventsCount += 1;
  }

  /** Costs few bytes, and yet counts: somebody unseen has no other event. */
  addGone(topicId: bigint, userId: bigint): void {
    const userIds = this.goneByTopic.get(topicId);
    if (userIds === undefined) this.goneByTopic.set(topicId, [userId]);
    else userIds.push(userId);
    this.eventsCount += 1;
  }
}

const OFFLINE = '"status":"offline","activities":[],"client_status":{}}';

/**
 * Hot path. Says what is different since the user was last told of, and takes that as told. False
 * when it would say that somebody went offline, or is gone, and that may not be: then nothing was
 * said.
 */
export function takeUserNews(user: User, mayGoOffline: boolean, news: News): boolean {
  const { told } = user;
  if (told === undefined) return true;
  const { presence, topicIds } = user;
  const isOnline = presence.status !== 'offline';
  const wasOnline = told.presence.status !== 'offline';
  const knowing = wasOnline ? told.topicIds : [];
  const gone = wasOnline ? without(knowing, isOnline ? topicIds : []) : [];
  const isGone = user.sessions.length === 0 && told.topicIds.length > 0;
  if ((gone.length > 0 || isGone) && !mayGoOffline) return false;
  user.told = undefined;
  if (isOnline) {
    const isSame = wasOnline && isSamePresence(told.presence, presence);
    tell(user, isSame ? without(topicIds, knowing) : topicIds, textOf(presence), news);
  }
  tell(user, gone, OFFLINE, news);
  if (isGone) for (const topicId of told.topicIds) news.addGone(topicId, user.id);
  if (user.isBot || user.sessions.length === 0) return true;
  const { sessions } = user.standing;
  if (sessions !== told.sessions) {
    news.add(user.id, { type: 'SESSIONS_REPLACE', userId: user.id, data: sessions });
  }
  return true;
}

/** Says all that is so of a user that is not offline, whether or not it was said before. */
export function repeatUserNews(user: User, news: News): void {
  const { presence, standing } = user;
  if (presence.status !== 'offline') tell(user, user.topicIds, textOf(presence), news);
  if (user.isBot || user.sessions.length === 0) return;
  news.add(user.id, { type: 'SESSIONS_REPLACE', userId: user.id, data: standing.sessions });
}

function tell(user: User, topicIds: readonly bigint[], text: string, news: News): void {
  const userId = user.id;
  const head = `{"user":{"id":"${userId}"},"guild_id":"`;
  for (const topicId of topicIds) {
    news.add(topicId, { type: 'PRESENCE_UPDATE', userId, data: `${head}${topicId}",${text}` });
  }
}

function textOf({ status, activities, clientStatus }: MergedPresence): string {
  return `"status":"${status}","activities":${activities},"client_status":${clientStatus}}`;
}
