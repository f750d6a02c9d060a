import { person } from '../testing/message-stage.js';
import { emojiKey, reactionDocument, Reactions } from './reactions.js';

const thumb = { id: 0n, name: '👍' };
const blob = { id: 77n, name: 'blob' };

describe('Reactions', () => {
  it('counts by emoji in the order in which they came, and says which are mine', () => {
    const reactions = new Reactions();
    reactions.add(blob, 1n, 10);
    reactions.add(thumb, 1n, 11);
    reactions.add(thumb, 2n, 12);
    expect(reactions.add(thumb, 2n, 13)).toBe(false);
    expect(reactions.json(2n)).toMatchObject([
      { emoji: { id: '77', name: 'blob' }, count: 1, me: false },
      { emoji: { id: null, name: '👍' }, count: 2, me: true, count_details: { normal: 2 } },
    ]);
    expect([reactions.size, reactions.emojiCount]).toEqual([3, 2]);
  });

  it('forgets an emoji with its last reaction', () => {
    const reactions = new Reactions();
    reactions.add(thumb, 1n, 10);
    expect(reactions.remove(blob, 1n)).toBe(false);
    expect(reactions.remove(thumb, 2n)).toBe(false);
    expect(reactions.remove(thumb, 1n)).toBe(true);
    expect([reactions.size, reactions.emojiCount]).toEqual([0, 0]);
  });

  it('takes a custom emoji for itself whatever it is called', () => {
    expect(emojiKey(blob)).toBe(emojiKey({ id: 77n, name: 'renamed' }));
    expect(emojiKey(blob)).not.toBe(emojiKey({ id: 0n, name: 'blob' }));
  });

  it('comes back from its rows', () => {
    const rows = [
      { userId: 1n, document: reactionDocument(blob, 10, person(1n)) },
      { userId: 1n, document: reactionDocument(thumb, 11, undefined) },
    ];
    const reactions = Reactions.restore(JSON.parse(JSON.stringify(rows, bigints), ids));
    expect(reactions.json(1n)).toMatchObject([{ emoji: { id: '77' } }, { emoji: { name: '👍' } }]);
    expect(reactions.of(thumb)?.users.get(1n)).toBe(11);
  });
});

const bigints = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;
const ids = (key: string, value: unknown): unknown =>
  key === 'userId' ? BigInt(value as string) : value;
