// Makes the accounts, guilds, channels, roles and members of a plan on a fleet. Accounts and guilds
// come from the HTTP API, as anybody's would. Members are added by commands to the guilds' owners
// where the bus may be used, since joining 10,000 people by invites is 10,000 requests more; roles
// likewise.

import { randomBytes } from 'node:crypto';

import { callOwner } from '@guildhall/bus';
import { Guilds } from '@guildhall/contracts';
import { partitionOf } from '@guildhall/snowflake';

import { inParallel } from './in-parallel.js';
import { EVERYBODY } from './plan.js';
import type { GuildPlan, Plan } from './plan.js';
import type { World } from './swarm-room.js';
import { apiOf, ok } from './target.js';
import type { Target } from './target.js';

/** A person or bot of the fleet. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly token: string;
  readonly isBot: boolean;
}

/** What was made, and who may change it. */
export interface BuiltWorld extends World {
  readonly accounts: readonly Account[];
  /** By guild: its owner, who is in no session. */
  readonly owners: readonly Account[];
  /** By guild: the ids of its roles; group 1 is the first. */
  readonly roleIds: readonly (readonly string[])[];
}

export const VIEW_CHANNEL = 1n << 10n;
/** Presence, members and message content, each in its form for applications not yet verified. */
const PRIVILEGED_INTENTS = (1 << 13) | (1 << 15) | (1 << 19);
const TEXT_CHANNEL = 0;
const REQUESTS_AT_ONCE = 32;
const COMMANDS_AT_ONCE = 192;
const GUILDS_PER_OWNER = 50;
const BOTS_PER_OWNER = 50;
const COMMAND_DEADLINE_MS = 30_000;

/** Makes it. Rejects with the first answer that says no. `onStep` is told how far it is. */
export async function buildWorld(
  target: Target,
  plan: Plan,
  onStep: (text: string) => void,
): Promise<BuiltWorld> {
  const builder = new WorldBuilder(target, plan, onStep);
  return builder.build();
}

/** A command id: 63 bits of chance, never 0. */
export function newCommandId(): bigint {
  return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
}

class WorldBuilder {
  readonly #target: Target;
  readonly #plan: Plan;
  readonly #onStep: (text: string) => void;
  /** Names of this run, on a fleet that may have had others. */
  readonly #tag = randomBytes(4).toString('hex');

  constructor(target: Target, plan: Plan, onStep: (text: string) => void) {
    this.#target = target;
    this.#plan = plan;
    this.#onStep = onStep;
  }

  async build(): Promise<BuiltWorld> {
    const { accountsCount, botsCount, guilds } = this.#plan;
    const bots = await this.#bots(botsCount);
    const people = await this.#people('p', accountsCount - botsCount);
    const accounts = [...bots, ...people];
    const owners = await this.#people('o', Math.ceil(guilds.length / GUILDS_PER_OWNER));
    const ownerOf = (guild: number): Account => owners[Math.floor(guild / GUILDS_PER_OWNER)]!;
    const channelIds: string[] = [];
    const made = await inParallel(guilds, 8, (guild, index) =>
      this.#guild(guild, index, ownerOf(index), channelIds),
    );
    let membersCount = 0;
    for (const [index, guild] of guilds.entries()) {
      await this.#members(guild, made[index]!, ownerOf(index), accounts);
      membersCount += guild.members.length;
      this.#onStep(`${membersCount} members in ${index + 1} of ${guilds.length} guilds`);
    }
    return {
      gatewayUrls: this.#target.gateways,
      tokens: accounts.map(({ token }) => token),
      userIds: accounts.map(({ id }) => id),
      guildIds: made.map(({ id }) => id),
      channelIds,
      accounts,
      owners: guilds.map((_, index) => ownerOf(index)),
      roleIds: made.map(({ roleIds }) => roleIds),
    };
  }

  async #people(letter: string, count: number): Promise<Account[]> {
    const numbers = Array.from({ length: count }, (_, index) => index);
    const anybody = apiOf(this.#target);
    const people = await inParallel(numbers, REQUESTS_AT_ONCE, async (number) => {
      const name = `${letter}${number}_${this.#tag}`;
      const { token, user_id: id } = await ok<{ token: string; user_id: string }>(() =>
        anybody.post('/auth/register', {
          username: name,
          email: `${name}@example.org`,
          password: `secret of ${name}`,
          date_of_birth: '2000-01-01',
          consent: true,
        }),
      );
      return { id, name, token, isBot: false };
    });
    if (count > 1) this.#onStep(`${count} people`);
    return people;
  }

  async #bots(count: number): Promise<Account[]> {
    if (count === 0) return [];
    const developers = await this.#people('d', Math.ceil(count / BOTS_PER_OWNER));
    const numbers = Array.from({ length: count }, (_, index) => index);
    const bots = await inParallel(numbers, REQUESTS_AT_ONCE, async (number) => {
      const developer = developers[Math.floor(number / BOTS_PER_OWNER)]!;
      const api = apiOf(this.#target, developer.token);
      const name = `b${number}_${this.#tag}`;
      const { id } = await ok<{ id: string }>(() => api.post('/applications', { name }));
      await ok(() => api.patch(`/applications/${id}`, { flags: PRIVILEGED_INTENTS }));
      const { token } = await ok<{ token: string }>(() =>
        api.post(`/applications/${id}/bot/reset`, {}),
      );
      return { id, name, token, isBot: true };
    });
    this.#onStep(`${count} bots`);
    return bots;
  }

  async #guild(
    guild: GuildPlan,
    index: number,
    owner: Account,
    channelIds: string[],
  ): Promise<{ id: string; roleIds: string[] }> {
    const api = apiOf(this.#target, owner.token);
    const name = `guild ${index} ${this.#tag}`;
    const { id } = await ok<{ id: string }>(() => api.post('/guilds', { name }));
    const roleIds: string[] = [];
    for (let role = 1; role <= guild.rolesCount; role += 1) {
      const fields = { name: `role ${role}`, permissions: '0' };
      const made = await ok<{ id: string }>(() => api.post(`/guilds/${id}/roles`, fields));
      roleIds.push(made.id);
    }
    for (const [place, channel] of guild.channels.entries()) {
      const overwrites = overwritesFor(guild.masks[place]!, id, roleIds);
      const made = await ok<{ id: string }>(() =>
        api.post(`/guilds/${id}/channels`, {
          name: `channel-${channel}`,
          type: TEXT_CHANNEL,
          permission_overwrites: overwrites,
        }),
      );
      channelIds[channel] = made.id;
    }
    return { id, roleIds };
  }

  async #members(
    guild: GuildPlan,
    { id, roleIds }: { id: string; roleIds: string[] },
    owner: Account,
    accounts: readonly Account[],
  ): Promise<void> {
    const members = [...guild.members];
    const { bus } = this.#target;
    if (bus === undefined) return this.#invite(guild, { id, roleIds }, owner, accounts);
    const guildId = BigInt(id);
    const command = (): object => ({ commandId: newCommandId(), topicId: guildId, actorId: 0n });
    const options = { deadlineMs: COMMAND_DEADLINE_MS, timeoutMs: 10_000 };
    await inParallel(members, COMMANDS_AT_ONCE, async (account, at) => {
      const { id: userId, name, isBot } = accounts[account]!;
      const user = { id: BigInt(userId), username: name, discriminator: isBot ? '0000' : '0' };
      const request = { command: command(), user: { ...user, bot: isBot } };
      const partition = partitionOf(guildId);
      await callOwner(bus, Guilds.method.addMember, partition, request, options);
      const group = guild.groups[at]!;
      if (group === 0) return;
      const given = {
        command: command(),
        userId: BigInt(userId),
        roleId: BigInt(roleIds[group - 1]!),
      };
      await callOwner(bus, Guilds.method.putMemberRole, partition, given, options);
    });
  }

  async #invite(
    guild: GuildPlan,
    { id, roleIds }: { id: string; roleIds: string[] },
    owner: Account,
    accounts: readonly Account[],
  ): Promise<void> {
    const api = apiOf(this.#target, owner.token);
    const channels = await ok<{ id: string; type: number }[]>(() =>
      api.get(`/guilds/${id}/channels`),
    );
    const first = channels.find(({ type }) => type === TEXT_CHANNEL)!;
    const { code } = await ok<{ code: string }>(() =>
      api.post(`/channels/${first.id}/invites`, { max_age: 0 }),
    );
    await inParallel([...guild.members], REQUESTS_AT_ONCE, async (number, at) => {
      const account = accounts[number]!;
      if (account.isBot) {
        const path = `/oauth2/authorize?client_id=${account.id}&scope=bot`;
        await ok(() => api.post(path, { authorize: true, guild_id: id, permissions: '0' }));
      } else {
        await ok(() => apiOf(this.#target, account.token).post(`/invites/${code}`, {}));
      }
      const group = guild.groups[at]!;
      if (group === 0) return;
      const path = `/guilds/${id}/members/${account.id}/roles/${roleIds[group - 1]}`;
      await ok(() => api.put(path));
    });
  }
}

/** Everybody, or nobody but the roles of the mask. */
function overwritesFor(mask: number, guildId: string, roleIds: readonly string[]): object[] {
  if (mask === EVERYBODY) return [];
  const view = String(VIEW_CHANNEL);
  const allowed = roleIds.filter((_, index) => ((mask >>> (index + 1)) & 1) === 1);
  return [
    { id: guildId, type: 0, allow: '0', deny: view },
    ...allowed.map((id) => ({ id, type: 0, allow: view, deny: '0' })),
  ];
}
