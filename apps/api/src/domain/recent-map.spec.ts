import { ManualClock } from '@guildhall/clock';
import { RecentMap } from './recent-map.js';

describe('RecentMap', () => {
  const make = (entriesMax: number) => {
    const clock = new ManualClock();
    return { clock, map: new RecentMap<string, number>({ clock, entriesMax, ttlMs: 1_000 }) };
  };

  it('remembers for a while, however often it is asked', () => {
    const { clock, map } = make(10);
    map.set('a', 1);
    clock.advance(999);
    expect(map.get('a')).toBe(1);
    clock.advance(1);
    expect(map.get('a')).toBeUndefined();
    expect(map.size).toBe(0);
  });

  it('forgets what was used longest ago when it is full', () => {
    const { map } = make(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3]);
    expect(map.size).toBe(2);
  });

  it('forgets on demand', () => {
    const { map } = make(10);
    for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
    map.delete('a');
    map.deleteWhere((value) => value === 1);
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, undefined, 2]);
  });
});
