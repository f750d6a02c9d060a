// How a person wants to be notified: of one guild, of its private channels, of several at once. It
// is kept by the owner of the user, which tells the topics that count mentions.
import { refuse, Topics } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import {
  allGuildSettingsBody,
  guildSettingsBody,
  PRIVATE_CHANNELS,
  settingsChange,
} from '../domain/guild-settings-body.js';
import { json, jsonArray } from './answer.js';
import { route, type Ask, type Route } from './route.js';

type AnyAsk = Ask<unknown, unknown, unknown>;
type Change = ReturnType<typeof settingsChange>;

/** The routes of user guild settings; for people only. */
export function guildSettingsRoutes(): Route[] {
  return [
    route({
      method: 'PATCH',
      path: '/users/@me/guilds/@me/settings',
      who: 'people',
      body: guildSettingsBody,
      async answer(ask) {
        const [settings] = await changed(ask, [settingsChange(PRIVATE_CHANNELS, ask.body)]);
        return json(settings!);
      },
    }),
    route({
      method: 'PATCH',
      path: '/users/@me/guilds/:guild_id/settings',
      who: 'people',
      body: guildSettingsBody,
      async answer(ask) {
        const change = settingsChange(guildOf(ask.params.guild_id), ask.body);
        const [settings] = await changed(ask, [change]);
        return json(settings!);
      },
    }),
    route({
      method: 'PATCH',
      path: '/users/@me/guilds/settings',
      who: 'people',
      body: allGuildSettingsBody,
      async answer(ask) {
        const changes = ask.body.guilds.map(([guildId, body]) =>
          settingsChange(guildId === undefined ? PRIVATE_CHANNELS : guildOf(guildId), body),
        );
        return jsonArray(await changed(ask, changes, true));
      },
    }),
  ];
}

/** No guild has the id that stands for private channels. */
function guildOf(guildId: Snowflake): Snowflake {
  if (guildId === PRIVATE_CHANNELS) throw refuse('UnknownGuild');
  return guildId;
}

async function changed(
  { user, command, owner }: Pick<AnyAsk, 'user' | 'command' | 'owner'>,
  changes: Change[],
  bulk = false,
): Promise<Uint8Array[]> {
  const reply = await owner(Topics.method.updateUserGuildSettings, user.id, {
    command: command(user.id),
    changes,
    bulk,
  });
  return reply.settingsJson;
}
