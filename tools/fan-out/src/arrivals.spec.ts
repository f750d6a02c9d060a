import { Arrivals, laterOf } from './arrivals.js';

describe('Arrivals', () => {
  it('is complete when every recipient has every event', () => {
    const arrivals = new Arrivals(2, 3);
    for (const index of [0, 0, 1, 0, 1]) arrivals.add(index, 5);
    expect(arrivals.isComplete).toBe(false);
    arrivals.add(1, 9);
    expect(arrivals.isComplete).toBe(true);
    expect(arrivals.received).toBe(6);
  });

  it('remembers the last arrival of each event', () => {
    const arrivals = new Arrivals(2, 2);
    arrivals.add(0, 1);
    arrivals.add(1, 2);
    arrivals.add(0, 3);
    expect(arrivals.lastAtMs()).toEqual([3, 2]);
  });

  it('counts what nobody published apart', () => {
    const arrivals = new Arrivals(1, 1);
    arrivals.add(0, 1);
    arrivals.add(1, 2);
    expect([arrivals.received, arrivals.surplus, arrivals.isComplete]).toEqual([1, 1, true]);
  });

  it('takes the later time of two groups', () => {
    expect(laterOf([1, 5], [2, 4])).toEqual([2, 5]);
  });
});
