import { isReadStateType, ReadStateType } from './read-state.js';

describe('ReadStateType', () => {
  it('knows Discord’s six and nothing else', () => {
    expect(Object.values(ReadStateType).filter(isReadStateType)).toEqual([0, 1, 2, 3, 4, 5]);
    expect([-1, 6, 0.5, NaN].filter(isReadStateType)).toEqual([]);
  });
});
