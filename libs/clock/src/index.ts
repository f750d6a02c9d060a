export { Backoff, backoffMs, sleep } from './backoff.js';
export type { BackoffOptions } from './backoff.js';
export type { Clock, Timer } from './clock.js';
export { Deadline } from './deadline.js';
export { ManualClock } from './manual-clock.js';
export { SystemClock } from './system-clock.js';
export type { SystemClockOptions } from './system-clock.js';
