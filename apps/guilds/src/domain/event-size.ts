import type { TopicEvent } from '@guildhall/contracts';

/** Routing fields and the tags of all fields, amply. */
const ENVELOPE_BYTES = 256;
const ID_BYTES = 8;

/**
 * About how many bytes an event takes, encoded or in memory; never much less. Most are small; one
 * that changes who sees what carries a list of channels for each audience, and may have megabytes.
 */
export function eventSize({ data, mentionedUserIds, onlyUserIds, visibility }: TopicEvent): number {
  const idsCount = mentionedUserIds.length + onlyUserIds.length;
  let bytes = ENVELOPE_BYTES + data.length + idsCount * ID_BYTES;
  if (visibility === undefined) return bytes;
  for (const { channelIds } of visibility.audiences) bytes += (channelIds.length + 2) * ID_BYTES;
  for (const { json } of visibility.channels) bytes += json.length + 2 * ID_BYTES;
  const { moves, removedUserIds } = visibility;
  return bytes + moves.length * 3 * ID_BYTES + removedUserIds.length * ID_BYTES;
}

/** The first of some events that fit into so many bytes together, but one at least. */
export function fitting(events: TopicEvent[], bytesMax: number): TopicEvent[] {
  let bytes = 0;
  for (const [at, event] of events.entries()) {
    bytes += eventSize(event);
    if (at > 0 && bytes > bytesMax) return events.slice(0, at);
  }
  return events;
}
