import type { Clock } from '@guildhall/clock';
import { Bug, Fault, FaultCode } from '@guildhall/fault';
import type { Room, ServiceLog } from './room.js';
import { within } from './within.js';

/** Where a process is in its life. It only ever goes to the right. */
export type Phase = 'idle' | 'starting' | 'ready' | 'draining' | 'stopped';

const DRAIN_MS = 10_000;
const STOP_MS = 5_000;

export interface ServiceLifeOptions {
  name: string;
  /** In the order they start. */
  rooms: readonly Room[];
  clock: Clock;
  logger: ServiceLog;
  /** What all rooms together may take to drain, ms. Default 10,000. */
  drainMs?: number;
  /**
   * What all rooms together may take to stop, ms; rooms that take longer are left. Default 5,000.
   */
  stopMs?: number;
}

/**
 * A process's life without the process: one direction, rooms up in order and down in reverse.
 * Knows no signals and no exit code, so specs live it too; `runMain` gives it those.
 */
export class ServiceLife {
  readonly name: string;
  readonly #rooms: readonly Room[];
  readonly #clock: Clock;
  readonly #log: ServiceLog;
  readonly #drainMs: number;
  readonly #stopMs: number;
  /** Rooms that started, the last one at the end. */
  readonly #open: Room[] = [];
  readonly #starting = new AbortController();
  readonly #draining = new AbortController();
  #phase: Phase = 'idle';
  #start: Promise<void> | undefined;
  #drain: Promise<void> | undefined;
  #stop: Promise<void> | undefined;

  constructor(options: ServiceLifeOptions) {
    this.name = options.name;
    this.#rooms = options.rooms;
    this.#clock = options.clock;
    this.#log = options.logger;
    this.#drainMs = options.drainMs ?? DRAIN_MS;
    this.#stopMs = options.stopMs ?? STOP_MS;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether work is welcome: true in the phase `ready` only. */
  get isReady(): boolean {
    return this.#phase === 'ready';
  }

  /**
   * Starts every room in order. When one fails, stops those already started and rejects with a
   * Fault that names the room. Called again it gives the same promise; after `stop` it rejects.
   */
  start(): Promise<void> {
    this.#start ??= this.#startRooms();
    return this.#start;
  }

  /**
   * Ready no more: drains every room in reverse, within the budget. A drain that fails is logged
   * and the next one goes on. Resolves even when not all is drained. May be called twice.
   */
  drain(): Promise<void> {
    this.#drain ??= this.#drainRooms();
    return this.#drain;
  }

  /** Ends a start or a drain that is under way, without waiting for its budget. */
  hurry(): void {
    this.#starting.abort(new Fault(FaultCode.Unavailable, 'told to stop'));
    this.#draining.abort(new Fault(FaultCode.Unavailable, 'told to stop now'));
  }

  /**
   * Stops every started room in reverse; cuts short a drain, waits for a start to give up. A room
   * that fails or takes too long is logged and left. From any phase; may be called twice.
   */
  stop(): Promise<void> {
    this.#stop ??= this.#stopRooms();
    return this.#stop;
  }

  async #startRooms(): Promise<void> {
    if (this.#phase !== 'idle') throw new Fault(FaultCode.Unavailable, `${this.name} has stopped`);
    this.#phase = 'starting';
    const startedMs = this.#clock.monotonicMs();
    for (const room of this.#rooms) {
      try {
        this.#starting.signal.throwIfAborted();
        await room.start(this.#starting.signal);
      } catch (reason) {
        await this.#closeOpenRooms();
        throw roomFault(room, reason);
      }
      this.#open.push(room);
      this.#log.info('room started', { room: room.name });
    }
    if (this.#starting.signal.aborted) {
      await this.#closeOpenRooms();
      throw new Fault(FaultCode.Unavailable, `${this.name} was told to stop while it started`);
    }
    this.#phase = 'ready';
    const tookMs = Math.round(this.#clock.monotonicMs() - startedMs);
    this.#log.info('ready', { service: this.name, rooms: this.#rooms.length, tookMs });
  }

  async #drainRooms(): Promise<void> {
    if (this.#phase !== 'ready') return;
    this.#phase = 'draining';
    this.#log.info('draining', { service: this.name, drainMs: this.#drainMs });
    const { signal } = this.#draining;
    const budget = this.#clock.setTimer(this.#drainMs, () => {
      this.#draining.abort(new Fault(FaultCode.Timeout, 'the drain budget is used up'));
    });
    try {
      for (const room of this.#open.toReversed()) {
        if (room.drain === undefined) continue;
        if (signal.aborted) {
          this.#log.warn('room not drained: no time left', { room: room.name });
          continue;
        }
        await this.#attempt(room, 'drain', within(signal, room.drain(signal)));
      }
    } finally {
      budget.cancel();
    }
  }

  async #stopRooms(): Promise<void> {
    if (this.#phase === 'starting') {
      this.hurry();
      // Its rejection belongs to whoever called start.
      await this.#start?.catch(() => undefined);
    } else {
      this.hurry();
      await this.#drain;
      await this.#closeOpenRooms();
    }
    this.#phase = 'stopped';
    this.#log.info('stopped', { service: this.name });
  }

  async #closeOpenRooms(): Promise<void> {
    this.#phase = 'draining';
    const late = new AbortController();
    const budget = this.#clock.setTimer(this.#stopMs, () => {
      late.abort(new Fault(FaultCode.Timeout, 'the stop budget is used up'));
    });
    try {
      for (let room = this.#open.pop(); room !== undefined; room = this.#open.pop()) {
        await this.#attempt(room, 'stop', within(late.signal, room.stop()));
      }
    } finally {
      budget.cancel();
      this.#phase = 'stopped';
    }
  }

  /** On the way down a failing room must not keep the others up; a Bug still ends everything. */
  async #attempt(room: Room, what: 'drain' | 'stop', work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (reason) {
      if (reason instanceof Bug) throw reason;
      this.#log.error(`room did not ${what}`, { room: room.name, error: reason });
    }
  }
}

function roomFault(room: Room, reason: unknown): Fault {
  if (reason instanceof Bug) throw reason;
  const detail = reason instanceof Error ? reason.message : String(reason);
  const code = reason instanceof Fault ? reason.code : FaultCode.Internal;
  return new Fault(code, `room ${room.name} did not start: ${detail}`, { cause: reason });
}
