import { assert, Fault, FaultCode } from '@guildhall/fault';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { packedRecordBytes } from './packed-records.js';
import {
  batchFaultCode,
  batchStatusOf,
  BatchStatus,
  OperationReader,
  OperationWriter,
  ReadStateOperation,
  ResultReader,
  ResultWriter,
} from './read-state-batch.js';

const LARGEST = 2n ** 64n - 1n;
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const wide = (hi: number, lo: number): bigint => (BigInt(hi) << 32n) | BigInt(lo);
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (reason) {
    assert(reason instanceof Fault, 'what is thrown is a Fault');
    return reason.code;
  }
  return 'none';
};

function someOperations(): Uint8Array {
  const writer = new OperationWriter();
  writer.get(0x0102030405060708n, 3, 0x1112131415161718n);
  writer.ack(
    1n,
    {
      type: 0,
      channelId: 2n,
      messageId: 0x2122232425262728n,
      manual: true,
      mentionCount: 4_294_967_295,
      flags: 5,
      lastViewed: 4_000,
      channelLastMessageId: LARGEST,
    },
    true,
  );
  writer.ackPins(LARGEST, 0n, 1_700_000_000_000n);
  writer.delete(3n, 5, 4n);
  return writer.take();
}

function someResults(): ResultWriter {
  const results = new ResultWriter(3, 2);
  results.put(0, BatchStatus.Moved, 1, 2);
  results.put(1, batchStatusOf(FaultCode.WrongOwner), 0, 0);
  results.put(2, BatchStatus.Unmoved, 0, 7);
  const first = results.addEntry(2);
  for (let word = 0; word < 14; word += 1) results.entryWords[first + word] = word + 1;
  return results;
}

describe('Operations on the wire', () => {
  // What an older caller sends must be understood for ever: these bytes never change.
  it('are the bytes that they always were', () => {
    expect(hex(someOperations())).toBe(
      '01003000' +
        '01030000000000000807060504030201181716151413121100000000000000000000000000000000' +
        '0000000000000000' +
        '02000f00ffffffff010000000000000002000000000000002827262524232221ffffffffffffffff' +
        '05000000a00f0000' +
        '0300000000000000ffffffffffffffff00000000000000000068e5cf8b0100000000000000000000' +
        '0000000000000000' +
        '0405000000000000030000000000000004000000000000000000000000000000' +
        '00000000000000000000000000000000',
    );
  });

  it('are read as they were written, wherever in memory they lie', () => {
    const bytes = someOperations();
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    const reader = new OperationReader();
    reader.read(shifted, 4);
    expect(reader.count).toBe(4);
    expect([0, 1, 2, 3].map((at) => reader.kind(at))).toEqual(Object.values(ReadStateOperation));
    expect([0, 1, 2, 3].map((at) => reader.type(at))).toEqual([3, 0, 0, 5]);
    expect(wide(reader.userHi(0), reader.userLo(0))).toBe(0x0102030405060708n);
    expect(wide(reader.channelHi(0), reader.channelLo(0))).toBe(0x1112131415161718n);
    expect([reader.isSilent(0), reader.isManual(0)]).toEqual([false, false]);
    expect([reader.hasFlags(0), reader.hasLastViewed(0)]).toEqual([false, false]);
    expect([reader.isSilent(1), reader.isManual(1)]).toEqual([true, true]);
    expect([reader.hasFlags(1), reader.hasLastViewed(1)]).toEqual([true, true]);
    expect([reader.mentions(1), reader.flags(1), reader.lastViewed(1)]).toEqual([
      4_294_967_295, 5, 4_000,
    ]);
    expect(wide(reader.messageHi(1), reader.messageLo(1))).toBe(0x2122232425262728n);
    expect(wide(reader.channelLastMessageHi(1), reader.channelLastMessageLo(1))).toBe(LARGEST);
    expect(wide(reader.userHi(2), reader.userLo(2))).toBe(LARGEST);
    expect(wide(reader.messageHi(2), reader.messageLo(2))).toBe(1_700_000_000_000n);
  });

  it('may have fields that this code does not know', () => {
    const known = someOperations();
    const bytes = new Uint8Array(4 + 4 * 56).fill(0xee);
    bytes.set([1, 0, 56, 0]);
    for (let at = 0; at < 4; at += 1) {
      bytes.set(known.subarray(4 + at * 48, 4 + at * 48 + 48), 4 + at * 56);
    }
    const reader = new OperationReader();
    reader.read(bytes, 4);
    expect([reader.count, reader.kind(3), reader.type(3), reader.userLo(3)]).toEqual([4, 4, 5, 3]);
  });

  it('leave nothing of those before behind, however many they are', () => {
    const writer = new OperationWriter();
    const reader = new OperationReader();
    for (const count of [300, 1, 70]) {
      for (let at = 0; at < count; at += 1) {
        writer.ack(BigInt(at), { channelId: 1n, messageId: 1n, flags: count });
      }
      writer.get(9n, 0, 1n);
      expect(writer.count).toBe(count + 1);
      reader.read(writer.take(), 301);
      expect([reader.count, writer.count]).toEqual([count + 1, 0]);
      expect(reader.flags(count - 1)).toBe(count);
      expect([reader.flags(count), reader.messageLo(count), reader.userLo(count)]).toEqual([
        0, 0, 9,
      ]);
    }
    reader.read(new Uint8Array(0), 1);
    expect(reader.count).toBe(0);
  });

  it('with a type that is no byte have no type', () => {
    const writer = new OperationWriter();
    const reader = new OperationReader();
    for (const type of [-1, 255, 256, 2 ** 32]) writer.get(1n, type, 1n);
    reader.read(writer.take(), 4);
    expect([0, 1, 2, 3].map((at) => reader.type(at))).toEqual([255, 255, 255, 255]);
  });

  it('are refused when they are too many, or cannot be told apart', () => {
    const reader = new OperationReader();
    const bytes = someOperations();
    expect(codeOf(() => reader.read(bytes, 3))).toBe('invalid');
    expect(reader.count).toBe(0);
    const random = new SeededRandom(seedFromEnv(process.env['SEED']));
    for (let length = 1; length < bytes.length; length += 1) {
      if ((length - 4) % 48 === 0) continue;
      expect(codeOf(() => reader.read(bytes.subarray(0, length), 100))).toBe('malformed');
    }
    for (let round = 0; round < 2_000; round += 1) {
      const junk = Uint8Array.from({ length: random.int(300) }, () => random.int(256));
      if (random.chance(0.5) && junk.length >= 4) junk.set([1, 0, random.int(80), 0]);
      const code = codeOf(() => reader.read(junk, 1_000));
      if (!['none', 'malformed'].includes(code)) throw new Error(`${random}: ${code}`);
    }
    for (const head of [
      [2, 0, 48, 0],
      [1, 0, 44, 0],
      [1, 0, 49, 0],
      [1, 0, 0, 0],
      [1, 1, 48, 0],
    ]) {
      const junk = bytes.slice();
      junk.set(head);
      expect(codeOf(() => reader.read(junk, 100))).toBe('malformed');
    }
  });
});

describe('Results on the wire', () => {
  it('are the bytes that they always were', () => {
    const results = someResults();
    expect(hex(results.results)).toBe(
      '01001000' +
        '01000000000000000200000001000000' +
        '15000000000000000000000000000000' +
        '00000100000000000700000000000000',
    );
    expect(hex(results.entries)).toBe(
      '01003800' +
        Array.from({ length: 14 }, (_, at) => `0${(at + 1).toString(16)}000000`).join(''),
    );
    expect(packedRecordBytes(results.entries, 56)).toBe(56);
  });

  it('are read as they were written', () => {
    const writer = someResults();
    expect([0, 1, 2].map((at) => writer.isFine(at))).toEqual([true, false, true]);
    const reader = new ResultReader(writer);
    expect(reader.count).toBe(3);
    expect([0, 1, 2].map((at) => batchFaultCode(reader.statusAt(at)))).toEqual([
      undefined,
      'wrong_owner',
      undefined,
    ]);
    expect([0, 1, 2].map((at) => reader.versionAt(at))).toEqual([(1n << 32n) + 2n, 0n, 7n]);
    expect([0, 1].map((at) => reader.entryAt(at))).toEqual([undefined, undefined]);
    const pair = (word: number): bigint => wide(word + 1, word);
    expect(reader.entryAt(2)).toEqual({
      channelId: pair(1),
      lastMessageId: pair(3),
      version: pair(5),
      manualUntilMessageId: pair(7),
      lastPinTimestampMs: pair(9),
      mentionCount: 11,
      flags: 12,
      lastViewed: 13,
      type: 14,
    });
    expect(new ResultReader({ results: new Uint8Array(0), entries: new Uint8Array(0) }).count).toBe(
      0,
    );
    expect(new ResultWriter(1, 0).entries).toHaveLength(0);
  });

  it('that cannot be are refused', () => {
    const { results, entries } = someResults();
    const none = new Uint8Array(0);
    expect(codeOf(() => new ResultReader({ results: results.subarray(1), entries }))).toBe(
      'malformed',
    );
    expect(codeOf(() => new ResultReader({ results, entries: entries.subarray(0, 20) }))).toBe(
      'malformed',
    );
    expect(codeOf(() => new ResultReader({ results, entries: none }).entryAt(2))).toBe('malformed');
  });

  it('have a number for every fault, there and back', () => {
    for (const code of Object.values(FaultCode)) {
      expect(batchFaultCode(batchStatusOf(code))).toBe(code);
    }
    expect(batchFaultCode(200)).toBe('internal');
    expect(batchFaultCode(BatchStatus.Moved)).toBeUndefined();
  });
});
