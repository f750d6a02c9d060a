import { isReadStateType, readStateKey, ReadStateType } from './read-state.js';

describe('ReadStateType', () => {
  it('knows Discord’s six and nothing else', () => {
    expect(Object.values(ReadStateType).filter(isReadStateType)).toEqual([0, 1, 2, 3, 4, 5]);
    expect([-1, 6, 0.5, NaN].filter(isReadStateType)).toEqual([]);
  });
});

describe('readStateKey', () => {
  it('tells entries apart by type and by channel, up to the highest id', () => {
    const highest = 2n ** 64n - 1n;
    const keys = [0n, 1n, 8n, highest - 1n, highest].flatMap((channelId) =>
      Object.values(ReadStateType).map((type) => readStateKey(type, channelId)),
    );
    expect(new Set(keys).size).toBe(30);
  });
});
