import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  CommandSchema,
  GetMemberRequestSchema,
  ListMembersRequestSchema,
  QueryMembersRequestSchema,
  SearchMembersRequestSchema,
} from '@guildhall/contracts';
import { GuildWorld, OWNER_ID, refusalOf, userNumbered } from './guild-world.conformance.js';
import { getMember, listMembers, queryMembers, searchMembers } from './member-queries.js';

type Query = MessageInitShape<typeof QueryMembersRequestSchema>;
type MemberJson = { user: { id: string } };

const idsIn = (members: object[]) =>
  members.map((member) => Number((member as MemberJson).user.id));
const parsed = (bytes: Uint8Array | undefined) =>
  JSON.parse(new TextDecoder().decode(bytes)) as MemberJson[];

/** Members 1 to `count`, and the owner. */
function stage(count: number) {
  const world = new GuildWorld();
  for (let id = 1n; id <= count; id++) world.member(id);
  const query = (init: Query, actorId = OWNER_ID) => {
    const reply = queryMembers(
      world.guild,
      create(QueryMembersRequestSchema, { ...init, command: create(CommandSchema, { actorId }) }),
    );
    return { ...reply, ids: idsIn(parsed(reply.membersJson)) };
  };
  return { world, guild: world.guild, query };
}

describe('getMember, listMembers and searchMembers', () => {
  it('find members for members', () => {
    const { world, guild } = stage(3);
    const asker = world.asker(1n);
    const get = (userId: bigint, who = asker) =>
      getMember(guild, create(GetMemberRequestSchema, { userId }), who);
    expect(get(2n)).toMatchObject({ user: { id: '2' }, nick: null, roles: [], deaf: false });
    expect(refusalOf(() => get(99n))).toBe(10007);
    expect(refusalOf(() => get(2n, world.asker(99n)))).toBe(50001);
    const list = (limit: number, after = 0n) =>
      idsIn(listMembers(guild, create(ListMembersRequestSchema, { limit, after }), asker));
    expect(list(2)).toEqual([1, 2]);
    expect(list(1_000, 2n)).toEqual([3, Number(OWNER_ID)]);
    expect(list(2, OWNER_ID)).toEqual([]);
    expect(refusalOf(() => list(1_001))).toBe(50035);
    const search = (query: string, limit = 10) =>
      idsIn(searchMembers(guild, create(SearchMembersRequestSchema, { query, limit }), asker));
    world.member(5n, [], { nick: 'Zoe' });
    world.member(6n, [], { user: userNumbered(6n, { globalName: 'ZOLTAN' }) });
    expect(search('zo')).toEqual([5, 6]);
    expect(search('USER')).toEqual([1, 2, 3, 5, 6]);
    expect(search('user', 2)).toEqual([1, 2]);
    expect(search('ser')).toEqual([]);
  });
});

describe('queryMembers', () => {
  it('gives everybody, a thousand at a time', () => {
    const { query } = stage(2_099);
    const first = query({ query: '' });
    expect(first).toMatchObject({ membersCount: 2_099, nextAfter: 1_000n, notFound: [] });
    const second = query({ query: '', after: 1_000n });
    const third = query({ query: '', after: second.nextAfter! });
    // The owner is number 1000.
    expect([first, second, third].flatMap(({ ids }) => ids)).toEqual(
      Array.from({ length: 2_099 }, (_, at) => at + 1),
    );
    expect(third.nextAfter).toBe(0n);
  });

  it('gives those asked for, and says who is not there', () => {
    const { query, guild } = stage(5);
    guild.presences.set(2n, { user: { id: '2' }, status: 'dnd' });
    const reply = query({ userIds: [4n, 2n, 77n, 2n], presences: true });
    expect(reply).toMatchObject({ ids: [2, 4], notFound: [77n], membersCount: 2, nextAfter: 0n });
    expect(parsed(reply.presencesJson)).toEqual([{ user: { id: '2' }, status: 'dnd' }]);
    expect(parsed(query({ userIds: [2n] }).presencesJson)).toEqual([]);
  });

  it('gives at most 100 by name', () => {
    const { query } = stage(150);
    expect(query({ query: 'user', limit: 0 }).ids).toHaveLength(100);
    expect(query({ query: 'user', limit: 1_000 }).ids).toHaveLength(100);
    expect(query({ query: 'user', limit: 3 }).ids).toEqual([1, 2, 3]);
    expect(query({ query: '', limit: 2 })).toMatchObject({ ids: [1, 2], membersCount: 2 });
  });

  it('is for members', () => {
    const { query } = stage(1);
    expect(refusalOf(() => query({ query: '' }, 99n))).toBe(50001);
  });
});
