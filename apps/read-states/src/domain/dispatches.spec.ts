import type { BatchAck, OperationReader } from '@guildhall/contracts';
import { BYTES_MIN, ReadStateTable } from '@guildhall/read-state-table';
import { operationsOf } from '../testing/operations.js';
import { dispatchName, writeDispatch } from './dispatches.js';
import { JsonBytes } from './json-bytes.js';
import { ReadStates } from './read-states.js';

const USER = 2n ** 64n - 1n;
const CHANNEL = 2n ** 63n + 1n;
const MESSAGE = 2n ** 64n - 1n;
const MARK: BatchAck = { type: 0, channelId: CHANNEL, messageId: MESSAGE };
/** The version that the change gets. */
const VERSION = 7;

function toldOf(operations: OperationReader): [string, string] {
  const table = new ReadStateTable({ bytesMax: BYTES_MIN });
  const states = new ReadStates({ table, entriesPerUserMax: 10 });
  const user = table.add(operations.userHi(0), operations.userLo(0), 1);
  table.raiseVersion(user, VERSION - 1);
  expect(states.carryOut(user, operations, 0)).toBe(1);
  const json = new JsonBytes();
  writeDispatch(json, states, operations, 0);
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  return [text(dispatchName(operations, 0)), text(json.bytes.subarray(0, json.end))];
}

const told = (mark: Partial<BatchAck>): unknown => {
  const [name, json] = toldOf(operationsOf((writer) => writer.ack(USER, { ...MARK, ...mark })));
  return [name, JSON.parse(json)];
};

describe('What sessions are told of an ack', () => {
  it('is a MESSAGE_ACK for a channel, with ids as strings', () => {
    expect(told({})).toEqual([
      'MESSAGE_ACK',
      { channel_id: '9223372036854775809', message_id: '18446744073709551615', version: 7 },
    ]);
  });

  it('says what was set by hand, also a count of none', () => {
    expect(told({ manual: true })).toEqual([
      'MESSAGE_ACK',
      expect.objectContaining({ manual: true, mention_count: 0 }),
    ]);
    expect(told({ manual: true, mentionCount: 3 })).toEqual([
      'MESSAGE_ACK',
      expect.objectContaining({ manual: true, mention_count: 3 }),
    ]);
  });

  it('says how many mentions are left, and the flags and the day if they were given', () => {
    expect(told({ mentionCount: 2, flags: 1, lastViewed: 4_000 })).toEqual([
      'MESSAGE_ACK',
      {
        channel_id: String(CHANNEL),
        message_id: String(MESSAGE),
        version: 7,
        mention_count: 2,
        flags: 1,
        last_viewed: 4_000,
      },
    ]);
    expect(JSON.stringify(told({}))).not.toContain('flags');
  });

  it.each([
    [1, 'GUILD_FEATURE_ACK'],
    [3, 'GUILD_FEATURE_ACK'],
    [4, 'GUILD_FEATURE_ACK'],
    [2, 'USER_NON_CHANNEL_ACK'],
    [5, 'USER_NON_CHANNEL_ACK'],
  ] as const)('for type %p is a %s', (type, name) => {
    expect(told({ type })).toEqual([
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
    const timestampMs = BigInt(Date.UTC(2026, 10, 24, 3, 0, 0, 12));
    const [name, json] = toldOf(operationsOf((writer) => writer.ackPins(USER, 5n, timestampMs)));
    expect(name).toBe('CHANNEL_PINS_ACK');
    expect(JSON.parse(json)).toEqual({
      channel_id: '5',
      timestamp: '2026-11-24T03:00:00.012000+00:00',
      version: 7,
    });
  });
});
