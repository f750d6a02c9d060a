import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import type { UserReadState } from '../domain/read-state.js';
import { decodeBatch, encodeBatch } from './log-payload.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

const change = (): UserReadState => ({
  userId: random.bigint(64),
  type: random.pick([0, 1, 2, 3, 4, 5] as const),
  channelId: random.bigint(64),
  lastMessageId: random.bigint(64),
  mentionCount: random.uint32(),
  lastPinTimestampMs: random.int(2 ** 32) * 2 ** 20,
  flags: random.uint32(),
  lastViewed: random.uint32(),
  version: random.bigint(63),
  manualUntilMessageId: random.bigint(64),
  isDeleted: random.chance(0.5),
});

describe(`A batch of the log (${random})`, () => {
  it.each([0, 1, 2, 1_000])('comes back as it was: %p changes', (count) => {
    const changes = Array.from({ length: count }, change);
    const bytes = encodeBatch(changes);
    expect(bytes.length).toBe(4 + 62 * count);
    expect(decodeBatch(bytes)).toEqual(changes);
  });

  it('is read also when a later version has appended fields', () => {
    const changes = [change(), change()];
    const bytes = encodeBatch(changes);
    const record = (at: number): Buffer => bytes.subarray(4 + at * 62, 4 + (at + 1) * 62);
    const longer = Buffer.concat([
      bytes.subarray(0, 4),
      record(0),
      Buffer.alloc(8, 1),
      record(1),
      Buffer.alloc(8, 1),
    ]);
    longer.writeUInt16LE(70, 2);
    expect(decodeBatch(longer)).toEqual(changes);
  });

  it('is refused when it is something else', () => {
    const bytes = encodeBatch([change()]);
    const otherFormat = Buffer.from(bytes);
    otherFormat.writeUInt16LE(2, 0);
    const otherType = Buffer.from(bytes);
    otherType.writeUInt8(6, 4 + 60);
    const wrong = [Buffer.alloc(0), Buffer.alloc(4), bytes.subarray(0, 65), otherFormat, otherType];
    for (const one of wrong) expect(() => decodeBatch(one)).toThrow('[malformed]');
  });
});
