// Records of one size, one after the other, as messages that are hot carry them inside `bytes`:
//
//   [format u16] [record size u16] record ...
//
// Numbers are little endian and every field lies at a multiple of its size, so that a record is
// read as 32-bit words: a 64-bit id is two of them, the low one first, and no BigInt is made. The
// size is written down so that a later format may append fields; whoever reads skips them.
import { assert, Fault, FaultCode } from '@guildhall/fault';

/** Bytes in front of the first record. */
export const PACKED_HEAD_BYTES = 4;
/** The only format there is. */
export const PACKED_FORMAT = 1;

const WORD_BYTES = 4;
const RECORD_BYTES_MAX = 1_024;

assert(
  new Uint8Array(Uint32Array.of(1).buffer)[0] === 1,
  'words in memory are little endian, as those in records are',
);

/** Room for a known number of records, zeros at first. */
export class PackedRecords {
  /** The records as words; record n begins at `n * recordWords`. */
  readonly words: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(recordBytes: number, recordsCount: number) {
    // The head takes a word as well.
    const room = new Uint32Array(1 + (recordBytes / WORD_BYTES) * recordsCount);
    room[0] = PACKED_FORMAT | (recordBytes << 16);
    this.words = room.subarray(1);
    this.#bytes = new Uint8Array(room.buffer);
  }

  /** The head and all records: a view. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }
}

/**
 * How many bytes a record of `bytes` has. Throws a Fault (`malformed`) unless it is a whole number
 * of records of a known format, each at least `recordBytesMin` long and a multiple of four bytes.
 */
export function packedRecordBytes(bytes: Uint8Array, recordBytesMin: number): number {
  const format = bytes.length < PACKED_HEAD_BYTES ? 0 : bytes[0]! | (bytes[1]! << 8);
  const size = bytes.length < PACKED_HEAD_BYTES ? 0 : bytes[2]! | (bytes[3]! << 8);
  const isWhole =
    format === PACKED_FORMAT &&
    size >= recordBytesMin &&
    size <= RECORD_BYTES_MAX &&
    size % WORD_BYTES === 0 &&
    (bytes.length - PACKED_HEAD_BYTES) % size === 0;
  if (!isWhole) throw new Fault(FaultCode.Malformed, 'these are no records that can be told apart');
  return size;
}
