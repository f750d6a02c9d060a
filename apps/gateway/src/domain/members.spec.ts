import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { Members } from './members.js';

interface Placed {
  at: number;
  readonly subscriber: string;
}

const seed = seedFromEnv(process.env['SEED']);

describe('Members', () => {
  it(`lends what was there, whatever happens afterwards (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    const members = new Members<string, Placed>();
    const model: Placed[] = [];
    const lent: { list: readonly string[]; wanted: string[] }[] = [];
    for (let step = 0; step < 2_000; step += 1) {
      const chance = random.int(5);
      if (chance < 2 && model.length < 40) {
        const one = { at: -1, subscriber: `session ${step}` };
        members.add(one);
        model.push(one);
      } else if (chance <= 2 && model.length > 0) {
        const [gone] = model.splice(random.int(model.length), 1);
        members.remove(gone!);
      } else if (chance === 3) {
        lent.push({ list: members.lend(), wanted: model.map(({ subscriber }) => subscriber) });
      } else if (lent.length > 0) {
        const [back] = lent.splice(random.int(lent.length), 1);
        expect([...back!.list].sort()).toEqual(back!.wanted.sort());
        members.giveBack(back!.list);
      }
      expect(members.count).toBe(model.length);
      expect(model.every((one) => members.followers[one.at] === one)).toBe(true);
    }
  });

  it('copies once for what was lent, and not at all when it is back', () => {
    const members = new Members<string, Placed>();
    members.add({ at: -1, subscriber: 'a' });
    const first = members.lend();
    members.giveBack(first);
    members.add({ at: -1, subscriber: 'b' });
    expect(members.lend()).toBe(first);
    members.add({ at: -1, subscriber: 'c' });
    const second = members.lend();
    expect(second).not.toBe(first);
    expect(first).toEqual(['a', 'b']);
    members.giveBack(first);
    members.giveBack(second);
    members.add({ at: -1, subscriber: 'd' });
    expect(members.lend()).toBe(second);
  });
});
