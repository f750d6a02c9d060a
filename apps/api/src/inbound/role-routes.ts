// Roles.
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Guilds, type RoleFieldsSchema } from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import type { Snowflake } from '@guildhall/snowflake';
import { IMAGE_BODY_BYTES_MAX, imageData } from '../domain/image.js';
import { patch } from '../domain/patch.js';
import type { Ports } from '../domain/ports.js';
import {
  boolean,
  integer,
  list,
  nullable,
  object,
  optional,
  permissionBits,
  snowflake,
  string,
  type Checked,
} from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { requireInGuild, type Asker } from './guild-membership.js';
import { route, type Route } from './route.js';

const color = () => integer({ min: 0, max: 0xffffff });

const roleBody = object({
  name: optional(nullable(string({ max: 100 }))),
  permissions: optional(nullable(permissionBits())),
  color: optional(nullable(color())),
  colors: optional(
    nullable(
      object({
        primary_color: optional(nullable(color())),
        secondary_color: optional(nullable(color())),
        tertiary_color: optional(nullable(color())),
      }),
    ),
  ),
  hoist: optional(nullable(boolean())),
  mentionable: optional(nullable(boolean())),
  icon: optional(nullable(imageData())),
  unicode_emoji: optional(nullable(string({ max: 64 }))),
});

const moveRolesBody = list(
  object({
    id: snowflake(),
    position: optional(nullable(integer({ min: 0, max: 2 ** 31 - 1 }))),
  }),
  { min: 1 },
);

/** The routes of `/guilds/{guild}/roles`. */
export function roleRoutes({ files }: Ports): Route[] {
  return [
    route({
      method: 'GET',
      path: '/guilds/:guild_id/roles',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.listRoles, params.guild_id, {
          command: query_(params.guild_id),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/guilds/:guild_id/roles/:role_id',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.getRole, params.guild_id, {
          command: query_(params.guild_id),
          roleId: params.role_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'POST',
      path: '/guilds/:guild_id/roles',
      who: 'users',
      body: roleBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      async answer(ask) {
        const { params, body, command, owner } = ask;
        const reply = await owner(Guilds.method.createRole, params.guild_id, {
          command: command(params.guild_id),
          fields: await roleFields(ask, params.guild_id, body),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'PATCH',
      path: '/guilds/:guild_id/roles',
      who: 'users',
      body: moveRolesBody,
      async answer({ params, body, command, owner }) {
        const reply = await owner(Guilds.method.moveRoles, params.guild_id, {
          command: command(params.guild_id),
          positions: body.map((move) => ({
            roleId: move.id,
            ...patch('position', move.position ?? undefined, 0),
          })),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'PATCH',
      path: '/guilds/:guild_id/roles/:role_id',
      who: 'users',
      body: roleBody,
      bodyBytesMax: IMAGE_BODY_BYTES_MAX,
      async answer(ask) {
        const { params, body, command, owner } = ask;
        const reply = await owner(Guilds.method.modifyRole, params.guild_id, {
          command: command(params.guild_id),
          roleId: params.role_id,
          fields: await roleFields(ask, params.guild_id, body),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'DELETE',
      path: '/guilds/:guild_id/roles/:role_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Guilds.method.deleteRole, params.guild_id, {
          command: command(params.guild_id),
          roleId: params.role_id,
        });
        return DONE;
      },
    }),
  ];

  /** `colors` wins over `color`, which is its first part under an old name. */
  async function roleFields(
    asker: Asker,
    guildId: Snowflake,
    body: Checked<typeof roleBody>,
  ): Promise<MessageInitShape<typeof RoleFieldsSchema>> {
    // The owner judges this again; but nobody fills the disk with what is refused then.
    if (body.icon) await requireInGuild(asker, guildId, Permission.MANAGE_ROLES);
    const icon = body.icon ? await files.putImage('role-icons', guildId, body.icon) : body.icon;
    const { colors } = body;
    return {
      ...patch('name', body.name, ''),
      ...patch('permissions', body.permissions ?? undefined, 0n),
      ...patch('color', colors?.primary_color === undefined ? body.color : colors.primary_color, 0),
      // Colors come as a whole: one that is not named ends.
      ...(colors && {
        secondaryColor: colors.secondary_color ?? 0,
        tertiaryColor: colors.tertiary_color ?? 0,
      }),
      ...patch('hoist', body.hoist, false),
      ...patch('mentionable', body.mentionable, false),
      ...patch('icon', icon, ''),
      ...patch('unicodeEmoji', body.unicode_emoji, ''),
    };
  }
}
