// How fast events are published: slow enough that nothing queues, long enough for a figure.
import type { Pace } from './measure.js';

/** Deliveries a second that leave both cores mostly idle. */
const DELIVERIES_PER_SECOND = 15_000;
const INTERVAL_MIN_MS = 20;
/** Rarer turns would take more time than they are worth. */
const INTERVAL_MAX_MS = 2_000;
/** One window: short, so that targets take turns often. */
const WINDOW_MS = 1_200;
const TURNS_MIN = 2;
/** A gateway that has just started has compiled what it does by then, and collected its garbage. */
const WARM_UP_TURNS = 12;

/** The pace of one window at so many sessions. Pure. */
export function paceFor(sessionsCount: number, eventsPerTurn: number): Pace {
  const levelMs = Math.round((sessionsCount * eventsPerTurn * 1000) / DELIVERIES_PER_SECOND);
  const intervalMs = Math.min(INTERVAL_MAX_MS, Math.max(INTERVAL_MIN_MS, levelMs));
  const turnsCount = Math.max(TURNS_MIN, Math.round(WINDOW_MS / intervalMs));
  return { turnsCount, eventsPerTurn, intervalMs };
}

/** How many windows of a pace come before those that count. Pure. */
export function warmUpRoundsAt({ turnsCount }: Pace): number {
  return Math.ceil(WARM_UP_TURNS / turnsCount);
}
