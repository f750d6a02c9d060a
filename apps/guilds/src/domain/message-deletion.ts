/** Messages as they are deleted: one, many, all that somebody wrote. */
import { refuse, type DeleteMessagesRequest } from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { timestampOf } from '@guildhall/snowflake';
import type { Changes } from './changes.js';
import type { CachedMessage } from './message-cache.js';
import { mentionsAnybody } from './message-mentions.js';
import { Place, type MessageTopic } from './message-place.js';
import { emojiKey } from './reactions.js';

/** Older messages are deleted one by one only. */
const BULK_DELETE_MAX_AGE_MS = 14 * 24 * 60 * 60 * 1_000;
const BULK_DELETE_MAX = 100;

/**
 * One message, or, in bulk, those of many that are there. `loaded` is as they were read: many
 * messages with many reactions may be more than the topic keeps.
 */
export function deleteMessages(
  topic: MessageTopic,
  request: DeleteMessagesRequest,
  loaded: readonly CachedMessage[],
  changes: Changes,
): void {
  const place = new Place(topic, request.channelId, changes.actorId, changes.nowMs);
  if (!place.mayRead) throw refuse('MissingAccess');
  const ids = [...new Set(request.messageIds)];
  if (!request.bulk) {
    const entry = place.message(ids[0] ?? 0n);
    if (entry.message.author.id !== changes.actorId) place.require(Permission.MANAGE_MESSAGES);
    eraseMessages(place, [entry], changes);
    return;
  }
  if (place.guild === undefined) throw refuse('NotOnPrivateChannel');
  place.require(Permission.MANAGE_MESSAGES);
  if (ids.length < 2 || ids.length > BULK_DELETE_MAX) throw refuse('BulkDeleteCount');
  const oldestMs = changes.nowMs - BULK_DELETE_MAX_AGE_MS;
  if (ids.some((id) => timestampOf(id) < oldestMs)) throw refuse('BulkDeleteTooOld');
  eraseMessages(place, stillThere(place, loaded), changes, true);
}

/**
 * What somebody wrote in a channel goes, whoever asks for it: when it is banned. `loaded` is as it
 * was read; what the topic knows better counts, and what is gone by now is left out.
 */
export function deleteLoadedMessages(
  topic: MessageTopic,
  channelId: bigint,
  loaded: readonly CachedMessage[],
  changes: Changes,
): void {
  const place = new Place(topic, channelId, 0n, changes.nowMs);
  const there = stillThere(place, loaded);
  for (let from = 0; from < there.length; from += BULK_DELETE_MAX) {
    eraseMessages(place, there.slice(from, from + BULK_DELETE_MAX), changes, true);
  }
}

/**
 * Messages as the topic knows them now, or else as they were read. A message that was changed and
 * forgotten between the read and now is deleted all the same.
 */
function stillThere(place: Place, loaded: readonly CachedMessage[]): CachedMessage[] {
  const { channelId, messages } = place;
  const there = new Map<bigint, CachedMessage>();
  for (const entry of loaded) {
    const { id } = entry.message;
    if (messages.isAbsent(channelId, id)) continue;
    there.set(id, messages.get(channelId, id) ?? entry);
  }
  return [...there.values()];
}

/** Deletes messages that are there and tells of it. Whether the actor may is for the caller. */
export function eraseMessages(
  place: Place,
  entries: readonly CachedMessage[],
  changes: Changes,
  isBulk = false,
): void {
  for (const { message, reactions } of entries) {
    const { id, channelId } = message;
    place.messages.delete(channelId, id);
    changes.delete('messages', [channelId, id]);
    for (const { emoji, users } of reactions.all()) {
      for (const userId of users.keys()) {
        changes.delete('reactions', [id, emojiKey(emoji), userId]);
      }
    }
    if (place.guild === undefined || mentionsAnybody(message)) {
      place.mentions.delete(channelId, id);
      changes.delete('mentions', [channelId, id]);
    }
    // Clients know by themselves that a deleted message is pinned no more: no event, as documented.
    const pins = place.messages.pinCounts.get(channelId);
    if (message.pinnedAtMs !== 0 && pins !== undefined) {
      place.messages.pinCounts.set(channelId, pins - 1);
    }
  }
  if (entries.length === 0) return;
  const ids = entries.map(({ message }) => String(message.id));
  changes.event({
    type: isBulk ? 'MESSAGE_DELETE_BULK' : 'MESSAGE_DELETE',
    channelId: place.audienceChannelId,
    data: { ...(isBulk ? { ids } : { id: ids[0] }), ...place.where },
  });
}
