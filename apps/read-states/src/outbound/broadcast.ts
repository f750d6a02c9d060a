/**
 * Tells a user's sessions, through the user's topic. Never waits; what is lost, the next READY has.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@guildhall/bus';
import {
  EventBatchSchema,
  TOPIC_EPHEMERAL_TEMPLATE,
  topicEphemeral,
  TopicEventSchema,
} from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import { SPAN, type TraceContext, type Tracer } from '@guildhall/telemetry';
import type { Dispatch } from '../domain/dispatches.js';

const PUBLISH = SPAN.publish(TOPIC_EPHEMERAL_TEMPLATE);
const MICROSECONDS = 1_000n;
const encoder = new TextEncoder();

export class Broadcast {
  readonly #bus: Bus;
  readonly #tracer: Tracer;

  constructor(bus: Bus, tracer: Tracer) {
    this.#bus = bus;
    this.#tracer = tracer;
  }

  /** Publishes dispatches in their order, as one message; without any, nothing. */
  publish(
    userId: Snowflake,
    dispatches: readonly Dispatch[],
    trace: TraceContext | undefined,
  ): void {
    if (dispatches.length === 0) return;
    const atUs = BigInt(this.#bus.clock.nowMs()) * MICROSECONDS;
    const events = dispatches.map(({ type, json }) =>
      create(TopicEventSchema, { topicId: userId, type, data: encoder.encode(json), atUs }),
    );
    const span = trace && this.#tracer.child(trace, PUBLISH);
    const payload = toBinary(EventBatchSchema, create(EventBatchSchema, { events }));
    this.#bus.publish(topicEphemeral(userId), payload, span?.context);
    span
      ?.set('guildhall.topic.id', String(userId))
      .set('guildhall.batch.count', events.length)
      .end();
  }
}
