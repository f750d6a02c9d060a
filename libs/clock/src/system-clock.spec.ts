import { SystemClock } from './system-clock.js';

describe('SystemClock', () => {
  const clock = new SystemClock();

  it('tells whole ms since 1970, and durations that never shrink', () => {
    expect(Number.isInteger(clock.nowMs())).toBe(true);
    expect(Math.abs(clock.nowMs() - Date.now())).toBeLessThan(1_000);
    const first = clock.monotonicMs();
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });

  it('calls back, not before its time', async () => {
    const startMs = clock.monotonicMs();
    await new Promise<void>((resolve) => {
      clock.setTimer(15, resolve);
    });
    // Node rounds its timers to whole ms.
    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(14);
  });

  it('calls back again and again until cancelled', async () => {
    let roundsCount = 0;
    await new Promise<void>((resolve) => {
      const timer = clock.every(1, () => {
        if (++roundsCount < 3) return;
        timer.cancel();
        timer.cancel();
        resolve();
      });
    });
    await new Promise<void>((resolve) => {
      clock.setTimer(10, resolve);
    });
    expect(roundsCount).toBe(3);
  });

  it('does not call back when cancelled', async () => {
    let called = false;
    clock.setTimer(0, () => (called = true)).cancel();
    await new Promise<void>((resolve) => {
      clock.setTimer(5, resolve);
    });
    expect(called).toBe(false);
  });

  it('waits out delays that Node would turn into one ms', () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    try {
      let calledCount = 0;
      clock.setTimer(2 ** 31 + 5_000, () => calledCount++);
      jest.advanceTimersByTime(2 ** 31 + 4_999);
      expect(calledCount).toBe(0);
      jest.advanceTimersByTime(1);
      expect(calledCount).toBe(1);

      const cancelled = clock.setTimer(2 ** 32, () => calledCount++);
      jest.advanceTimersByTime(2 ** 31 + 1);
      cancelled.cancel();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('keeps the process alive only unless told otherwise', () => {
    const made: NodeJS.Timeout[] = [];
    const real = globalThis.setTimeout;
    const watch = jest.spyOn(globalThis, 'setTimeout').mockImplementation(((
      ...args: Parameters<typeof setTimeout>
    ) => {
      const handle = real(...args);
      made.push(handle);
      return handle;
    }) as typeof setTimeout);
    const timers = [
      clock.setTimer(60_000, () => undefined),
      new SystemClock({ unrefTimers: true }).setTimer(60_000, () => undefined),
    ];
    watch.mockRestore();

    expect(made.map((handle) => handle.hasRef())).toEqual([true, false]);
    for (const timer of timers) timer.cancel();
  });
});
