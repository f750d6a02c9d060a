// A batch of changes as bytes, as the log keeps it. Each record is the whole state of one entry
// after the change, so that applying a batch twice, or one batch before another, ends the same.
//
//   batch    [format u16] [record size u16] record ...
//   record   user u64 · channel u64 · last message u64 · version u64 · manual until u64
//            · pins ms f64 · mentions u32 · flags u32 · last viewed u32 · type u8 · deleted u8
//
// Numbers are little endian.
//
// The record size is written down so that a later format may append fields that this code skips.
import { Fault, FaultCode } from '@guildhall/fault';
import { isReadStateType, type UserReadState } from '../domain/read-state.js';

const FORMAT = 1;
const HEAD_BYTES = 4;
const RECORD_BYTES = 62;

/** Hot path. The changes as bytes, in their order. */
export function encodeBatch(changes: readonly UserReadState[]): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + changes.length * RECORD_BYTES);
  bytes.writeUInt16LE(FORMAT, 0);
  bytes.writeUInt16LE(RECORD_BYTES, 2);
  let at = HEAD_BYTES;
  for (const change of changes) {
    bytes.writeBigUInt64LE(change.userId, at);
    bytes.writeBigUInt64LE(change.channelId, at + 8);
    bytes.writeBigUInt64LE(change.lastMessageId, at + 16);
    bytes.writeBigUInt64LE(change.version, at + 24);
    bytes.writeBigUInt64LE(change.manualUntilMessageId, at + 32);
    bytes.writeDoubleLE(change.lastPinTimestampMs, at + 40);
    bytes.writeUInt32LE(change.mentionCount, at + 48);
    bytes.writeUInt32LE(change.flags, at + 52);
    bytes.writeUInt32LE(change.lastViewed, at + 56);
    bytes.writeUInt8(change.type, at + 60);
    bytes.writeUInt8(change.isDeleted ? 1 : 0, at + 61);
    at += RECORD_BYTES;
  }
  return bytes;
}

/** The changes of a batch. Throws a Fault (`malformed`) for anything that is not one. */
export function decodeBatch(bytes: Buffer): UserReadState[] {
  const size = bytes.length < HEAD_BYTES ? 0 : bytes.readUInt16LE(2);
  const isWhole = size >= RECORD_BYTES && (bytes.length - HEAD_BYTES) % size === 0;
  if (!isWhole || bytes.readUInt16LE(0) !== FORMAT) {
    throw new Fault(FaultCode.Malformed, 'a row of the log is not a batch that this code knows');
  }
  const changes: UserReadState[] = [];
  for (let at = HEAD_BYTES; at < bytes.length; at += size) {
    const type = bytes.readUInt8(at + 60);
    if (!isReadStateType(type)) {
      throw new Fault(FaultCode.Malformed, `a row of the log has a read state of type ${type}`);
    }
    changes.push({
      userId: bytes.readBigUInt64LE(at),
      channelId: bytes.readBigUInt64LE(at + 8),
      lastMessageId: bytes.readBigUInt64LE(at + 16),
      version: bytes.readBigUInt64LE(at + 24),
      manualUntilMessageId: bytes.readBigUInt64LE(at + 32),
      lastPinTimestampMs: bytes.readDoubleLE(at + 40),
      mentionCount: bytes.readUInt32LE(at + 48),
      flags: bytes.readUInt32LE(at + 52),
      lastViewed: bytes.readUInt32LE(at + 56),
      type,
      isDeleted: bytes.readUInt8(at + 61) === 1,
    });
  }
  return changes;
}
