// What the sink must say to a server before events come, and so that they keep coming. All of them
// run over WebSocket but the floor, which sends frames to whoever connects.
//
// Nothing is parsed: where a conversation stands is told by how many frames have come.
import { clientFrame, FrameType, upgradeRequest } from './websocket.js';

/** Names of the dialects, as they travel between processes. */
export type DialectName = 'bare' | 'websocket' | 'socket.io' | 'nats' | 'guildhall';

/** How the sink talks to one kind of server. Buffers are made once and shared by all. */
export interface Dialect {
  /** Sent first; absent: no upgrade, frames come at once. */
  readonly upgrade: Buffer | undefined;
  /** Frames from the server until events may come. */
  readonly framesToOpen: number;
  /** What to answer to the n-th frame (from 1) while opening. `identity` is the session's own. */
  reply(frame: number, identity: string): Buffer | undefined;
  /** A frame of this size in an open connection is a ping, answered with `pong`. */
  readonly pingBytes: number | undefined;
  readonly pong: Buffer | undefined;
  /** Smaller frames are no events. */
  readonly eventBytesMin: number;
  /** If not 0: a frame may hold several events, each of so many bytes. */
  readonly eventBytes: number;
  /** How often a heartbeat is due; 0: never. */
  readonly heartbeatMs: number;
  /** A heartbeat, after so many dispatches. */
  heartbeat(dispatchesCount: number): Buffer;
}

/** What travels between processes to make a {@link Dialect}. */
export interface DialectOptions {
  readonly name: DialectName;
  /** What frames of events are never smaller than. */
  readonly eventBytesMin?: number;
  /** NATS: what one event is in its stream. */
  readonly eventBytes?: number;
  /** NATS: the subject. */
  readonly subject?: string;
  /** Guildhall: for the URL. */
  readonly compression?: 'none' | 'zlib-stream' | 'zstd-stream';
  readonly intents?: number;
  readonly heartbeatMs?: number;
}

const NOTHING = Buffer.alloc(0);
const EVENT_BYTES_MIN = 64;

/** The dialect by its name. */
export function dialectOf(options: DialectOptions): Dialect {
  return { ...SILENT, eventBytesMin: options.eventBytesMin ?? EVENT_BYTES_MIN, ...own(options) };
}

const SILENT = {
  upgrade: undefined as Buffer | undefined,
  framesToOpen: 0,
  reply: (): Buffer | undefined => undefined,
  pingBytes: undefined as number | undefined,
  pong: undefined as Buffer | undefined,
  eventBytes: 0,
  heartbeatMs: 0,
  heartbeat: (): Buffer => NOTHING,
};

function own(options: DialectOptions): Partial<Dialect> {
  switch (options.name) {
    case 'bare':
      return {};
    case 'websocket':
      return { upgrade: upgradeRequest('/') };
    case 'socket.io':
      return socketIo();
    case 'nats':
      return nats(options);
    case 'guildhall':
      return guildhall(options);
  }
}

/** Engine.IO opens (`0{...}`), the default namespace is joined (`40`) and says so; ping is `2`. */
function socketIo(): Partial<Dialect> {
  const join = clientFrame('40', FrameType.Text);
  return {
    upgrade: upgradeRequest('/socket.io/?EIO=4&transport=websocket'),
    framesToOpen: 2,
    reply: (frame) => (frame === 1 ? join : undefined),
    pingBytes: 1,
    pong: clientFrame('3', FrameType.Text),
  };
}

/** INFO, then the PONG that says the subscription is known. */
function nats({ subject = 'fan', eventBytes = 0 }: DialectOptions): Partial<Dialect> {
  const connect = '{"verbose":false,"pedantic":false,"headers":false,"protocol":1}';
  const hello = clientFrame(`CONNECT ${connect}\r\nSUB ${subject} 1\r\nPING\r\n`, FrameType.Binary);
  return {
    upgrade: upgradeRequest('/'),
    framesToOpen: 2,
    reply: (frame) => (frame === 1 ? hello : undefined),
    pingBytes: 'PING\r\n'.length,
    pong: clientFrame('PONG\r\n', FrameType.Binary),
    eventBytes,
  };
}

/** HELLO, READY, and GUILD_CREATE for the one guild that every bot here is in. */
function guildhall(options: DialectOptions): Partial<Dialect> {
  const { compression = 'none', intents = 0, heartbeatMs = 41_250 } = options;
  const query = compression === 'none' ? '' : `&compress=${compression}`;
  const properties = { os: 'linux', browser: 'fan-out', device: 'fan-out' };
  return {
    upgrade: upgradeRequest(`/?v=10&encoding=json${query}`),
    framesToOpen: 3,
    reply: (frame, token) =>
      frame === 1
        ? clientFrame(
            JSON.stringify({ op: 2, d: { token, intents, properties, large_threshold: 50 } }),
            FrameType.Text,
          )
        : undefined,
    heartbeatMs,
    heartbeat: (count) => clientFrame(`{"op":1,"d":${count}}`, FrameType.Text),
  };
}
