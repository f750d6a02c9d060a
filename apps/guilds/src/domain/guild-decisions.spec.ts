import { create } from '@bufbuild/protobuf';
import {
  CreateGuildRequestSchema,
  DeleteGuildRequestSchema,
  GetGuildRequestSchema,
  ListChannelsRequestSchema,
  ModifyGuildRequestSchema,
} from '@guildhall/contracts';
import { DEFAULT_EVERYONE_PERMISSIONS, Permission } from '@guildhall/permissions';
import { Fault } from '@guildhall/fault';
import {
  createGuild,
  deleteGuild,
  getGuild,
  listChannels,
  modifyGuild,
} from './guild-decisions.js';
import { GuildWorld, OWNER_ID, refusalOf, userNumbered } from './guild-world.conformance.js';

type Modify = Parameters<typeof create<typeof ModifyGuildRequestSchema>>[1];

const modify = (world: GuildWorld, actorId: bigint, fields: Modify) =>
  world.events(actorId, (guild, changes) =>
    modifyGuild(guild, create(ModifyGuildRequestSchema, fields), changes),
  );
const modifyCode = (world: GuildWorld, actorId: bigint, fields: Modify) =>
  world.codeOf(actorId, (guild, changes) =>
    modifyGuild(guild, create(ModifyGuildRequestSchema, fields), changes),
  );

describe('createGuild', () => {
  it('makes @everyone, four channels and the owner, and tells the owner’s topic', () => {
    const world = new GuildWorld();
    const { guild } = world;
    expect(guild.roles.get(guild.id)).toMatchObject({
      name: '@everyone',
      position: 0,
      permissions: DEFAULT_EVERYONE_PERMISSIONS,
    });
    expect([...guild.channels.values()].map(({ name }) => name)).toEqual([
      'general',
      'General',
      'Text Channels',
      'Voice Channels',
    ]);
    expect(guild.settings.systemChannelId).toBe(world.textId);
    expect(guild.member(OWNER_ID)?.user.username).toBe('owner');
    expect(world.restored().ownerId).toBe(OWNER_ID);
  });

  it('leaves a trace by which a repeat is known, and refuses another guild with its id', () => {
    const world = new GuildWorld();
    const request = create(CreateGuildRequestSchema, {
      name: 'Two',
      owner: userNumbered(OWNER_ID),
    });
    const again = () =>
      world.do(OWNER_ID, (guild, changes) => createGuild(guild, request, changes));
    expect(again).toThrow(Fault);
  });
});

describe('getGuild and listChannels', () => {
  it('are for members', () => {
    const { guild, asker } = worldWithAsker();
    const get = create(GetGuildRequestSchema, { withCounts: true });
    expect(getGuild(guild, get, asker(OWNER_ID))).toMatchObject({
      id: String(guild.id),
      approximate_member_count: 1,
      approximate_presence_count: 0,
    });
    expect(refusalOf(() => getGuild(guild, get, asker(9n)))).toBe(50001);
    const list = create(ListChannelsRequestSchema);
    expect(listChannels(guild, list, asker(OWNER_ID))).toHaveLength(4);
    expect(refusalOf(() => listChannels(guild, list, asker(9n)))).toBe(50001);
  });
});

function worldWithAsker() {
  const world = new GuildWorld();
  return { guild: world.guild, asker: (id: bigint) => world.asker(id) };
}

describe('modifyGuild', () => {
  it('tells GUILD_UPDATE once, and nothing if nothing is different', () => {
    const world = new GuildWorld();
    const fields = { name: ' New name ', verificationLevel: 2, afkChannelId: world.voiceId };
    const [event, ...rest] = modify(world, OWNER_ID, fields);
    expect(rest).toEqual([]);
    expect(event).toMatchObject({
      type: 'GUILD_UPDATE',
      data: {
        id: String(world.guild.id),
        name: 'New name',
        verification_level: 2,
        afk_channel_id: String(world.voiceId),
      },
    });
    expect(event!.visibility).toBeUndefined();
    expect(modify(world, OWNER_ID, fields)).toEqual([]);
    expect(world.restored().name).toBe('New name');
  });

  it('hands the guild over, with what that changes about who sees what', () => {
    const world = new GuildWorld();
    world.member(1n);
    const [event] = modify(world, OWNER_ID, { ownerId: 1n });
    expect(event!.data).toMatchObject({ owner_id: '1' });
    const moves = event!.visibility!.moves;
    expect(moves.find(({ userId }) => userId === 1n)?.audienceId).toBe(1n);
    expect(moves.find(({ userId }) => userId === OWNER_ID)?.audienceId).not.toBe(OWNER_ID);
    expect(modifyCode(world, OWNER_ID, { name: 'Mine' })).toBe(50013);
    expect(modifyCode(world, 1n, { name: 'Mine' })).toBeUndefined();
  });

  it.each<[string, number, Modify]>([
    ['a short name', 50035, { name: 'a' }],
    ['a long description', 50035, { description: 'x'.repeat(301) }],
    ['a level there is not', 50035, { verificationLevel: 5 }],
    ['a time nobody waits', 50035, { afkTimeout: 61 }],
    ['a channel there is not', 10003, { systemChannelId: 5n }],
    ['an owner who is no member', 10007, { ownerId: 5n }],
  ])('refuses %s (%i)', (_, code, fields) => {
    expect(modifyCode(new GuildWorld(), OWNER_ID, fields)).toBe(code);
  });

  it('needs MANAGE_GUILD, and to hand it over, to be the owner', () => {
    const world = new GuildWorld();
    world.member(1n);
    world.member(2n, [world.role(Permission.MANAGE_GUILD)]);
    expect(modifyCode(world, 1n, { name: 'Mine' })).toBe(50013);
    expect(modifyCode(world, 9n, { name: 'Mine' })).toBe(50001);
    expect(modifyCode(world, 2n, { name: 'Mine' })).toBeUndefined();
    expect(modifyCode(world, 2n, { ownerId: 2n })).toBe(50013);
    expect(modifyCode(world, OWNER_ID, { afkChannelId: world.textId })).toBe(50024);
  });
});

describe('deleteGuild', () => {
  const request = create(DeleteGuildRequestSchema);

  it('is the owner’s; every member’s topic is told', () => {
    const world = new GuildWorld();
    world.member(1n, [world.role(Permission.ADMINISTRATOR)]);
    expect(world.codeOf(1n, (guild, changes) => deleteGuild(guild, request, changes))).toBe(50013);
    const { changes } = world.do(OWNER_ID, (guild, made) => deleteGuild(guild, request, made));
    expect(changes.isTopicDeleted).toBe(true);
    const [event] = changes.events;
    expect(event).toMatchObject({ type: 'GUILD_DELETE', data: { id: String(world.guild.id) } });
    expect(event!.visibility!.topicDeleted).toBe(true);
    expect(changes.errands.map(({ topicId, action }) => [topicId, action.case])).toEqual([
      [OWNER_ID, 'guildLeft'],
      [1n, 'guildLeft'],
    ]);
  });
});
