// Who is where, drawn from the scenario's seed alone: the parent and every client process work it
// out for themselves and come to the same. Accounts, guilds and channels are known by their number.

import { SeededRandom } from '@guildhall/testkit';

import type { Scenario, Wire } from './scenario.js';

/** One connection. */
export interface SessionPlan {
  readonly account: number;
  readonly wire: Wire;
  /** Which of the fleet's gateways it identifies at. */
  readonly gateway: number;
  /** Which client process holds it. */
  readonly process: number;
  readonly isSlow: boolean;
}

export interface GuildPlan {
  /** Numbers of its channels, over all guilds; open ones first. */
  readonly channels: readonly number[];
  /** By place in `channels`: the groups that may view it at first, a bit each. */
  readonly masks: readonly number[];
  readonly rolesCount: number;
  /** Accounts. */
  readonly members: Uint32Array;
  /** By place in `members`: 0 has no role, and 1 to `rolesCount` that role. */
  readonly groups: Uint8Array;
}

export interface Plan {
  /** By account, whether it is a bot: bots come first. */
  readonly botsCount: number;
  readonly accountsCount: number;
  readonly sessions: readonly SessionPlan[];
  readonly guilds: readonly GuildPlan[];
  /** By channel, its guild. */
  readonly guildOfChannel: readonly number[];
}

/** Every group. */
export const EVERYBODY = 0xffffffff;

/** Works out who is where. The same for the same scenario and seed. */
export function planFor(scenario: Scenario, seed = scenario.seed): Plan {
  const random = new SeededRandom(seed);
  const { bots, people, perAccount } = scenario.sessions;
  const botsCount = Math.ceil(bots / perAccount);
  const accountsCount = botsCount + Math.ceil(people / perAccount);
  const sessions: SessionPlan[] = [];
  const draw = random.fork('sessions');
  const { processes } = scenario.clients;
  for (let at = 0; at < bots + people; at += 1) {
    const account =
      at < bots ? Math.floor(at / perAccount) : botsCount + Math.floor((at - bots) / perAccount);
    sessions.push({
      account,
      wire: pickWire(scenario.wires, draw),
      gateway: at % scenario.fleet.gateways,
      // Not the same digit as the gateway's, or each process would know but one gateway.
      process: Math.floor(at / scenario.fleet.gateways) % processes,
      isSlow: draw.chance(scenario.slowReaders.share),
    });
  }
  const guilds: GuildPlan[] = [];
  const guildOfChannel: number[] = [];
  for (const kind of scenario.guilds) {
    for (let count = 0; count < kind.count; count += 1) {
      guilds.push(planGuild(kind, guilds.length, accountsCount, guildOfChannel, random));
    }
  }
  return { botsCount, accountsCount, sessions, guilds, guildOfChannel };
}

function planGuild(
  kind: Scenario['guilds'][number],
  index: number,
  accountsCount: number,
  guildOfChannel: number[],
  random: SeededRandom,
): GuildPlan {
  const draw = random.fork(`guild ${index}`);
  const { channels: openCount, hiddenChannels, roles, members } = kind;
  const channels: number[] = [];
  const masks: number[] = [];
  for (let at = 0; at < openCount + hiddenChannels; at += 1) {
    channels.push(guildOfChannel.length);
    guildOfChannel.push(index);
    // Bit 0 is those without a role, whom nothing lets into a hidden channel.
    masks.push(at < openCount ? EVERYBODY : someRoles(roles, draw));
  }
  return {
    channels,
    masks,
    rolesCount: roles,
    members: sample(accountsCount, members, draw),
    groups: Uint8Array.from({ length: members }, () => (roles === 0 ? 0 : draw.int(roles + 1))),
  };
}

/** At least one role, by chance. */
function someRoles(rolesCount: number, random: SeededRandom): number {
  let mask = 1 << (1 + random.int(rolesCount));
  for (let role = 1; role <= rolesCount; role += 1) if (random.chance(0.3)) mask |= 1 << role;
  return mask;
}

/** `count` different numbers below `total`, by a partial shuffle. */
function sample(total: number, count: number, random: SeededRandom): Uint32Array {
  const all = Uint32Array.from({ length: total }, (_, index) => index);
  for (let at = 0; at < count; at += 1) {
    const other = at + random.int(total - at);
    const swapped = all[at]!;
    all[at] = all[other]!;
    all[other] = swapped;
  }
  return all.slice(0, count);
}

function pickWire(wires: readonly Wire[], random: SeededRandom): Wire {
  const total = wires.reduce((sum, { share }) => sum + share, 0);
  let at = random.next() * total;
  for (const wire of wires) {
    at -= wire.share;
    if (at < 0) return wire;
  }
  return wires.at(-1)!;
}
