/** A message as its author puts it, before it has an id; and what an edit makes of one. */
import {
  refuse,
  type Attachment,
  type CreateMessageRequest,
  type EditMessageRequest,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { resolveMentions, type MentionWishes } from './message-mentions.js';
import type { Place } from './message-place.js';
import {
  MessageFlag,
  MessageType,
  newMessage,
  type AttachmentJson,
  type Message,
} from './message.js';
import type { User } from './user-document.js';

const SETTABLE_FLAGS = MessageFlag.SuppressEmbeds | MessageFlag.SuppressNotifications;

/** All of a message but its id. */
export type Draft = Omit<Message, 'id'>;

/**
 * What the place's actor wants to say, with the mentions that it may make. Refuses what it may not
 * attach (50013). The draft may be empty: see `isEmpty`.
 */
export function draftOf(
  place: Place,
  request: CreateMessageRequest,
  author: User,
  referenced: Message | undefined,
): Draft {
  const { channelId } = request;
  const embeds = embedList(request.embedsJson);
  requireToAttach(place, embeds, request.attachments);
  return {
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
}

/** Whether the request says something else, and does not only show or hide embeds. */
export function rewrites(request: EditMessageRequest): boolean {
  return (
    request.content !== undefined ||
    request.embedsJson !== undefined ||
    request.componentsJson !== undefined ||
    request.allowedMentions !== undefined ||
    request.keepAttachments !== undefined ||
    request.attachments.length > 0
  );
}

/**
 * What an edit changes of a message, its flags apart. Refuses what the actor may not attach
 * (50013).
 */
export function rewritten(
  place: Place,
  before: Message,
  request: EditMessageRequest,
  nowMs: number,
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
    editedAtMs: nowMs,
    attachments: [...attachments, ...request.attachments.map(attachmentJson)],
    ...(embeds === undefined ? {} : { embeds }),
    ...(request.componentsJson === undefined
      ? {}
      : { components: jsonList(request.componentsJson) }),
    ...(isMentioningAnew ? resolveMentions(place, wishes) : {}),
  };
}

/** The message that a reply is to, if it is known and still there. */
export function referencedBy(place: Place, message: Message): Message | undefined {
  if (message.type !== MessageType.Reply || message.reference === undefined) return undefined;
  return place.messages.get(place.channelId, message.reference.messageId)?.message;
}

/** Only the hiding of embeds can be changed later. */
export function withEmbedsFlag(before: number, wished: number | undefined): number {
  if (wished === undefined) return before;
  return (before & ~MessageFlag.SuppressEmbeds) | (wished & MessageFlag.SuppressEmbeds);
}

/** Whether it says nothing at all. */
export function isEmpty(message: Draft): boolean {
  return (
    message.content.trim() === '' &&
    message.embeds.length === 0 &&
    message.attachments.length === 0 &&
    message.stickerIds.length === 0 &&
    message.components.length === 0
  );
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

/** An attachment as in Discord's API. */
export function attachmentJson(attachment: Attachment): AttachmentJson {
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
