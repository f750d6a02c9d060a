import {
  ALL_PERMISSIONS,
  Permission,
  hasPermission,
  parsePermissions,
  permissionNames,
  permissionsOf,
} from './permission.js';
import type { PermissionName } from './permission.js';
import {
  CONNECTING_PERMISSIONS,
  DEFAULT_EVERYONE_PERMISSIONS,
  DIRECT_MESSAGE_PERMISSIONS,
  ELEVATED_PERMISSIONS,
  GROUP_OWNER_PERMISSIONS,
  GROUP_PERMISSIONS,
  OVERWRITABLE_PERMISSIONS,
  STAGE_CHANNEL_PERMISSIONS,
  TEXT_CHANNEL_PERMISSIONS,
  TIMED_OUT_PERMISSIONS,
  VOICE_CHANNEL_PERMISSIONS,
} from './permission-sets.js';

// Discord's table: name, bit, the channels it applies to, and * where it needs two factors.
const DOCUMENTED: readonly (readonly [PermissionName, number, string])[] = [
  ['CREATE_INSTANT_INVITE', 0, 'TVS'],
  ['KICK_MEMBERS', 1, '*'],
  ['BAN_MEMBERS', 2, '*'],
  ['ADMINISTRATOR', 3, '*'],
  ['MANAGE_CHANNELS', 4, 'TVS*'],
  ['MANAGE_GUILD', 5, '*'],
  ['ADD_REACTIONS', 6, 'TVS'],
  ['VIEW_AUDIT_LOG', 7, ''],
  ['PRIORITY_SPEAKER', 8, 'V'],
  ['STREAM', 9, 'VS'],
  ['VIEW_CHANNEL', 10, 'TVS'],
  ['SEND_MESSAGES', 11, 'TVS'],
  ['SEND_TTS_MESSAGES', 12, 'TVS'],
  ['MANAGE_MESSAGES', 13, 'TVS*'],
  ['EMBED_LINKS', 14, 'TVS'],
  ['ATTACH_FILES', 15, 'TVS'],
  ['READ_MESSAGE_HISTORY', 16, 'TVS'],
  ['MENTION_EVERYONE', 17, 'TVS'],
  ['USE_EXTERNAL_EMOJIS', 18, 'TVS'],
  ['VIEW_GUILD_INSIGHTS', 19, ''],
  ['CONNECT', 20, 'VS'],
  ['SPEAK', 21, 'V'],
  ['MUTE_MEMBERS', 22, 'VS'],
  ['DEAFEN_MEMBERS', 23, 'V'],
  ['MOVE_MEMBERS', 24, 'VS'],
  ['USE_VAD', 25, 'V'],
  ['CHANGE_NICKNAME', 26, ''],
  ['MANAGE_NICKNAMES', 27, ''],
  ['MANAGE_ROLES', 28, 'TVS*'],
  ['MANAGE_WEBHOOKS', 29, 'TVS*'],
  ['MANAGE_GUILD_EXPRESSIONS', 30, '*'],
  ['USE_APPLICATION_COMMANDS', 31, 'TVS'],
  ['REQUEST_TO_SPEAK', 32, 'S'],
  ['MANAGE_EVENTS', 33, 'VS'],
  ['MANAGE_THREADS', 34, 'T*'],
  ['CREATE_PUBLIC_THREADS', 35, 'T'],
  ['CREATE_PRIVATE_THREADS', 36, 'T'],
  ['USE_EXTERNAL_STICKERS', 37, 'TVS'],
  ['SEND_MESSAGES_IN_THREADS', 38, 'T'],
  ['USE_EMBEDDED_ACTIVITIES', 39, 'TV'],
  ['MODERATE_MEMBERS', 40, ''],
  ['VIEW_CREATOR_MONETIZATION_ANALYTICS', 41, '*'],
  ['USE_SOUNDBOARD', 42, 'V'],
  ['CREATE_GUILD_EXPRESSIONS', 43, ''],
  ['CREATE_EVENTS', 44, 'VS'],
  ['USE_EXTERNAL_SOUNDS', 45, 'V'],
  ['SEND_VOICE_MESSAGES', 46, 'TVS'],
  ['SET_VOICE_CHANNEL_STATUS', 48, 'V'],
  ['SEND_POLLS', 49, 'TVS'],
  ['USE_EXTERNAL_APPS', 50, 'TVS'],
  ['PIN_MESSAGES', 51, 'T'],
  ['BYPASS_SLOWMODE', 52, 'TVS'],
];

describe('Permission', () => {
  it.each(DOCUMENTED)('%s is bit %d', (name, bit) => {
    expect(Permission[name]).toBe(2n ** BigInt(bit));
  });

  it('has nothing but what is documented', () => {
    expect(Object.keys(Permission)).toEqual(DOCUMENTED.map(([name]) => name));
    expect(ALL_PERMISSIONS).toBe(2n ** 53n - 1n - 2n ** 47n);
  });

  it('turns into names and back', () => {
    const names: PermissionName[] = ['KICK_MEMBERS', 'VIEW_CHANNEL', 'BYPASS_SLOWMODE'];
    expect(permissionNames(permissionsOf(names))).toEqual(names);
    expect(permissionNames(0n)).toEqual([]);
    expect(permissionNames(1n << 47n)).toEqual([]);
    expect(permissionsOf([])).toBe(0n);
    expect(permissionsOf(['SPEAK', 'SPEAK'])).toBe(Permission.SPEAK);
  });

  it('has all of what is needed, or has it not', () => {
    const both = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES;
    expect(hasPermission(both, both)).toBe(true);
    expect(hasPermission(Permission.VIEW_CHANNEL, both)).toBe(false);
    expect(hasPermission(0n, 0n)).toBe(true);
  });
});

describe('parsePermissions', () => {
  it.each([
    ['0', 0n],
    ['2112', 2112n],
    [2112, 2112n],
    [0, 0n],
    ['140737488355328', 0n], // bit 47
    ['18446744073709551615', ALL_PERMISSIONS],
  ])('reads %j as %s', (value, expected) => {
    expect(parsePermissions(value)).toBe(expected);
  });

  it.each([
    [''],
    ['-1'],
    ['1.5'],
    ['0x10'],
    [' 1'],
    ['1e3'],
    ['9'.repeat(21)],
    [-1],
    [1.5],
    [2 ** 53],
    [Number.NaN],
    [null],
    [undefined],
    [true],
    [[1]],
    [{}],
  ])('does not take %j', (value) => {
    expect(parsePermissions(value)).toBeUndefined();
  });
});

describe('the sets of permissions', () => {
  const marked = (mark: string) =>
    permissionsOf(DOCUMENTED.filter(([, , marks]) => marks.includes(mark)).map(([name]) => name));

  it.each([
    ['T', TEXT_CHANNEL_PERMISSIONS],
    ['V', VOICE_CHANNEL_PERMISSIONS],
    ['S', STAGE_CHANNEL_PERMISSIONS],
    ['*', ELEVATED_PERMISSIONS],
  ])('are those marked %s in the table', (mark, permissions) => {
    expect(permissionNames(permissions)).toEqual(permissionNames(marked(mark)));
  });

  it('let an overwrite speak of channels only', () => {
    expect(permissionNames(ALL_PERMISSIONS & ~OVERWRITABLE_PERMISSIONS)).toEqual(
      DOCUMENTED.filter(([, , marks]) => !/[TVS]/.test(marks)).map(([name]) => name),
    );
  });

  it('start a guild with the value Discord starts it with, but for its undocumented bit', () => {
    expect(DEFAULT_EVERYONE_PERMISSIONS).toBe(2248473465835073n & ~(1n << 47n));
    expect(DEFAULT_EVERYONE_PERMISSIONS & ELEVATED_PERMISSIONS).toBe(0n);
  });

  it('leave a timed out member two of them', () => {
    expect(permissionNames(TIMED_OUT_PERMISSIONS)).toEqual([
      'VIEW_CHANNEL',
      'READ_MESSAGE_HISTORY',
    ]);
  });

  it('tie voice and the settings of the channel to CONNECT', () => {
    expect(permissionNames(CONNECTING_PERMISSIONS)).toEqual([
      'MANAGE_CHANNELS',
      'PRIORITY_SPEAKER',
      'STREAM',
      'CONNECT',
      'SPEAK',
      'MUTE_MEMBERS',
      'DEAFEN_MEMBERS',
      'MOVE_MEMBERS',
      'USE_VAD',
      'MANAGE_ROLES',
      'REQUEST_TO_SPEAK',
      'MANAGE_EVENTS',
      'USE_EMBEDDED_ACTIVITIES',
      'USE_SOUNDBOARD',
      'CREATE_EVENTS',
      'USE_EXTERNAL_SOUNDS',
      'SET_VOICE_CHANNEL_STATUS',
    ]);
  });

  it('let people talk in private channels and moderate nobody', () => {
    const talking = permissionsOf(['VIEW_CHANNEL', 'SEND_MESSAGES', 'READ_MESSAGE_HISTORY']);
    const moderating = permissionsOf(['MANAGE_MESSAGES', 'MANAGE_ROLES', 'ADMINISTRATOR']);
    for (const permissions of [DIRECT_MESSAGE_PERMISSIONS, GROUP_PERMISSIONS]) {
      expect(permissions & talking).toBe(talking);
      expect(permissions & moderating).toBe(0n);
      expect(permissions & Permission.KICK_MEMBERS).toBe(0n);
    }
    expect(permissionNames(GROUP_PERMISSIONS & ~DIRECT_MESSAGE_PERMISSIONS)).toEqual([
      'CREATE_INSTANT_INVITE',
      'MANAGE_CHANNELS',
    ]);
    expect(permissionNames(GROUP_OWNER_PERMISSIONS & ~GROUP_PERMISSIONS)).toEqual(['KICK_MEMBERS']);
  });
});
