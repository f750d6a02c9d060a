import { paceFor, warmUpRoundsAt } from './pace.js';

describe('paceFor', () => {
  it('keeps deliveries a second level', () => {
    expect(paceFor(1_500, 1)).toEqual({ turnsCount: 12, eventsPerTurn: 1, intervalMs: 100 });
    expect(paceFor(15_000, 1)).toEqual({ turnsCount: 2, eventsPerTurn: 1, intervalMs: 1_000 });
    expect(paceFor(1_500, 8)).toEqual({ turnsCount: 2, eventsPerTurn: 8, intervalMs: 800 });
  });

  it('has bounds at both ends', () => {
    expect(paceFor(1, 1).intervalMs).toBe(20);
    expect(paceFor(18_000, 8)).toMatchObject({ turnsCount: 2, intervalMs: 2_000 });
  });
});

describe('warmUpRoundsAt', () => {
  it('has as many turns everywhere, and at least one window', () => {
    expect(warmUpRoundsAt(paceFor(1_500, 1))).toBe(1);
    expect(warmUpRoundsAt(paceFor(18_000, 8))).toBe(6);
    expect(warmUpRoundsAt(paceFor(1, 1))).toBe(1);
  });
});
