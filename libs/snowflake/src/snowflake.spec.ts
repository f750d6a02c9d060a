import {
  DISCORD_EPOCH_MS,
  PARTITIONS_COUNT,
  parseSnowflake,
  partitionOf,
  snowflakeAt,
  timestampOf,
} from './snowflake.js';

describe('Snowflake', () => {
  it('tells when it was minted, as the example in Discord’s own reference', () => {
    expect(timestampOf(175928847299117063n)).toBe(Date.parse('2016-04-30T11:18:25.796Z'));
    // There: worker 1, process 0, increment 7.
    expect(partitionOf(175928847299117063n)).toBe(1 << 5);
  });

  it('tells its partition, whatever lies around it', () => {
    for (const partition of [0, 1, 512, PARTITIONS_COUNT - 1]) {
      const around = (2n ** 42n - 1n) << 22n;
      expect(partitionOf(around | (BigInt(partition) << 12n) | 4095n)).toBe(partition);
    }
  });

  it('has a lowest id for each ms', () => {
    const ms = Date.UTC(2026, 5, 1, 12, 0, 0, 123);
    const lowest = snowflakeAt(ms);

    expect(timestampOf(lowest)).toBe(ms);
    expect(timestampOf(lowest - 1n)).toBe(ms - 1);
    expect(snowflakeAt(ms + 0.9)).toBe(lowest);
    expect(snowflakeAt(DISCORD_EPOCH_MS)).toBe(0n);
    expect(snowflakeAt(0)).toBe(0n);
  });
});

describe('parseSnowflake', () => {
  it.each([
    ['0', 0n],
    ['7', 7n],
    ['175928847299117063', 175928847299117063n],
    ['18446744073709551615', 2n ** 64n - 1n],
  ])('reads %s', (text, id) => {
    expect(parseSnowflake(text)).toBe(id);
    expect(String(id)).toBe(text);
  });

  it.each([
    '',
    '-1',
    '+1',
    ' 1',
    '1 ',
    '1\n',
    '01',
    '00',
    '0x10',
    '1e3',
    '1.0',
    '1_000',
    '１２',
    'null',
    '18446744073709551616',
    '99999999999999999999',
    '100000000000000000000',
    175928847299117,
    1n,
    null,
    undefined,
    {},
    ['1'],
  ])('refuses %p', (text) => {
    expect(parseSnowflake(text)).toBeUndefined();
  });
});
