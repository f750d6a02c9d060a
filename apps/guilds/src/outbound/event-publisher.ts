/** Puts the events of topics on the bus. Never waits: what is lost is found by its seq. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@guildhall/bus';
import {
  DIGEST_SUBJECT,
  DigestSchema,
  EventBatchSchema,
  topicEphemeral,
  topicEvents,
  type TopicEvent,
} from '@guildhall/contracts';
import { SPAN, type TraceContext, type Tracer } from '@guildhall/telemetry';
import { eventSize } from '../domain/event-size.js';

/**
 * Events that are large (a guild object has no bound) are parted well below what the bus carries.
 */
const BATCH_BYTES_MAX = 256 * 1024;

export interface EventPublisherOptions {
  readonly bus: Bus;
  readonly tracer: Tracer;
  readonly instance: string;
  /** An event was too large for the bus, and is left to be fetched. */
  readonly onTooLarge: (topicId: bigint, bytes: number) => void;
}

export class EventPublisher {
  readonly #options: EventPublisherOptions;

  constructor(options: EventPublisherOptions) {
    this.#options = options;
  }

  /**
   * Publishes durable events of one topic, in order. `expectedGateways` is how many gateways relay
   * the topic as far as the owner knows; the trace says so, and is complete when as many have
   * answered.
   *
   * An event that is too large for the bus is not published (answers may be larger than what is
   * published): followers miss it, as one that was lost, and fetch it. They are told at once how
   * far the topic is, so that they need not wait for the next event to notice.
   */
  durable(
    topicId: bigint,
    events: readonly TopicEvent[],
    expectedGateways: () => number,
    trace: TraceContext | undefined,
  ): void {
    const { tracer } = this.#options;
    const span = trace && tracer.child(trace, SPAN.publishTopicEvent);
    const seq = events[events.length - 1]!.seq;
    const isWhole = this.#publish(topicEvents(topicId), topicId, events, span?.context);
    if (!isWhole) this.#announce(topicId, seq);
    if (span === undefined) return;
    span
      .set('guildhall.fanout.gateways', expectedGateways())
      .set('guildhall.topic.id', String(topicId))
      .set('guildhall.event.seq', Number(seq))
      .end();
  }

  /** Publishes events that may be lost. */
  ephemeral(topicId: bigint, events: readonly TopicEvent[]): void {
    this.#publish(topicEphemeral(topicId), topicId, events, undefined);
  }

  /** False if something was too large and left out. */
  #publish(
    subject: string,
    topicId: bigint,
    events: readonly TopicEvent[],
    trace: TraceContext | undefined,
  ): boolean {
    const { bus, onTooLarge } = this.#options;
    let isWhole = true;
    for (const batch of batches(events)) {
      const bytes = toBinary(EventBatchSchema, create(EventBatchSchema, { events: batch }));
      if (bytes.length <= bus.payloadBytesMax) {
        bus.publish(subject, bytes, trace);
        continue;
      }
      isWhole = false;
      onTooLarge(topicId, bytes.length);
    }
    return isWhole;
  }

  #announce(topicId: bigint, seq: bigint): void {
    const { bus, instance } = this.#options;
    const digest = create(DigestSchema, { ownerInstance: instance, topics: [{ topicId, seq }] });
    bus.publish(DIGEST_SUBJECT, toBinary(DigestSchema, digest));
  }
}

/** A large event is in a batch of its own. */
function* batches(events: readonly TopicEvent[]): Generator<TopicEvent[]> {
  let batch: TopicEvent[] = [];
  let batchBytes = 0;
  for (const event of events) {
    const bytes = eventSize(event);
    if (batch.length > 0 && batchBytes + bytes > BATCH_BYTES_MAX) {
      yield batch;
      batch = [];
      batchBytes = 0;
    }
    batch.push(event);
    batchBytes += bytes;
  }
  if (batch.length > 0) yield batch;
}
