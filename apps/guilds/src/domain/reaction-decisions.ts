/** Reactions: given, taken back, cleared. */
import { refuse, type ClearReactionsRequest, type ReactionRequest } from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import { memberJson } from './member-json.js';
import type { CachedMessage } from './message-cache.js';
import { Place, type MessageTopic } from './message-place.js';
import { emojiJson, emojiKey, reactionDocument, type Emoji } from './reactions.js';

/** How many different emoji a message can have. */
export const EMOJI_MAX = 20;

/** The actor reacts. A new emoji takes ADD_REACTIONS; joining one that is there does not. */
export function putReaction(topic: MessageTopic, request: ReactionRequest, changes: Changes): void {
  const place = reactingPlace(topic, request.channelId, changes);
  place.requireNoTimeout();
  const entry = place.message(request.messageId);
  const emoji = emojiOf(request);
  const { message, reactions } = entry;
  const userId = changes.actorId;
  if (reactions.has(emoji, userId)) return;
  // A custom emoji may have been renamed since: it stays what it was called first.
  const known = reactions.of(emoji)?.emoji;
  if (known === undefined) {
    if (!place.may(Permission.ADD_REACTIONS)) throw refuse('MissingPermissions');
    if (reactions.emojiCount >= EMOJI_MAX) throw refuse('MaxReactions');
  }
  const shown = known ?? emoji;

  const atMs = reactions.nextAtMs(changes.nowMs);
  place.messages.addReaction(entry, shown, userId, atMs);
  changes.put(
    'reactions',
    [message.id, emojiKey(shown), userId],
    reactionDocument(shown, atMs, place.user(userId)),
  );
  const { actor } = place;
  changes.event({
    type: 'MESSAGE_REACTION_ADD',
    channelId: place.audienceChannelId,
    data: {
      user_id: String(userId),
      ...whereOf(place, message.id),
      ...(actor === undefined ? {} : { member: memberJson(actor) }),
      emoji: emojiJson(shown),
      message_author_id: String(message.author.id),
      burst: false,
      burst_colors: [],
      type: 0,
    },
  });
}

/** A reaction goes: the actor's own, or, for who may manage messages, another's. */
export function deleteReaction(
  topic: MessageTopic,
  request: ReactionRequest,
  changes: Changes,
): void {
  const place = reactingPlace(topic, request.channelId, changes);
  const { userId } = request;
  if (userId !== changes.actorId) place.require(Permission.MANAGE_MESSAGES);
  const entry = place.message(request.messageId);
  const emoji = entry.reactions.of(emojiOf(request))?.emoji;
  if (emoji === undefined || !entry.reactions.has(emoji, userId)) return;

  place.messages.removeReaction(entry, emoji, userId);
  changes.delete('reactions', [entry.message.id, emojiKey(emoji), userId]);
  changes.event({
    type: 'MESSAGE_REACTION_REMOVE',
    channelId: place.audienceChannelId,
    data: {
      user_id: String(userId),
      ...whereOf(place, entry.message.id),
      emoji: emojiJson(emoji),
      burst: false,
      type: 0,
    },
  });
}

/** All reactions of a message go, or all with one emoji. */
export function clearReactions(
  topic: MessageTopic,
  request: ClearReactionsRequest,
  changes: Changes,
): void {
  const place = reactingPlace(topic, request.channelId, changes);
  place.require(Permission.MANAGE_MESSAGES);
  const entry = place.message(request.messageId);
  const { reactions } = entry;
  const where = whereOf(place, entry.message.id);
  if (request.emoji === undefined) {
    const all = [...reactions.all()].map(({ emoji }) => emoji);
    if (all.length === 0) return;
    for (const emoji of all) clear(place, entry, emoji, changes);
    changes.event({
      type: 'MESSAGE_REACTION_REMOVE_ALL',
      channelId: place.audienceChannelId,
      data: where,
    });
    return;
  }
  const emoji = reactions.of(emojiOf(request))?.emoji;
  if (emoji === undefined) return;
  clear(place, entry, emoji, changes);
  changes.event({
    type: 'MESSAGE_REACTION_REMOVE_EMOJI',
    channelId: place.audienceChannelId,
    data: { ...where, emoji: emojiJson(emoji) },
  });
}

/** The emoji a request is about. */
export function emojiOf(request: { readonly emoji?: Emoji | undefined }): Emoji {
  const { id = 0n, name = '' } = request.emoji ?? {};
  if (id === 0n && name === '') throw refuse('UnknownEmoji');
  return { id, name };
}

function clear(place: Place, entry: CachedMessage, emoji: Emoji, changes: Changes): void {
  for (const userId of [...(entry.reactions.of(emoji)?.users.keys() ?? [])]) {
    place.messages.removeReaction(entry, emoji, userId);
    changes.delete('reactions', [entry.message.id, emojiKey(emoji), userId]);
  }
}

function reactingPlace(topic: MessageTopic, channelId: bigint, changes: Changes): Place {
  const place = new Place(topic, channelId, changes.actorId, changes.nowMs);
  if (!place.mayRead) throw refuse('MissingAccess');
  if (!place.mayReadHistory) throw refuse('MissingPermissions');
  return place;
}

const whereOf = (place: Place, messageId: bigint): object => ({
  message_id: String(messageId),
  ...place.where,
});
