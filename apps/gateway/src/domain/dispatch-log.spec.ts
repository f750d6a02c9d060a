import { Dispatch } from './dispatch.js';
import { DispatchLog } from './dispatch-log.js';

const of = (name: string, size = 2): Dispatch => new Dispatch(name, Buffer.alloc(size, 0x20));
const LARGE = { bytesMax: 1_000, eventsMax: 1_000, ageMaxMs: 100 };

describe('DispatchLog', () => {
  it('keeps a dispatch once, whoever is sent it', () => {
    const log = new DispatchLog(LARGE);
    const [a, b] = [of('a'), of('b')];
    const number = log.numberOf(a);
    expect(log.numberOf(b)).toBe(number + 1);
    expect(log.numberOf(a)).toBe(number);
    expect(log.at(number)).toBe(a);
    expect([log.count, log.bytes]).toEqual([2, 4]);
    for (const unknown of [0, -1, number + 2, NaN]) expect(log.at(unknown)).toBeUndefined();
  });

  it('is bounded in bytes and in number, and keeps the newest whatever its size', () => {
    const log = new DispatchLog({ ...LARGE, bytesMax: 100, eventsMax: 3 });
    const numbers = ['a', 'b', 'c', 'd'].map((name) => log.numberOf(of(name, 10)));
    expect(log.at(numbers[0]!)).toBeUndefined();
    expect(log.count).toBe(3);
    const large = log.numberOf(of('large', 500));
    expect(log.at(large)?.type).toBe('large');
    expect([log.count, log.bytes]).toEqual([1, 500]);
    log.numberOf(of('small', 1));
    expect([log.count, log.bytes]).toEqual([1, 1]);
  });

  it('gives what it has forgotten a new number when it is sent again', () => {
    const log = new DispatchLog({ ...LARGE, eventsMax: 1 });
    const a = of('a');
    const before = log.numberOf(a);
    log.numberOf(of('b'));
    const after = log.numberOf(a);
    expect(after).toBeGreaterThan(before);
    expect(log.at(before)).toBeUndefined();
    expect(log.at(after)).toBe(a);
  });

  it('forgets what is older than it may be, and all of its memory when nothing is left', () => {
    const log = new DispatchLog(LARGE);
    log.tick(0);
    const first = Array.from({ length: 200 }, (_, at) => log.numberOf(of(`${at}`)))[0]!;
    log.tick(50);
    const second = log.numberOf(of('second'));
    log.tick(99);
    expect(log.at(first)).toBeDefined();
    log.tick(150);
    expect(log.at(first)).toBeUndefined();
    expect(log.at(second)?.type).toBe('second');
    log.tick(199);
    expect([log.count, log.bytes]).toEqual([0, 0]);
    const third = log.numberOf(of('third'));
    expect(third).toBe(second + 1);
    expect(log.at(third)?.type).toBe('third');
  });
});
