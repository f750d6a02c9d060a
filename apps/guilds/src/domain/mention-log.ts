/**
 * Who was mentioned where: one record per message that mentions anybody, and for a private channel
 * one per message, since there every message counts. A mention count is read off these records and
 * kept nowhere, so edits and deletes correct it, and @everyone costs one record whatever the number
 * of members.
 *
 * A role that few hold is recorded as the users who hold it when the message is written (see
 * ROLE_HOLDERS_MAX in message-mentions.ts), which is exact; one that many hold is recorded as the
 * role, and counts for those who hold it when the count is read.
 *
 * A record says by what it mentions somebody, since users may suppress some of it: what they want
 * when a count is read holds for all that is counted. Records of older versions of this app have
 * who held a small role among those mentioned by name, and of private channels nobody by name.
 *
 * Memory keeps the newest records of each channel. What lies below is in the `mentions` table, and
 * `knownFrom` says where memory ends, so that whoever needs it exact from further back can ask the
 * table.
 */
import { timestampOf } from '@guildhall/snowflake';
import type { Document } from './tables.js';

/** The most records kept in memory per channel. */
export const MENTIONS_PER_CHANNEL_MAX = 2_000;

/** Whom one message mentions. */
export interface MentionRecord {
  readonly messageId: bigint;
  readonly authorId: bigint;
  /** @everyone and @here; and every message of a private channel. */
  readonly everyone: boolean;
  readonly roleIds: readonly bigint[];
  /** By name, or by a reply that pings. */
  readonly userIds: readonly bigint[];
  /** By a role that few hold, and not by name. */
  readonly roleUserIds: readonly bigint[];
}

/** Whose mentions are counted, and which of them. */
export interface CountedUser {
  readonly userId: bigint;
  /** The roles the user holds now. */
  readonly roleIds: readonly bigint[];
  /** Nothing from before counts. 0: everything does. */
  readonly joinedAtMs: number;
  /** What mentions everybody does not count; in a private channel that is every message. */
  readonly suppressEveryone: boolean;
  /** What mentions a role does not count. */
  readonly suppressRoles: boolean;
}

/** The same, and where, and from where on. */
export interface MentionQuery extends CountedUser {
  readonly channelId: bigint;
  /** Messages after this one are counted. 0n: all. */
  readonly position: bigint;
}

interface MentionRow {
  /** Channel and message. */
  readonly key: readonly (bigint | string)[];
  readonly document: Document;
}

export class MentionLog {
  /** By channel, sorted by message. */
  readonly #records = new Map<bigint, MentionRecord[]>();
  readonly #knownFrom = new Map<bigint, bigint>();

  /**
   * Fills an empty log from rows of the `mentions` table: of each channel the newest
   * MENTIONS_PER_CHANNEL_MAX, sorted by message.
   */
  restore(rows: readonly MentionRow[]): void {
    for (const { key, document } of rows) {
      const channelId = BigInt(key[0]!);
      const record = mentionRecord(BigInt(key[1]!), document);
      const records = this.#records.get(channelId);
      if (records === undefined) this.#records.set(channelId, [record]);
      else records.push(record);
    }
    for (const [channelId, records] of this.#records) {
      if (records.length < MENTIONS_PER_CHANNEL_MAX) continue;
      this.#knownFrom.set(channelId, records[0]!.messageId - 1n);
    }
  }

  /** Records whom a message mentions, in place of what was recorded of it before. */
  put(channelId: bigint, record: MentionRecord): void {
    if (record.messageId <= this.knownFrom(channelId)) return;
    let records = this.#records.get(channelId);
    if (records === undefined) this.#records.set(channelId, (records = []));
    const at = firstAfter(records, record.messageId - 1n);
    const isKnown = records[at]?.messageId === record.messageId;
    records.splice(at, isKnown ? 1 : 0, record);
    if (records.length <= MENTIONS_PER_CHANNEL_MAX) return;
    this.#knownFrom.set(channelId, records.shift()!.messageId);
  }

  /** The message is gone, or mentions nobody any more. */
  delete(channelId: bigint, messageId: bigint): void {
    const records = this.#records.get(channelId);
    if (records === undefined) return;
    const at = firstAfter(records, messageId - 1n);
    if (records[at]?.messageId === messageId) records.splice(at, 1);
  }

  /** The channel is gone. */
  forgetChannel(channelId: bigint): void {
    this.#records.delete(channelId);
    this.#knownFrom.delete(channelId);
  }

  has(channelId: bigint, messageId: bigint): boolean {
    const records = this.#records.get(channelId) ?? [];
    return records[firstAfter(records, messageId - 1n)]?.messageId === messageId;
  }

  /** Every record after this position is in memory: a count from here on is exact. */
  knownFrom(channelId: bigint): bigint {
    return this.#knownFrom.get(channelId) ?? 0n;
  }

  /**
   * How many messages after the position mention the user: not its own, none from before it joined.
   * Exact from `knownFrom` on; from further back it counts what memory has.
   */
  count(query: MentionQuery): number {
    const records = this.#records.get(query.channelId);
    if (records === undefined) return 0;
    const roleIds = new Set(query.roleIds);
    let count = 0;
    for (let at = firstAfter(records, query.position); at < records.length; at += 1) {
      if (isMentioned(records[at]!, query, roleIds)) count += 1;
    }
    return count;
  }
}

function isMentioned(
  record: MentionRecord,
  query: MentionQuery,
  roleIds: ReadonlySet<bigint>,
): boolean {
  if (record.authorId === query.userId) return false;
  const mayCount =
    (record.everyone && !query.suppressEveryone) ||
    record.userIds.includes(query.userId) ||
    (!query.suppressRoles && isMentionedByRole(record, query.userId, roleIds));
  return mayCount && timestampOf(record.messageId) >= query.joinedAtMs;
}

function isMentionedByRole(
  { roleUserIds, roleIds }: MentionRecord,
  userId: bigint,
  heldRoleIds: ReadonlySet<bigint>,
): boolean {
  return roleUserIds.includes(userId) || roleIds.some((roleId) => heldRoleIds.has(roleId));
}

/** The index of the first record after a message. */
function firstAfter(records: readonly MentionRecord[], messageId: bigint): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.messageId <= messageId) low = middle + 1;
    else high = middle;
  }
  return low;
}

const NOBODY: readonly bigint[] = [];

/** A record as it is stored; what is empty is left out. */
export function mentionDocument(record: MentionRecord): Document {
  return {
    author_id: String(record.authorId),
    ...(record.everyone ? { everyone: true } : {}),
    ...(record.roleIds.length > 0 ? { role_ids: record.roleIds.map(String) } : {}),
    ...(record.userIds.length > 0 ? { user_ids: record.userIds.map(String) } : {}),
    ...(record.roleUserIds.length > 0 ? { role_user_ids: record.roleUserIds.map(String) } : {}),
  };
}

function mentionRecord(messageId: bigint, document: Document): MentionRecord {
  const ids = (key: string): readonly bigint[] =>
    (document[key] as string[] | undefined)?.map(BigInt) ?? NOBODY;
  return {
    messageId,
    authorId: BigInt(document['author_id'] as string),
    everyone: document['everyone'] === true,
    roleIds: ids('role_ids'),
    userIds: ids('user_ids'),
    roleUserIds: ids('role_user_ids'),
  };
}
