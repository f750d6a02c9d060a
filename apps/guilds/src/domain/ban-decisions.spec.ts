import { create } from '@bufbuild/protobuf';
import {
  DeleteBanRequestSchema,
  GetBanRequestSchema,
  ListBansRequestSchema,
  PutBanRequestSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { deleteBan, getBan, listBans, putBan } from './ban-decisions.js';
import type { Changes } from './changes.js';
import { GuildWorld, OWNER_ID, refusalOf, userNumbered } from './guild-world.conformance.js';
import type { Guild } from './guild.js';

const MODERATOR = 1n;
const MEMBER = 2n;
const PEER = 3n;

const banning =
  (userId: bigint, deleteMessageSeconds = 0) =>
  (guild: Guild, changes: Changes) =>
    putBan(
      guild,
      create(PutBanRequestSchema, { userId, deleteMessageSeconds, user: userNumbered(userId) }),
      changes,
    );
const pardoning = (userId: bigint) => (guild: Guild, changes: Changes) =>
  deleteBan(guild, create(DeleteBanRequestSchema, { userId }), changes);

function stage() {
  const world = new GuildWorld();
  const role = world.role(Permission.BAN_MEMBERS);
  world.member(MODERATOR, [role]);
  world.member(MEMBER);
  world.member(PEER, [role]);
  return world;
}

describe('putBan', () => {
  it('tells moderators of the ban, and everybody that the member is gone', () => {
    const world = stage();
    const { changes } = world.do(MODERATOR, banning(MEMBER), { reason: 'spam' });
    const data = { guild_id: String(world.guild.id), user: { id: '2', username: 'user2' } };
    expect(changes.events).toMatchObject([
      { type: 'GUILD_BAN_ADD', data, onlyUserIds: [OWNER_ID, MODERATOR, PEER] },
      { type: 'GUILD_MEMBER_REMOVE', data },
    ]);
    expect(changes.errands.map(({ topicId, action }) => [topicId, action.case])).toEqual([
      [MEMBER, 'guildLeft'],
    ]);
    expect(world.events(MODERATOR, banning(MEMBER))).toEqual([]);
    expect(world.restored().bans.get(MEMBER)).toMatchObject({ reason: 'spam' });
  });

  it('bans who is no member', () => {
    const world = stage();
    expect(world.events(MODERATOR, banning(77n)).map(({ type }) => type)).toEqual([
      'GUILD_BAN_ADD',
    ]);
    const nobody = create(PutBanRequestSchema, { userId: 78n });
    expect(world.codeOf(MODERATOR, (guild, changes) => putBan(guild, nobody, changes))).toBe(10013);
  });

  it.each<[string, number, bigint, bigint, number]>([
    ['without permission', 50013, MEMBER, PEER, 0],
    ['of a peer', 50013, MODERATOR, PEER, 0],
    ['of the owner', 50013, MODERATOR, OWNER_ID, 0],
    ['of itself', 50013, MODERATOR, MODERATOR, 0],
    ['that deletes more than a week', 50035, MODERATOR, MEMBER, 604_801],
    ['by a stranger', 50001, 9n, MEMBER, 0],
  ])('refuses a ban %s (%i)', (_, code, actorId, userId, seconds) => {
    expect(stage().codeOf(actorId, banning(userId, seconds))).toBe(code);
  });
});

describe('deleteBan', () => {
  it('pardons once', () => {
    const world = stage();
    world.do(MODERATOR, banning(MEMBER));
    expect(world.codeOf(OWNER_ID, pardoning(MODERATOR))).toBe(10026);
    expect(world.events(MODERATOR, pardoning(MEMBER))).toMatchObject([
      { type: 'GUILD_BAN_REMOVE' },
    ]);
    expect(world.codeOf(MODERATOR, pardoning(MEMBER))).toBe(10026);
    expect(world.restored().bans.size).toBe(0);
  });
});

describe('getBan and listBans', () => {
  it('show bans to moderators, by pages', () => {
    const world = stage();
    for (const id of [40n, 20n, 30n, 10n]) world.do(MODERATOR, banning(id), { reason: `r${id}` });
    const asker = world.asker(MODERATOR);
    const get = (userId: bigint, who = asker) =>
      getBan(world.guild, create(GetBanRequestSchema, { userId }), who);
    expect(get(20n)).toMatchObject({ reason: 'r20', user: { id: '20' } });
    expect(refusalOf(() => get(21n))).toBe(10026);
    expect(refusalOf(() => get(20n, world.asker(MEMBER)))).toBe(50013);
    const page = (init: { limit?: number; before?: bigint; after?: bigint }) =>
      listBans(world.guild, create(ListBansRequestSchema, init), asker).map(
        (ban) => (ban as { user: { id: string } }).user.id,
      );
    expect(page({})).toEqual(['10', '20', '30', '40']);
    expect(page({ limit: 2, after: 10n })).toEqual(['20', '30']);
    expect(page({ limit: 2, before: 40n })).toEqual(['20', '30']);
  });
});
