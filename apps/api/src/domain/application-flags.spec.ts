import { changedFlags, mayListMembers, SETTABLE_FLAGS } from './application-flags.js';

describe('changedFlags', () => {
  it('sets and clears privileged intents, and leaves the rest', () => {
    expect(changedFlags(0, (1 << 13) | (1 << 6))).toBe(1 << 13);
    expect(changedFlags((1 << 23) | (1 << 13), 0)).toBe(1 << 23);
    expect(changedFlags(0, 0x7fffffff)).toBe(SETTABLE_FLAGS);
  });
});

describe('mayListMembers', () => {
  it('goes by the members intent, full or limited', () => {
    expect([1 << 14, 1 << 15, SETTABLE_FLAGS].map(mayListMembers)).toEqual([true, true, true]);
    expect([0, 1 << 12, 1 << 13, 1 << 18].map(mayListMembers)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
