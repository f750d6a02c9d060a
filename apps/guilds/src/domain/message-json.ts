/** Messages as in Discord's API: in answers, and in events. */
import { userJson } from '@guildhall/contracts';
import { timestampOf } from '@guildhall/snowflake';
import { isoTime, isoTimeOrNull } from './iso-time.js';
import { memberPartJson } from './member-json.js';
import { interactionJson } from './message-interaction.js';
import type { Place } from './message-place.js';
import { MessageType, type Message } from './message.js';
import type { User } from './user-document.js';

/** What is rendered with a message beside itself. */
export interface MessageExtras {
  /** The message that a reply is to; undefined or null: it is gone. */
  readonly referenced?: Message | null | undefined;
  /** As the viewer sees them. */
  readonly reactions?: readonly object[];
  readonly nonce?: string | number;
}

/**
 * A message as in an answer. Users are shown as they are now, or as they were when they were here.
 */
export function messageJson(place: Place, message: Message, extras: MessageExtras = {}): object {
  return {
    ...renderedMessage(place, message, extras),
    mentions: message.mentions.map((user) => userJson(current(place, user))),
  };
}

/**
 * The `d` of MESSAGE_CREATE and MESSAGE_UPDATE: the message, and in a guild the members it is
 * about.
 */
export function messageEventJson(
  place: Place,
  message: Message,
  extras: MessageExtras = {},
): object {
  const { guild } = place;
  const author = guild?.member(message.author.id);
  return {
    ...renderedMessage(place, message, extras),
    mentions: message.mentions.map((user) => {
      const member = guild?.member(user.id);
      const shown = userJson(current(place, user));
      return member === undefined ? shown : { ...shown, member: memberPartJson(member) };
    }),
    channel_type: place.channelType,
    ...(guild === undefined ? {} : { guild_id: String(guild.id) }),
    ...(author === undefined ? {} : { member: memberPartJson(author) }),
  };
}

function renderedMessage(place: Place, message: Message, extras: MessageExtras): object {
  const { referenced, reactions, nonce } = extras;
  return {
    id: String(message.id),
    type: message.type,
    channel_id: String(message.channelId),
    author: userJson(current(place, message.author)),
    content: message.content,
    timestamp: isoTime(timestampOf(message.id)),
    edited_timestamp: isoTimeOrNull(message.editedAtMs),
    tts: message.tts,
    mention_everyone: message.mentionEveryone,
    mention_roles: message.mentionRoles.map(String),
    attachments: message.attachments,
    embeds: message.embeds,
    components: message.components,
    pinned: message.pinnedAtMs !== 0,
    flags: message.flags,
    ...(message.stickerIds.length === 0 ? {} : { sticker_items: stickerItems(message) }),
    ...(message.applicationId === 0n ? {} : { application_id: String(message.applicationId) }),
    ...interactionJson(message),
    ...(message.reference === undefined
      ? {}
      : { message_reference: referenceJson(place, message) }),
    ...(message.type === MessageType.Reply
      ? { referenced_message: referenced ? messageJson(place, referenced) : null }
      : {}),
    ...(reactions === undefined || reactions.length === 0 ? {} : { reactions }),
    ...(nonce === undefined ? {} : { nonce }),
  };
}

const current = (place: Place, user: User): User => place.user(user.id) ?? user;

function referenceJson(place: Place, message: Message): object {
  const { messageId, channelId } = message.reference!;
  return {
    type: 0,
    message_id: String(messageId),
    channel_id: String(channelId),
    ...(place.guild === undefined ? {} : { guild_id: String(place.guild.id) }),
  };
}

/** Stickers are not kept here: a client that knows one by its id shows it. */
const stickerItems = (message: Message): object[] =>
  message.stickerIds.map((id) => ({ id, name: '', format_type: 1 }));
