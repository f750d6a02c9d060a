import { patch } from './patch.js';

describe('A field of a PATCH', () => {
  it('is left out, emptied, or set', () => {
    expect(patch('topic', undefined, '')).toEqual({});
    expect('topic' in patch('topic', undefined, '')).toBe(false);
    expect(patch('topic', null, '')).toEqual({ topic: '' });
    expect(patch('topic', 'x', '')).toEqual({ topic: 'x' });
  });

  it('may be set to what is false', () => {
    expect(patch('nsfw', false, true)).toEqual({ nsfw: false });
    expect(patch('position', 0, 5)).toEqual({ position: 0 });
    expect(patch('parentId', 0n, 5n)).toEqual({ parentId: 0n });
    expect(patch('name', '', 'x')).toEqual({ name: '' });
  });
});
