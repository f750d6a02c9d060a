// When a span starts and ends, in wall time that is fit for arithmetic.
//
// Code measures with the monotonic clock (`performance.now()`, milliseconds), which costs no
// allocation and never jumps. A span wants nanoseconds since 1970. The mapping between the two is
//
//   wall = origin + monotonic
//
// with the origin taken once at start. All processes of one machine then agree to microseconds,
// and a child of half a millisecond in another process lies inside its parent. (Node's own
// `timeOrigin` is not that good: its two readings are taken while a process starts, and it is
// off by whatever interrupts it between them.) Every ten seconds the mapping is compared with
// the wall clock: a difference within the wall clock's own granularity is ignored, a small one
// is worked off by running up to 10 % faster or slower, and only a forward jump (the machine
// slept) is followed at once. So time never runs backwards, and
// earlier readings are still mapped as they would have been then.

import { performance } from 'node:perf_hooks';

import type { Clock } from '@guildhall/clock';

/** Seconds since 1970 and nanoseconds within the second: OpenTelemetry's HrTime. */
export type WallTime = [seconds: number, nanoseconds: number];

/** The two times of a process, as a `Clock` gives them, in milliseconds. */
export type ClockReadings = Pick<Clock, 'nowMs' | 'monotonicMs'>;

const REANCHOR_MS = 10_000;
const GRANULARITY_MS = 2;
/** What a wall clock in whole ms leaves out. */
const WALL_TICK_MS = 1;
const STEP_MS = 1_000;
const SLEW_MAX = 0.1;
const SEGMENTS_MAX = 8;
/** Long enough for a few ticks of a wall clock in ms, so that one is seen without interruption. */
const ORIGIN_SEARCH_MS = 5;

/** From `fromMs` (monotonic) on: wall = `offsetMs` + m + (m - fromMs) * slew, slewing for 10 s. */
interface Segment {
  readonly fromMs: number;
  readonly offsetMs: number;
  readonly slew: number;
}

const processTimes: ClockReadings = {
  monotonicMs: () => performance.now(),
  nowMs: () => Date.now(),
};

/** Of this process: found once, since it takes a few ms of doing nothing else. */
let processOriginMs: number | undefined;

/**
 * The wall time, ms, at which the monotonic clock read 0, to the microsecond, from a wall clock
 * that shows whole milliseconds. A wall reading is never later than the truth, and a monotonic one
 * taken after it never earlier: each pair gives an origin that is too early or right, and right it
 * is for one taken just when the wall clock ticks. So the latest of many is taken. Keeps the
 * processor busy for 5 ms.
 */
export function originMsOf(times: ClockReadings): number {
  let latestMs = -Infinity;
  const untilMs = times.monotonicMs() + ORIGIN_SEARCH_MS;
  for (let monotonicMs = -Infinity; monotonicMs < untilMs;) {
    const wallMs = times.nowMs();
    monotonicMs = times.monotonicMs();
    latestMs = Math.max(latestMs, wallMs - monotonicMs);
  }
  return latestMs;
}

/** Maps readings of the monotonic clock to wall time; later readings never map to earlier times. */
export class SpanClock {
  readonly #times: ClockReadings;
  /** The whole second below the origin; kept apart so that nanoseconds survive the addition. */
  readonly #originSeconds: number;
  readonly #segments: Segment[];
  #comparedAtMs: number;

  /** @param times Of this process unless told. */
  constructor(times: ClockReadings = processTimes) {
    this.#times = times;
    const originMs =
      times === processTimes
        ? (processOriginMs ??= originMsOf(times))
        : times.nowMs() - times.monotonicMs();
    this.#originSeconds = Math.floor(originMs / 1000);
    const offsetMs = originMs - this.#originSeconds * 1000;
    this.#segments = [{ fromMs: -Infinity, offsetMs, slew: 0 }];
    this.#comparedAtMs = -Infinity;
  }

  /** Hot path. The monotonic reading to hand to `wallTime` later, in milliseconds. */
  nowMs(): number {
    return this.#times.monotonicMs();
  }

  /** The wall time of a monotonic reading, now or earlier. */
  wallTime(monotonicMs: number): WallTime {
    const nowMs = this.#times.monotonicMs();
    if (nowMs - this.#comparedAtMs >= REANCHOR_MS) this.#reanchor(nowMs);
    const sinceOriginMs = this.#map(monotonicMs);
    let seconds = Math.floor(sinceOriginMs / 1000);
    let nanoseconds = Math.round((sinceOriginMs - seconds * 1000) * 1e6);
    if (nanoseconds === 1e9) {
      seconds += 1;
      nanoseconds = 0;
    }
    return [this.#originSeconds + seconds, nanoseconds];
  }

  #map(monotonicMs: number): number {
    let at = this.#segments.length - 1;
    while (at > 0 && this.#segments[at]!.fromMs > monotonicMs) at -= 1;
    const { fromMs, offsetMs, slew } = this.#segments[at]!;
    if (slew === 0) return offsetMs + monotonicMs;
    return offsetMs + monotonicMs + Math.min(monotonicMs - fromMs, REANCHOR_MS) * slew;
  }

  /**
   * How far the mapping is behind the wall clock, at least; 0 when it may well be right. The
   * process may be interrupted between the readings: what they differ by for that is no error.
   */
  #errorMs(): number {
    const before = this.#map(this.#times.monotonicMs());
    const wallMs = this.#times.nowMs() - this.#originSeconds * 1000;
    const after = this.#map(this.#times.monotonicMs());
    if (wallMs > after) return wallMs - after;
    return Math.min(0, wallMs + WALL_TICK_MS - before);
  }

  #reanchor(nowMs: number): void {
    this.#comparedAtMs = nowMs;
    const mapped = this.#map(nowMs);
    const errorMs = this.#errorMs();
    const current = this.#segments.at(-1)!;
    const steps = errorMs >= STEP_MS;
    const isClose = Math.abs(errorMs) < GRANULARITY_MS;
    const slew =
      steps || isClose ? 0 : Math.max(-SLEW_MAX, Math.min(SLEW_MAX, errorMs / REANCHOR_MS));
    if (!steps && slew === 0 && current.slew === 0) return;
    this.#segments.push({ fromMs: nowMs, offsetMs: mapped - nowMs + (steps ? errorMs : 0), slew });
    // The oldest that is kept then also answers for what came before it.
    if (this.#segments.length > SEGMENTS_MAX) this.#segments.shift();
  }
}
