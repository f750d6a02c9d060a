// One client's connection: from HELLO to the close. It reads what the client says, keeps to the
// limits, and hands it on; what the client is told goes through its socket.
//
//   fresh ── IDENTIFY, RESUME ──► entering ──► in session
//     ▲                              │              │
//     └────────── op 9 ◄─────────────┴──────────────┘   (the same socket may try again)
import {
  BOT_PAYLOAD_SIZE_MAX,
  CloseCode,
  doesClientCloseEndSession,
  heartbeatAck,
  hello,
  Opcode,
  USER_PAYLOAD_SIZE_MAX,
  type ApiVersion,
  type ClientPayload,
  type Encoding,
  type HeartbeatPayload,
} from '@guildhall/gateway-protocol';
import type { Clock } from '@guildhall/clock';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import { SendLimiter } from '../domain/send-limiter.js';
import type { Session } from '../domain/session.js';
import type { WheelEntry } from '../domain/timer-wheel.js';
import type { GatewayEvents } from '../events.js';
import type { ClientRequests } from './client-requests.js';
import type { ClientListener } from './client-socket.js';
import { readFrame, reasonOf } from './frame-reader.js';
import type { Caller, Entrance, Identify } from './identify.js';
import { WsClose } from './message-reader.js';
import type { Resume } from './resume.js';
import type { SessionLife } from './session-life.js';

/** What all connections share. */
export interface ConnectionRoom {
  readonly clock: Clock;
  readonly events: GatewayEvents;
  readonly life: SessionLife;
  readonly identify: Identify;
  readonly resume: Resume;
  readonly requests: ClientRequests;
  readonly instance: string;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly identifyTimeoutMs: number;
  readonly sendsMax: number;
  readonly sendsWindowMs: number;
  /** The connection's `dueMs` may have become earlier. */
  readonly reschedule: (connection: Connection) => void;
  /** The connection is over. */
  readonly left: (connection: Connection) => void;
}

/** How the client asked to be spoken to. */
export interface ConnectionTerms {
  readonly version: ApiVersion;
  readonly encoding: Encoding;
}

/** See the top of the file. */
export class Connection implements Caller, ClientListener, WheelEntry {
  readonly socket: GatewaySocket;
  readonly version: ApiVersion;
  /** When it is closed for its silence, unless it speaks. */
  dueMs: number;
  wheelSlot = -1;
  wheelIndex = 0;
  readonly #room: ConnectionRoom;
  readonly #encoding: Encoding;
  readonly #sends: SendLimiter;
  #session: Session | undefined;
  /** An IDENTIFY or RESUME is being answered; what else was said waits. */
  #waiting: ClientPayload[] | undefined;
  #isOpen = true;
  #closedWith: number | undefined;

  constructor(room: ConnectionRoom, socket: GatewaySocket, terms: ConnectionTerms) {
    this.#room = room;
    this.socket = socket;
    this.version = terms.version;
    this.#encoding = terms.encoding;
    this.#sends = new SendLimiter(room.sendsMax, room.sendsWindowMs);
    this.dueMs = room.clock.monotonicMs() + room.identifyTimeoutMs;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Its session, unless that has ended meanwhile. */
  get session(): Session | undefined {
    return this.#session?.isEnded === true ? undefined : this.#session;
  }

  get sessionId(): string | undefined {
    return this.session?.id;
  }

  /** Says HELLO. */
  greet(): void {
    const trace = [JSON.stringify([this.#room.instance, { micros: 0 }])];
    this.socket.frame(hello(this.#room.heartbeatIntervalMs, trace));
  }

  /** One message of the client. */
  message(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    const { clock, sendsMax, sendsWindowMs } = this.#room;
    if (!this.#sends.admit(clock.monotonicMs())) {
      const reason = `More than ${sendsMax} payloads in ${Math.round(sendsWindowMs / 1000)} s.`;
      this.close(CloseCode.RateLimited, reason);
      return;
    }
    const isBot = this.session?.isBot === true;
    const sizeMax = isBot ? BOT_PAYLOAD_SIZE_MAX : USER_PAYLOAD_SIZE_MAX;
    const parsed = readFrame(bytes, this.#encoding, sizeMax);
    if (parsed.ok) this.#take(parsed.payload);
    else this.close(parsed.closeCode);
  }

  /** Closes, and lets go of the session as the code says. May be called twice. */
  close(code: number, reason: string = reasonOf(code)): void {
    if (!this.#isOpen) return;
    this.#closedWith = code;
    this.#leave(endsSession(code));
    this.socket.close(code, reason);
  }

  /** What cannot be read as a message at all is a decode error where it is about the contents. */
  violated(code: number): boolean {
    const isContents = code === WsClose.TooBig || code === WsClose.NotUtf8;
    if (isContents) this.close(CloseCode.DecodeError);
    return isContents;
  }

  /** The socket is closed, by whoever. */
  closed(code: number): void {
    this.#room.left(this);
    this.#room.events.socketClosed(this.#closedWith ?? code);
    // Only what the client says by itself is a goodbye; else it repeats our own code.
    const isGoodbye = this.#closedWith === undefined && doesClientCloseEndSession(code);
    this.#leave(isGoodbye);
    this.socket.closed();
  }

  /** `dueMs` has passed. */
  timedOut(): void {
    if (this.session === undefined && this.#waiting === undefined) {
      this.close(CloseCode.NotAuthenticated, 'No IDENTIFY or RESUME in time.');
    } else {
      // Whoever was only slow may resume.
      this.close(CloseCode.SessionTimedOut, 'No heartbeat in time.');
    }
  }

  #take(payload: ClientPayload): void {
    if (payload.op === Opcode.Heartbeat || payload.op === Opcode.QosHeartbeat) {
      this.#heartbeat(payload);
      return;
    }
    const isEntrance = payload.op === Opcode.Identify || payload.op === Opcode.Resume;
    const { session } = this;
    if (isEntrance) {
      if (session !== undefined || this.#waiting !== undefined) {
        this.close(CloseCode.AlreadyAuthenticated);
      } else {
        this.#enter(payload);
      }
    } else if (this.#waiting !== undefined) {
      this.#waiting.push(payload);
    } else if (session === undefined) {
      this.close(CloseCode.NotAuthenticated);
    } else {
      this.#request(session, payload);
    }
  }

  #heartbeat({ sequence }: HeartbeatPayload): void {
    const { clock, heartbeatTimeoutMs } = this.#room;
    const { session } = this;
    if (session !== undefined) {
      this.dueMs = clock.monotonicMs() + heartbeatTimeoutMs;
      if (sequence !== null && sequence > 0) session.confirm(sequence);
    }
    this.socket.frame(heartbeatAck());
  }

  #enter(payload: ClientPayload): void {
    const { identify, resume, clock, heartbeatTimeoutMs } = this.#room;
    this.#waiting = [];
    this.dueMs = clock.monotonicMs() + heartbeatTimeoutMs;
    this.#room.reschedule(this);
    const entering =
      payload.op === Opcode.Identify
        ? identify.identify(this, payload)
        : payload.op === Opcode.Resume
          ? resume.resume(this, payload)
          : Promise.resolve<Entrance>({ kind: 'gone' });
    void entering.then((entrance) => this.#entered(entrance));
  }

  #entered(entrance: Entrance): void {
    const { life, clock, heartbeatTimeoutMs } = this.#room;
    if (entrance.kind === 'invalid') {
      life.sayInvalid(this.socket, () => this.#startOver());
      return;
    }
    if (entrance.kind === 'close') {
      this.#waiting = undefined;
      this.close(entrance.code, entrance.reason);
      return;
    }
    if (entrance.kind === 'gone') return;
    this.#session = entrance.session;
    this.dueMs = clock.monotonicMs() + heartbeatTimeoutMs;
    this.#room.reschedule(this);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const payload of waiting) if (this.#isOpen) this.#take(payload);
  }

  /** After op 9: the same socket may identify or resume. */
  #startOver(): void {
    const { clock, identifyTimeoutMs, reschedule } = this.#room;
    this.#waiting = undefined;
    this.dueMs = clock.monotonicMs() + identifyTimeoutMs;
    if (this.#isOpen) reschedule(this);
  }

  #request(session: Session, payload: ClientPayload): void {
    const { requests } = this.#room;
    switch (payload.op) {
      case Opcode.PresenceUpdate:
        requests.updatePresence(session, payload);
        return;
      case Opcode.VoiceStateUpdate:
        void requests.updateVoiceState(session, payload);
        return;
      case Opcode.RequestGuildMembers:
        void requests.guildMembers(session, payload);
        return;
      case Opcode.RequestSoundboardSounds:
        requests.soundboardSounds(session, payload);
        return;
      case Opcode.RequestChannelInfo:
        void requests.channelInfo(session, payload);
        return;
      default:
      // Guild subscriptions: everybody is subscribed to everything. The rest is tolerated.
    }
  }

  #leave(endsIt: boolean): void {
    this.#isOpen = false;
    const { life } = this.#room;
    const { session } = this;
    this.#session = undefined;
    // Resumed elsewhere meanwhile: it is that connection's now.
    if (session === undefined || session.socket !== this.socket) return;
    if (endsIt) life.end(session);
    else life.detach(session);
  }
}

/** Of the codes we close with, those after which there is nothing to resume. */
function endsSession(code: number): boolean {
  return (
    code === CloseCode.NotAuthenticated ||
    code === CloseCode.AuthenticationFailed ||
    code === CloseCode.InvalidSequence
  );
}
