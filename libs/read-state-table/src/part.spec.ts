import { Fault } from '@guildhall/fault';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { PART_BYTES_MAX, readPart, writePart } from './part.js';
import { ReadStateTable } from './read-state-table.js';
import { BYTES_MIN, type UserRef } from './user-blocks.js';

const HEAD_BYTES = 24;

function withUser(): { table: ReadStateTable; user: UserRef } {
  const table = new ReadStateTable({ bytesMax: BYTES_MIN });
  return { table, user: table.add(1, 2, 64) };
}

/** A user with three entries, of which the second needs an extension. */
function three(): { table: ReadStateTable; user: UserRef } {
  const { table, user: added } = withUser();
  const user = table.reserve(added, 3);
  table.write(user, table.addEntry(user, 0, 1, 11), 5, 6, 7, 2, 4_000, 0, 0);
  const second = table.addEntry(user, 5, 0xffffffff, 0xffffffff);
  table.write(user, second, 8, 9, 2 ** 32 - 1, 2 ** 31, 2 ** 32 - 1, 3, 4);
  table.writePin(user, second, 8.64e15);
  table.write(user, table.addEntry(user, 1, 0, 0), 0, 1, 0, 0, 0, 0, 0);
  return { table, user };
}

function bytesOf(table: ReadStateTable, user: UserRef, part = 0): DataView {
  const buffer = new DataView(new ArrayBuffer(PART_BYTES_MAX));
  return new DataView(buffer.buffer, 0, writePart(table, user, part, buffer, 0));
}

const read = (table: ReadStateTable, user: UserRef, bytes: DataView, part = 0): UserRef =>
  readPart(table, user, part, bytes, 0, bytes.byteLength);

describe('A part', () => {
  it('is these bytes', () => {
    const { table, user } = three();
    const bytes = Buffer.from(bytesOf(table, user).buffer, 0, 24 + 72 + 32);
    expect(bytes.toString('hex').match(/.{48}|.+/g)).toEqual([
      '01001800200003010400000000000000' + '0100000000000000',
      '0b00000001000000' + '0600000005000000' + '00000000' + '10d0e700',
      'ffffffffffffffff' + '0900000008000000' + '02000000' + '45000000',
      '00000000' + '00000000' + '0100000000000000' + '03000000' + '01000000',
      'ffffffff' + '00000080' + 'ffffffff' + '0000dcc208b21e00' + '04000000',
      '03000000' + '01000000',
    ]);
  });

  it('comes back as it was, versions too', () => {
    const { table, user } = three();
    const bytes = bytesOf(table, user);
    const other = withUser();
    const there = read(other.table, other.user, bytes);

    expect(other.table.entriesCountOf(there)).toBe(3);
    expect(other.table.versionOf(there)).toBe(4);
    expect(other.table.dirtyUsersCount).toBe(0);
    const second = other.table.findEntry(there, 5, -1, -1);
    expect(other.table.mentionsOf(second)).toBe(2 ** 32 - 1);
    expect(other.table.flagsOf(second)).toBe(2 ** 31);
    expect(other.table.lastViewedOf(second)).toBe(2 ** 32 - 1);
    expect(other.table.pinMsOf(second)).toBe(8.64e15);
    expect([other.table.manualHi(second), other.table.manualLo(second)]).toEqual([3, 4]);
    expect(other.table.entryVersionOf(there, second)).toBe(3);
    expect(Buffer.from(bytesOf(other.table, there).buffer)).toEqual(Buffer.from(bytes.buffer));
    other.table.check();
  });

  it('may have fields of a later time, which are skipped', () => {
    const { table, user } = three();
    const bytes = new Uint8Array(bytesOf(table, user).buffer, 0, 24 + 72 + 32);
    const later = new DataView(new ArrayBuffer(24 + 3 * 28 + 40));
    const target = new Uint8Array(later.buffer);
    target.set(bytes.subarray(0, HEAD_BYTES));
    for (let row = 0; row < 3; row++) {
      target.set(bytes.subarray(24 + row * 24, 48 + row * 24), 24 + row * 28);
    }
    target.set(bytes.subarray(96, 128), 24 + 84);
    later.setUint16(2, 28, true);
    later.setUint16(4, 40, true);

    const other = withUser();
    const there = read(other.table, other.user, later);
    expect(Buffer.from(bytesOf(other.table, there).buffer)).toEqual(
      Buffer.from(bytesOf(table, user).buffer),
    );
  });

  it('of a user without entries keeps its version', () => {
    const { table, user } = withUser();
    table.raiseVersion(user, 2 ** 40);
    const other = withUser();
    const there = read(other.table, other.user, bytesOf(table, user));
    expect(other.table.versionOf(there)).toBe(2 ** 40);
  });

  it('is written empty when the user no longer has it', () => {
    const { table, user } = three();
    expect(bytesOf(table, user, 1).byteLength).toBe(HEAD_BYTES);
  });

  it('is refused when it does not follow what is there, or has what is there', () => {
    const { table, user } = three();
    const bytes = bytesOf(table, user);
    expect(() => read(table, user, bytes)).toThrow(Fault);
    const other = withUser();
    expect(() => read(other.table, other.user, bytes, 1)).toThrow('malformed');

    const twice = new DataView(bytes.buffer.slice(0));
    for (let at = 24; at < 32; at++) twice.setUint8(at + 48, twice.getUint8(at));
    twice.setUint32(24 + 48 + 20, twice.getUint32(24 + 20, true), true);
    expect(() => readPart(other.table, other.user, 0, twice, 0, bytes.byteLength)).toThrow('twice');
    expect(other.table.entriesCountOf(other.user)).toBe(0);
    other.table.check();
    expect(read(other.table, other.user, bytes)).not.toBe(0);
  });
});

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

describe(`Bytes that are no part (${random})`, () => {
  it('are refused as malformed, whatever they are, and change nothing', () => {
    const { table, user } = three();
    const whole = bytesOf(table, user);
    const good = new Uint8Array(whole.buffer, 0, whole.byteLength);
    const other = withUser();
    let refused = 0;
    for (let round = 0; round < 10_000; round++) {
      const bytes = new Uint8Array(random.int(2) ? good.length : random.int(PART_BYTES_MAX));
      if (random.int(4) > 0) bytes.set(good.subarray(0, bytes.length));
      for (let i = random.int(6); i >= 0; i--) {
        if (bytes.length > 0) bytes[random.int(bytes.length)] = random.int(256);
      }
      other.table.drop(other.table.find(1, 2));
      other.user = other.table.add(1, 2, random.int(80));
      try {
        const there = read(other.table, other.user, new DataView(bytes.buffer));
        expect(there).not.toBe(0);
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'malformed') throw error;
        refused += 1;
        expect(other.table.entriesCount).toBe(0);
        expect(other.table.versionOf(other.table.find(1, 2))).toBe(0);
      }
      if (round % 50 === 0) other.table.check();
    }
    expect(refused).toBeGreaterThan(2_000);
  });
});
