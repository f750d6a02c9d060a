// A client's session, through all its connections: identify, listen, beat, resume, or begin anew.
//
//   waiting ──► connecting ──► identifying ──► live ──► (lost) ──► resuming ──► live
//      ▲                            │                                 │ op 9, code that forbids it
//      └────────────────────────────┴─────────────────────────────────┘

import { closeBehaviour, decodeEtf, encodeEtf, Opcode } from '@guildhall/gateway-protocol';

import { nowUs } from './clock-us.js';
import { Connection } from './connection.js';
import { placeOf } from './counters.js';
import { splitId } from './mark.js';
import type { SessionPlan } from './plan.js';
import type { SwarmRoom } from './swarm-room.js';

export type Phase =
  /** For its turn to identify. */
  | 'waiting'
  | 'connecting'
  | 'identifying'
  | 'resuming'
  | 'live'
  /** Not to come back. */
  | 'ended';

interface Payload {
  readonly op: number;
  readonly d: unknown;
  readonly s: number | null;
  readonly t: string | null;
}

interface ReadyJson {
  readonly session_id: string;
  readonly resume_gateway_url: string;
  readonly guilds: readonly GuildJson[];
}

interface GuildJson {
  readonly id: string;
  readonly unavailable?: boolean;
  readonly channels?: readonly { readonly id: string; readonly last_message_id?: string | null }[];
}

/** Clients that lost their connection come back at once, but not all in the same instant. */
const BACK_WITHIN_MS = 500;
const ETF_BYTES_MAX = 256 * 1024 * 1024;
const MESSAGE_CREATE = Buffer.from('MESSAGE_CREATE');
/** What a client has to read; all else is only counted. */
const READ = ['READY', 'RESUMED', 'GUILD_CREATE', 'GUILD_DELETE'].map((name) => Buffer.from(name));

const PLACE = {
  bytes: placeOf('bytes'),
  frames: placeOf('frames'),
  dispatches: placeOf('dispatches'),
  deliveries: placeOf('deliveries'),
  unmarked: placeOf('unmarked'),
  parses: placeOf('parses'),
  fullDecodes: placeOf('fullDecodes'),
} as const;

/** One of the swarm. */
export class SwarmSession {
  readonly place: number;
  readonly plan: SessionPlan;
  phase: Phase = 'waiting';
  /** How long a heartbeat's interval is; 0 before HELLO. */
  heartbeatMs = 0;
  readonly #room: SwarmRoom;
  #connection: Connection | undefined;
  #sessionId = '';
  #resumeUrl = '';
  #isResuming = false;
  #isAckDue = false;
  #isPaused = false;
  #identifiedUs = 0;
  /** Guilds whose GUILD_CREATE has not come. */
  #guildsDue = new Set<string>();

  constructor(room: SwarmRoom, place: number, plan: SessionPlan) {
    this.#room = room;
    this.place = place;
    this.plan = plan;
  }

  /** Whether it is there and has all its guilds. */
  get isComplete(): boolean {
    return this.phase === 'live' && this.#guildsDue.size === 0;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Connects and identifies, whatever it had before. */
  begin(): void {
    this.#room.checker.begin(this.place);
    this.#sessionId = '';
    this.#guildsDue.clear();
    this.#open(this.#room.world.gatewayUrls[this.plan.gateway]!, false);
  }

  /** Connects and resumes; begins anew if it has nothing to resume. */
  comeBack(): void {
    if (this.#sessionId === '') return this.#room.toBegin(this);
    this.#open(this.#resumeUrl, true);
  }

  /** Loses its connection. It comes back by itself after `delayMs`, to resume or to begin anew. */
  drop(delayMs: number, isResumable: boolean): void {
    if (this.#connection === undefined) return;
    this.#room.count('drops');
    this.#reopen(delayMs, isResumable);
  }

  /** Leaves for good. */
  end(): void {
    this.phase = 'ended';
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.leave();
  }

  pause(): void {
    this.#isPaused = true;
    this.#connection?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#isAckDue = false;
    this.#connection?.resume();
  }

  /** Its heartbeat is due. */
  beat(): void {
    if (this.#connection === undefined) return;
    if (this.#isAckDue && !this.#isPaused) {
      this.#room.count('zombies');
      return this.#reopen(0, true);
    }
    this.#isAckDue = true;
    const s = this.#room.checker.sequenceOf(this.place);
    this.send(Opcode.Heartbeat, s === 0 ? null : s);
  }

  /** Says something; nothing when there is no connection. */
  send(op: number, d: unknown): void {
    const payload = { op, d };
    const isEtf = this.plan.wire.encoding === 'etf';
    this.#connection?.send(isEtf ? encodeEtf(payload) : JSON.stringify(payload));
  }

  #reopen(delayMs: number, isResumable: boolean): void {
    if (!isResumable) this.#sessionId = '';
    this.phase = 'waiting';
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.drop();
    this.#room.backIn(this, delayMs);
  }

  #open(url: string, isResuming: boolean): void {
    this.phase = 'connecting';
    this.#isResuming = isResuming;
    this.#isAckDue = false;
    const { buffers, counters } = this.#room;
    const values = counters.values;
    const address = this.#room.addressOf(this.place);
    const connection = new Connection(url, this.plan.wire, address, buffers, {
      onPayload: (bytes, start, end) => {
        if (this.#connection === connection) this.#receive(bytes, start, end);
      },
      onBytes: (count) => (values[PLACE.bytes]! += count),
      onFrame: () => (values[PLACE.frames]! += 1),
      onEnd: (code, problem) => {
        if (this.#connection === connection) this.#lost(code, problem);
      },
    });
    this.#connection = connection;
    if (this.#isPaused) this.#isPaused = false;
  }

  #receive(bytes: Buffer, start: number, end: number): void {
    const { dispatch, counters } = this.#room;
    const values = counters.values;
    if (this.plan.wire.encoding === 'json' && dispatch.scan(bytes, start, end)) {
      values[PLACE.dispatches]! += 1;
      this.#room.checker.sequence(this.place, dispatch.s);
      if (dispatch.is(bytes, MESSAGE_CREATE)) {
        if (this.#room.mark.scan(bytes, dispatch.dataAt, end)) this.#message(bytes, start, end);
        else values[PLACE.unmarked]! += 1;
        return;
      }
      if (!READ.some((name) => dispatch.is(bytes, name))) return;
      const { d, t } = JSON.parse(bytes.toString('utf8', start, end)) as Payload;
      return this.#event(t!, d);
    }
    values[PLACE.parses]! += 1;
    const isEtf = this.plan.wire.encoding === 'etf';
    const payload = (
      isEtf
        ? decodeEtf(bytes.subarray(start, end), { sizeMax: ETF_BYTES_MAX })
        : JSON.parse(bytes.toString('utf8', start, end))
    ) as Payload;
    this.#payload(payload);
  }

  #payload({ op, d, s, t }: Payload): void {
    switch (op) {
      case Opcode.Dispatch:
        this.#room.counters.values[PLACE.dispatches]! += 1;
        this.#room.checker.sequence(this.place, s ?? 0);
        if (t === 'MESSAGE_CREATE') {
          if (this.#room.mark.read(d as { id: string; content: string })) this.#message();
          else this.#room.count('unmarked');
          return;
        }
        return this.#event(t ?? '', d);
      case Opcode.Hello:
        return this.#hello((d as { heartbeat_interval: number }).heartbeat_interval);
      case Opcode.HeartbeatAck:
        this.#isAckDue = false;
        return;
      case Opcode.Heartbeat:
        return this.beat();
      case Opcode.Reconnect:
        this.#room.count('losses');
        return this.#reopen(this.#room.random() * BACK_WITHIN_MS, true);
      case Opcode.InvalidSession:
        this.#room.count('toldAnew');
        return this.#reopen(0, d === true);
      default:
        return;
    }
  }

  #hello(heartbeatMs: number): void {
    this.heartbeatMs = heartbeatMs;
    this.#room.beatLater(this, this.#room.random());
    const token = this.#room.world.tokens[this.plan.account]!;
    if (this.#isResuming) {
      this.phase = 'resuming';
      this.#room.count('resumes');
      const seq = this.#room.checker.sequenceOf(this.place);
      return this.send(Opcode.Resume, { token, session_id: this.#sessionId, seq });
    }
    this.phase = 'identifying';
    this.#identifiedUs = nowUs();
    this.#room.count('identifies');
    const isBot = this.plan.account < this.#room.botsCount;
    this.send(Opcode.Identify, {
      token,
      properties: { os: 'linux', browser: 'swarm', device: 'swarm' },
      large_threshold: 50,
      ...(isBot ? { intents: this.#room.intents } : {}),
    });
  }

  #event(t: string, d: unknown): void {
    switch (t) {
      case 'READY':
        return this.#ready(d as ReadyJson);
      case 'RESUMED':
        this.#room.count('resumed');
        this.phase = 'live';
        return this.#room.settled(this);
      case 'GUILD_CREATE':
        this.#guild(d as GuildJson);
        if (this.isComplete) this.#room.settled(this);
        return;
      default:
        return;
    }
  }

  #ready(d: ReadyJson): void {
    this.phase = 'live';
    this.#sessionId = d.session_id;
    this.#resumeUrl = d.resume_gateway_url;
    this.#room.count('readies');
    this.#room.readyLatency.add(nowUs() - this.#identifiedUs);
    this.#guildsDue = new Set(this.#room.guildIdsOf(this.plan.account));
    for (const guild of d.guilds) if (guild.unavailable !== true) this.#guild(guild);
    if (this.isComplete) this.#room.settled(this);
  }

  /** A snapshot: where each channel of it stands. */
  #guild({ id, channels = [], unavailable }: GuildJson): void {
    if (unavailable === true) return;
    this.#guildsDue.delete(id);
    for (const channel of channels) {
      const number = this.#room.channelNumbers.get(channel.id);
      if (number === undefined) continue;
      const { high, low } = splitId(channel.last_message_id ?? '0');
      this.#room.checker.snapshot(this.place, number, high, low);
    }
  }

  /** Hot path. The room's mark is that of a message that came. */
  #message(bytes?: Buffer, start = 0, end = 0): void {
    const room = this.#room;
    const { mark } = room;
    const now = nowUs();
    const latencyUs = now - mark.dueUs;
    room.counters.values[PLACE.deliveries]! += 1;
    room.checker.message(this.place, mark);
    room.latency.add(latencyUs);
    room.lastRecipients.add(mark.channel, mark.n, latencyUs, now);
    if (bytes !== undefined && room.isFullDecodeDue()) this.#compare(bytes, start, end);
  }

  /** What a parser says must be what the scan said, and be of the channel that the mark names. */
  #compare(bytes: Buffer, start: number, end: number): void {
    const room = this.#room;
    room.counters.values[PLACE.fullDecodes]! += 1;
    const { channel, n, idHigh, idLow } = room.mark;
    const { s } = room.dispatch;
    const payload = JSON.parse(bytes.toString('utf8', start, end)) as Payload;
    const d = payload.d as { id: string; content: string; channel_id: string };
    const isSame =
      room.mark.read(d) &&
      payload.s === s &&
      room.mark.channel === channel &&
      room.mark.n === n &&
      room.mark.idHigh === idHigh &&
      room.mark.idLow === idLow &&
      room.world.channelIds[channel] === d.channel_id;
    if (!isSame) room.violations.add('malformed', () => `${room.nameOf(this.place)}: ${d.content}`);
  }

  #lost(code: number, problem: string | undefined): void {
    const wasLive = this.phase === 'live';
    this.#connection = undefined;
    if (this.phase === 'ended') return;
    this.phase = 'waiting';
    this.#room.lost(code, problem);
    if (code !== 0 && !isResumable(code)) {
      this.#sessionId = '';
      if (isFinal(code)) {
        this.phase = 'ended';
        return this.#room.count('refusals');
      }
      if (wasLive) this.#room.count('toldAnew');
    }
    this.#room.backIn(this, this.#room.random() * BACK_WITHIN_MS);
  }
}

function isResumable(code: number): boolean {
  return closeBehaviour(code).mayResume;
}

function isFinal(code: number): boolean {
  return !closeBehaviour(code).mayReconnect;
}
