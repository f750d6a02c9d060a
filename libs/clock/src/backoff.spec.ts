import { Backoff, backoffMs, sleep } from './backoff.js';
import { ManualClock } from './manual-clock.js';

const longest = (): number => 1;
const shortest = (): number => 0;

describe('backoffMs', () => {
  it('doubles up to the cap', () => {
    const options = { firstMs: 100, capMs: 1_000, random: longest };
    const waits = [0, 1, 2, 3, 4, 5_000].map((attempt) => backoffMs(attempt, options));
    expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it('waits at least half as long, so that chance never means at once', () => {
    expect(backoffMs(2, { firstMs: 100, capMs: 1_000, random: shortest })).toBe(200);
  });

  it('grows by the factor it is given', () => {
    const options = { firstMs: 10, capMs: 1_000, factor: 3, random: longest };
    expect(backoffMs(2, options)).toBe(90);
  });
});

describe('Backoff', () => {
  it('grows with each failure and starts small after a success', () => {
    const backoff = new Backoff({ firstMs: 50, capMs: 300, random: longest });
    expect([1, 2, 3, 4].map(() => backoff.nextMs())).toEqual([50, 100, 200, 300]);
    expect(backoff.attemptsCount).toBe(4);

    backoff.reset();
    expect([backoff.attemptsCount, backoff.nextMs()]).toEqual([0, 50]);
  });
});

describe('sleep', () => {
  it('ends when its time has come', async () => {
    const clock = new ManualClock();
    let isAwake = false;
    const slept = sleep(clock, 100).then(() => (isAwake = true));

    await clock.advanceAsync(99);
    expect(isAwake).toBe(false);
    await clock.advanceAsync(1);
    await slept;
    expect(isAwake).toBe(true);
  });

  it('ends with the reason when told to, and leaves no timer', async () => {
    const clock = new ManualClock();
    const controller = new AbortController();
    const slept = sleep(clock, 100, controller.signal);
    const reason = new Error('draining');

    controller.abort(reason);

    await expect(slept).rejects.toBe(reason);
    expect(clock.timersCount).toBe(0);
  });

  it('does not begin when it was told already', async () => {
    const clock = new ManualClock();
    const reason = new Error('draining');
    await expect(sleep(clock, 100, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(clock.timersCount).toBe(0);
  });

  it('does not hold on to the signal afterwards', async () => {
    const clock = new ManualClock();
    const { signal } = new AbortController();
    const removed = jest.spyOn(signal, 'removeEventListener');
    const slept = sleep(clock, 1, signal);
    clock.advance(1);
    await slept;
    expect(removed).toHaveBeenCalledTimes(1);
  });
});
