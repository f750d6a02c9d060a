import { create } from '@bufbuild/protobuf';
import {
  CreateInviteRequestSchema,
  ModifyMemberRequestSchema,
  PutBanRequestSchema,
  PutOverwriteRequestSchema,
  UpdateVoiceStateRequestSchema,
} from '@guildhall/contracts';
import { ALL_PERMISSIONS, Permission } from '@guildhall/permissions';
import { putBan } from './ban-decisions.js';
import { GuildWorld, OWNER_ID, userNumbered } from './guild-world.conformance.js';
import { createInvite } from './invite-decisions.js';
import { modifyMember } from './member-decisions.js';
import { putOverwrite } from './overwrite-decisions.js';
import { updateVoiceState } from './voice-decisions.js';

const { VIEW_CHANNEL, SEND_MESSAGES, KICK_MEMBERS, CONNECT, SPEAK } = Permission;

function overwrite(
  world: GuildWorld,
  channelId: bigint,
  id: bigint,
  type: number,
  allow: bigint,
  deny: bigint,
) {
  const request = create(PutOverwriteRequestSchema, {
    channelId,
    overwrite: { id, type, allow, deny },
  });
  world.do(0n, (guild, changes) => putOverwrite(guild, request, changes));
}

describe('Guild', () => {
  it('permits by roles and overwrites, the member last', () => {
    const world = new GuildWorld();
    const { guild, textId, nowMs } = world;
    const role = world.role(KICK_MEMBERS);
    world.member(1n, [role]);
    const may = (permission: bigint) =>
      (guild.permissionsIn(textId, 1n, nowMs) & permission) !== 0n;
    expect(may(SEND_MESSAGES) && may(KICK_MEMBERS)).toBe(true);
    overwrite(world, textId, guild.id, 0, 0n, SEND_MESSAGES);
    expect(may(SEND_MESSAGES)).toBe(false);
    overwrite(world, textId, role.id, 0, SEND_MESSAGES, 0n);
    expect(may(SEND_MESSAGES)).toBe(true);
    overwrite(world, textId, 1n, 1, 0n, VIEW_CHANNEL);
    expect(guild.permissionsIn(textId, 1n, nowMs)).toBe(0n);
    expect(guild.mayView(textId, 1n)).toBe(false);
  });

  it('leaves nothing but viewing to who is in a timeout, until it ends', () => {
    const world = new GuildWorld();
    const { guild, textId, nowMs } = world;
    world.member(1n, [], { communicationDisabledUntilMs: nowMs + 1 });
    expect(guild.permissionsIn(textId, 1n, nowMs) & SEND_MESSAGES).toBe(0n);
    expect(guild.basePermissions(1n, nowMs) & Permission.CHANGE_NICKNAME).toBe(0n);
    expect(guild.mayView(textId, 1n)).toBe(true);
    expect(guild.permissionsIn(textId, 1n, nowMs + 1) & SEND_MESSAGES).toBe(SEND_MESSAGES);
  });

  it('takes voice away with CONNECT', () => {
    const world = new GuildWorld();
    world.member(1n);
    overwrite(world, world.voiceId, world.guild.id, 0, 0n, CONNECT);
    const permissions = world.guild.permissionsIn(world.voiceId, 1n, world.nowMs);
    expect(permissions & (CONNECT | SPEAK)).toBe(0n);
    expect(permissions & VIEW_CHANNEL).toBe(VIEW_CHANNEL);
  });

  it('permits the fleet and the owner everything, a stranger nothing', () => {
    const { guild, textId, nowMs } = new GuildWorld();
    for (const userId of [0n, OWNER_ID]) {
      expect(guild.basePermissions(userId, nowMs)).toBe(ALL_PERMISSIONS);
      expect(guild.permissionsIn(textId, userId, nowMs)).toBe(ALL_PERMISSIONS);
      expect(guild.mayView(textId, userId)).toBe(true);
    }
    expect(guild.basePermissions(9n, nowMs)).toBe(0n);
    expect(guild.permissionsIn(textId, 9n, nowMs)).toBe(0n);
    expect(guild.mayView(textId, 9n)).toBe(false);
    expect(guild.permissionsIn(9n, OWNER_ID, nowMs)).toBe(0n);
    expect(guild.mayView(9n, 0n)).toBe(false);
  });

  it('finds who has a permission, in the guild and in a channel', () => {
    const world = new GuildWorld();
    const { guild, textId } = world;
    const role = world.role(KICK_MEMBERS);
    world.member(1n, [role]);
    world.member(2n, [world.role(Permission.ADMINISTRATOR)]);
    world.member(3n);
    expect(guild.usersWith(KICK_MEMBERS)).toEqual([OWNER_ID, 1n, 2n]);
    overwrite(world, textId, 3n, 1, Permission.MANAGE_CHANNELS, 0n);
    const found = guild.usersWithIn(guild.channel(textId)!, Permission.MANAGE_CHANNELS);
    expect(found.sort()).toEqual([OWNER_ID, 2n, 3n].sort());
  });

  it('lists members ascending, whatever the order in which they came', () => {
    const world = new GuildWorld();
    world.member(30n);
    world.member(5n);
    expect(world.guild.memberIds()).toEqual([5n, 30n, OWNER_ID]);
  });

  it('is the same when its next owner has read it', () => {
    const world = new GuildWorld();
    const { guild, textId, voiceId } = world;
    const role = world.role(KICK_MEMBERS, { color: 5, secondaryColor: 6, hoist: true, icon: 'i' });
    world.member(1n, [role]);
    overwrite(world, textId, 1n, 1, 0n, VIEW_CHANNEL);
    const nick = create(ModifyMemberRequestSchema, { userId: 1n, nick: 'One' });
    world.do(0n, (_, changes) => modifyMember(guild, nick, changes));
    const voice = create(UpdateVoiceStateRequestSchema, { channelId: voiceId, sessionId: 'abc' });
    world.do(1n, (_, changes) => updateVoiceState(guild, voice, changes));
    const ban = create(PutBanRequestSchema, { userId: 7n, user: userNumbered(7n) });
    world.do(OWNER_ID, (_, changes) => putBan(guild, ban, changes), { reason: 'spam' });
    const invite = create(CreateInviteRequestSchema, { channelId: textId, maxUses: 3 });
    world.do(OWNER_ID, (_, changes) => createInvite(guild, invite, changes));

    const restored = world.restored();
    expect(restored.ownerId).toBe(guild.ownerId);
    expect(restored.settings).toEqual(guild.settings);
    expect(restored.roles).toEqual(guild.roles);
    expect(restored.channels).toEqual(guild.channels);
    expect(restored.members).toEqual(guild.members);
    expect(restored.bans).toEqual(guild.bans);
    expect(restored.invites).toEqual(guild.invites);
    expect(restored.voiceStates).toEqual(guild.voiceStates);
    expect(restored.mayView(textId, 1n)).toBe(false);
    expect(restored.takeVisibility()).toBeUndefined();
  });
});
