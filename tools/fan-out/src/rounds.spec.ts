import { cellOf } from './rounds.js';

const target = {
  name: 'x',
  sinks: [
    { dialect: { name: 'bare' as const }, port: 1, connectionsCount: 10, identities: [] },
    { dialect: { name: 'bare' as const }, port: 2, connectionsCount: 5, identities: [] },
  ],
};
const pace = { turnsCount: 2, eventsPerTurn: 1, intervalMs: 1 };
const windowOf = (cpuNs: number, latenciesMs: number[]) => {
  return { deliveries: 100, cpuNs, wallMs: 10, bytes: 30_000, latenciesMs };
};

describe('cellOf', () => {
  it('compares with the floor of the same round', () => {
    const windows = [windowOf(400_000, [1, 2]), windowOf(900_000, [3, 4])];
    const cell = cellOf(target, pace, windows, [2_000, 3_000]);
    // 2 and 3 times the floor: that the machine was slower in the second round does not show.
    expect(cell.toFloor).toBe(2.5);
    expect(cell).toMatchObject({ sessions: 15, deliveries: 200, nsPerDelivery: 6_500 });
    expect(cell).toMatchObject({ bytesPerDelivery: 300, lastP50Ms: 3, lastP99Ms: 4 });
  });

  it('has no ratio without a floor', () => {
    expect(cellOf(target, pace, [windowOf(1, [1])], []).toFloor).toBeNaN();
  });
});
