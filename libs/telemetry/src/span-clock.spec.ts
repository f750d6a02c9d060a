import { ManualClock } from '@guildhall/clock';

import { originMsOf, SpanClock } from './span-clock.js';

const START_MS = Date.UTC(2026, 10, 24);

function nanoseconds([seconds, rest]: [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}

describe('originMsOf', () => {
  it('is exact to 2 µs, whenever somebody else has the processor for 2 ms', () => {
    const readingMs = 0.0005;
    const originMs = START_MS + 0.123;
    // A tick of the wall clock is about 2,000 readings away from the next.
    for (let interruptedAt = 0; interruptedAt < 6_000; interruptedAt += 37) {
      let monotonicMs = 77;
      let readingsCount = 0;
      const read = (): number => {
        readingsCount += 1;
        monotonicMs += readingsCount === interruptedAt ? 2 : readingMs;
        return monotonicMs;
      };
      const times = { monotonicMs: read, nowMs: () => Math.floor(originMs + read()) };
      expect(Math.abs(originMsOf(times) - originMs)).toBeLessThan(0.002);
    }
  });

  it('is the same for every search in one process', () => {
    const times = { monotonicMs: () => performance.now(), nowMs: () => Date.now() };
    // 1 ms is what a single pair of readings may be off; a busy machine gets more searches.
    const differences = [1, 2, 3, 4, 5].map(() => Math.abs(originMsOf(times) - originMsOf(times)));
    expect(Math.min(...differences)).toBeLessThan(0.05);
  });
});

describe('SpanClock', () => {
  it('maps a monotonic reading to the nanosecond', () => {
    const clock = new ManualClock(START_MS);
    const spans = new SpanClock(clock);
    clock.advance(1234.567891);
    expect(spans.wallTime(clock.monotonicMs())).toEqual([START_MS / 1000 + 1, 234_567_891]);
    expect(spans.wallTime(0.000001)).toEqual([START_MS / 1000, 1]);
  });

  it('agrees with the wall clock of the real process', () => {
    const spans = new SpanClock();
    const [seconds, rest] = spans.wallTime(spans.nowMs());
    expect(Math.abs(seconds * 1000 + rest / 1e6 - Date.now())).toBeLessThan(50);
  });

  it('follows a forward jump at the next comparison, for new readings only', () => {
    const clock = new ManualClock(START_MS);
    const spans = new SpanClock(clock);
    spans.wallTime(0);
    clock.advance(5_000);
    const earlierMs = clock.monotonicMs();
    const earlier = nanoseconds(spans.wallTime(earlierMs));
    clock.stepWall(3_600_000);
    clock.advance(5_000);
    const later = nanoseconds(spans.wallTime(clock.monotonicMs()));
    expect(later).toBe(BigInt(clock.nowMs()) * 1_000_000n);
    expect(nanoseconds(spans.wallTime(earlierMs))).toBe(earlier);
  });

  it('never runs backwards, whatever the wall clock does, and catches up with it', () => {
    const clock = new ManualClock(START_MS);
    const spans = new SpanClock(clock);
    let previous = 0n;
    for (let step = 0; step < 4_000; step += 1) {
      if (step === 1_000) clock.stepWall(-800);
      if (step === 2_000) clock.stepWall(300);
      clock.advance(37.3);
      const now = nanoseconds(spans.wallTime(clock.monotonicMs()));
      expect(now).toBeGreaterThan(previous);
      previous = now;
    }
    const errorMs = Number(previous / 1_000_000n) - clock.nowMs();
    expect(Math.abs(errorMs)).toBeLessThanOrEqual(2);
  });

  it('does not take an interruption between its two readings for an error', () => {
    let interruptionMs = 0;
    let monotonicMs = 0;
    const interrupted = (reading: () => number): number => {
      const value = reading();
      monotonicMs += interruptionMs;
      return value;
    };
    const spans = new SpanClock({
      monotonicMs: () => interrupted(() => monotonicMs),
      nowMs: () => interrupted(() => START_MS + Math.floor(monotonicMs)),
    });
    for (let step = 0; step < 400; step += 1) {
      monotonicMs += 250;
      const atMs = monotonicMs;
      interruptionMs = 30;
      const wall = nanoseconds(spans.wallTime(atMs));
      interruptionMs = 0;
      expect(wall).toBe(BigInt(START_MS + atMs) * 1_000_000n);
    }
  });

  it('does not chase the granularity of the wall clock', () => {
    const clock = new ManualClock(START_MS);
    const spans = new SpanClock(clock);
    for (let step = 0; step < 100; step += 1) {
      clock.advance(1_000.9);
      const expected =
        BigInt(START_MS) * 1_000_000n + BigInt(Math.round(clock.monotonicMs() * 1e6));
      const off = nanoseconds(spans.wallTime(clock.monotonicMs())) - expected;
      expect(off >= -1n && off <= 1n).toBe(true);
    }
  });
});
