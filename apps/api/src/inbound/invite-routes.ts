// Invites. A code spells its guild, so it goes straight to the guild's owner.
import { Guilds, inviteTopic, refuse } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import { boolean, integer, object, withDefault } from '../domain/validation.js';
import { json } from './answer.js';
import { route, type Route } from './route.js';

const AGE_S_MAX = 604_800;
const AGE_S_DEFAULT = 86_400;
const USES_MAX = 100;

const createInviteBody = object({
  max_age: withDefault(integer({ min: 0, max: AGE_S_MAX }), AGE_S_DEFAULT),
  max_uses: withDefault(integer({ min: 0, max: USES_MAX }), 0),
  temporary: withDefault(boolean(), false),
  unique: withDefault(boolean(), false),
});

/** The routes of `/invites/{code}` and of the invites of guilds and channels. */
export function inviteRoutes(): Route[] {
  return [
    route({
      method: 'GET',
      path: '/guilds/:guild_id/invites',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.listInvites, params.guild_id, {
          command: query_(params.guild_id),
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/channels/:channel_id/invites',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.listInvites, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'POST',
      path: '/channels/:channel_id/invites',
      who: 'users',
      body: createInviteBody,
      async answer({ params, body, command, owner }) {
        const reply = await owner(Guilds.method.createInvite, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          maxAgeSeconds: body.max_age,
          maxUses: body.max_uses,
          temporary: body.temporary,
          unique: body.unique,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/invites/:code',
      // Whoever has the code may look where it leads, before there is an account even.
      who: 'anyone',
      query: object({ with_counts: withDefault(boolean(), false) }),
      async answer({ params, query, query_, owner }) {
        const guildId = guildOf(params.code);
        const reply = await owner(Guilds.method.getInvite, guildId, {
          command: query_(guildId),
          code: params.code,
          withCounts: query.with_counts,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'POST',
      path: '/invites/:code',
      who: 'people',
      async answer({ params, user, command, owner }) {
        const guildId = guildOf(params.code);
        const reply = await owner(Guilds.method.acceptInvite, guildId, {
          command: command(guildId),
          code: params.code,
          user,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'DELETE',
      path: '/invites/:code',
      who: 'users',
      async answer({ params, command, owner }) {
        const guildId = guildOf(params.code);
        const reply = await owner(Guilds.method.deleteInvite, guildId, {
          command: command(guildId),
          code: params.code,
        });
        return json(reply.json);
      },
    }),
  ];
}

function guildOf(code: string): Snowflake {
  const guildId = inviteTopic(code);
  if (guildId === undefined) throw refuse('UnknownInvite');
  return guildId;
}
