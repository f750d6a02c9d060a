/**
 * What an application answers an interaction with. It may, whatever the channel lets its bot do: a
 * person has asked it to. What only that person is to see is sent to it and not kept here; whoever
 * has the document that comes with it can change it later.
 */
import {
  refuse,
  type CreateResponseRequest,
  type DeleteResponseRequest,
  type EditResponseRequest,
  type GetResponseRequest,
  type InteractionOrigin,
  type TellInvokerRequest,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import type { Changes, EventDraft } from './changes.js';
import { announce, post, recordMentions, referencedMessage } from './message-decisions.js';
import { eraseMessages } from './message-deletion.js';
import {
  draftOf,
  isEmpty,
  referencedBy,
  rewritten,
  withEmbedsFlag,
  type Draft,
} from './message-draft.js';
import { interactionMetadata, isResponseTo } from './message-interaction.js';
import { messageEventJson, messageJson } from './message-json.js';
import { mentionsAnybody } from './message-mentions.js';
import { Place, type MessageTopic } from './message-place.js';
import {
  messageDocument,
  MessageFlag,
  messageFromDocument,
  MessageType,
  type Message,
} from './message.js';
import type { Document } from './tables.js';

/** What comes with an interaction, be the channel as closed to the bot as it may. */
export const GRANTED_PERMISSIONS =
  Permission.VIEW_CHANNEL |
  Permission.CONNECT |
  Permission.READ_MESSAGE_HISTORY |
  Permission.SEND_MESSAGES |
  Permission.EMBED_LINKS |
  Permission.ATTACH_FILES;

/** The answer to a response that was made or changed. */
export interface Response {
  readonly json: object;
  readonly messageId: bigint;
  /** Of an ephemeral one: everything that is to be known of it. Undefined: it is kept here. */
  readonly document: Document | undefined;
}

/** A new message. One that is loading may be empty; any other is refused if it is. */
export function createResponse(
  topic: MessageTopic,
  request: CreateResponseRequest,
  changes: Changes,
): Response {
  const { ephemeral, loading } = request;
  const origin = originOf(request);
  const body = bodyOf(request);
  const place = responsePlace(topic, body.channelId, changes);
  if (!place.hasMessages) throw refuse('CannotSendInVoice');
  const author = place.user(changes.actorId);
  if (author === undefined) throw refuse('MissingAccess');
  const referenced = ephemeral ? undefined : referencedMessage(place, body);
  const draft: Draft = draftOf(place, body, author, referenced);
  if (!loading && isEmpty(draft)) throw refuse('EmptyMessage');

  const message: Message = {
    ...draft,
    id: changes.mint(place.lastMessageId),
    type: request.followUp ? draft.type : typeOf(origin, draft),
    applicationId: origin.applicationId,
    flags:
      draft.flags | (ephemeral ? MessageFlag.Ephemeral : 0) | (loading ? MessageFlag.Loading : 0),
    interaction: interactionMetadata(origin, place.guild?.id ?? 0n),
  };
  if (ephemeral) return showInvoker('MESSAGE_CREATE', place, message, origin, changes);
  post(place, message, { referenced }, changes);
  const json = messageJson(place, message, { referenced });
  return { json, messageId: message.id, document: undefined };
}

/** A loading message that is edited is done loading, and does not count as edited. */
export function editResponse(
  topic: MessageTopic,
  request: EditResponseRequest,
  changes: Changes,
): Response {
  const origin = originOf(request);
  const body = bodyOf(request);
  const place = responsePlace(topic, body.channelId, changes);
  const isEphemeral = request.document.length > 0;
  const before = isEphemeral
    ? ephemeralMessage(body.messageId, body.channelId, request.document)
    : responseMessage(place, body.messageId, origin);
  const wasLoading = (before.flags & MessageFlag.Loading) !== 0;
  const after: Message = {
    ...before,
    ...rewritten(place, before, body, changes.nowMs),
    ...(wasLoading ? { editedAtMs: 0 } : {}),
    flags: withEmbedsFlag(before.flags & ~MessageFlag.Loading, body.flags),
  };
  if (isEmpty(after)) throw refuse('EmptyMessage');

  if (isEphemeral) return showInvoker('MESSAGE_UPDATE', place, after, origin, changes);
  const entry = place.message(after.id);
  const referenced = referencedBy(place, after);
  place.messages.put({ ...entry, message: after });
  changes.put('messages', [after.channelId, after.id], messageDocument(after));
  recordMentions(place, after, mentionsAnybody(before), changes);
  announce('MESSAGE_UPDATE', place, after, { referenced }, changes);
  const reactions = entry.reactions.json(changes.actorId);
  const json = messageJson(place, after, { referenced, reactions });
  return { json, messageId: after.id, document: undefined };
}

/** A response as the bot sees it. It must have been loaded, with the one it replies to. */
export function responseJson(
  topic: MessageTopic,
  request: GetResponseRequest,
  nowMs: number,
): object {
  const actorId = request.command?.actorId ?? 0n;
  const place = responsePlace(topic, request.channelId, { actorId, nowMs });
  const message = responseMessage(place, request.messageId, originOf(request));
  const { reactions } = place.message(message.id);
  const referenced = referencedBy(place, message);
  return messageJson(place, message, { referenced, reactions: reactions.json(actorId) });
}

/** Deletes a response, which must have been loaded unless it is ephemeral. */
export function deleteResponse(
  topic: MessageTopic,
  request: DeleteResponseRequest,
  changes: Changes,
): void {
  const place = responsePlace(topic, request.channelId, changes);
  const origin = originOf(request);
  if (!request.ephemeral) {
    const { id } = responseMessage(place, request.messageId, origin);
    return eraseMessages(place, [place.message(id)], changes);
  }
  changes.event({
    type: 'MESSAGE_DELETE',
    channelId: place.audienceChannelId,
    onlyUserIds: [invokerOf(origin)],
    data: { id: String(request.messageId), ...place.where },
  });
}

/** Something for the client of who interacts: a modal, choices, that the bot has heard. */
export function tellInvoker(
  topic: MessageTopic,
  request: TellInvokerRequest,
  changes: Changes,
): void {
  const place = responsePlace(topic, request.channelId, changes);
  const draft: EventDraft = {
    type: request.type,
    channelId: place.audienceChannelId,
    onlyUserIds: [request.userId],
    data: JSON.parse(decoder.decode(request.dataJson)) as object,
  };
  if (request.transient) changes.whisper(draft);
  else changes.event(draft);
}

function responsePlace(
  topic: MessageTopic,
  channelId: bigint,
  { actorId, nowMs }: Pick<Changes, 'actorId' | 'nowMs'>,
): Place {
  return new Place(topic, channelId, actorId, nowMs, GRANTED_PERMISSIONS);
}

/** Sends a message to who interacted, and to nobody else. */
function showInvoker(
  type: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE',
  place: Place,
  message: Message,
  origin: InteractionOrigin,
  changes: Changes,
): Response {
  changes.event({
    type,
    channelId: place.audienceChannelId,
    authorId: message.author.id,
    onlyUserIds: [invokerOf(origin)],
    hasContent: true,
    data: messageEventJson(place, message),
  });
  const document = messageDocument(message);
  return { json: messageJson(place, message), messageId: message.id, document };
}

function responseMessage(place: Place, messageId: bigint, origin: InteractionOrigin): Message {
  const { message } = place.message(messageId);
  if (!isResponseTo(message, origin)) throw refuse('UnknownMessage');
  return message;
}

/** A message that is kept elsewhere. */
export function ephemeralMessage(id: bigint, channelId: bigint, document: Uint8Array): Message {
  return messageFromDocument(id, channelId, JSON.parse(decoder.decode(document)) as Document);
}

/** The first message that answers a command says so; any other is like what people write. */
function typeOf({ commandType }: InteractionOrigin, draft: Draft): MessageType {
  if (commandType === 0) return draft.type;
  return commandType === 1 ? MessageType.ChatInputCommand : MessageType.ContextMenuCommand;
}

function originOf({ origin }: { origin?: InteractionOrigin | undefined }): InteractionOrigin {
  if (origin !== undefined) return origin;
  throw new Fault(FaultCode.Malformed, 'the request names no interaction');
}

function bodyOf<T>({ message }: { message?: T | undefined }): T {
  if (message !== undefined) return message;
  throw new Fault(FaultCode.Malformed, 'the request has no message');
}

const invokerOf = (origin: InteractionOrigin): bigint => origin.user?.id ?? 0n;

const decoder = new TextDecoder();
