// Thousands of clients in one process, each a bare TCP socket and a few words of the protocol: the
// gateway's test client would be heavier than what is measured. JSON, no compression.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** How many of a crowd have come how far. */
export interface CrowdCounts {
  /** Upgrades, all together. */
  open: number;
  ready: number;
  resumed: number;
  guilds: number;
  invalid: number;
  closed: number;
  /** Of those, by close code; 1006 when there was none. */
  readonly codes: Record<number, number>;
}

export interface CrowdOptions {
  readonly port: number;
  readonly intents: number;
  /** Undefined: a bare WebSocket server, which is not told anything. */
  readonly tokenOf: ((index: number) => string) | undefined;
  /** Connections under way at once. */
  readonly dialsMax: number;
}

/** Loopback has as many addresses; each has its own 28,000 ports. */
const ADDRESSES_COUNT = 4;
const TEXT_FINAL = 0x81;
const CLOSE_FINAL = 0x88;
const CLOSED_ABNORMALLY = 1006;
const RETRY_MS = 200;
const HEARTBEAT_S = 30;

/** One client: where it is, and what it needs to resume. */
class Client {
  readonly index: number;
  socket: Socket | undefined;
  rest: Buffer | undefined;
  sessionId: string | undefined;
  seq = 0;
  closeCode = CLOSED_ABNORMALLY;
  isUpgraded = false;
  onUp: (() => void) | undefined;

  constructor(index: number) {
    this.index = index;
  }
}

/** See the top of the file. */
export class Crowd {
  readonly counts: CrowdCounts = {
    open: 0,
    ready: 0,
    resumed: 0,
    guilds: 0,
    invalid: 0,
    closed: 0,
    codes: {},
  };
  readonly #options: CrowdOptions;
  readonly #clients: Client[] = [];
  readonly #toDial: Client[] = [];
  #dialsCount = 0;
  #turn = 0;
  #isLeaving = false;

  constructor(options: CrowdOptions) {
    this.#options = options;
    // Some a second, as clients are: not all at once.
    setInterval(() => this.#heartbeatSome(), 1_000).unref();
  }

  /** So many more clients connect, as fast as `dialsMax` lets them. */
  grow(count: number): void {
    for (let more = 0; more < count; more += 1) {
      const client = new Client(this.#clients.length);
      this.#clients.push(client);
      this.#toDial.push(client);
    }
    this.#dial();
  }

  /** Everybody says so: twice, with `seq`, lets a gateway forget what it kept for a RESUME. */
  heartbeat(): void {
    for (const client of this.#clients) beat(client);
  }

  /** Cuts every connection without a word, and comes back; `forget` of them as strangers. */
  cut(forget: (index: number) => boolean): void {
    for (const client of this.#clients) {
      if (forget(client.index)) client.sessionId = undefined;
      client.socket?.resetAndDestroy();
    }
  }

  /** Cuts every connection, for good. */
  leave(): void {
    this.#isLeaving = true;
    for (const { socket } of this.#clients) socket?.destroy();
    this.#clients.length = 0;
    this.#toDial.length = 0;
  }

  #heartbeatSome(): void {
    this.#turn = (this.#turn + 1) % HEARTBEAT_S;
    for (let at = this.#turn; at < this.#clients.length; at += HEARTBEAT_S) {
      beat(this.#clients[at]!);
    }
  }

  #dial(): void {
    while (this.#dialsCount < this.#options.dialsMax) {
      const client = this.#toDial.shift();
      if (client === undefined) return;
      this.#dialsCount += 1;
      let isOver = false;
      const over = (): void => {
        if (isOver) return;
        isOver = true;
        this.#dialsCount -= 1;
        this.#dial();
      };
      this.#connect(client, over);
    }
  }

  #connect(client: Client, over: () => void): void {
    const { port } = this.#options;
    const localAddress = `127.0.0.${2 + (client.index % ADDRESSES_COUNT)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
    client.socket = socket;
    client.rest = undefined;
    client.isUpgraded = false;
    client.closeCode = CLOSED_ABNORMALLY;
    client.onUp = over;
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET /?v=10&encoding=json HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        `Sec-WebSocket-Key: ${key}\r\n\r\n`,
    );
    socket.on('data', (bytes: Buffer) => this.#read(client, bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      over();
      this.#closed(client, socket);
    });
  }

  #closed(client: Client, socket: Socket): void {
    if (client.socket !== socket || this.#isLeaving) return;
    this.counts.closed += 1;
    this.counts.codes[client.closeCode] = (this.counts.codes[client.closeCode] ?? 0) + 1;
    client.socket = undefined;
    // A server that is full says so by refusing: some time later there may be room.
    const again = (): void => {
      this.#toDial.push(client);
      this.#dial();
    };
    if (client.isUpgraded) again();
    else setTimeout(again, RETRY_MS);
  }

  #read(client: Client, bytes: Buffer): void {
    let all = client.rest === undefined ? bytes : Buffer.concat([client.rest, bytes]);
    client.rest = undefined;
    if (!client.isUpgraded) {
      const end = all.indexOf('\r\n\r\n');
      if (end < 0) {
        client.rest = all;
        return;
      }
      client.isUpgraded = true;
      this.counts.open += 1;
      if (this.#options.tokenOf === undefined) client.onUp?.();
      all = all.subarray(end + 4);
    }
    for (;;) {
      const frame = frameAt(all);
      if (frame === undefined) break;
      this.#heard(client, frame.opening, all.subarray(frame.from, frame.to));
      all = all.subarray(frame.to);
    }
    if (all.length > 0) client.rest = Buffer.from(all);
  }

  #heard(client: Client, opening: number, payload: Buffer): void {
    if (opening === CLOSE_FINAL) {
      client.closeCode = payload.length < 2 ? CLOSED_ABNORMALLY : payload.readUInt16BE(0);
      client.socket?.destroy();
      return;
    }
    if (opening !== TEXT_FINAL) return;
    const message = JSON.parse(payload.toString()) as Message;
    if (typeof message.s === 'number') client.seq = message.s;
    if (message.op === 10) this.#enter(client);
    if (message.op === 9) {
      this.counts.invalid += 1;
      client.sessionId = undefined;
      this.#enter(client);
    }
    if (message.t === 'READY') {
      this.counts.ready += 1;
      client.sessionId = message.d.session_id;
      this.counts.guilds += message.d.guilds.filter((guild) => guild.unavailable !== true).length;
      client.onUp?.();
    }
    if (message.t === 'RESUMED') {
      this.counts.resumed += 1;
      client.onUp?.();
    }
    if (message.t === 'GUILD_CREATE') this.counts.guilds += 1;
  }

  #enter(client: Client): void {
    const { tokenOf, intents } = this.#options;
    const token = tokenOf!(client.index);
    const { sessionId, seq } = client;
    const properties = { os: 'linux', browser: 'bench', device: 'bench' };
    const payload =
      sessionId === undefined
        ? { op: 2, d: { token, intents, properties, large_threshold: 50 } }
        : { op: 6, d: { token, session_id: sessionId, seq } };
    client.socket?.write(masked(JSON.stringify(payload)));
  }
}

interface Message {
  readonly op: number;
  readonly t: string | null;
  readonly s: number | null;
  readonly d: { session_id: string; guilds: { unavailable?: boolean }[] };
}

/** The first whole frame, and where its payload is; servers do not mask. */
function frameAt(bytes: Buffer): { opening: number; from: number; to: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const from = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < from) return undefined;
  const size =
    short === 126
      ? bytes.readUInt16BE(2)
      : short === 127
        ? Number(bytes.readBigUInt64BE(2))
        : short;
  return bytes.length < from + size ? undefined : { opening: bytes[0]!, from, to: from + size };
}

function beat({ socket, isUpgraded, seq }: Client): void {
  if (isUpgraded) socket?.write(masked(`{"op":1,"d":${seq === 0 ? 'null' : seq}}`));
}

/** A text frame of a client; a mask of zeros is a mask. */
function masked(text: string): Buffer {
  const payload = Buffer.from(text);
  const isShort = payload.length < 126;
  const head = Buffer.alloc(isShort ? 6 : 8);
  head[0] = TEXT_FINAL;
  head[1] = 0x80 | (isShort ? payload.length : 126);
  if (!isShort) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
