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
  Signal,
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
    const publish = (topicId: bigint, batch: TopicEvent[]): void => {
      const bytes = toBinary(EventBatchSchema, create(EventBatchSchema, { events: batch }));
      if (this.#bus.publish(topicEphemeral(topicId), bytes)) saidCount += batch.length;
      else droppedCount += batch.length;
    };
    for (const [topicId, events] of news.eventsByTopic) {
      let last: TopicEvent[] = [];
      for (const batch of batches(topicId, events, atUs)) {
        if (last.length > 0) publish(topicId, last);
        last = batch;
      }
      const gone = news.goneByTopic.get(topicId);
      publish(topicId, gone === undefined ? last : [...last, goneEvent(topicId, gone, atUs)]);
    }
    for (const [topicId, userIds] of news.goneByTopic) {
      if (news.eventsByTopic.has(topicId)) continue;
      publish(topicId, [goneEvent(topicId, userIds, atUs)]);
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

function goneEvent(topicId: bigint, userIds: readonly bigint[], atUs: bigint): TopicEvent {
  const data = Buffer.from(JSON.stringify({ user_ids: userIds.map(String) }));
  return create(TopicEventSchema, { topicId, type: Signal.UsersGone, data, atUs });
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
