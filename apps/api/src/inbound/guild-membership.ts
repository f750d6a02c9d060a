// What whoever asks may do in a guild, for what is done here before its owner is asked, or without
// asking it at all. Whatever an owner does it judges by itself.
import { refuse, Topics } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import type { Ask } from './route.js';

/** Of a request, what it takes to ask on its behalf. */
export type Asker = Pick<Ask<unknown, unknown, unknown>, 'owner' | 'query_'>;

/**
 * Refuses who is not in the guild (50001) or does not have all of these permissions there (50013).
 */
export async function requireInGuild(
  { owner, query_ }: Asker,
  guildId: Snowflake,
  needed: bigint,
): Promise<void> {
  const reply = await owner(Topics.method.getUserGuild, guildId, { command: query_(guildId) });
  if (needed === 0n) return;
  const { permissions = '0' } = JSON.parse(Buffer.from(reply.json).toString()) as {
    permissions?: string;
  };
  if ((BigInt(permissions) & needed) !== needed) throw refuse('MissingPermissions');
}
