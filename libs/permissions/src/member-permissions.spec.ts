import {
  basePermissions,
  channelPermissions,
  isAllowedInChannel,
  overwrittenPermissions,
} from './member-permissions.js';
import type { OverwriteView } from './member-permissions.js';
import { ALL_PERMISSIONS, Permission, permissionNames } from './permission.js';

// One letter a permission, so that a case is a line.
const BITS: Readonly<Record<string, bigint>> = {
  V: Permission.VIEW_CHANNEL,
  S: Permission.SEND_MESSAGES,
  R: Permission.ADD_REACTIONS,
  C: Permission.CONNECT,
  P: Permission.PIN_MESSAGES,
  B: Permission.BYPASS_SLOWMODE,
  K: Permission.KICK_MEMBERS,
  M: Permission.MANAGE_ROLES,
  A: Permission.ADMINISTRATOR,
};

const bits = (letters: string) => {
  let sum = 0n;
  for (const letter of letters) sum |= BITS[letter]!;
  return sum;
};

const GUILD = 41771983423143936n;
const OWNER = 80351110224678912n;
const USER = 80351110224678913n;
const OTHER = 80351110224678914n;
const ROLES: Readonly<Record<string, bigint>> = {
  r1: 41771983423143940n,
  r2: 41771983423143941n,
  r3: 41771983423143942n,
};

/** `@ -S +V, r1 +S, me -R, you +R`: of whom, what it denies, what it allows. */
const overwrites = (text: string): OverwriteView[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [who = '', ...changes] = part.split(' ');
      const of = (sign: string) =>
        bits(
          changes
            .filter((change) => change.startsWith(sign))
            .join('')
            .replaceAll(sign, ''),
        );
      const members: Readonly<Record<string, bigint>> = { me: USER, you: OTHER };
      const userId = members[who];
      return {
        id: userId ?? (who === '@' ? GUILD : ROLES[who]!),
        type: userId === undefined ? 0 : 1,
        allow: of('+'),
        deny: of('-'),
      } as const;
    });

const ids = (names: string) =>
  names
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => ROLES[name]!);

describe('basePermissions', () => {
  it.each([
    // everyone, roles, expected
    ['', [], ''],
    ['VS', [], 'VS'],
    ['', ['V'], 'V'],
    ['V', ['S'], 'VS'],
    ['V', ['S', 'R', 'K'], 'VSRK'],
    ['V', ['V', 'V'], 'V'],
    ['V', ['', ''], 'V'],
    ['B', ['P'], 'BP'],
    ['VSK', ['V'], 'VSK'],
  ])('everyone %j with roles %j may %j', (everyone, roles, expected) => {
    const permissions = basePermissions({
      ownerId: OWNER,
      userId: USER,
      everyonePermissions: bits(everyone),
      rolePermissions: roles.map(bits),
    });
    expect(permissionNames(permissions)).toEqual(permissionNames(bits(expected)));
  });

  it.each([
    ['the owner, without any role', OWNER, '', []],
    ['the owner, whatever the roles', OWNER, 'V', ['S']],
    ['an administrator by a role', USER, '', ['V', 'A']],
    ['an administrator by @everyone', USER, 'A', []],
  ])('gives all to %s', (_who, userId, everyone, roles) => {
    const permissions = basePermissions({
      ownerId: OWNER,
      userId,
      everyonePermissions: bits(everyone),
      rolePermissions: roles.map(bits),
    });
    expect(permissions).toBe(ALL_PERMISSIONS);
  });
});

describe('channelPermissions', () => {
  it.each([
    // base, the member's roles, overwrites, expected
    ['', '', '', ''],
    ['VS', '', '', 'VS'],
    ['VS', 'r1 r2', '', 'VS'],
    // of @everyone
    ['VS', '', '@ -V', 'S'],
    ['VS', '', '@ -V -S', ''],
    ['V', '', '@ +S', 'VS'],
    ['VS', '', '@ -S +R', 'VR'],
    ['', '', '@ +V +S', 'VS'],
    ['V', '', '@ -V +V', 'V'],
    ['V', '', '@', 'V'],
    ['VS', 'r1', '@ -S', 'V'],
    // of roles the member has
    ['VS', 'r1', 'r1 -S', 'V'],
    ['V', 'r1', 'r1 +S', 'VS'],
    ['V', 'r1', 'r1 -V +V', 'V'],
    ['VS', 'r1 r2', 'r1 -S, r2 -V', ''],
    ['', 'r1 r2', 'r1 +V, r2 +S', 'VS'],
    // one role's allow beats the other's deny, in any order
    ['V', 'r1 r2', 'r1 -V, r2 +V', 'V'],
    ['V', 'r1 r2', 'r2 +V, r1 -V', 'V'],
    ['V', 'r2 r1', 'r1 -V, r2 +V', 'V'],
    ['V', 'r1 r2', 'r1 +V, r2 -V', 'V'],
    ['', 'r1 r2 r3', 'r1 -V, r2 +V, r3 -V', 'V'],
    ['V', 'r1 r2 r3', 'r1 -V, r2, r3 -V', ''],
    // of roles the member does not have
    ['VS', '', 'r1 -S', 'VS'],
    ['V', 'r2', 'r1 +S', 'V'],
    ['VS', 'r2', 'r1 -V, r2 -S', 'V'],
    ['VS', 'r1', 'r1 -S, r2 +S, r3 +S', 'V'],
    // roles over @everyone
    ['V', 'r1', '@ -V, r1 +V', 'V'],
    ['V', 'r1', 'r1 +V, @ -V', 'V'],
    ['', 'r1', '@ +V, r1 -V', ''],
    ['VS', 'r1', '@ -V -S, r1 +V', 'V'],
    ['VS', 'r1', '@ -V, r1 -S', ''],
    ['V', '', '@ -V, r1 +V', ''],
    // of the member
    ['VS', '', 'me -S', 'V'],
    ['V', '', 'me +S', 'VS'],
    ['V', '', 'me -V +V', 'V'],
    ['', '', 'me +V +S +R', 'VSR'],
    ['V', 'r1', 'r1 -V, me +V', 'V'],
    ['V', 'r1', 'me +V, r1 -V', 'V'],
    ['V', 'r1', 'r1 +V, me -V', ''],
    ['V', '', '@ -V, me +V', 'V'],
    ['V', '', '@ +V, me -V', ''],
    ['V', 'r1', '@ -V, r1 +V, me -V', ''],
    ['V', 'r1', '@ +V, r1 -V, me +V', 'V'],
    ['VSR', 'r1 r2', '@ -V, r1 +V -S, r2 -R, me +R', 'VR'],
    // of another member
    ['VS', '', 'you -V', 'VS'],
    ['V', '', 'you +S', 'V'],
    ['V', '', 'you -V, me +S', 'VS'],
    // each bit for itself
    ['VS', 'r1', '@ -V, r1 +R', 'SR'],
    ['VSCPB', 'r1', '@ -C, r1 -P, me -B', 'VS'],
    ['', 'r1', '@ +C, r1 +P, me +B', 'CPB'],
    // what means nothing in a channel cannot be given or taken there
    ['V', '', 'me +K', 'V'],
    ['VK', '', '@ -K', 'VK'],
    ['VK', 'r1', 'r1 -K -V', 'K'],
    ['V', '', 'me +A', 'V'],
    ['V', 'r1', 'r1 +A +S', 'VS'],
    ['V', '', '@ +A', 'V'],
    ['V', '', 'me +M', 'VM'],
  ])('base %j, roles %j, overwrites %j: %j', (base, roles, text, expected) => {
    const list = overwrites(text);
    const roleIds = ids(roles);
    const membership = { everyoneRoleId: GUILD, roleIds, userId: USER, overwrites: list };
    const permissions = channelPermissions({ base: bits(base), ...membership });
    expect(permissionNames(permissions)).toEqual(permissionNames(bits(expected)));
    for (const [letter, bit] of Object.entries(BITS)) {
      expect([letter, isAllowedInChannel(bit, bits(base), GUILD, roleIds, USER, list)]).toEqual([
        letter,
        expected.includes(letter),
      ]);
    }
  });

  it('leaves an administrator everything, whatever overwrites say', () => {
    const list = overwrites('@ -V -S, r1 -V, me -V -S');
    const given = [GUILD, ids('r1'), USER, list] as const;
    expect(overwrittenPermissions(ALL_PERMISSIONS, ...given)).toBe(ALL_PERMISSIONS);
    expect(overwrittenPermissions(bits('A'), ...given)).toBe(ALL_PERMISSIONS);
    expect(isAllowedInChannel(bits('V'), ALL_PERMISSIONS, ...given)).toBe(true);
    expect(isAllowedInChannel(bits('V'), bits('A'), ...given)).toBe(true);
  });

  it('does not take @everyone among the roles for one more role', () => {
    const list = overwrites('@ +V, r1 -V');
    const roleIds = [GUILD, ROLES['r1']!];
    expect(overwrittenPermissions(0n, GUILD, roleIds, USER, list)).toBe(0n);
    expect(isAllowedInChannel(bits('V'), 0n, GUILD, roleIds, USER, list)).toBe(false);
  });

  it('tells a role from a member of the same id', () => {
    const asMember: OverwriteView = { id: ROLES['r1']!, type: 1, allow: bits('V'), deny: 0n };
    const asRole: OverwriteView = { id: USER, type: 0, allow: bits('V'), deny: 0n };
    const given = [GUILD, ids('r1'), USER, [asMember, asRole]] as const;
    expect(overwrittenPermissions(0n, ...given)).toBe(0n);
    expect(isAllowedInChannel(bits('V'), 0n, ...given)).toBe(false);
  });
});

describe('isAllowedInChannel', () => {
  it('allocates nothing', () => {
    const list = overwrites('@ -V, r1 -V, r2 +V -S, you +V, me -R');
    const roleIds = ids('r1 r3');
    const base = bits('VS');
    const ask = (count: number) => {
      let yes = 0;
      for (let i = 0; i < count; i++) {
        if (isAllowedInChannel(BITS['V']!, base, GUILD, roleIds, USER, list)) yes++;
      }
      return yes;
    };
    let yes = ask(200_000);
    // A collection in the middle makes a measurement negative, and the compiler may still be busy
    // in the first ones: the least of several that grew is what a call leaves behind.
    const grownBytes: number[] = [];
    for (let attempt = 0; attempt < 20 && grownBytes.length < 5; attempt++) {
      const before = process.memoryUsage().heapUsed;
      yes += ask(200_000);
      const grown = process.memoryUsage().heapUsed - before;
      if (grown >= 0) grownBytes.push(grown);
    }
    expect(yes).toBe(0);
    // The measuring itself takes a little; one bigint a call would be 3,200,000.
    expect(Math.min(...grownBytes)).toBeLessThan(200_000);
  });
});
