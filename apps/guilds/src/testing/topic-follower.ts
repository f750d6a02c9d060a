// Follows a topic as a gateway's relay does, for specs: takes events in order, fetches what is
// missing, and believes nobody but `seq`.
import { fromBinary } from '@bufbuild/protobuf';
import { subscribeMessages, type Bus, type Subscription } from '@guildhall/bus';
import {
  DIGEST_SUBJECT,
  DigestSchema,
  EventBatchSchema,
  topicAll,
  type FetchEventsReply,
  type TopicEvent,
} from '@guildhall/contracts';

/** See the top of the file. */
export class TopicFollower {
  /** Durable events in order, without holes, each once. */
  readonly events: TopicEvent[] = [];
  readonly ephemeral: TopicEvent[] = [];
  /** Events that came over the bus by themselves. */
  publishedCount = 0;
  fetchesCount = 0;
  position: bigint;
  readonly #fetch: (afterSeq: bigint) => Promise<FetchEventsReply>;
  readonly #early = new Map<bigint, TopicEvent>();
  readonly #subscriptions: Subscription[];
  #repairing: Promise<void> | undefined;

  constructor(
    bus: Bus,
    topicId: bigint,
    position: bigint,
    fetch: (afterSeq: bigint) => Promise<FetchEventsReply>,
  ) {
    this.position = position;
    this.#fetch = fetch;
    this.#subscriptions = [
      bus.subscribe(topicAll(topicId), (payload) => {
        for (const event of fromBinary(EventBatchSchema, payload.slice()).events) this.#hear(event);
        if (this.#early.size > 0) void this.repair();
      }),
      subscribeMessages(bus, DigestSchema, DIGEST_SUBJECT, ({ topics }) => {
        const digest = topics.find((topic) => topic.topicId === topicId);
        if (digest !== undefined && digest.seq > this.position) void this.repair();
      }),
    ];
  }

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  /** Fetches until there is nothing more. Rejects with what fetching rejects with. */
  repair(): Promise<void> {
    this.#repairing ??= this.#fetchAll().finally(() => (this.#repairing = undefined));
    return this.#repairing;
  }

  async #fetchAll(): Promise<void> {
    for (;;) {
      this.fetchesCount += 1;
      const { events, lastSeq } = await this.#fetch(this.position);
      for (const event of events) this.#take(event);
      if (this.position >= lastSeq) return;
    }
  }

  #hear(event: TopicEvent): void {
    if (event.seq === 0n) {
      this.ephemeral.push(event);
      return;
    }
    this.publishedCount += 1;
    this.#take(event);
  }

  #take(event: TopicEvent): void {
    if (event.seq <= this.position) return;
    this.#early.set(event.seq, event);
    for (;;) {
      const next = this.#early.get(this.position + 1n);
      if (next === undefined) return;
      this.#early.delete(next.seq);
      this.position = next.seq;
      this.events.push(next);
    }
  }
}
