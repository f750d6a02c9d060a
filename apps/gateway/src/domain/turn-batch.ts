// Several deliveries of one turn of the event loop, turned around: from "this event to those
// sessions" to "this session gets those events", so that each session is written to once.
//
//   deliveries      0: A to [x, y]    1: B to [y]    2: C to [x]
//   entries         0 x, 0 y, 1 y, 2 x     each points to the session's next
//   chains          x: 0 -> 2     y: 0 -> 1
//   written         x: A C in one piece     y: A B in one piece
//
// Entries lie in typed arrays that are used again each turn; a session holds the ends of its chain.
// Frames are gathered in one scratch buffer. Nothing is allocated for a recipient or a frame.
import type { Dispatch } from './dispatch.js';
import type { Delivery } from './fan-out.js';
import type { GatewaySocket } from './gateway-socket.js';

/** A session, as far as it is sent things. */
export interface Recipient {
  /** Counts the next dispatch; its `s`, or 0 when it is not to be sent (now). */
  take(dispatch: Dispatch): number;
  readonly socket: GatewaySocket | undefined;
  /** More waits for it than may. */
  readonly isOverfull: boolean;
  /** Kept by the batch: the ends of its chain, -1 while it has none. */
  chainFirst: number;
  chainLast: number;
}

/** Sockets that were written to, and bytes. */
export interface Written {
  count: number;
  bytes: number;
}

const ENTRIES_FIRST = 1_024;
const SCRATCH_BYTES = 256 * 1024;

/** See the top of the file. One for all turns. */
export class TurnBatch<R extends Recipient> {
  readonly #onOverfull: (recipient: R) => void;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  readonly #touched: R[] = [];
  #deliveryOf = new Uint32Array(ENTRIES_FIRST);
  #nextOf = new Int32Array(ENTRIES_FIRST);
  #entriesCount = 0;
  /** By delivery. */
  #counts = new Uint32Array(64);
  #bytes = 0;

  constructor(onOverfull: (recipient: R) => void) {
    this.#onOverfull = onOverfull;
  }

  /**
   * Hot path. Sends one delivery alone, as it is, to the members of its list within limits; adds up
   * in `written`. `onWritten` hears of each.
   */
  single(
    { dispatch, to, except }: Delivery<R>,
    from: number,
    end: number,
    written: Written,
    onWritten?: (recipient: R) => void,
  ): void {
    for (let at = from; at < end; at += 1) {
      const recipient = to[at]!;
      if (except.length > 0 && except.includes(recipient)) continue;
      const s = this.#take(recipient, dispatch);
      if (s === 0) continue;
      const { socket } = recipient;
      if (socket === undefined) continue;
      written.bytes += socket.write(dispatch, s);
      written.count += 1;
      onWritten?.(recipient);
    }
  }

  /**
   * Hot path. Sends many: each session gets its own in the order of the deliveries, in one piece.
   * Returns the bytes; `countOf` says how many each delivery was written to.
   */
  many(deliveries: readonly Delivery<R>[]): number {
    this.#begin(deliveries.length);
    for (let index = 0; index < deliveries.length; index += 1) {
      const { to, except } = deliveries[index]!;
      for (let at = 0; at < to.length; at += 1) {
        const recipient = to[at]!;
        if (except.length > 0 && except.includes(recipient)) continue;
        this.#chain(recipient, index);
      }
    }
    const touched = this.#touched;
    for (let at = 0; at < touched.length; at += 1) this.#write(touched[at]!, deliveries);
    touched.length = 0;
    return this.#bytes;
  }

  /**
   * Hot path. The same for deliveries to one list: all of them to each of its members within
   * limits, but for `except`.
   */
  run(deliveries: readonly Delivery<R>[], from: number, end: number, except: readonly R[]): number {
    this.#begin(deliveries.length);
    const { to } = deliveries[0]!;
    for (let at = from; at < end; at += 1) {
      const recipient = to[at]!;
      if (except.length > 0 && except.includes(recipient)) continue;
      this.#writeAll(recipient, deliveries);
    }
    return this.#bytes;
  }

  /** Sockets that a delivery of the last `many` or `run` was written to. */
  countOf(index: number): number {
    return this.#counts[index]!;
  }

  #begin(deliveriesCount: number): void {
    this.#entriesCount = 0;
    this.#bytes = 0;
    if (this.#counts.length < deliveriesCount) this.#counts = new Uint32Array(deliveriesCount * 2);
    else this.#counts.fill(0, 0, deliveriesCount);
  }

  #chain(recipient: R, delivery: number): void {
    const entry = this.#entriesCount++;
    if (entry === this.#nextOf.length) this.#grow();
    this.#deliveryOf[entry] = delivery;
    this.#nextOf[entry] = -1;
    if (recipient.chainLast === -1) {
      recipient.chainFirst = entry;
      this.#touched.push(recipient);
    } else {
      this.#nextOf[recipient.chainLast] = entry;
    }
    recipient.chainLast = entry;
  }

  #write(recipient: R, deliveries: readonly Delivery<R>[]): void {
    const first = recipient.chainFirst;
    const isAlone = first === recipient.chainLast;
    recipient.chainFirst = -1;
    recipient.chainLast = -1;
    if (isAlone) {
      this.#writeOne(recipient, deliveries, this.#deliveryOf[first]!);
      return;
    }
    let filled = 0;
    for (let entry = first; entry !== -1; entry = this.#nextOf[entry]!) {
      filled = this.#gather(recipient, deliveries, this.#deliveryOf[entry]!, filled);
    }
    if (filled > 0) recipient.socket?.put(this.#scratch, filled);
  }

  #writeAll(recipient: R, deliveries: readonly Delivery<R>[]): void {
    if (deliveries.length === 1) {
      this.#writeOne(recipient, deliveries, 0);
      return;
    }
    let filled = 0;
    for (let index = 0; index < deliveries.length; index += 1) {
      filled = this.#gather(recipient, deliveries, index, filled);
    }
    if (filled > 0) recipient.socket?.put(this.#scratch, filled);
  }

  #writeOne(recipient: R, deliveries: readonly Delivery<R>[], index: number): void {
    const { dispatch } = deliveries[index]!;
    const s = this.#take(recipient, dispatch);
    if (s === 0) return;
    const { socket } = recipient;
    if (socket === undefined) return;
    this.#bytes += socket.write(dispatch, s);
    this.#counts[index]! += 1;
  }

  /** Adds a frame to the scratch buffer, or writes it at once if it cannot be; the bytes in it. */
  #gather(recipient: R, deliveries: readonly Delivery<R>[], index: number, filled: number): number {
    const { dispatch } = deliveries[index]!;
    const s = this.#take(recipient, dispatch);
    if (s === 0) return filled;
    const { socket } = recipient;
    if (socket === undefined) return filled;
    this.#counts[index]! += 1;
    const { form } = socket;
    if (form === undefined || dispatch.isOwn) {
      if (filled > 0) socket.put(this.#scratch, filled);
      this.#bytes += socket.write(dispatch, s);
      return 0;
    }
    const frame = dispatch.encoded.shared(form);
    if (filled + frame.sizeMax > SCRATCH_BYTES) {
      if (filled > 0) socket.put(this.#scratch, filled);
      if (frame.sizeMax > SCRATCH_BYTES) {
        this.#bytes += socket.write(dispatch, s);
        return 0;
      }
      filled = 0;
    }
    const end = frame.writeTo(this.#scratch, filled, s);
    this.#bytes += end - filled;
    return end;
  }

  #take(recipient: R, dispatch: Dispatch): number {
    const s = recipient.take(dispatch);
    if (s === 0 && recipient.isOverfull) this.#onOverfull(recipient);
    return s;
  }

  #grow(): void {
    const size = this.#nextOf.length * 2;
    const deliveryOf = new Uint32Array(size);
    deliveryOf.set(this.#deliveryOf);
    this.#deliveryOf = deliveryOf;
    const nextOf = new Int32Array(size);
    nextOf.set(this.#nextOf);
    this.#nextOf = nextOf;
  }
}
