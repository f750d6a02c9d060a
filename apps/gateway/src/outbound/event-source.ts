import { fromBinary } from '@bufbuild/protobuf';
import type { Bus } from '@guildhall/bus';
import { EventBatchSchema, topicAll, type TopicEvent } from '@guildhall/contracts';
import type { TraceContext } from '@guildhall/telemetry';
import type { EventSource } from '../domain/ports.js';

export interface EventSourceOptions {
  readonly bus: Bus;
  /** A message that is no batch of events: counted and set aside. */
  readonly onMalformed: (subject: string) => void;
}

/** What owners publish on the bus. */
export class EventsOverBus implements EventSource {
  readonly #options: EventSourceOptions;

  constructor(options: EventSourceOptions) {
    this.#options = options;
  }

  follow(
    topicId: bigint,
    onEvents: (events: readonly TopicEvent[], trace: TraceContext | undefined) => void,
  ): () => void {
    const subscription = this.#options.bus.subscribe(
      topicAll(topicId),
      (payload, subject, trace) => {
        const events = this.#decode(payload, subject);
        if (events !== undefined) onEvents(events, trace);
      },
    );
    return () => subscription.unsubscribe();
  }

  /** From a copy: the events refer to the bytes, and sessions keep them for a while. */
  #decode(payload: Uint8Array, subject: string): TopicEvent[] | undefined {
    try {
      return fromBinary(EventBatchSchema, Uint8Array.from(payload)).events;
    } catch {
      this.#options.onMalformed(subject);
      return undefined;
    }
  }
}
