import { SeededRandom, seedFromEnv } from '@guildhall/testkit';

import { SlotWheel } from './slot-wheel.js';

describe('SlotWheel', () => {
  const random = new SeededRandom(seedFromEnv(process.env['SEED']));

  it(`calls each when it is due, however they are moved (${random})`, () => {
    const [membersCount, slotsCount] = [50, 16];
    const wheel = new SlotWheel(membersCount, slotsCount);
    const dueAt = new Map<number, number>();
    for (let turn = 1; turn <= 500; turn += 1) {
      for (let times = random.int(8); times > 0; times -= 1) {
        const member = random.int(membersCount);
        if (random.chance(0.2)) {
          wheel.remove(member);
          dueAt.delete(member);
          continue;
        }
        const turns = 1 + random.int(slotsCount);
        wheel.put(member, turns);
        dueAt.set(member, turn - 1 + turns);
      }
      const called: number[] = [];
      wheel.turn((member) => called.push(member));
      const due = [...dueAt].filter(([, at]) => at === turn).map(([member]) => member);
      expect(called.sort((a, b) => a - b)).toEqual(due.sort((a, b) => a - b));
      for (const member of due) dueAt.delete(member);
    }
  });

  it('may be put on again by whom it calls', () => {
    const wheel = new SlotWheel(2, 4);
    wheel.put(0, 1);
    wheel.put(1, 1);
    let count = 0;
    for (let turn = 0; turn < 10; turn += 1) {
      wheel.turn((member) => {
        count += 1;
        wheel.put(member, 1);
      });
    }
    expect(count).toBe(20);
  });
});
