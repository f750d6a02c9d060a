import { ManualClock } from '@guildhall/clock';
import { RateLimits } from './rate-limits.js';

const FIVE = { limit: 5, windowMs: 1_000 };

describe('RateLimits', () => {
  it('lets so many through in a window that the first one opens', () => {
    const clock = new ManualClock();
    const limits = new RateLimits({ clock, keysMax: 100 });
    clock.advance(123);
    const remaining = Array.from({ length: 5 }, () => limits.take('a', FIVE).remaining);
    expect(remaining).toEqual([4, 3, 2, 1, 0]);
    clock.advance(400);
    expect(limits.take('a', FIVE)).toEqual({
      isAllowed: false,
      limit: 5,
      remaining: 0,
      resetAfterMs: 600,
    });
    clock.advance(599);
    expect(limits.take('a', FIVE).isAllowed).toBe(false);
    clock.advance(1);
    expect(limits.take('a', FIVE)).toMatchObject({ isAllowed: true, remaining: 4 });
  });

  it('counts each key by itself', () => {
    const limits = new RateLimits({ clock: new ManualClock(), keysMax: 100 });
    for (let n = 0; n < 5; n++) limits.take('a', FIVE);
    expect(limits.take('a', FIVE).isAllowed).toBe(false);
    expect(limits.take('b', FIVE).isAllowed).toBe(true);
  });

  it('does not mind the wall clock', () => {
    const clock = new ManualClock();
    const limits = new RateLimits({ clock, keysMax: 100 });
    for (let n = 0; n < 5; n++) limits.take('a', FIVE);
    clock.stepWall(-3_600_000);
    expect(limits.take('a', FIVE).resetAfterMs).toBe(1_000);
    clock.stepWall(7_200_000);
    expect(limits.take('a', FIVE).isAllowed).toBe(false);
  });

  it('peeks without counting', () => {
    const limits = new RateLimits({ clock: new ManualClock(), keysMax: 100 });
    for (let n = 0; n < 9; n++) expect(limits.peek('a', FIVE).isAllowed).toBe(true);
    expect(limits.keysCount).toBe(0);
    for (let n = 0; n < 5; n++) limits.take('a', FIVE);
    expect(limits.peek('a', FIVE).isAllowed).toBe(false);
  });

  it('is bounded, and keeps whoever keeps asking', () => {
    const limits = new RateLimits({ clock: new ManualClock(), keysMax: 100 });
    for (let n = 0; n < 5; n++) limits.take('busy', FIVE);
    for (let n = 0; n < 10_000; n++) {
      limits.take(`passer-by ${n}`, FIVE);
      if (n % 20 === 0) expect(limits.take('busy', FIVE).isAllowed).toBe(false);
      expect(limits.keysCount).toBeLessThanOrEqual(100);
    }
  });
});
