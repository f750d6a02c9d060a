import { ackDispatch, pinsDispatch } from './dispatches.js';
import { emptyReadState, type ReadState, type ReadStateType } from './read-state.js';
import type { AckMark } from './read-states.js';

const MARK: AckMark = {
  type: 0,
  channelId: 10n,
  messageId: 20n,
  isManual: false,
  mentionCount: 0,
  flags: undefined,
  lastViewed: undefined,
  channelLastMessageId: 0n,
};

const state = (type: ReadStateType, more: Partial<ReadState> = {}): ReadState => ({
  ...emptyReadState(type, 2n ** 63n + 1n),
  lastMessageId: 2n ** 64n - 1n,
  version: 7n,
  ...more,
});

const told = (mark: Partial<AckMark>, after: ReadState): unknown => {
  const { type, json } = ackDispatch({ ...MARK, ...mark }, after);
  return [type, JSON.parse(json)];
};

describe('What sessions are told of an ack', () => {
  it('is a MESSAGE_ACK for a channel, with ids as strings', () => {
    expect(told({}, state(0))).toEqual([
      'MESSAGE_ACK',
      { channel_id: '9223372036854775809', message_id: '18446744073709551615', version: 7 },
    ]);
  });

  it('says what was set by hand, also a count of none', () => {
    expect(told({ isManual: true }, state(0))).toEqual([
      'MESSAGE_ACK',
      expect.objectContaining({ manual: true, mention_count: 0 }),
    ]);
    expect(told({ isManual: true }, state(0, { mentionCount: 3 }))).toEqual([
      'MESSAGE_ACK',
      expect.objectContaining({ manual: true, mention_count: 3 }),
    ]);
  });

  it('says how many mentions are left, and the flags and the day if they were given', () => {
    const after = state(0, { mentionCount: 2, flags: 1, lastViewed: 4_000 });
    expect(told({ flags: 1, lastViewed: 4_000 }, after)).toEqual([
      'MESSAGE_ACK',
      expect.objectContaining({ mention_count: 2, flags: 1, last_viewed: 4_000 }),
    ]);
    expect(ackDispatch(MARK, after).json).not.toContain('flags');
  });

  it.each([
    [1, 'GUILD_FEATURE_ACK'],
    [3, 'GUILD_FEATURE_ACK'],
    [4, 'GUILD_FEATURE_ACK'],
    [2, 'USER_NON_CHANNEL_ACK'],
    [5, 'USER_NON_CHANNEL_ACK'],
  ] as const)('for type %p is a %s', (type, name) => {
    expect(told({}, state(type))).toEqual([
      name,
      {
        ack_type: type,
        resource_id: '9223372036854775809',
        entity_id: '18446744073709551615',
        version: 7,
      },
    ]);
  });
});

describe('What sessions are told of pins', () => {
  it('is a CHANNEL_PINS_ACK with the time as Discord writes it', () => {
    const { type, json } = pinsDispatch(
      state(0, { channelId: 5n, lastPinTimestampMs: Date.UTC(2026, 10, 24, 3, 0, 0, 12) }),
    );
    expect(type).toBe('CHANNEL_PINS_ACK');
    expect(JSON.parse(json)).toEqual({
      channel_id: '5',
      timestamp: '2026-11-24T03:00:00.012000+00:00',
      version: 7,
    });
  });
});
