// Bans.
import { Guilds, refuse } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import type { Ports } from '../domain/ports.js';
import {
  integer,
  list,
  object,
  optionalOrNull,
  snowflake,
  withDefault,
} from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { route, type Route } from './route.js';

const DELETE_S_MAX = 604_800;
const DAY_S = 86_400;
const BULK_BANS_MAX = 200;

const deleteSeconds = () => optionalOrNull(integer({ min: 0, max: DELETE_S_MAX }));

/** The routes of `/guilds/{guild}/bans`. */
export function banRoutes({ accounts }: Ports): Route[] {
  return [
    route({
      method: 'GET',
      path: '/guilds/:guild_id/bans',
      who: 'users',
      query: object({
        limit: withDefault(integer({ min: 1, max: 1000 }), 1000),
        before: withDefault(snowflake(), 0n),
        after: withDefault(snowflake(), 0n),
      }),
      async answer({ params, query, query_, owner }) {
        const reply = await owner(Guilds.method.listBans, params.guild_id, {
          command: query_(params.guild_id),
          ...query,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/guilds/:guild_id/bans/:user_id',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Guilds.method.getBan, params.guild_id, {
          command: query_(params.guild_id),
          userId: params.user_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'PUT',
      path: '/guilds/:guild_id/bans/:user_id',
      who: 'users',
      body: object({
        delete_message_seconds: deleteSeconds(),
        delete_message_days: optionalOrNull(integer({ min: 0, max: 7 })),
      }),
      async answer({ params, body, command, owner }) {
        const user = await accounts.userById(params.user_id);
        if (user === undefined) throw refuse('UnknownUser');
        await owner(Guilds.method.putBan, params.guild_id, {
          command: command(params.guild_id),
          userId: params.user_id,
          user,
          deleteMessageSeconds:
            body.delete_message_seconds ?? (body.delete_message_days ?? 0) * DAY_S,
        });
        return DONE;
      },
    }),
    route({
      method: 'POST',
      path: '/guilds/:guild_id/bulk-ban',
      who: 'users',
      body: object({
        user_ids: list(snowflake(), { min: 1, max: BULK_BANS_MAX }),
        delete_message_seconds: deleteSeconds(),
      }),
      async answer({ params, body, command, owner }) {
        const banned: string[] = [];
        const failed: string[] = [];
        // One after the other: they are for one owner, and each is judged by itself.
        for (const userId of new Set(body.user_ids)) {
          const user = await accounts.userById(userId);
          try {
            if (user === undefined) throw refuse('UnknownUser');
            await owner(Guilds.method.putBan, params.guild_id, {
              command: command(params.guild_id),
              userId,
              user,
              deleteMessageSeconds: body.delete_message_seconds ?? 0,
            });
            banned.push(String(userId));
          } catch (error) {
            if (Fault.from(error).code !== FaultCode.Refused) throw error;
            failed.push(String(userId));
          }
        }
        if (banned.length === 0) throw refuse('MissingPermissions');
        return json({ banned_users: banned, failed_users: failed });
      },
    }),
    route({
      method: 'DELETE',
      path: '/guilds/:guild_id/bans/:user_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Guilds.method.deleteBan, params.guild_id, {
          command: command(params.guild_id),
          userId: params.user_id,
        });
        return DONE;
      },
    }),
  ];
}
