// What guilds and channels of this fleet have none of, and clients ask for all the same: emojis,
// stickers, webhooks, threads and the like. The answer is Discord's for "none", for whoever Discord
// would answer.
import { Guilds } from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { json } from './answer.js';
import { requireInGuild } from './guild-membership.js';
import { route, type Route } from './route.js';

const { MANAGE_GUILD, MANAGE_WEBHOOKS, VIEW_AUDIT_LOG } = Permission;

const NO_THREADS = { threads: [], members: [] };
const NO_AUDIT_LOG = {
  application_commands: [],
  audit_log_entries: [],
  auto_moderation_rules: [],
  guild_scheduled_events: [],
  integrations: [],
  threads: [],
  users: [],
  webhooks: [],
};
const REGIONS = [{ id: 'local', name: 'Local', optimal: true, deprecated: false, custom: false }];

/** Under `/guilds/{guild}`: the part, the answer, and the permission it takes besides being in. */
const OF_GUILDS: readonly (readonly [path: string, answer: object, needed: bigint])[] = [
  ['emojis', [], 0n],
  ['stickers', [], 0n],
  ['scheduled-events', [], 0n],
  ['soundboard-sounds', { items: [] }, 0n],
  ['threads/active', NO_THREADS, 0n],
  ['regions', REGIONS, 0n],
  ['integrations', [], MANAGE_GUILD],
  ['templates', [], MANAGE_GUILD],
  ['auto-moderation/rules', [], MANAGE_GUILD],
  ['widget', { enabled: false, channel_id: null }, MANAGE_GUILD],
  ['vanity-url', { code: null, uses: 0 }, MANAGE_GUILD],
  ['webhooks', [], MANAGE_WEBHOOKS],
  ['audit-logs', NO_AUDIT_LOG, VIEW_AUDIT_LOG],
];

/** Under `/channels/{channel}`, for who may see it. */
const OF_CHANNELS: readonly (readonly [path: string, answer: object])[] = [
  ['webhooks', []],
  ['threads/archived/public', { ...NO_THREADS, has_more: false }],
  ['threads/archived/private', { ...NO_THREADS, has_more: false }],
  ['users/@me/threads/archived/private', { ...NO_THREADS, has_more: false }],
];

/** The routes that always answer the same. */
export function emptyRoutes(): Route[] {
  return [
    ...OF_GUILDS.map(([path, answer, needed]) =>
      route({
        method: 'GET',
        path: `/guilds/:guild_id/${path}` as '/guilds/:guild_id/emojis',
        who: 'users',
        async answer(ask) {
          await requireInGuild(ask, ask.params.guild_id, needed);
          return json(answer);
        },
      }),
    ),
    ...OF_CHANNELS.map(([path, answer]) =>
      route({
        method: 'GET',
        path: `/channels/:channel_id/${path}` as '/channels/:channel_id/webhooks',
        who: 'users',
        async answer({ params, query_, owner }) {
          const request = { command: query_(), channelId: params.channel_id };
          await owner(Guilds.method.getChannel, params.channel_id, request);
          return json(answer);
        },
      }),
    ),
    route({
      method: 'GET',
      path: '/voice/regions',
      who: 'users',
      answer: async () => json(REGIONS),
    }),
  ];
}
