// A raw gateway client for tests: does nothing by itself but heartbeat, forgives nothing. What a
// client library hides (a hole in `s`, an extra field, a message that ends oddly) fails the test
// here.
//
//   await using client = await TestGatewayClient.connect({ url });
//   await client.identify({ token, intents: ALL_INTENTS });
//   const message = await client.next('MESSAGE_CREATE');
//
// After a violation the connection is dropped, and every waiting and later call rejects with it.
import { WebSocket } from 'ws';
import type { ClientOptions, RawData } from 'ws';
import { codecOf, DispatchEvent, Opcode } from '@guildhall/gateway-protocol';
import type { Codec, Encoding, TransportCompression } from '@guildhall/gateway-protocol';
import { demand, PayloadReader } from './gateway-payload.js';
import type { GatewayPayload, ProtocolViolation } from './gateway-payload.js';
import { PayloadRecord } from './payload-record.js';
import type { WaitOptions, Wanted } from './payload-record.js';

export interface GatewayAddress {
  /** As from GET /gateway or READY, such as `ws://127.0.0.1:4000`; without a query. */
  readonly url: string;
  /** 10 unless told; any number may be tried. */
  readonly version?: number;
  /** JSON unless told. */
  readonly encoding?: Encoding;
  /** `none` unless told. */
  readonly compression?: TransportCompression;
  /** Set or replaced in the query, for what the gateway should refuse. An empty value removes. */
  readonly query?: Readonly<Record<string, string>>;
  /** Whether to heartbeat at the interval of HELLO; true unless told. */
  readonly heartbeats?: boolean;
  /**
   * Events that may come with the last `s` again, as they do not advance it: typing and presence
   * unless told. All others count up by one.
   */
  readonly ephemeralEvents?: ReadonlySet<string>;
}

export interface IdentifyOptions {
  readonly token: string;
  readonly intents?: number;
  readonly shard?: readonly [id: number, count: number];
  /** Payload compression, on plain JSON connections. */
  readonly compress?: boolean;
  readonly largeThreshold?: number;
  readonly presence?: unknown;
  readonly capabilities?: number;
  /** More members of `d`, or others in place of the above. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** For READY to come; 5 s unless told. */
  readonly timeoutMs?: number;
}

/** What it takes to resume: see {@link TestGatewayClient.session}. */
export interface GatewaySession {
  readonly token: string;
  readonly sessionId: string;
  /** The last one received. */
  readonly sequence: number;
  readonly resumeUrl: string;
}

/** How the connection ended: 1005 for a close frame without a code, 1006 for none at all. */
export interface GatewayClose {
  readonly code: number;
  readonly reason: string;
}

const EPHEMERAL_EVENTS: ReadonlySet<string> = new Set([
  DispatchEvent.TypingStart,
  DispatchEvent.PresenceUpdate,
]);
const HANDSHAKE_TIMEOUT_MS = 5_000;
const PAYLOAD_SIZE_MAX = 64 * 1024 * 1024;
const SOCKET_OPTIONS: ClientOptions = {
  perMessageDeflate: false,
  handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  maxPayload: PAYLOAD_SIZE_MAX,
};

/** One connection to a gateway. Not reusable: connect anew to resume. */
export class TestGatewayClient {
  /** Settles once, when the connection has ended and all that came before has been recorded. */
  readonly closed: Promise<GatewayClose>;
  /** Switches the heartbeats that are sent by themselves. */
  heartbeats: boolean;
  readonly #socket: WebSocket;
  readonly #codec: Codec;
  readonly #encoding: Encoding;
  readonly #reader: PayloadReader;
  readonly #record = new PayloadRecord();
  readonly #ephemeralEvents: ReadonlySet<string>;
  #inbox: Promise<void> = Promise.resolve();
  #violation: ProtocolViolation | undefined;
  #sequence: number | null = null;
  #isExpectingDispatches = false;
  #token = '';
  #sessionId = '';
  #resumeUrl = '';
  #heartbeatsCount = 0;
  #acksCount = 0;
  #heartbeatTimer: NodeJS.Timeout | undefined;

  /**
   * Resolves when the WebSocket is open; HELLO may be still to come. Rejects when the handshake is
   * refused, with the HTTP status in the message.
   */
  static async connect(address: GatewayAddress): Promise<TestGatewayClient> {
    const socket = new WebSocket(urlOf(address), SOCKET_OPTIONS);
    const client = new TestGatewayClient(socket, address);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  private constructor(socket: WebSocket, address: GatewayAddress) {
    this.#socket = socket;
    this.#encoding = address.encoding ?? 'json';
    this.#codec = codecOf(this.#encoding);
    this.#reader = new PayloadReader(this.#encoding, address.compression ?? 'none');
    this.#ephemeralEvents = address.ephemeralEvents ?? EPHEMERAL_EVENTS;
    this.heartbeats = address.heartbeats ?? true;
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    // What goes wrong with an open socket is followed by its closing, which is what tests look at.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        clearInterval(this.#heartbeatTimer);
        const close = { code, reason: reason.toString() };
        void this.#inbox.then(() => {
          this.#reader.close();
          this.#record.fail(new Error(`the connection closed: ${code} ${close.reason}`.trimEnd()));
          resolve(close);
        });
      });
    });
  }

  /** All that came on this connection, in order. */
  get payloads(): readonly GatewayPayload[] {
    return this.#record.payloads;
  }

  /** The dispatches that came, all or those of one name, in order. */
  dispatches(name?: DispatchEvent): GatewayPayload[] {
    return this.payloads.filter(({ op, t }) => op === Opcode.Dispatch && (name ?? t) === t);
  }

  /** The last `s` received (or resumed from); null before the first. */
  get sequence(): number | null {
    return this.#sequence;
  }

  /** What to resume with, as of now; undefined before READY, or RESUMED. */
  get session(): GatewaySession | undefined {
    if (this.#sessionId === '' || this.#sequence === null) return undefined;
    return {
      token: this.#token,
      sessionId: this.#sessionId,
      sequence: this.#sequence,
      resumeUrl: this.#resumeUrl,
    };
  }

  /** How the gateway broke the protocol, if it did. */
  get violation(): ProtocolViolation | undefined {
    return this.#violation;
  }

  /** Waits for HELLO, identifies, and gives READY. Rejects when the session is refused (op 9). */
  async identify(options: IdentifyOptions): Promise<GatewayPayload> {
    await this.#hello();
    const from = this.payloads.length;
    this.#token = options.token;
    this.#sequence = null;
    this.#isExpectingDispatches = true;
    this.#reader.acceptsCompressedPayloads ||= options.compress === true;
    this.send(Opcode.Identify, identifyData(options));
    return this.#sessionStart('READY', from, options.timeoutMs);
  }

  /**
   * Waits for HELLO, resumes, and gives RESUMED; what was missed is in `payloads` before it.
   * Rejects when the session is refused (op 9).
   */
  async resume(
    session: Pick<GatewaySession, 'token' | 'sessionId' | 'sequence'> &
      Partial<Pick<GatewaySession, 'resumeUrl'>>,
    timeoutMs?: number,
  ): Promise<GatewayPayload> {
    await this.#hello();
    const from = this.payloads.length;
    const { token, sessionId, sequence } = session;
    this.#token = token;
    this.#sessionId = sessionId;
    this.#resumeUrl = session.resumeUrl ?? '';
    this.#sequence = sequence;
    this.#isExpectingDispatches = true;
    this.send(Opcode.Resume, { token, session_id: sessionId, seq: sequence });
    return this.#sessionStart('RESUMED', from, timeoutMs);
  }

  /** Sends a payload in the encoding of the connection. Throws when that is not open any more. */
  send(op: number, d: unknown): void {
    this.sendRaw(this.#codec.encode({ op, d }));
    if (op === Opcode.Heartbeat) this.#heartbeatsCount++;
  }

  /** Sends a message as it is, binary on ETF connections and text on JSON ones unless told. */
  sendRaw(message: Uint8Array | string, isBinary: boolean = this.#encoding === 'etf'): void {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new Error('the connection is not open');
    this.#socket.send(message, { binary: isBinary });
  }

  /**
   * Heartbeats and waits for the answer. All that the gateway had sent before it is recorded then,
   * which makes it the way to show that something did not come.
   */
  async heartbeat(timeoutMs?: number): Promise<void> {
    const from = this.payloads.length;
    this.send(Opcode.Heartbeat, this.#sequence);
    // Heartbeats are answered in order, so the answer to this one is the one of this number.
    const number = this.#heartbeatsCount;
    const isOwnAck = ({ op }: GatewayPayload) =>
      op === Opcode.HeartbeatAck && this.#acksCount === number;
    await this.#record.waitFor(isOwnAck, withTimeout(from, timeoutMs));
  }

  /**
   * The first match among all that came or will come. Rejects when it does not, or at the close.
   */
  waitFor(wanted: Wanted, options: WaitOptions = {}): Promise<GatewayPayload> {
    return this.#record.waitFor(wanted, options);
  }

  /**
   * The next dispatch of that name: each is given once, in order, also those that came before the
   * call. Call it again only when it has settled.
   */
  next(name: DispatchEvent, options: Pick<WaitOptions, 'timeoutMs'> = {}): Promise<GatewayPayload> {
    return this.#record.next(name, options.timeoutMs);
  }

  /** Reads nothing more from the socket until {@link unpause}: a client that has become slow. */
  pause(): void {
    this.#socket.pause();
  }

  unpause(): void {
    this.#socket.resume();
  }

  /** Says goodbye with this code (1000 and 1001 end the session) and waits for the end. */
  close(code = 1000): Promise<GatewayClose> {
    this.#socket.close(code);
    return this.closed;
  }

  /** Drops the TCP connection without a close frame, as a crash or a lost network would. */
  terminate(): Promise<GatewayClose> {
    this.#socket.terminate();
    return this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  #hello(): Promise<GatewayPayload> {
    return this.waitFor(({ op }) => op === Opcode.Hello);
  }

  async #sessionStart(
    name: DispatchEvent,
    from: number,
    timeoutMs?: number,
  ): Promise<GatewayPayload> {
    const isAnswer = ({ op, t }: GatewayPayload) => op === Opcode.InvalidSession || t === name;
    const answer = await this.#record.waitFor(isAnswer, withTimeout(from, timeoutMs));
    if (answer.op === Opcode.InvalidSession) {
      throw new Error(`${name} refused: invalid session, resumable: ${String(answer.d)}`);
    }
    return answer;
  }

  #receive(data: RawData, isBinary: boolean): void {
    // Decompression takes its time; the chain keeps payloads in the order of their messages.
    this.#inbox = this.#inbox.then(async () => {
      if (this.#violation !== undefined) return;
      try {
        const payload = await this.#reader.read(data as Buffer, isBinary);
        this.#follow(payload);
        this.#record.add(payload);
      } catch (error) {
        this.#violation = error as ProtocolViolation;
        this.#record.fail(this.#violation);
        this.#socket.terminate();
      }
    });
  }

  #follow(payload: GatewayPayload): void {
    const { op, d } = payload;
    if (this.payloads.length === 0) {
      demand(op === Opcode.Hello || op === Opcode.Reconnect, `op ${op} before HELLO`);
    }
    if (op === Opcode.Dispatch) this.#followDispatch(payload);
    else if (op === Opcode.Hello) this.#beat(d);
    else if (op === Opcode.Heartbeat) {
      this.#beatOnce();
    } else if (op === Opcode.HeartbeatAck) {
      this.#acksCount++;
      demand(this.#acksCount <= this.#heartbeatsCount, 'a heartbeat ACK nobody asked for');
    } else if (op === Opcode.InvalidSession) {
      demand(typeof d === 'boolean', 'an invalid session that does not say whether to resume');
      if (!d) this.#forgetSession();
    }
  }

  #followDispatch({ t, s, d }: GatewayPayload): void {
    demand(this.#isExpectingDispatches, `${t} to a client without a session`);
    const last = this.#sequence ?? 0;
    const isRepeat = s === last && this.#ephemeralEvents.has(t!);
    demand(s === last + 1 || isRepeat, `${t} with s ${s} after ${last}`);
    this.#sequence = s;
    if (t !== 'READY') return;
    const ready = d as Record<string, unknown>;
    const { session_id: sessionId, resume_gateway_url: resumeUrl } = ready;
    demand(typeof sessionId === 'string' && sessionId !== '', 'READY without a session_id');
    demand(typeof resumeUrl === 'string', 'READY without a resume_gateway_url');
    this.#sessionId = sessionId;
    this.#resumeUrl = resumeUrl;
  }

  #forgetSession(): void {
    this.#sessionId = '';
    this.#sequence = null;
    this.#isExpectingDispatches = false;
  }

  #beat(hello: unknown): void {
    const { heartbeat_interval: intervalMs } = hello as Record<string, unknown>;
    demand(Number.isInteger(intervalMs) && (intervalMs as number) > 0, 'HELLO without an interval');
    demand(this.#heartbeatTimer === undefined, 'HELLO twice');
    let answeredBy = 0;
    this.#heartbeatTimer = setInterval(() => {
      if (!this.heartbeats || this.#socket.isPaused) return;
      if (this.#acksCount < answeredBy) {
        this.#record.fail(new Error('the gateway did not answer a heartbeat within its interval'));
        this.#socket.terminate();
        return;
      }
      this.#beatOnce();
      answeredBy = this.#heartbeatsCount;
    }, intervalMs as number);
    this.#heartbeatTimer.unref();
  }

  #beatOnce(): void {
    const isOpen = this.#socket.readyState === WebSocket.OPEN;
    if (this.heartbeats && isOpen) this.send(Opcode.Heartbeat, this.#sequence);
  }
}

function urlOf(address: GatewayAddress): string {
  const url = new URL(address.url);
  const compression = address.compression ?? 'none';
  const query: Record<string, string> = {
    v: String(address.version ?? 10),
    encoding: address.encoding ?? 'json',
    compress: compression === 'none' ? '' : compression,
    ...address.query,
  };
  for (const [name, value] of Object.entries(query)) {
    if (value === '') url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}

function identifyData(options: IdentifyOptions): Record<string, unknown> {
  const { token, intents, shard, compress, largeThreshold, presence, capabilities } = options;
  return {
    token,
    properties: { os: 'linux', browser: 'guildhall-testkit', device: 'guildhall-testkit' },
    ...(intents === undefined ? {} : { intents }),
    ...(shard === undefined ? {} : { shard }),
    ...(compress === undefined ? {} : { compress }),
    ...(largeThreshold === undefined ? {} : { large_threshold: largeThreshold }),
    ...(presence === undefined ? {} : { presence }),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...options.more,
  };
}

function withTimeout(from: number, timeoutMs: number | undefined): WaitOptions {
  return timeoutMs === undefined ? { from } : { from, timeoutMs };
}
