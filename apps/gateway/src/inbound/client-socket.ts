// A client's WebSocket after the handshake, on the TCP socket itself. `ws` makes the handshake; what
// it keeps for each connection afterwards (a stream that parses, a sender, an emitter and their
// listeners) weighs more than the rest of a session at rest, and this needs one object.
//
//   open ── close(code) ──► closing ── the client's own goodbye, its end, or time ──► closed
//   open ── the client's goodbye: said back, and the stream ended ──► closed
import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '@guildhall/clock';
import { readMessages, WsClose, type MessageSink, type Unfinished } from './message-reader.js';

/** Who is told of one client. */
export interface ClientListener {
  /** For reports. */
  readonly sessionId: string | undefined;
  message(bytes: Buffer): void;
  /** The protocol underneath was broken. False: close with `code`; true: this closes otherwise. */
  violated(code: number): boolean;
  /** The connection is over; `code` is the client's, 1005 without one, 1006 without a goodbye. */
  closed(code: number): void;
}

/** As WebSockets count them. */
export const ReadyState = { Open: 1, Closing: 2, Closed: 3 } as const;

/** How long a client may take to say goodbye back. */
const GOODBYE_MS = 30_000;
/** Nobody needs an answer to a ping while so much else waits for them. */
const PONG_BACKLOG_MAX = 65_536;
/** Up to here a copy is cheaper than a second write. */
const COPIED_SIZE_MAX = 16_384;
const FINAL = 0x80;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PONG = 10;
const HEADER_SIZE_MAX = 10;
const REASON_SIZE_MAX = 123;

const CLIENT = Symbol('client');

type Upgraded = Duplex & { [CLIENT]?: ClientSocket; setTimeout?(ms: number): unknown };

/** See the top of the file. */
export class ClientSocket implements MessageSink {
  listener: ClientListener | undefined;
  readyState: number = ReadyState.Open;
  /** False after the client's goodbye, or when it has broken the protocol. */
  isReading = true;
  readonly #socket: Upgraded;
  readonly #clock: Clock;
  readonly #sizeMax: number;
  #unfinished: Unfinished | undefined;
  #goodbye: number = WsClose.Abnormal;
  #timer: Timer | undefined;

  /** @param sizeMax bytes of a message that are read; more is a violation, told as 1009. */
  constructor(socket: Duplex, clock: Clock, sizeMax: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#sizeMax = sizeMax;
    this.#socket[CLIENT] = this;
    this.#socket.setTimeout?.(0);
    socket.on('error', onError).on('close', onClose).on('end', onEnd).on('data', onData);
  }

  /** The session it is the socket of, for reports. */
  get sessionId(): string | undefined {
    return this.listener?.sessionId;
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedAmount(): number {
    return this.#socket.writableLength;
  }

  /** Bytes of the client, as they come. After our own goodbye they are read for theirs alone. */
  receive(bytes: Buffer): void {
    if (!this.isReading) return;
    this.#unfinished = readMessages(bytes, this.#unfinished, this.#sizeMax, this);
  }

  /** Sends one message; calls back when it is on its way, or never will be. */
  send(message: Buffer, { binary }: { readonly binary: boolean }, onGone?: () => void): void {
    if (this.readyState !== ReadyState.Open) {
      onGone?.();
      return;
    }
    this.#write((binary ? BINARY : TEXT) | FINAL, message, onGone);
  }

  /** Says goodbye and waits a while for the client's. May be called twice. */
  close(code: number, reason = ''): void {
    if (this.readyState !== ReadyState.Open) return;
    this.readyState = ReadyState.Closing;
    const text = Buffer.from(reason).subarray(0, REASON_SIZE_MAX);
    const payload = Buffer.allocUnsafe(2 + text.length);
    payload.writeUInt16BE(code, 0);
    payload.set(text, 2);
    this.#write(CLOSE | FINAL, payload);
    // Of who has broken the protocol a goodbye could not be made out.
    if (!this.isReading) this.#socket.end();
    this.#endInTime();
  }

  /** Ends the connection without a word. */
  terminate(): void {
    if (this.readyState === ReadyState.Closed) return;
    this.readyState = ReadyState.Closing;
    this.#socket.destroy();
  }

  message(bytes: Buffer): void {
    if (this.readyState === ReadyState.Open) this.listener?.message(bytes);
  }

  ping(bytes: Buffer): void {
    if (this.readyState !== ReadyState.Open) return;
    if (this.#socket.writableLength < PONG_BACKLOG_MAX) this.#write(PONG | FINAL, bytes);
  }

  goodbye(code: number): void {
    this.isReading = false;
    this.#goodbye = code;
    if (this.readyState === ReadyState.Open) {
      this.readyState = ReadyState.Closing;
      const payload = Buffer.allocUnsafe(code === WsClose.NoStatus ? 0 : 2);
      if (payload.length > 0) payload.writeUInt16BE(code, 0);
      this.#write(CLOSE | FINAL, payload);
    }
    this.#socket.end();
    this.#endInTime();
  }

  violated(code: number): void {
    this.isReading = false;
    if (this.listener?.violated(code) !== true) this.close(code);
  }

  /** The client sends no more. */
  ended(): void {
    this.readyState = Math.max(this.readyState, ReadyState.Closing);
    this.#socket.end();
    this.#endInTime();
  }

  /** The socket is closed. */
  over(): void {
    this.readyState = ReadyState.Closed;
    this.#unfinished = undefined;
    this.#timer?.cancel();
    this.listener?.closed(this.#goodbye);
    this.listener = undefined;
  }

  #endInTime(): void {
    this.#timer ??= this.#clock.setTimer(GOODBYE_MS, () => this.#socket.destroy());
  }

  #write(opening: number, payload: Buffer, onGone?: () => void): void {
    const socket = this.#socket;
    if (!socket.writable) {
      onGone?.();
      return;
    }
    const { length } = payload;
    const isCopied = length <= COPIED_SIZE_MAX;
    const frame = Buffer.allocUnsafe(HEADER_SIZE_MAX + (isCopied ? length : 0));
    frame[0] = opening;
    let at = 2;
    if (length < 126) frame[1] = length;
    else if (length < 65_536) {
      frame[1] = 126;
      at = frame.writeUInt16BE(length, 2);
    } else {
      frame[1] = 127;
      at = frame.writeBigUInt64BE(BigInt(length), 2);
    }
    if (isCopied) {
      frame.set(payload, at);
      socket.write(frame.subarray(0, at + length), onGone);
      return;
    }
    socket.cork();
    socket.write(frame.subarray(0, at));
    socket.write(payload, onGone);
    socket.uncork();
  }
}

function onData(this: Upgraded, bytes: Buffer): void {
  this[CLIENT]!.receive(bytes);
}

function onEnd(this: Upgraded): void {
  this[CLIENT]!.ended();
}

function onClose(this: Upgraded): void {
  this[CLIENT]!.over();
}

/** An error of a socket is followed by its close, which is what we act on. */
function onError(): void {}
