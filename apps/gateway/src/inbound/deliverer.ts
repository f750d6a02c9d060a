// From what relays decided to the sockets. Everything that a session is sent goes through here, so
// that `s` is counted in one place, at the moment of sending.
//
//   deliver ──► the turn's deliveries ── end of the turn ──┬─► each session's in one write
//                                                          └─► too many: lanes, in slices
//
// The end of the turn is a microtask: it comes after all events that one read from the bus brought,
// and before anything else. An event that is alone in its turn waits for nothing.
import type { Clock } from '@guildhall/clock';
import type { TraceContext, Tracer } from '@guildhall/telemetry';
import { DeliveryLanes } from '../domain/delivery-lanes.js';
import type { Dispatch } from '../domain/dispatch.js';
import type { Delivery, RelayOutcome } from '../domain/fan-out.js';
import type { Session } from '../domain/session.js';
import { TurnBatch, type Written } from '../domain/turn-batch.js';
import type { GatewayEvents } from '../events.js';
import { TracedDelivery, type DeliveryCause } from './traced-delivery.js';

export interface DelivererOptions {
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly events: GatewayEvents;
  /** A session for which more waits than may. */
  readonly onOverfull: (session: Session) => void;
  /** Recipients that may wait in one topic's lane, each counted for each event. */
  readonly backlogMax: number;
}

interface Pending {
  readonly topicId: bigint;
  readonly delivery: Delivery<Session>;
}

const MICROSECONDS = 1000;
/** Writes that are made in one go: some 3 ms. More go out in slices. */
const TURN_WRITES_MAX = 256;
/** Writes of one topic before it is another's turn, and how long slices go on without a pause. */
const SLICE_WRITES = 64;
const SLICES_MS = 3;

/** Counts, encodes and writes dispatches. */
export class Deliverer {
  readonly #options: DelivererOptions;
  readonly #batch: TurnBatch<Session>;
  readonly #lanes: DeliveryLanes<Session>;
  #pending: Pending[] = [];
  #pendingCount = 0;
  #pendingEventsCount = 0;
  #isSlicing = false;
  /** Who waits until a topic has room again. */
  readonly #waitingForRoom = new Map<bigint, (() => void)[]>();
  /** Wall time minus monotonic time: durations since an event's commit want more than whole ms. */
  #wallOffsetMs: number;

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#batch = new TurnBatch<Session>(options.onOverfull);
    this.#lanes = new DeliveryLanes(this.#batch, SLICE_WRITES);
    this.#wallOffsetMs = wallOffset(options.clock);
  }

  /** Wall time may have been stepped: looks again. To be called every few seconds. */
  anchor(): void {
    this.#wallOffsetMs = wallOffset(this.#options.clock);
  }

  /** Whether a topic's events can be taken: less waits for its sessions than may. */
  hasRoom(topicId: bigint): boolean {
    return this.#lanes.leftCount(topicId) < this.#options.backlogMax;
  }

  /** Resolves when most of what waited for a topic's sessions has been sent. */
  room(topicId: bigint): Promise<void> {
    if (this.hasRoom(topicId)) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waitingForRoom.get(topicId);
      if (waiting === undefined) this.#waitingForRoom.set(topicId, [resolve]);
      else waiting.push(resolve);
    });
  }

  /** Sends one session something of its own, after what was decided before. */
  own(session: Session, dispatch: Dispatch): void {
    this.#endTurn();
    const s = session.take(dispatch);
    if (s === 0) {
      if (session.isOverfull) this.#options.onOverfull(session);
      return;
    }
    const { socket } = session;
    if (socket !== undefined) this.#options.events.delivered(1, socket.write(dispatch, s));
  }

  /** Hot path. Sends what a relay decided, at the end of the turn at the latest. */
  deliver(topicId: bigint, outcome: RelayOutcome<Session>, cause: DeliveryCause | undefined): void {
    const { deliveries } = outcome;
    if (cause !== undefined && this.#deliverTraced(topicId, outcome, cause)) return;
    if (deliveries.length === 0) return;
    const isFirst = this.#pending.length === 0;
    for (let at = 0; at < deliveries.length; at += 1) {
      const delivery = deliveries[at]!;
      this.#pending.push({ topicId, delivery });
      this.#pendingCount += delivery.to.length;
    }
    this.#pendingEventsCount += outcome.eventsCount;
    if (isFirst) queueMicrotask(this.#atEndOfTurn);
  }

  /** What was decided for this topic goes out now: what follows presumes it. */
  flush(topicId: bigint): void {
    this.#endTurn();
    this.#lanes.flush(topicId);
    this.#tellOfRoom(topicId);
  }

  /** The session has left the topic: what still waits there is not for it. */
  left(topicId: bigint, session: Session): void {
    this.#endTurn();
    this.#lanes.mute(topicId, session);
  }

  readonly #atEndOfTurn = (): void => this.#endTurn();

  #endTurn(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    const isLarge = this.#pendingCount > TURN_WRITES_MAX || !this.#lanes.isEmpty;
    const isOneEvent = this.#pendingEventsCount === 1;
    this.#pending = [];
    this.#pendingCount = 0;
    this.#pendingEventsCount = 0;
    if (isLarge) this.#toLanes(pending);
    else if (isOneEvent) for (const { delivery } of pending) this.#writeAlone(delivery);
    else this.#writeTogether(pending.map(({ delivery }) => delivery));
  }

  #writeAlone(delivery: Delivery<Session>): void {
    const written = { count: 0, bytes: 0 };
    this.#batch.single(delivery, 0, delivery.to.length, written);
    delivery.lender?.giveBack(delivery.to);
    this.#report(delivery, written, undefined);
  }

  #writeTogether(deliveries: readonly Delivery<Session>[]): void {
    let bytes = this.#batch.many(deliveries);
    for (let index = 0; index < deliveries.length; index += 1) {
      const delivery = deliveries[index]!;
      delivery.lender?.giveBack(delivery.to);
      this.#report(delivery, { count: this.#batch.countOf(index), bytes }, undefined);
      bytes = 0;
    }
  }

  #toLanes(pending: readonly Pending[]): void {
    for (const { topicId, delivery } of pending) {
      const onDone = (written: Written): void => this.#report(delivery, written, undefined);
      this.#lanes.add(topicId, { delivery, onDone });
    }
    this.#slice();
  }

  /** Goes on until some ms have passed, and then in the next turn, until nothing is left. */
  #slice(): void {
    if (this.#isSlicing) return;
    this.#isSlicing = true;
    this.#slices();
  }

  readonly #slices = (): void => {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + SLICES_MS;
    do {
      const topicId = this.#lanes.step();
      if (topicId === undefined) {
        this.#isSlicing = false;
        return;
      }
      this.#tellOfRoom(topicId);
    } while (clock.monotonicMs() < untilMs);
    setImmediate(this.#slices);
  };

  #tellOfRoom(topicId: bigint): void {
    if (this.#waitingForRoom.size === 0) return;
    if (this.#lanes.leftCount(topicId) * 2 > this.#options.backlogMax) return;
    const waiting = this.#waitingForRoom.get(topicId);
    this.#waitingForRoom.delete(topicId);
    for (const resolve of waiting ?? []) resolve();
  }

  /** False when it is not sampled after all. */
  #deliverTraced(topicId: bigint, outcome: RelayOutcome<Session>, cause: DeliveryCause): boolean {
    const { tracer } = this.#options;
    const traced = TracedDelivery.begin(tracer, outcome, cause);
    if (traced === undefined) return false;
    this.#endTurn();
    let recipientsCount = 0;
    for (const { to } of outcome.deliveries) recipientsCount += to.length;
    const isLarge = recipientsCount > TURN_WRITES_MAX || !this.#lanes.isEmpty;
    for (const delivery of outcome.deliveries) {
      const onWritten = (session: Session): void => traced.wrote(session);
      const onDone = (written: Written): void => {
        this.#report(delivery, written, traced.context);
        traced.done(written.bytes);
      };
      if (isLarge) {
        this.#lanes.add(topicId, { delivery, onWritten, onDone });
        continue;
      }
      const written = { count: 0, bytes: 0 };
      this.#batch.single(delivery, 0, delivery.to.length, written, onWritten);
      delivery.lender?.giveBack(delivery.to);
      onDone(written);
    }
    if (isLarge) this.#slice();
    return true;
  }

  /** A delivery is done; the last one of its event says how long it took. */
  #report({ tally }: Delivery<Session>, written: Written, trace: TraceContext | undefined): void {
    const { events, clock } = this.#options;
    tally.writtenCount += written.count;
    tally.leftCount -= 1;
    events.delivered(written.count, written.bytes);
    if (tally.leftCount > 0 || tally.writtenCount === 0 || tally.atUs === 0) return;
    const nowMs = clock.monotonicMs() + this.#wallOffsetMs;
    events.deliveryTook(nowMs - tally.atUs / MICROSECONDS, trace);
  }
}

/** Half a millisecond: wall time is in whole ones. */
function wallOffset(clock: Clock): number {
  return clock.nowMs() + 0.5 - clock.monotonicMs();
}
