import type { SessionPresence } from '@guildhall/contracts';
import type { SessionFacts, SessionStatus } from '../domain/session.js';

const decoder = new TextDecoder('utf-8', { fatal: true });
const NONE = '[]';

/**
 * A session as the table wants it. Activities that are too large or no JSON array are left out, and
 * `leftOut` is told.
 */
export function sessionFacts(
  session: SessionPresence,
  activitiesBytesMax: number,
  leftOut: () => void,
): SessionFacts {
  const activities = activitiesText(session.activitiesJson, activitiesBytesMax);
  if (activities === undefined) leftOut();
  return {
    sessionId: session.sessionId,
    status: statusOf(session.status),
    activities: activities ?? NONE,
    client: session.client,
    clientOs: session.clientOs,
    isAfk: session.afk,
    topicIds: distinct(session.topicIds),
    revision: session.revision,
  };
}

/** What clients may say besides means that they want to be seen, but for `offline`. */
function statusOf(status: string): SessionStatus {
  if (status === 'idle' || status === 'dnd' || status === 'invisible') return status;
  return status === 'offline' ? 'invisible' : 'online';
}

/** Checked once here, since it is put into what everybody is sent. */
function activitiesText(bytes: Uint8Array, bytesMax: number): string | undefined {
  if (bytes.length <= NONE.length) return NONE;
  if (bytes.length > bytesMax) return undefined;
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return undefined;
    return value.length === 0 ? NONE : text;
  } catch {
    return undefined;
  }
}

function distinct(ids: readonly bigint[]): readonly bigint[] {
  const set = new Set(ids);
  return set.size === ids.length ? ids : [...set];
}
