import { person } from '../testing/message-stage.js';
import { CACHED_MAX, KEPT_MIN, MessageCache, type CachedMessage } from './message-cache.js';
import { newMessage } from './message.js';
import { Reactions } from './reactions.js';

const CHANNEL = 1n;
const emoji = { id: 0n, name: '👍' };

function entry(id: bigint, content = '', reactionsCount = 0): CachedMessage {
  const reactions = new Reactions();
  for (let user = 1; user <= reactionsCount; user += 1) reactions.add(emoji, BigInt(user), user);
  return {
    message: newMessage({ id, channelId: CHANNEL, author: person(1n), content }),
    reactions,
  };
}

describe('MessageCache', () => {
  it('gives back what was put, in its own channel only', () => {
    const cache = new MessageCache();
    cache.put(entry(5n, 'one'));
    cache.put(entry(5n, 'two'));
    expect(cache.get(CHANNEL, 5n)?.message.content).toBe('two');
    expect(cache.weight).toBe(1);
    expect(cache.get(2n, 5n)).toBeUndefined();
    expect(cache.isAbsent(2n, 5n)).toBe(true);
    expect(cache.isAbsent(CHANNEL, 5n)).toBe(false);
    expect(cache.knows(CHANNEL, 6n)).toBe(false);
  });

  it('does not let a read bring back what was changed or deleted meanwhile', () => {
    const cache = new MessageCache();
    cache.put(entry(5n, 'changed'));
    cache.install(CHANNEL, 5n, entry(5n, 'as it was'));
    expect(cache.get(CHANNEL, 5n)?.message.content).toBe('changed');
    cache.delete(CHANNEL, 5n);
    cache.install(CHANNEL, 5n, entry(5n, 'as it was'));
    expect(cache.get(CHANNEL, 5n)).toBeUndefined();
    expect(cache.isAbsent(CHANNEL, 5n)).toBe(true);
  });

  it('remembers that there is none, until there is one', () => {
    const cache = new MessageCache();
    cache.install(CHANNEL, 5n, undefined);
    expect(cache.isAbsent(CHANNEL, 5n)).toBe(true);
    cache.put(entry(5n));
    expect(cache.isAbsent(CHANNEL, 5n)).toBe(false);
    cache.delete(CHANNEL, 5n);
    expect(cache.isAbsent(CHANNEL, 5n)).toBe(true);
  });

  it('lets go of what was used least lately', () => {
    const cache = new MessageCache();
    for (let id = 1; id <= CACHED_MAX; id += 1) cache.put(entry(BigInt(id)));
    cache.get(CHANNEL, 1n);
    cache.put(entry(BigInt(CACHED_MAX + 1)));
    expect(cache.weight).toBe(CACHED_MAX);
    expect(cache.knows(CHANNEL, 1n)).toBe(true);
    expect(cache.knows(CHANNEL, 2n)).toBe(false);
    expect(cache.isAbsent(CHANNEL, 2n)).toBe(false);
  });

  it('weighs reactions, and keeps a few messages however heavy they are', () => {
    const cache = new MessageCache();
    for (let id = 1; id <= KEPT_MIN; id += 1) cache.put(entry(BigInt(id)));
    const heavy = entry(99n, '', CACHED_MAX);
    cache.put(heavy);
    expect(cache.knows(CHANNEL, 1n)).toBe(false);
    expect(cache.knows(CHANNEL, 2n)).toBe(true);
    expect(cache.weight).toBe(CACHED_MAX + KEPT_MIN);
    expect(cache.addReaction(heavy, emoji, 9_999n, 1)).toBe(true);
    expect(cache.addReaction(heavy, emoji, 9_999n, 1)).toBe(false);
    expect(cache.weight).toBe(CACHED_MAX + KEPT_MIN + 1);
    expect(cache.removeReaction(heavy, emoji, 9_999n)).toBe(true);
    expect(cache.removeReaction(heavy, emoji, 9_999n)).toBe(false);
    cache.delete(CHANNEL, 99n);
    expect(cache.weight).toBe(KEPT_MIN - 1);
  });

  it('forgets a channel that is gone', () => {
    const cache = new MessageCache();
    cache.put(entry(5n));
    cache.pinCounts.set(CHANNEL, 3);
    cache.forgetChannel(CHANNEL);
    expect(cache.isAbsent(CHANNEL, 5n)).toBe(true);
    expect(cache.pinCounts.size).toBe(0);
  });
});
