/**
 * Puts what is said of users on the bus. Never waits; what is lost is said again with the next
 * change.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@guildhall/bus';
import {
  EventBatchSchema,
  PARTITIONS_TAKEN_SUBJECT,
  PartitionsTakenSchema,
  topicEphemeral,
  TopicEventSchema,
  type TopicEvent,
} from '@guildhall/contracts';
import type { News, PresenceEvent } from '../domain/presence-news.js';

/** Well below what the bus carries in one message. */
const BATCH_BYTES_MAX = 256 * 1024;

/** How many events went out, and how many the bus did not take. */
export interface Broadcast {
  readonly saidCount: number;
  readonly droppedCount: number;
}

export class PresenceBroadcast {
  readonly #bus: Bus;
  readonly #instance: string;

  constructor(bus: Bus, instance: string) {
    this.#bus = bus;
    this.#instance = instance;
  }

  /**
   * Publishes the events of a window: those of one topic in one message, unless it is too large.
   */
  say(news: News, atUs: bigint): Broadcast {
    let saidCount = 0;
    let droppedCount = 0;
    for (const [topicId, events] of news.eventsByTopic) {
      const subject = topicEphemeral(topicId);
      for (const batch of batches(topicId, events, atUs)) {
        const bytes = toBinary(EventBatchSchema, create(EventBatchSchema, { events: batch }));
        if (this.#bus.publish(subject, bytes)) saidCount += batch.length;
        else droppedCount += batch.length;
      }
    }
    return { saidCount, droppedCount };
  }

  /** Asks gateways to put the sessions of users in these partitions again. */
  taken(partitions: readonly number[]): void {
    const taken = create(PartitionsTakenSchema, {
      instance: this.#instance,
      partitions: [...partitions],
    });
    this.#bus.publish(PARTITIONS_TAKEN_SUBJECT, toBinary(PartitionsTakenSchema, taken));
  }
}

function* batches(
  topicId: bigint,
  events: readonly PresenceEvent[],
  atUs: bigint,
): Iterable<TopicEvent[]> {
  let batch: TopicEvent[] = [];
  let batchBytes = 0;
  for (const { type, userId, data: text } of events) {
    const data = Buffer.from(text);
    if (batch.length > 0 && batchBytes + data.length > BATCH_BYTES_MAX) {
      yield batch;
      batch = [];
      batchBytes = 0;
    }
    batch.push(
      create(TopicEventSchema, {
        topicId,
        type,
        data,
        subjectUserId: userId,
        exceptUserId: type === 'PRESENCE_UPDATE' ? userId : 0n,
        atUs,
      }),
    );
    batchBytes += data.length;
  }
  if (batch.length > 0) yield batch;
}
