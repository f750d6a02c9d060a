/** What an interaction's data names by id, shown in full: `resolved` in Discord's API. */
import { refuse, userJson, type CreateInteractionRequest } from '@guildhall/contracts';
import { channelJson } from './channel-json.js';
import type { Guild } from './guild.js';
import { memberPartJson } from './member-json.js';
import { attachmentJson, referencedBy } from './message-draft.js';
import { messageJson } from './message-json.js';
import type { Place } from './message-place.js';
import { roleJson } from './role.js';

type ById = Record<string, object>;

/**
 * Undefined if it names nothing. Refuses what is not here (10013, 10011, 10003), and a channel that
 * the person does not see (10003).
 */
export function resolvedJson(place: Place, request: CreateInteractionRequest): object | undefined {
  const { guild, channelId } = place;
  const found = {
    users: {} as ById,
    members: {} as ById,
    roles: {} as ById,
    channels: {} as ById,
    messages: {} as ById,
    attachments: {} as ById,
  };
  const { mentionableIds } = request;
  const isRole = (id: bigint): boolean => guild?.role(id) !== undefined;
  const userIds = [...request.userIds, ...mentionableIds.filter((id) => !isRole(id))];
  for (const id of userIds) {
    const user = place.user(id);
    if (user === undefined) throw refuse('UnknownUser');
    found.users[String(id)] = userJson(user);
    if (guild !== undefined) found.members[String(id)] = memberOf(guild, channelId, id, place);
  }
  for (const id of [...request.roleIds, ...mentionableIds.filter(isRole)]) {
    const role = guild?.role(id);
    if (role === undefined) throw refuse('UnknownRole');
    found.roles[String(id)] = roleJson(role);
  }
  for (const id of request.channelIds) {
    const channel = guild?.channel(id);
    if (guild === undefined || channel === undefined || !guild.mayView(id, place.actorId)) {
      throw refuse('UnknownChannel');
    }
    const permissions = String(guild.permissionsIn(id, place.actorId, place.nowMs));
    found.channels[String(id)] = { ...channelJson(guild.id, channel), permissions };
  }
  if (request.targetMessageId !== 0n) {
    if (!place.mayReadHistory) throw refuse('MissingPermissions');
    const { message } = place.message(request.targetMessageId);
    const referenced = referencedBy(place, message);
    found.messages[String(message.id)] = messageJson(place, message, { referenced });
  }
  for (const attachment of request.attachments) {
    found.attachments[String(attachment.id)] = attachmentJson(attachment);
  }
  const kinds = Object.entries(found).filter(([, byId]) => Object.keys(byId).length > 0);
  return kinds.length === 0 ? undefined : Object.fromEntries(kinds);
}

function memberOf(guild: Guild, channelId: bigint, userId: bigint, { nowMs }: Place): object {
  const member = guild.member(userId)!;
  const permissions = String(guild.permissionsIn(channelId, userId, nowMs));
  return { ...memberPartJson(member), permissions };
}
