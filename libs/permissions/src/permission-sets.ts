// Which permissions belong together. Each set is a claim about Discord's table, so a spec holds
// each against the table written out.
import { Permission, permissionsOf } from './permission.js';

/** What @everyone may do in a new guild: everything that disturbs nobody else's work. */
export const DEFAULT_EVERYONE_PERMISSIONS: bigint = permissionsOf([
  'CREATE_INSTANT_INVITE',
  'ADD_REACTIONS',
  'STREAM',
  'VIEW_CHANNEL',
  'SEND_MESSAGES',
  'EMBED_LINKS',
  'ATTACH_FILES',
  'READ_MESSAGE_HISTORY',
  'MENTION_EVERYONE',
  'USE_EXTERNAL_EMOJIS',
  'CONNECT',
  'SPEAK',
  'USE_VAD',
  'CHANGE_NICKNAME',
  'USE_APPLICATION_COMMANDS',
  'REQUEST_TO_SPEAK',
  'CREATE_PUBLIC_THREADS',
  'CREATE_PRIVATE_THREADS',
  'USE_EXTERNAL_STICKERS',
  'SEND_MESSAGES_IN_THREADS',
  'USE_EMBEDDED_ACTIVITIES',
  'USE_SOUNDBOARD',
  'CREATE_GUILD_EXPRESSIONS',
  'CREATE_EVENTS',
  'USE_EXTERNAL_SOUNDS',
  'SEND_VOICE_MESSAGES',
  'SET_VOICE_CHANNEL_STATUS',
  'SEND_POLLS',
  'USE_EXTERNAL_APPS',
]);

const EVERY_CHANNEL = permissionsOf([
  'CREATE_INSTANT_INVITE',
  'MANAGE_CHANNELS',
  'ADD_REACTIONS',
  'VIEW_CHANNEL',
  'SEND_MESSAGES',
  'SEND_TTS_MESSAGES',
  'MANAGE_MESSAGES',
  'EMBED_LINKS',
  'ATTACH_FILES',
  'READ_MESSAGE_HISTORY',
  'MENTION_EVERYONE',
  'USE_EXTERNAL_EMOJIS',
  'MANAGE_ROLES',
  'MANAGE_WEBHOOKS',
  'USE_APPLICATION_COMMANDS',
  'USE_EXTERNAL_STICKERS',
  'SEND_VOICE_MESSAGES',
  'SEND_POLLS',
  'USE_EXTERNAL_APPS',
  'BYPASS_SLOWMODE',
]);

/** Has a meaning in a text, announcement, forum or media channel ("T" in Discord's table). */
export const TEXT_CHANNEL_PERMISSIONS: bigint =
  EVERY_CHANNEL |
  permissionsOf([
    'MANAGE_THREADS',
    'CREATE_PUBLIC_THREADS',
    'CREATE_PRIVATE_THREADS',
    'SEND_MESSAGES_IN_THREADS',
    'USE_EMBEDDED_ACTIVITIES',
    'PIN_MESSAGES',
  ]);

/** Has a meaning in a voice channel ("V"). */
export const VOICE_CHANNEL_PERMISSIONS: bigint =
  EVERY_CHANNEL |
  permissionsOf([
    'PRIORITY_SPEAKER',
    'STREAM',
    'CONNECT',
    'SPEAK',
    'MUTE_MEMBERS',
    'DEAFEN_MEMBERS',
    'MOVE_MEMBERS',
    'USE_VAD',
    'MANAGE_EVENTS',
    'USE_EMBEDDED_ACTIVITIES',
    'USE_SOUNDBOARD',
    'CREATE_EVENTS',
    'USE_EXTERNAL_SOUNDS',
    'SET_VOICE_CHANNEL_STATUS',
  ]);

/** Has a meaning in a stage channel ("S"). */
export const STAGE_CHANNEL_PERMISSIONS: bigint =
  EVERY_CHANNEL |
  permissionsOf([
    'STREAM',
    'CONNECT',
    'MUTE_MEMBERS',
    'MOVE_MEMBERS',
    'REQUEST_TO_SPEAK',
    'MANAGE_EVENTS',
    'CREATE_EVENTS',
  ]);

/**
 * What an overwrite can allow or deny. Categories hold overwrites for all kinds of channels, so it
 * is the union; the rest (ADMINISTRATOR, KICK_MEMBERS, ...) means something only in the guild as a
 * whole, and an overwrite must not be a way to get it.
 */
export const OVERWRITABLE_PERMISSIONS: bigint =
  TEXT_CHANNEL_PERMISSIONS | VOICE_CHANNEL_PERMISSIONS | STAGE_CHANNEL_PERMISSIONS;

/** What depends on being able to send a message at all. */
export const SENDING_PERMISSIONS: bigint = permissionsOf([
  'MENTION_EVERYONE',
  'SEND_TTS_MESSAGES',
  'ATTACH_FILES',
  'EMBED_LINKS',
]);

/**
 * What depends on being able to connect, in a voice or stage channel: all that is about voice, and
 * the managing of the channel itself and its overwrites.
 */
export const CONNECTING_PERMISSIONS: bigint =
  ((VOICE_CHANNEL_PERMISSIONS | STAGE_CHANNEL_PERMISSIONS) & ~EVERY_CHANNEL) |
  Permission.MANAGE_CHANNELS |
  Permission.MANAGE_ROLES;

/** What is left to a member in a timeout. */
export const TIMED_OUT_PERMISSIONS: bigint = permissionsOf([
  'VIEW_CHANNEL',
  'READ_MESSAGE_HISTORY',
]);

/**
 * What needs two-factor authentication of whoever uses it, in a guild that demands it
 * (`mfa_level` 1). For bots it is that of their owner's account.
 */
export const ELEVATED_PERMISSIONS: bigint = permissionsOf([
  'KICK_MEMBERS',
  'BAN_MEMBERS',
  'ADMINISTRATOR',
  'MANAGE_CHANNELS',
  'MANAGE_GUILD',
  'MANAGE_MESSAGES',
  'MANAGE_ROLES',
  'MANAGE_WEBHOOKS',
  'MANAGE_GUILD_EXPRESSIONS',
  'MANAGE_THREADS',
  'VIEW_CREATOR_MONETIZATION_ANALYTICS',
]);

/**
 * What both people of a direct message channel may do there. There are no roles and no overwrites:
 * it is the same for everyone, always.
 */
export const DIRECT_MESSAGE_PERMISSIONS: bigint = permissionsOf([
  'ADD_REACTIONS',
  'STREAM',
  'VIEW_CHANNEL',
  'SEND_MESSAGES',
  'EMBED_LINKS',
  'ATTACH_FILES',
  'READ_MESSAGE_HISTORY',
  'MENTION_EVERYONE',
  'USE_EXTERNAL_EMOJIS',
  'CONNECT',
  'SPEAK',
  'USE_VAD',
  'USE_APPLICATION_COMMANDS',
  'USE_EXTERNAL_STICKERS',
  'USE_EMBEDDED_ACTIVITIES',
  'USE_SOUNDBOARD',
  'USE_EXTERNAL_SOUNDS',
  'SEND_VOICE_MESSAGES',
  'SEND_POLLS',
  'USE_EXTERNAL_APPS',
  'PIN_MESSAGES',
]);

/** In a group, everyone may also invite, and rename it. */
export const GROUP_PERMISSIONS: bigint =
  DIRECT_MESSAGE_PERMISSIONS | Permission.CREATE_INSTANT_INVITE | Permission.MANAGE_CHANNELS;

/** The owner of a group may also remove recipients from it. */
export const GROUP_OWNER_PERMISSIONS: bigint = GROUP_PERMISSIONS | Permission.KICK_MEMBERS;
