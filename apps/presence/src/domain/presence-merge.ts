// Several sessions of one user, as one presence.
//
// Status: dnd, then online, then idle, then invisible. `dnd` is only ever said on purpose, while
// `online` is what a client says that was left running, so it must not undo a `dnd` said elsewhere;
// `online` beats `idle` since somebody is there; and who is visible anywhere is visible. Invisible
// sessions alone are `offline` to others, and show neither client nor activity.
//
// Activities are one session's, not a sum: those of the session that changed last among the visible
// ones that have any, a session in use before one that is idle or away.
import type { Session, SessionStatus } from './session.js';

/** What others see. */
export interface MergedPresence {
  readonly status: 'online' | 'idle' | 'dnd' | 'offline';
  /** A JSON array. */
  readonly activities: string;
  /** A JSON object {desktop?, mobile?, web?}. */
  readonly clientStatus: string;
}

const OFFLINE: MergedPresence = Object.freeze({
  status: 'offline',
  activities: '[]',
  clientStatus: '{}',
});

const CLIENT_KINDS = ['desktop', 'mobile', 'web'] as const;
const RANKS: Readonly<Record<SessionStatus, number>> = { invisible: 0, idle: 1, online: 2, dnd: 3 };
/** As many as a client is told of, the pseudo-session included. */
const SESSIONS_MAX = 15;

/** Hot path. What others see of these sessions; the same object for everybody who is offline. */
export function mergePresence(sessions: readonly Session[]): MergedPresence {
  const status = bestStatus(sessions);
  if (status === 'invisible') return OFFLINE;
  return { status, activities: mergedActivities(sessions), clientStatus: clientStatus(sessions) };
}

/**
 * SESSIONS_REPLACE's `d`, as text: the latest first, before them, when there are several, the
 * pseudo-session `all` with what is shown of them together. At most 15.
 */
export function sessionsJson(sessions: readonly Session[]): string {
  const latestFirst = [...sessions].sort((a, b) => b.changedOrder - a.changedOrder);
  const all = sessions.length > 1 ? [allTogether(latestFirst)] : [];
  const each = latestFirst.slice(0, SESSIONS_MAX - all.length).map((session) => {
    const { status, activities, client, clientOs } = session.facts;
    return sessionJson(session.id, status, activities, { client, os: clientOs }, session.isActive);
  });
  return `[${[...all, ...each].join(',')}]`;
}

function allTogether(sessions: readonly Session[]): string {
  const status = bestStatus(sessions);
  const activities = status === 'invisible' ? '[]' : mergedActivities(sessions);
  const isActive = sessions.some((session) => session.isActive);
  return sessionJson('all', status, activities, { client: 'unknown', os: 'unknown' }, isActive);
}

function sessionJson(
  id: string,
  status: SessionStatus,
  activities: string,
  client: { readonly client: string; readonly os: string },
  isActive: boolean,
): string {
  const info = JSON.stringify({ ...client, version: 0 });
  return (
    `{"session_id":${JSON.stringify(id)},"status":"${status}","activities":${activities},` +
    `"hidden_activities":[],"client_info":${info},"active":${isActive}}`
  );
}

function bestStatus(sessions: Iterable<Session>): SessionStatus {
  let best: SessionStatus = 'invisible';
  for (const { facts } of sessions) if (RANKS[facts.status] > RANKS[best]) best = facts.status;
  return best;
}

function mergedActivities(sessions: readonly Session[]): string {
  let chosen: Session | undefined;
  for (const session of sessions) {
    if (session.facts.status === 'invisible' || session.facts.activities === '[]') continue;
    if (chosen === undefined || isChosenOver(session, chosen)) chosen = session;
  }
  return chosen?.facts.activities ?? '[]';
}

function isChosenOver(session: Session, other: Session): boolean {
  if (session.isActive !== other.isActive) return session.isActive;
  return session.changedOrder > other.changedOrder;
}

function clientStatus(sessions: readonly Session[]): string {
  let members = '';
  for (const kind of CLIENT_KINDS) {
    let best: SessionStatus = 'invisible';
    for (const { facts } of sessions) {
      if (facts.client === kind && RANKS[facts.status] > RANKS[best]) best = facts.status;
    }
    if (best === 'invisible') continue;
    members += `${members === '' ? '' : ','}"${kind}":"${best}"`;
  }
  return `{${members}}`;
}
