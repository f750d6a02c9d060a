// What `fleet.readstates.v1.ReadStates.Batch` carries: operations there, results and entries back.
// The bytes are drawn in `read_states.proto`, and how they lie behind each other in
// `packed-records.ts`.
//
// The app's side works on words and makes nothing per operation: ids are pairs of unsigned 32-bit
// halves. The caller's side has ids as bigint anyway and is as plain as it can be.
import { assert, Fault, FaultCode } from '@guildhall/fault';
import {
  PACKED_FORMAT,
  PACKED_HEAD_BYTES,
  PackedRecords,
  packedRecordBytes,
} from './packed-records.js';

/** What may be asked for. */
export const ReadStateOperation = { Get: 1, Ack: 2, AckPins: 3, Delete: 4 } as const;

const SILENT = 1;
const MANUAL = 2;
const HAS_FLAGS = 4;
const HAS_LAST_VIEWED = 8;

/** What became of an operation. Above `Moved` it is a fault: see {@link batchFaultCode}. */
export const BatchStatus = { Unmoved: 0, Moved: 1 } as const;

/** The numbers of the faults, never given anew. */
const FAULT_STATUSES = [
  [16, FaultCode.Invalid],
  [17, FaultCode.Malformed],
  [18, FaultCode.NotFound],
  [19, FaultCode.Unauthorized],
  [20, FaultCode.Refused],
  [21, FaultCode.WrongOwner],
  [22, FaultCode.Unavailable],
  [23, FaultCode.Overloaded],
  [24, FaultCode.Timeout],
  [25, FaultCode.Internal],
] as const satisfies readonly (readonly [number, FaultCode])[];
const CODES_BY_STATUS = new Map<number, FaultCode>(FAULT_STATUSES);
const STATUSES_BY_CODE = new Map<FaultCode, number>(FAULT_STATUSES.map(([at, code]) => [code, at]));

/** The status of an operation that came to this fault. */
export function batchStatusOf(code: FaultCode): number {
  const status = STATUSES_BY_CODE.get(code);
  assert(status !== undefined, `${code} has a number`);
  return status;
}

/**
 * Which fault a status is; undefined for `Unmoved` and `Moved`. A newer app may know more than we
 * do: what is unknown is `internal`.
 */
export function batchFaultCode(status: number): FaultCode | undefined {
  if (status <= BatchStatus.Moved) return undefined;
  return CODES_BY_STATUS.get(status) ?? FaultCode.Internal;
}

const OPERATION_BYTES = 48;
const RESULT_BYTES = 16;
const ENTRY_BYTES = 56;
const RESULT_WORDS = RESULT_BYTES / 4;
const ENTRY_WORDS = ENTRY_BYTES / 4;

/** An ack as a caller knows it; the fields are those of `Ack`. What is missing is 0 or not given. */
export interface BatchAck {
  readonly type?: number | undefined;
  readonly channelId: bigint;
  readonly messageId: bigint;
  readonly manual?: boolean | undefined;
  readonly mentionCount?: number | undefined;
  readonly flags?: number | undefined;
  readonly lastViewed?: number | undefined;
  readonly channelLastMessageId?: bigint | undefined;
}

const OPERATIONS_FIRST = 64;

/** The caller's side: gathers operations. */
export class OperationWriter {
  #bytes = new Uint8Array(PACKED_HEAD_BYTES + OPERATIONS_FIRST * OPERATION_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #count = 0;

  constructor() {
    this.#head();
  }

  /** Operations that were added since `take`. */
  get count(): number {
    return this.#count;
  }

  /** The entry of a channel. */
  get(userId: bigint, type: number, channelId: bigint): void {
    this.#add(ReadStateOperation.Get, type, 0, userId, channelId);
  }

  ack(userId: bigint, ack: BatchAck, silent = false): void {
    const bits =
      (silent ? SILENT : 0) |
      (ack.manual === true ? MANUAL : 0) |
      (ack.flags === undefined ? 0 : HAS_FLAGS) |
      (ack.lastViewed === undefined ? 0 : HAS_LAST_VIEWED);
    const at = this.#add(ReadStateOperation.Ack, ack.type ?? 0, bits, userId, ack.channelId);
    this.#view.setUint32(at + 4, ack.mentionCount ?? 0, true);
    this.#view.setBigUint64(at + 24, ack.messageId, true);
    this.#view.setBigUint64(at + 32, ack.channelLastMessageId ?? 0n, true);
    this.#view.setUint32(at + 40, ack.flags ?? 0, true);
    this.#view.setUint32(at + 44, ack.lastViewed ?? 0, true);
  }

  /** Pins were seen up to a moment, in ms. */
  ackPins(userId: bigint, channelId: bigint, timestampMs: bigint): void {
    const at = this.#add(ReadStateOperation.AckPins, 0, 0, userId, channelId);
    this.#view.setBigUint64(at + 24, timestampMs, true);
  }

  delete(userId: bigint, type: number, channelId: bigint): void {
    this.#add(ReadStateOperation.Delete, type, 0, userId, channelId);
  }

  /** What `BatchRequest.operations` is to be; a copy. The writer is empty afterwards. */
  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, PACKED_HEAD_BYTES + this.#count * OPERATION_BYTES);
    this.#count = 0;
    return bytes;
  }

  /** Returns where the record begins. */
  #add(kind: number, type: number, bits: number, userId: bigint, channelId: bigint): number {
    const at = PACKED_HEAD_BYTES + this.#count * OPERATION_BYTES;
    if (at + OPERATION_BYTES > this.#bytes.length) this.#grow();
    this.#count += 1;
    this.#bytes.fill(0, at, at + OPERATION_BYTES);
    this.#bytes[at] = kind;
    // What is no byte is no type: it must not become one by being cut short.
    this.#bytes[at + 1] = type >= 0 && type < 255 ? type : 255;
    this.#view.setUint16(at + 2, bits, true);
    this.#view.setBigUint64(at + 8, userId, true);
    this.#view.setBigUint64(at + 16, channelId, true);
    return at;
  }

  #grow(): void {
    const bytes = new Uint8Array(PACKED_HEAD_BYTES + (this.#bytes.length - 4) * 2);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #head(): void {
    this.#view.setUint16(0, PACKED_FORMAT, true);
    this.#view.setUint16(2, OPERATION_BYTES, true);
  }
}

/** The app's side: operations as words. One reader serves all messages, one after the other. */
export class OperationReader {
  #words = new Uint32Array(0);
  #bytes = new Uint8Array(0);
  #recordWords = OPERATION_BYTES / 4;
  #count = 0;

  /**
   * Takes a message's operations in; those of the one before are gone. Throws a Fault: `malformed`
   * when they cannot be told apart, `invalid` when they are more than `countMax`.
   */
  read(operations: Uint8Array, countMax: number): void {
    this.#count = 0;
    if (operations.length === 0) return;
    const recordBytes = packedRecordBytes(operations, OPERATION_BYTES);
    const bodyBytes = operations.length - PACKED_HEAD_BYTES;
    const count = bodyBytes / recordBytes;
    if (count > countMax) {
      throw new Fault(FaultCode.Invalid, `${count} operations in one message, at most ${countMax}`);
    }
    if (this.#bytes.length < bodyBytes) {
      this.#words = new Uint32Array(2 ** Math.ceil(Math.log2(bodyBytes / 4)));
      this.#bytes = new Uint8Array(this.#words.buffer);
    }
    // Copied, since a message may begin at any byte and a word may not.
    this.#bytes.set(operations.subarray(PACKED_HEAD_BYTES));
    this.#recordWords = recordBytes / 4;
    this.#count = count;
  }

  get count(): number {
    return this.#count;
  }

  /** `at` is below `count`, here and in all that follow: asked many times for each operation. */
  kind(at: number): number {
    return this.#words[at * this.#recordWords]! & 0xff;
  }

  type(at: number): number {
    return (this.#words[at * this.#recordWords]! >>> 8) & 0xff;
  }

  isSilent(at: number): boolean {
    return (this.#words[at * this.#recordWords]! & (SILENT << 16)) !== 0;
  }

  isManual(at: number): boolean {
    return (this.#words[at * this.#recordWords]! & (MANUAL << 16)) !== 0;
  }

  hasFlags(at: number): boolean {
    return (this.#words[at * this.#recordWords]! & (HAS_FLAGS << 16)) !== 0;
  }

  hasLastViewed(at: number): boolean {
    return (this.#words[at * this.#recordWords]! & (HAS_LAST_VIEWED << 16)) !== 0;
  }

  mentions(at: number): number {
    return this.#words[at * this.#recordWords + 1]!;
  }

  userLo(at: number): number {
    return this.#words[at * this.#recordWords + 2]!;
  }

  userHi(at: number): number {
    return this.#words[at * this.#recordWords + 3]!;
  }

  channelLo(at: number): number {
    return this.#words[at * this.#recordWords + 4]!;
  }

  channelHi(at: number): number {
    return this.#words[at * this.#recordWords + 5]!;
  }

  /** Of pins the low half of the timestamp. */
  messageLo(at: number): number {
    return this.#words[at * this.#recordWords + 6]!;
  }

  /** Of pins the high half of the timestamp. */
  messageHi(at: number): number {
    return this.#words[at * this.#recordWords + 7]!;
  }

  channelLastMessageLo(at: number): number {
    return this.#words[at * this.#recordWords + 8]!;
  }

  channelLastMessageHi(at: number): number {
    return this.#words[at * this.#recordWords + 9]!;
  }

  flags(at: number): number {
    return this.#words[at * this.#recordWords + 10]!;
  }

  lastViewed(at: number): number {
    return this.#words[at * this.#recordWords + 11]!;
  }
}

/** The app's side: the results of one message. */
export class ResultWriter {
  readonly #results: PackedRecords;
  readonly #entries: PackedRecords | undefined;
  #entriesCount = 0;

  /** @param getsMax how many entries may be put */
  constructor(operationsCount: number, getsMax: number) {
    this.#results = new PackedRecords(RESULT_BYTES, operationsCount);
    this.#entries = getsMax === 0 ? undefined : new PackedRecords(ENTRY_BYTES, getsMax);
  }

  /** Any operation may be put again: the last counts. */
  put(at: number, status: number, versionHi: number, versionLo: number): void {
    const { words } = this.#results;
    words[at * RESULT_WORDS] = status;
    words[at * RESULT_WORDS + 2] = versionLo;
    words[at * RESULT_WORDS + 3] = versionHi;
  }

  /** Whether the operation came to no fault. */
  isFine(at: number): boolean {
    return (this.#results.words[at * RESULT_WORDS]! & 0xff) <= BatchStatus.Moved;
  }

  /**
   * Makes room for what a get has found, and returns where in `entryWords` it is to be
   * written, in the order of the proto.
   */
  addEntry(at: number): number {
    assert(this.#entries !== undefined, 'there is room for entries');
    const first = this.#entriesCount * ENTRY_WORDS;
    this.#entriesCount += 1;
    this.#results.words[at * RESULT_WORDS]! |= this.#entriesCount << 16;
    return first;
  }

  get entryWords(): Uint32Array {
    assert(this.#entries !== undefined, 'there is room for entries');
    return this.#entries.words;
  }

  /** What `BatchReply.results` is to be: a view. */
  get results(): Uint8Array {
    return this.#results.bytes;
  }

  /** What `BatchReply.entries` is to be: a view. */
  get entries(): Uint8Array {
    if (this.#entries === undefined || this.#entriesCount === 0) return new Uint8Array(0);
    return this.#entries.bytes.subarray(0, PACKED_HEAD_BYTES + this.#entriesCount * ENTRY_BYTES);
  }
}

/** What a get has found. */
export interface BatchEntry {
  readonly type: number;
  readonly channelId: bigint;
  readonly lastMessageId: bigint;
  readonly mentionCount: number;
  readonly lastPinTimestampMs: bigint;
  readonly flags: number;
  readonly lastViewed: number;
  readonly version: bigint;
  readonly manualUntilMessageId: bigint;
}

/** The caller's side: the results of one message, by the number of the operation. */
export class ResultReader {
  readonly #results: DataView;
  readonly #entries: DataView;
  readonly #resultBytes: number;
  readonly #entryBytes: number;
  readonly count: number;

  /** Throws a Fault (`malformed`) when the records cannot be told apart. */
  constructor({ results, entries }: { results: Uint8Array; entries: Uint8Array }) {
    this.#resultBytes = results.length === 0 ? 0 : packedRecordBytes(results, RESULT_BYTES);
    this.#entryBytes = entries.length === 0 ? 0 : packedRecordBytes(entries, ENTRY_BYTES);
    this.#results = new DataView(results.buffer, results.byteOffset, results.length);
    this.#entries = new DataView(entries.buffer, entries.byteOffset, entries.length);
    this.count =
      results.length === 0 ? 0 : (results.length - PACKED_HEAD_BYTES) / this.#resultBytes;
  }

  /** See {@link BatchStatus} and {@link batchFaultCode}. */
  statusAt(at: number): number {
    return this.#results.getUint8(this.#resultAt(at));
  }

  /** The user's version after the operation; 0 with a fault. */
  versionAt(at: number): bigint {
    return this.#results.getBigUint64(this.#resultAt(at) + 8, true);
  }

  /** What a get has found; undefined when there is no such entry, or a fault. */
  entryAt(at: number): BatchEntry | undefined {
    const number = this.#results.getUint16(this.#resultAt(at) + 2, true);
    if (number === 0) return undefined;
    const view = this.#entries;
    const first = PACKED_HEAD_BYTES + (number - 1) * this.#entryBytes;
    if (first + ENTRY_BYTES > view.byteLength) {
      throw new Fault(FaultCode.Malformed, 'a result names an entry that is not there');
    }
    return {
      channelId: view.getBigUint64(first, true),
      lastMessageId: view.getBigUint64(first + 8, true),
      version: view.getBigUint64(first + 16, true),
      manualUntilMessageId: view.getBigUint64(first + 24, true),
      lastPinTimestampMs: view.getBigUint64(first + 32, true),
      mentionCount: view.getUint32(first + 40, true),
      flags: view.getUint32(first + 44, true),
      lastViewed: view.getUint32(first + 48, true),
      type: view.getUint32(first + 52, true),
    };
  }

  #resultAt(at: number): number {
    assert(at >= 0 && at < this.count, 'there is a result for each operation');
    return PACKED_HEAD_BYTES + at * this.#resultBytes;
  }
}
