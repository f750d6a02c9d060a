import { isToleratedOpcode, Opcode } from './opcodes.js';

describe('Opcode', () => {
  it('gives each name a number of its own', () => {
    const numbers = Object.values(Opcode);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('has every official opcode and none of the retired ones', () => {
    const numbers: number[] = Object.values(Opcode);
    expect(numbers).toEqual(expect.arrayContaining([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 31, 43]));
    for (const retired of [12, 15, 16, 23, 24, 25, 26, 27]) expect(numbers).not.toContain(retired);
  });

  it('tolerates what only user clients say, and never what the server alone may say', () => {
    expect(isToleratedOpcode(Opcode.UpdateTimeSpentSessionId)).toBe(true);
    for (const opcode of [0, 7, 9, 10, 11, 12, 99]) expect(isToleratedOpcode(opcode)).toBe(false);
  });

  it('does not merely tolerate what it serves', () => {
    for (const opcode of [1, 2, 3, 4, 6, 8, 14, 31, 37, 40, 43]) {
      expect(isToleratedOpcode(opcode)).toBe(false);
    }
  });
});
