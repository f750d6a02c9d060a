// Requests and their answers. All answers come to one wildcard inbox subscription, which hands them
// over as they arrive, so their order relative to broadcasts on the same connection is kept.
import type { Timer } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import type { TraceContext } from '@guildhall/telemetry';
import type { GatheredReply, OnReply, RequestAllOptions, RequestOptions } from './bus.js';
import { traceHeaders, type BusRoom } from './bus-room.js';
import { InFlight } from './in-flight.js';
import type { LinkSubscription, WireMessage } from './link.js';
import { decodeReply } from './reply-codec.js';
import { Assembly, PART_HEADER, type AssemblyBudget } from './reply-parts.js';

const NO_RESPONDERS = 503;
const NOTHING = new Uint8Array(0);
/** A timer this late means that the process stood still: answers may be waiting to be read. */
const LATE_MS = 100;
const LATE_GRACE_MS = 50;

/** Somebody who waits for one answer, or for many. */
interface Waiter {
  readonly subject: string;
  timer: Timer;
  assembly: Assembly | undefined;
  /** Takes an answer; true when no more are wanted. */
  take(fault: Fault | undefined, body: Uint8Array): boolean;
  /** No more will come. */
  end(fault: Fault): void;
}

/** The asking half of a bus. */
export class Asking {
  readonly #room: BusRoom;
  readonly #inbox: string;
  readonly #waiters = new Map<string, Waiter>();
  readonly #inFlight = new InFlight();
  readonly #budget: AssemblyBudget;
  readonly #subscription: LinkSubscription;
  #requestsCount = 0;

  /** @param inbox a subject of this connection alone; answers come to `<inbox>.<token>`. */
  constructor(room: BusRoom, inbox: string) {
    this.#room = room;
    this.#inbox = `${inbox}.`;
    this.#budget = { bytes: 0, bytesMax: room.limits.assemblyBytesMax };
    this.#subscription = room.link.subscribe(`${inbox}.*`, undefined, (message) =>
      this.#arrived(message),
    );
  }

  get inFlight(): InFlight {
    return this.#inFlight;
  }

  get assemblyBytes(): number {
    return this.#budget.bytes;
  }

  /** Hot path. See {@link Bus.requestCallback}. */
  one(subject: string, payload: Uint8Array, options: RequestOptions, onReply: OnReply): void {
    const refused = this.#refusal(subject, payload);
    const waiter = new OneWaiter(this.#room, subject, options.trace, onReply);
    if (refused !== undefined) {
      queueMicrotask(() => waiter.end(refused));
      return;
    }
    this.#send(payload, options, waiter);
  }

  /** See {@link Bus.requestAll}. */
  all(subject: string, payload: Uint8Array, options: RequestAllOptions): Promise<GatheredReply[]> {
    const refused = this.#refusal(subject, payload);
    if (refused !== undefined) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      const expected = options.expected ?? Infinity;
      this.#send(payload, options, new AllWaiter(subject, expected, resolve, reject));
    });
  }

  /** Ends every request under way. */
  endAll(fault: Fault): void {
    for (const [token, waiter] of [...this.#waiters]) {
      this.#forget(token, waiter);
      waiter.end(fault);
    }
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #refusal(subject: string, payload: Uint8Array): Fault | undefined {
    const { link, counts, limits, payloadBytesMax } = this.#room;
    counts.requests += 1;
    if (payload.length > payloadBytesMax) {
      const text = `request of ${payload.length} bytes to ${subject}, at most ${payloadBytesMax}`;
      return new Fault(FaultCode.Invalid, text);
    }
    if (!link.isConnected) return new Fault(FaultCode.Unavailable, 'not connected');
    if (this.#waiters.size >= limits.requestsInFlightMax) {
      counts.overloaded += 1;
      return new Fault(FaultCode.Overloaded, `${this.#waiters.size} requests are under way`);
    }
    return undefined;
  }

  #send(payload: Uint8Array, options: RequestOptions, waiter: Waiter): void {
    const token = (this.#requestsCount++).toString(36);
    const { link, clock, counts } = this.#room;
    const headers = traceHeaders(options.trace);
    if (!link.publish(waiter.subject, payload, this.#inbox + token, headers)) {
      counts.dropped += 1;
      const fault = link.isConnected
        ? new Fault(FaultCode.Overloaded, 'too much is waiting to be sent')
        : new Fault(FaultCode.Unavailable, 'not connected');
      queueMicrotask(() => waiter.end(fault));
      return;
    }
    this.#waiters.set(token, waiter);
    this.#inFlight.begin();
    const dueMs = clock.monotonicMs() + options.timeoutMs;
    waiter.timer = clock.setTimer(options.timeoutMs, () => this.#due(token, waiter, dueMs));
  }

  #due(token: string, waiter: Waiter, dueMs: number): void {
    const { clock, counts } = this.#room;
    if (clock.monotonicMs() - dueMs > LATE_MS) {
      waiter.timer = clock.setTimer(LATE_GRACE_MS, () => this.#due(token, waiter, Infinity));
      return;
    }
    this.#forget(token, waiter);
    counts.timeouts += 1;
    waiter.end(new Fault(FaultCode.Timeout, `no answer from ${waiter.subject} in time`));
  }

  #forget(token: string, waiter: Waiter): void {
    waiter.timer.cancel();
    waiter.assembly?.release();
    this.#waiters.delete(token);
    this.#inFlight.end();
  }

  #arrived(message: WireMessage): void {
    const { counts } = this.#room;
    counts.received += 1;
    const token = message.subject.slice(this.#inbox.length);
    const waiter = this.#waiters.get(token);
    if (waiter === undefined) {
      counts.lateReplies += 1;
      return;
    }
    const { headers } = message;
    if (headers !== undefined && headers.code === NO_RESPONDERS) {
      counts.noResponders += 1;
      this.#forget(token, waiter);
      waiter.end(new Fault(FaultCode.Unavailable, `nobody serves ${waiter.subject}`));
      return;
    }
    let answer: Uint8Array | Fault;
    try {
      const part = headers === undefined ? '' : headers.get(PART_HEADER);
      const bytes = part === '' ? message.data : this.#assemble(waiter, part, message.data);
      if (bytes === undefined) return;
      answer = decodeReply(bytes);
    } catch (reason) {
      answer = this.#unreadable(reason, waiter.subject);
    }
    // Forgotten before it is told: a callback that asks again must find the place free.
    if (waiter instanceof OneWaiter) this.#forget(token, waiter);
    const isDone =
      answer instanceof Fault ? waiter.take(answer, NOTHING) : waiter.take(undefined, answer);
    if (isDone && this.#waiters.has(token)) this.#forget(token, waiter);
  }

  #assemble(waiter: Waiter, header: string, part: Uint8Array): Uint8Array | undefined {
    waiter.assembly ??= new Assembly(this.#room.limits.replyBytesMax, this.#budget);
    return waiter.assembly.add(header, part);
  }

  #unreadable(reason: unknown, subject: string): Fault {
    if (reason instanceof Fault && reason.code === FaultCode.Overloaded) return reason;
    this.#room.setAside(subject, reason);
    return reason instanceof Fault
      ? reason
      : new Fault(FaultCode.Malformed, `unreadable answer from ${subject}`, { cause: reason });
  }
}

const NO_TIMER: Timer = { cancel: () => undefined };

class OneWaiter implements Waiter {
  readonly subject: string;
  timer: Timer = NO_TIMER;
  assembly: Assembly | undefined;
  readonly #room: BusRoom;
  readonly #trace: TraceContext | undefined;
  readonly #onReply: OnReply;

  constructor(room: BusRoom, subject: string, trace: TraceContext | undefined, onReply: OnReply) {
    this.#room = room;
    this.subject = subject;
    this.#trace = trace;
    this.#onReply = onReply;
  }

  take(fault: Fault | undefined, body: Uint8Array): boolean {
    try {
      this.#onReply(fault, body, this.#trace);
    } catch (reason) {
      this.#room.callbackThrew(reason, this.subject);
    }
    return true;
  }

  end(fault: Fault): void {
    this.take(fault, NOTHING);
  }
}

class AllWaiter implements Waiter {
  readonly subject: string;
  timer: Timer = NO_TIMER;
  assembly: Assembly | undefined;
  readonly #expected: number;
  readonly #resolve: (replies: GatheredReply[]) => void;
  readonly #reject: (fault: Fault) => void;
  readonly #replies: GatheredReply[] = [];

  constructor(
    subject: string,
    expected: number,
    resolve: (replies: GatheredReply[]) => void,
    reject: (fault: Fault) => void,
  ) {
    this.subject = subject;
    this.#expected = expected;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  take(fault: Fault | undefined, body: Uint8Array): boolean {
    this.#replies.push({ fault, body });
    if (this.#replies.length < this.#expected) return false;
    this.#resolve(this.#replies);
    return true;
  }

  /** Nobody there, time over: what came is the result. Only an overload rejects. */
  end(fault: Fault): void {
    if (fault.code === FaultCode.Overloaded) this.#reject(fault);
    else this.#resolve(this.#replies);
  }
}
