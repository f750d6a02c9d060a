import { create } from '@bufbuild/protobuf';
import {
  CreateRoleRequestSchema,
  DeleteRoleRequestSchema,
  GetRoleRequestSchema,
  ModifyRoleRequestSchema,
  MoveRolesRequestSchema,
  PutOverwriteRequestSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { GuildWorld, OWNER_ID, refusalOf } from './guild-world.conformance.js';
import { putOverwrite } from './overwrite-decisions.js';
import {
  createRole,
  deleteRole,
  getRole,
  listRoles,
  modifyRole,
  moveRoles,
} from './role-decisions.js';
import type { Role } from './role.js';

const { MANAGE_ROLES, KICK_MEMBERS, BAN_MEMBERS, VIEW_CHANNEL, ADMINISTRATOR } = Permission;
const MANAGER = 1n;

/** low (1) < middle (2, of the manager) < high (3). */
function ordered() {
  const world = new GuildWorld();
  const low = world.role(0n, { position: 1, name: 'low' });
  const middle = world.role(MANAGE_ROLES | KICK_MEMBERS, { position: 2, name: 'middle' });
  const high = world.role(0n, { position: 3, name: 'high' });
  world.member(MANAGER, [middle]);
  world.member(2n);
  return { world, low, middle, high };
}

type Fields = Parameters<typeof create<typeof CreateRoleRequestSchema>>[1];

const createBy = (actorId: bigint, init: Fields = {}) =>
  [
    actorId,
    (guild: Guild, changes: Changes) =>
      createRole(guild, create(CreateRoleRequestSchema, init), changes),
  ] as const;
type Guild = Parameters<typeof createRole>[0];
type Changes = Parameters<typeof createRole>[2];

describe('createRole', () => {
  it('makes one with @everyone’s permissions just above it', () => {
    const { world } = ordered();
    const [event, ...rest] = world.events(...createBy(OWNER_ID));
    expect(rest).toEqual([]);
    expect(event).toMatchObject({
      type: 'GUILD_ROLE_CREATE',
      data: {
        guild_id: String(world.guild.id),
        role: { name: 'new role', position: 1, managed: false, colors: { primary_color: 0 } },
      },
    });
    const { permissions } = (event!.data as { role: { permissions: string } }).role;
    expect(permissions).toBe(String(world.guild.role(world.guild.id)!.permissions));
    expect(event!.visibility).toBeUndefined();
  });

  it.each<[string, number | undefined, bigint, Fields]>([
    ['what it has itself', undefined, MANAGER, { fields: { permissions: KICK_MEMBERS } }],
    ['more than it has', 50013, MANAGER, { fields: { permissions: BAN_MEMBERS } }],
    ['ADMINISTRATOR', 50013, MANAGER, { fields: { permissions: ADMINISTRATOR } }],
    ['anything without MANAGE_ROLES', 50013, 2n, {}],
    ['anything as a stranger', 50001, 9n, {}],
    ['a name too long', 50035, OWNER_ID, { fields: { name: 'x'.repeat(101) } }],
    ['a color there is not', 50035, OWNER_ID, { fields: { color: 0x1_00_00_00 } }],
  ])('grants %s (%p)', (_, code, actorId, init) => {
    const { world } = ordered();
    expect(world.codeOf(...createBy(actorId, init))).toBe(code);
  });

  it('stops at 250, @everyone among them', () => {
    const { world } = ordered();
    while (world.guild.roles.size < 250) world.role(0n);
    expect(world.codeOf(...createBy(OWNER_ID))).toBe(30005);
  });
});

describe('modifyRole', () => {
  const modify = (roleId: bigint, fields: object) => (guild: Guild, changes: Changes) =>
    modifyRole(guild, create(ModifyRoleRequestSchema, { roleId, fields }), changes);

  it('tells what changed, with who sees what because of it', () => {
    const { world, low } = ordered();
    world.member(3n, [low]);
    const everyone = world.guild.id;
    world.do(OWNER_ID, modify(everyone, { permissions: 0n }));
    const [event] = world.events(
      OWNER_ID,
      modify(low.id, { permissions: VIEW_CHANNEL, name: 'x' }),
    );
    expect(event).toMatchObject({ type: 'GUILD_ROLE_UPDATE', data: { role: { name: 'x' } } });
    expect(event!.visibility!.audiences).toHaveLength(1);
    expect(event!.visibility!.channels).toHaveLength(4);
    const same = modify(low.id, { permissions: VIEW_CHANNEL });
    expect(world.events(OWNER_ID, same)).toEqual([]);
    // Nobody sees anything else for this:
    const kick = world.events(
      OWNER_ID,
      modify(low.id, { permissions: VIEW_CHANNEL | KICK_MEMBERS }),
    );
    expect(kick[0]!.visibility).toBeUndefined();
  });

  it('goes by the order of roles and by what the actor has', () => {
    const { world, low, middle, high } = ordered();
    const code = (role: Role, fields: object) => world.codeOf(MANAGER, modify(role.id, fields));
    expect(code(low, { name: 'x', permissions: KICK_MEMBERS })).toBeUndefined();
    expect(code(low, { permissions: BAN_MEMBERS })).toBe(50013);
    expect(code(middle, { name: 'x' })).toBe(50013);
    expect(code(high, { name: 'x' })).toBe(50013);
    expect(world.codeOf(2n, modify(low.id, {}))).toBe(50013);
    expect(world.codeOf(MANAGER, modify(99n, {}))).toBe(10011);
  });

  it('leaves a permission that the actor has not where it is, and may take it', () => {
    const { world, low } = ordered();
    world.do(OWNER_ID, modify(low.id, { permissions: BAN_MEMBERS }));
    const keep = modify(low.id, { permissions: BAN_MEMBERS | KICK_MEMBERS });
    expect(world.codeOf(MANAGER, keep)).toBeUndefined();
    expect(world.codeOf(MANAGER, modify(low.id, { permissions: 0n }))).toBeUndefined();
    expect(world.codeOf(MANAGER, modify(low.id, { permissions: BAN_MEMBERS }))).toBe(50013);
  });

  it('changes nothing of @everyone but its permissions', () => {
    const { world } = ordered();
    const id = world.guild.id;
    world.do(OWNER_ID, modify(id, { name: 'all', hoist: true, permissions: 5n }));
    expect(world.guild.role(id)).toMatchObject({
      name: '@everyone',
      hoist: false,
      permissions: 5n,
    });
  });
});

describe('moveRoles', () => {
  const move =
    (...positions: [Role | bigint, number][]) =>
    (guild: Guild, changes: Changes) =>
      moveRoles(
        guild,
        create(MoveRolesRequestSchema, {
          positions: positions.map(([role, position]) => ({
            roleId: typeof role === 'bigint' ? role : role.id,
            position,
          })),
        }),
        changes,
      );

  it('moves some, and tells each that moved', () => {
    const { world, low, high } = ordered();
    const { answer, changes } = world.do(OWNER_ID, move([low, 3], [high, 1]));
    expect(changes.events.map(({ type }) => type)).toEqual([
      'GUILD_ROLE_UPDATE',
      'GUILD_ROLE_UPDATE',
    ]);
    expect(answer.map((role) => (role as { name: string }).name)).toEqual([
      '@everyone',
      'high',
      'middle',
      'low',
    ]);
  });

  it.each<
    [string, number | undefined, (roles: ReturnType<typeof ordered>) => [Role | bigint, number][]]
  >([
    ['below its own', undefined, ({ low }) => [[low, 1]]],
    ['past its own', 50013, ({ low }) => [[low, 3]]],
    ['one that is above', 50013, ({ high }) => [[high, 1]]],
    ['its own', 50013, ({ middle }) => [[middle, 1]]],
    ['@everyone', 50028, ({ world }) => [[world.guild.id, 2]]],
    ['to below @everyone', 50035, ({ low }) => [[low, 0]]],
    [
      'all or none',
      50013,
      ({ low, high }) => [
        [low, 1],
        [high, 1],
      ],
    ],
  ])('by a manager: %s (%p)', (_, code, positions) => {
    const roles = ordered();
    expect(roles.world.codeOf(MANAGER, move(...positions(roles)))).toBe(code);
  });
});

describe('deleteRole', () => {
  const remove = (roleId: bigint) => (guild: Guild, changes: Changes) =>
    deleteRole(guild, create(DeleteRoleRequestSchema, { roleId }), changes);

  it('takes it from members and overwrites, without writing every member’s row', () => {
    const { world, low } = ordered();
    const { guild, textId } = world;
    world.member(3n, [low]);
    const overwrite = { id: low.id, type: 0, allow: 0n, deny: VIEW_CHANNEL };
    const put = create(PutOverwriteRequestSchema, { channelId: textId, overwrite });
    world.do(0n, (_, changes) => putOverwrite(guild, put, changes));
    expect(guild.mayView(textId, 3n)).toBe(false);

    const { changes } = world.do(MANAGER, remove(low.id));
    expect(changes.events.map(({ type }) => type)).toEqual(['GUILD_ROLE_DELETE', 'CHANNEL_UPDATE']);
    expect(changes.events[0]).toMatchObject({
      data: { guild_id: String(guild.id), role_id: String(low.id) },
    });
    expect(changes.events[0]!.visibility!.moves.map(({ userId }) => userId)).toEqual([3n]);
    expect(changes.rows.map(({ table }) => table)).toEqual(['roles', 'channels']);
    expect(guild.member(3n)!.roleIds).toEqual([]);
    expect(guild.channel(textId)!.overwrites).toEqual([]);
    expect(guild.mayView(textId, 3n)).toBe(true);
    expect(world.restored().member(3n)!.roleIds).toEqual([]);
  });

  it('refuses @everyone, the own roles of bots, and what stands higher', () => {
    const { world, high } = ordered();
    const managed = world.role(0n, { managed: true, botId: 5n });
    expect(world.codeOf(OWNER_ID, remove(world.guild.id))).toBe(50028);
    expect(world.codeOf(OWNER_ID, remove(managed.id))).toBe(50028);
    expect(world.codeOf(MANAGER, remove(high.id))).toBe(50013);
    expect(world.codeOf(OWNER_ID, remove(99n))).toBe(10011);
  });
});

describe('listRoles and getRole', () => {
  it('are for members', () => {
    const { world, low } = ordered();
    expect(listRoles(world.guild, world.asker(2n))).toHaveLength(4);
    expect(refusalOf(() => listRoles(world.guild, world.asker(9n)))).toBe(50001);
    const request = create(GetRoleRequestSchema, { roleId: low.id });
    expect(getRole(world.guild, request, world.asker(2n))).toMatchObject({ name: 'low' });
    const unknown = create(GetRoleRequestSchema, { roleId: 99n });
    expect(refusalOf(() => getRole(world.guild, unknown, world.asker(2n)))).toBe(10011);
  });
});
