// How sessions lose their sockets, get new ones, and end.
import { randomInt } from 'node:crypto';
import type { Clock } from '@guildhall/clock';
import { closeBehaviour, CloseCode, invalidSession } from '@guildhall/gateway-protocol';
import type { GatewaySocket } from '../domain/gateway-socket.js';
import type { GuildsPort } from '../domain/ports.js';
import type { PresenceBook } from '../domain/presence-book.js';
import type { SessionRegistry } from '../domain/session-registry.js';
import type { Session } from '../domain/session.js';
import { TimerWheel } from '../domain/timer-wheel.js';
import type { Relays } from './relays.js';

export interface SessionLifeOptions {
  readonly clock: Clock;
  readonly registry: SessionRegistry;
  readonly relays: () => Relays;
  readonly book: PresenceBook;
  readonly guilds: GuildsPort;
  readonly resumeWindowMs: number;
  readonly presenceGraceMs: number;
  readonly invalidSessionDelayMinMs: number;
  readonly invalidSessionDelayMaxMs: number;
  readonly tickMs: number;
}

const WHEEL_SLOTS = 1024;

/** See the top of the file. */
export class SessionLife {
  /** Sessions without a socket are about to be back elsewhere: nobody is shown offline. */
  isDraining = false;
  readonly #options: SessionLifeOptions;
  readonly #detached: TimerWheel<Session>;
  /** The same, the one longest without a socket first. */
  readonly #detachedInOrder = new Set<Session>();
  /** Sessions whose last presence update came too soon after others. */
  readonly #presenceWaiting = new Set<Session>();

  constructor(options: SessionLifeOptions) {
    this.#options = options;
    this.#detached = new TimerWheel<Session>({
      tickMs: options.tickMs,
      slotsCount: WHEEL_SLOTS,
      nowMs: options.clock.monotonicMs(),
    });
  }

  /** A socket for a session: its first, or another. The one it had is told to go. */
  connect(session: Session, socket: GatewaySocket): void {
    const former = session.socket;
    this.#attached(session);
    session.socket = socket;
    session.state = 'connected';
    if (former !== undefined && former !== socket) {
      former.close(CloseCode.UnknownError, 'The session was resumed on another connection.');
    }
    if (!session.isPresent) this.#options.book.put(session);
  }

  /** The socket is gone; the session may be resumed for a while. */
  detach(session: Session): void {
    if (session.isEnded) return;
    const { clock, resumeWindowMs, presenceGraceMs } = this.#options;
    const nowMs = clock.monotonicMs();
    session.socket = undefined;
    session.state = 'detached';
    session.detachedAtMs = nowMs;
    session.dueMs = nowMs + Math.min(presenceGraceMs, resumeWindowMs);
    this.#detached.add(session);
    this.#detachedInOrder.add(session);
  }

  /**
   * Ends the session that has been without a socket the longest, of one user or of all: whoever is
   * here has more right to the place. False when there is none.
   */
  makeRoom(userId?: bigint): boolean {
    for (const session of this.#detachedInOrder) {
      if (userId !== undefined && session.userId !== userId) continue;
      this.end(session);
      return true;
    }
    return false;
  }

  /** The session is over. Its socket, if it has one, is left to the caller. May be called twice. */
  end(session: Session): void {
    if (session.isEnded) return;
    session.state = 'ended';
    session.socket = undefined;
    this.#attached(session);
    this.#presenceWaiting.delete(session);
    this.#options.registry.remove(session);
    this.#options.relays().detachAll(session);
    this.#options.book.remove(session);
    this.#leaveVoice(session);
  }

  /** Ends a session and closes its socket. */
  close(session: Session, code: number): void {
    const { socket } = session;
    session.endCode = code;
    this.end(session);
    socket?.close(code, closeBehaviour(code).meaning);
  }

  /**
   * What the session missed cannot be told it any more. Its client hears so on the same socket, and
   * may identify on it; not all at the same moment, for there may be many.
   */
  invalidate(session: Session): void {
    const { socket } = session;
    this.end(session);
    if (socket !== undefined) this.sayInvalid(socket);
  }

  /** op 9 `false`, after a while: some libraries identify again at once, and would for ever. */
  sayInvalid(socket: GatewaySocket, then: () => void = () => undefined): void {
    const { invalidSessionDelayMinMs: min, invalidSessionDelayMaxMs: max, clock } = this.#options;
    clock.setTimer(min === max ? min : randomInt(min, max), () => {
      socket.frame(invalidSession(false));
      then();
    });
  }

  /** A presence update that came too soon: the last one is applied when there is room. */
  delayPresence(session: Session): void {
    this.#presenceWaiting.add(session);
  }

  /** To be called every tick. */
  turn(): void {
    const { clock, resumeWindowMs, book } = this.#options;
    if (this.isDraining) return;
    const nowMs = clock.monotonicMs();
    for (const session of this.#detached.turn(nowMs)) {
      const endsMs = session.detachedAtMs + resumeWindowMs;
      if (nowMs >= endsMs) {
        this.end(session);
        continue;
      }
      // Shown offline, but still here for whoever resumes it.
      book.remove(session);
      session.dueMs = endsMs;
      this.#detached.add(session);
    }
    for (const session of this.#presenceWaiting) {
      if (!session.presenceLimiter.admit(nowMs)) continue;
      this.#presenceWaiting.delete(session);
      session.presence = session.presenceWaiting ?? session.presence;
      session.presenceWaiting = undefined;
      book.put(session);
    }
  }

  /** It is among those without a socket no more. */
  #attached(session: Session): void {
    this.#detached.remove(session);
    this.#detachedInOrder.delete(session);
  }

  #leaveVoice(session: Session): void {
    for (const guildId of session.voiceGuilds ?? []) {
      const asker = { topicId: guildId, actorId: session.userId, isBot: session.isBot };
      const request = { channelId: 0n, sessionId: session.id };
      // Past its deadline the owner finds out by itself when the member connects again.
      this.#options.guilds.updateVoiceState(asker, request).catch(() => undefined);
    }
    session.voiceGuilds = undefined;
  }
}
