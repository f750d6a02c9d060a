/**
 * The `Interactions` service: what people do with applications, and what those answer. Addressed by
 * channel.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Handlers } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import {
  ListApplicationsReplySchema,
  ResponseReplySchema,
  type Interactions,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { applicationsFor, createInteraction } from '../domain/interaction-decisions.js';
import type { MessageTopic } from '../domain/message-place.js';
import {
  createResponse,
  deleteResponse,
  editResponse,
  responseJson,
  tellInvoker,
  type Response,
} from '../domain/response-decisions.js';
import { TopicKind } from '../domain/topic-kind.js';
import type { MessageStore } from '../outbound/message-store.js';
import { refOf } from './message-history.js';
import { MessageLoader, WITH_MESSAGES } from './message-loader.js';
import { done, json } from './replies.js';
import { init } from './topic-handlers.js';
import type { TopicHost } from './topic-host.js';

export interface InteractionHandlersOptions {
  readonly host: TopicHost;
  readonly messages: MessageStore;
  readonly clock: Clock;
}

export function interactionHandlers(
  options: InteractionHandlersOptions,
): Handlers<readonly [typeof Interactions]> {
  const { host, messages, clock } = options;
  const loader = new MessageLoader(host, messages);
  return {
    createInteraction: async (request, { trace }) => {
      const { sourceMessageId, sourceDocument, targetMessageId } = request;
      const ref = refOf(request);
      await loader.messageAndReferenced(ref, targetMessageId);
      if (sourceDocument.length === 0) await loader.messageAndReferenced(ref, sourceMessageId);
      return host.command<MessageTopic>(
        ref,
        init(request.command),
        WITH_MESSAGES,
        (topic, changes) => {
          createInteraction(topic, request, changes);
          return done();
        },
        trace,
      );
    },

    createResponse: async (request, { trace }) => {
      const message = given(request.message);
      const ref = refOf(message);
      await loader.messages(ref, [message.referenceMessageId]);
      return host.command<MessageTopic>(
        ref,
        init(message.command),
        WITH_MESSAGES,
        (topic, changes) => reply(createResponse(topic, request, changes)),
        trace,
      );
    },

    editResponse: async (request, { trace }) => {
      const message = given(request.message);
      const ref = refOf(message);
      if (request.document.length === 0) await loader.messageAndReferenced(ref, message.messageId);
      return host.command<MessageTopic>(
        ref,
        init(message.command),
        WITH_MESSAGES,
        (topic, changes) => reply(editResponse(topic, request, changes)),
        trace,
      );
    },

    getResponse: async (request) => {
      const ref = refOf(request);
      await loader.messageAndReferenced(ref, request.messageId);
      return host.query<MessageTopic>(ref, WITH_MESSAGES, (topic) =>
        json(responseJson(topic, request, clock.nowMs())),
      );
    },

    deleteResponse: async (request, { trace }) => {
      const ref = refOf(request);
      if (!request.ephemeral) await loader.messages(ref, [request.messageId]);
      return host.command<MessageTopic>(
        ref,
        init(request.command),
        WITH_MESSAGES,
        (topic, changes) => {
          deleteResponse(topic, request, changes);
          return done();
        },
        trace,
      );
    },

    tellInvoker: (request, { trace }) =>
      host.command<MessageTopic>(
        refOf(request),
        init(request.command),
        WITH_MESSAGES,
        (topic, changes) => {
          tellInvoker(topic, request, changes);
          return done();
        },
        trace,
      ),

    listApplications: (request) =>
      host.query<MessageTopic>(refOf(request), WITH_MESSAGES, (topic) =>
        toBinary(
          ListApplicationsReplySchema,
          create(ListApplicationsReplySchema, {
            bots: applicationsFor(topic, request, clock.nowMs()).map((bot) => ({ ...bot })),
            guildId: topic.kind === TopicKind.Guild ? topic.id : 0n,
          }),
        ),
      ),
  };
}

const encoder = new TextEncoder();

function reply({ json: message, messageId, document }: Response): Uint8Array {
  return toBinary(
    ResponseReplySchema,
    create(ResponseReplySchema, {
      json: encoder.encode(JSON.stringify(message)),
      messageId,
      ...(document === undefined ? {} : { document: encoder.encode(JSON.stringify(document)) }),
    }),
  );
}

function given<T>(message: T | undefined): T {
  if (message === undefined) throw new Fault(FaultCode.Malformed, 'the request has no message');
  return message;
}
