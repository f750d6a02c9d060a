import type { Changes } from './changes.js';
import { channelDocument, sameOverwrites, type Channel } from './channel.js';
import { channelJson } from './channel-json.js';
import type { Guild } from './guild.js';

/**
 * Puts a changed channel in its place: in memory, in its row, and told as CHANNEL_UPDATE with what
 * it changes about who sees what. Does nothing if nothing is different.
 */
export function saveChannel(guild: Guild, channel: Channel, changes: Changes): void {
  const before = guild.channel(channel.id);
  if (before !== undefined && isSame(before, channel)) return;
  guild.putChannel(channel);
  changes.put('channels', [channel.id], channelDocument(channel));
  const visibility = guild.takeVisibility();
  changes.event({
    type: 'CHANNEL_UPDATE',
    data: channelJson(guild.id, channel),
    channelId: channel.id,
    ...(visibility === undefined ? {} : { visibility }),
  });
}

function isSame(a: Channel, b: Channel): boolean {
  const { overwrites: aOverwrites, ...aRest } = a;
  const { overwrites: bOverwrites, ...bRest } = b;
  const keys = Object.keys(aRest) as (keyof typeof aRest)[];
  return keys.every((key) => aRest[key] === bRest[key]) && sameOverwrites(aOverwrites, bOverwrites);
}
