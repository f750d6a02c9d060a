/**
 * Says once a second how far the topics with recent events have come, so that a follower that lost
 * the last event of a topic notices without another event; and forgets followers that have not been
 * heard of.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { Bus } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import { DIGEST_SUBJECT, DigestSchema } from '@guildhall/contracts';
import type { TopicShelf } from './topic-shelf.js';

/** Topics in one message: some 100 KB. */
const TOPICS_PER_MESSAGE = 5_000;

export interface DigestOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly shelf: TopicShelf;
  readonly instance: string;
  readonly intervalMs: number;
  readonly windowMs: number;
  readonly followerLeaseMs: number;
}

export class DigestTeller {
  readonly #options: DigestOptions;
  #timer: Timer | undefined;

  constructor(options: DigestOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.every(this.#options.intervalMs, () => this.#tell());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #tell(): void {
    const { bus, clock, shelf, instance, windowMs, followerLeaseMs } = this.#options;
    const nowMs = clock.nowMs();
    const topics = [];
    for (const held of shelf.all()) {
      if (nowMs - held.lastPublishedMs <= windowMs) {
        topics.push({ topicId: held.topic.id, seq: held.publishedSeq });
      }
      held.dropSilentFollowers(nowMs - followerLeaseMs);
      held.forgetReplies(nowMs);
    }
    for (let at = 0; at < topics.length; at += TOPICS_PER_MESSAGE) {
      const digest = create(DigestSchema, {
        ownerInstance: instance,
        topics: topics.slice(at, at + TOPICS_PER_MESSAGE),
      });
      bus.publish(DIGEST_SUBJECT, toBinary(DigestSchema, digest));
    }
    shelf.evict();
  }
}
