/** Puts the events of topics on the bus. Never waits: what is lost is found by its seq. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@guildhall/bus';
import {
  EventBatchSchema,
  topicEphemeral,
  topicEvents,
  type EventBatch,
  type TopicEvent,
} from '@guildhall/contracts';
import { SPAN, type TraceContext, type Tracer } from '@guildhall/telemetry';

/**
 * Events that are large (a guild object has no bound) are parted well below what the bus carries.
 */
const BATCH_BYTES_MAX = 256 * 1024;

export class EventPublisher {
  readonly #bus: Bus;
  readonly #tracer: Tracer;

  constructor(bus: Bus, tracer: Tracer) {
    this.#bus = bus;
    this.#tracer = tracer;
  }

  /**
   * Publishes durable events of one topic, in order. `expectedGateways` is how many gateways relay
   * the topic as far as the owner knows; the trace says so, and is complete when as many have
   * answered.
   */
  durable(
    topicId: bigint,
    events: readonly TopicEvent[],
    expectedGateways: () => number,
    trace: TraceContext | undefined,
  ): void {
    const subject = topicEvents(topicId);
    const span = trace && this.#tracer.child(trace, SPAN.publishTopicEvent);
    for (const batch of batches(events)) {
      this.#bus.publish(subject, toBinary(EventBatchSchema, batch), span?.context);
    }
    if (span === undefined) return;
    span
      .set('guildhall.fanout.gateways', expectedGateways())
      .set('guildhall.topic.id', String(topicId))
      .set('guildhall.event.seq', Number(events[events.length - 1]!.seq))
      .end();
  }

  /** Publishes events that may be lost. */
  ephemeral(topicId: bigint, events: readonly TopicEvent[]): void {
    for (const batch of batches(events)) {
      this.#bus.publish(topicEphemeral(topicId), toBinary(EventBatchSchema, batch));
    }
  }
}

function* batches(events: readonly TopicEvent[]): Generator<EventBatch> {
  let batch: TopicEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    if (batch.length > 0 && bytes + event.data.length > BATCH_BYTES_MAX) {
      yield create(EventBatchSchema, { events: batch });
      batch = [];
      bytes = 0;
    }
    batch.push(event);
    bytes += event.data.length;
  }
  if (batch.length > 0) yield create(EventBatchSchema, { events: batch });
}
