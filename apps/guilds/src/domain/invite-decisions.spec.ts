import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AcceptInviteRequestSchema,
  CreateInviteRequestSchema,
  inviteTopic,
  InviteRequestSchema,
  ListInvitesRequestSchema,
  PutBanRequestSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { putBan } from './ban-decisions.js';
import type { Changes } from './changes.js';
import { GuildWorld, OWNER_ID, refusalOf, userNumbered } from './guild-world.conformance.js';
import type { Guild } from './guild.js';
import {
  acceptInvite,
  createInvite,
  deleteInvite,
  getInvite,
  listInvites,
} from './invite-decisions.js';
import type { User } from './user-document.js';

const MEMBER = 2n;
const MANAGER = 3n;
const GUEST = 50n;

type Init = MessageInitShape<typeof CreateInviteRequestSchema>;

const inviting = (init: Init) => (guild: Guild, changes: Changes) =>
  createInvite(guild, create(CreateInviteRequestSchema, init), changes);
const accepting = (code: string, user: User) => (guild: Guild, changes: Changes) =>
  acceptInvite(guild, create(AcceptInviteRequestSchema, { code, user }), changes);
const ending = (code: string) => (guild: Guild, changes: Changes) =>
  deleteInvite(guild, create(InviteRequestSchema, { code }), changes);

function stage() {
  const world = new GuildWorld();
  world.member(MEMBER);
  world.member(MANAGER, [world.role(Permission.MANAGE_CHANNELS)]);
  const invite = (init: Init = {}, actorId = OWNER_ID): string => {
    const random = () => Number(world.mint() % 1_000n) / 1_000;
    const decide = inviting({ channelId: world.textId, ...init });
    return (world.do(actorId, decide, { random }).answer as { code: string }).code;
  };
  return { world, guild: world.guild, invite };
}

describe('createInvite', () => {
  it('makes a code that names the guild, and tells only who may manage the channel', () => {
    const { world, guild } = stage();
    const decide = inviting({ channelId: world.textId, maxAgeSeconds: 60, maxUses: 2 });
    const { answer, changes } = world.do(MEMBER, decide);
    expect(answer).toMatchObject({
      guild: { id: String(guild.id), name: 'The guild' },
      channel: { id: String(world.textId), name: 'general', type: 0 },
      inviter: { id: '2' },
      expires_at: '2026-11-24T03:01:00.000000+00:00',
      uses: 0,
      max_uses: 2,
      max_age: 60,
    });
    const { code } = answer as { code: string };
    expect(inviteTopic(code)).toBe(guild.id);
    expect(changes.events).toMatchObject([
      {
        type: 'INVITE_CREATE',
        channelId: world.textId,
        onlyUserIds: [OWNER_ID, MANAGER],
        data: {
          code,
          guild_id: String(guild.id),
          channel_id: String(world.textId),
          temporary: false,
        },
      },
    ]);
    expect(world.restored().invites).toEqual(guild.invites);
  });

  it('finds the one there is, unless it must be new or was another’s', () => {
    const { world, invite } = stage();
    const first = invite({ maxAgeSeconds: 60 });
    expect(invite({ maxAgeSeconds: 60 })).toBe(first);
    expect(invite({ maxAgeSeconds: 61 })).not.toBe(first);
    expect(invite({ maxAgeSeconds: 60, unique: true })).not.toBe(first);
    expect(invite({ maxAgeSeconds: 60 }, MEMBER)).not.toBe(first);
    world.nowMs += 60_000;
    expect(invite({ maxAgeSeconds: 60 })).not.toBe(first);
    // What has ended is gone with the next one made.
    expect(world.rows.get('invites')!.has(first)).toBe(false);
  });

  it.each<[string, number | undefined, bigint, Init]>([
    ['for a week', undefined, MEMBER, { maxAgeSeconds: 604_800 }],
    ['for longer', 50035, MEMBER, { maxAgeSeconds: 604_801 }],
    ['for more than 100', 50035, MEMBER, { maxUses: 101 }],
    ['to nothing', 10003, MEMBER, { channelId: 5n }],
    ['as a stranger', 50001, 99n, {}],
  ])('invites %s (%p)', (_, code, actorId, init) => {
    const { world } = stage();
    expect(world.codeOf(actorId, inviting({ channelId: world.textId, ...init }))).toBe(code);
  });

  it('needs CREATE_INSTANT_INVITE, and a channel to land in', () => {
    const { world, guild } = stage();
    const category = [...guild.channels.values()].find(({ type }) => type === 4)!;
    expect(world.codeOf(OWNER_ID, inviting({ channelId: category.id }))).toBe(50024);
    guild.putRole({ ...guild.role(guild.id)!, permissions: Permission.VIEW_CHANNEL });
    expect(world.codeOf(MEMBER, inviting({ channelId: world.textId }))).toBe(50013);
  });

  it('stops at 1000 that are good', () => {
    const { world, guild, invite } = stage();
    const [like] = [invite({ unique: true })].map((code) => guild.invites.get(code)!);
    while (guild.invites.size < 1_000)
      guild.putInvite({ ...like!, code: String(guild.invites.size) });
    const more = inviting({ channelId: world.textId, unique: true });
    expect(world.codeOf(OWNER_ID, more)).toBe(30016);
  });
});

describe('acceptInvite', () => {
  it('makes a member, tells its own topic, and counts the use', () => {
    const { world, guild, invite } = stage();
    const code = invite();
    const { answer, changes } = world.do(GUEST, accepting(code, userNumbered(GUEST)));
    expect(answer).toMatchObject({ code, new_member: true, approximate_member_count: 4 });
    expect(changes.events).toMatchObject([
      {
        type: 'GUILD_MEMBER_ADD',
        subjectUserId: GUEST,
        data: {
          guild_id: String(guild.id),
          user: { id: '50' },
          roles: [],
          joined_at: expect.any(String),
        },
      },
    ]);
    expect(changes.errands).toEqual([
      { topicId: GUEST, action: { case: 'guildJoined', value: { guildId: guild.id } } },
    ]);
    expect(guild.invites.get(code)!.uses).toBe(1);
    const { changes: again } = world.do(GUEST, accepting(code, userNumbered(GUEST)));
    expect([again.events, again.rows, again.errands]).toEqual([[], [], []]);
  });

  it('ends with the last use', () => {
    const { world, guild, invite } = stage();
    const code = invite({ maxUses: 1 });
    const events = world.events(GUEST, accepting(code, userNumbered(GUEST)));
    expect(events).toMatchObject([
      { type: 'GUILD_MEMBER_ADD' },
      { type: 'INVITE_DELETE', data: { code }, onlyUserIds: [OWNER_ID, MANAGER] },
    ]);
    expect(guild.invites.size).toBe(0);
    expect(world.codeOf(51n, accepting(code, userNumbered(51n)))).toBe(10006);
  });

  it('lets nobody in who is banned, a bot, somebody else, or late', () => {
    const { world, guild, invite } = stage();
    const code = invite({ maxAgeSeconds: 60 });
    const ban = create(PutBanRequestSchema, { userId: GUEST, user: userNumbered(GUEST) });
    world.do(OWNER_ID, (_, changes) => putBan(guild, ban, changes));
    expect(world.codeOf(GUEST, accepting(code, userNumbered(GUEST)))).toBe(40007);
    expect(world.codeOf(52n, accepting(code, userNumbered(52n, { bot: true })))).toBe(20001);
    expect(world.codeOf(52n, accepting(code, userNumbered(51n)))).toBe(10013);
    expect(world.codeOf(51n, accepting('nonsense', userNumbered(51n)))).toBe(10006);
    world.nowMs += 60_000;
    expect(world.codeOf(51n, accepting(code, userNumbered(51n)))).toBe(10006);
    expect(guild.members.size).toBe(3);
  });

  it('remembers who came for a visit only', () => {
    const { world, invite } = stage();
    world.do(GUEST, accepting(invite({ temporary: true }), userNumbered(GUEST)));
    expect(world.restored().member(GUEST)!.isTemporary).toBe(true);
  });
});

describe('getInvite, listInvites and deleteInvite', () => {
  it('show an invite to anybody, its uses to managers', () => {
    const { world, guild, invite } = stage();
    const code = invite();
    const get = (init: MessageInitShape<typeof InviteRequestSchema>) =>
      getInvite(guild, create(InviteRequestSchema, init), world.nowMs);
    expect(get({ code })).not.toHaveProperty('uses');
    expect(get({ code })).not.toHaveProperty('approximate_member_count');
    expect(get({ code, withCounts: true })).toMatchObject({ approximate_member_count: 3 });
    expect(refusalOf(() => get({ code: 'nonsense' }))).toBe(10006);
    const list = (actorId: bigint, channelId: bigint) => () =>
      listInvites(guild, create(ListInvitesRequestSchema, { channelId }), world.asker(actorId));
    expect(list(OWNER_ID, 0n)()).toMatchObject([{ code, uses: 0, max_uses: 0 }]);
    expect(list(MANAGER, world.textId)()).toHaveLength(1);
    expect(list(MANAGER, world.voiceId)()).toHaveLength(0);
    expect(refusalOf(list(MANAGER, 0n))).toBe(50013);
    expect(refusalOf(list(MEMBER, world.textId))).toBe(50013);
  });

  it('ends one by who may manage its channel', () => {
    const { world, invite } = stage();
    const code = invite();
    expect(world.codeOf(MEMBER, ending(code))).toBe(50013);
    expect(world.events(MANAGER, ending(code))).toMatchObject([{ type: 'INVITE_DELETE' }]);
    expect(world.codeOf(MANAGER, ending(code))).toBe(10006);
    expect(world.restored().invites.size).toBe(0);
  });
});
