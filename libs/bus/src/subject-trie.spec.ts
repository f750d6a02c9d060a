import { SeededRandom } from '@guildhall/testkit';
import { SubjectTrie } from './subject-trie.js';

const TOKENS = ['a', 'b', 'c'];

/** The plain meaning of a pattern. */
function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const given = subject.split('.');
  for (const [at, token] of wanted.entries()) {
    if (token === '>') return given.length > at;
    if (given[at] === undefined || (token !== '*' && token !== given[at])) return false;
  }
  return wanted.length === given.length;
}

describe('SubjectTrie', () => {
  it('finds who is interested, like a comparison one by one (SEED=7)', () => {
    const random = new SeededRandom(7);
    const subject = (tokens: readonly string[]): string =>
      Array.from({ length: 1 + random.int(4) }, () => random.pick(tokens)).join('.');
    const trie = new SubjectTrie<string>();
    const patterns = new Set<string>();
    for (let step = 0; step < 3_000; step += 1) {
      const pattern = subject([...TOKENS, '*']) + (random.chance(0.2) ? '.>' : '');
      if (random.chance(0.6)) {
        trie.add(pattern, pattern);
        patterns.add(pattern);
      } else {
        trie.delete(pattern, pattern);
        patterns.delete(pattern);
      }
      const asked = subject(TOKENS);
      const expected = [...patterns].filter((one) => matches(one, asked));
      expect(trie.match(asked).sort()).toEqual(expected.sort());
    }
    expect(patterns.size).toBeGreaterThan(10);
  });
});
