import type { Activity, Presence, PresenceStatus } from './client-payloads.js';
import type { Fields } from './fields.js';
import {
  fields,
  flag,
  isFields,
  isSaid,
  list,
  Refusal,
  shortText,
  snowflakeOrNull,
  string,
  timeMs,
} from './fields.js';
import { ACTIVITIES_MAX, ACTIVITY_TEXT_LENGTH_MAX, ACTIVITY_URL_LENGTH_MAX } from './limits.js';

const STATUSES: ReadonlySet<string> = new Set<PresenceStatus>([
  'online',
  'idle',
  'dnd',
  'invisible',
  'offline',
  'unknown',
]);
const ACTIVITY_TYPE_MAX = 6;

/**
 * The `d` of UPDATE_PRESENCE and the `presence` of IDENTIFY. A status nobody defined is refused; a
 * missing one is online; missing activities (one library sends null) are none. Throws `Refusal`.
 */
export function parsePresence(value: unknown): Presence {
  const presence = fields(value, 'presence');
  const activities = isSaid(presence['activities'])
    ? list(presence['activities'], 'activities')
    : [];
  return {
    status: status(presence['status']),
    isAfk: flag(presence['afk']),
    sinceMs: timeMs(presence['since']),
    activities: activities.slice(0, ACTIVITIES_MAX).map(activity),
  };
}

function status(value: unknown): PresenceStatus {
  if (!isSaid(value)) return 'online';
  const name = string(value, 'status');
  if (!STATUSES.has(name)) throw new Refusal('status is unknown');
  return name as PresenceStatus;
}

function activity(value: unknown): Activity {
  const said = fields(value, 'activity');
  return {
    name: shortText(string(said['name'], 'activity name'), ACTIVITY_TEXT_LENGTH_MAX)!,
    type: activityType(said['type']),
    state: shortText(said['state'], ACTIVITY_TEXT_LENGTH_MAX),
    url: shortText(said['url'], ACTIVITY_URL_LENGTH_MAX),
    details: shortText(said['details'], ACTIVITY_TEXT_LENGTH_MAX),
    applicationId: snowflakeOrNull(said['application_id']),
    createdAtMs: timeMs(said['created_at']),
    timestamps: isFields(said['timestamps']) ? timestamps(said['timestamps']) : null,
    emoji: isFields(said['emoji']) ? emoji(said['emoji']) : null,
  };
}

function activityType(value: unknown): number {
  if (!isSaid(value)) return 0;
  if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > ACTIVITY_TYPE_MAX) {
    throw new Refusal('activity type is unknown');
  }
  return value as number;
}

function timestamps(said: Fields): NonNullable<Activity['timestamps']> {
  return { startMs: timeMs(said['start']), endMs: timeMs(said['end']) };
}

function emoji(said: Fields): Activity['emoji'] {
  const name = shortText(said['name'], ACTIVITY_TEXT_LENGTH_MAX);
  if (name === null) return null;
  return { name, id: snowflakeOrNull(said['id']), isAnimated: flag(said['animated']) };
}
