import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { Dispatch } from './dispatch.js';
import { Replay } from './replay.js';

const shared = (name: string): Dispatch => new Dispatch(name, Buffer.from('{}'));
const own = (name: string, size: number): Dispatch =>
  new Dispatch(name, Buffer.alloc(size, 0x20), true);
const names = (dispatches: Dispatch[] | undefined): string[] | undefined =>
  dispatches?.map(({ type }) => type);

describe('Replay', () => {
  it('gives what came after, and nothing for what was never sent or is forgotten', () => {
    const replay = new Replay({ eventsMax: 3, ownBytesMax: 100, confirmedMax: 10 });
    expect(replay.after(0)).toEqual([]);
    for (const name of ['a', 'b', 'c', 'd']) replay.push(shared(name));
    expect(replay.seq).toBe(4);
    expect(names(replay.after(1))).toEqual(['b', 'c', 'd']);
    expect(names(replay.after(4))).toEqual([]);
    for (const seq of [0, -1, 5, 1.5, NaN, Infinity]) expect(replay.after(seq)).toBeUndefined();
  });

  it('lets go of what was made for one session alone once the client has said twice it has it', () => {
    const replay = new Replay({ eventsMax: 100, ownBytesMax: 100, confirmedMax: 10 });
    replay.push(own('READY', 50));
    replay.push(shared('a'));
    replay.push(own('GUILD_CREATE', 40));
    replay.push(shared('b'));
    replay.confirm(2);
    expect(replay.ownBytes).toBe(90);
    replay.confirm(2);
    expect(replay.ownBytes).toBe(40);
    expect(names(replay.after(1))).toEqual(['a', 'GUILD_CREATE', 'b']);
    replay.confirm(99);
    replay.confirm(4);
    replay.confirm(1);
    expect(replay.ownBytes).toBe(0);
    expect(names(replay.after(3))).toEqual(['b']);
    expect(replay.after(2)).toBeUndefined();
  });

  it('keeps some of what is shared although the client has it', () => {
    const replay = new Replay({ eventsMax: 100, ownBytesMax: 100, confirmedMax: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) replay.push(shared(name));
    replay.confirm(4);
    replay.confirm(5);
    expect(names(replay.after(2))).toEqual(['c', 'd', 'e']);
    expect(replay.after(1)).toBeUndefined();
  });

  it('is bounded in bytes of its own', () => {
    const replay = new Replay({ eventsMax: 100, ownBytesMax: 100, confirmedMax: 10 });
    for (let at = 0; at < 5; at += 1) replay.push(own('big', 40));
    expect(replay.ownBytes).toBe(80);
    expect(replay.after(2)).toBeUndefined();
    expect(replay.after(3)).toHaveLength(2);
  });

  const seed = seedFromEnv(process.env['SEED']);
  it(`agrees with a plain list (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    for (const eventsMax of [1, 2, 7, 8, 9, 64]) {
      const replay = new Replay({ eventsMax, ownBytesMax: 1000, confirmedMax: 1_000_000 });
      const list: string[] = [];
      for (let step = 0; step < 500; step += 1) {
        replay.push(shared(`${step}`));
        list.push(`${step}`);
        const seq = random.int(list.length + 2);
        const isKnown = seq <= list.length && seq >= list.length - eventsMax;
        expect(names(replay.after(seq))).toEqual(isKnown ? list.slice(seq) : undefined);
      }
    }
  });
});
