// NATS, as a link. Core NATS only: no streams, no key-value store, nothing that must survive.
//
// While it is disconnected nothing is queued: a request is refused at once and a broadcast is
// dropped and counted, since followers find what they miss by its number. What may be queued is
// what a connected but slow server has not read yet, and that is bounded: a PING is sent after each
// MiB, and its PONG says that everything before it has been read.
import type { Clock } from '@guildhall/clock';
import { sleep } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import type { Logger } from '@guildhall/telemetry';
import { headers as natsHeaders, PermissionViolationError } from '@nats-io/nats-core';
import type { NatsConnection, Status, Subscription } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import type { HeaderList, Link, LinkEvents, LinkSubscription, WireMessage } from './link.js';

export interface NatsLinkOptions {
  readonly clock: Clock;
  /** `nats://user:password@host:port`, or several with commas between. */
  readonly url: string;
  readonly name: string;
  readonly logger?: Logger | undefined;
  /** How long to go on trying at first. Default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** A dead server is noticed after at most (pingsMax + 1) of these. Default 1,000. */
  readonly pingIntervalMs?: number | undefined;
  /** Pings that may be unanswered. Default 2. */
  readonly pingsMax?: number | undefined;
  /** Bytes sent that the server has not read. Default 128 MiB. */
  readonly pendingBytesMax?: number | undefined;
}

const MEBIBYTE = 1024 * 1024;
const MARK_EVERY_BYTES = MEBIBYTE;
const DIAL_TIMEOUT_MS = 2_000;
const RETRY_MS = 100;
/** What a message costs beside its payload, about. */
const OVERHEAD_BYTES = 64;

/** Connects. Rejects with a Fault (`unavailable`) when there is no server in time. */
export async function openNatsLink(options: NatsLinkOptions): Promise<NatsLink> {
  const { clock } = options;
  const untilMs = clock.monotonicMs() + (options.connectTimeoutMs ?? 10_000);
  for (;;) {
    try {
      return new NatsLink(await connect(connectionOptions(options)), options);
    } catch (cause) {
      if (clock.monotonicMs() + RETRY_MS >= untilMs) {
        throw new Fault(FaultCode.Unavailable, 'no NATS server to connect to', { cause });
      }
      await sleep(clock, RETRY_MS);
    }
  }
}

function connectionOptions(options: NatsLinkOptions): NodeConnectionOptions {
  const urls = options.url.split(',').map((text) => new URL(text.trim()));
  const { username, password } = urls[0]!;
  return {
    servers: urls.map(({ host }) => host),
    name: options.name,
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
    ...(password === '' ? {} : { pass: decodeURIComponent(password) }),
    timeout: DIAL_TIMEOUT_MS,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RETRY_MS,
    reconnectJitter: RETRY_MS,
    // A server that is being set up anew may refuse for a while whom it will know again.
    ignoreAuthErrorAbort: true,
    pingInterval: options.pingIntervalMs ?? 1_000,
    maxPingOut: options.pingsMax ?? 2,
    noAsyncTraces: true,
  };
}

/** One connection to NATS, which comes back by itself for as long as it is not closed. */
export class NatsLink implements Link {
  readonly #connection: NatsConnection;
  readonly #logger: Logger | undefined;
  readonly #pendingBytesMax: number;
  #events: LinkEvents | undefined;
  #isConnected = true;
  #isClosing = false;
  #payloadBytesMax: number;
  #pendingBytes = 0;
  #bytesSinceMark = 0;
  /** Counts connections, so that an answer of an old one changes nothing. */
  #life = 0;

  constructor(connection: NatsConnection, options: NatsLinkOptions) {
    this.#connection = connection;
    this.#logger = options.logger;
    this.#pendingBytesMax = options.pendingBytesMax ?? 128 * MEBIBYTE;
    this.#payloadBytesMax = connection.info?.max_payload ?? MEBIBYTE;
    void this.#watch();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get payloadBytesMax(): number {
    return this.#payloadBytesMax;
  }

  listen(events: LinkEvents): void {
    this.#events = events;
  }

  publish(
    subject: string,
    payload: Uint8Array,
    reply: string | undefined,
    headers: HeaderList | undefined,
  ): boolean {
    if (!this.#isConnected) return false;
    const bytes = payload.length + OVERHEAD_BYTES;
    if (this.#pendingBytes + bytes > this.#pendingBytesMax) return false;
    try {
      this.#connection.publish(subject, payload, publishOptions(reply, headers));
    } catch (error) {
      // Closed under our feet, or a server that came back with a smaller limit.
      this.#logger?.warn('NATS did not take a message', { subject, error });
      return false;
    }
    this.#pendingBytes += bytes;
    this.#bytesSinceMark += bytes;
    if (this.#bytesSinceMark >= MARK_EVERY_BYTES) this.#mark();
    return true;
  }

  subscribe(
    subject: string,
    queue: string | undefined,
    onMessage: (message: WireMessage) => void,
  ): LinkSubscription {
    const subscription = this.#connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null) onMessage(message);
        else this.#logger?.error('NATS ended a subscription', { subject, error });
      },
    });
    lighten(subscription);
    return new NatsSubscription(this.#connection, subscription);
  }

  flush(): Promise<void> {
    return this.#connection.flush();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#isConnected = false;
    await this.#connection.close();
  }

  /** Asks to be told when the server has read everything sent so far. */
  #mark(): void {
    const bytes = this.#bytesSinceMark;
    const life = this.#life;
    this.#bytesSinceMark = 0;
    this.#connection.flush().then(
      () => {
        if (life === this.#life) this.#pendingBytes -= bytes;
      },
      () => undefined,
    );
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) this.#noticed(status);
  }

  #noticed(status: Status): void {
    switch (status.type) {
      case 'disconnect':
      case 'close':
        this.#down();
        break;
      case 'reconnect':
        this.#up();
        break;
      case 'staleConnection':
        cutSocket(this.#connection);
        this.#down();
        break;
      case 'error':
        this.#failed(status.error);
        break;
      case 'ldm':
        this.#logger?.warn('the NATS server is about to stop', { server: status.server });
        break;
    }
  }

  #down(): void {
    this.#life += 1;
    this.#pendingBytes = 0;
    this.#bytesSinceMark = 0;
    if (!this.#isConnected || this.#isClosing) return;
    this.#isConnected = false;
    this.#logger?.warn('lost the connection to NATS');
    this.#events?.onDown();
  }

  #up(): void {
    if (this.#isClosing) return;
    this.#isConnected = true;
    this.#payloadBytesMax = this.#connection.info?.max_payload ?? this.#payloadBytesMax;
    this.#logger?.info('connected to NATS again', { server: this.#connection.getServer() });
    this.#events?.onUp();
    this.#events?.onGap('reconnect');
  }

  #failed(error: Error): void {
    this.#logger?.error('NATS reported an error', { error });
    // What may not be published or heard is a matter of configuration; nothing was lost on the way.
    if (!(error instanceof PermissionViolationError)) this.#events?.onGap('error');
  }
}

class NatsSubscription implements LinkSubscription {
  readonly #connection: NatsConnection;
  readonly #subscription: Subscription;

  constructor(connection: NatsConnection, subscription: Subscription) {
    this.#connection = connection;
    this.#subscription = subscription;
  }

  unsubscribe(): void {
    if (!this.#connection.isClosed()) this.#subscription.unsubscribe();
  }

  drain(): Promise<void> {
    return this.#subscription.drain();
  }
}

/**
 * A gateway has a subscription for each of its users, and three quarters of the memory of one that
 * calls back are promises for those who iterate over it, which nobody can. All such share one that
 * is never waited for. Where nats.js has no such fields, nothing is saved and nothing changes.
 */
function lighten(subscription: Subscription): void {
  const inner = subscription as unknown as Record<string, unknown>;
  for (const field of ['closed', 'signal', 'iterClosed']) {
    if (inner[field] instanceof Promise) inner[field] = UNAWAITED;
  }
  if (Array.isArray(inner['yields'])) inner['yields'] = NOTHING_YIELDED;
}

const UNAWAITED = Object.assign(Promise.resolve(), {
  resolve: (): void => undefined,
  reject: (): void => undefined,
});
const NOTHING_YIELDED: readonly never[] = Object.freeze([]);

/**
 * Ends the socket of a server that no longer answers. nats.js first waits for its last bytes to be
 * sent, which is for ever when the other side stands still with a full buffer; there is no public
 * way to tell it not to.
 */
function cutSocket(connection: NatsConnection): void {
  const { protocol } = connection as unknown as {
    protocol?: { transport?: { socket?: { destroy?(): void } } };
  };
  protocol?.transport?.socket?.destroy?.();
}

function publishOptions(
  reply: string | undefined,
  list: HeaderList | undefined,
): { reply?: string; headers?: ReturnType<typeof natsHeaders> } {
  if (list === undefined) return reply === undefined ? {} : { reply };
  const headers = natsHeaders();
  for (const [name, value] of list) headers.set(name, value);
  return reply === undefined ? { headers } : { reply, headers };
}
