// Who may do what, and who hears of what: the tables of the permission stories, to be read as they
// stand. What the words do is in harness/permission-scene.ts, http-actions.ts and happenings.ts.
//
// The guild of every case. @everyone may VIEW_CHANNEL, SEND_MESSAGES and READ_MESSAGE_HISTORY, and
// nothing else. Roles, by position:
//
//   10 `admins`  ADMINISTRATOR                    admin, excused (an administrator in a timeout)
//    8 `high`    nothing                          high
//    5 `held`    what a case says                 holder, peer, bot
//    2 `low`     nothing                          low
//    0 @everyone                                  member, timed-out, and all of the above
//
// `owner` has no role, `banned` is banned, `stranger` has never been there.

import type { PermissionName } from '@guildhall/permissions';

import type { Change } from './harness/channel-changes.js';
import type { Happening, Session } from './harness/happenings.js';
import type { HttpAction } from './harness/http-actions.js';
import type { Actor } from './harness/permission-scene.js';

/** Permissions with spaces between; none: ''. */
export type PermissionList = '' | PermissionName | `${PermissionName} ${string}`;

/**
 * The channel it happens in, made for the case: a text channel with the overwrites; a voice channel
 * with them; one in a category that has them, which it inherits; one that had its own and was then
 * synchronised with such a category.
 */
export type Place = 'text' | 'voice' | 'inherited' | 'synced';

/** `everyone +A -B, held +C`: what is allowed (+) and denied (-) to whom; none: ''. */
export type OverwriteList = string;

/** The status, and after it the error's code of Discord, or what the answer says. */
export type HttpAnswer = `${number}` | `${number} ${number | string}`;

/** Who; what its role `held` allows; where; under which overwrites; does what; and is answered. */
export type HttpCase = readonly [
  who: Actor,
  has: PermissionList,
  place: Place,
  overwrites: OverwriteList,
  does: HttpAction,
  isAnswered: HttpAnswer,
];

export const HTTP_CASES: readonly HttpCase[] = [
  // Seeing
  ['owner', '', 'text', 'everyone -VIEW_CHANNEL', 'view', '200'],
  ['admin', '', 'text', 'everyone -VIEW_CHANNEL', 'view', '200'],
  ['admin', '', 'text', 'admin -VIEW_CHANNEL', 'view', '200'],
  ['member', '', 'text', '', 'view', '200'],
  ['member', '', 'text', 'everyone -VIEW_CHANNEL', 'view', '403 50001'],
  ['member', '', 'text', 'member -VIEW_CHANNEL', 'view', '403 50001'],
  ['holder', '', 'text', 'everyone -VIEW_CHANNEL, held +VIEW_CHANNEL', 'view', '200'],
  ['holder', '', 'text', 'held -VIEW_CHANNEL, holder +VIEW_CHANNEL', 'view', '200'],
  ['holder', '', 'text', 'held +VIEW_CHANNEL, holder -VIEW_CHANNEL', 'view', '403 50001'],
  ['holder', 'MANAGE_CHANNELS', 'text', 'everyone -VIEW_CHANNEL', 'edit channel', '403 50001'],
  ['member', '', 'inherited', 'everyone -VIEW_CHANNEL', 'view', '403 50001'],
  ['holder', '', 'inherited', 'everyone -VIEW_CHANNEL, held +VIEW_CHANNEL', 'view', '200'],
  ['member', '', 'synced', 'everyone -VIEW_CHANNEL', 'view', '403 50001'],
  ['member', '', 'synced', '', 'view', '200'],
  ['timed-out', '', 'text', '', 'view', '200'],
  ['banned', '', 'text', '', 'view', '403 50001'],
  ['stranger', '', 'text', '', 'view', '403 50001'],
  ['stranger', '', 'text', 'stranger +VIEW_CHANNEL', 'view', '403 50001'],
  ['member', '', 'text', 'everyone -VIEW_CHANNEL', 'find in list', '200 absent'],
  ['member', '', 'text', '', 'find in list', '200 present'],
  ['member', '', 'text', '', 'view guild', '200'],
  ['stranger', '', 'text', '', 'view guild', '403 50001'],
  ['banned', '', 'text', '', 'view guild', '403 50001'],

  // Speaking
  ['owner', '', 'text', 'everyone -SEND_MESSAGES', 'send', '200'],
  ['admin', '', 'text', 'everyone -SEND_MESSAGES', 'send', '200'],
  ['member', '', 'text', '', 'send', '200'],
  ['member', '', 'text', 'everyone -SEND_MESSAGES', 'send', '403 50013'],
  ['member', '', 'text', 'everyone -VIEW_CHANNEL', 'send', '403 50001'],
  ['holder', 'SEND_MESSAGES', 'text', 'everyone -SEND_MESSAGES', 'send', '403 50013'],
  ['holder', '', 'text', 'everyone -SEND_MESSAGES, held +SEND_MESSAGES', 'send', '200'],
  ['holder', '', 'text', 'held -SEND_MESSAGES, holder +SEND_MESSAGES', 'send', '200'],
  ['holder', '', 'text', 'everyone -SEND_MESSAGES, member +SEND_MESSAGES', 'send', '403 50013'],
  ['member', '', 'inherited', 'everyone -SEND_MESSAGES', 'send', '403 50013'],
  ['member', '', 'synced', 'everyone -SEND_MESSAGES', 'send', '403 50013'],
  ['timed-out', '', 'text', '', 'send', '403 50013'],
  ['timed-out', '', 'text', 'timed-out +SEND_MESSAGES', 'send', '403 50013'],
  ['excused', '', 'text', '', 'send', '200'],
  ['banned', '', 'text', '', 'send', '403 50001'],
  ['stranger', '', 'text', '', 'send', '403 50001'],
  ['member', '', 'voice', '', 'send', '403 50001'],
  ['holder', 'CONNECT', 'voice', '', 'send', '200'],
  ['member', '', 'text', '', 'type', '204'],
  ['member', '', 'text', 'everyone -SEND_MESSAGES', 'type', '403 50013'],
  ['timed-out', '', 'text', '', 'type', '403 50013'],
  ['member', '', 'text', '', 'attach a file', '403 50013'],
  ['holder', 'ATTACH_FILES', 'text', '', 'attach a file', '200'],
  ['holder', 'ATTACH_FILES', 'text', 'held -ATTACH_FILES', 'attach a file', '403 50013'],
  ['member', '', 'text', '', 'embed', '403 50013'],
  ['member', '', 'text', 'everyone +EMBED_LINKS', 'embed', '200'],
  ['member', '', 'text', '', 'mention everyone', '200 unheard'],
  ['holder', 'MENTION_EVERYONE', 'text', '', 'mention everyone', '200 heard'],
  ['owner', '', 'text', '', 'mention everyone', '200 heard'],
  ['member', '', 'text', '', 'mention a role', '200 unheard'],
  ['holder', 'MENTION_EVERYONE', 'text', '', 'mention a role', '200 heard'],
  ['member', '', 'text', '', 'mention a mentionable role', '200 heard'],
  ['member', '', 'text', '', 'reply', '200'],
  ['member', '', 'text', 'everyone -READ_MESSAGE_HISTORY', 'reply', '403 160002'],

  // Reading back
  ['member', '', 'text', '', 'read history', '200 1'],
  ['member', '', 'text', 'everyone -READ_MESSAGE_HISTORY', 'read history', '200 0'],
  ['member', '', 'text', 'everyone -READ_MESSAGE_HISTORY', 'read a message', '403 50013'],
  ['member', '', 'text', 'everyone -VIEW_CHANNEL', 'read history', '403 50001'],
  ['timed-out', '', 'text', '', 'read history', '200 1'],
  ['stranger', '', 'text', '', 'read history', '403 50001'],

  // Messages of others
  ['member', '', 'text', '', 'react', '403 50013'],
  ['holder', 'ADD_REACTIONS', 'text', '', 'react', '204'],
  ['member', '', 'text', '', 'join a reaction', '204'],
  ['timed-out', '', 'text', '', 'join a reaction', '403 50013'],
  ['holder', 'ADD_REACTIONS', 'text', 'held -READ_MESSAGE_HISTORY', 'react', '403 50013'],
  ['member', '', 'text', '', 'clear reactions', '403 50013'],
  ['holder', 'MANAGE_MESSAGES', 'text', '', 'clear reactions', '204'],
  ['admin', '', 'text', '', 'edit a message', '403 50005'],
  ['member', '', 'text', '', 'delete a message', '403 50013'],
  ['member', '', 'text', '', 'delete its own message', '204'],
  ['holder', 'MANAGE_MESSAGES', 'text', '', 'delete a message', '204'],
  ['holder', 'MANAGE_MESSAGES', 'text', 'held -MANAGE_MESSAGES', 'delete a message', '403 50013'],
  ['holder', '', 'text', 'holder +MANAGE_MESSAGES', 'delete a message', '204'],
  ['holder', 'MANAGE_MESSAGES', 'text', '', 'bulk delete', '204'],
  ['member', '', 'text', '', 'bulk delete', '403 50013'],
  ['member', '', 'text', '', 'pin', '403 50013'],
  ['holder', 'MANAGE_MESSAGES', 'text', '', 'pin', '204'],
  ['holder', 'PIN_MESSAGES', 'text', '', 'pin', '204'],

  // Channels
  ['member', '', 'text', '', 'edit channel', '403 50013'],
  ['holder', 'MANAGE_CHANNELS', 'text', '', 'edit channel', '200'],
  ['holder', '', 'text', 'held +MANAGE_CHANNELS', 'edit channel', '200'],
  ['holder', 'MANAGE_CHANNELS', 'text', 'holder -MANAGE_CHANNELS', 'edit channel', '403 50013'],
  ['holder', 'MANAGE_CHANNELS', 'voice', '', 'edit channel', '403 50013'],
  ['holder', 'MANAGE_CHANNELS', 'text', '', 'delete channel', '200'],
  ['member', '', 'text', '', 'delete channel', '403 50013'],
  ['holder', 'MANAGE_CHANNELS', 'text', '', 'create channel', '201'],
  ['holder', '', 'text', 'held +MANAGE_CHANNELS', 'create channel', '403 50013'],
  ['timed-out', '', 'text', '', 'create channel', '403 50013'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'allow SEND_MESSAGES', '204'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'allow MANAGE_MESSAGES', '403 50013'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'allow MANAGE_ROLES', '403 50013'],
  ['holder', 'MANAGE_CHANNELS', 'text', '', 'allow SEND_MESSAGES', '403 50013'],
  ['admin', '', 'text', '', 'allow MANAGE_ROLES', '204'],
  ['member', '', 'text', '', 'invite', '403 50013'],
  ['holder', 'CREATE_INSTANT_INVITE', 'text', '', 'invite', '200'],
  ['holder', 'CREATE_INSTANT_INVITE', 'text', 'held -VIEW_CHANNEL', 'invite', '403 50001'],
  ['banned', '', 'text', '', 'join', '403 40007'],
  ['stranger', '', 'text', '', 'join', '200'],

  // Roles
  ['member', '', 'text', '', 'create role', '403 50013'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'create role', '200'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'edit role low', '200'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'edit role held', '403 50013'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'edit role high', '403 50013'],
  ['admin', '', 'text', '', 'edit role admins', '403 50013'],
  ['owner', '', 'text', '', 'edit role admins', '200'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'grant KICK_MEMBERS', '403 50013'],
  ['holder', 'MANAGE_ROLES KICK_MEMBERS', 'text', '', 'grant KICK_MEMBERS', '200'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'give role low', '204'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'give role high', '403 50013'],
  ['member', '', 'text', '', 'give role low', '403 50013'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'move role low to 3', '200'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'move role low to 9', '403 50013'],
  ['holder', 'MANAGE_ROLES', 'text', '', 'move role high to 1', '403 50013'],

  // Members
  ['member', '', 'text', '', 'kick low', '403 50013'],
  ['holder', 'KICK_MEMBERS', 'text', '', 'kick low', '204'],
  ['holder', 'KICK_MEMBERS', 'text', '', 'kick high', '403 50013'],
  ['holder', 'KICK_MEMBERS', 'text', '', 'kick peer', '403 50013'],
  ['holder', 'KICK_MEMBERS', 'text', '', 'kick owner', '403 50013'],
  ['holder', 'KICK_MEMBERS', 'text', '', 'kick stranger', '404 10007'],
  ['admin', '', 'text', '', 'kick owner', '403 50013'],
  ['admin', '', 'text', '', 'kick high', '204'],
  ['stranger', '', 'text', '', 'kick low', '403 50001'],
  ['holder', 'BAN_MEMBERS', 'text', '', 'ban low', '204'],
  ['holder', 'BAN_MEMBERS', 'text', '', 'ban high', '403 50013'],
  ['holder', 'BAN_MEMBERS', 'text', '', 'ban stranger', '204'],
  ['holder', 'KICK_MEMBERS', 'text', '', 'ban low', '403 50013'],
  ['admin', '', 'text', '', 'ban owner', '403 50013'],
  ['holder', 'BAN_MEMBERS', 'text', '', 'unban banned', '204'],
  ['member', '', 'text', '', 'unban banned', '403 50013'],
  ['holder', 'MODERATE_MEMBERS', 'text', '', 'time out low', '200'],
  ['holder', 'MODERATE_MEMBERS', 'text', '', 'time out high', '403 50013'],
  ['holder', 'MODERATE_MEMBERS', 'text', '', 'time out owner', '403 50013'],
  ['owner', '', 'text', '', 'time out admin', '403 50013'],
  ['member', '', 'text', '', 'rename itself', '403 50013'],
  ['holder', 'CHANGE_NICKNAME', 'text', '', 'rename itself', '200'],
  ['holder', 'MANAGE_NICKNAMES', 'text', '', 'rename low', '200'],
  ['holder', 'MANAGE_NICKNAMES', 'text', '', 'rename high', '403 50013'],
  ['holder', 'CHANGE_NICKNAME', 'text', '', 'rename low', '403 50013'],

  // The guild
  ['holder', 'MANAGE_GUILD', 'text', '', 'edit guild', '200'],
  ['holder', 'MANAGE_CHANNELS', 'text', '', 'edit guild', '403 50013'],
  ['member', '', 'text', '', 'list bans', '403 50013'],
  ['holder', 'BAN_MEMBERS', 'text', '', 'list bans', '200'],
  ['member', '', 'text', '', 'list invites', '403 50013'],
  ['holder', 'MANAGE_GUILD', 'text', '', 'list invites', '200'],
  ['admin', '', 'text', '', 'delete guild', '403 50013'],
];

/** What a session gets until it is quiet, names of dispatches in order; nothing: ''. */
export type Heard = string;

/**
 * Whose session; what `held` allows; where; under which overwrites; what happens there; and what
 * the session hears of it. A bot's session says with which intents, where that is the point.
 */
export type GatewayCase = readonly [
  session: Session,
  has: PermissionList,
  place: Place,
  overwrites: OverwriteList,
  happens: Happening,
  hears: Heard,
];

export const GATEWAY_CASES: readonly GatewayCase[] = [
  // By what may be viewed
  ['bot', '', 'text', '', 'a message', 'MESSAGE_CREATE'],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL', 'a message', ''],
  ['bot', '', 'text', 'held -VIEW_CHANNEL', 'a message', ''],
  ['bot', '', 'text', 'bot -VIEW_CHANNEL', 'a message', ''],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL, held +VIEW_CHANNEL', 'a message', 'MESSAGE_CREATE'],
  ['bot', '', 'text', 'held -VIEW_CHANNEL, bot +VIEW_CHANNEL', 'a message', 'MESSAGE_CREATE'],
  ['bot', '', 'text', 'everyone -READ_MESSAGE_HISTORY', 'a message', 'MESSAGE_CREATE'],
  ['bot', 'ADMINISTRATOR', 'text', 'everyone -VIEW_CHANNEL', 'a message', 'MESSAGE_CREATE'],
  ['bot', '', 'inherited', 'everyone -VIEW_CHANNEL', 'a message', ''],
  ['bot', '', 'synced', 'everyone -VIEW_CHANNEL', 'a message', ''],
  ['bot', '', 'voice', '', 'a message', ''],
  ['bot', 'CONNECT', 'voice', '', 'a message', 'MESSAGE_CREATE'],
  ['member', '', 'text', '', 'a message', 'MESSAGE_CREATE'],
  ['member', '', 'text', 'everyone -VIEW_CHANNEL', 'a message', ''],
  ['owner', '', 'text', 'everyone -VIEW_CHANNEL', 'a message', 'MESSAGE_CREATE'],
  ['timed-out', '', 'text', '', 'a message', 'MESSAGE_CREATE'],
  ['stranger', '', 'text', '', 'a message', ''],
  ['banned', '', 'text', '', 'a message', ''],

  // Not only messages
  ['bot', '', 'text', '', 'typing', 'TYPING_START'],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL', 'typing', ''],
  ['bot', '', 'text', '', 'a reaction', 'MESSAGE_REACTION_ADD'],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL', 'a reaction', ''],
  ['bot', '', 'text', '', 'a pin', 'MESSAGE_UPDATE CHANNEL_PINS_UPDATE MESSAGE_CREATE'],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL', 'a pin', ''],
  ['bot', '', 'text', '', 'a deletion', 'MESSAGE_DELETE'],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL', 'a deletion', ''],
  ['bot', '', 'text', '', 'a new name', 'CHANNEL_UPDATE'],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL', 'a new name', ''],
  ['bot', '', 'text', '', 'its end', 'CHANNEL_DELETE'],
  ['bot', '', 'text', 'everyone -VIEW_CHANNEL', 'its end', ''],
  ['bot', '', 'text', '', 'a channel beside it', 'CHANNEL_CREATE'],
  ['bot', '', 'inherited', 'everyone -VIEW_CHANNEL', 'a channel beside it', ''],
  ['bot', '', 'text', '', 'a new role', 'GUILD_ROLE_CREATE'],
  ['bot', 'BAN_MEMBERS', 'text', '', 'a ban', 'GUILD_BAN_ADD'],
  ['bot', '', 'text', '', 'a ban', ''],
  ['bot', 'MANAGE_CHANNELS', 'text', '', 'an invite', 'INVITE_CREATE'],
  ['bot', '', 'text', '', 'an invite', ''],

  // By intents
  ['bot with GUILDS', '', 'text', '', 'a message', ''],
  ['bot with GUILDS', '', 'text', '', 'a new name', 'CHANNEL_UPDATE'],
  ['bot with GUILDS', '', 'text', '', 'a new role', 'GUILD_ROLE_CREATE'],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'a new name', ''],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'a message', 'MESSAGE_CREATE without content'],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'a mention of it', 'MESSAGE_CREATE'],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'its own message', 'MESSAGE_CREATE'],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'an edit', 'MESSAGE_UPDATE without content'],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'typing', ''],
  ['bot with GUILD_MESSAGE_TYPING', '', 'text', '', 'typing', 'TYPING_START'],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'a reaction', ''],
  ['bot with GUILD_MESSAGE_REACTIONS', '', 'text', '', 'a reaction', 'MESSAGE_REACTION_ADD'],
  ['bot with GUILD_MESSAGES', '', 'text', '', 'a new member', ''],
  ['bot with GUILD_MEMBERS', '', 'text', '', 'a new member', 'GUILD_MEMBER_ADD'],
  ['bot with DIRECT_MESSAGES', '', 'text', '', 'a message', ''],
  ['bot with GUILD_MODERATION', 'BAN_MEMBERS', 'text', '', 'a ban', 'GUILD_BAN_ADD'],
  ['bot with GUILD_INVITES', 'MANAGE_CHANNELS', 'text', '', 'an invite', 'INVITE_CREATE'],
];

/**
 * What `held` allows; where; under which overwrites the bot sees the channel; what the owner
 * changes so that it does not any more, and so that it does again.
 */
export type Hiding = readonly [
  has: PermissionList,
  place: Place,
  overwrites: OverwriteList,
  hiding: Change,
  showing: Change,
];

const HELD_ONLY = 'everyone -VIEW_CHANNEL, held +VIEW_CHANNEL';
const BOT_ONLY = 'everyone -VIEW_CHANNEL, bot +VIEW_CHANNEL';

export const HIDINGS: readonly Hiding[] = [
  ['ADMINISTRATOR', 'text', 'everyone -VIEW_CHANNEL', 'held allows nothing', 'held allows all'],
  ['', 'text', '', 'everyone sees nothing', 'everyone sees all'],
  ['', 'text', HELD_ONLY, 'the bot loses held', 'the bot gets held'],
  ['', 'text', HELD_ONLY, 'without held', 'with held +VIEW_CHANNEL'],
  ['', 'text', BOT_ONLY, 'without bot', 'with bot +VIEW_CHANNEL'],
  ['', 'text', '', 'with everyone -VIEW_CHANNEL', 'without everyone'],
  ['', 'text', '', 'with held -VIEW_CHANNEL', 'with held +VIEW_CHANNEL'],
  ['', 'text', '', 'with bot -VIEW_CHANNEL', 'without bot'],
  ['', 'inherited', '', 'category with everyone -VIEW_CHANNEL', 'category without everyone'],
  [
    '',
    'synced',
    'everyone -SEND_MESSAGES',
    'category with held -VIEW_CHANNEL',
    'category without held',
  ],
  ['CONNECT', 'text', '', 'only with everyone -VIEW_CHANNEL', 'only with everyone +VIEW_CHANNEL'],
];
