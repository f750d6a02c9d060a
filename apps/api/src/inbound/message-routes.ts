// Messages: send, read, edit, delete.
import { Messages, refuse, refuseField } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import type { Snowflake } from '@guildhall/snowflake';
import {
  createMessageBody,
  editMessageBody,
  listMessagesQuery,
  matchNotes,
  refuseEmpty,
  refuseUnsent,
  type CreateMessageBody,
} from '../domain/message-body.js';
import type { Ports } from '../domain/ports.js';
import { list, object, snowflake } from '../domain/validation.js';
import type { Events } from '../events.js';
import { DONE, json, type Answer } from './answer.js';
import { changedBy, saidIn, withAttachments } from './message-requests.js';
import { route, type Ask, type Route } from './route.js';

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
        return withAttachments(ports, events, params.channel_id, noted, async (attachments) => {
          const reply = await owner(Messages.method.editMessage, params.channel_id, {
            command: command(),
            channelId: params.channel_id,
            messageId: params.message_id,
            attachments,
            ...changedBy(body, keepIds),
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
  return withAttachments(ports, events, channelId, noted, async (attachments) => {
    const reply = await ask.owner(Messages.method.createMessage, channelId, {
      command: ask.command(),
      channelId,
      author: user,
      ...saidIn(body),
      attachments,
      nonce: body.nonce?.text ?? '',
      nonceIsNumber: body.nonce?.isNumber ?? false,
      enforceNonce: body.enforce_nonce,
      referenceMessageId: reference?.message_id ?? 0n,
      referenceMustExist: reference?.fail_if_not_exists ?? false,
      applicationId: identity.applicationId,
    });
    if (!user.bot) await ackOwn(ask, ports, reply.messageId, events);
    return json(reply.json);
  });
}

/** How long an answer waits for the ack that its message implies; it is made later just as well. */
const OWN_ACK_WAIT_MS = 500;

/**
 * Who writes has read so far. The message stands whatever becomes of this: a mark that did not move
 * is put right by the next one. Nor is its answer kept back while nobody serves read states.
 */
async function ackOwn(
  ask: CreateAsk,
  { clock, marks }: Ports,
  messageId: Snowflake,
  events: Events,
): Promise<void> {
  const { channel_id: channelId } = ask.params;
  const own = { channelId, messageId, channelLastMessageId: messageId };
  const acked = marks
    .ack(ask.user.id, [own], ask.trace, true)
    .catch((reason: unknown) => events.ownMessageNotAcked(ask.trace, Fault.from(reason)));
  const waited = Promise.withResolvers<void>();
  const timer = clock.setTimer(OWN_ACK_WAIT_MS, waited.resolve);
  await Promise.race([acked, waited.promise]);
  timer.cancel();
}
