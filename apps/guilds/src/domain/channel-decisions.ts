/** Channels: made, changed, moved, deleted. Overwrites have a file of their own. */
import {
  refuse,
  refuseField,
  type CreateChannelRequest,
  type DeleteChannelRequest,
  type GetChannelRequest,
  type ModifyChannelRequest,
  type MoveChannelsRequest,
} from '@guildhall/contracts';
import { Permission, type OverwriteView } from '@guildhall/permissions';
import { actorOf, channelFor, requireIn, requirePermission, type Asker } from './access.js';
import type { Actor } from './access.js';
import type { Changes } from './changes.js';
import { saveChannel } from './channel-changes.js';
import {
  CHANNELS_MAX,
  channelTypeOf,
  checkChannelFields,
  checkParent,
  withFields,
} from './channel-fields.js';
import { channelDocument, ChannelType, newChannel, sameOverwrites } from './channel.js';
import type { Channel } from './channel.js';
import { channelJson } from './channel-json.js';
import type { Guild } from './guild.js';
import { saveSettings } from './guild-changes.js';
import { CHANNEL_SETTINGS } from './guild-settings.js';
import { dropInvite } from './invite-changes.js';
import { checkOverwriteChange, followersOf, overwritesOf } from './overwrite-decisions.js';
import { leaveVoice } from './voice-changes.js';

/** One channel, for whoever may see it. */
export function getChannel(guild: Guild, request: GetChannelRequest, asker: Asker): object {
  const channel = channelFor(guild, actorOf(guild, asker), request.channelId, 0n);
  return channelJson(guild.id, channel);
}

/** Adds a channel. Without overwrites of its own it gets those of its category. */
export function createChannel(
  guild: Guild,
  { fields }: CreateChannelRequest,
  changes: Changes,
): object {
  const actor = actorOf(guild, changes);
  if (fields?.name === undefined) {
    throw refuseField(['name'], 'BASE_TYPE_REQUIRED', 'This field is required');
  }
  const parentId = fields.parentId ?? 0n;
  if (parentId === 0n) requirePermission(actor, Permission.MANAGE_CHANNELS);
  else channelFor(guild, actor, parentId, Permission.MANAGE_CHANNELS);
  checkChannelFields(fields);
  const type = channelTypeOf(fields.type ?? ChannelType.Text);
  checkParent(guild, { id: 0n, type, parentId: 0n }, parentId);
  let overwrites: readonly OverwriteView[] = guild.channel(parentId)?.overwrites ?? [];
  if (fields.overwrites !== undefined) {
    overwrites = overwritesOf(guild, fields.overwrites.items);
    checkOverwriteChange(guild, actor, { id: 0n, overwrites: [] }, overwrites);
  }
  if (guild.channels.size >= CHANNELS_MAX) throw refuse('MaxChannels');
  const position = fields.position ?? lastPosition(guild, type, parentId) + 1;
  const blank = newChannel(changes.mint(), type, '');
  const channel = { ...withFields(blank, fields), position, overwrites };
  addChannel(guild, channel, changes);
  return channelJson(guild.id, channel);
}

/** Puts a new channel in its place and tells of it. */
export function addChannel(guild: Guild, channel: Channel, changes: Changes): void {
  guild.putChannel(channel);
  changes.put('channels', [channel.id], channelDocument(channel));
  const visibility = guild.takeVisibility(channel.id);
  changes.event({
    type: 'CHANNEL_CREATE',
    data: channelJson(guild.id, channel),
    channelId: channel.id,
    ...(visibility === undefined ? {} : { visibility }),
  });
}

/** Changes a channel. Overwrites need MANAGE_ROLES in it, the rest MANAGE_CHANNELS. */
export function modifyChannel(
  guild: Guild,
  request: ModifyChannelRequest,
  changes: Changes,
): object {
  const actor = actorOf(guild, changes);
  const channel = channelFor(guild, actor, request.channelId, 0n);
  const { fields } = request;
  if (fields === undefined) return channelJson(guild.id, channel);
  const { overwrites: items, $typeName: _, $unknown: __, ...settings } = fields;
  const isSetting = Object.values(settings).some((value) => value !== undefined);
  if (isSetting) requireIn(guild, actor, channel.id, Permission.MANAGE_CHANNELS);
  checkChannelFields(fields);
  if (fields.parentId !== undefined) checkParent(guild, channel, fields.parentId);
  const settled = withFields(channel, fields);
  const overwrites = overwritesAsked(guild, actor, channel, items?.items);
  const followers = sameOverwrites(overwrites, channel.overwrites)
    ? []
    : followersOf(guild, channel);
  saveChannel(guild, { ...settled, overwrites }, changes);
  for (const follower of followers) saveChannel(guild, { ...follower, overwrites }, changes);
  return channelJson(guild.id, guild.channel(channel.id)!);
}

function overwritesAsked(
  guild: Guild,
  actor: Actor,
  channel: Channel,
  items: Parameters<typeof overwritesOf>[1] | undefined,
): readonly OverwriteView[] {
  if (items === undefined) return channel.overwrites;
  const overwrites = overwritesOf(guild, items);
  if (sameOverwrites(overwrites, channel.overwrites)) return channel.overwrites;
  requireIn(guild, actor, channel.id, Permission.MANAGE_ROLES);
  checkOverwriteChange(guild, actor, channel, overwrites);
  return overwrites;
}

/**
 * Moves channels, all or none. With `lockPermissions` a channel takes its new category's
 * overwrites.
 */
export function moveChannels(guild: Guild, request: MoveChannelsRequest, changes: Changes): void {
  const actor = actorOf(guild, changes);
  const moved = request.positions.map((asked) => {
    const channel = channelFor(guild, actor, asked.channelId, Permission.MANAGE_CHANNELS);
    const parentId = asked.parentId ?? channel.parentId;
    if (parentId !== 0n && parentId !== channel.parentId) {
      checkParent(guild, channel, parentId);
      requireIn(guild, actor, parentId, Permission.MANAGE_CHANNELS);
    }
    const position = asked.position ?? channel.position;
    const category = asked.lockPermissions ? guild.channel(parentId) : undefined;
    const overwrites = category?.overwrites ?? channel.overwrites;
    if (!sameOverwrites(overwrites, channel.overwrites)) {
      requireIn(guild, actor, channel.id, Permission.MANAGE_ROLES);
      checkOverwriteChange(guild, actor, channel, overwrites);
    }
    return { ...channel, parentId, position, overwrites };
  });
  for (const channel of moved) saveChannel(guild, channel, changes);
}

/**
 * Deletes a channel: who is in it leaves, its invites end, and a category's channels stand alone.
 * Its messages cannot be asked for any more.
 */
export function deleteChannel(
  guild: Guild,
  request: DeleteChannelRequest,
  changes: Changes,
): object {
  const actor = actorOf(guild, changes);
  const channel = channelFor(guild, actor, request.channelId, Permission.MANAGE_CHANNELS);
  for (const state of [...guild.voiceStates.values()]) {
    if (state.channelId === channel.id) leaveVoice(guild, state.userId, changes);
  }
  for (const invite of [...guild.invites.values()]) {
    if (invite.channelId === channel.id) dropInvite(guild, invite, changes);
  }
  const children = guild.childrenOf(channel.id);
  guild.removeChannel(channel.id);
  guild.messages.forgetChannel(channel.id);
  guild.mentions.forgetChannel(channel.id);
  changes.delete('channels', [channel.id]);
  changes.put('purges', [channel.id], {});
  const visibility = guild.takeVisibility(channel.id);
  changes.event({
    type: 'CHANNEL_DELETE',
    data: channelJson(guild.id, channel),
    channelId: channel.id,
    ...(visibility === undefined ? {} : { visibility }),
  });
  for (const child of children) saveChannel(guild, { ...child, parentId: 0n }, changes);
  forgetInSettings(guild, channel.id, changes);
  return channelJson(guild.id, channel);
}

function forgetInSettings(guild: Guild, channelId: bigint, changes: Changes): void {
  const keys = CHANNEL_SETTINGS.filter((key) => guild.settings[key] === channelId);
  if (keys.length === 0) return;
  const cleared = Object.fromEntries(keys.map((key) => [key, 0n]));
  saveSettings(guild, { ...guild.settings, ...cleared }, changes);
}

/** Of the channels beside which a new one is put; categories stand among themselves. */
function lastPosition(guild: Guild, type: ChannelType, parentId: bigint): number {
  const isCategory = type === ChannelType.Category;
  let last = -1;
  for (const other of guild.channels.values()) {
    const isBeside = (other.type === ChannelType.Category) === isCategory;
    if (isBeside && other.parentId === parentId) last = Math.max(last, other.position);
  }
  return last;
}
