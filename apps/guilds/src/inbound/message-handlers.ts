/**
 * The `Messages` service: messages of guild channels and private channels, addressed by channel.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Handlers } from '@guildhall/bus';
import type { Clock } from '@guildhall/clock';
import {
  CountMentionsReplySchema,
  CreateMessageReplySchema,
  type CountMentionsRequest,
  type Messages,
} from '@guildhall/contracts';
import { snowflakeAt } from '@guildhall/snowflake';
import type { Changes } from '../domain/changes.js';
import {
  createMessage,
  crosspostMessage,
  editMessage,
  startTyping,
} from '../domain/message-decisions.js';
import { deleteMessages } from '../domain/message-deletion.js';
import { countedUser } from '../domain/notification-rules.js';
import { Place, type MessageTopic } from '../domain/message-place.js';
import { deletePin, putPin } from '../domain/pin-decisions.js';
import { clearReactions, deleteReaction, putReaction } from '../domain/reaction-decisions.js';
import type { MentionRange, MessageStore } from '../outbound/message-store.js';
import { MessageHistory, refOf } from './message-history.js';
import { MessageLoader, WITH_MESSAGES } from './message-loader.js';
import { done, json } from './replies.js';
import { init } from './topic-handlers.js';
import type { TopicHost } from './topic-host.js';

const encoder = new TextEncoder();

export interface MessageHandlersOptions {
  readonly host: TopicHost;
  readonly messages: MessageStore;
  readonly clock: Clock;
}

export function messageHandlers(
  options: MessageHandlersOptions,
): Handlers<readonly [typeof Messages]> {
  const { host, messages, clock } = options;
  const loader = new MessageLoader(host, messages);
  const history = new MessageHistory(host, messages, clock);

  const command = (
    request: Parameters<typeof refOf>[0],
    call: { readonly trace: Parameters<TopicHost['command']>[4] },
    decide: (topic: MessageTopic, changes: Changes) => Uint8Array,
  ): Promise<Uint8Array> =>
    host.command(refOf(request), init(request.command), WITH_MESSAGES, decide, call.trace);

  return {
    createMessage: async (request, call) => {
      await loader.forNew(refOf(request), request, clock.nowMs());
      return command(request, call, (topic, changes) => {
        const { json: message, messageId } = createMessage(topic, request, changes);
        const bytes = encoder.encode(JSON.stringify(message));
        const reply = { json: bytes, messageId, topicId: topic.id };
        return toBinary(CreateMessageReplySchema, create(CreateMessageReplySchema, reply));
      });
    },

    editMessage: async (request, call) => {
      await loader.messageAndReferenced(refOf(request), request.messageId);
      return command(request, call, (topic, changes) => json(editMessage(topic, request, changes)));
    },

    deleteMessages: async (request, call) => {
      const loaded = await loader.messages(refOf(request), request.messageIds);
      return command(request, call, (topic, changes) => {
        deleteMessages(topic, request, loaded, changes);
        return done();
      });
    },

    crosspostMessage: async (request, call) => {
      await loader.messageAndReferenced(refOf(request), request.messageId);
      return command(request, call, (topic, changes) =>
        json(crosspostMessage(topic, request, changes)),
      );
    },

    getMessage: (request) => history.message(request),
    listMessages: (request) => history.page(request),
    listReactions: (request) => history.reactions(request),
    listPins: (request) => history.pins(request),

    putReaction: async (request, call) => {
      await loader.messages(refOf(request), [request.messageId]);
      return command(request, call, (topic, changes) => {
        putReaction(topic, request, changes);
        return done();
      });
    },

    deleteReaction: async (request, call) => {
      await loader.messages(refOf(request), [request.messageId]);
      return command(request, call, (topic, changes) => {
        deleteReaction(topic, request, changes);
        return done();
      });
    },

    clearReactions: async (request, call) => {
      await loader.messages(refOf(request), [request.messageId]);
      return command(request, call, (topic, changes) => {
        clearReactions(topic, request, changes);
        return done();
      });
    },

    putPin: async (request, call) => {
      await Promise.all([
        loader.messageAndReferenced(refOf(request), request.messageId),
        loader.pinsCount(refOf(request)),
      ]);
      return command(request, call, (topic, changes) => {
        putPin(topic, request, changes);
        return done();
      });
    },

    deletePin: async (request, call) => {
      await Promise.all([
        loader.messageAndReferenced(refOf(request), request.messageId),
        loader.pinsCount(refOf(request)),
      ]);
      return command(request, call, (topic, changes) => {
        deletePin(topic, request, changes);
        return done();
      });
    },

    startTyping: (request, call) =>
      command(request, call, (topic, changes) => {
        startTyping(topic, request, changes);
        return done();
      }),

    countMentions: (request) => countMentions(request, options),
  };
}

/**
 * Counted in memory; what lies further back than memory went at that moment is asked of the table.
 */
async function countMentions(
  request: CountMentionsRequest,
  { host, messages, clock }: MessageHandlersOptions,
): Promise<Uint8Array> {
  const { channelId, position } = request;
  const userId = request.command?.actorId ?? 0n;
  const reply = create(CountMentionsReplySchema);
  let earlier: MentionRange | undefined;
  await host.query<MessageTopic>(refOf(request), WITH_MESSAGES, (topic) => {
    const place = new Place(topic, channelId, userId, clock.nowMs());
    const counted = countedUser(topic, userId, clock.nowMs());
    const until = topic.mentions.knownFrom(channelId);
    reply.mentionCount = topic.mentions.count({ channelId, ...counted, position });
    reply.lastMessageId = place.lastMessageId;
    reply.isGuildChannel = place.guild !== undefined;
    const since = counted.joinedAtMs === 0 ? 0n : snowflakeAt(counted.joinedAtMs);
    earlier = { topicId: topic.id, channelId, ...counted, since, after: position, until };
    return done();
  });
  // With the `until` of that moment: memory may let go of more while the table is asked.
  if (earlier !== undefined && earlier.after < earlier.until) {
    reply.mentionCount += await messages.mentionsBetween(earlier);
  }
  return toBinary(CountMentionsReplySchema, reply);
}
