// A bus over any link. What is said in bus.ts is made true here, once for both twins; a link only
// carries messages.
import type { Clock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import type { TraceContext } from '@guildhall/telemetry';
import { IncomingRequest } from './answering.js';
import { Asking } from './asking.js';
import type {
  Bus,
  BusCounts,
  BusStatus,
  GapReason,
  GatheredReply,
  Incoming,
  OnMessage,
  OnReply,
  RequestAllOptions,
  RequestOptions,
  Subscription,
} from './bus.js';
import { BusRoom, traceHeaders, traceOf, type BusOptions } from './bus-room.js';
import { InFlight } from './in-flight.js';
import type { Link, LinkSubscription } from './link.js';

/** Makes a bus of a link. `inbox` is a subject that is this connection's alone. */
export class LinkedBus implements Bus {
  readonly #room: BusRoom;
  readonly #asking: Asking;
  readonly #inbox: string;
  readonly #subscriptions = new Set<LinkedSubscription>();
  readonly #gapCallbacks = new Set<(reason: GapReason) => void>();
  readonly #statusCallbacks = new Set<(status: BusStatus) => void>();
  readonly #names = {
    next: () => `${this.#inbox.slice(-22)}.${(this.#answersCount++).toString(36)}`,
  };
  #answersCount = 0;
  #status: BusStatus;
  #drained: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(link: Link, inbox: string, options: BusOptions) {
    this.#room = new BusRoom(link, options);
    this.#inbox = inbox;
    this.#status = link.isConnected ? 'connected' : 'disconnected';
    this.#asking = new Asking(this.#room, inbox);
    link.listen({
      onUp: () => this.#up(),
      onDown: () => this.#down(),
      onGap: (reason) => this.#gap(reason),
    });
  }

  get name(): string {
    return this.#room.name;
  }

  get clock(): Clock {
    return this.#room.clock;
  }

  get status(): BusStatus {
    return this.#status;
  }

  get payloadBytesMax(): number {
    return this.#room.payloadBytesMax;
  }

  request(subject: string, payload: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.requestCallback(subject, payload, options, (fault, body) => {
        if (fault === undefined) resolve(body);
        else reject(fault);
      });
    });
  }

  requestCallback(
    subject: string,
    payload: Uint8Array,
    options: RequestOptions,
    onReply: OnReply,
  ): void {
    this.#asking.one(subject, payload, options, onReply);
  }

  requestAll(
    subject: string,
    payload: Uint8Array,
    options: RequestAllOptions,
  ): Promise<GatheredReply[]> {
    return this.#asking.all(subject, payload, options);
  }

  publish(subject: string, payload: Uint8Array, trace?: TraceContext): boolean {
    const { link, counts, payloadBytesMax } = this.#room;
    if (payload.length > payloadBytesMax) {
      const text = `message of ${payload.length} bytes to ${subject}, at most ${payloadBytesMax}`;
      throw new Fault(FaultCode.Invalid, text);
    }
    if (link.isConnected && link.publish(subject, payload, undefined, traceHeaders(trace))) {
      counts.published += 1;
      return true;
    }
    counts.dropped += 1;
    return false;
  }

  subscribe(subject: string, onMessage: OnMessage, options: { queue?: string } = {}): Subscription {
    const room = this.#room;
    return this.#add(subject, undefined, () =>
      room.link.subscribe(subject, options.queue, (message) => {
        room.counts.received += 1;
        try {
          onMessage(message.data, message.subject, traceOf(message.headers));
        } catch (reason) {
          room.callbackThrew(reason, message.subject);
        }
      }),
    );
  }

  serve(
    subject: string,
    options: { queue?: string },
    handler: (request: Incoming) => void,
  ): Subscription {
    const inFlight = new InFlight();
    return this.#add(subject, inFlight, () =>
      this.#room.link.subscribe(subject, options.queue, (message) => {
        const incoming = new IncomingRequest(this.#room, this.#names, inFlight, message);
        try {
          handler(incoming);
        } catch (reason) {
          incoming.threw(reason);
        }
      }),
    );
  }

  setAside(subject: string, reason: unknown): void {
    this.#room.setAside(subject, reason);
  }

  async flush(): Promise<void> {
    if (!this.#room.link.isConnected) throw new Fault(FaultCode.Unavailable, 'not connected');
    try {
      await this.#room.link.flush();
    } catch (cause) {
      throw new Fault(FaultCode.Unavailable, 'the connection was lost', { cause });
    }
  }

  onContinuityGap(callback: (reason: GapReason) => void): () => void {
    this.#gapCallbacks.add(callback);
    return () => void this.#gapCallbacks.delete(callback);
  }

  onStatus(callback: (status: BusStatus) => void): () => void {
    this.#statusCallbacks.add(callback);
    return () => void this.#statusCallbacks.delete(callback);
  }

  counts(): Readonly<BusCounts> {
    return {
      ...this.#room.counts,
      requestsInFlight: this.#asking.inFlight.count,
      assemblyBytes: this.#asking.assemblyBytes,
    };
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #add(
    subject: string,
    inFlight: InFlight | undefined,
    open: () => LinkSubscription,
  ): Subscription {
    const isOpen = this.#status !== 'closed';
    const subscription = new LinkedSubscription(subject, this.#room, inFlight, () =>
      this.#subscriptions.delete(subscription),
    );
    if (!isOpen) return subscription;
    this.#subscriptions.add(subscription);
    subscription.open(open());
    return subscription;
  }

  #up(): void {
    if (this.#status === 'disconnected') this.#become('connected');
  }

  #down(): void {
    if (this.#status === 'connected') this.#become('disconnected');
    // Whether it happened is unknown, which is what a timeout says.
    const fault = new Fault(FaultCode.Timeout, 'the connection was lost before the answer came');
    this.#asking.endAll(fault);
  }

  #gap(reason: GapReason): void {
    this.#room.counts.gaps += 1;
    this.#tell(this.#gapCallbacks, reason);
  }

  #become(status: BusStatus): void {
    this.#status = status;
    this.#tell(this.#statusCallbacks, status);
  }

  #tell<T>(callbacks: ReadonlySet<(value: T) => void>, value: T): void {
    for (const callback of [...callbacks]) {
      try {
        callback(value);
      } catch (reason) {
        this.#room.callbackThrew(reason, '');
      }
    }
  }

  async #drain(): Promise<void> {
    if (this.#status === 'closed') return;
    const { drainTimeoutMs } = this.#room.limits;
    this.#become('draining');
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.drain()));
    await this.#asking.inFlight.whenIdle(this.clock, drainTimeoutMs);
    await settled(this.flush(), this.clock, drainTimeoutMs);
    await this.close();
  }

  async #close(): Promise<void> {
    this.#become('closed');
    for (const subscription of [...this.#subscriptions]) subscription.unsubscribe();
    this.#asking.stop();
    // The link first: whoever is told that the bus is closed must not get to ask once more.
    const linkClosed = this.#room.link.close();
    this.#asking.endAll(new Fault(FaultCode.Unavailable, 'the bus was closed'));
    await linkClosed;
  }
}

class LinkedSubscription implements Subscription {
  readonly subject: string;
  readonly #room: BusRoom;
  readonly #inFlight: InFlight | undefined;
  readonly #ended: () => void;
  #link: LinkSubscription | undefined;
  #drained: Promise<void> | undefined;

  constructor(subject: string, room: BusRoom, inFlight: InFlight | undefined, ended: () => void) {
    this.subject = subject;
    this.#room = room;
    this.#inFlight = inFlight;
    this.#ended = ended;
  }

  open(link: LinkSubscription): void {
    this.#link = link;
  }

  unsubscribe(): void {
    this.#link?.unsubscribe();
    this.#link = undefined;
    this.#ended();
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    const { clock, limits } = this.#room;
    if (this.#link !== undefined) await settled(this.#link.drain(), clock, limits.drainTimeoutMs);
    await this.#inFlight?.whenIdle(clock, limits.drainTimeoutMs);
    this.#link = undefined;
    this.#ended();
  }
}

/**
 * Waits for the work, whatever becomes of it (a lost connection hands nothing over), or the time.
 */
function settled(work: Promise<unknown>, clock: Clock, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(timeoutMs, resolve);
    const done = (): void => {
      timer.cancel();
      resolve();
    };
    work.then(done, done);
  });
}
