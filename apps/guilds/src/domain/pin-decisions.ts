/** Pins: a message is kept at hand, and no longer. */
import { refuse, type PinRequest } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import { isoTimeOrNull } from './iso-time.js';
import type { CachedMessage } from './message-cache.js';
import { announce, createSystemMessage } from './message-decisions.js';
import { referencedBy } from './message-draft.js';
import { Place, type MessageTopic } from './message-place.js';
import { isWritten, messageDocument, MessageType } from './message.js';

/** The most pins of a channel; of late it is 250 at Discord, and was 50. */
export const PINS_MAX = 250;

const PINNING = Permission.PIN_MESSAGES | Permission.MANAGE_MESSAGES;

/**
 * Pins a message, and says so in the channel. The message must have been loaded, and how many pins
 * the channel has.
 */
export function putPin(topic: MessageTopic, request: PinRequest, changes: Changes): void {
  const place = pinningPlace(topic, request, changes);
  const entry = place.message(request.messageId);
  const { message } = entry;
  if (!isWritten(message)) throw refuse('OnSystemMessage');
  if (message.pinnedAtMs !== 0) return;
  const { pinCounts } = place.messages;
  const count = pinCounts.get(place.channelId);
  if (count === undefined) throw new Fault(FaultCode.Unavailable, 'the pins were let go');
  if (count >= PINS_MAX) throw tooManyPins();

  pinCounts.set(place.channelId, count + 1);
  // Later than the pin before, so that their order is known.
  const atMs = Math.max(changes.nowMs, place.lastPinTimestampMs + 1);
  place.notePin(atMs, changes);
  setPinned(place, entry, atMs, changes);
  const author = place.user(changes.actorId);
  if (author === undefined) return;
  createSystemMessage(
    topic,
    {
      channelId: place.channelId,
      type: MessageType.PinnedMessage,
      author,
      reference: { messageId: message.id, channelId: place.channelId },
    },
    changes,
  );
}

/** Unpins a message; nothing is done if it is not pinned. */
export function deletePin(topic: MessageTopic, request: PinRequest, changes: Changes): void {
  const place = pinningPlace(topic, request, changes);
  const entry = place.message(request.messageId);
  if (entry.message.pinnedAtMs === 0) return;
  const { pinCounts } = place.messages;
  const count = pinCounts.get(place.channelId);
  if (count !== undefined) pinCounts.set(place.channelId, count - 1);
  setPinned(place, entry, 0, changes);
}

function pinningPlace(topic: MessageTopic, request: PinRequest, changes: Changes): Place {
  const place = new Place(topic, request.channelId, changes.actorId, changes.nowMs);
  if (!place.mayRead) throw refuse('MissingAccess');
  place.require(PINNING);
  return place;
}

function setPinned(place: Place, entry: CachedMessage, atMs: number, changes: Changes): void {
  const message = { ...entry.message, pinnedAtMs: atMs };
  place.messages.put({ ...entry, message });
  changes.put('messages', [message.channelId, message.id], messageDocument(message));
  const referenced = referencedBy(place, message);
  announce('MESSAGE_UPDATE', place, message, { referenced }, changes);
  changes.event({
    type: 'CHANNEL_PINS_UPDATE',
    channelId: place.audienceChannelId,
    data: { ...place.where, last_pin_timestamp: isoTimeOrNull(place.lastPinTimestampMs) },
  });
}

function tooManyPins(): Fault {
  return Fault.refused({
    discordCode: 30003,
    httpStatus: 400,
    message: `Maximum number of pins reached for the channel (${PINS_MAX})`,
  });
}
