// Who is alive and who owns which partition, agreed on without agreeing: every instance says on one
// subject, several times a lease, that it is there; everyone draws the same owners from the same
// set of ready instances (see PlacementRing). Views differ for as long as a message takes, so for
// that long two may think they own a partition; what they write is fenced by the epoch in the
// database.
//
//   join()          setReady() and listened for a beat         beginDrain()        leave()
//     joining ───────────────────────► ready ───────────────────► draining ──────────► left
//        ▲                               │ own beats no longer come back for a lease
//        └───────────────────────────────┘ (cut off, or stood still): others have taken over
//
// A joiner owns nothing until it has listened for a beat; whoever hears a joiner beats at once, so
// that this is enough to know everybody.
import { publishMessage, subscribeMessages, type Bus, type Subscription } from '@guildhall/bus';
import type { Clock, Timer } from '@guildhall/clock';
import { MEMBERS_SUBJECT, MemberSchema, type Member } from '@guildhall/contracts';
import { Bug } from '@guildhall/fault';
import { PlacementRing } from '@guildhall/placement-ring';
import { PARTITIONS_COUNT } from '@guildhall/snowflake';
import { MemberTable, type MemberView } from './member-table.js';
import { OwnLease } from './own-lease.js';
import { showPlacement } from './placement-metrics.js';
import type { PlacementChange, PlacementOptions, ServiceWatch } from './placement-options.js';

type State = 'joining' | 'ready' | 'draining' | 'left';

const BEAT_MS = 500;
const LEASE_MS = 2_000;
/**
 * A timer that is later than this part of a beat: the process stood still, and has mail to read.
 */
const LATE_BEATS = 0.5;
/** After mail may have been missed, everybody gets the time for a beat and its way. */
const GRACE_BEATS = 1.5;
/** How long it takes to read what arrived while the process stood still. */
const MAIL_MS = 50;

/** Joins. Owns nothing before `setReady`. The bus is the caller's, and outlives the placement. */
export function joinPlacement(options: PlacementOptions): Placement {
  return new Placement(options);
}

/** This instance's place in the fleet. */
export class Placement {
  readonly service: string;
  readonly instance: string;
  readonly incarnation: bigint;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #options: PlacementOptions;
  readonly #beatMs: number;
  readonly #table: MemberTable;
  readonly #lease: OwnLease;
  readonly #subscription: Subscription;
  readonly #offGap: () => void;
  readonly #beatTimer: Timer;
  readonly #changeCallbacks = new Set<(change: PlacementChange) => void>();
  readonly #watchCallbacks = new Map<string, Set<(members: readonly MemberView[]) => void>>();
  readonly #ready = Promise.withResolvers<void>();
  /** By partition, 1 if it is ours. */
  readonly #mine = new Uint8Array(PARTITIONS_COUNT);
  #ring = new PlacementRing([]);
  #owned: ReadonlySet<number> = new Set();
  #state: State = 'joining';
  #wantsReady = false;
  #listening: Timer | undefined;
  #hasListened = false;
  #beat = 0n;
  #checkTimer: Timer | undefined;
  #graceUntilMs = -Infinity;
  #wasLate = false;
  #demotionsCount = 0;
  #deathsCount = 0;

  constructor(options: PlacementOptions) {
    this.#options = options;
    this.#bus = options.bus;
    this.#clock = options.clock ?? options.bus.clock;
    this.service = options.service;
    this.instance = options.instance;
    this.#beatMs = options.beatMs ?? BEAT_MS;
    const leaseMs = options.leaseMs ?? LEASE_MS;
    this.#table = new MemberTable(leaseMs);
    this.#lease = new OwnLease(leaseMs);
    this.incarnation =
      BigInt(this.#clock.nowMs()) * 1_024n + BigInt(Math.floor(Math.random() * 1_024));
    if (options.metrics !== undefined) {
      showPlacement(options.metrics, {
        partitionsOwned: () => (this.isConnected ? this.#owned.size : 0),
        members: () => this.#table.of(this.service).length,
        demotions: () => this.#demotionsCount,
        deaths: () => this.#deathsCount,
      });
    }
    this.#subscription = subscribeMessages(this.#bus, MemberSchema, MEMBERS_SUBJECT, (member) =>
      this.#heard(member),
    );
    this.#offGap = this.#bus.onContinuityGap(() => this.#missed());
    this.#beatTimer = this.#clock.every(this.#beatMs, () => this.#sendBeat());
    this.#sendBeat();
  }

  /** Where this instance is in its life. */
  get state(): State {
    return this.#state;
  }

  /**
   * Whether the others take this instance for alive: false also before its first beat came back.
   */
  get isConnected(): boolean {
    return this.#lease.isValid(this.#clock.monotonicMs());
  }

  /**
   * Hot path. Whether this instance owns the partition right now. True only while the others are
   * bound to think so too: it turns false by itself when a lease has passed without an own beat
   * coming back, before `onChange` says that the partition is lost.
   */
  owns(partition: number): boolean {
    return this.#mine[partition] === 1 && this.#lease.isValid(this.#clock.monotonicMs());
  }

  /** The partitions that were gained and not lost, ascending. The same set until that changes. */
  ownedPartitions(): ReadonlySet<number> {
    return this.#owned;
  }

  /** The living members of any service by name. The same array until something changes. */
  instances(service: string): readonly MemberView[] {
    return this.#table.of(service);
  }

  /** Who should own a partition of our own service, as this instance sees it. */
  ownerOf(partition: number): string | undefined {
    return this.#ring.ownerOf(partition);
  }

  /**
   * Calls back when partitions are gained or lost, or the members of our own service change. It is
   * called in the turn in which that was noticed. Returns how to stop it.
   */
  onChange(callback: (change: PlacementChange) => void): () => void {
    this.#changeCallbacks.add(callback);
    return () => void this.#changeCallbacks.delete(callback);
  }

  /** Follows the members of a service. */
  watch(service: string): ServiceWatch {
    return {
      instances: () => this.#table.of(service),
      onChange: (callback) => {
        const callbacks = this.#watchCallbacks.get(service) ?? new Set();
        this.#watchCallbacks.set(service, callbacks);
        callbacks.add(callback);
        return () => void callbacks.delete(callback);
      },
    };
  }

  /** This instance can take partitions: it does, once it has listened. May be called twice. */
  setReady(): void {
    this.#wantsReady = true;
    this.#readyIfItMay();
  }

  /**
   * Resolves when this instance has become ready for the first time and the fleet has been told.
   */
  whenReady(): Promise<void> {
    return this.#ready.promise;
  }

  /**
   * Gives up all partitions, at once in its own eyes and in those of the others as soon as they
   * hear it, which is when the promise resolves. Never rejects. May be called twice.
   */
  async beginDrain(): Promise<void> {
    if (this.#state === 'left') return;
    if (this.#state !== 'draining') this.#stepDown('draining');
    await this.#bus.flush().catch(() => undefined);
  }

  /** Says goodbye, and stops. Never rejects. May be called twice. */
  async leave(): Promise<void> {
    if (this.#state !== 'left') {
      this.#stepDown('left');
      this.#stop();
    }
    await this.#bus.flush().catch(() => undefined);
  }

  #stepDown(state: 'draining' | 'left'): void {
    this.#wantsReady = false;
    this.#state = state;
    this.#table.forget(this.service, this.instance);
    this.#sendBeat();
    this.#review(false);
  }

  #stop(): void {
    this.#beatTimer.cancel();
    this.#checkTimer?.cancel();
    this.#listening?.cancel();
    this.#offGap();
    this.#subscription.unsubscribe();
  }

  #sendBeat(): void {
    // We stood still, and may be dead to the others: not the time to claim what they have taken.
    if (this.#state === 'ready' && this.#hasLapsed()) return;
    const { service, instance, incarnation } = this;
    const beat = (this.#beat += 1n);
    const state = this.#state;
    const { version } = this.#options;
    const fields = { service, instance, state, incarnation, version, beat };
    const nowMs = this.#clock.monotonicMs();
    if (publishMessage(this.#bus, MemberSchema, MEMBERS_SUBJECT, fields)) {
      this.#lease.sent(beat, nowMs);
    }
  }

  #heard(member: Member): void {
    const isOwnName = member.service === this.service && member.instance === this.instance;
    if (isOwnName && !this.#isOwnBeat(member)) return;
    const news = this.#table.hear(member, this.#clock.monotonicMs());
    this.#armCheck();
    if (news === 'none') return;
    if (news === 'joined' && !isOwnName && this.#state !== 'left') this.#sendBeat();
    this.#changed(member.service);
  }

  /** Deals with what is said under our name; true if we said it, and still mean it. */
  #isOwnBeat(member: Member): boolean {
    if (member.incarnation !== this.incarnation) {
      if (member.incarnation > this.incarnation && member.state !== 'left') this.#replaced();
      return false;
    }
    if (member.state !== this.#state) return false;
    if (!this.#lease.heard(member.beat)) this.#startOver();
    if (member.state !== this.#state) return false;
    if (member.state === 'joining') this.#listen();
    if (member.state === 'ready') this.#ready.resolve();
    return true;
  }

  #replaced(): void {
    this.#options.logger?.error('another process has taken the name of this one', {
      service: this.service,
      instance: this.instance,
    });
    this.#state = 'left';
    this.#stop();
    this.#table.forget(this.service, this.instance);
    this.#review(false);
    this.#options.onReplaced?.();
  }

  /** Our joining was heard: from now on everybody beats within one interval. */
  #listen(): void {
    if (this.#hasListened || this.#listening !== undefined) return;
    this.#listening = this.#clock.setTimer(this.#beatMs, () => {
      this.#listening = undefined;
      this.#hasListened = true;
      this.#readyIfItMay();
    });
  }

  #readyIfItMay(): void {
    if (this.#state !== 'joining' || !this.#wantsReady || !this.#hasListened) return;
    if (this.#hasLapsed()) return;
    this.#state = 'ready';
    this.#sendBeat();
    this.#armCheck();
  }

  /** Beats may have been missed: nobody is dead for that. */
  #missed(): void {
    this.#graceUntilMs = this.#clock.monotonicMs() + GRACE_BEATS * this.#beatMs;
    this.#sendBeat();
    this.#armCheck();
  }

  /** Sees to it that the next lease to end is looked at when it ends. */
  #armCheck(): void {
    if (this.#checkTimer !== undefined || this.#state === 'left') return;
    const nowMs = this.#clock.monotonicMs();
    const next = Math.min(
      this.#table.nextExpiryMs ?? Infinity,
      this.#state === 'ready' ? this.#lease.validUntilMs : Infinity,
    );
    if (next === Infinity) return;
    const dueMs = next > nowMs ? next : this.#nextLookMs(nowMs);
    this.#checkTimer = this.#clock.setTimer(dueMs - nowMs, () => {
      this.#checkTimer = undefined;
      this.#check(dueMs);
      this.#armCheck();
    });
  }

  #nextLookMs(nowMs: number): number {
    // Just long enough to read the mail, in which our own beat may be.
    if (this.#state === 'ready' && this.#hasLapsed()) return nowMs + MAIL_MS;
    // While nothing can be heard, a look now and then is enough.
    return Math.max(this.#graceUntilMs, nowMs + this.#beatMs / 2);
  }

  #hasLapsed(): boolean {
    return !this.#lease.isValid(this.#clock.monotonicMs());
  }

  #check(dueMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    const isLate = nowMs - dueMs > LATE_BEATS * this.#beatMs;
    if (isLate && !this.#wasLate) {
      // Once: a machine that is always late must still bury its dead.
      this.#wasLate = true;
      this.#graceUntilMs = Math.max(this.#graceUntilMs, nowMs + GRACE_BEATS * this.#beatMs);
      return;
    }
    if (!isLate) this.#wasLate = false;
    if (this.#state === 'ready' && this.#hasLapsed()) this.#startOver();
    if (this.#bus.status === 'disconnected' || nowMs < this.#graceUntilMs) return;
    this.#bury(nowMs);
  }

  /** The others may have taken over: what we own is lost, what we know is old. We begin again. */
  #startOver(): void {
    this.#hasListened = false;
    this.#listening?.cancel();
    this.#listening = undefined;
    if (this.#state !== 'ready') return;
    this.#demotionsCount += 1;
    this.#options.logger?.warn('no beat of this instance came back for a lease: joining anew');
    this.#state = 'joining';
    this.#table.forget(this.service, this.instance);
    this.#review(false);
    this.#sendBeat();
  }

  #bury(nowMs: number): void {
    const dead = this.#table.expire(nowMs);
    this.#deathsCount += dead.length;
    for (const service of new Set(dead.map((member) => member.service))) this.#changed(service);
    for (const { service, instance } of dead) {
      this.#options.logger?.warn('an instance is not heard any more', { service, instance });
    }
  }

  #changed(service: string): void {
    if (service === this.service) this.#review(true);
    const members = this.#table.of(service);
    this.#tell(this.#watchCallbacks.get(service) ?? [], members);
  }

  /** Draws the owners again, and tells what that changed for us. */
  #review(haveMembersChanged: boolean): void {
    const members = this.#table.of(this.service);
    const ready = members.filter(({ state }) => state === 'ready').map(({ instance }) => instance);
    if (!isSameList(ready, this.#ring.instances)) this.#ring = new PlacementRing(ready);
    const gained: number[] = [];
    const lost: number[] = [];
    const mayOwn = this.#state === 'ready' && this.#options.ownsPartitions !== false;
    for (let partition = 0; partition < PARTITIONS_COUNT; partition += 1) {
      const isMine = mayOwn && this.#ring.ownerOf(partition) === this.instance;
      if (isMine === (this.#mine[partition] === 1)) continue;
      (isMine ? gained : lost).push(partition);
      this.#mine[partition] = isMine ? 1 : 0;
    }
    const hasMoved = gained.length > 0 || lost.length > 0;
    if (!hasMoved && !haveMembersChanged) return;
    if (hasMoved) {
      this.#owned = new Set(partitionsIn(this.#mine));
      this.#options.logger?.info('partitions changed hands', {
        gained: gained.length,
        lost: lost.length,
        owned: this.#owned.size,
        ready,
      });
    }
    this.#tell(this.#changeCallbacks, { gained, lost, members });
  }

  /** One caller's trouble is not another's: what a callback throws is logged, a Bug thrown on. */
  #tell<T>(callbacks: Iterable<(value: T) => void>, value: T): void {
    for (const callback of [...callbacks]) {
      try {
        callback(value);
      } catch (error) {
        if (error instanceof Bug) throw error;
        this.#options.logger?.error('a placement callback threw', { error });
      }
    }
  }
}

function partitionsIn(mine: Uint8Array): number[] {
  const partitions: number[] = [];
  for (const [partition, isMine] of mine.entries()) if (isMine === 1) partitions.push(partition);
  return partitions;
}

function isSameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item, at) => item === other[at]);
}
