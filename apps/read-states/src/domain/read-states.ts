// What the users in memory have read, and what an operation makes of it.
//
// A change is applied at once, so that the next one is decided upon it; the rooms around make it
// durable before they tell anybody. Until it is in the rows as well its part of the user is dirty,
// and the user cannot be forgotten: memory is always the newest there is. When a change could not
// be made durable, the user is dropped.
//
// All is done on numbers in the table's memory; an operation makes no object. What an operation
// came to is left in `user` and `entry` for whoever writes it down, in the same turn.
import {
  BatchStatus,
  batchStatusOf,
  ReadStateOperation,
  versionAfterDeletion,
  type OperationReader,
} from '@guildhall/contracts';
import { FaultCode } from '@guildhall/fault';
import type { EntryRef, ReadStateTable, UserRef } from '@guildhall/read-state-table';
import { READ_STATE_TYPES_COUNT, ReadStateType } from './read-state.js';

/** The latest moment that a date of the language can say. */
const TIMESTAMP_MS_MAX = 8_640_000_000_000_000;
const UINT32_COUNT = 2 ** 32;

const INVALID = batchStatusOf(FaultCode.Invalid);
const OVERLOADED = batchStatusOf(FaultCode.Overloaded);

export interface ReadStatesOptions {
  readonly table: ReadStateTable;
  /** Entries one user may have; an ack that would need more is refused as overloaded. */
  readonly entriesPerUserMax: number;
}

/** The users in memory, and the rules. */
export class ReadStates {
  readonly table: ReadStateTable;
  readonly #entriesPerUserMax: number;
  /** Of the last operation: where its user is now. */
  user: UserRef = 0;
  /** Of the last operation: its entry; 0: there is none. */
  entry: EntryRef = 0;

  constructor({ table, entriesPerUserMax }: ReadStatesOptions) {
    this.table = table;
    this.#entriesPerUserMax = entriesPerUserMax;
  }

  /**
   * Whether an operation makes sense, whoever's it is: `Unmoved`, or the status of a fault. Hot path.
   */
  check(operations: OperationReader, at: number): number {
    if ((operations.userHi(at) | operations.userLo(at)) === 0) return INVALID;
    if (operations.type(at) >= READ_STATE_TYPES_COUNT) return INVALID;
    const kind = operations.kind(at);
    if (kind < ReadStateOperation.Get || kind > ReadStateOperation.Delete) return INVALID;
    if (kind === ReadStateOperation.AckPins && pinMsOf(operations, at) > TIMESTAMP_MS_MAX) {
      return INVALID;
    }
    return BatchStatus.Unmoved;
  }

  /**
   * Hot path. Carries out an operation that makes sense on its user, who is here. Returns its
   * status: moved, unmoved, or overloaded, and then nothing has changed.
   */
  carryOut(user: UserRef, operations: OperationReader, at: number): number {
    this.user = user;
    switch (operations.kind(at)) {
      case ReadStateOperation.Ack:
        return this.#ack(user, operations, at);
      case ReadStateOperation.AckPins:
        return this.#ackPins(user, operations, at);
      case ReadStateOperation.Delete:
        return this.#delete(user, operations, at);
      default:
        this.entry = this.#find(user, operations, at);
        return BatchStatus.Unmoved;
    }
  }

  /**
   * Makes room for all entries that some operations of one user may add. Where the user is then; 0
   * when they would be too many, or there is no room: then none of them must be carried out.
   */
  makeRoom(user: UserRef, operations: OperationReader): UserRef {
    const added = new Set<string>();
    for (let at = 0; at < operations.count; at += 1) {
      if (operations.kind(at) !== ReadStateOperation.Ack) continue;
      if (this.#find(user, operations, at) !== 0) continue;
      added.add(`${operations.type(at)}/${operations.channelHi(at)}/${operations.channelLo(at)}`);
    }
    if (added.size === 0) return user;
    if (this.table.entriesCountOf(user) + added.size > this.#entriesPerUserMax) return 0;
    return this.table.reserve(user, added.size);
  }

  #ack(user: UserRef, operations: OperationReader, at: number): number {
    const { table } = this;
    const messageHi = operations.messageHi(at);
    const messageLo = operations.messageLo(at);
    const isManual = operations.isManual(at);
    const entry = this.#find(user, operations, at);
    this.entry = entry;
    if (entry === 0) {
      if (!isManual && (messageHi | messageLo) === 0) return BatchStatus.Unmoved;
    } else if (isManual) {
      if (this.#isSame(entry, operations, at)) return BatchStatus.Unmoved;
    } else if (table.isRead(entry, messageHi, messageLo)) {
      return BatchStatus.Unmoved;
    }
    if (entry === 0 && !this.#addEntry(user, operations, at)) return OVERLOADED;
    if (this.#write(operations, at)) return BatchStatus.Moved;
    // It needs more room than the block has; the references are other ones afterwards.
    const moved = table.reserve(this.user, 1);
    if (moved === 0) {
      if (entry === 0) table.truncate(this.user, table.entriesCountOf(this.user) - 1);
      return OVERLOADED;
    }
    this.user = moved;
    this.entry = this.#find(moved, operations, at);
    this.#write(operations, at);
    return BatchStatus.Moved;
  }

  #write(operations: OperationReader, at: number): boolean {
    const { table, entry } = this;
    const isManual = operations.isManual(at);
    return table.write(
      this.user,
      entry,
      operations.messageHi(at),
      operations.messageLo(at),
      operations.mentions(at),
      operations.hasFlags(at) ? operations.flags(at) : table.flagsOf(entry),
      operations.hasLastViewed(at) ? operations.lastViewed(at) : table.lastViewedOf(entry),
      isManual ? operations.channelLastMessageHi(at) : 0,
      isManual ? operations.channelLastMessageLo(at) : 0,
    );
  }

  /** Whether an ack by hand says what is so already. */
  #isSame(entry: EntryRef, operations: OperationReader, at: number): boolean {
    const { table } = this;
    return (
      table.messageLo(entry) === operations.messageLo(at) &&
      table.messageHi(entry) === operations.messageHi(at) &&
      table.mentionsOf(entry) === operations.mentions(at) &&
      table.manualLo(entry) === operations.channelLastMessageLo(at) &&
      table.manualHi(entry) === operations.channelLastMessageHi(at) &&
      (!operations.hasFlags(at) || table.flagsOf(entry) === operations.flags(at)) &&
      (!operations.hasLastViewed(at) || table.lastViewedOf(entry) === operations.lastViewed(at))
    );
  }

  #ackPins(user: UserRef, operations: OperationReader, at: number): number {
    const { table } = this;
    const pinMs = pinMsOf(operations, at);
    const entry = this.#find(user, operations, at);
    this.entry = entry;
    if (pinMs <= (entry === 0 ? 0 : table.pinMsOf(entry))) return BatchStatus.Unmoved;
    if (entry === 0 && !this.#addEntry(user, operations, at)) return OVERLOADED;
    if (table.writePin(this.user, this.entry, pinMs)) return BatchStatus.Moved;
    const moved = table.reserve(this.user, 1);
    if (moved === 0) {
      if (entry === 0) table.truncate(this.user, table.entriesCountOf(this.user) - 1);
      return OVERLOADED;
    }
    this.user = moved;
    this.entry = this.#find(moved, operations, at);
    table.writePin(moved, this.entry, pinMs);
    return BatchStatus.Moved;
  }

  #delete(user: UserRef, operations: OperationReader, at: number): number {
    const entry = this.#find(user, operations, at);
    this.entry = 0;
    if (entry === 0) return BatchStatus.Unmoved;
    this.table.remove(user, entry);
    this.table.raiseVersion(user, versionAfterDeletion(this.table.versionOf(user) - 1));
    return BatchStatus.Moved;
  }

  /** Leaves the new entry in `entry`. False when there is no room for it. */
  #addEntry(user: UserRef, operations: OperationReader, at: number): boolean {
    const { table } = this;
    if (table.entriesCountOf(user) >= this.#entriesPerUserMax) return false;
    const type = typeOf(operations, at);
    const channelHi = operations.channelHi(at);
    const channelLo = operations.channelLo(at);
    this.entry = table.addEntry(user, type, channelHi, channelLo);
    if (this.entry !== 0) return true;
    const moved = table.reserve(user, 1);
    if (moved === 0) return false;
    this.user = moved;
    this.entry = table.addEntry(moved, type, channelHi, channelLo);
    return true;
  }

  #find(user: UserRef, operations: OperationReader, at: number): EntryRef {
    return this.table.findEntry(
      user,
      typeOf(operations, at),
      operations.channelHi(at),
      operations.channelLo(at),
    );
  }
}

/** Only channels have pins. */
function typeOf(operations: OperationReader, at: number): number {
  if (operations.kind(at) === ReadStateOperation.AckPins) return ReadStateType.Channel;
  return operations.type(at);
}

function pinMsOf(operations: OperationReader, at: number): number {
  return operations.messageHi(at) * UINT32_COUNT + operations.messageLo(at);
}
