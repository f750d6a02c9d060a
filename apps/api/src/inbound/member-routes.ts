// Members of guilds: reading, changing, removing. Joining is by invite, or for bots by OAuth2.
import { Guilds, refuse } from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { mayListMembers } from '../domain/application-flags.js';
import { patch } from '../domain/patch.js';
import {
  boolean,
  integer,
  list,
  nullable,
  object,
  optional,
  snowflake,
  string,
  timestamp,
  withDefault,
  type Checked,
} from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { requireInGuild } from './guild-membership.js';
import { route, type Ask, type Route } from './route.js';

const nick = () => optional(nullable(string({ max: 32, trim: true })));

const modifyMemberBody = object({
  nick: nick(),
  roles: optional(nullable(list(snowflake(), { max: 250 }))),
  mute: optional(nullable(boolean())),
  deaf: optional(nullable(boolean())),
  channel_id: optional(nullable(snowflake())),
  communication_disabled_until: optional(nullable(timestamp())),
  flags: optional(nullable(integer({ min: 0, max: 2 ** 31 - 1 }))),
});

const nickBody = object({ nick: nick() });

/** The routes of `/guilds/{guild}/members`. */
export function memberRoutes(): Route[] {
  return [
    route({
      method: 'GET',
      path: '/guilds/:guild_id/members',
      who: 'users',
      query: object({
        limit: withDefault(integer({ min: 1, max: 1000 }), 1),
        after: withDefault(snowflake(), 0n),
      }),
      async answer({ params, query, identity, query_, owner }) {
        if (identity.user.bot && !mayListMembers(identity.applicationFlags)) {
          throw refuse('MissingAccess');
        }
        const reply = await owner(Guilds.method.listMembers, params.guild_id, {
          command: query_(params.guild_id),
          ...query,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/guilds/:guild_id/members/search',
      who: 'users',
      query: object({
        // Not empty: that would list everybody, which takes a privilege.
        query: string({ min: 1, max: 100 }),
        limit: withDefault(integer({ min: 1, max: 1000 }), 1),
      }),
      async answer({ params, query, query_, owner }) {
        const reply = await owner(Guilds.method.searchMembers, params.guild_id, {
          command: query_(params.guild_id),
          ...query,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/guilds/:guild_id/members/:user_id',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.getMember, params.guild_id, {
          command: query_(params.guild_id),
          userId: params.user_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'PATCH',
      path: '/guilds/:guild_id/members/@me',
      who: 'users',
      body: nickBody,
      answer: async (ask) => json(await changeOwnNick(ask)),
    }),
    route({
      // Deprecated; answers with the nick alone.
      method: 'PATCH',
      path: '/guilds/:guild_id/members/@me/nick',
      who: 'users',
      body: nickBody,
      async answer(ask) {
        const member = Buffer.from(await changeOwnNick(ask)).toString();
        const { nick = null } = JSON.parse(member) as { nick?: string | null };
        return json({ nick });
      },
    }),
    route({
      // For bots that hold an OAuth2 token of the user, with `guilds.join`. Nobody here has one.
      method: 'PUT',
      path: '/guilds/:guild_id/members/:user_id',
      who: 'bots',
      body: object({ access_token: string({ min: 1, max: 2048 }) }),
      async answer(ask) {
        await requireInGuild(ask, ask.params.guild_id, Permission.CREATE_INSTANT_INVITE);
        throw refuse('InvalidAccessToken');
      },
    }),
    route({
      method: 'PATCH',
      path: '/guilds/:guild_id/members/:user_id',
      who: 'users',
      body: modifyMemberBody,
      async answer({ params, body, command, owner }) {
        const until = body.communication_disabled_until;
        const reply = await owner(Guilds.method.modifyMember, params.guild_id, {
          command: command(params.guild_id),
          userId: params.user_id,
          ...patch('nick', body.nick, ''),
          ...(body.roles === undefined ? {} : { roles: { ids: body.roles ?? [] } }),
          ...patch('mute', body.mute, false),
          ...patch('deaf', body.deaf, false),
          ...patch('channelId', body.channel_id, 0n),
          ...patch(
            'communicationDisabledUntilMs',
            typeof until === 'number' ? BigInt(Math.max(0, until)) : until,
            0n,
          ),
          ...patch('flags', body.flags, 0),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'DELETE',
      path: '/guilds/:guild_id/members/:user_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Guilds.method.removeMember, params.guild_id, {
          command: command(params.guild_id),
          userId: params.user_id,
        });
        return DONE;
      },
    }),
    route({
      method: 'PUT',
      path: '/guilds/:guild_id/members/:user_id/roles/:role_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Guilds.method.putMemberRole, params.guild_id, {
          command: command(params.guild_id),
          userId: params.user_id,
          roleId: params.role_id,
        });
        return DONE;
      },
    }),
    route({
      method: 'DELETE',
      path: '/guilds/:guild_id/members/:user_id/roles/:role_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Guilds.method.deleteMemberRole, params.guild_id, {
          command: command(params.guild_id),
          userId: params.user_id,
          roleId: params.role_id,
        });
        return DONE;
      },
    }),
  ];
}

async function changeOwnNick(
  ask: Ask<{ readonly guild_id: bigint }, undefined, Checked<typeof nickBody>>,
): Promise<Uint8Array> {
  const reply = await ask.owner(Guilds.method.modifyMember, ask.params.guild_id, {
    command: ask.command(ask.params.guild_id),
    userId: ask.user.id,
    ...patch('nick', ask.body.nick, ''),
  });
  return reply.json;
}
