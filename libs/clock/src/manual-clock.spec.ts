import { ManualClock } from './manual-clock.js';

describe('ManualClock', () => {
  it('stands still until it is told to move', () => {
    const clock = new ManualClock(1_000);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000, 0]);

    clock.advance(250);
    expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_250, 250]);
  });

  it('runs timers by due time, and in the order they were set when due together', () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    clock.setTimer(20, () => ran.push('c'));
    clock.setTimer(10, () => ran.push('a'));
    clock.setTimer(20, () => ran.push('d'));
    clock.setTimer(10, () => ran.push('b'));
    clock.setTimer(21, () => ran.push('late'));

    clock.advance(20);

    expect(ran.join('')).toBe('abcd');
    expect(clock.timersCount).toBe(1);
    expect(clock.nextTimerMs).toBe(1);
  });

  it('shows each timer its own due time', () => {
    const clock = new ManualClock(0);
    const seen: number[] = [];
    for (const delayMs of [5, 1, 3]) clock.setTimer(delayMs, () => seen.push(clock.nowMs()));

    clock.advance(10);

    expect(seen).toEqual([1, 3, 5]);
    expect(clock.nowMs()).toBe(10);
  });

  it('runs what timers set, if it falls due on the way', () => {
    const clock = new ManualClock();
    const ran: number[] = [];
    clock.setTimer(4, () => {
      clock.setTimer(4, () => ran.push(clock.monotonicMs()));
      clock.setTimer(7, () => ran.push(clock.monotonicMs()));
      clock.setTimer(-1, () => ran.push(clock.monotonicMs()));
    });

    clock.advance(10);

    expect(ran).toEqual([4, 8]);
  });

  it('repeats until cancelled, also from within', () => {
    const clock = new ManualClock();
    let roundsCount = 0;
    const timer = clock.every(10, () => {
      roundsCount++;
      if (roundsCount === 3) timer.cancel();
    });

    clock.advance(29);
    expect(roundsCount).toBe(2);
    clock.advance(1_000);
    expect(roundsCount).toBe(3);
    expect(clock.timersCount).toBe(0);
  });

  it('does not run what was cancelled, twice or by another timer', () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    const victim = clock.setTimer(10, () => ran.push('victim'));
    clock.setTimer(5, () => {
      victim.cancel();
      victim.cancel();
    });

    clock.advance(20);

    expect(ran).toEqual([]);
    expect(clock.timersCount).toBe(0);
  });

  it('ends the advance when a callback throws, and goes on from there', () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    clock.setTimer(1, () => {
      throw new Error('from the callback');
    });
    clock.setTimer(2, () => ran.push('next'));

    expect(() => clock.advance(10)).toThrow('from the callback');
    expect(clock.monotonicMs()).toBe(1);
    clock.advance(1);
    expect(ran).toEqual(['next']);
  });

  it('lets promises settle between timers when asked to', async () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const wait = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        clock.setTimer(ms, resolve);
      });
    const story = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await wait(10);
        await Promise.resolve();
        seen.push(clock.monotonicMs());
      }
    };
    void story();

    await clock.advanceAsync(30);

    expect(seen).toEqual([10, 20, 30]);
  });

  it('steps wall time without touching durations or timers', () => {
    const clock = new ManualClock(10_000);
    clock.setTimer(100, () => undefined);

    clock.stepWall(-3_000);

    expect([clock.nowMs(), clock.monotonicMs(), clock.nextTimerMs]).toEqual([7_000, 0, 100]);
  });

  it('refuses to go back, and delays that mean nothing', () => {
    const clock = new ManualClock();
    const nothing = (): void => undefined;
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advance(Number.NaN)).toThrow(RangeError);
    expect(() => clock.setTimer(Number.NaN, nothing)).toThrow(RangeError);
    expect(() => clock.every(0, nothing)).toThrow(RangeError);
    expect(() => clock.every(Infinity, nothing)).toThrow(RangeError);
  });

  it('notices timers that set one another without end', () => {
    const clock = new ManualClock();
    const again = (): void => void clock.setTimer(0, again);
    again();
    expect(() => clock.advance(1)).toThrow('keep falling due');
  });
});
