// Tells the owners of users about the sessions of this gateway: what changed within a few
// milliseconds together, leases once in ten seconds, one message for each partition.
import { callOwner, type Bus } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import { Presence, type GetUserReply } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { partitionOf } from '@guildhall/snowflake';
import type { TraceContext, Tracer } from '@guildhall/telemetry';
import type { PresencePort } from '../domain/ports.js';
import { sessionPresence, type PresenceBook, type SessionName } from '../domain/presence-book.js';
import type { Session } from '../domain/session.js';

export interface PresencePortOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly instance: string;
  readonly callTimeoutMs: number;
  readonly deadlineMs: number;
  /** How long changes are collected. */
  readonly flushIntervalMs: number;
  readonly leaseRenewalMs: number;
  readonly onFailed: (what: string, fault: Fault) => void;
}

/** Names in one request, and topics: both together stay far below what a message may carry. */
const NAMES_PER_REQUEST = 5_000;
const TOPICS_PER_REQUEST = 20_000;
/** Requests under way at once. */
const REQUESTS_MAX = 64;
const RETRY_MS = 1_000;

/** See the top of the file. */
export class PresenceOverBus implements PresencePort {
  readonly #options: PresencePortOptions;
  readonly #book: PresenceBook;
  readonly #queue: (() => Promise<void>)[] = [];
  #inFlightCount = 0;
  #flushTimer: Timer | undefined;
  #leaseTimer: Timer | undefined;
  #isOpen = false;
  #onIdle: (() => void) | undefined;

  constructor(book: PresenceBook, options: PresencePortOptions) {
    this.#book = book;
    this.#options = options;
  }

  start(): void {
    const { clock, flushIntervalMs, leaseRenewalMs } = this.#options;
    this.#isOpen = true;
    this.#flushTimer = clock.every(flushIntervalMs, () => this.flush());
    this.#leaseTimer = clock.every(leaseRenewalMs, () => this.#renewLeases());
  }

  stop(): void {
    this.#isOpen = false;
    this.#flushTimer?.cancel();
    this.#leaseTimer?.cancel();
    this.#queue.length = 0;
  }

  /** Sends what changed, and resolves when it was answered, or could not be sent. */
  async settle(): Promise<void> {
    this.flush();
    if (this.#inFlightCount === 0) return;
    await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  user(userId: bigint, trace: TraceContext | undefined): Promise<GetUserReply> {
    const { bus, tracer, callTimeoutMs: timeoutMs, deadlineMs } = this.#options;
    const options = { timeoutMs, deadlineMs, trace, tracer };
    return callOwner(bus, Presence.method.getUser, partitionOf(userId), { userId }, options);
  }

  /** Sends what changed since the last time. */
  flush(): void {
    if (!this.#isOpen || this.#book.isQuiet) return;
    for (const { partition, names } of this.#book.takeGone()) this.#remove(partition, names);
    for (const { partition, sessions } of this.#book.takeChanged()) this.#put(partition, sessions);
  }

  #put(partition: number, sessions: readonly Session[]): void {
    for (const batch of batches(sessions)) {
      this.#enqueue(async () => {
        const request = {
          gatewayInstance: this.#options.instance,
          partition,
          sessions: batch.filter((session) => session.isPresent).map(sessionPresence),
        };
        if (request.sessions.length === 0) return;
        try {
          await callOwner(
            this.#options.bus,
            Presence.method.putSessions,
            partition,
            request,
            this.#call(),
          );
        } catch (reason) {
          this.#failed('put', reason);
          this.#options.clock.setTimer(RETRY_MS, () => this.#book.again(batch));
        }
      });
    }
  }

  /** Not repeated past the deadline: the leases of who is gone run out. */
  #remove(partition: number, names: readonly SessionName[]): void {
    for (let at = 0; at < names.length; at += NAMES_PER_REQUEST) {
      const sessions = names.slice(at, at + NAMES_PER_REQUEST);
      this.#enqueue(async () => {
        const request = { gatewayInstance: this.#options.instance, partition, sessions };
        const method = Presence.method.removeSessions;
        try {
          await callOwner(this.#options.bus, method, partition, request, this.#call());
        } catch (reason) {
          this.#failed('remove', reason);
        }
      });
    }
  }

  #renewLeases(): void {
    for (const { partition, sessions } of this.#book.leases()) {
      for (let at = 0; at < sessions.length; at += NAMES_PER_REQUEST) {
        const names = sessions
          .slice(at, at + NAMES_PER_REQUEST)
          .map((session) => ({ userId: session.userId, sessionId: session.id }));
        this.#enqueue(() => this.#renew(partition, names));
      }
    }
  }

  async #renew(partition: number, sessions: readonly SessionName[]): Promise<void> {
    const request = {
      gatewayInstance: this.#options.instance,
      partition,
      sessions: [...sessions],
    };
    const method = Presence.method.renewLeases;
    try {
      const reply = await callOwner(this.#options.bus, method, partition, request, this.#call());
      this.#book.againByName(reply.unknown);
    } catch (reason) {
      this.#failed('renew', reason);
    }
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue.push(work);
    this.#next();
  }

  #next(): void {
    while (this.#inFlightCount < REQUESTS_MAX) {
      const work = this.#queue.shift();
      if (work === undefined) break;
      this.#inFlightCount += 1;
      void work().finally(() => {
        this.#inFlightCount -= 1;
        this.#next();
      });
    }
    if (this.#inFlightCount > 0) return;
    this.#onIdle?.();
    this.#onIdle = undefined;
  }

  #failed(what: string, reason: unknown): void {
    const fault = Fault.from(reason);
    if (this.#isOpen) this.#options.onFailed(what, fault);
  }

  #call(): { timeoutMs: number; deadlineMs: number } {
    const { callTimeoutMs, deadlineMs } = this.#options;
    return { timeoutMs: callTimeoutMs, deadlineMs };
  }
}

function* batches(sessions: readonly Session[]): Iterable<Session[]> {
  let batch: Session[] = [];
  let topicsCount = 0;
  for (const session of sessions) {
    const sessionTopicsCount = session.followings.size + 4;
    if (batch.length > 0 && topicsCount + sessionTopicsCount > TOPICS_PER_REQUEST) {
      yield batch;
      batch = [];
      topicsCount = 0;
    }
    batch.push(session);
    topicsCount += sessionTopicsCount;
  }
  if (batch.length > 0) yield batch;
}
