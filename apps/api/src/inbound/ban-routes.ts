// Bans.
import { Guilds, refuse } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import type { Snowflake } from '@guildhall/snowflake';
import type { Ports } from '../domain/ports.js';
import {
  anchorOf,
  integer,
  list,
  object,
  optionalOrNull,
  snowflake,
  withDefault,
  type Checked,
} from '../domain/validation.js';
import { DONE, json, type Answer } from './answer.js';
import { requireInGuild } from './guild-membership.js';
import { route, type Ask, type Route } from './route.js';

const DELETE_S_MAX = 604_800;
const DAY_S = 86_400;
const BULK_BANS_MAX = 200;

const deleteSeconds = () => optionalOrNull(integer({ min: 0, max: DELETE_S_MAX }));

const bulkBanBody = object({
  user_ids: list(snowflake(), { min: 1, max: BULK_BANS_MAX }),
  delete_message_seconds: deleteSeconds(),
});

/** The routes of `/guilds/{guild}/bans`, and `/bulk-ban`. */
export function banRoutes({ accounts }: Ports): Route[] {
  return [
    route({
      method: 'GET',
      path: '/guilds/:guild_id/bans',
      who: 'users',
      query: object({
        limit: withDefault(integer({ min: 1, max: 1000 }), 1000),
        before: optionalOrNull(snowflake()),
        after: optionalOrNull(snowflake()),
      }),
      async answer({ params, query, query_, owner }) {
        const reply = await owner(Guilds.method.listBans, params.guild_id, {
          command: query_(params.guild_id),
          limit: query.limit,
          before: anchorOf(query.before),
          after: anchorOf(query.after),
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
      body: bulkBanBody,
      answer: (ask) => banMany(ask, accounts),
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

type BulkBanAsk = Ask<{ readonly guild_id: Snowflake }, undefined, Checked<typeof bulkBanBody>>;

/**
 * Each is judged by itself, one after the other since they are for one owner. Whoever asks is
 * passed over without a word, as by Discord; who is banned already counts as failed.
 */
async function banMany(ask: BulkBanAsk, accounts: Ports['accounts']): Promise<Answer> {
  const guildId = ask.params.guild_id;
  await requireInGuild(ask, guildId, Permission.BAN_MEMBERS | Permission.MANAGE_GUILD);
  const banned: string[] = [];
  const failed: string[] = [];
  for (const userId of new Set(ask.body.user_ids)) {
    if (userId === ask.user.id) continue;
    const isBanned = await banOne(ask, accounts, userId);
    (isBanned ? banned : failed).push(String(userId));
  }
  if (banned.length === 0 && failed.length > 0) throw refuse('BulkBanFailed');
  return json({ banned_users: banned, failed_users: failed });
}

/** Whether the user was not banned and is now. */
async function banOne(
  ask: BulkBanAsk,
  accounts: Ports['accounts'],
  userId: Snowflake,
): Promise<boolean> {
  const { params, body, command, query_, owner } = ask;
  const guildId = params.guild_id;
  const user = await accounts.userById(userId);
  if (user === undefined) return false;
  const getBan = { command: query_(guildId), userId };
  if (!(await isRefused(owner(Guilds.method.getBan, guildId, getBan)))) return false;
  const putBan = {
    command: command(guildId),
    userId,
    user,
    deleteMessageSeconds: body.delete_message_seconds ?? 0,
  };
  return !(await isRefused(owner(Guilds.method.putBan, guildId, putBan)));
}

/** Whether the rules said no. Whatever else went wrong is thrown. */
async function isRefused(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return false;
  } catch (reason) {
    if (Fault.from(reason).code === FaultCode.Refused) return true;
    throw reason;
  }
}
