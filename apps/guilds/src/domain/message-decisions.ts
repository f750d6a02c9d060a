/**
 * Messages as they are written, edited and crossposted; and typing. Deleting: message-deletion.ts.
 */
import {
  refuse,
  refuseField,
  type Attachment,
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
import { messageEventJson, messageJson, type MessageExtras } from './message-json.js';
import {
  mentionRecordOf,
  mentionsAnybody,
  resolveMentions,
  type MentionWishes,
} from './message-mentions.js';
import { Place, type MessageTopic } from './message-place.js';
import {
  isWritten,
  messageDocument,
  MessageFlag,
  MessageType,
  newMessage,
  type AttachmentJson,
  type Message,
} from './message.js';
import { Reactions } from './reactions.js';
import { userOf } from './user-document.js';

const SETTABLE_FLAGS = MessageFlag.SuppressEmbeds | MessageFlag.SuppressNotifications;

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
  const embeds = embedList(request.embedsJson);
  requireToAttach(place, embeds, request.attachments);
  const referenced = referencedMessage(place, request);
  const earlier = messageOfNonce(place, request, changes);
  if (earlier !== undefined)
    return { json: created(place, earlier, request), messageId: earlier.id };
  requireSlowmodeOver(place, changes.nowMs);
  const author = place.user(changes.actorId) ?? userOf(request.author);
  const draft: Omit<Message, 'id'> = {
    ...newMessage({ id: 0n, channelId, author }),
    type: referenced === undefined ? MessageType.Default : MessageType.Reply,
    content: request.content,
    tts: request.tts && place.may(Permission.SEND_TTS_MESSAGES),
    attachments: request.attachments.map(attachmentJson),
    embeds,
    components: jsonList(request.componentsJson),
    stickerIds: jsonList<string>(request.stickerIdsJson),
    flags: request.flags & SETTABLE_FLAGS,
    reference: referenced && { messageId: referenced.id, channelId },
    applicationId: request.applicationId,
    ...resolveMentions(place, {
      content: request.content,
      allowed: request.allowedMentions,
      repliedTo: referenced?.author,
    }),
  };
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
    ...(isRewritten ? rewritten(place, before, request, changes) : {}),
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

/** The message that a reply is to, if it is known and still there. */
export function referencedBy(place: Place, message: Message): Message | undefined {
  if (message.type !== MessageType.Reply || message.reference === undefined) return undefined;
  return place.messages.get(place.channelId, message.reference.messageId)?.message;
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

function post(place: Place, message: Message, extras: MessageExtras, changes: Changes): void {
  place.messages.put({ message, reactions: new Reactions() });
  changes.put('messages', [message.channelId, message.id], messageDocument(message));
  recordMentions(place, message, false, changes);
  place.noteMessage(message.id, changes);
  announce('MESSAGE_CREATE', place, message, extras, changes);
}

function recordMentions(
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

function requireToAttach(
  place: Place,
  embeds: readonly object[],
  attachments: readonly Attachment[],
): void {
  const needed =
    (embeds.length > 0 ? Permission.EMBED_LINKS : 0n) |
    (attachments.length > 0 ? Permission.ATTACH_FILES : 0n);
  if (!place.may(needed)) throw refuse('MissingPermissions');
}

/** The message a new one replies to; undefined: it is no reply, or not any more. */
function referencedMessage(place: Place, request: CreateMessageRequest): Message | undefined {
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

/** Whether the request says something else, and does not only show or hide embeds. */
function rewrites(request: EditMessageRequest): boolean {
  return (
    request.content !== undefined ||
    request.embedsJson !== undefined ||
    request.componentsJson !== undefined ||
    request.allowedMentions !== undefined ||
    request.keepAttachments !== undefined ||
    request.attachments.length > 0
  );
}

function rewritten(
  place: Place,
  before: Message,
  request: EditMessageRequest,
  changes: Changes,
): Partial<Message> {
  const embeds = request.embedsJson === undefined ? undefined : embedList(request.embedsJson);
  requireToAttach(place, embeds ?? [], request.attachments);
  const kept = request.keepAttachments?.ids.map(String);
  const attachments = before.attachments.filter(({ id }) => kept?.includes(id) ?? true);
  const content = request.content ?? before.content;
  const wishes: MentionWishes = {
    content,
    allowed: request.allowedMentions,
    repliedTo: referencedBy(place, before)?.author,
  };
  const isMentioningAnew = request.content !== undefined || request.allowedMentions !== undefined;
  return {
    content,
    editedAtMs: changes.nowMs,
    attachments: [...attachments, ...request.attachments.map(attachmentJson)],
    ...(embeds === undefined ? {} : { embeds }),
    ...(request.componentsJson === undefined
      ? {}
      : { components: jsonList(request.componentsJson) }),
    ...(isMentioningAnew ? resolveMentions(place, wishes) : {}),
  };
}

/** Only the hiding of embeds can be changed later. */
function withEmbedsFlag(before: number, wished: number | undefined): number {
  if (wished === undefined) return before;
  return (before & ~MessageFlag.SuppressEmbeds) | (wished & MessageFlag.SuppressEmbeds);
}

function isEmpty(message: Omit<Message, 'id'>): boolean {
  return (
    message.content.trim() === '' &&
    message.embeds.length === 0 &&
    message.attachments.length === 0 &&
    message.stickerIds.length === 0 &&
    message.components.length === 0
  );
}

function created(place: Place, message: Message, request: CreateMessageRequest): object {
  return messageJson(place, message, extrasOf(request, referencedBy(place, message)));
}

function extrasOf(request: CreateMessageRequest, referenced: Message | undefined): MessageExtras {
  const { nonce, nonceIsNumber } = request;
  return { referenced, ...(nonce === '' ? {} : { nonce: nonceIsNumber ? Number(nonce) : nonce }) };
}

function attachmentJson(attachment: Attachment): AttachmentJson {
  const { contentType, description, width, height } = attachment;
  return {
    id: String(attachment.id),
    filename: attachment.filename,
    size: Number(attachment.sizeBytes),
    url: attachment.url,
    proxy_url: attachment.url,
    ...(contentType === '' ? {} : { content_type: contentType }),
    ...(description === '' ? {} : { description }),
    ...(width === 0 ? {} : { width, height }),
  };
}

const decoder = new TextDecoder();

/** A JSON array that was checked by the edge. */
function jsonList<T = object>(bytes: Uint8Array): T[] {
  return bytes.length === 0 ? [] : (JSON.parse(decoder.decode(bytes)) as T[]);
}

/** Embeds that a client sends are rich ones. */
const embedList = (bytes: Uint8Array): object[] =>
  jsonList(bytes).map((embed) => ({ ...embed, type: 'rich' }));
