import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AddMemberRequestSchema,
  MemberRoleRequestSchema,
  ModifyMemberRequestSchema,
  RemoveMemberRequestSchema,
  UpdateVoiceStateRequestSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import { GuildWorld, OWNER_ID, START_MS, userNumbered } from './guild-world.conformance.js';
import type { Guild } from './guild.js';
import {
  addMember,
  deleteMemberRole,
  modifyMember,
  putMemberRole,
  refreshGuildUser,
  removeMember,
  userWentOffline,
} from './member-decisions.js';
import { updateVoiceState } from './voice-decisions.js';

const { MANAGE_ROLES, MANAGE_GUILD, MANAGE_NICKNAMES, CHANGE_NICKNAME } = Permission;
const { KICK_MEMBERS, BAN_MEMBERS, MODERATE_MEMBERS, MUTE_MEMBERS, MOVE_MEMBERS } = Permission;
const { ADMINISTRATOR, VIEW_CHANNEL, CONNECT } = Permission;
const MODERATOR = 1n;
const MEMBER = 2n;
const PEER = 3n;
const ADMIN = 4n;
const DAY_MS = 86_400_000;

type Modify = MessageInitShape<typeof ModifyMemberRequestSchema>;

const modifying = (userId: bigint, fields: Modify) => (guild: Guild, changes: Changes) =>
  modifyMember(guild, create(ModifyMemberRequestSchema, { ...fields, userId }), changes);
const giving = (userId: bigint, roleId: bigint) => (guild: Guild, changes: Changes) =>
  putMemberRole(guild, create(MemberRoleRequestSchema, { userId, roleId }), changes);
const taking = (userId: bigint, roleId: bigint) => (guild: Guild, changes: Changes) =>
  deleteMemberRole(guild, create(MemberRoleRequestSchema, { userId, roleId }), changes);
const removing = (userId: bigint) => (guild: Guild, changes: Changes) =>
  removeMember(guild, create(RemoveMemberRequestSchema, { userId }), changes);
const talking = (channelId: bigint) => (guild: Guild, changes: Changes) =>
  updateVoiceState(
    guild,
    create(UpdateVoiceStateRequestSchema, { channelId, sessionId: 's' }),
    changes,
  );

const MODERATING =
  MANAGE_ROLES | MANAGE_NICKNAMES | KICK_MEMBERS | MODERATE_MEMBERS | MUTE_MEMBERS | MOVE_MEMBERS;

/**
 * low (1) < moderators (2: two of them) < high (3: an administrator, who is not above the order).
 */
function stage() {
  const world = new GuildWorld();
  const low = world.role(0n, { position: 1 });
  const moderators = world.role(MODERATING, { position: 2 });
  const high = world.role(ADMINISTRATOR, { position: 3 });
  world.member(MODERATOR, [moderators]);
  world.member(MEMBER);
  world.member(PEER, [moderators]);
  world.member(ADMIN, [high]);
  return { world, guild: world.guild, low, moderators, high };
}

describe('addMember', () => {
  const adding =
    (id: bigint, bot: boolean, botPermissions = 0n) =>
    (guild: Guild, changes: Changes) =>
      addMember(
        guild,
        create(AddMemberRequestSchema, { user: userNumbered(id, { bot }), botPermissions }),
        changes,
      );

  it('adds a bot with a role of its own, with no more than the actor has', () => {
    const { world, guild } = stage();
    world.member(5n, [world.role(MANAGE_GUILD | KICK_MEMBERS)]);
    const { changes } = world.do(5n, adding(9n, true, KICK_MEMBERS | BAN_MEMBERS));
    expect(changes.events.map(({ type }) => type)).toEqual([
      'GUILD_ROLE_CREATE',
      'GUILD_MEMBER_ADD',
    ]);
    expect(changes.events[0]!.data).toMatchObject({
      role: {
        name: 'user9',
        managed: true,
        tags: { bot_id: '9' },
        permissions: String(KICK_MEMBERS),
      },
    });
    expect(changes.events[1]).toMatchObject({
      subjectUserId: 9n,
      data: { user: { id: '9', bot: true } },
    });
    expect(changes.errands).toEqual([
      { topicId: 9n, action: { case: 'guildJoined', value: { guildId: guild.id } } },
    ]);
    const { changes: again } = world.do(5n, adding(9n, true, KICK_MEMBERS));
    expect([again.events, again.errands]).toEqual([[], []]);

    const left = world.events(OWNER_ID, removing(9n)).map(({ type }) => type);
    expect(left).toEqual(['GUILD_MEMBER_REMOVE', 'GUILD_ROLE_DELETE']);
  });

  it('adds people only for the fleet itself, and bots for who may manage the guild', () => {
    const { world } = stage();
    expect(world.codeOf(MODERATOR, adding(9n, true))).toBe(50013);
    expect(world.codeOf(OWNER_ID, adding(9n, false))).toBe(50013);
    expect(world.codeOf(0n, adding(9n, false))).toBeUndefined();
    expect(world.codeOf(ADMIN, adding(10n, true))).toBeUndefined();
  });
});

describe('modifyMember', () => {
  it('tells GUILD_MEMBER_UPDATE once, about who it is', () => {
    const { world, low } = stage();
    const fields = { nick: ' Two ', roles: { ids: [low.id] } };
    const [event, ...rest] = world.events(MODERATOR, modifying(MEMBER, fields));
    expect(rest).toEqual([]);
    expect(event).toMatchObject({
      type: 'GUILD_MEMBER_UPDATE',
      subjectUserId: MEMBER,
      data: {
        guild_id: String(world.guild.id),
        nick: 'Two',
        roles: [String(low.id)],
        user: { id: '2' },
      },
    });
    expect(event!.visibility!.moves).toMatchObject([{ userId: MEMBER }]);
    expect(world.events(MODERATOR, modifying(MEMBER, fields))).toEqual([]);
  });

  it.each<[string, number | undefined, bigint, bigint, Modify]>([
    ['its own nick', undefined, MEMBER, MEMBER, { nick: 'Me' }],
    ['a nick of 33', 50035, MEMBER, MEMBER, { nick: 'x'.repeat(33) }],
    ['a nick of 32 emoji', undefined, MEMBER, MEMBER, { nick: '🎈'.repeat(32) }],
    ['another’s nick without permission', 50013, MEMBER, PEER, { nick: 'You' }],
    ['the nick of one below', undefined, MODERATOR, MEMBER, { nick: 'You' }],
    ['the nick of a peer', 50013, MODERATOR, PEER, { nick: 'You' }],
    ['the nick of one above', 50013, MODERATOR, ADMIN, { nick: 'You' }],
    ['the owner’s nick', 50013, ADMIN, OWNER_ID, { nick: 'You' }],
    ['the owner’s own nick', undefined, OWNER_ID, OWNER_ID, { nick: 'Me' }],
    ['somebody who is not there', 10007, MODERATOR, 99n, { nick: 'You' }],
    ['anything as a stranger', 50001, 99n, MEMBER, { nick: 'You' }],
    ['a timeout of one below', undefined, MODERATOR, MEMBER, timeout(DAY_MS)],
    ['a timeout of 28 days', undefined, MODERATOR, MEMBER, timeout(28 * DAY_MS)],
    ['a timeout of more', 50035, MODERATOR, MEMBER, timeout(28 * DAY_MS + 1)],
    ['a timeout of a peer', 50013, MODERATOR, PEER, timeout(DAY_MS)],
    ['a timeout without permission', 50013, MEMBER, PEER, timeout(DAY_MS)],
    ['a timeout of an administrator, by the owner', 50013, OWNER_ID, ADMIN, timeout(DAY_MS)],
    ['mute of who is not in voice', 40032, MODERATOR, MEMBER, { mute: true }],
    ['a move of who is not in voice', 40032, MODERATOR, MEMBER, { channelId: 5n }],
    ['flags', undefined, MODERATOR, MEMBER, { flags: 4 }],
    ['flags without permission', 50013, MEMBER, MEMBER, { flags: 4 }],
    ['a role there is not', 10011, MODERATOR, MEMBER, { roles: { ids: [5n] } }],
  ])('changes %s (%p)', (_, code, actorId, userId, fields) => {
    expect(stage().world.codeOf(actorId, modifying(userId, fields))).toBe(code);
  });

  it('takes CHANGE_NICKNAME for the own nick, and nothing while in a timeout', () => {
    const { world, guild } = stage();
    const everyone = guild.role(guild.id)!;
    guild.putRole({ ...everyone, permissions: everyone.permissions & ~CHANGE_NICKNAME });
    expect(world.codeOf(MEMBER, modifying(MEMBER, { nick: 'Me' }))).toBe(50013);
    world.do(OWNER_ID, modifying(MODERATOR, timeout(DAY_MS)));
    expect(world.codeOf(MODERATOR, modifying(MEMBER, { nick: 'You' }))).toBe(50013);
    world.nowMs += DAY_MS;
    expect(world.codeOf(MODERATOR, modifying(MEMBER, { nick: 'You' }))).toBeUndefined();
  });

  it('ends a timeout with 0 or a time that has passed', () => {
    const { world, guild } = stage();
    for (const until of [0, START_MS - 1]) {
      world.do(OWNER_ID, modifying(MEMBER, timeout(DAY_MS)));
      const ended = modifying(MEMBER, { communicationDisabledUntilMs: BigInt(until) });
      const [event] = world.events(OWNER_ID, ended);
      expect(event!.data).toMatchObject({ communication_disabled_until: null });
    }
    expect(guild.member(MEMBER)!.communicationDisabledUntilMs).toBe(0);
  });

  it('mutes, moves and disconnects who is in voice', () => {
    const { world, guild } = stage();
    const { voiceId } = world;
    world.do(MEMBER, talking(voiceId));
    const muted = world.events(MODERATOR, modifying(MEMBER, { mute: true }));
    expect(muted.map(({ type }) => type)).toEqual(['GUILD_MEMBER_UPDATE', 'VOICE_STATE_UPDATE']);
    expect(muted[1]).toMatchObject({
      channelId: voiceId,
      data: { mute: true, channel_id: String(voiceId) },
    });
    expect(world.codeOf(MEMBER, modifying(MEMBER, { mute: false }))).toBe(50013);
    expect(world.codeOf(MODERATOR, modifying(MEMBER, { channelId: world.textId }))).toBe(10003);
    const gone = world.events(MODERATOR, modifying(MEMBER, { channelId: 0n }));
    expect(gone).toMatchObject([{ type: 'VOICE_STATE_UPDATE', data: { channel_id: null } }]);
    expect(guild.voiceStates.size).toBe(0);
  });
});

function timeout(ms: number): Modify {
  return { communicationDisabledUntilMs: BigInt(START_MS + ms) };
}

describe('putMemberRole and deleteMemberRole', () => {
  it('give and take, once each', () => {
    const { world, guild, low } = stage();
    const [given] = world.events(MODERATOR, giving(MEMBER, low.id));
    expect(given!.data).toMatchObject({ roles: [String(low.id)] });
    expect(world.events(MODERATOR, giving(MEMBER, low.id))).toEqual([]);
    const [taken] = world.events(MODERATOR, taking(MEMBER, low.id));
    expect(taken!.data).toMatchObject({ roles: [] });
    expect(world.events(MODERATOR, taking(MEMBER, low.id))).toEqual([]);
    expect(guild.member(MEMBER)!.roleIds).toEqual([]);
  });

  it('go by the order of roles', () => {
    const { world, guild, low, moderators, high } = stage();
    const managed = world.role(0n, { position: 1, managed: true, botId: 9n });
    expect(world.codeOf(MODERATOR, giving(MEMBER, moderators.id))).toBe(50013);
    expect(world.codeOf(MODERATOR, giving(MEMBER, high.id))).toBe(50013);
    expect(world.codeOf(MODERATOR, taking(PEER, moderators.id))).toBe(50013);
    expect(world.codeOf(MEMBER, giving(MEMBER, low.id))).toBe(50013);
    expect(world.codeOf(OWNER_ID, giving(MEMBER, managed.id))).toBe(50028);
    expect(world.codeOf(OWNER_ID, giving(MEMBER, guild.id))).toBe(50028);
    expect(world.codeOf(MODERATOR, giving(99n, low.id))).toBe(10007);
    // The roles of one who stands above may be given and taken: only the role counts.
    expect(world.codeOf(MODERATOR, giving(ADMIN, low.id))).toBeUndefined();
  });
});

describe('removeMember', () => {
  it('kicks one below; its own topic is told and its sessions see no more', () => {
    const { world, guild } = stage();
    world.do(MEMBER, talking(world.voiceId));
    const { changes } = world.do(MODERATOR, removing(MEMBER));
    expect(changes.events.map(({ type }) => type)).toEqual([
      'VOICE_STATE_UPDATE',
      'GUILD_MEMBER_REMOVE',
    ]);
    expect(changes.events[1]).toMatchObject({
      subjectUserId: MEMBER,
      data: { guild_id: String(guild.id), user: { id: '2' } },
    });
    expect(changes.events[1]!.visibility!.removedUserIds).toEqual([MEMBER]);
    expect(changes.errands).toEqual([
      { topicId: MEMBER, action: { case: 'guildLeft', value: { guildId: guild.id } } },
    ]);
    expect(world.restored().member(MEMBER)).toBeUndefined();
  });

  it.each<[string, number | undefined, bigint, bigint]>([
    ['itself: it leaves', undefined, MEMBER, MEMBER],
    ['itself, as the owner', 50013, OWNER_ID, OWNER_ID],
    ['a peer', 50013, MODERATOR, PEER],
    ['one above', 50013, MODERATOR, ADMIN],
    ['the owner', 50013, ADMIN, OWNER_ID],
    ['anybody, without permission', 50013, MEMBER, PEER],
    ['who is not there', 10007, MODERATOR, 99n],
  ])('removes %s (%p)', (_, code, actorId, userId) => {
    expect(stage().world.codeOf(actorId, removing(userId))).toBe(code);
  });
});

describe('refreshGuildUser', () => {
  it('shows a new name once, and nobody who is not there', () => {
    const { world } = stage();
    const user = userNumbered(MEMBER, { username: 'new' });
    const refresh = (guild: Guild, changes: Changes) => refreshGuildUser(guild, user, changes);
    expect(world.events(0n, refresh)).toMatchObject([
      { type: 'GUILD_MEMBER_UPDATE', data: { user: { username: 'new' } } },
    ]);
    expect(world.events(0n, refresh)).toEqual([]);
    expect(
      world.events(0n, (guild, changes) => refreshGuildUser(guild, userNumbered(99n), changes)),
    ).toEqual([]);
  });
});

describe('userWentOffline', () => {
  it('ends a stay in voice, and a visit', () => {
    const { world, low } = stage();
    const offline = (userId: bigint) =>
      world
        .events(0n, (guild, changes) => userWentOffline(guild, userId, changes))
        .map(({ type }) => type);
    world.do(MEMBER, talking(world.voiceId));
    expect(offline(MEMBER)).toEqual(['VOICE_STATE_UPDATE']);
    expect(offline(MEMBER)).toEqual([]);
    world.member(7n, [], { isTemporary: true });
    world.member(8n, [low], { isTemporary: true });
    expect([offline(7n), offline(8n), offline(99n)]).toEqual([['GUILD_MEMBER_REMOVE'], [], []]);
  });
});

describe('a move in voice', () => {
  it('tells who sees only where the member was that it left, and the member where it is', () => {
    const { world, guild } = stage();
    const { voiceId } = world;
    const secret = { ...guild.channel(voiceId)!, id: world.mint() };
    const overwrites = [{ id: guild.id, type: 0 as const, allow: 0n, deny: VIEW_CHANNEL }];
    guild.putChannel({ ...secret, overwrites });
    guild.takeVisibility();
    world.do(MEMBER, talking(voiceId));
    expect(world.codeOf(MEMBER, talking(secret.id))).toBe(50001);
    const events = world.events(ADMIN, modifying(MEMBER, { channelId: secret.id }));
    expect(
      events.map(({ channelId, onlyUserIds, data }) => [
        channelId ?? onlyUserIds,
        (data as { channel_id: string | null }).channel_id,
      ]),
    ).toEqual([
      [voiceId, null],
      [secret.id, String(secret.id)],
      [[MEMBER], String(secret.id)],
    ]);
    expect(world.codeOf(MODERATOR, modifying(MEMBER, { channelId: voiceId }))).toBe(50013);
    expect(guild.permissionsIn(voiceId, MEMBER, world.nowMs) & CONNECT).toBe(CONNECT);
  });
});
