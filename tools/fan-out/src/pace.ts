// How fast events are published: slow enough that nothing queues, long enough for a figure.
import type { Pace } from './measure.js';

/** Deliveries a second that leave both cores mostly idle, also when each is compressed. */
const DELIVERIES_PER_SECOND = 15_000;
const COSTLY_DELIVERIES_PER_SECOND = 9_000;
const INTERVAL_MIN_MS = 20;
/** Rarer turns would take more time than they are worth. */
const INTERVAL_MAX_MS = 2_000;
/** A turn that costs many times as much must have ended before the next, or they become one. */
const COSTLY_INTERVAL_MAX_MS = 16_000;
/** One window: short, so that targets take turns often. */
const WINDOW_MS = 1_200;
const TURNS_MIN = 2;

/** The pace of one window at so many sessions. `isCostly`: each delivery is compressed. Pure. */
export function paceFor(sessionsCount: number, eventsPerTurn: number, isCostly: boolean): Pace {
  const perSecond = isCostly ? COSTLY_DELIVERIES_PER_SECOND : DELIVERIES_PER_SECOND;
  const levelMs = Math.round((sessionsCount * eventsPerTurn * 1000) / perSecond);
  const intervalMaxMs = isCostly ? COSTLY_INTERVAL_MAX_MS : INTERVAL_MAX_MS;
  const intervalMs = Math.min(intervalMaxMs, Math.max(INTERVAL_MIN_MS, levelMs));
  const turnsCount = Math.max(TURNS_MIN, Math.round(WINDOW_MS / intervalMs));
  return { turnsCount, eventsPerTurn, intervalMs };
}
