import { describeCells, describeWeights, tableOf } from './report.js';

describe('tableOf', () => {
  it('is as wide as what is in it', () => {
    expect(tableOf(['a', 'bb'], [['long', '1']]).split('\n')).toEqual([
      'a     bb',
      '----  --',
      'long   1',
    ]);
  });
});

describe('describeCells', () => {
  const cell = {
    target: 'ws.send',
    sessions: 1000,
    eventsPerTurn: 8,
    deliveries: 24_000,
    nsPerDelivery: 4_321,
    roundsNs: [4_321],
    toFloor: 1.234,
    bytesPerDelivery: 304,
    lastP50Ms: 1.26,
    lastP99Ms: 9,
  };

  it('gives units', () => {
    expect(describeCells([cell])).toMatch(
      /ws\.send +1000 +8 +24000 +4\.32 us +1\.23 +304 +1\.3 ms/,
    );
  });

  it('has a dash where there was no floor', () => {
    expect(describeCells([{ ...cell, toFloor: Number.NaN }])).toMatch(/4\.32 us +- +304/);
  });
});

describe('describeWeights', () => {
  it('gives KiB to a session', () => {
    const weight = { target: 'nats', sessions: 10, residentBytes: 2 ** 20, bytesPerSession: 2048 };
    expect(describeWeights([{ ...weight, idleShare: 0.01 }])).toMatch(/1 MiB +2\.0 KiB +1\.0 %/);
  });
});
