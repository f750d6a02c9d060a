import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ChannelFieldsSchema } from '@guildhall/contracts';
import {
  CreateChannelRequestSchema,
  CreateInviteRequestSchema,
  DeleteChannelRequestSchema,
  GetChannelRequestSchema,
  ModifyChannelRequestSchema,
  MoveChannelsRequestSchema,
  UpdateVoiceStateRequestSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import {
  createChannel,
  deleteChannel,
  getChannel,
  modifyChannel,
  moveChannels,
} from './channel-decisions.js';
import { ChannelType, newChannel } from './channel.js';
import { GuildWorld, OWNER_ID, refusalOf } from './guild-world.conformance.js';
import type { Guild } from './guild.js';
import { createInvite } from './invite-decisions.js';
import { updateVoiceState } from './voice-decisions.js';

const { VIEW_CHANNEL, MANAGE_CHANNELS, MANAGE_ROLES, SEND_MESSAGES, KICK_MEMBERS } = Permission;
const MANAGER = 1n;

type Fields = MessageInitShape<typeof ChannelFieldsSchema>;

const making = (fields: Fields) => (guild: Guild, changes: Changes) =>
  createChannel(guild, create(CreateChannelRequestSchema, { fields }), changes);
const modifying = (channelId: bigint, fields: Fields) => (guild: Guild, changes: Changes) =>
  modifyChannel(guild, create(ModifyChannelRequestSchema, { channelId, fields }), changes);
const deleting = (channelId: bigint) => (guild: Guild, changes: Changes) =>
  deleteChannel(guild, create(DeleteChannelRequestSchema, { channelId }), changes);
const moving =
  (...positions: MessageInitShape<typeof MoveChannelsRequestSchema>['positions'] & object[]) =>
  (guild: Guild, changes: Changes) =>
    moveChannels(guild, create(MoveChannelsRequestSchema, { positions }), changes);
const idOf = (json: object): bigint => BigInt((json as { id: string }).id);

/** A world with a manager of channels, and a category that @everyone does not see. */
function stage() {
  const world = new GuildWorld();
  const { guild } = world;
  world.member(MANAGER, [world.role(MANAGE_CHANNELS)]);
  world.member(2n);
  const hidden = { id: guild.id, type: 0, allow: 0n, deny: VIEW_CHANNEL };
  const overwrites = { items: [hidden] };
  const { answer } = world.do(
    0n,
    making({ name: 'Hidden', type: ChannelType.Category, overwrites }),
  );
  return { world, guild, hidden, categoryId: idOf(answer) };
}

describe('createChannel', () => {
  it('makes a text channel at the end, named as tags are', () => {
    const { world } = stage();
    const { answer, changes } = world.do(MANAGER, making({ name: 'My  Channel' }));
    expect(answer).toMatchObject({ name: 'my-channel', type: 0, position: 0, parent_id: null });
    expect(changes.events).toHaveLength(1);
    expect(changes.events[0]).toMatchObject({ type: 'CHANNEL_CREATE', channelId: idOf(answer) });
    // Relays dispatch the event itself to all who see it.
    expect(changes.events[0]!.visibility!.channels).toEqual([]);
    expect(changes.events[0]!.visibility!.audiences).toHaveLength(3);
    const again = world.do(MANAGER, making({ name: 'next' })).answer;
    expect(again).toMatchObject({ position: 1 });
  });

  it('takes the overwrites of its category unless it is given its own', () => {
    const { world, guild, categoryId, hidden } = stage();
    const { answer } = world.do(0n, making({ name: 'a', parentId: categoryId }));
    expect(guild.channel(idOf(answer))!.overwrites).toEqual([hidden]);
    expect(guild.mayView(idOf(answer), 2n)).toBe(false);
    const own = making({ name: 'b', parentId: categoryId, overwrites: { items: [] } });
    expect(guild.mayView(idOf(world.do(0n, own).answer), 2n)).toBe(true);
  });

  it.each<[string, number | undefined, bigint, (ids: ReturnType<typeof stage>) => Fields]>([
    ['a voice channel', undefined, MANAGER, () => ({ name: 'v', type: 2, bitrate: 96_000 })],
    ['without MANAGE_CHANNELS', 50013, 2n, () => ({ name: 'a' })],
    ['as a stranger', 50001, 9n, () => ({ name: 'a' })],
    ['without a name', 50035, MANAGER, () => ({})],
    ['with an empty name', 50035, MANAGER, () => ({ name: '' })],
    ['of a type there is not', 50035, MANAGER, () => ({ name: 'a', type: 15 })],
    ['with a long topic', 50035, MANAGER, () => ({ name: 'a', topic: 'x'.repeat(1_025) })],
    ['with too slow a mode', 50035, MANAGER, () => ({ name: 'a', rateLimitPerUser: 21_601 })],
    ['with too few bits', 50035, MANAGER, () => ({ name: 'a', type: 2, bitrate: 7_999 })],
    ['in a category it cannot see', 50001, MANAGER, (s) => ({ name: 'a', parentId: s.categoryId })],
    ['in what is no category', 50035, MANAGER, (s) => ({ name: 'a', parentId: s.world.textId })],
    ['in nothing', 10003, MANAGER, () => ({ name: 'a', parentId: 5n })],
    [
      'a category in a category',
      50035,
      0n,
      (s) => ({ name: 'a', type: 4, parentId: s.categoryId }),
    ],
    [
      'hiding what it sees itself',
      undefined,
      MANAGER,
      (s) => ({ name: 'a', overwrites: { items: [s.hidden] } }),
    ],
    [
      'granting what it has not',
      50013,
      MANAGER,
      (s) => ({ name: 'a', overwrites: { items: [{ ...s.hidden, allow: KICK_MEMBERS }] } }),
    ],
    [
      'for a role there is not',
      10011,
      MANAGER,
      () => ({ name: 'a', overwrites: { items: [{ id: 5n, type: 0 }] } }),
    ],
    [
      'for somebody twice',
      50035,
      0n,
      () => ({
        name: 'a',
        overwrites: {
          items: [
            { id: 5n, type: 1 },
            { id: 5n, type: 1 },
          ],
        },
      }),
    ],
  ])('makes one %s (%p)', (_, code, actorId, fields) => {
    const staged = stage();
    expect(staged.world.codeOf(actorId, making(fields(staged)))).toBe(code);
  });

  it('stops at 500, and at 50 in a category', () => {
    const { world, guild, categoryId } = stage();
    const fill = (parentId: bigint) =>
      guild.putChannel({ ...newChannel(world.mint(), ChannelType.Text, 'a'), parentId });
    for (let count = 0; count < 50; count++) fill(categoryId);
    expect(world.codeOf(0n, making({ name: 'a', parentId: categoryId }))).toBe(50035);
    while (guild.channels.size < 500) fill(0n);
    expect(world.codeOf(0n, making({ name: 'a' }))).toBe(30013);
  });
});

describe('modifyChannel', () => {
  it('tells CHANNEL_UPDATE to those who see it, and nothing if nothing is different', () => {
    const { world } = stage();
    const { textId } = world;
    const change = modifying(textId, { topic: 'Talk', nsfw: true, rateLimitPerUser: 5 });
    const [event, ...rest] = world.events(MANAGER, change);
    expect(rest).toEqual([]);
    expect(event).toMatchObject({
      type: 'CHANNEL_UPDATE',
      channelId: textId,
      data: { topic: 'Talk', nsfw: true, rate_limit_per_user: 5, name: 'general' },
    });
    expect(event!.visibility).toBeUndefined();
    expect(world.events(MANAGER, change)).toEqual([]);
  });

  it('gives a category’s overwrites to the channels that follow it, one change each', () => {
    const { world, guild, hidden, categoryId } = stage();
    const follower = idOf(world.do(0n, making({ name: 'a', parentId: categoryId })).answer);
    const own = making({ name: 'b', parentId: categoryId, overwrites: { items: [] } });
    const loner = idOf(world.do(0n, own).answer);
    const overwrites = { items: [{ ...hidden, deny: SEND_MESSAGES }] };
    const events = world.events(0n, modifying(categoryId, { overwrites }));
    expect(events.map(({ type, channelId }) => [type, channelId])).toEqual([
      ['CHANNEL_UPDATE', categoryId],
      ['CHANNEL_UPDATE', follower],
    ]);
    for (const { visibility, channelId } of events) {
      expect(visibility!.channels.map((shown) => shown.channelId)).toEqual([channelId]);
    }
    expect(guild.mayView(follower, 2n)).toBe(true);
    expect(guild.channel(loner)!.overwrites).toEqual([]);
  });

  it.each<[string, number | undefined, bigint, Fields]>([
    ['its name', undefined, MANAGER, { name: 'x' }],
    [
      'its overwrites, with MANAGE_CHANNELS alone',
      50013,
      MANAGER,
      { overwrites: { items: [{ id: 2n, type: 1, deny: SEND_MESSAGES }] } },
    ],
    ['anything, without permission', 50013, 2n, { name: 'x' }],
    ['its kind: to announcements', undefined, MANAGER, { type: 5 }],
    ['its kind: to voice', 50024, MANAGER, { type: 2 }],
    ['its category to a channel', 50035, MANAGER, { parentId: 1n }],
  ])('changes %s (%p)', (_, code, actorId, fields) => {
    const { world } = stage();
    expect(world.codeOf(actorId, modifying(world.textId, fields))).toBe(code);
  });

  it('knows no channel of another guild', () => {
    const { world } = stage();
    expect(world.codeOf(MANAGER, modifying(5n, { name: 'x' }))).toBe(10003);
  });
});

describe('moveChannels', () => {
  it('moves, and with lockPermissions takes over what the category lets through', () => {
    const { world, guild, categoryId } = stage();
    const { textId, voiceId } = world;
    const events = world.events(
      0n,
      moving(
        { channelId: textId, parentId: categoryId, position: 3, lockPermissions: true },
        { channelId: voiceId, parentId: categoryId },
      ),
    );
    expect(events.map(({ type, channelId }) => [type, channelId])).toEqual([
      ['CHANNEL_UPDATE', textId],
      ['CHANNEL_UPDATE', voiceId],
    ]);
    expect(guild.channel(textId)).toMatchObject({ parentId: categoryId, position: 3 });
    expect([guild.mayView(textId, 2n), guild.mayView(voiceId, 2n)]).toEqual([false, true]);
    expect(events[0]!.visibility!.channels.map(({ channelId }) => channelId)).toEqual([textId]);
    expect(events[1]!.visibility).toBeUndefined();
  });

  it('moves all or none', () => {
    const { world, guild, categoryId } = stage();
    const { textId, voiceId } = world;
    const first = { channelId: voiceId, position: 9 };
    const into = { channelId: textId, parentId: categoryId };
    // The manager does not see the category.
    expect(world.codeOf(MANAGER, moving(first, into))).toBe(50013);
    expect(guild.channel(voiceId)!.position).toBe(0);
    expect(world.codeOf(2n, moving(first))).toBe(50013);
    expect(world.codeOf(MANAGER, moving(first))).toBeUndefined();
  });
});

describe('deleteChannel', () => {
  it('ends its invites and the stays in it, and is forgotten in the settings', () => {
    const { world, guild } = stage();
    const { textId, voiceId } = world;
    const invite = create(CreateInviteRequestSchema, { channelId: voiceId });
    world.do(OWNER_ID, (_, changes) => createInvite(guild, invite, changes));
    const voice = create(UpdateVoiceStateRequestSchema, { channelId: voiceId, sessionId: 's' });
    world.do(2n, (_, changes) => updateVoiceState(guild, voice, changes));
    expect(world.events(MANAGER, deleting(voiceId)).map(({ type }) => type)).toEqual([
      'VOICE_STATE_UPDATE',
      'INVITE_DELETE',
      'CHANNEL_DELETE',
    ]);
    expect([guild.voiceStates.size, guild.invites.size]).toEqual([0, 0]);
    const events = world.events(MANAGER, deleting(textId));
    expect(events.map(({ type }) => type)).toEqual(['CHANNEL_DELETE', 'GUILD_UPDATE']);
    expect(guild.settings.systemChannelId).toBe(0n);
    expect(events[0]!.visibility!.channels).toEqual([]);
    expect(world.codeOf(MANAGER, deleting(textId))).toBe(10003);
  });

  it('leaves the channels of a category standing alone', () => {
    const { world, guild, categoryId } = stage();
    const child = idOf(world.do(0n, making({ name: 'a', parentId: categoryId })).answer);
    const events = world.events(0n, deleting(categoryId));
    expect(events.map(({ type, channelId }) => [type, channelId])).toEqual([
      ['CHANNEL_DELETE', categoryId],
      ['CHANNEL_UPDATE', child],
    ]);
    expect(guild.channel(child)).toMatchObject({ parentId: 0n });
    // What it let through stays.
    expect(guild.mayView(child, 2n)).toBe(false);
  });

  it('needs MANAGE_CHANNELS there', () => {
    const { world, guild } = stage();
    expect(world.codeOf(2n, deleting(world.textId))).toBe(50013);
    const overwrites = { items: [{ id: MANAGER, type: 1, allow: 0n, deny: MANAGE_CHANNELS }] };
    world.do(0n, modifying(world.textId, { overwrites }));
    expect(world.codeOf(MANAGER, deleting(world.textId))).toBe(50013);
    expect(guild.hasChannel(world.textId)).toBe(true);
  });
});

describe('getChannel', () => {
  it('is for those who see it', () => {
    const { world, guild, categoryId } = stage();
    const get = (actorId: bigint, channelId: bigint) => () =>
      getChannel(guild, create(GetChannelRequestSchema, { channelId }), world.asker(actorId));
    expect(get(2n, world.textId)()).toMatchObject({ name: 'general', permission_overwrites: [] });
    expect(refusalOf(get(2n, categoryId))).toBe(50001);
    expect(refusalOf(get(9n, world.textId))).toBe(50001);
    expect(refusalOf(get(2n, 5n))).toBe(10003);
  });

  it('has MANAGE_ROLES nowhere to do with it', () => {
    const { world } = stage();
    world.member(3n, [world.role(MANAGE_ROLES)]);
    expect(world.codeOf(3n, modifying(world.textId, { name: 'x' }))).toBe(50013);
  });
});
