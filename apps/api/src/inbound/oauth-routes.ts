// How a person lets a bot into a guild. Nothing else of OAuth2 exists here.
import { Guilds, refuse, Topics } from '@guildhall/contracts';
import type { Ports } from '../domain/ports.js';
import { applicationJson, publicUser } from '../domain/user-json.js';
import {
  boolean,
  object,
  optionalOrNull,
  permissionBits,
  snowflake,
  string,
  withDefault,
} from '../domain/validation.js';
import { json } from './answer.js';
import { inBatches } from './in-batches.js';
import { route, type Route } from './route.js';

const GUILDS_LISTED_MAX = 200;
const GUILDS_AT_ONCE = 16;

const query = object({
  client_id: snowflake(),
  scope: withDefault(string({ max: 200 }), 'bot'),
  permissions: optionalOrNull(permissionBits()),
  guild_id: optionalOrNull(snowflake()),
  redirect_uri: optionalOrNull(string({ max: 2048 })),
});

/** The routes of `/oauth2/authorize`. */
export function oauthRoutes({ accounts, applications, publicUrl }: Ports): Route[] {
  return [
    route({
      method: 'GET',
      path: '/oauth2/authorize',
      who: 'people',
      query,
      async answer({ query: asked, user, query_, owner }) {
        const found = await applications.byId(asked.client_id);
        if (found === undefined) throw refuse('UnknownApplication');
        const bot = await accounts.userById(found.id);
        const { guildIds } = await owner(Topics.method.listUserGuilds, user.id, {
          command: query_(user.id),
          limit: GUILDS_LISTED_MAX,
        });
        const guilds = await inBatches(guildIds, GUILDS_AT_ONCE, async (guildId) => {
          const command = query_(guildId);
          const reply = await owner(Topics.method.getUserGuild, guildId, { command });
          return JSON.parse(Buffer.from(reply.json).toString()) as object;
        });
        return json({
          authorized: false,
          application: applicationJson(found, bot, undefined),
          user: publicUser(user),
          ...(bot === undefined ? {} : { bot: publicUser(bot) }),
          guilds,
          scopes: asked.scope.split(/[ +]/),
          permissions: String(asked.permissions ?? 0n),
        });
      },
    }),
    route({
      method: 'POST',
      path: '/oauth2/authorize',
      who: 'people',
      query,
      body: object({
        authorize: withDefault(boolean(), false),
        guild_id: optionalOrNull(snowflake()),
        permissions: optionalOrNull(permissionBits()),
      }),
      async answer({ query: asked, body, user, command, owner }) {
        const found = await applications.byId(asked.client_id);
        const bot = found === undefined ? undefined : await accounts.userById(found.id);
        if (found === undefined || bot === undefined) throw refuse('UnknownApplication');
        if (!found.isBotPublic && found.ownerId !== user.id) throw refuse('MissingAccess');
        const guildId = body.guild_id ?? asked.guild_id;
        const back = asked.redirect_uri ?? `${publicUrl}/oauth2/authorized`;
        if (!body.authorize) return json({ location: `${back}?error=access_denied` });
        if (guildId === undefined) throw refuse('UnknownGuild');
        await owner(Guilds.method.addMember, guildId, {
          command: command(guildId),
          user: bot,
          botPermissions: body.permissions ?? asked.permissions ?? 0n,
          applicationId: found.id,
        });
        return json({ location: `${back}?guild_id=${guildId}` });
      },
    }),
  ];
}
