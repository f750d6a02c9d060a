import { randomBytes } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { callOwner, type Bus } from '@guildhall/bus';
import {
  Topics,
  type AttachTopicReply,
  type AttachUserReply,
  type CommandSchema,
  type FetchEventsReply,
  type QueryMembersReply,
} from '@guildhall/contracts';
import { partitionOf } from '@guildhall/snowflake';
import type { Tracer } from '@guildhall/telemetry';
import type { Asker, GuildsPort, OnAnswer, TopicSeqs } from '../domain/ports.js';
import { askOwner, type AskOptions } from './ask-owner.js';

/** Events of one page of a repair; as many as an owner gives. */
const EVENTS_PER_PAGE = 1000;

export interface GuildsPortOptions {
  readonly bus: Bus;
  readonly tracer: Tracer;
  readonly instance: string;
  readonly attachTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly random: () => number;
}

/** Owners of topics, over the bus. */
export class GuildsOverBus implements GuildsPort {
  readonly #options: GuildsPortOptions;

  constructor(options: GuildsPortOptions) {
    this.#options = options;
  }

  attachUser(asker: Asker, onAnswer: OnAnswer<AttachUserReply>): void {
    const request = { command: query(asker), gatewayInstance: this.#options.instance };
    const partition = partitionOf(asker.topicId);
    askOwner(
      this.#options.bus,
      Topics.method.attachUser,
      partition,
      request,
      this.#ask(asker),
      onAnswer,
    );
  }

  attachTopic(
    asker: Asker,
    request: Parameters<GuildsPort['attachTopic']>[1],
    onAnswer: OnAnswer<AttachTopicReply>,
  ): void {
    const whole = { ...request, command: query(asker), gatewayInstance: this.#options.instance };
    const partition = partitionOf(asker.topicId);
    askOwner(
      this.#options.bus,
      Topics.method.attachTopic,
      partition,
      whole,
      this.#ask(asker),
      onAnswer,
    );
  }

  async fetchEvents(topicId: bigint, afterSeq: number): Promise<FetchEventsReply> {
    const request = { topicId, afterSeq: BigInt(afterSeq), limit: EVENTS_PER_PAGE };
    const { bus } = this.#options;
    return callOwner(bus, Topics.method.fetchEvents, partitionOf(topicId), request, this.#call());
  }

  async follow(partition: number, topics: readonly TopicSeqs[]): Promise<TopicSeqs[]> {
    const request = {
      gatewayInstance: this.#options.instance,
      partition,
      topics: topics.map(({ topicId, seq }) => ({ topicId, seq: BigInt(seq) })),
    };
    const { bus } = this.#options;
    const reply = await callOwner(bus, Topics.method.follow, partition, request, this.#call());
    return reply.ahead.map(({ topicId, seq }) => ({ topicId, seq: Number(seq) }));
  }

  queryMembers(
    asker: Asker,
    request: Parameters<GuildsPort['queryMembers']>[1],
  ): Promise<QueryMembersReply> {
    const { bus } = this.#options;
    const whole = { ...request, command: query(asker) };
    const partition = partitionOf(asker.topicId);
    return callOwner(bus, Topics.method.queryMembers, partition, whole, this.#call(asker));
  }

  async updateVoiceState(
    asker: Asker,
    request: Parameters<GuildsPort['updateVoiceState']>[1],
  ): Promise<void> {
    const { bus } = this.#options;
    const partition = partitionOf(asker.topicId);
    const command = { ...query(asker), commandId: mintCommandId() };
    const whole = { ...request, command };
    await callOwner(bus, Topics.method.updateVoiceState, partition, whole, this.#call(asker));
  }

  async channelInfo(asker: Asker, fields: readonly string[]): Promise<Uint8Array> {
    const { bus } = this.#options;
    const request = { command: query(asker), fields: [...fields] };
    const partition = partitionOf(asker.topicId);
    const method = Topics.method.getChannelInfo;
    const reply = await callOwner(bus, method, partition, request, this.#call(asker));
    return reply.json;
  }

  #ask({ trace }: Asker): AskOptions {
    const { attachTimeoutMs, callTimeoutMs, tracer, random } = this.#options;
    return { deadlineMs: attachTimeoutMs, tryMs: callTimeoutMs, trace, tracer, random };
  }

  #call(asker?: Asker): { trace: Asker['trace']; tracer: Tracer; timeoutMs: number } {
    const { tracer, callTimeoutMs } = this.#options;
    return { trace: asker?.trace, tracer, timeoutMs: callTimeoutMs };
  }
}

function query({ topicId, actorId, isBot }: Asker): MessageInitShape<typeof CommandSchema> {
  return { topicId, actorId, actorIsBot: isBot };
}

/** 63 bits of chance: several gateways mint at once, and no two commands may ever meet. */
function mintCommandId(): bigint {
  return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
}
