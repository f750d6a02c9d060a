// Deliveries that are too many for one turn of the event loop: one lane for each topic, in the
// order of its events, and all lanes in turns, a few writes at a time. So a guild of a hundred
// thousand sessions delays nobody else's event by more than a few writes, and heartbeats come in
// between.
//
//   lane of topic 1   [ A to 60,000 ] [ A to 40,000 ] [ B to 60,000 ] ...     128 writes, then
//   lane of topic 2   [ C to 30 ]                                            30 writes, done
//
// Deliveries that wait for the same list are written together: A and B to each of the 60,000. That
// overtakes the deliveries between them, and is allowed because classes are disjoint; a delivery to
// single sessions, which may be in any class, is never overtaken.
//
// A session that leaves a topic by itself (it was told so by another way) is muted: it gets nothing
// that was decided before. One that an event removes gets what came before that event.
import type { Delivery } from './fan-out.js';
import type { Recipient, TurnBatch, Written } from './turn-batch.js';

/** One delivery in its lane. */
export interface Waiting<R> {
  readonly delivery: Delivery<R>;
  /** Hears of each write; such a delivery is written alone. */
  readonly onWritten?: ((recipient: R) => void) | undefined;
  /** It has been written to everybody. */
  readonly onDone?: ((written: Written) => void) | undefined;
}

interface Item<R> extends Waiting<R> {
  /** Counts all that is added. */
  readonly order: number;
  readonly written: Written;
}

interface Lane<R> {
  readonly topicId: bigint;
  /** From `head` on; what was taken out of turn has left a hole. */
  readonly queue: (Item<R> | undefined)[];
  head: number;
  /** What is being written, to one list, up to `at`. */
  run: Item<R>[];
  at: number;
  /** Recipients that are left, of all deliveries. */
  leftCount: number;
  /** Who is muted for what was added before. */
  readonly muted: Map<R, number>;
}

const RUN_LENGTH_MAX = 64;
/** Deliveries that are looked at for a run. */
const LOOK_AHEAD_MAX = 512;
/** Places of the queue that are used up before it is moved. */
const COMPACT_AT = 4_096;

/** See the top of the file. */
export class DeliveryLanes<R extends Recipient> {
  readonly #batch: TurnBatch<R>;
  readonly #writesPerStep: number;
  readonly #lanes = new Map<bigint, Lane<R>>();
  #addedCount = 0;

  constructor(batch: TurnBatch<R>, writesPerStep: number) {
    this.#batch = batch;
    this.#writesPerStep = writesPerStep;
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0;
  }

  /** Recipients that wait in a topic's lane, each counted for each delivery. */
  leftCount(topicId: bigint): number {
    return this.#lanes.get(topicId)?.leftCount ?? 0;
  }

  /** Adds to the end of a topic's lane. */
  add(topicId: bigint, waiting: Waiting<R>): void {
    let lane = this.#lanes.get(topicId);
    if (lane === undefined) {
      lane = { topicId, queue: [], head: 0, run: [], at: 0, leftCount: 0, muted: new Map() };
      this.#lanes.set(topicId, lane);
    }
    this.#addedCount += 1;
    lane.queue.push({ ...waiting, order: this.#addedCount, written: { count: 0, bytes: 0 } });
    lane.leftCount += waiting.delivery.to.length;
  }

  /** What waits in a topic's lane is not for this session any more. */
  mute(topicId: bigint, recipient: R): void {
    this.#lanes.get(topicId)?.muted.set(recipient, this.#addedCount);
  }

  /** A few writes of the lane whose turn it is; that topic, or undefined when nothing is left. */
  step(): bigint | undefined {
    for (const lane of this.#lanes.values()) {
      // To the end of the order.
      this.#lanes.delete(lane.topicId);
      this.#write(lane);
      if (!isDone(lane)) this.#lanes.set(lane.topicId, lane);
      return lane.topicId;
    }
    return undefined;
  }

  /** Everything of one topic, at once. */
  flush(topicId: bigint): void {
    const lane = this.#lanes.get(topicId);
    if (lane === undefined) return;
    this.#lanes.delete(topicId);
    while (!isDone(lane)) this.#write(lane);
  }

  #write(lane: Lane<R>): void {
    if (lane.run.length === 0) this.#nextRun(lane);
    const { run } = lane;
    const [first] = run as [Item<R>];
    const { delivery, written, onWritten } = first;
    const from = lane.at;
    const end = Math.min(delivery.to.length, from + this.#writesPerStep);
    const except = exceptOf(lane, first);
    if (run.length === 1) {
      const some = except === delivery.except ? delivery : { ...delivery, except };
      this.#batch.single(some, from, end, written, onWritten);
    } else {
      // The bytes of a run are not told apart: they are the first one's.
      written.bytes += this.#batch.run(
        run.map((item) => item.delivery),
        from,
        end,
        except,
      );
      for (const [index, item] of run.entries()) item.written.count += this.#batch.countOf(index);
    }
    lane.at = end;
    lane.leftCount -= (end - from) * run.length;
    if (end < delivery.to.length) return;
    lane.run = [];
    for (const { delivery: done, written: total, onDone } of run) {
      done.lender?.giveBack(done.to);
      onDone?.(total);
    }
  }

  /** The next delivery, and those soon after it that go to the same list and may go with it. */
  #nextRun(lane: Lane<R>): void {
    const { queue } = lane;
    const first = queue[lane.head]!;
    const run = [first];
    lane.run = run;
    lane.at = 0;
    lane.head += 1;
    if (isJoinable(first) && lane.muted.size === 0) {
      const end = Math.min(queue.length, lane.head + LOOK_AHEAD_MAX);
      for (let at = lane.head; at < end && run.length < RUN_LENGTH_MAX; at += 1) {
        const item = queue[at];
        if (item === undefined) continue;
        if (!isJoinable(item)) break;
        if (item.delivery.to !== first.delivery.to) continue;
        run.push(item);
        queue[at] = undefined;
      }
    }
    while (lane.head < queue.length && queue[lane.head] === undefined) lane.head += 1;
    if (lane.head === queue.length || lane.head > COMPACT_AT) {
      queue.splice(0, lane.head);
      lane.head = 0;
    }
  }
}

function isDone<R>({ run, queue }: Lane<R>): boolean {
  return run.length === 0 && queue.length === 0;
}

function isJoinable<R>({ delivery, onWritten }: Item<R>): boolean {
  return delivery.lender !== undefined && delivery.except.length === 0 && onWritten === undefined;
}

function exceptOf<R>({ muted }: Lane<R>, { delivery, order }: Item<R>): readonly R[] {
  if (muted.size === 0) return delivery.except;
  const out = [...muted].filter(([, upTo]) => order <= upTo).map(([recipient]) => recipient);
  return out.length === 0 ? delivery.except : [...delivery.except, ...out];
}
