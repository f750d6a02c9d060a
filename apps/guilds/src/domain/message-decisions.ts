/**
 * Messages as they are written, edited and crossposted; and typing. Deleting: message-deletion.ts.
 */
import {
  refuse,
  refuseField,
  type CreateMessageRequest,
  type EditMessageRequest,
  type GetMessageRequest,
  type StartTypingRequest,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import type { Changes } from './changes.js';
import { ChannelType } from './channel.js';
import { memberJson } from './member-json.js';
import { mentionDocument } from './mention-log.js';
import {
  draftOf,
  isEmpty,
  referencedBy,
  rewrites,
  rewritten,
  withEmbedsFlag,
} from './message-draft.js';
import { messageEventJson, messageJson, type MessageExtras } from './message-json.js';
import { mentionRecordOf, mentionsAnybody } from './message-mentions.js';
import { Place, type MessageTopic } from './message-place.js';
import { isWritten, messageDocument, MessageFlag, newMessage, type Message } from './message.js';
import { Reactions } from './reactions.js';
import { userOf } from './user-document.js';

/** The answer to a new message. */
export interface CreatedMessage {
  readonly json: object;
  readonly messageId: bigint;
}

/**
 * A new message. With `enforce_nonce`, one that was sent under the same nonce not long ago is
 * answered again instead. The message replied to must have been loaded, and in slow mode when the
 * author wrote last.
 */
export function createMessage(
  topic: MessageTopic,
  request: CreateMessageRequest,
  changes: Changes,
): CreatedMessage {
  const { channelId } = request;
  const place = new Place(topic, channelId, changes.actorId, changes.nowMs);
  if (!place.hasMessages) throw refuse('CannotSendInVoice');
  if (!place.mayRead) throw refuse('MissingAccess');
  if (!place.may(Permission.SEND_MESSAGES)) throw refuse('MissingPermissions');
  if (place.isAmongBots && changes.actorIsBot) throw refuse('CannotMessageUser');
  const referenced = referencedMessage(place, request);
  const earlier = messageOfNonce(place, request, changes);
  if (earlier !== undefined)
    return { json: created(place, earlier, request), messageId: earlier.id };
  requireSlowmodeOver(place, changes.nowMs);
  const author = place.user(changes.actorId) ?? userOf(request.author);
  const draft = draftOf(place, request, author, referenced);
  if (isEmpty(draft)) throw refuse('EmptyMessage');

  const message = { ...draft, id: changes.mint(place.lastMessageId) };
  const { nonce } = request;
  if (nonce !== '') {
    place.messages.nonces.note(channelId, changes.actorId, nonce, message.id, changes.nowMs);
  }
  if (place.slowmodeMs > 0) {
    place.messages.sendTimes.note(channelId, changes.actorId, changes.nowMs);
  }
  post(place, message, extrasOf(request, referenced), changes);
  return { json: created(place, message, request), messageId: message.id };
}

/**
 * A message that nobody wrote: somebody joined, or pinned a message. The topic must have the
 * channel.
 */
export function createSystemMessage(
  topic: MessageTopic,
  init: Pick<Message, 'channelId' | 'type' | 'author'> & Partial<Pick<Message, 'reference'>>,
  changes: Changes,
): void {
  const place = new Place(topic, init.channelId, 0n, changes.nowMs);
  post(place, newMessage({ ...init, id: changes.mint(place.lastMessageId) }), {}, changes);
}

/**
 * The author changes what it says; who may manage messages hides and shows its embeds. Mentions are
 * worked out again from the new content.
 */
export function editMessage(
  topic: MessageTopic,
  request: EditMessageRequest,
  changes: Changes,
): object {
  const place = new Place(topic, request.channelId, changes.actorId, changes.nowMs);
  if (!place.mayRead) throw refuse('MissingAccess');
  const entry = place.message(request.messageId);
  const before = entry.message;
  if (!isWritten(before)) throw refuse('OnSystemMessage');
  const isRewritten = rewrites(request);
  if (before.author.id !== changes.actorId) {
    if (isRewritten || request.flags === undefined) throw refuse('CannotEditOthersMessage');
    place.require(Permission.MANAGE_MESSAGES);
  }
  const after = {
    ...before,
    ...(isRewritten ? rewritten(place, before, request, changes.nowMs) : {}),
    flags: withEmbedsFlag(before.flags, request.flags),
  };
  if (isEmpty(after)) throw refuse('EmptyMessage');

  const referenced = referencedBy(place, after);
  if (isRewritten || after.flags !== before.flags) {
    place.messages.put({ ...entry, message: after });
    changes.put('messages', [after.channelId, after.id], messageDocument(after));
    if (isRewritten) recordMentions(place, after, mentionsAnybody(before), changes);
    announce('MESSAGE_UPDATE', place, after, { referenced }, changes);
  }
  const reactions = entry.reactions.json(changes.actorId);
  return messageJson(place, after, { referenced, reactions });
}

/** A message of an announcement channel is published. (Here nothing follows such a channel.) */
export function crosspostMessage(
  topic: MessageTopic,
  request: GetMessageRequest,
  changes: Changes,
): object {
  const place = new Place(topic, request.channelId, changes.actorId, changes.nowMs);
  if (place.channelType !== ChannelType.Announcement) throw refuse('WrongChannelType');
  if (!place.may(Permission.SEND_MESSAGES)) throw refuse('MissingPermissions');
  const entry = place.message(request.messageId);
  const { message } = entry;
  if (!isWritten(message)) throw refuse('OnSystemMessage');
  if (message.author.id !== changes.actorId) place.require(Permission.MANAGE_MESSAGES);
  if ((message.flags & MessageFlag.Crossposted) !== 0) throw refuse('AlreadyCrossposted');

  const after = { ...message, flags: message.flags | MessageFlag.Crossposted };
  const referenced = referencedBy(place, after);
  place.messages.put({ ...entry, message: after });
  changes.put('messages', [after.channelId, after.id], messageDocument(after));
  announce('MESSAGE_UPDATE', place, after, { referenced }, changes);
  return messageJson(place, after, {
    referenced,
    reactions: entry.reactions.json(changes.actorId),
  });
}

/** Tells who sees the channel that the actor is about to write. Nothing is kept of it. */
export function startTyping(
  topic: MessageTopic,
  request: StartTypingRequest,
  changes: Changes,
): void {
  const place = new Place(topic, request.channelId, changes.actorId, changes.nowMs);
  if (!place.hasMessages) throw refuse('CannotSendInVoice');
  if (!place.may(Permission.SEND_MESSAGES)) throw refuse('MissingPermissions');
  const { actor } = place;
  changes.whisper({
    type: 'TYPING_START',
    channelId: place.audienceChannelId,
    data: {
      ...place.where,
      user_id: String(changes.actorId),
      timestamp: Math.floor(changes.nowMs / 1_000),
      ...(actor === undefined ? {} : { member: memberJson(actor) }),
    },
  });
}

/** Publishes a message that is new or has changed. */
export function announce(
  type: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE',
  place: Place,
  message: Message,
  extras: MessageExtras,
  changes: Changes,
): void {
  changes.event({
    type,
    channelId: place.audienceChannelId,
    authorId: message.author.id,
    mentionedUserIds: message.mentions.map(({ id }) => id),
    hasContent: true,
    data: messageEventJson(place, message, extras),
  });
}

/** Keeps a new message and publishes it. */
export function post(
  place: Place,
  message: Message,
  extras: MessageExtras,
  changes: Changes,
): void {
  place.messages.put({ message, reactions: new Reactions() });
  changes.put('messages', [message.channelId, message.id], messageDocument(message));
  recordMentions(place, message, false, changes);
  place.noteMessage(message.id, changes);
  announce('MESSAGE_CREATE', place, message, extras, changes);
}

/** Brings the mention log up to date with a message that is new or has changed. */
export function recordMentions(
  place: Place,
  message: Message,
  wasRecorded: boolean,
  changes: Changes,
): void {
  const key = [message.channelId, message.id] as const;
  const record = mentionRecordOf(place, message);
  if (record !== undefined) {
    place.mentions.put(message.channelId, record);
    changes.put('mentions', key, mentionDocument(record));
  } else if (wasRecorded) {
    place.mentions.delete(...key);
    changes.delete('mentions', key);
  }
}

/** The message a new one replies to; undefined: it is no reply, or not any more. */
export function referencedMessage(
  place: Place,
  request: CreateMessageRequest,
): Message | undefined {
  const { referenceMessageId: id, referenceMustExist } = request;
  if (id === 0n) return undefined;
  if (!place.mayReadHistory) {
    throw Fault.refused({
      discordCode: 160002,
      httpStatus: 403,
      message: 'Cannot reply without permission to read message history',
    });
  }
  if (place.messages.isAbsent(place.channelId, id)) {
    if (!referenceMustExist) return undefined;
    throw refuseField(['message_reference'], 'REPLIES_UNKNOWN_MESSAGE', 'Unknown message');
  }
  const { message } = place.message(id);
  if (isWritten(message)) return message;
  const code = 'REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE';
  throw refuseField(['message_reference'], code, 'Cannot reply to a system message');
}

/** The message that was sent under this nonce, if that is to be enforced; not if it is deleted. */
function messageOfNonce(
  place: Place,
  request: CreateMessageRequest,
  changes: Changes,
): Message | undefined {
  const { nonce, enforceNonce, channelId } = request;
  if (nonce === '' || !enforceNonce) return undefined;
  const { nonces } = place.messages;
  const messageId = nonces.find(channelId, changes.actorId, nonce, changes.nowMs);
  if (messageId === undefined || place.messages.isAbsent(channelId, messageId)) return undefined;
  return place.message(messageId).message;
}

function requireSlowmodeOver(place: Place, nowMs: number): void {
  const { slowmodeMs } = place;
  if (slowmodeMs === 0) return;
  const lastMs = place.messages.sendTimes.get(place.channelId, place.actorId);
  if (lastMs === undefined) throw new Fault(FaultCode.Unavailable, 'the send times were let go');
  const leftMs = lastMs + slowmodeMs - nowMs;
  if (leftMs <= 0) return;
  throw refuse('SlowmodeRateLimit', JSON.stringify({ retry_after: leftMs / 1_000 }));
}

function created(place: Place, message: Message, request: CreateMessageRequest): object {
  return messageJson(place, message, extrasOf(request, referencedBy(place, message)));
}

function extrasOf(request: CreateMessageRequest, referenced: Message | undefined): MessageExtras {
  const { nonce, nonceIsNumber } = request;
  return { referenced, ...(nonce === '' ? {} : { nonce: nonceIsNumber ? Number(nonce) : nonce }) };
}
