/** Whom a message mentions, of all it names: what its author may, and wants to, mention. */
import type { AllowedMentions } from '@guildhall/contracts';
import { mayMentionEveryone, mayMentionRole } from '@guildhall/permissions';
import type { Guild } from './guild.js';
import type { MentionRecord } from './mention-log.js';
import { namedMentions } from './mention-parse.js';
import type { Place } from './message-place.js';
import type { Message } from './message.js';
import { sortedIds } from './member.js';
import type { User } from './user-document.js';

/**
 * Up to so many holders of a role are recorded by user, which is exact whoever gets the role later.
 */
export const ROLE_HOLDERS_MAX = 100;
/** In a larger guild nobody is looked for: the search would be felt by everybody. */
export const MEMBERS_SEARCHED_MAX = 20_000;

/** Whom it mentions; fields as in Message. */
export interface Mentions {
  readonly mentionEveryone: boolean;
  readonly mentions: readonly User[];
  readonly mentionRoles: readonly bigint[];
}

/** What decides about mentions in a request; `allowed` undefined: everything is meant. */
export interface MentionWishes {
  readonly content: string;
  readonly allowed: AllowedMentions | undefined;
  /** The author of the message that is replied to; undefined: it is no reply. */
  readonly repliedTo: User | undefined;
}

/** Whom a message of the place's actor mentions. Users that are not here are not mentioned. */
export function resolveMentions(place: Place, wishes: MentionWishes): Mentions {
  const { allowed, repliedTo } = wishes;
  const named = namedMentions(wishes.content);
  const isMeant = (kind: 'users' | 'roles', id: bigint): boolean =>
    allowed === undefined || allowed.parse.includes(kind) || allowed[kind].includes(id);
  const userIds = new Set(named.userIds.filter((id) => isMeant('users', id)));
  const isReplyMeant = allowed === undefined || allowed.repliedUser;
  if (repliedTo !== undefined && isReplyMeant && repliedTo.id !== place.actorId) {
    userIds.add(repliedTo.id);
  }
  const mentions = [...userIds].flatMap((id) => place.user(id) ?? []);
  const { guild } = place;
  if (guild === undefined) return { mentionEveryone: false, mentions, mentionRoles: [] };
  const isEveryoneMeant = allowed === undefined || allowed.parse.includes('everyone');
  return {
    mentionEveryone: named.everyone && isEveryoneMeant && mayMentionEveryone(place.permissions),
    mentions,
    mentionRoles: named.roleIds.filter(
      (id) => isMeant('roles', id) && mayMention(guild, id, place.permissions),
    ),
  };
}

function mayMention(guild: Guild, roleId: bigint, permissions: bigint): boolean {
  const role = roleId === guild.id ? undefined : guild.role(roleId);
  return role !== undefined && mayMentionRole(permissions, role.mentionable);
}

/**
 * What the mention log keeps of a message; undefined: nothing. A role that few hold is recorded as
 * those who hold it now, any other as itself, which counts for whoever holds it when the count is
 * read.
 */
export function mentionRecordOf(place: Place, message: Message): MentionRecord | undefined {
  const { guild } = place;
  const known = { messageId: message.id, authorId: message.author.id };
  const userIds = sortedIds(message.mentions.map(({ id }) => id));
  if (guild === undefined) {
    return { ...known, everyone: true, roleIds: [], userIds, roleUserIds: [] };
  }
  if (!mentionsAnybody(message)) return undefined;
  const roleIds: bigint[] = [];
  const holderIds = new Set<bigint>();
  for (const roleId of message.mentionRoles) {
    const holders = fewHoldersOf(guild, roleId);
    if (holders === undefined) roleIds.push(roleId);
    else for (const userId of holders) holderIds.add(userId);
  }
  for (const userId of userIds) holderIds.delete(userId);
  const roleUserIds = sortedIds(holderIds);
  return { ...known, everyone: message.mentionEveryone, roleIds, userIds, roleUserIds };
}

/** Whether a message of a guild has a record in the mention log. */
export function mentionsAnybody(message: Mentions): boolean {
  return message.mentionEveryone || message.mentions.length > 0 || message.mentionRoles.length > 0;
}

function fewHoldersOf(guild: Guild, roleId: bigint): bigint[] | undefined {
  if (guild.members.size > MEMBERS_SEARCHED_MAX) return undefined;
  let count = 0;
  for (const row of guild.audiences.rows()) {
    if (row.roleIds.includes(roleId)) count += row.membersCount;
    if (count > ROLE_HOLDERS_MAX) return undefined;
  }
  if (count === 0) return [];
  return guild.audiences.usersIn((row) => row.roleIds.includes(roleId));
}
