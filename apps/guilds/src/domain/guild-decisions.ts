/** The guild itself: made, shown, changed, deleted. */
import {
  refuse,
  Signal,
  VisibilityChangeSchema,
  type CreateGuildRequest,
  type DeleteGuildRequest,
  type GetGuildRequest,
  type ListChannelsRequest,
  type ModifyGuildRequest,
} from '@guildhall/contracts';
import { create } from '@bufbuild/protobuf';
import { Fault, FaultCode } from '@guildhall/fault';
import { DEFAULT_EVERYONE_PERMISSIONS, Permission } from '@guildhall/permissions';
import { actorOf, requirePermission, type Asker } from './access.js';
import type { Changes } from './changes.js';
import { channelDocument, ChannelType, newChannel, type Channel } from './channel.js';
import { checkChoice, checkLength, checkRange } from './field-checks.js';
import { tellGuild } from './guild-changes.js';
import { channelsJson, guildJson } from './guild-json.js';
import { DEFAULT_SETTINGS, type GuildSettings } from './guild-settings.js';
import type { Guild } from './guild.js';
import { countsJson } from './invite-json.js';
import { saveMember } from './member-changes.js';
import { newMember } from './member.js';
import { newRole, roleDocument } from './role.js';
import { userOf } from './user-document.js';

const NAME_MIN = 2;
const NAME_MAX = 100;
const DESCRIPTION_MAX = 300;
const AFK_TIMEOUTS_SECONDS = [60, 300, 900, 1_800, 3_600];

/**
 * Fills a guild that was just born: @everyone, a few channels, its owner. The one event is a
 * signal: nobody follows the guild yet, but a command that comes twice is recognised by its event.
 */
export function createGuild(guild: Guild, request: CreateGuildRequest, changes: Changes): object {
  const owner = userOf(request.owner);
  if (guild.ownerId !== 0n) throw new Fault(FaultCode.Invalid, 'there is a guild with this id');
  if (owner.id === 0n || owner.id !== changes.actorId) throw refuse('UnknownUser');
  checkLength(['name'], request.name.trim(), NAME_MIN, NAME_MAX);
  const everyone = newRole(guild.id, '@everyone', DEFAULT_EVERYONE_PERMISSIONS);
  const role = { ...everyone, position: 0 };
  guild.putRole(role);
  changes.put('roles', [role.id], roleDocument(role));
  const [general, ...others] = firstChannels(changes);
  for (const channel of [general, ...others]) {
    guild.putChannel(channel);
    changes.put('channels', [channel.id], channelDocument(channel));
  }
  guild.setSettings({
    ...DEFAULT_SETTINGS,
    name: request.name.trim(),
    icon: request.icon,
    systemChannelId: general.id,
  });
  guild.setOwner(owner.id);
  saveMember(guild, newMember(owner, changes.nowMs), changes);
  guild.takeVisibility();
  changes.isTopicChanged = true;
  changes.event({ type: Signal.VisibilityChanged, data: {} });
  changes.tell(owner.id, { case: 'guildJoined', value: { guildId: guild.id } });
  return guildJson(guild);
}

/** The channel to begin with, and those around it. */
function firstChannels(changes: Changes): [Channel, ...Channel[]] {
  const text = newChannel(changes.mint(), ChannelType.Category, 'Text Channels');
  const voice = newChannel(changes.mint(), ChannelType.Category, 'Voice Channels');
  const general = newChannel(changes.mint(), ChannelType.Text, 'general');
  const talk = newChannel(changes.mint(), ChannelType.Voice, 'General');
  return [
    { ...general, parentId: text.id },
    { ...talk, parentId: voice.id },
    text,
    { ...voice, position: 1 },
  ];
}

export function getGuild(guild: Guild, request: GetGuildRequest, asker: Asker): object {
  actorOf(guild, asker);
  return { ...guildJson(guild), ...(request.withCounts ? countsJson(guild) : {}) };
}

/** The channels the actor sees. */
export function listChannels(guild: Guild, _: ListChannelsRequest, asker: Asker): object[] {
  actorOf(guild, asker);
  return channelsJson(guild, asker.actorId);
}

/** Changes settings; by the owner also whose the guild is. */
export function modifyGuild(guild: Guild, request: ModifyGuildRequest, changes: Changes): object {
  const actor = actorOf(guild, changes);
  requirePermission(actor, Permission.MANAGE_GUILD);
  const { ownerId } = request;
  if (ownerId !== undefined && ownerId !== guild.ownerId) {
    if (!actor.isOwner) throw refuse('MissingPermissions');
    if (guild.member(ownerId) === undefined) throw refuse('UnknownMember');
  }
  checkSettings(guild, request);
  const settings = withRequest(guild.settings, request);
  const isOwnerNew = ownerId !== undefined && ownerId !== guild.ownerId;
  if (!isOwnerNew && isSameSettings(guild.settings, settings)) return guildJson(guild);
  guild.setSettings(settings);
  if (isOwnerNew) guild.setOwner(ownerId);
  tellGuild(guild, changes);
  return guildJson(guild);
}

/** Ends the guild, by its owner. Every member's own topic is told. */
export function deleteGuild(guild: Guild, _: DeleteGuildRequest, changes: Changes): void {
  if (!actorOf(guild, changes).isOwner) throw refuse('MissingPermissions');
  changes.isTopicDeleted = true;
  changes.event({
    type: 'GUILD_DELETE',
    data: { id: String(guild.id) },
    visibility: create(VisibilityChangeSchema, { topicDeleted: true }),
  });
  for (const userId of guild.members.keys()) {
    changes.tell(userId, { case: 'guildLeft', value: { guildId: guild.id } });
  }
}

function checkSettings(guild: Guild, request: ModifyGuildRequest): void {
  checkLength(['name'], request.name?.trim(), NAME_MIN, NAME_MAX);
  checkLength(['description'], request.description, 0, DESCRIPTION_MAX);
  checkRange(['verification_level'], request.verificationLevel, 0, 4);
  checkRange(['default_message_notifications'], request.defaultMessageNotifications, 0, 1);
  checkRange(['explicit_content_filter'], request.explicitContentFilter, 0, 2);
  checkChoice(['afk_timeout'], request.afkTimeout, AFK_TIMEOUTS_SECONDS);
  checkChannel(guild, request.afkChannelId, [ChannelType.Voice]);
  const text = [ChannelType.Text, ChannelType.Announcement];
  checkChannel(guild, request.systemChannelId, text);
  checkChannel(guild, request.rulesChannelId, text);
  checkChannel(guild, request.publicUpdatesChannelId, text);
  checkChannel(guild, request.safetyAlertsChannelId, text);
}

function checkChannel(guild: Guild, id: bigint | undefined, types: readonly ChannelType[]): void {
  if (id === undefined || id === 0n) return;
  const channel = guild.channel(id);
  if (channel === undefined) throw refuse('UnknownChannel');
  if (!types.includes(channel.type)) throw refuse('WrongChannelType');
}

function withRequest(settings: GuildSettings, request: ModifyGuildRequest): GuildSettings {
  return {
    name: request.name?.trim() ?? settings.name,
    icon: request.icon ?? settings.icon,
    splash: request.splash ?? settings.splash,
    banner: request.banner ?? settings.banner,
    description: request.description ?? settings.description,
    verificationLevel: request.verificationLevel ?? settings.verificationLevel,
    defaultMessageNotifications:
      request.defaultMessageNotifications ?? settings.defaultMessageNotifications,
    explicitContentFilter: request.explicitContentFilter ?? settings.explicitContentFilter,
    afkChannelId: request.afkChannelId ?? settings.afkChannelId,
    afkTimeoutSeconds: request.afkTimeout ?? settings.afkTimeoutSeconds,
    systemChannelId: request.systemChannelId ?? settings.systemChannelId,
    systemChannelFlags: request.systemChannelFlags ?? settings.systemChannelFlags,
    rulesChannelId: request.rulesChannelId ?? settings.rulesChannelId,
    publicUpdatesChannelId: request.publicUpdatesChannelId ?? settings.publicUpdatesChannelId,
    safetyAlertsChannelId: request.safetyAlertsChannelId ?? settings.safetyAlertsChannelId,
    preferredLocale: request.preferredLocale || settings.preferredLocale,
    premiumProgressBarEnabled:
      request.premiumProgressBarEnabled ?? settings.premiumProgressBarEnabled,
  };
}

function isSameSettings(a: GuildSettings, b: GuildSettings): boolean {
  return (Object.keys(a) as (keyof GuildSettings)[]).every((key) => a[key] === b[key]);
}
