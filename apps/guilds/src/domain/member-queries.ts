/** Members found: by id, by page, by the beginning of a name. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  refuse,
  type GetMemberRequest,
  type ListMembersRequest,
  type QueryMembersReplySchema,
  type QueryMembersRequest,
  type SearchMembersRequest,
} from '@guildhall/contracts';
import { actorOf, memberFor, type Asker } from './access.js';
import { checkRange } from './field-checks.js';
import type { Guild } from './guild.js';
import { memberJson } from './member-json.js';
import type { Member } from './member.js';

/** The most members in one page. */
export const PAGE_MAX = 1_000;
const FOUND_BY_NAME_MAX = 100;
const ASKED_IDS_MAX = 100;

const encoder = new TextEncoder();

export function getMember(guild: Guild, request: GetMemberRequest, asker: Asker): object {
  actorOf(guild, asker);
  return memberJson(memberFor(guild, request.userId));
}

/** A page of members, ascending by user id. */
export function listMembers(guild: Guild, request: ListMembersRequest, asker: Asker): object[] {
  actorOf(guild, asker);
  checkRange(['limit'], request.limit, 1, PAGE_MAX);
  const ids = guild.memberIds();
  const from = firstAfter(ids, request.after);
  return ids.slice(from, from + request.limit).map((id) => memberJson(guild.member(id)!));
}

/** Members whose user name, global name or nick begins so, whatever the case. */
export function searchMembers(guild: Guild, request: SearchMembersRequest, asker: Asker): object[] {
  actorOf(guild, asker);
  checkRange(['limit'], request.limit, 1, PAGE_MAX);
  return byName(guild, request.query, request.limit).map(memberJson);
}

/**
 * Gateway op 8, one page: members by id, or by the beginning of a name (the empty one with limit 0:
 * everybody), and who of them is online if that is asked for.
 */
export function queryMembers(
  guild: Guild,
  request: QueryMembersRequest,
): MessageInitShape<typeof QueryMembersReplySchema> {
  if (guild.member(request.command?.actorId ?? 0n) === undefined) throw refuse('MissingAccess');
  const { found, notFound } = matching(guild, request);
  const from = request.after === 0n ? 0 : firstAfter(found, request.after);
  const page = found.slice(from, from + PAGE_MAX);
  const presences = request.presences ? page.flatMap((id) => guild.presences.get(id) ?? []) : [];
  return {
    membersJson: encode(page.map((id) => memberJson(guild.member(id)!))),
    presencesJson: encode(presences),
    notFound,
    membersCount: found.length,
    nextAfter: from + PAGE_MAX < found.length ? page[page.length - 1]! : 0n,
  };
}

/** The ids asked for, ascending, and those that are no member's. */
function matching(
  guild: Guild,
  { query, userIds, limit }: QueryMembersRequest,
): { found: readonly bigint[]; notFound: bigint[] } {
  if (userIds.length > 0) {
    const asked = [...new Set(userIds.slice(0, ASKED_IDS_MAX))].sort((a, b) => (a < b ? -1 : 1));
    const isMember = (id: bigint): boolean => guild.members.has(id);
    return { found: asked.filter(isMember), notFound: asked.filter((id) => !isMember(id)) };
  }
  if (query === undefined || query === '') {
    const ids = guild.memberIds();
    return { found: limit === 0 ? ids : ids.slice(0, limit), notFound: [] };
  }
  const max = limit === 0 ? FOUND_BY_NAME_MAX : Math.min(limit, FOUND_BY_NAME_MAX);
  return { found: byName(guild, query, max).map(({ user }) => user.id), notFound: [] };
}

/** Ascending by id; stops when there are enough. */
function byName(guild: Guild, query: string, limit: number): Member[] {
  const start = query.toLowerCase();
  const found: Member[] = [];
  for (const id of guild.memberIds()) {
    if (found.length >= limit) break;
    const member = guild.member(id)!;
    const names = [member.user.username, member.user.globalName, member.nick];
    if (names.some((name) => name.toLowerCase().startsWith(start))) found.push(member);
  }
  return found;
}

/** The index of the first id after this one, among ascending ids. */
function firstAfter(ids: readonly bigint[], id: bigint): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}

const encode = (value: object): Uint8Array => encoder.encode(JSON.stringify(value));
