// Broadcasts as protobuf messages.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { TraceContext } from '@guildhall/telemetry';
import type { Bus, Subscription } from './bus.js';

/** As {@link Bus.publish}, for a message. */
export function publishMessage<S extends DescMessage>(
  bus: Bus,
  schema: S,
  subject: string,
  message: MessageInitShape<S>,
  trace?: TraceContext,
): boolean {
  return bus.publish(subject, toBinary(schema, create(schema, message)), trace);
}

/**
 * As {@link Bus.subscribe}, for messages. What cannot be decoded is counted, logged and set aside.
 */
export function subscribeMessages<S extends DescMessage>(
  bus: Bus,
  schema: S,
  subject: string,
  onMessage: (message: MessageShape<S>, subject: string, trace: TraceContext | undefined) => void,
  options: { queue?: string } = {},
): Subscription {
  return bus.subscribe(
    subject,
    (payload, on, trace) => {
      let message: MessageShape<S>;
      try {
        message = fromBinary(schema, payload);
      } catch (reason) {
        bus.setAside(on, reason);
        return;
      }
      onMessage(message, on, trace);
    },
    options,
  );
}
