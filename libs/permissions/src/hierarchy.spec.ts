import {
  canManageRole,
  canModerate,
  canTimeOut,
  compareRoles,
  grantablePermissions,
  grantsBeyond,
  highestRole,
  mayMentionEveryone,
  mayMentionRole,
  overwriteChangesBeyond,
} from './hierarchy.js';
import type { MemberView } from './hierarchy.js';
import type { RoleView } from './member-permissions.js';
import { ALL_PERMISSIONS, Permission } from './permission.js';

const GUILD = 100n;
const { MANAGE_ROLES, ADMINISTRATOR, KICK_MEMBERS, VIEW_CHANNEL, SEND_MESSAGES } = Permission;

const role = (id: bigint, position: number): RoleView => ({ id, position, permissions: 0n });
const everyone = role(GUILD, 0);
const low = role(201n, 1);
const older = role(202n, 5);
const newer = role(203n, 5);
const high = role(204n, 9);
const atZero = role(205n, 0);

const member = (highest: RoleView | undefined, permissions = 0n, isOwner = false): MemberView => ({
  isOwner,
  permissions: isOwner ? ALL_PERMISSIONS : permissions,
  highestRole: highest,
});
const owner = member(undefined, 0n, true);

describe('compareRoles', () => {
  it('orders by position, then the older first', () => {
    const sorted = [low, newer, atZero, high, older].sort((a, b) =>
      compareRoles(b.id, b.position, a.id, a.position),
    );
    expect(sorted).toEqual([high, older, newer, low, atZero]);
  });

  it('finds a role equal to itself only', () => {
    expect(compareRoles(201n, 1, 201n, 1)).toBe(0);
    expect(compareRoles(2n ** 63n, 1, 2n ** 63n + 1n, 1)).toBeGreaterThan(0);
  });
});

describe('highestRole', () => {
  it('is the highest, in whatever order they come', () => {
    expect(highestRole([low, high, older])).toBe(high);
    expect(highestRole([newer, older])).toBe(older);
    expect(highestRole([older, newer])).toBe(older);
    expect(highestRole([low])).toBe(low);
    expect(highestRole([])).toBeUndefined();
  });
});

describe('canModerate', () => {
  it.each<[string, MemberView, MemberView, boolean]>([
    ['higher acts on lower', member(high), member(low), true],
    ['lower on higher', member(low), member(high), false],
    ['on someone of the same role', member(older), member(older), false],
    ['the older of two roles at one position on the newer', member(older), member(newer), true],
    ['the newer on the older', member(newer), member(older), false],
    ['anyone with a role on one without', member(low), member(undefined), true],
    ['even with a role at position 0', member(atZero), member(undefined), true],
    ['one without on one with a role', member(undefined), member(low), false],
    ['one without on another without', member(undefined), member(undefined), false],
    ['the owner, without a role, on the highest', owner, member(high), true],
    ['the owner on one without a role', owner, member(undefined), true],
    ['the highest on the owner', member(high), owner, false],
    ['an administrator on the owner', member(high, ALL_PERMISSIONS), owner, false],
    ['the owner on itself', owner, owner, false],
    ['an administrator on a higher role', member(low, ALL_PERMISSIONS), member(high), false],
    ['higher on an administrator', member(high), member(low, ALL_PERMISSIONS), true],
  ])('%s: %j', (_story, actor, target, expected) => {
    expect(canModerate(actor, target)).toBe(expected);
  });
});

describe('canTimeOut', () => {
  it.each<[string, MemberView, MemberView, boolean]>([
    ['higher acts on lower', member(high), member(low), true],
    ['lower on higher', member(low), member(high), false],
    ['higher on an administrator', member(high), member(low, ALL_PERMISSIONS), false],
    ['the owner on an administrator', owner, member(low, ALL_PERMISSIONS), false],
    ['the owner on a member', owner, member(high), true],
  ])('%s: %j', (_story, actor, target, expected) => {
    expect(canTimeOut(actor, target)).toBe(expected);
  });
});

describe('canManageRole', () => {
  it.each<[string, MemberView, RoleView, boolean]>([
    ['a lower role', member(high, MANAGE_ROLES), low, true],
    ['without MANAGE_ROLES', member(high, KICK_MEMBERS), low, false],
    ['as an administrator', member(high, ADMINISTRATOR), low, true],
    ['its own highest role', member(older, MANAGE_ROLES), older, false],
    ['a higher role', member(low, MANAGE_ROLES), high, false],
    ['a higher role as an administrator', member(low, ALL_PERMISSIONS), high, false],
    ['the newer at the same position', member(older, MANAGE_ROLES), newer, true],
    ['the older at the same position', member(newer, MANAGE_ROLES), older, false],
    ['@everyone', member(low, MANAGE_ROLES), everyone, true],
    ['@everyone, its id older than a role at 0', member(atZero, MANAGE_ROLES), everyone, true],
    ['@everyone, without a role', member(undefined, MANAGE_ROLES), everyone, false],
    ['a role, without a role', member(undefined, MANAGE_ROLES), low, false],
    ['any role as the owner', owner, high, true],
    ['@everyone as the owner', owner, everyone, true],
  ])('%s: %j', (_story, actor, target, expected) => {
    expect(canManageRole(actor, target, GUILD)).toBe(expected);
  });
});

describe('granting', () => {
  it('hands on what the actor has', () => {
    expect(grantablePermissions(member(low, VIEW_CHANNEL))).toBe(VIEW_CHANNEL);
    expect(grantablePermissions(member(low, ADMINISTRATOR))).toBe(ALL_PERMISSIONS);
    expect(grantablePermissions(owner)).toBe(ALL_PERMISSIONS);
  });

  it.each([
    ['adds what it has', VIEW_CHANNEL, 0n, VIEW_CHANNEL, 0n],
    ['adds what it has not', VIEW_CHANNEL, 0n, KICK_MEMBERS | VIEW_CHANNEL, KICK_MEMBERS],
    ['leaves what it has not', VIEW_CHANNEL, KICK_MEMBERS, KICK_MEMBERS | VIEW_CHANNEL, 0n],
    ['takes what it has not', 0n, KICK_MEMBERS, 0n, 0n],
    ['adds anything with all', ALL_PERMISSIONS, 0n, ADMINISTRATOR, 0n],
    [
      'adds ADMINISTRATOR without',
      ALL_PERMISSIONS & ~ADMINISTRATOR,
      0n,
      ADMINISTRATOR,
      ADMINISTRATOR,
    ],
  ])('of a role: %s', (_story, grantable, before, after, expected) => {
    expect(grantsBeyond(grantable, before, after)).toBe(expected);
  });

  const allowing = (allow: bigint, deny = 0n) => ({ allow, deny });
  it.each([
    ['is new within', VIEW_CHANNEL, undefined, allowing(VIEW_CHANNEL), 0n],
    ['is new beyond', VIEW_CHANNEL, undefined, allowing(SEND_MESSAGES), SEND_MESSAGES],
    ['denies beyond', VIEW_CHANNEL, undefined, allowing(0n, SEND_MESSAGES), SEND_MESSAGES],
    ['is deleted within', VIEW_CHANNEL, allowing(0n, VIEW_CHANNEL), undefined, 0n],
    ['is deleted beyond', VIEW_CHANNEL, allowing(SEND_MESSAGES), undefined, SEND_MESSAGES],
    ['turns round beyond', 0n, allowing(SEND_MESSAGES), allowing(0n, SEND_MESSAGES), SEND_MESSAGES],
    [
      'stays beyond, changes within',
      VIEW_CHANNEL,
      allowing(SEND_MESSAGES),
      allowing(SEND_MESSAGES, VIEW_CHANNEL),
      0n,
    ],
    ['is nothing', 0n, undefined, undefined, 0n],
  ])('of an overwrite that %s', (_story, held, before, after, expected) => {
    expect(overwriteChangesBeyond(held, before, after)).toBe(expected);
  });
});

describe('mentions', () => {
  const { MENTION_EVERYONE } = Permission;
  it.each([
    [0n, false, false],
    [0n, true, true],
    [MENTION_EVERYONE, false, true],
    [MENTION_EVERYONE, true, true],
    [ADMINISTRATOR, false, true],
  ])('with %s, a role mentionable %s: %s', (effective, isMentionable, expected) => {
    expect(mayMentionRole(effective, isMentionable)).toBe(expected);
  });

  it('of @everyone take the permission', () => {
    expect(mayMentionEveryone(SEND_MESSAGES)).toBe(false);
    expect(mayMentionEveryone(MENTION_EVERYONE)).toBe(true);
    expect(mayMentionEveryone(ALL_PERMISSIONS)).toBe(true);
  });
});
