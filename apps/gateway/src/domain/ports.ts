// What this app asks of others. Described here, made real in outbound/.
import type {
  AttachTopicReply,
  AttachTopicRequest,
  AttachUserReply,
  AuthenticateReply,
  FetchEventsReply,
  GetUserReply,
  LoadReply,
  QueryMembersReply,
  QueryMembersRequest,
  TopicEvent,
  UpdateVoiceStateRequest,
} from '@guildhall/contracts';
import type { Fault } from '@guildhall/fault';
import type { TraceContext } from '@guildhall/telemetry';

type Init<M> = Partial<Omit<M, '$typeName' | '$unknown'>>;

/** Who asks, about what. */
export interface Asker {
  readonly topicId: bigint;
  readonly actorId: bigint;
  readonly isBot: boolean;
  readonly trace?: TraceContext | undefined;
}

/** An answer in the very turn and order in which it arrived; a promise would lose its place. */
export type OnAnswer<T> = (answer: T | Fault) => void;

export interface TopicSeqs {
  readonly topicId: bigint;
  readonly seq: number;
}

/** Owners of topics. Promises reject with a Fault; what may be retried has been. */
export interface GuildsPort {
  attachUser(asker: Asker, onAnswer: OnAnswer<AttachUserReply>): void;
  attachTopic(
    asker: Asker,
    request: Omit<Init<AttachTopicRequest>, 'command' | 'gatewayInstance'>,
    onAnswer: OnAnswer<AttachTopicReply>,
  ): void;
  /** Fault not_found when the events are pruned. */
  fetchEvents(topicId: bigint, afterSeq: number): Promise<FetchEventsReply>;
  /** Says how far this gateway is in topics of one partition; what others are past that. */
  follow(partition: number, topics: readonly TopicSeqs[]): Promise<TopicSeqs[]>;
  queryMembers(
    asker: Asker,
    request: Omit<Init<QueryMembersRequest>, 'command'>,
  ): Promise<QueryMembersReply>;
  updateVoiceState(
    asker: Asker,
    request: Omit<Init<UpdateVoiceStateRequest>, 'command'>,
  ): Promise<void>;
  /** CHANNEL_INFO's `d`, JSON. */
  channelInfo(asker: Asker, fields: readonly string[]): Promise<Uint8Array>;
}

export interface AccountsPort {
  /** Fault unauthorized when the token is nobody's. */
  authenticate(token: string, trace: TraceContext | undefined): Promise<AuthenticateReply>;
  /** Fault refused when the day's IDENTIFYs are used up. */
  startSession(userId: bigint, trace: TraceContext | undefined): Promise<void>;
}

export interface ReadStatesPort {
  load(userId: bigint, trace: TraceContext | undefined): Promise<LoadReply>;
}

/** The owner of a user's presence, asked for one user; for the rest see PresenceBook. */
export interface PresencePort {
  user(userId: bigint, trace: TraceContext | undefined): Promise<GetUserReply>;
}

/** What owners publish. */
export interface EventSource {
  /** Returns how to stop it. `events` is the caller's to keep. */
  follow(
    topicId: bigint,
    onEvents: (events: readonly TopicEvent[], trace: TraceContext | undefined) => void,
  ): () => void;
}
