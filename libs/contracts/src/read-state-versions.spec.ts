import { isReadStateVersionKnown, versionAfterDeletion } from './read-state-versions.js';

const EPOCH = 2 ** 20;

describe('versions of read states', () => {
  it('begin an epoch with each deletion', () => {
    expect([0, 1, EPOCH - 1, EPOCH, EPOCH + 1].map(versionAfterDeletion)).toEqual([
      EPOCH,
      EPOCH,
      EPOCH,
      2 * EPOCH,
      2 * EPOCH,
    ]);
  });

  it.each([
    ['the one of now', 7, 7, true],
    ['one of before', 1, 7, true],
    ['none', 0, 7, false],
    ['a negative one', -1, 7, false],
    ['one that never was', 8, 7, false],
    ['one of before a deletion', 7, versionAfterDeletion(7), false],
    ['the one of a deletion', EPOCH, EPOCH, true],
    ['one since a deletion', EPOCH, EPOCH + 5, true],
  ])('%s: %d at %d', (_what, known, now, isKnown) => {
    expect(isReadStateVersionKnown(known, now)).toBe(isKnown);
  });
});
