import { paceFor } from './pace.js';

describe('paceFor', () => {
  it('keeps deliveries a second level', () => {
    expect(paceFor(1_500, 1, false)).toEqual({ turnsCount: 12, eventsPerTurn: 1, intervalMs: 100 });
    expect(paceFor(15_000, 1, false)).toEqual({
      turnsCount: 2,
      eventsPerTurn: 1,
      intervalMs: 1_000,
    });
    expect(paceFor(1_500, 8, true)).toEqual({ turnsCount: 2, eventsPerTurn: 8, intervalMs: 1_333 });
  });

  it('has bounds at both ends', () => {
    expect(paceFor(1, 1, true).intervalMs).toBe(20);
    expect(paceFor(18_000, 8, false)).toMatchObject({ turnsCount: 2, intervalMs: 2_000 });
    expect(paceFor(18_000, 8, true)).toMatchObject({ turnsCount: 2, intervalMs: 16_000 });
    expect(paceFor(28_000, 8, true).intervalMs).toBe(16_000);
  });
});
