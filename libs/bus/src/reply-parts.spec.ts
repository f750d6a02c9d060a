import { Assembly, partHeader, split } from './reply-parts.js';

const whole = Uint8Array.from({ length: 10 }, (_, at) => at);
const budgetOf = (bytesMax: number) => ({ bytes: 0, bytesMax });

describe('an answer in parts', () => {
  it.each([
    [1, 10],
    [3, 4],
    [9, 2],
    [10, 1],
    [11, 1],
  ])('splits into parts of at most %i bytes: %i of them', (partBytesMax, count) => {
    const parts = split(whole, partBytesMax);
    expect(parts).toHaveLength(count);
    expect(parts.every((part) => part.length <= partBytesMax)).toBe(true);
    expect(Uint8Array.from(parts.flatMap((part) => [...part]))).toEqual(whole);
  });

  it('is put together from parts in any order, each perhaps twice', () => {
    const budget = budgetOf(100);
    const assembly = new Assembly(100, budget);
    const parts = split(whole, 3);
    for (const at of [2, 0, 2, 3, 0]) {
      expect(assembly.add(partHeader('a', at, 4), parts[at]!)).toBeUndefined();
    }
    expect(budget.bytes).toBe(7);
    expect(assembly.add(partHeader('a', 1, 4), parts[1]!)).toEqual(whole);
    expect(budget.bytes).toBe(0);
  });

  it('keeps answers apart', () => {
    const assembly = new Assembly(100, budgetOf(100));
    expect(assembly.add(partHeader('a', 0, 2), Uint8Array.of(1))).toBeUndefined();
    expect(assembly.add(partHeader('b', 1, 2), Uint8Array.of(4))).toBeUndefined();
    expect(assembly.add(partHeader('b', 0, 2), Uint8Array.of(3))).toEqual(Uint8Array.of(3, 4));
    expect(assembly.add(partHeader('a', 1, 2), Uint8Array.of(2))).toEqual(Uint8Array.of(1, 2));
  });

  it.each(['', 'a', 'a/0', 'a/0/0', 'a/2/2', 'a/-1/2', '/0/1', 'a/0/1/2', 'a/0/99999'])(
    'refuses the header %j',
    (header) => {
      const assembly = new Assembly(100, budgetOf(100));
      expect(() => assembly.add(header, whole)).toThrow(
        expect.objectContaining({ code: 'malformed' }),
      );
    },
  );

  it('refuses a count that changes', () => {
    const assembly = new Assembly(100, budgetOf(100));
    assembly.add(partHeader('a', 0, 3), whole);
    expect(() => assembly.add(partHeader('a', 1, 4), whole)).toThrow(
      expect.objectContaining({ code: 'malformed' }),
    );
  });

  it('has a bound for each answer and one for all, and lets go of what is unfinished', () => {
    const overloaded = expect.objectContaining({ code: 'overloaded' });
    const small = new Assembly(15, budgetOf(100));
    small.add(partHeader('a', 0, 3), whole);
    expect(() => small.add(partHeader('a', 1, 3), whole)).toThrow(overloaded);

    const budget = budgetOf(25);
    const [one, other] = [new Assembly(100, budget), new Assembly(100, budget)];
    one.add(partHeader('a', 0, 3), whole);
    other.add(partHeader('b', 0, 3), whole);
    expect(() => one.add(partHeader('a', 1, 3), whole)).toThrow(overloaded);
    one.release();
    expect(budget.bytes).toBe(10);
    expect(other.add(partHeader('b', 1, 3), whole)).toBeUndefined();
  });
});
