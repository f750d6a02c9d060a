import { BYTES_MIN, ReadStateTable, VERSION_MAX } from '@guildhall/read-state-table';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { decodeBatch, LogBuffer, LogRecord, partitionAt, recordWords } from './log-records.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

type Fields = Omit<LogRecord, 'read'>;

const change = (): Fields => {
  const isLong = random.chance(0.3);
  return {
    type: random.int(6),
    isDeleted: false,
    userHi: random.uint32(),
    userLo: random.uint32(),
    channelHi: random.uint32(),
    channelLo: random.uint32(),
    messageHi: random.uint32(),
    messageLo: random.uint32(),
    version: 1 + random.pick([random.int(1_000), random.uint32() * 2 ** 20]),
    mentions: random.uint32(),
    flags: isLong ? random.uint32() : random.int(256),
    lastViewed: isLong ? random.uint32() : random.int(65_536),
    pinMs: isLong ? random.int(2 ** 32) * 2 ** 20 : 0,
    manualHi: isLong ? random.uint32() : 0,
    manualLo: isLong ? random.uint32() : 0,
  };
};

const table = new ReadStateTable({ bytesMax: BYTES_MIN });

/** Puts a change into a table and from there into a batch. */
function write(buffer: LogBuffer, one: Fields): void {
  let user = table.add(one.userHi, one.userLo, 1);
  user = table.reserve(user, 1);
  if (one.isDeleted) {
    table.raiseVersion(user, one.version);
    buffer.putDeleted(table, user, one.type, one.channelHi, one.channelLo);
    table.drop(user);
    return;
  }
  const entry = table.addEntry(user, one.type, one.channelHi, one.channelLo);
  const { messageHi, messageLo, mentions, flags, lastViewed, manualHi, manualLo } = one;
  const marks = [messageHi, messageLo, mentions, flags, lastViewed] as const;
  table.put(user, entry, ...marks, manualHi, manualLo, one.pinMs, one.version);
  buffer.put(table, user, entry);
  table.drop(user);
}

const deleted = (): Fields => ({
  ...change(),
  isDeleted: true,
  ...{ messageHi: 0, messageLo: 0, mentions: 0, flags: 0, lastViewed: 0, pinMs: 0 },
  ...{ manualHi: 0, manualLo: 0 },
});

function readAll(bytes: Buffer): Fields[] {
  const words = decodeBatch(bytes);
  const all: Fields[] = [];
  for (let at = 0; at < words.length; at += recordWords(words, at)) {
    const record = new LogRecord();
    record.read(words, at);
    expect(partitionAt(words, at)).toBe((record.userLo >>> 12) & 1_023);
    all.push({ ...record });
  }
  return all;
}

describe(`A batch of the log (${random})`, () => {
  it.each([0, 1, 2, 700])('comes back as it was: %p changes', (count) => {
    const changes = Array.from({ length: count }, () =>
      random.chance(0.2) ? deleted() : change(),
    );
    const buffer = new LogBuffer();
    for (const _ of [1, 2]) {
      buffer.clear();
      for (const one of changes) write(buffer, one);
      expect(buffer.count).toBe(count);
      expect(readAll(Buffer.from(buffer.payload))).toEqual(changes);
    }
  });

  it('has the highest numbers that there are', () => {
    const most = { ...change(), version: VERSION_MAX, pinMs: 8.64e15, mentions: 2 ** 32 - 1 };
    const buffer = new LogBuffer();
    write(buffer, most);
    expect(readAll(buffer.payload)).toEqual([most]);
  });

  it('takes 40 bytes a change, and 4', () => {
    const buffer = new LogBuffer();
    write(buffer, {
      ...change(),
      flags: 255,
      lastViewed: 65_535,
      pinMs: 0,
      manualHi: 0,
      manualLo: 0,
    });
    expect(buffer.payload).toHaveLength(44);
  });

  it('can be freed of what belongs to others', () => {
    const buffer = new LogBuffer();
    const changes = Array.from({ length: 300 }, (_, at) => {
      return { ...change(), userLo: (at % 3) << 12 };
    });
    for (const one of changes) write(buffer, one);
    expect(buffer.removePartitions(new Set([1, 7]))).toBe(100);
    expect(readAll(buffer.payload)).toEqual(changes.filter(({ userLo }) => userLo !== 1 << 12));
    expect(buffer.removePartitions(new Set([0, 2]))).toBe(200);
    expect([buffer.count, readAll(buffer.payload)]).toEqual([0, []]);
  });

  it('is refused when it is something else', () => {
    const buffer = new LogBuffer();
    write(buffer, { ...change(), pinMs: 1 });
    const bytes = Buffer.from(buffer.payload);
    const otherFormat = Buffer.from(bytes);
    otherFormat.writeUInt16LE(3, 0);
    const otherType = Buffer.from(bytes);
    otherType.writeUInt8((otherType.readUInt8(4) & ~7) | 6, 4);
    const cut = [bytes.subarray(0, 65), bytes.subarray(0, 64), bytes.subarray(0, 8)];
    const wrong = [Buffer.alloc(0), Buffer.alloc(4), otherFormat, otherType, ...cut];
    for (const one of wrong) expect(() => decodeBatch(one)).toThrow('[malformed]');
    for (let round = 0; round < 1_000; round += 1) {
      const junk = Buffer.from(Array.from({ length: random.int(200) }, () => random.int(256)));
      if (random.chance(0.7) && junk.length >= 4) junk.writeUInt32LE(1 + random.int(2), 0);
      try {
        decodeBatch(junk);
      } catch (error) {
        expect(String(error)).toContain('[malformed]');
      }
    }
  });
});

describe(`A batch of format 1 (${random})`, () => {
  function encodeOld(changes: readonly Fields[], size: number): Buffer {
    const bytes = Buffer.alloc(4 + size * changes.length, 9);
    bytes.writeUInt16LE(1, 0);
    bytes.writeUInt16LE(size, 2);
    for (const [number, one] of changes.entries()) {
      const at = 4 + number * size;
      bytes.writeUInt32LE(one.userLo, at);
      bytes.writeUInt32LE(one.userHi, at + 4);
      bytes.writeUInt32LE(one.channelLo, at + 8);
      bytes.writeUInt32LE(one.channelHi, at + 12);
      bytes.writeUInt32LE(one.messageLo, at + 16);
      bytes.writeUInt32LE(one.messageHi, at + 20);
      bytes.writeBigUInt64LE(BigInt(one.version), at + 24);
      bytes.writeUInt32LE(one.manualLo, at + 32);
      bytes.writeUInt32LE(one.manualHi, at + 36);
      bytes.writeDoubleLE(one.pinMs, at + 40);
      bytes.writeUInt32LE(one.mentions, at + 48);
      bytes.writeUInt32LE(one.flags, at + 52);
      bytes.writeUInt32LE(one.lastViewed, at + 56);
      bytes.writeUInt8(one.type, at + 60);
      bytes.writeUInt8(one.isDeleted ? 1 : 0, at + 61);
    }
    return bytes;
  }

  it('is read, also when a later version has appended fields', () => {
    const changes = [...Array.from({ length: 50 }, change), deleted()];
    expect(readAll(encodeOld(changes, 62))).toEqual(changes);
    expect(readAll(encodeOld(changes, 70))).toEqual(changes);
  });

  it('is refused when it is something else', () => {
    const bytes = encodeOld([change()], 62);
    const otherType = Buffer.from(bytes);
    otherType.writeUInt8(6, 4 + 60);
    for (const one of [
      bytes.subarray(0, 65),
      encodeOld([change()], 63).subarray(0, 66),
      otherType,
    ]) {
      expect(() => decodeBatch(one)).toThrow('[malformed]');
    }
  });
});
