import { selfTimes } from './profile.js';

const node = (id: number, functionName: string, url = '', lineNumber = 0) => ({
  id,
  callFrame: { functionName, url, lineNumber },
});

describe('selfTimes', () => {
  it('adds up a function wherever it is called from, and leaves idling out', () => {
    const profile = {
      nodes: [
        node(1, '(idle)'),
        node(2, 'write', 'file:///a/b/c/d.js', 9),
        node(3, 'write', 'file:///a/b/c/d.js', 9),
        node(4, ''),
      ],
      samples: [1, 2, 3, 4],
      timeDeltas: [10_000, 2_000, 1_000, 1_000],
    };
    expect(selfTimes(profile, 5)).toEqual([
      { name: 'write', place: 'b/c/d.js:10', selfMs: 3, share: 0.75 },
      { name: '(anonymous)', place: '', selfMs: 1, share: 0.25 },
    ]);
    expect(selfTimes(profile, 1)).toHaveLength(1);
  });
});
