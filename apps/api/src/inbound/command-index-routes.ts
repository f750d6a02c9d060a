// The commands that a person's client offers after a slash.
import { Interactions, type ListApplicationsReply } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import type { Ports } from '../domain/ports.js';
import { publicUser } from '../domain/user-json.js';
import {
  integer,
  object,
  optionalOrNull,
  snowflake,
  string,
  withDefault,
} from '../domain/validation.js';
import { json } from './answer.js';
import { commandJson } from './command-routes.js';
import { inBatches } from './in-batches.js';
import { route, type Route } from './route.js';

const AT_ONCE = 4;
/** Bots whose commands are listed; a guild has few with any. */
const BOTS_MAX = 100;

type Bot = ListApplicationsReply['bots'][number];

const searchQuery = object({
  type: optionalOrNull(integer({ min: 1, max: 3 })),
  query: withDefault(string({ max: 100 }), ''),
  limit: withDefault(integer({ min: 1, max: 25 }), 25),
  application_id: optionalOrNull(snowflake()),
});

/** Which commands there are, in a guild or a channel. */
export function commandIndexRoutes(ports: Ports): Route[] {
  return [
    route({
      method: 'GET',
      path: '/guilds/:guild_id/application-command-index',
      who: 'people',
      async answer({ params, query_, owner }) {
        const guildId = params.guild_id;
        const found = await owner(Interactions.method.listApplications, guildId, {
          command: query_(guildId),
        });
        return json(await indexOf(ports, found));
      },
    }),
    route({
      method: 'GET',
      path: '/channels/:channel_id/application-command-index',
      who: 'people',
      async answer({ params, query_, owner }) {
        const found = await owner(Interactions.method.listApplications, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
        });
        return json(await indexOf(ports, found));
      },
    }),
    route({
      method: 'GET',
      path: '/channels/:channel_id/application-commands/search',
      who: 'people',
      query: searchQuery,
      async answer({ params, query, query_, owner }) {
        const found = await owner(Interactions.method.listApplications, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
        });
        const { applications, application_commands: all } = await indexOf(ports, found);
        const wanted = query.query.toLowerCase();
        const commands = all.filter(
          ({ name, type, application_id: applicationId }) =>
            name.toLowerCase().startsWith(wanted) &&
            (query.type === undefined || query.type === type) &&
            (query.application_id === undefined || String(query.application_id) === applicationId),
        );
        return json({ applications, application_commands: commands.slice(0, query.limit) });
      },
    }),
  ];
}

type Command = ReturnType<typeof commandJson>;

interface Index {
  readonly applications: object[];
  readonly application_commands: Command[];
}

async function indexOf(ports: Ports, found: ListApplicationsReply): Promise<Index> {
  const bots = found.bots.slice(0, BOTS_MAX);
  const parts = await inBatches(bots, AT_ONCE, (bot) => commandsOf(ports, bot, found.guildId));
  const withCommands = parts.filter(({ commands }) => commands.length > 0);
  return {
    applications: withCommands.map(({ application }) => application),
    application_commands: withCommands.flatMap(({ commands }) => commands),
  };
}

async function commandsOf(
  { applications, commands }: Ports,
  bot: Bot,
  guildId: Snowflake,
): Promise<{ application: object; commands: Command[] }> {
  const [application, everywhere, here] = await Promise.all([
    applications.byId(bot.id),
    commands.list(bot.id, 0n),
    guildId === 0n ? [] : commands.list(bot.id, guildId),
  ]);
  return {
    application: {
      id: String(bot.id),
      name: application?.name ?? bot.username,
      description: application?.description ?? '',
      icon: application?.icon || null,
      flags: application?.flags ?? 0,
      bot: publicUser(bot),
    },
    commands: [...here, ...everywhere].map(commandJson),
  };
}
