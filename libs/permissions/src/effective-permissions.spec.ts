import {
  ChannelKind,
  channelKindOf,
  effectivePermissions,
  mayReadMessages,
  sendPermission,
  timedOutPermissions,
} from './effective-permissions.js';
import { ALL_PERMISSIONS, Permission, permissionNames, permissionsOf } from './permission.js';
import type { PermissionName } from './permission.js';

const { Text, Voice, Thread } = ChannelKind;
const kindNames = ['text', 'voice', 'thread'];
const of = (names: string) =>
  permissionsOf(names.split(' ').filter((name) => name !== '') as PermissionName[]);

describe('effectivePermissions', () => {
  it.each<[ChannelKind, string, string]>([
    [Text, '', ''],
    [Text, 'VIEW_CHANNEL', 'VIEW_CHANNEL'],
    // nothing unseen
    [Text, 'SEND_MESSAGES', ''],
    [Text, 'SEND_MESSAGES MANAGE_CHANNELS MANAGE_ROLES READ_MESSAGE_HISTORY', ''],
    [Text, 'KICK_MEMBERS', ''],
    [Voice, 'CONNECT SPEAK', ''],
    [Thread, 'SEND_MESSAGES_IN_THREADS', ''],
    // sending
    [Text, 'VIEW_CHANNEL MENTION_EVERYONE', 'VIEW_CHANNEL'],
    [Text, 'VIEW_CHANNEL SEND_TTS_MESSAGES', 'VIEW_CHANNEL'],
    [Text, 'VIEW_CHANNEL ATTACH_FILES', 'VIEW_CHANNEL'],
    [Text, 'VIEW_CHANNEL EMBED_LINKS', 'VIEW_CHANNEL'],
    [
      Text,
      'VIEW_CHANNEL SEND_MESSAGES_IN_THREADS EMBED_LINKS',
      'VIEW_CHANNEL SEND_MESSAGES_IN_THREADS',
    ],
    [
      Text,
      'VIEW_CHANNEL ADD_REACTIONS MANAGE_MESSAGES',
      'VIEW_CHANNEL ADD_REACTIONS MANAGE_MESSAGES',
    ],
    [Text, 'VIEW_CHANNEL SEND_MESSAGES EMBED_LINKS', 'VIEW_CHANNEL SEND_MESSAGES EMBED_LINKS'],
    // in threads
    [Thread, 'VIEW_CHANNEL SEND_MESSAGES ATTACH_FILES', 'VIEW_CHANNEL SEND_MESSAGES'],
    [
      Thread,
      'VIEW_CHANNEL SEND_MESSAGES_IN_THREADS ATTACH_FILES MENTION_EVERYONE',
      'VIEW_CHANNEL SEND_MESSAGES_IN_THREADS ATTACH_FILES MENTION_EVERYONE',
    ],
    [Thread, 'VIEW_CHANNEL MANAGE_THREADS', 'VIEW_CHANNEL MANAGE_THREADS'],
    // connecting
    [Voice, 'VIEW_CHANNEL SPEAK STREAM USE_VAD', 'VIEW_CHANNEL'],
    [Voice, 'VIEW_CHANNEL MUTE_MEMBERS DEAFEN_MEMBERS MOVE_MEMBERS', 'VIEW_CHANNEL'],
    [Voice, 'VIEW_CHANNEL MANAGE_CHANNELS MANAGE_ROLES', 'VIEW_CHANNEL'],
    [Voice, 'VIEW_CHANNEL SEND_MESSAGES USE_SOUNDBOARD', 'VIEW_CHANNEL SEND_MESSAGES'],
    [Voice, 'VIEW_CHANNEL EMBED_LINKS SPEAK', 'VIEW_CHANNEL'],
    [Voice, 'VIEW_CHANNEL CONNECT SPEAK', 'VIEW_CHANNEL CONNECT SPEAK'],
    [Voice, 'VIEW_CHANNEL CONNECT MANAGE_CHANNELS', 'VIEW_CHANNEL CONNECT MANAGE_CHANNELS'],
    [Voice, 'VIEW_CHANNEL CONNECT ATTACH_FILES', 'VIEW_CHANNEL CONNECT'],
    [Text, 'VIEW_CHANNEL MANAGE_CHANNELS SPEAK', 'VIEW_CHANNEL MANAGE_CHANNELS SPEAK'],
    [Thread, 'VIEW_CHANNEL MANAGE_CHANNELS', 'VIEW_CHANNEL MANAGE_CHANNELS'],
  ])('kind %d: %j leaves %j', (kind, permissions, expected) => {
    const effective = effectivePermissions(of(permissions), kind, false);
    expect(permissionNames(effective)).toEqual(permissionNames(of(expected)));
  });

  it.each([Text, Voice, Thread])('leaves a timed out member two in kind %d', (kind) => {
    const all = ALL_PERMISSIONS & ~Permission.ADMINISTRATOR;
    const left = of('VIEW_CHANNEL READ_MESSAGE_HISTORY');
    expect(effectivePermissions(all, kind, true)).toBe(left);
    expect(effectivePermissions(all & ~Permission.READ_MESSAGE_HISTORY, kind, true)).toBe(
      Permission.VIEW_CHANNEL,
    );
    expect(effectivePermissions(all & ~Permission.VIEW_CHANNEL, kind, true)).toBe(0n);
  });

  it.each([Text, Voice, Thread])('takes nothing from an administrator in kind %d', (kind) => {
    for (const isTimedOut of [false, true]) {
      expect(effectivePermissions(ALL_PERMISSIONS, kind, isTimedOut)).toBe(ALL_PERMISSIONS);
    }
  });
});

describe('timedOutPermissions', () => {
  it('leaves two of the guild-wide permissions, and administrators all', () => {
    const moderator = of('VIEW_CHANNEL KICK_MEMBERS READ_MESSAGE_HISTORY SEND_MESSAGES');
    expect(timedOutPermissions(moderator)).toBe(of('VIEW_CHANNEL READ_MESSAGE_HISTORY'));
    expect(timedOutPermissions(0n)).toBe(0n);
    expect(timedOutPermissions(ALL_PERMISSIONS)).toBe(ALL_PERMISSIONS);
  });
});

describe('channelKindOf', () => {
  it.each([
    [0, 'text'],
    [2, 'voice'],
    [4, 'text'],
    [5, 'text'],
    [10, 'thread'],
    [11, 'thread'],
    [12, 'thread'],
    [13, 'voice'],
    [15, 'text'],
    [16, 'text'],
  ])('type %d is %s', (type, expected) => {
    expect(kindNames[channelKindOf(type)]).toBe(expected);
  });
});

describe('mayReadMessages', () => {
  it.each<[ChannelKind, string, boolean]>([
    [Text, '', false],
    [Text, 'VIEW_CHANNEL', true],
    [Thread, 'VIEW_CHANNEL', true],
    [Voice, 'VIEW_CHANNEL', false],
    [Voice, 'CONNECT', false],
    [Voice, 'VIEW_CHANNEL CONNECT', true],
  ])('kind %d with %j: %s', (kind, permissions, expected) => {
    expect(mayReadMessages(of(permissions), kind)).toBe(expected);
  });
});

describe('sendPermission', () => {
  it('has its own for threads', () => {
    expect(sendPermission(Text)).toBe(Permission.SEND_MESSAGES);
    expect(sendPermission(Voice)).toBe(Permission.SEND_MESSAGES);
    expect(sendPermission(Thread)).toBe(Permission.SEND_MESSAGES_IN_THREADS);
  });
});
