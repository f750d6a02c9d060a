/** A message as it is kept: everything that is needed to render it, its author included. */
import { isoTime } from './iso-time.js';
import type { InteractionMetadataJson } from './message-interaction.js';
import type { Document } from './tables.js';
import { userDocument, userFromDocument, type User } from './user-document.js';

/** The kinds of message there are here, by Discord's numbers. */
export const MessageType = {
  Default: 0,
  PinnedMessage: 6,
  UserJoin: 7,
  Reply: 19,
  ChatInputCommand: 20,
  ContextMenuCommand: 23,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export const MessageFlag = {
  Crossposted: 1 << 0,
  SuppressEmbeds: 1 << 2,
  /** Only who used the application sees it, and it is not kept here. */
  Ephemeral: 1 << 6,
  /** The application is thinking. */
  Loading: 1 << 7,
  SuppressNotifications: 1 << 12,
} as const;

/** What another message is pointed at by. */
export interface MessageReference {
  readonly messageId: bigint;
  readonly channelId: bigint;
}

/** A message. Replaced as a whole when it changes. */
export interface Message {
  readonly id: bigint;
  readonly channelId: bigint;
  readonly type: MessageType;
  /** As it was when the message was written. */
  readonly author: User;
  readonly content: string;
  /** 0: never. */
  readonly editedAtMs: number;
  readonly tts: boolean;
  readonly mentionEveryone: boolean;
  /** In the order in which they are named; as they were then. */
  readonly mentions: readonly User[];
  readonly mentionRoles: readonly bigint[];
  /** As in Discord's API, like the three after it. */
  readonly attachments: readonly AttachmentJson[];
  readonly embeds: readonly object[];
  readonly components: readonly object[];
  readonly stickerIds: readonly string[];
  readonly flags: number;
  /** A reply, or what a pin is about; undefined: neither. */
  readonly reference: MessageReference | undefined;
  /** 0: not pinned. */
  readonly pinnedAtMs: number;
  /** Of the bot that wrote it; 0n: none. */
  readonly applicationId: bigint;
  /** The interaction that it answers, as in Discord's API; undefined: none. */
  readonly interaction: InteractionMetadataJson | undefined;
}

/** An attachment as in Discord's API. */
export interface AttachmentJson {
  readonly id: string;
  readonly filename: string;
  readonly size: number;
  readonly url: string;
  readonly proxy_url: string;
  readonly content_type?: string;
  readonly description?: string;
  readonly width?: number;
  readonly height?: number;
}

/** A message of which only this is known. */
export function newMessage(
  known: Pick<Message, 'id' | 'channelId' | 'author'> & Partial<Message>,
): Message {
  return {
    type: MessageType.Default,
    content: '',
    editedAtMs: 0,
    tts: false,
    mentionEveryone: false,
    mentions: [],
    mentionRoles: [],
    attachments: [],
    embeds: [],
    components: [],
    stickerIds: [],
    flags: 0,
    reference: undefined,
    pinnedAtMs: 0,
    applicationId: 0n,
    interaction: undefined,
    ...known,
  };
}

/** Whether somebody wrote it, so that it can be edited, replied to and pinned. */
export function isWritten(message: Message): boolean {
  return message.type !== MessageType.PinnedMessage && message.type !== MessageType.UserJoin;
}

/**
 * The message's row. What is empty is left out. `pinned_at` is there for pinned messages only: an
 * index looks for it, and sorts by it as text.
 */
export function messageDocument(message: Message): Document {
  return {
    type: message.type,
    author: userDocument(message.author),
    ...present('content', message.content),
    ...(message.editedAtMs === 0 ? {} : { edited_at_ms: message.editedAtMs }),
    ...present('tts', message.tts),
    ...present('mention_everyone', message.mentionEveryone),
    ...presentList('mentions', message.mentions.map(userDocument)),
    ...presentList('mention_roles', message.mentionRoles.map(String)),
    ...presentList('attachments', message.attachments),
    ...presentList('embeds', message.embeds),
    ...presentList('components', message.components),
    ...presentList('sticker_ids', message.stickerIds),
    ...present('flags', message.flags),
    ...(message.reference === undefined
      ? {}
      : {
          reference: {
            message_id: String(message.reference.messageId),
            channel_id: String(message.reference.channelId),
          },
        }),
    ...(message.pinnedAtMs === 0 ? {} : { pinned_at: isoTime(message.pinnedAtMs) }),
    ...(message.applicationId === 0n ? {} : { application_id: String(message.applicationId) }),
    ...(message.interaction === undefined ? {} : { interaction: message.interaction }),
  };
}

/** The message in a row. */
export function messageFromDocument(id: bigint, channelId: bigint, document: Document): Message {
  const stored = document as unknown as MessageDocument;
  const { reference } = stored;
  return newMessage({
    id,
    channelId,
    type: stored.type,
    author: userFromDocument(stored.author),
    content: stored.content ?? '',
    editedAtMs: stored.edited_at_ms ?? 0,
    tts: stored.tts ?? false,
    mentionEveryone: stored.mention_everyone ?? false,
    mentions: (stored.mentions ?? []).map(userFromDocument),
    mentionRoles: (stored.mention_roles ?? []).map(BigInt),
    attachments: stored.attachments ?? [],
    embeds: stored.embeds ?? [],
    components: stored.components ?? [],
    stickerIds: stored.sticker_ids ?? [],
    flags: stored.flags ?? 0,
    reference: reference && {
      messageId: BigInt(reference.message_id),
      channelId: BigInt(reference.channel_id),
    },
    pinnedAtMs: stored.pinned_at === undefined ? 0 : Date.parse(stored.pinned_at),
    applicationId: BigInt(stored.application_id ?? 0),
    interaction: stored.interaction,
  });
}

interface MessageDocument {
  readonly type: MessageType;
  readonly author: Document;
  readonly content?: string;
  readonly edited_at_ms?: number;
  readonly tts?: boolean;
  readonly mention_everyone?: boolean;
  readonly mentions?: Document[];
  readonly mention_roles?: string[];
  readonly attachments?: AttachmentJson[];
  readonly embeds?: object[];
  readonly components?: object[];
  readonly sticker_ids?: string[];
  readonly flags?: number;
  readonly reference?: { readonly message_id: string; readonly channel_id: string };
  readonly pinned_at?: string;
  readonly application_id?: string;
  readonly interaction?: InteractionMetadataJson;
}

const present = (key: string, value: string | number | boolean): object =>
  value ? { [key]: value } : {};

const presentList = (key: string, values: readonly unknown[]): object =>
  values.length > 0 ? { [key]: values } : {};
