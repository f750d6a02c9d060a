// Where sessions connect, and how many a bot may start.
import { Topics } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import type { Ports } from '../domain/ports.js';
import { json } from './answer.js';
import { route, type Ask, type Route } from './route.js';

const GUILDS_PER_SHARD = 1000;
const PAGE = 200;
/** A bot of 100,000 guilds: its owner sets the number of shards. */
const PAGES_MAX = 500;

/** `/gateway` and `/gateway/bot`. */
export function gatewayRoutes({ accounts, gatewayUrl, maxConcurrency }: Ports): Route[] {
  return [
    route({
      method: 'GET',
      path: '/gateway',
      who: 'anyone',
      answer: async () => json({ url: gatewayUrl }),
    }),
    route({
      method: 'GET',
      path: '/gateway/bot',
      who: 'bots',
      async answer(ask) {
        const [guildsCount, starts] = await Promise.all([
          countGuilds(ask),
          accounts.sessionStarts(ask.user.id),
        ]);
        return json({
          url: gatewayUrl,
          shards: Math.max(1, Math.ceil(guildsCount / GUILDS_PER_SHARD)),
          session_start_limit: {
            total: starts.total,
            remaining: starts.remaining,
            reset_after: Math.ceil(starts.resetAfterMs),
            max_concurrency: maxConcurrency,
          },
        });
      },
    }),
  ];
}

async function countGuilds({
  user,
  owner,
  query_,
}: Ask<unknown, unknown, unknown>): Promise<number> {
  let count = 0;
  let after: Snowflake = 0n;
  for (let page = 0; page < PAGES_MAX; page++) {
    const command = query_(user.id);
    const request = { command, limit: PAGE, after };
    const { guildIds } = await owner(Topics.method.listUserGuilds, user.id, request);
    count += guildIds.length;
    if (guildIds.length < PAGE) break;
    after = guildIds.reduce((highest, id) => (id > highest ? id : highest), after);
  }
  return count;
}
