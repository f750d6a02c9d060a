/** The `Topics` service: what followers, other topics and users' own routes ask. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Handlers } from '@guildhall/bus';
import {
  AttachTopicReplySchema,
  AttachUserReplySchema,
  AudienceSchema,
  FetchEventsReplySchema,
  FollowReplySchema,
  ListUserGuildsReplySchema,
  QueryMembersReplySchema,
  refuse,
  UpdateUserGuildSettingsReplySchema,
  type AttachTopicReply,
  type AttachTopicRequest,
  type AttachUserReply,
  type Command,
  type Topics,
} from '@guildhall/contracts';
import type { Clock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import { channelInfo, attachGuild, queryMembers, userGuild } from '../domain/guild-snapshot.js';
import type { Guild } from '../domain/guild.js';
import { countedRecipient } from '../domain/notification-rules.js';
import type { PrivateChannel } from '../domain/private-channel.js';
import { privateChannelJson } from '../domain/private-channel-json.js';
import { deliver, endSessions, openPrivateChannel, updateUser } from '../domain/topic-decisions.js';
import { TopicKind } from '../domain/topic-kind.js';
import type { Topic } from '../domain/topic.js';
import { unreadMentions } from '../domain/unread-mentions.js';
import { updateUserGuildSettings } from '../domain/user-settings-decisions.js';
import { UserTopic } from '../domain/user-topic.js';
import { PrivateChannel as NewPrivateChannel } from '../domain/private-channel.js';
import { updateVoiceState } from '../domain/voice-decisions.js';
import type { TopicStore } from '../outbound/topic-store.js';
import type { HeldTopic } from './held-topic.js';
import { done, json } from './replies.js';
import type { CommandOptions, TopicHost } from './topic-host.js';
import type { QueryOptions, TopicRef, TopicShelf } from './topic-shelf.js';

const encoder = new TextEncoder();

/** Events fetched at once; a single one may be larger. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

const GUILD: QueryOptions = {
  kinds: [TopicKind.Guild],
  refuseUnknown: () => refuse('UnknownGuild'),
};
const FOLLOWED: QueryOptions = {
  kinds: [TopicKind.Guild, TopicKind.PrivateChannel],
  refuseUnknown: () => new Fault(FaultCode.NotFound, 'no such topic'),
};
const ANY: QueryOptions = { ...FOLLOWED, kinds: Object.values(TopicKind) };
/** A user's topic begins when it is first asked for: accounts are another app's. */
const USER: CommandOptions = {
  kinds: [TopicKind.User],
  refuseUnknown: () => refuse('UnknownUser'),
  create: (id) => new UserTopic(id),
};

export interface TopicHandlersOptions {
  readonly host: TopicHost;
  readonly shelf: TopicShelf;
  readonly store: TopicStore;
  readonly clock: Clock;
}

export function topicHandlers(options: TopicHandlersOptions): Handlers<readonly [typeof Topics]> {
  const { host, shelf, store, clock } = options;
  return {
    attachUser: (request) =>
      host.query<UserTopic>(ref(request.command), USER, (topic, held) => {
        follow(held, request.gatewayInstance, clock);
        return toBinary(AttachUserReplySchema, attachedUser(topic, held.seq));
      }),

    attachTopic: (request) =>
      host.query<Guild | PrivateChannel>(ref(request.command), FOLLOWED, (topic, held) => {
        const reply = attached(topic, request, held.seq, clock.nowMs());
        follow(held, request.gatewayInstance, clock);
        return toBinary(AttachTopicReplySchema, reply);
      }),

    fetchEvents: async (request) => {
      const held = await shelf.hold({ topicId: request.topicId, channelId: 0n }, ANY);
      const limit = Math.min(Math.max(request.limit, 1), 1_000);
      const events =
        held.eventsAfter(request.afterSeq, limit, PAGE_BYTES_MAX) ??
        (await store.eventsAfter(request.topicId, request.afterSeq, limit, PAGE_BYTES_MAX));
      const isComplete = events[0] === undefined || events[0].seq === request.afterSeq + 1n;
      const isBehind = request.afterSeq < held.publishedSeq;
      if (!isComplete || (isBehind && events.length === 0)) {
        throw new Fault(FaultCode.NotFound, 'the events are pruned');
      }
      return create(FetchEventsReplySchema, { events, lastSeq: held.publishedSeq });
    },

    follow: async (request) => {
      const ahead = [];
      for (const { topicId, seq } of request.topics) {
        const held = await shelf.warm(topicId);
        if (held === undefined) continue;
        follow(held, request.gatewayInstance, clock);
        if (held.publishedSeq > seq) ahead.push({ topicId, seq: held.publishedSeq });
      }
      return create(FollowReplySchema, { ahead });
    },

    queryMembers: (request) =>
      host.query<Guild>(ref(request.command), GUILD, (guild) =>
        toBinary(
          QueryMembersReplySchema,
          create(QueryMembersReplySchema, queryMembers(guild, request)),
        ),
      ),

    updateVoiceState: (request, call) =>
      host.command<Guild>(
        ref(request.command),
        init(request.command),
        GUILD,
        (guild, changes) => json(updateVoiceState(guild, request, changes)),
        call.trace,
      ),

    getChannelInfo: (request) =>
      host.query<Guild>(ref(request.command), GUILD, (guild) => json(channelInfo(guild, request))),

    getUserGuild: (request) =>
      host.query<Guild>(ref(request.command), GUILD, (guild) =>
        json(userGuild(guild, request.command?.actorId ?? 0n, request.withCounts)),
      ),

    openPrivateChannel: (request, call) =>
      host.command<UserTopic>(
        ref(request.command),
        init(request.command),
        { ...USER, awaitErrands: true },
        (topic, changes) => json(openPrivateChannel(topic, request, changes)),
        call.trace,
      ),

    listPrivateChannels: (request) =>
      host.query<UserTopic>(ref(request.command), USER, (topic) =>
        json(
          [...topic.privateChannels.values()]
            .filter((membership) => !membership.isClosed)
            .map((membership) => privateChannelJson(membership, topic.id, 0n)),
        ),
      ),

    listUserGuilds: (request) =>
      host.query<UserTopic>(ref(request.command), USER, (topic) =>
        toBinary(
          ListUserGuildsReplySchema,
          create(ListUserGuildsReplySchema, { guildIds: page([...topic.guildIds], request) }),
        ),
      ),

    updateUser: (request, call) =>
      host.command<UserTopic>(
        ref(request.command),
        init(request.command),
        USER,
        (topic, changes) => {
          updateUser(topic, request, changes);
          return done();
        },
        call.trace,
      ),

    updateUserGuildSettings: (request, call) =>
      host.command<UserTopic>(
        ref(request.command),
        init(request.command),
        // A count that is asked for afterwards goes by what was set.
        { ...USER, awaitErrands: true },
        (topic, changes) => {
          const settingsJson = updateUserGuildSettings(topic, request, changes).map((settings) =>
            encoder.encode(JSON.stringify(settings)),
          );
          const reply = create(UpdateUserGuildSettingsReplySchema, { settingsJson });
          return toBinary(UpdateUserGuildSettingsReplySchema, reply);
        },
        call.trace,
      ),

    endSessions: (request, call) =>
      host.command<UserTopic>(
        ref(request.command),
        init(request.command),
        USER,
        (topic, changes) => {
          endSessions(topic, request, changes);
          return done();
        },
        call.trace,
      ),

    deliver: (request, call) =>
      host.command<Topic>(
        ref(request.command),
        init(request.command),
        { ...ANY, ...newTopicFor(request.action.case) },
        (topic, changes) => {
          deliver(topic, request.action, changes);
          return done();
        },
        call.trace,
      ),
  };
}

/** Errands that may be the first thing a topic hears of. */
function newTopicFor(action: string | undefined): Pick<CommandOptions, 'create'> | object {
  switch (action) {
    case 'privateTopicCreated':
    // By the one of its users who was told of it before the channel itself was.
    case 'privateChannelMuted':
      return { create: (id: bigint): Topic => new NewPrivateChannel(id) };
    case 'guildJoined':
    case 'guildLeft':
    case 'privateChannelCreated':
    case 'privateChannelActive':
      return { create: (id: bigint): Topic => new UserTopic(id) };
    default:
      // A user that changed may have left; then there is nobody to tell.
      return {};
  }
}

/** The topic of a request that is not about a channel. */
export function ref(command: Command | undefined, channelId = 0n): TopicRef {
  return { topicId: command?.topicId ?? 0n, channelId };
}

/** The command of a request. A request without one is malformed. */
export function init(command: Command | undefined): Command {
  if (command === undefined) throw new Fault(FaultCode.Malformed, 'the request names no command');
  return command;
}

function follow(held: HeldTopic, gatewayInstance: string, clock: Clock): void {
  if (gatewayInstance !== '') held.followers.set(gatewayInstance, clock.nowMs());
}

function attachedUser(topic: UserTopic, seq: bigint): AttachUserReply {
  return create(AttachUserReplySchema, {
    seq,
    guildIds: [...topic.guildIds],
    privateChannels: [...topic.privateChannels.values()].map((membership) => ({
      topicId: membership.topicId,
      json: encoder.encode(JSON.stringify(privateChannelJson(membership, topic.id, 0n))),
      recipientIds: membership.recipients.map((recipient) => recipient.id),
      isClosed: membership.isClosed,
    })),
    guildSettings: topic.currentSettings.map((settings) => ({
      json: encoder.encode(JSON.stringify(settings)),
      version: BigInt(settings.version),
    })),
    guildSettingsVersion: BigInt(topic.settingsVersion),
  });
}

function attached(
  topic: Guild | PrivateChannel,
  request: AttachTopicRequest,
  seq: bigint,
  nowMs: number,
): AttachTopicReply {
  const userId = request.command?.actorId ?? 0n;
  if (topic.kind === TopicKind.Guild) {
    const { json: guild, ...rest } = attachGuild(topic, request);
    return create(AttachTopicReplySchema, {
      seq,
      json: encoder.encode(JSON.stringify(guild)),
      ...rest,
    });
  }
  if (!topic.recipients.has(userId)) throw FOLLOWED.refuseUnknown();
  const position = request.positions.find((each) => each.channelId === topic.id);
  const mentionCount = unreadMentions(topic.mentions, position, {
    channelId: topic.id,
    ...countedRecipient(topic, userId, nowMs),
  });
  return create(AttachTopicReplySchema, {
    seq,
    json: encoder.encode(JSON.stringify(topic.channelJson(userId))),
    audienceId: userId,
    audience: create(AudienceSchema, { id: userId, channelIds: [topic.id] }),
    mentionCounts: request.wantsMentionCounts
      ? [{ channelId: topic.id, mentionCount, lastMessageId: topic.lastMessageId }]
      : [],
    isPrivate: true,
  });
}

function page(ids: bigint[], request: { limit: number; before: bigint; after: bigint }): bigint[] {
  const sorted = ids.sort((a, b) => (a < b ? -1 : 1));
  const limit = request.limit === 0 ? 200 : Math.min(request.limit, 200);
  const after = sorted.filter((id) => id > request.after);
  if (request.before === 0n) return after.slice(0, limit);
  return after.filter((id) => id < request.before).slice(-limit);
}
