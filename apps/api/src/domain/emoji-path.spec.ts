import { emojiInPath } from './emoji-path.js';

describe('emojiInPath', () => {
  it('reads unicode emoji of every make', () => {
    const people = ['🤷🏻‍♀️', '👨‍👩‍👧‍👦'];
    for (const emoji of [...people, '👍', '👍🏽', '❤️', '❤', '1️⃣', '🇩🇪', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🏳️‍🌈', '©️']) {
      expect(emojiInPath(emoji)).toEqual({ id: 0n, name: emoji });
    }
  });

  it('reads custom ones by name and id', () => {
    const blob = { id: 817000000000000001n, name: 'blob' };
    expect(emojiInPath('blob:817000000000000001')).toEqual(blob);
    expect(emojiInPath('a:blob:817000000000000001')).toEqual(blob);
    expect(emojiInPath('<:blob:817000000000000001>')).toEqual(blob);
  });

  it('refuses what is none', () => {
    for (const text of [
      '',
      'x',
      '👍👍',
      '👍x',
      'blob',
      'blob:',
      'blob:x',
      'b:1',
      '1',
      '@me',
      ':1',
    ]) {
      expect(() => emojiInPath(text)).toThrow('Unknown Emoji');
    }
    expect(() => emojiInPath('blob:9223372036854775808')).toThrow('Unknown Emoji');
  });
});
