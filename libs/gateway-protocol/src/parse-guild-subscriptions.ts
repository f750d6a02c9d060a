import type {
  ChannelSubscription,
  GuildSubscription,
  GuildSubscriptionsPayload,
} from './client-payloads.js';
import type { Fields } from './fields.js';
import { fields, isFields, snowflake, snowflakeOrNull } from './fields.js';
import {
  SUBSCRIBED_CHANNELS_MAX,
  SUBSCRIBED_RANGE_ROWS_MAX,
  SUBSCRIBED_RANGES_MAX,
} from './limits.js';
import { Opcode } from './opcodes.js';

/** Op 14: one guild, named inside. Throws `Refusal`. */
export function parseGuildSubscription(said: Fields): GuildSubscriptionsPayload {
  return {
    op: Opcode.GuildSubscriptions,
    subscriptions: [subscription(snowflake(said['guild_id'], 'guild_id'), said)],
  };
}

/** Op 37: many guilds, named by their keys. Throws `Refusal`. */
export function parseGuildSubscriptionsBulk(said: Fields): GuildSubscriptionsPayload {
  const guilds = fields(said['subscriptions'], 'subscriptions');
  return {
    op: Opcode.GuildSubscriptionsBulk,
    subscriptions: Object.keys(guilds).map((key) =>
      subscription(snowflake(key, 'subscriptions'), fields(guilds[key], 'subscription')),
    ),
  };
}

/**
 * This protocol was never published and its clients differ, so only the guild must be right: of the
 * rest, what is not understood is not there.
 */
function subscription(guildId: string, said: Fields): GuildSubscription {
  return {
    guildId,
    typing: boolean(said['typing']),
    threads: boolean(said['threads']),
    activities: boolean(said['activities']),
    memberUpdates: boolean(said['member_updates']),
    memberIds: ids(said['members']),
    channels: isFields(said['channels']) ? channels(said['channels']) : undefined,
    threadMemberListIds: ids(said['thread_member_lists']),
  };
}

function boolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function ids(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const known = value.map(snowflakeOrNull).filter((id) => id !== null);
  return [...new Set(known)];
}

function channels(said: Fields): readonly ChannelSubscription[] {
  const subscriptions: ChannelSubscription[] = [];
  for (const key of Object.keys(said).slice(0, SUBSCRIBED_CHANNELS_MAX)) {
    const channelId = snowflakeOrNull(key);
    const ranges = said[key];
    if (channelId === null || !Array.isArray(ranges)) continue;
    subscriptions.push({
      channelId,
      ranges: ranges.filter(isRange).slice(0, SUBSCRIBED_RANGES_MAX),
    });
  }
  return subscriptions;
}

function isRange(value: unknown): value is readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [first, last] = value as readonly unknown[];
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) return false;
  const rows = (last as number) - (first as number) + 1;
  return (first as number) >= 0 && rows >= 1 && rows <= SUBSCRIBED_RANGE_ROWS_MAX;
}
