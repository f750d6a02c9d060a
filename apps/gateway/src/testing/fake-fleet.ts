// The rest of the fleet, as far as a gateway can see it: owners of topics, accounts, presence and
// read states, answering on the bus from a few maps. It keeps the promises that real owners keep
// (seq without holes, events before the answer) and breaks them when a spec says so.
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import {
  partitionMethods,
  serveMethods,
  servePartition,
  type Bus,
  type Subscription,
} from '@guildhall/bus';
import {
  Accounts,
  EventBatchSchema,
  PartitionedService,
  Presence,
  ReadStates,
  Topics,
  TopicEventSchema,
  topicEphemeral,
  topicEvents,
  type AuthenticateReply,
  type QueryMembersRequest,
  type ReadStateEntry,
  type TopicEvent,
  type UpdateVoiceStateRequest,
  type VisibilityChangeSchema,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { PARTITIONS_COUNT, partitionOf } from '@guildhall/snowflake';
import type { TraceContext } from '@guildhall/telemetry';

/** What an event may say beside its type and data. */
export type EventFields = Partial<
  Omit<TopicEvent, '$typeName' | '$unknown' | 'topicId' | 'seq' | 'type' | 'data' | 'visibility'>
> & {
  visibility?: MessageInitShape<typeof VisibilityChangeSchema>;
  /** Committed, but not published: as lost on its way. */
  isLost?: boolean;
  trace?: TraceContext;
};

interface Topic {
  readonly id: bigint;
  seq: number;
  /** After `prunedSeq`. */
  events: TopicEvent[];
  prunedSeq: number;
}

export interface FakeGuild extends Topic {
  /** The audience of each member. */
  readonly members: Map<bigint, bigint>;
  readonly audiences: Map<bigint, bigint[]>;
}

interface Conversation extends Topic {
  readonly recipientIds: bigint[];
}

let idsCount = 0;

/** An id of a partition; later ones are greater. */
export function fakeId(partition = idsCount % PARTITIONS_COUNT): bigint {
  idsCount += 1;
  return (
    (BigInt(300_000_000_000 + idsCount) << 22n) | BigInt((partition << 12) | (idsCount % 4096))
  );
}

/** An id of the same partition as another, as a topic's channels and messages have. */
export function idIn(topicId: bigint): bigint {
  return fakeId(partitionOf(topicId));
}

/** See the top of the file. */
export class FakeFleet {
  readonly guilds = new Map<bigint, FakeGuild>();
  readonly conversations = new Map<bigint, Conversation>();
  readonly users = new Map<bigint, Topic>();
  readonly accounts = new Map<string, AuthenticateReply>();
  readonly readStates = new Map<bigint, ReadStateEntry[]>();
  /** By user, as their topics have them. */
  readonly guildSettings = new Map<bigint, { json: Uint8Array; version: bigint }[]>();
  readonly mentionCounts = new Map<bigint, { channelId: bigint; mentionCount: number }[]>();
  /** Topics whose owner is away. */
  readonly away = new Set<bigint>();
  /** Sessions as presence has them. */
  readonly present = new Map<string, { userId: bigint; status: string; topicIds: bigint[] }>();
  readonly removedSessions: string[] = [];
  readonly voiceStates: UpdateVoiceStateRequest[] = [];
  readonly memberQueries: QueryMembersRequest[] = [];
  /** Members that exist only to be queried. */
  queriedMembers: { userId: bigint }[] = [];
  /** Characters of each guild's description. */
  descriptionLength = 0;
  identifiesLeft = 1000;
  /** No IDENTIFY is counted before this resolves. */
  startSessionGate: Promise<void> = Promise.resolve();
  attachesCount = 0;
  followsCount = 0;
  renewalsCount = 0;
  readonly #bus: Bus;
  readonly #served: Subscription[] = [];

  constructor(bus: Bus) {
    this.#bus = bus;
    this.#serveOwners();
    this.#served.push(
      serveMethods(
        this.#bus,
        { services: [Accounts], route: 'any' },
        {
          authenticate: ({ token }) => {
            const account = this.accounts.get(token);
            if (account === undefined) throw new Fault(FaultCode.Unauthorized, 'nobody');
            return { ...account, sessionStartsLeft: account.user!.bot ? this.identifiesLeft : 0 };
          },
          startSession: async () => {
            await this.startSessionGate;
            if (this.identifiesLeft === 0) {
              throw Fault.refused({ discordCode: 0, httpStatus: 429, message: 'used up' });
            }
            return { remaining: --this.identifiesLeft };
          },
        },
      ),
    );
  }

  get bus(): Bus {
    return this.#bus;
  }

  async stop(): Promise<void> {
    for (const served of this.#served) served.unsubscribe();
    await this.#bus.close();
  }

  /** A user who logs in with `token`; bots have all intents granted unless told. */
  user(token: string, options: { bot?: boolean; applicationFlags?: number } = {}): bigint {
    const id = fakeId();
    const bot = options.bot ?? true;
    const user = { id, username: `user-${id}`, discriminator: bot ? '1234' : '0', bot };
    this.accounts.set(token, {
      $typeName: 'fleet.accounts.v1.AuthenticateReply',
      user: {
        $typeName: 'fleet.accounts.v1.User',
        globalName: '',
        avatar: '',
        publicFlags: 0,
        ...user,
      },
      email: bot ? '' : 'person@example.org',
      applicationId: bot ? id : 0n,
      sessionStartsLeft: 0,
      applicationFlags: bot ? (options.applicationFlags ?? (1 << 12) | (1 << 14) | (1 << 18)) : 0,
    });
    this.users.set(id, { id, seq: 0, events: [], prunedSeq: 0 });
    return id;
  }

  /** A guild whose members all see the channels given. */
  guild(memberIds: readonly bigint[], channelIds: readonly bigint[] = []): FakeGuild {
    const id = fakeId();
    const guild: FakeGuild = {
      id,
      seq: 0,
      events: [],
      prunedSeq: 0,
      members: new Map(memberIds.map((memberId) => [memberId, id])),
      audiences: new Map([[id, [...channelIds]]]),
    };
    this.guilds.set(id, guild);
    return guild;
  }

  conversation(recipientIds: readonly bigint[]): Conversation {
    const id = fakeId();
    const one = { id, seq: 0, events: [], prunedSeq: 0, recipientIds: [...recipientIds] };
    this.conversations.set(id, one);
    return one;
  }

  /** Commits an event and publishes it. */
  emit(topic: Topic, type: string, data: unknown, fields: EventFields = {}): TopicEvent {
    topic.seq += 1;
    const event = this.#event(topic, topic.seq, type, data, fields);
    topic.events.push(event);
    if (fields.isLost !== true) this.publish(topic, [event], fields.trace);
    return event;
  }

  /** Publishes an event that is not stored. */
  emitEphemeral(topic: Topic, type: string, data: unknown, fields: EventFields = {}): void {
    const event = this.#event(topic, 0, type, data, fields);
    const batch = toBinary(EventBatchSchema, create(EventBatchSchema, { events: [event] }));
    this.#bus.publish(topicEphemeral(topic.id), batch);
  }

  publish(topic: Topic, events: readonly TopicEvent[], trace?: TraceContext): void {
    const batch = create(EventBatchSchema, { events: [...events] });
    this.#bus.publish(topicEvents(topic.id), toBinary(EventBatchSchema, batch), trace);
  }

  /** A message in a guild's channel or a conversation. */
  message(topic: Topic, channelId: bigint, content: string, fields: EventFields = {}): TopicEvent {
    const authorId = fields.authorId ?? fakeId();
    const data = {
      id: String(idIn(topic.id)),
      channel_id: String(channelId),
      ...(this.guilds.has(topic.id) ? { guild_id: String(topic.id) } : {}),
      author: { id: String(authorId), username: 'author', discriminator: '0' },
      timestamp: new Date(0).toISOString(),
      mentions: [],
      mention_roles: [],
      content,
      embeds: [{ title: content }],
      attachments: [],
      components: [],
    };
    const isGuild = this.guilds.has(topic.id);
    const routing = { authorId, hasContent: true, channelId: isGuild ? channelId : 0n };
    return this.emit(topic, 'MESSAGE_CREATE', data, { ...routing, ...fields });
  }

  /** Forgets stored events, as owners do after a while. */
  prune(topic: Topic): void {
    topic.events = [];
    topic.prunedSeq = topic.seq;
  }

  #event(topic: Topic, seq: number, type: string, data: unknown, fields: EventFields): TopicEvent {
    const { isLost: _isLost, trace: _trace, visibility, ...rest } = fields;
    return create(TopicEventSchema, {
      topicId: topic.id,
      seq: BigInt(seq),
      type,
      data: Buffer.from(JSON.stringify(data)),
      atUs: BigInt(Date.now()) * 1000n,
      ...rest,
      ...(visibility === undefined ? {} : { visibility }),
    });
  }

  #topic(topicId: bigint): Topic {
    if (this.away.has(topicId)) throw new Fault(FaultCode.Unavailable, 'the owner is away');
    const topic =
      this.guilds.get(topicId) ?? this.conversations.get(topicId) ?? this.users.get(topicId);
    if (topic === undefined) throw new Fault(FaultCode.NotFound, 'no such topic');
    return topic;
  }

  #serveOwners(): void {
    const topics = partitionMethods([Topics], {
      attachUser: ({ command }) => {
        const { id, seq } = this.#topic(command!.topicId);
        const guildIds = [...this.guilds.values()].filter(({ members }) => members.has(id));
        const privateChannels = [...this.conversations.values()]
          .filter(({ recipientIds }) => recipientIds.includes(id))
          .map((conversation) => ({
            topicId: conversation.id,
            json: this.#conversationJson(conversation),
            recipientIds: conversation.recipientIds,
          }));
        const guildSettings = this.guildSettings.get(id) ?? [];
        return {
          seq: BigInt(seq),
          guildIds: guildIds.map((guild) => guild.id),
          privateChannels,
          guildSettings,
          guildSettingsVersion: guildSettings.at(-1)?.version ?? 0n,
        };
      },
      attachTopic: ({ command, wantsMembers }) => {
        this.attachesCount += 1;
        const topic = this.#topic(command!.topicId);
        const seq = BigInt(topic.seq);
        const mentionCounts = this.mentionCounts.get(topic.id) ?? [];
        const conversation = this.conversations.get(topic.id);
        if (conversation !== undefined) {
          const json = this.#conversationJson(conversation);
          return { seq, json, isPrivate: true, mentionCounts };
        }
        const guild = this.guilds.get(topic.id)!;
        const audienceId = guild.members.get(command!.actorId);
        if (audienceId === undefined) throw new Fault(FaultCode.NotFound, 'not a member');
        const channelIds = guild.audiences.get(audienceId)!;
        const json = this.#guildJson(guild, command!.actorId, channelIds, wantsMembers);
        return { seq, json, audienceId, audience: { id: audienceId, channelIds }, mentionCounts };
      },
      fetchEvents: ({ topicId, afterSeq, limit }) => {
        const topic = this.#topic(topicId);
        if (Number(afterSeq) < topic.prunedSeq) throw new Fault(FaultCode.NotFound, 'pruned');
        const events = topic.events.filter(({ seq }) => seq > afterSeq).slice(0, limit);
        return { events, lastSeq: BigInt(topic.seq) };
      },
      follow: ({ topics: followed }) => {
        this.followsCount += 1;
        const ahead = followed
          .map(({ topicId, seq }) => ({ topicId, seq, topic: this.#topic(topicId) }))
          .filter(({ seq, topic }) => BigInt(topic.seq) > seq)
          .map(({ topicId, topic }) => ({ topicId, seq: BigInt(topic.seq) }));
        return { ahead };
      },
      queryMembers: (request) => this.#queryMembers(request),
      updateVoiceState: (request) => {
        this.voiceStates.push(request);
        return {};
      },
      getChannelInfo: ({ command }) => ({
        json: Buffer.from(JSON.stringify({ guild_id: String(command!.topicId), channels: [] })),
      }),
    });
    const presence = partitionMethods([Presence], {
      putSessions: ({ sessions }) => {
        for (const { sessionId, userId, status, topicIds } of sessions) {
          this.present.set(sessionId, { userId, status, topicIds });
        }
        return {};
      },
      renewLeases: ({ sessions }) => {
        this.renewalsCount += 1;
        return { unknown: sessions.filter(({ sessionId }) => !this.present.has(sessionId)) };
      },
      removeSessions: ({ sessions }) => {
        for (const { sessionId } of sessions) {
          this.present.delete(sessionId);
          this.removedSessions.push(sessionId);
        }
        return {};
      },
      getUser: () => ({ sessionsJson: Buffer.from('[]') }),
    });
    const readStates = partitionMethods([ReadStates], {
      load: ({ userId }) => ({ entries: this.readStates.get(userId) ?? [], version: 7n }),
    });
    for (let partition = 0; partition < PARTITIONS_COUNT; partition += 1) {
      this.#served.push(
        servePartition(this.#bus, PartitionedService.Guilds, partition, topics),
        servePartition(this.#bus, PartitionedService.Presence, partition, presence),
        servePartition(this.#bus, PartitionedService.ReadStates, partition, readStates),
      );
    }
  }

  #queryMembers(request: QueryMembersRequest) {
    this.memberQueries.push(request);
    const page = 1000;
    const all =
      request.userIds.length === 0
        ? this.queriedMembers
        : this.queriedMembers.filter(({ userId }) => request.userIds.includes(userId));
    const found = all.filter(({ userId }) => userId > request.after);
    const members = found.slice(0, request.limit === 0 ? page : request.limit);
    const isMore = request.limit === 0 && found.length > page;
    const notFound = request.userIds.filter((id) => !all.some(({ userId }) => userId === id));
    return {
      membersJson: Buffer.from(
        JSON.stringify(members.map(({ userId }) => ({ user: { id: String(userId) } }))),
      ),
      presencesJson: Buffer.from('[]'),
      membersCount: all.length,
      nextAfter: isMore ? members.at(-1)!.userId : 0n,
      notFound,
    };
  }

  #conversationJson({ id, recipientIds }: Conversation): Buffer {
    const recipients = recipientIds.map((recipientId) => ({ id: String(recipientId) }));
    return Buffer.from(JSON.stringify({ id: String(id), type: 1, recipients }));
  }

  #guildJson(
    guild: FakeGuild,
    actorId: bigint,
    channelIds: readonly bigint[],
    wantsMembers: boolean,
  ): Buffer {
    const memberIds = wantsMembers ? [...guild.members.keys()] : [actorId];
    return Buffer.from(
      JSON.stringify({
        id: String(guild.id),
        name: 'guild',
        description: 'x'.repeat(this.descriptionLength),
        // As of which event this is: no client knows the key, but specs do.
        seq: guild.seq,
        roles: [{ id: String(guild.id), permissions: '0', colors: { primary_color: 0 } }],
        channels: channelIds.map((id) => ({
          id: String(id),
          type: 0,
          name: 'channel',
          permission_overwrites: [],
        })),
        members: memberIds.map((id) => ({ user: { id: String(id) }, roles: [] })),
        presences: [],
        voice_states: [],
        member_count: guild.members.size,
      }),
    );
  }
}
