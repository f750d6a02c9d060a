// A process full of clients. It is told by its parent what to do (process-messages.ts), and says
// once a second how it goes.

import { Intent, Opcode } from '@guildhall/gateway-protocol';
import { SeededRandom } from '@guildhall/testkit';

import { sourceAddress } from './addresses.js';
import { Checker } from './checker.js';
import { nowUs } from './clock-us.js';
import { Counters, placeOf } from './counters.js';
import type { Counter } from './counters.js';
import { DispatchScanner } from './dispatch-scan.js';
import { Histogram } from './histogram.js';
import { IdentifyQueue } from './identify-queue.js';
import { LastRecipients } from './last-recipients.js';
import { MarkScanner } from './mark.js';
import { planFor } from './plan.js';
import type { Plan, SessionPlan } from './plan.js';
import type { Order, Tick } from './process-messages.js';
import type { Scenario } from './scenario.js';
import { SwarmSession } from './session.js';
import { SlotWheel } from './slot-wheel.js';
import { DecodedBytes } from './stream-decoder.js';
import type { SwarmRoom, World } from './swarm-room.js';
import { Truth } from './truth.js';
import { Violations } from './violations.js';

const READ_BUFFER_BYTES = 256 * 1024;
const TURN_MS = 100;
const WHEEL_SLOTS = 1_024;
const DISTURB_INTERVAL_MS = 100;
/** A message that nobody has got for so long has reached its last recipient here. */
const LAST_AFTER_US = 2e6;
const REASONS_MAX = 50;
const STATUSES = ['online', 'idle', 'dnd'] as const;
const INTENTS =
  Intent.Guilds | Intent.GuildMessages | Intent.GuildMessageTyping | Intent.MessageContent;

/** All sessions of one process. */
export class ClientProcess implements SwarmRoom {
  readonly world: World;
  readonly botsCount: number;
  readonly intents: number;
  readonly buffers = { read: Buffer.alloc(READ_BUFFER_BYTES), decoded: new DecodedBytes() };
  readonly counters = new Counters();
  readonly checker: Checker;
  readonly violations = new Violations();
  readonly dispatch = new DispatchScanner();
  readonly mark = new MarkScanner();
  readonly latency = new Histogram();
  readonly readyLatency = new Histogram();
  readonly lastRecipients: LastRecipients;
  readonly channelNumbers: ReadonlyMap<string, number>;
  readonly #scenario: Scenario;
  readonly #process: number;
  readonly #plan: Plan;
  readonly #truth: Truth;
  readonly #random: SeededRandom;
  readonly #sessions: SwarmSession[];
  readonly #slow: readonly SwarmSession[];
  readonly #queue: IdentifyQueue<SwarmSession>;
  readonly #wheel: SlotWheel;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #losses = new Map<string, number>();
  readonly #guildIdsByAccount: readonly (readonly string[])[];
  #messagesCount = 0;
  #disturbing: NodeJS.Timeout | undefined;
  #owed = { reconnects: 0, presences: 0, pauses: 0 };
  #isOver = false;
  /** All has been said: nobody else will get a message. */
  #isJudged = false;

  constructor({ scenario, seed, process: own, world }: Extract<Order, { kind: 'prepare' }>) {
    this.#scenario = scenario;
    this.#process = own;
    this.world = world;
    this.#plan = planFor(scenario, seed);
    this.#random = new SeededRandom(seed).fork(`process ${own}`);
    this.botsCount = this.#plan.botsCount;
    this.intents = INTENTS | (scenario.sessions.presences ? Intent.GuildPresences : 0);
    this.#truth = new Truth(this.#plan);
    const plans = this.#plan.sessions.filter((session) => session.process === own);
    this.#sessions = plans.map((plan, place) => new SwarmSession(this, place, plan));
    this.#slow = this.#sessions.filter(({ plan }) => plan.isSlow);
    this.#wheel = new SlotWheel(plans.length, WHEEL_SLOTS);
    const { identifiesPerS, processes, identifyIntervalMs } = scenario.clients;
    this.#queue = new IdentifyQueue(identifiesPerS / processes, identifyIntervalMs);
    this.channelNumbers = new Map(world.channelIds.map((id, channel) => [id, channel]));
    this.#guildIdsByAccount = guildIdsByAccount(this.#plan, world);
    this.lastRecipients = new LastRecipients(world.channelIds.length);
    this.checker = new Checker({
      truth: this.#truth,
      violations: this.violations,
      accounts: Uint32Array.from(plans, ({ account }: SessionPlan) => account),
      channelsCount: this.#plan.guildOfChannel.length,
      guildsCount: this.#plan.guilds.length,
      nameOf: (place) => this.nameOf(place),
    });
  }

  /** Does what it is told; a number for what is answered. */
  obey(order: Exclude<Order, { kind: 'prepare' }>): number | undefined {
    switch (order.kind) {
      case 'connect':
        this.#connect();
        return undefined;
      case 'change':
        this.#truth.change(order.change);
        return this.#truth.epoch(order.change.guild);
      case 'disturb':
        this.#disturb(order.isOn);
        return undefined;
      case 'storm':
        this.#storm(order.share, order.resumeShare, order.spreadMs);
        return undefined;
      case 'missing':
        return this.#missing(order);
      case 'tick':
        return undefined;
      case 'end':
        this.#end();
        return undefined;
    }
  }

  /** How it goes; counts of time since the last time it was asked. */
  tick(): Tick {
    const { user, system } = process.cpuUsage();
    return {
      kind: 'tick',
      process: this.#process,
      counters: this.counters.values.slice(),
      sessionsCount: this.#sessions.length,
      liveCount: this.#sessions.filter(({ phase }) => phase === 'live').length,
      completeCount: this.#sessions.filter(({ isComplete }) => isComplete).length,
      phases: this.#phases(),
      latency: this.latency.drain(),
      readyLatency: this.readyLatency.drain(),
      lastRecipients: this.lastRecipients.drain(
        this.#isJudged ? Infinity : nowUs() - LAST_AFTER_US,
      ),
      cpuUs: user + system,
      rssBytes: process.memoryUsage.rss(),
      unjudgedCount: this.checker.unjudgedCount,
      violations: [...this.violations.counts],
      examples: this.violations.examples,
      losses: [...this.#losses],
    };
  }

  random(): number {
    return this.#random.next();
  }

  count(counter: Counter): void {
    this.counters.values[placeOf(counter)]! += 1;
  }

  nameOf(place: number): string {
    const { account, wire } = this.#sessions[place]!.plan;
    const kind = account < this.botsCount ? 'bot' : 'person';
    const how = `${wire.encoding}, ${wire.compression}`;
    return `session ${this.#process}/${place} (${kind} ${account}, ${how})`;
  }

  addressOf(place: number): string | undefined {
    return sourceAddress(place, this.#scenario.clients.sourceAddresses);
  }

  guildIdsOf(account: number): readonly string[] {
    return this.#guildIdsByAccount[account]!;
  }

  isFullDecodeDue(): boolean {
    this.#messagesCount += 1;
    return this.#messagesCount % this.#scenario.clients.fullDecodeEvery === 0;
  }

  toBegin(session: SwarmSession): void {
    this.#queue.add(session, session.plan.account);
  }

  backIn(session: SwarmSession, delayMs: number): void {
    this.#queue.done(session);
    this.#wheel.remove(session.place);
    this.#later(delayMs, () => {
      if (session.phase === 'waiting') session.comeBack();
    });
  }

  beatLater(session: SwarmSession, share: number): void {
    this.#wheel.put(session.place, Math.ceil((session.heartbeatMs * share) / TURN_MS));
  }

  settled(session: SwarmSession): void {
    this.#queue.done(session);
  }

  lost(code: number, problem: string | undefined): void {
    this.count('losses');
    const reason = problem ?? (code === 0 ? 'no close frame' : `close code ${code}`);
    if (!this.#losses.has(reason) && this.#losses.size >= REASONS_MAX) return;
    this.#losses.set(reason, (this.#losses.get(reason) ?? 0) + 1);
  }

  #phases(): [string, number][] {
    const counts = new Map<string, number>();
    for (const { phase } of this.#sessions) counts.set(phase, (counts.get(phase) ?? 0) + 1);
    return [...counts];
  }

  #connect(): void {
    for (const session of this.#sessions) this.toBegin(session);
    this.#every(20, () => this.#queue.turn(performance.now(), (session) => session.begin()));
    const startedMs = performance.now();
    let turns = 0;
    // By the clock: turns that came late are made up for, or all heartbeats would come late.
    this.#every(TURN_MS, () => {
      for (; turns < (performance.now() - startedMs) / TURN_MS; turns += 1) this.#beatDue();
    });
  }

  #beatDue(): void {
    this.#wheel.turn((place) => {
      const session = this.#sessions[place]!;
      this.beatLater(session, 1);
      session.beat();
    });
  }

  #disturb(isOn: boolean): void {
    clearInterval(this.#disturbing);
    if (isOn) {
      this.#disturbing = this.#every(DISTURB_INTERVAL_MS, () => this.#disturbOnce());
      return;
    }
    for (const session of this.#slow) if (session.isPaused) session.resume();
  }

  #disturbOnce(): void {
    const { reconnects, traffic, slowReaders, clients } = this.#scenario;
    const share = DISTURB_INTERVAL_MS / 1_000 / clients.processes;
    const pausesPerS = (this.#slow.length * clients.processes) / slowReaders.everyS;
    this.#owed.reconnects += reconnects.perS * share;
    this.#owed.presences += traffic.presencesPerS * share;
    this.#owed.pauses += pausesPerS * share;
    for (; this.#owed.reconnects >= 1; this.#owed.reconnects -= 1) {
      const session = this.#random.pick(this.#sessions);
      if (session.isComplete) {
        session.drop(this.random() * 1_000, this.#random.chance(reconnects.resumeShare));
      }
    }
    for (; this.#owed.presences >= 1; this.#owed.presences -= 1) this.#changePresence();
    for (; this.#owed.pauses >= 1; this.#owed.pauses -= 1) {
      const session = this.#random.pick(this.#slow);
      if (!session.isComplete || session.isPaused) continue;
      session.pause();
      this.#later(slowReaders.pauseMs, () => {
        if (session.isPaused) session.resume();
      });
    }
  }

  #changePresence(): void {
    const session = this.#random.pick(this.#sessions);
    if (session.phase !== 'live') return;
    this.count('presencesSent');
    const status = this.#random.pick(STATUSES);
    session.send(Opcode.PresenceUpdate, { since: null, activities: [], status, afk: false });
  }

  #storm(share: number, resumeShare: number, spreadMs: number): void {
    for (const session of this.#sessions) {
      if (session.phase !== 'live' || !this.#random.chance(share)) continue;
      session.drop(this.random() * spreadMs, this.#random.chance(resumeShare));
    }
  }

  #missing({ isFinal, ...final }: Extract<Order, { kind: 'missing' }>): number {
    const absent = this.#sessions.filter(({ isComplete }) => !isComplete);
    if (isFinal) {
      this.#isJudged = true;
      for (const { place, phase } of absent) {
        this.violations.add('absent', () => `${this.nameOf(place)} is ${phase}`);
      }
    }
    return absent.length + this.checker.missing(final, isFinal);
  }

  #end(): void {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const session of this.#sessions) session.end();
  }

  #later(delayMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOver) work();
    }, delayMs);
    this.#timers.add(timer);
  }

  #every(intervalMs: number, work: () => void): NodeJS.Timeout {
    const timer = setInterval(work, intervalMs);
    this.#timers.add(timer);
    return timer;
  }
}

function guildIdsByAccount(plan: Plan, world: World): string[][] {
  const ids: string[][] = Array.from({ length: plan.accountsCount }, () => []);
  plan.guilds.forEach(({ members }, guild) => {
    for (const account of members) ids[account]!.push(world.guildIds[guild]!);
  });
  return ids;
}
