/**
 * Permission overwrites: what an actor may change of them, and how a category's reach the channels
 * that follow it. A channel follows its category while their overwrites are the same; there is no
 * flag for it.
 */
import {
  refuse,
  refuseField,
  type DeleteOverwriteRequest,
  type Overwrite,
  type PutOverwriteRequest,
} from '@guildhall/contracts';
import {
  ALL_PERMISSIONS,
  OverwriteType,
  overwriteChangesBeyond,
  Permission,
  type OverwriteView,
} from '@guildhall/permissions';
import { actorOf, channelFor, hasAny, type Actor } from './access.js';
import type { Changes } from './changes.js';
import { ChannelType, sameOverwrites, type Channel } from './channel.js';
import { saveChannel } from './channel-changes.js';
import type { Guild } from './guild.js';

export const OVERWRITES_MAX = 100;

/** Sets what one role or user may do in a channel. */
export function putOverwrite(guild: Guild, request: PutOverwriteRequest, changes: Changes): void {
  const actor = actorOf(guild, changes);
  const channel = channelFor(guild, actor, request.channelId, Permission.MANAGE_ROLES);
  if (request.overwrite === undefined) throw refuse('InvalidFormBody');
  const overwrite = overwriteOf(guild, request.overwrite, ['id']);
  const others = channel.overwrites.filter(({ id }) => id !== overwrite.id);
  if (others.length >= OVERWRITES_MAX) throw refuse('MaxOverwrites');
  const overwrites = [...others, overwrite];
  checkOverwriteChange(guild, actor, channel, overwrites);
  setOverwrites(guild, channel, overwrites, changes);
}

/** Removes an overwrite. */
export function deleteOverwrite(
  guild: Guild,
  request: DeleteOverwriteRequest,
  changes: Changes,
): void {
  const actor = actorOf(guild, changes);
  const channel = channelFor(guild, actor, request.channelId, Permission.MANAGE_ROLES);
  const overwrites = channel.overwrites.filter(({ id }) => id !== request.overwriteId);
  if (overwrites.length === channel.overwrites.length) throw refuse('UnknownOverwrite');
  checkOverwriteChange(guild, actor, channel, overwrites);
  setOverwrites(guild, channel, overwrites, changes);
}

/** The overwrites of a request, each checked: ids once, roles that exist. */
export function overwritesOf(guild: Guild, items: readonly Overwrite[]): OverwriteView[] {
  if (items.length > OVERWRITES_MAX) throw refuse('MaxOverwrites');
  const overwrites = items.map((item, at) =>
    overwriteOf(guild, item, ['permission_overwrites', at, 'id']),
  );
  if (new Set(overwrites.map(({ id }) => id)).size < overwrites.length) {
    throw refuseField(['permission_overwrites'], 'DUPLICATE', 'An id is there more than once.');
  }
  return overwrites;
}

function overwriteOf(
  guild: Guild,
  { id, type, allow, deny }: Overwrite,
  path: readonly (string | number)[],
): OverwriteView {
  if (type !== OverwriteType.Role && type !== OverwriteType.Member) {
    throw refuseField([...path.slice(0, -1), 'type'], 'BASE_TYPE_CHOICES', 'Must be 0 or 1.');
  }
  if (type === OverwriteType.Role && guild.role(id) === undefined) throw refuse('UnknownRole');
  return { id, type, allow: allow & ALL_PERMISSIONS, deny: deny & ALL_PERMISSIONS };
}

/**
 * Refuses (50013) a change of a channel's overwrites beyond the actor: only bits that it has
 * itself, in the guild or in the channel, may change; and MANAGE_ROLES, which gives all the rest,
 * only administrators may hand on. To whom an overwrite of the channel allows MANAGE_ROLES the
 * first does not apply (as Discord has it). A channel that is still to be made has no overwrites.
 */
export function checkOverwriteChange(
  guild: Guild,
  actor: Actor,
  channel: Pick<Channel, 'id' | 'overwrites'>,
  overwrites: readonly OverwriteView[],
): void {
  if (hasAny(actor, 0n)) return;
  const inChannel = guild.permissionsIn(channel.id, actor.userId, actor.nowMs);
  const own = isManagerHere(guild, actor, channel)
    ? ALL_PERMISSIONS
    : actor.permissions | inChannel;
  const held = own & ~Permission.MANAGE_ROLES;
  const before = new Map(channel.overwrites.map((overwrite) => [overwrite.id, overwrite]));
  for (const overwrite of overwrites) {
    const beyond = overwriteChangesBeyond(held, before.get(overwrite.id), overwrite);
    if (beyond !== 0n) throw refuse('MissingPermissions');
    before.delete(overwrite.id);
  }
  for (const removed of before.values()) {
    if (overwriteChangesBeyond(held, removed, undefined) !== 0n) throw refuse('MissingPermissions');
  }
}

function isManagerHere(guild: Guild, actor: Actor, channel: Pick<Channel, 'overwrites'>): boolean {
  const roleIds = guild.member(actor.userId)?.roleIds ?? [];
  return channel.overwrites.some(
    ({ id, allow }) =>
      (allow & Permission.MANAGE_ROLES) !== 0n && (id === actor.userId || roleIds.includes(id)),
  );
}

/** Changes a channel's overwrites; those of channels that follow it change as well. */
export function setOverwrites(
  guild: Guild,
  channel: Channel,
  overwrites: readonly OverwriteView[],
  changes: Changes,
): void {
  const followers = followersOf(guild, channel);
  saveChannel(guild, { ...channel, overwrites }, changes);
  for (const follower of followers) saveChannel(guild, { ...follower, overwrites }, changes);
}

/** The channels of a category that have its overwrites. */
export function followersOf(guild: Guild, category: Channel): Channel[] {
  if (category.type !== ChannelType.Category) return [];
  return guild
    .childrenOf(category.id)
    .filter((child) => sameOverwrites(child.overwrites, category.overwrites));
}
