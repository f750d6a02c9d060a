// Says what is said, and changes who may hear it. One message at a time per channel, so that their
// order is known; any number over all channels. What is due is due: a fleet that stands still finds
// the messages of that time waiting, and their latency counts from when they were due.

import type { SeededRandom } from '@guildhall/testkit';

import { VIEW_CHANNEL } from './build-world.js';
import type { BuiltWorld } from './build-world.js';
import { nowUs } from './clock-us.js';
import { Histogram } from './histogram.js';
import { splitId, writeMark } from './mark.js';
import { EVERYBODY } from './plan.js';
import type { Plan } from './plan.js';
import type { Scenario } from './scenario.js';
import type { Sender } from './senders.js';
import { apiOf, ok } from './target.js';
import type { Target } from './target.js';
import type { EpochChange } from './truth.js';

export interface DirectorOptions {
  readonly scenario: Scenario;
  readonly plan: Plan;
  readonly world: BuiltWorld;
  readonly target: Target;
  readonly sender: Sender;
  readonly random: SeededRandom;
  /** Tells every client process; resolves when all of them know. */
  readonly tell: (change: EpochChange) => Promise<void>;
}

/** How it went. */
export interface DirectorCounts {
  due: number;
  sent: number;
  /** Waited behind so many others that they were not sent. */
  skipped: number;
  typings: number;
  acks: number;
  permissionChanges: number;
  /** With what was answered, the last few. */
  readonly failures: string[];
  failed: number;
}

interface Lane {
  readonly channel: number;
  readonly guild: number;
  n: number;
  lastId: string;
  readonly dueUs: number[];
  isBusy: boolean;
}

interface GuildState {
  readonly lanes: Lane[];
  readonly masks: number[];
  readonly groups: Uint8Array;
  epoch: number;
  busyCount: number;
  /** While its permissions change. */
  isHeld: boolean;
  onQuiet: (() => void) | undefined;
}

const TURN_MS = 4;
const WAITING_PER_LANE_MAX = 500;
const FAILURES_KEPT = 10;
const QUIET_TIMEOUT_MS = 30_000;

export class Director {
  readonly counts: DirectorCounts = {
    due: 0,
    sent: 0,
    skipped: 0,
    typings: 0,
    acks: 0,
    permissionChanges: 0,
    failures: [],
    failed: 0,
  };
  /** From when a message was due to when its sender had the answer. */
  readonly answerLatency = new Histogram();
  readonly #options: DirectorOptions;
  readonly #lanes: Lane[];
  readonly #guilds: GuildState[];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #isChanging = false;
  #isOver = false;

  constructor(options: DirectorOptions) {
    this.#options = options;
    const { guilds, guildOfChannel } = options.plan;
    this.#lanes = guildOfChannel.map((guild, channel) => ({
      channel,
      guild,
      n: 0,
      lastId: '0',
      dueUs: [],
      isBusy: false,
    }));
    this.#guilds = guilds.map(({ channels, masks, groups }) => ({
      lanes: channels.map((channel) => this.#lanes[channel]!),
      masks: [...masks],
      groups: groups.slice(),
      epoch: 0,
      busyCount: 0,
      isHeld: false,
      onQuiet: undefined,
    }));
  }

  /** Begins to talk. To be called once. */
  start(): void {
    const { traffic, permissionChangesPerS } = this.#options.scenario;
    this.#atRate(traffic.messagesPerS, TURN_MS, (dueUs) => this.#message(dueUs));
    this.#atRate(traffic.typingPerS, 50, () => this.#type());
    this.#atRate(traffic.acksPerS, 50, () => this.#ack());
    this.#atRate(permissionChangesPerS, 50, () => this.#change());
  }

  /** Falls silent; resolves when what is under way has been answered. What waits is not. */
  async stop(): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const lane of this.#lanes) this.counts.due -= lane.dueUs.splice(0).length;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** By channel, where it ended. */
  final(): { lastN: Int32Array; idHighs: Float64Array; idLows: Float64Array } {
    const ids = this.#lanes.map(({ lastId }) => splitId(lastId));
    return {
      lastN: Int32Array.from(this.#lanes, ({ n }) => n),
      idHighs: Float64Array.from(ids, ({ high }) => high),
      idLows: Float64Array.from(ids, ({ low }) => low),
    };
  }

  /** Calls back as often as the rate says, evenly; late turns are made up for. */
  #atRate(perS: number, turnMs: number, work: (dueUs: number) => void): void {
    if (perS <= 0) return;
    const startUs = nowUs();
    const intervalUs = 1e6 / perS;
    let doneCount = 0;
    const turn = (): void => {
      for (;;) {
        const dueUs = startUs + (doneCount + 1) * intervalUs;
        if (dueUs > nowUs()) return;
        doneCount += 1;
        work(dueUs);
      }
    };
    this.#timers.push(setInterval(turn, turnMs));
  }

  #message(dueUs: number): void {
    const lane = this.#options.random.pick(this.#lanes);
    this.counts.due += 1;
    if (lane.dueUs.length >= WAITING_PER_LANE_MAX) {
      this.counts.skipped += 1;
      return;
    }
    lane.dueUs.push(dueUs);
    this.#pump(lane);
  }

  #pump(lane: Lane): void {
    const guild = this.#guilds[lane.guild]!;
    if (lane.isBusy || guild.isHeld) return;
    const dueUs = lane.dueUs.shift();
    if (dueUs === undefined) return;
    lane.isBusy = true;
    guild.busyCount += 1;
    this.#keep(
      this.#say(lane, guild, dueUs).finally(() => {
        lane.isBusy = false;
        guild.busyCount -= 1;
        if (guild.isHeld && guild.busyCount === 0) guild.onQuiet?.();
        this.#pump(lane);
      }),
    );
  }

  async #say(lane: Lane, guild: GuildState, dueUs: number): Promise<void> {
    const { world, scenario, sender, random } = this.#options;
    const { channel, n, lastId } = lane;
    const mark = { channel, n: n + 1, epoch: guild.epoch, dueUs, previousId: lastId };
    const content = writeMark(mark, scenario.traffic.contentBytes, () => random.next());
    const id = await sender.send(world.owners[lane.guild]!, world.channelIds[channel]!, content);
    lane.n += 1;
    lane.lastId = id;
    this.counts.sent += 1;
    this.answerLatency.add(nowUs() - dueUs);
  }

  #type(): void {
    const { world, sender, random } = this.#options;
    const lane = random.pick(this.#lanes);
    const typing = sender.type(world.owners[lane.guild]!, world.channelIds[lane.channel]!);
    this.#keep(typing.then(() => void (this.counts.typings += 1)));
  }

  /** Somebody has read a channel it may view to its end. */
  #ack(): void {
    const { plan, world, target, random } = this.#options;
    const guildNumber = random.int(plan.guilds.length);
    const guild = this.#guilds[guildNumber]!;
    const { members } = plan.guilds[guildNumber]!;
    const at = random.int(members.length);
    const account = world.accounts[members[at]!]!;
    const open = guild.lanes.filter(
      ({ lastId }, place) => lastId !== '0' && guild.masks[place] === EVERYBODY,
    );
    if (account.isBot || open.length === 0) return;
    const lane = random.pick(open);
    const path = `/channels/${world.channelIds[lane.channel]}/messages/${lane.lastId}/ack`;
    const acked = ok(() => apiOf(target, account.token).post(path, { token: null }));
    this.#keep(acked.then(() => void (this.counts.acks += 1)));
  }

  /** One change at a time: more would only hold more guilds. */
  #change(): void {
    if (this.#isChanging || this.#isOver) return;
    const { plan, random } = this.#options;
    const changeable = plan.guilds.flatMap(({ rolesCount, masks }, guild) =>
      rolesCount > 0 && masks.some((mask) => mask !== EVERYBODY) ? [guild] : [],
    );
    if (changeable.length === 0) return;
    const number = random.pick(changeable);
    this.#isChanging = true;
    this.#keep(this.#changeGuild(number).finally(() => (this.#isChanging = false)));
  }

  async #changeGuild(number: number): Promise<void> {
    const guild = this.#guilds[number]!;
    guild.isHeld = true;
    try {
      await this.#quiet(guild);
      const { random, tell } = this.#options;
      const what = random.chance(0.5)
        ? await this.#changeOverwrite(number, guild)
        : await this.#changeRole(number, guild);
      const firstN = guild.lanes.map(({ n }) => n + 1);
      await tell({ guild: number, firstN, ...what });
      guild.epoch += 1;
      this.counts.permissionChanges += 1;
    } finally {
      guild.isHeld = false;
      for (const lane of guild.lanes) this.#pump(lane);
    }
  }

  async #changeOverwrite(number: number, guild: GuildState): Promise<Pick<EpochChange, 'mask'>> {
    const { plan, world, target, random } = this.#options;
    const hidden = [...guild.masks.keys()].filter((place) => guild.masks[place] !== EVERYBODY);
    const place = random.pick(hidden);
    const { channel } = guild.lanes[place]!;
    const role = 1 + random.int(plan.guilds[number]!.rolesCount);
    const api = apiOf(target, world.owners[number]!.token);
    const roleId = world.roleIds[number]![role - 1]!;
    const path = `/channels/${world.channelIds[channel]}/permissions/${roleId}`;
    const isAllowed = ((guild.masks[place]! >>> role) & 1) === 1;
    const allow = { type: 0, allow: String(VIEW_CHANNEL), deny: '0' };
    await ok(() => (isAllowed ? api.delete(path) : api.put(path, allow)));
    guild.masks[place] = (guild.masks[place]! ^ (1 << role)) >>> 0;
    return { mask: { channel, groups: guild.masks[place]! } };
  }

  async #changeRole(number: number, guild: GuildState): Promise<Pick<EpochChange, 'move'>> {
    const { plan, world, target, random } = this.#options;
    const { members, rolesCount } = plan.guilds[number]!;
    const at = random.int(members.length);
    const account = members[at]!;
    const before = guild.groups[at]!;
    const group = (before + 1 + random.int(rolesCount)) % (rolesCount + 1);
    const api = apiOf(target, world.owners[number]!.token);
    const roles = world.roleIds[number]!;
    const path = `/guilds/${world.guildIds[number]}/members/${world.userIds[account]}/roles`;
    if (before > 0) await ok(() => api.delete(`${path}/${roles[before - 1]}`));
    if (group > 0) await ok(() => api.put(`${path}/${roles[group - 1]}`));
    guild.groups[at] = group;
    return { move: { account, group } };
  }

  /** Until nobody's message in the guild is under way. */
  async #quiet(guild: GuildState): Promise<void> {
    if (guild.busyCount === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    guild.onQuiet = resolve;
    const late = setTimeout(
      () => reject(new Error('a guild did not fall quiet for a change')),
      QUIET_TIMEOUT_MS,
    );
    await promise.finally(() => {
      clearTimeout(late);
      guild.onQuiet = undefined;
    });
  }

  /** Work that `stop` waits for; what fails is counted. */
  #keep(work: Promise<void>): void {
    const kept = work
      .catch((error: unknown) => {
        this.counts.failed += 1;
        if (this.counts.failures.length >= FAILURES_KEPT) return;
        this.counts.failures.push(error instanceof Error ? error.message : String(error));
      })
      .finally(() => this.#underWay.delete(kept));
    this.#underWay.add(kept);
  }
}
