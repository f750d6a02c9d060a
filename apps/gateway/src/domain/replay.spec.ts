import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { Dispatch } from './dispatch.js';
import { DispatchLog } from './dispatch-log.js';
import { Replay } from './replay.js';

const log = new DispatchLog({ bytesMax: 1_000_000, eventsMax: 10_000, ageMaxMs: 60_000 });
const shared = (name: string): Dispatch => new Dispatch(name, Buffer.from('{}'));
const own = (name: string, size: number): Dispatch =>
  new Dispatch(name, Buffer.alloc(size, 0x20), true);
const names = (dispatches: Dispatch[] | undefined): string[] | undefined =>
  dispatches?.map(({ type }) => type);

describe('Replay', () => {
  it('gives what came after, and nothing for what was never sent or is forgotten', () => {
    const replay = new Replay({ log, eventsMax: 3, ownBytesMax: 100, confirmedMax: 10 });
    expect(replay.after(0)).toEqual([]);
    for (const name of ['a', 'b', 'c', 'd']) replay.push(shared(name));
    expect(replay.seq).toBe(4);
    expect(names(replay.after(1))).toEqual(['b', 'c', 'd']);
    expect(names(replay.after(4))).toEqual([]);
    for (const seq of [0, -1, 5, 1.5, NaN, Infinity]) expect(replay.after(seq)).toBeUndefined();
  });

  it('lets go of what was made for one session alone once the client has said twice it has it', () => {
    const replay = new Replay({ log, eventsMax: 100, ownBytesMax: 100, confirmedMax: 10 });
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
    const replay = new Replay({ log, eventsMax: 100, ownBytesMax: 100, confirmedMax: 2 });
    for (const name of ['a', 'b', 'c', 'd', 'e']) replay.push(shared(name));
    replay.confirm(4);
    replay.confirm(5);
    expect(names(replay.after(2))).toEqual(['c', 'd', 'e']);
    expect(replay.after(1)).toBeUndefined();
  });

  it('is bounded in bytes of its own', () => {
    const replay = new Replay({ log, eventsMax: 100, ownBytesMax: 100, confirmedMax: 10 });
    for (let at = 0; at < 5; at += 1) replay.push(own('big', 40));
    expect(replay.ownBytes).toBe(80);
    expect(replay.after(2)).toBeUndefined();
    expect(replay.after(3)).toHaveLength(2);
  });

  it('cannot tell any more what the log has forgotten, whoever forgot it', () => {
    const small = new DispatchLog({ bytesMax: 1_000, eventsMax: 2, ageMaxMs: 60_000 });
    const limits = { log: small, eventsMax: 100, ownBytesMax: 100, confirmedMax: 10 };
    const [quiet, busy] = [new Replay(limits), new Replay(limits)];
    const both = shared('both');
    for (const replay of [quiet, busy]) replay.push(both);
    quiet.push(own('own', 10));
    expect(names(quiet.after(0))).toEqual(['both', 'own']);
    for (const name of ['a', 'b']) busy.push(shared(name));
    expect(quiet.after(0)).toBeUndefined();
    expect(names(quiet.after(1))).toEqual(['own']);
    expect(names(busy.after(1))).toEqual(['a', 'b']);
  });

  const seed = seedFromEnv(process.env['SEED']);
  it(`agrees with plain lists, whatever sessions share (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    const limits = { log, eventsMax: 20, ownBytesMax: 1_000, confirmedMax: 5 };
    const sessions = Array.from({ length: 5 }, () => ({
      replay: new Replay(limits),
      all: [] as { name: string; size: number }[],
      oldest: 0,
      confirmed: 0,
    }));
    for (let step = 0; step < 3_000; step += 1) {
      const one = random.pick(sessions);
      const { replay, all } = one;
      const forget = (count: number): number => (one.oldest = Math.max(one.oldest, count));
      if (random.chance(0.4)) {
        const dispatch = shared(`shared ${step}`);
        for (const each of sessions) {
          if (!random.chance(0.7)) continue;
          expect(each.replay.push(dispatch)).toBe(each.all.push({ name: dispatch.type, size: 0 }));
          each.oldest = Math.max(each.oldest, each.all.length - 20);
        }
      } else if (random.chance(0.4)) {
        const size = 1 + random.int(300);
        replay.push(own(`own ${step}`, size));
        all.push({ name: `own ${step}`, size });
        forget(all.length - 20);
        const bytes = (): number => all.slice(one.oldest).reduce((sum, { size: n }) => sum + n, 0);
        while (bytes() > 1_000) one.oldest += 1;
        expect(replay.ownBytes).toBe(bytes());
      } else if (random.chance(0.3)) {
        const seq = random.int(all.length + 2);
        replay.confirm(seq);
        if (seq > all.length) continue;
        forget(one.confirmed - 5);
        forget(all.findLastIndex(({ size }, at) => size > 0 && at < one.confirmed) + 1);
        one.confirmed = Math.max(one.confirmed, seq);
      }
      const seq = Math.max(0, one.oldest - 2) + random.int(25);
      const isKnown = seq >= one.oldest && seq <= all.length;
      const expected = isKnown ? all.slice(seq).map(({ name }) => name) : undefined;
      expect(names(replay.after(seq))).toEqual(expected);
    }
  });

  it(`agrees with a plain list (SEED=${seed})`, () => {
    const random = new SeededRandom(seed);
    for (const eventsMax of [1, 2, 7, 8, 9, 64]) {
      const replay = new Replay({ log, eventsMax, ownBytesMax: 1000, confirmedMax: 1_000_000 });
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
