// Messages: send, read, edit, delete.
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  Messages,
  ReadStates,
  refuse,
  refuseField,
  type AttachmentSchema,
} from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import type { AllowedMentionsSchema } from '@guildhall/contracts';
import { contentTypeOf, safeFilename } from '../domain/filename.js';
import {
  createMessageBody,
  editMessageBody,
  listMessagesQuery,
  matchNotes,
  refuseEmpty,
  refuseUnsent,
  type CreateMessageBody,
  type NotedFile,
} from '../domain/message-body.js';
import type { Ports } from '../domain/ports.js';
import { list, object, snowflake } from '../domain/validation.js';
import type { Events } from '../events.js';
import { DONE, json, type Answer } from './answer.js';
import { route, type Ask, type Route } from './route.js';

type AttachmentInit = MessageInitShape<typeof AttachmentSchema>;

/** The routes of `/channels/{channel}/messages`, without reactions and pins. */
export function messageRoutes(ports: Ports, events: Events): Route[] {
  return [
    route({
      method: 'GET',
      path: '/channels/:channel_id/messages',
      who: 'users',
      query: listMessagesQuery,
      async answer({ params, query, query_, owner }) {
        const reply = await owner(Messages.method.listMessages, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
          ...query,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'GET',
      path: '/channels/:channel_id/messages/:message_id',
      who: 'users',
      async answer({ params, query_, owner }) {
        const reply = await owner(Messages.method.getMessage, params.channel_id, {
          command: query_(),
          channelId: params.channel_id,
          messageId: params.message_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'POST',
      path: '/channels/:channel_id/messages',
      who: 'users',
      body: createMessageBody,
      takesFiles: true,
      answer: (ask) => create(ask, ports, events),
    }),
    route({
      method: 'PATCH',
      path: '/channels/:channel_id/messages/:message_id',
      who: 'users',
      body: editMessageBody,
      takesFiles: true,
      async answer({ params, body, files, command, owner }) {
        const { noted, keepIds } = matchNotes(files, body.attachments ?? undefined);
        const embedsJson = jsonBytes(body.embeds === undefined ? body.embed : body.embeds);
        const componentsJson = jsonBytes(body.components);
        return withAttachments(ports, events, params.channel_id, noted, async (attachments) => {
          const reply = await owner(Messages.method.editMessage, params.channel_id, {
            command: command(),
            channelId: params.channel_id,
            messageId: params.message_id,
            attachments,
            ...(body.content === undefined ? {} : { content: body.content ?? '' }),
            ...(embedsJson === undefined ? {} : { embedsJson }),
            ...(componentsJson === undefined ? {} : { componentsJson }),
            ...(body.flags === undefined ? {} : { flags: body.flags }),
            ...(body.attachments === undefined ? {} : { keepAttachments: { ids: keepIds } }),
            ...mentionsInit(body.allowed_mentions),
          });
          return json(reply.json);
        });
      },
    }),
    route({
      method: 'DELETE',
      path: '/channels/:channel_id/messages/:message_id',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Messages.method.deleteMessages, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageIds: [params.message_id],
        });
        return DONE;
      },
    }),
    route({
      method: 'POST',
      path: '/channels/:channel_id/messages/bulk-delete',
      who: 'users',
      body: object({ messages: list(snowflake(), { max: 1000 }) }),
      async answer({ params, body, command, owner }) {
        const messageIds = [...new Set(body.messages)];
        if (messageIds.length < 2 || messageIds.length > 100) throw refuse('BulkDeleteCount');
        await owner(Messages.method.deleteMessages, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageIds,
          bulk: true,
        });
        return DONE;
      },
    }),
    route({
      method: 'POST',
      path: '/channels/:channel_id/messages/:message_id/crosspost',
      who: 'users',
      async answer({ params, command, owner }) {
        const reply = await owner(Messages.method.crosspostMessage, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
          messageId: params.message_id,
        });
        return json(reply.json);
      },
    }),
    route({
      method: 'POST',
      path: '/channels/:channel_id/typing',
      who: 'users',
      async answer({ params, command, owner }) {
        await owner(Messages.method.startTyping, params.channel_id, {
          command: command(),
          channelId: params.channel_id,
        });
        return DONE;
      },
    }),
  ];
}

type CreateAsk = Ask<{ readonly channel_id: Snowflake }, undefined, CreateMessageBody>;

async function create(ask: CreateAsk, ports: Ports, events: Events): Promise<Answer> {
  const { params, body, files, identity, user } = ask;
  const channelId = params.channel_id;
  refuseEmpty(body, files);
  const { noted, keepIds } = matchNotes(files, body.attachments);
  refuseUnsent(keepIds);
  const reference = body.message_reference;
  if (reference?.channel_id !== undefined && reference.channel_id !== channelId) {
    const code = 'REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL';
    const message = 'Cannot reply to a message in a different channel';
    throw refuseField(['message_reference'], code, message);
  }
  const embedsJson = jsonBytes(body.embeds ?? body.embed);
  const componentsJson = jsonBytes(body.components);
  return withAttachments(ports, events, channelId, noted, async (attachments) => {
    const reply = await ask.owner(Messages.method.createMessage, channelId, {
      command: ask.command(),
      channelId,
      author: user,
      content: body.content ?? '',
      tts: body.tts,
      attachments,
      nonce: body.nonce?.text ?? '',
      nonceIsNumber: body.nonce?.isNumber ?? false,
      enforceNonce: body.enforce_nonce,
      referenceMessageId: reference?.message_id ?? 0n,
      referenceMustExist: reference?.fail_if_not_exists ?? false,
      flags: body.flags,
      applicationId: identity.applicationId,
      ...(embedsJson === undefined ? {} : { embedsJson }),
      ...(componentsJson === undefined ? {} : { componentsJson }),
      ...(body.sticker_ids === undefined || body.sticker_ids.length === 0
        ? {}
        : { stickerIdsJson: Buffer.from(JSON.stringify(body.sticker_ids.map(String))) }),
      ...mentionsInit(body.allowed_mentions),
    });
    if (!user.bot) await ackOwn(ask, reply.messageId, events);
    return json(reply.json);
  });
}

/**
 * Who writes has read so far. The message stands whatever becomes of this: a mark that did not move
 * is put right by the next one.
 */
async function ackOwn(ask: CreateAsk, messageId: Snowflake, events: Events): Promise<void> {
  const userId = ask.user.id;
  try {
    await ask.owner(ReadStates.method.ack, userId, {
      userId,
      silent: true,
      acks: [
        { channelId: ask.params.channel_id, messageId, channelLastMessageId: messageId, type: 0 },
      ],
    });
  } catch (reason) {
    events.ownMessageNotAcked(ask.trace, Fault.from(reason));
  }
}

/** Files are in place before anybody can hear of them, and gone again if the message is refused. */
async function withAttachments(
  { files, mintId }: Ports,
  events: Events,
  channelId: Snowflake,
  noted: readonly NotedFile[],
  send: (attachments: AttachmentInit[]) => Promise<Answer>,
): Promise<Answer> {
  const attachments: (AttachmentInit & { id: Snowflake })[] = [];
  try {
    for (const { file, filename: wanted, description } of noted) {
      const id = mintId();
      const filename = safeFilename(wanted ?? file.filename);
      await files.keepAttachment(channelId, id, filename, file);
      attachments.push({
        id,
        filename,
        description,
        sizeBytes: BigInt(file.sizeBytes),
        url: files.attachmentUrl(channelId, id, filename),
        contentType: contentTypeOf(file.contentType, filename),
        ...file.imageSize,
      });
    }
    return await send(attachments);
  } catch (reason) {
    // Only a refusal is certain: after a timeout the message may exist, and must find its files.
    if (reason instanceof Fault && reason.refusal !== undefined) {
      await Promise.all(attachments.map(({ id }) => files.dropAttachment(channelId, id))).catch(
        (failure: unknown) => events.attachmentNotDropped(failure),
      );
    }
    throw reason;
  }
}

function jsonBytes(text: string | null | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text ?? '[]');
}

function mentionsInit(given: CreateMessageBody['allowed_mentions']): {
  allowedMentions?: MessageInitShape<typeof AllowedMentionsSchema>;
} {
  if (given === undefined) return {};
  const { parse, users, roles, replied_user: repliedUser } = given;
  return { allowedMentions: { parse, users, roles, repliedUser } };
}
