import { Deadline } from './deadline.js';
import { ManualClock } from './manual-clock.js';

describe('Deadline', () => {
  it('counts down to nothing and stays there', () => {
    const clock = new ManualClock();
    const deadline = Deadline.after(clock, 100);

    expect([deadline.remainingMs(), deadline.isExpired()]).toEqual([100, false]);
    clock.advance(99);
    expect([deadline.remainingMs(), deadline.isExpired()]).toEqual([1, false]);
    clock.advance(1);
    expect([deadline.remainingMs(), deadline.isExpired()]).toEqual([0, true]);
    clock.advance(50);
    expect([deadline.remainingMs(), deadline.isExpired()]).toEqual([0, true]);
  });

  it('does not care what wall time does', () => {
    const clock = new ManualClock();
    const deadline = Deadline.after(clock, 100);
    clock.stepWall(3_600_000);
    expect(deadline.remainingMs()).toBe(100);
  });

  it('may have passed from the start', () => {
    expect(Deadline.after(new ManualClock(), -5).isExpired()).toBe(true);
  });
});
