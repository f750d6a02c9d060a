import { changedFlags, SETTABLE_FLAGS } from './application-flags.js';

describe('changedFlags', () => {
  it('sets and clears privileged intents, and leaves the rest', () => {
    expect(changedFlags(0, (1 << 13) | (1 << 6))).toBe(1 << 13);
    expect(changedFlags((1 << 23) | (1 << 13), 0)).toBe(1 << 23);
    expect(changedFlags(0, 0x7fffffff)).toBe(SETTABLE_FLAGS);
  });
});
