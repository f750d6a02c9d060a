// People, guilds, channels and bots for stories, made through the HTTP API alone, as any client
// would. Names get a number, so that stories of one fleet do not run into each other.
//
//   const world = new World(fleet());
//   const alice = await world.register('alice');
//   const guild = await world.createGuild(alice);
//   const bot = await world.addBot(await world.createBot(alice), guild);
//   await using client = await world.connect(bot, { gateway: 'gateway-2' });

import type { Fleet } from '@guildhall/fleet';
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { shown, TestApi, TestGatewayClient } from '@guildhall/testkit';
import type { ApiResponse, GatewayAddress, IdentifyOptions } from '@guildhall/testkit';

export interface Person {
  readonly kind: 'person';
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  /** The API as this person; patient with rate limits. */
  readonly api: TestApi;
}

export interface Bot {
  readonly kind: 'bot';
  /** Of its user and of its application. */
  readonly id: string;
  readonly name: string;
  /** Without `Bot `. */
  readonly token: string;
  readonly owner: Person;
  /** The API as this bot; patient with rate limits. */
  readonly api: TestApi;
}

export type Account = Person | Bot;

export interface Guild {
  /** Also the id of its @everyone role. */
  readonly id: string;
  readonly name: string;
  readonly owner: Person;
  /** Its first text channel. */
  readonly generalId: string;
}

export interface Named {
  readonly id: string;
  readonly name: string;
}

/** As the API answers with them; the fields stories look at. */
export interface Message {
  readonly id: string;
  readonly channel_id: string;
  readonly content: string;
  readonly author: { readonly id: string; readonly username: string };
}

/** How {@link World.connect} identifies; the token is that of the account. */
export type ConnectOptions = Partial<Omit<GatewayAddress, 'url'>> &
  Partial<Omit<IdentifyOptions, 'token'>> & {
    /** Name of the instance; `gateway-1` unless told. */
    readonly gateway?: string;
  };

const TEXT_CHANNEL = 0;
const ADMINISTRATOR = '8';
/** Presence, members and message content, each in its form for applications not yet verified. */
const PRIVILEGED_INTENTS = (1 << 13) | (1 << 15) | (1 << 19);
const TIMEOUT_MS = 15_000;

let namesCount = 0;

/** What is there of people and guilds in one fleet. All methods reject when the API refuses. */
export class World {
  readonly #fleet: Fleet;
  readonly #anybody: TestApi;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#anybody = new TestApi({ baseUrl: `${fleet.api}/v10`, patient: true });
  }

  /** A new account; its name begins with the one given. */
  async register(name = 'somebody'): Promise<Person> {
    const username = unique(name);
    const email = `${username}@example.org`;
    const password = `secret of ${username}`;
    const registration = { username, email, password, date_of_birth: '2000-01-01', consent: true };
    const { token } = await ok<{ token: string }>(
      this.#anybody.post('/auth/register', registration),
    );
    const api = this.#anybody.as(token, 'user');
    const { id } = await ok<Named>(api.get('/users/@me'));
    return { kind: 'person', id, name: username, email, password, token, api };
  }

  /** A new guild with the channels that every new guild has. */
  async createGuild(owner: Person, name = unique('guild')): Promise<Guild> {
    const { id } = await ok<Named>(owner.api.post('/guilds', { name }));
    const channels = await ok<(Named & { type: number })[]>(
      owner.api.get(`/guilds/${id}/channels`),
    );
    const general = channels.find(({ type }) => type === TEXT_CHANNEL);
    if (general === undefined) throw new Error('a new guild has no text channel');
    return { id, name, owner, generalId: general.id };
  }

  /** A text channel, unless `more` says otherwise. */
  createChannel(guild: Guild, name = unique('channel'), more: object = {}): Promise<Named> {
    const channel = { name, type: TEXT_CHANNEL, ...more };
    return ok(guild.owner.api.post(`/guilds/${guild.id}/channels`, channel));
  }

  /** A role with these permissions (a decimal string). */
  createRole(guild: Guild, permissions: string, more: object = {}): Promise<Named> {
    const role = { name: unique('role'), permissions, ...more };
    return ok(guild.owner.api.post(`/guilds/${guild.id}/roles`, role));
  }

  async giveRole(guild: Guild, account: Account, role: { readonly id: string }): Promise<void> {
    const path = `/guilds/${guild.id}/members/${account.id}/roles/${role.id}`;
    await ok(guild.owner.api.put(path));
  }

  async takeRole(guild: Guild, account: Account, role: { readonly id: string }): Promise<void> {
    const path = `/guilds/${guild.id}/members/${account.id}/roles/${role.id}`;
    await ok(guild.owner.api.delete(path));
  }

  /** The code of an invite that never ends. */
  async invite(guild: Guild, channelId = guild.generalId): Promise<string> {
    const path = `/channels/${channelId}/invites`;
    const { code } = await ok<{ code: string }>(guild.owner.api.post(path, { max_age: 0 }));
    return code;
  }

  /** Makes people members, by an invite. */
  async join(guild: Guild, ...people: Person[]): Promise<void> {
    const code = await this.invite(guild);
    for (const { api } of people) await ok(api.post(`/invites/${code}`, {}));
  }

  /** An application with a bot that may have every intent, unless `flags` says otherwise. */
  async createBot(
    owner: Person,
    options: { readonly name?: string; readonly flags?: number } = {},
  ): Promise<Bot> {
    const name = options.name ?? unique('bot');
    const { id } = await ok<Named>(owner.api.post('/applications', { name }));
    const flags = options.flags ?? PRIVILEGED_INTENTS;
    await ok(owner.api.patch(`/applications/${id}`, { flags }));
    const { token } = await ok<{ token: string }>(
      owner.api.post(`/applications/${id}/bot/reset`, {}),
    );
    return { kind: 'bot', id, name, token, owner, api: this.#anybody.as(token, 'bot') };
  }

  /** Lets a bot into a guild, as administrator unless told, and gives the bot back. */
  async addBot(bot: Bot, guild: Guild, permissions = ADMINISTRATOR): Promise<Bot> {
    const path = `/oauth2/authorize?client_id=${bot.id}&scope=bot`;
    await ok(guild.owner.api.post(path, { authorize: true, guild_id: guild.id, permissions }));
    return bot;
  }

  /** Says something; `more` is merged into the body. */
  send(from: Account, channelId: string, content: string, more: object = {}): Promise<Message> {
    return ok(from.api.post(`/channels/${channelId}/messages`, { content, ...more }));
  }

  /** The id of the private channel of the two. */
  async openPrivateChannel(from: Account, to: Account): Promise<string> {
    const body = { recipient_id: to.id };
    const { id } = await ok<Named>(from.api.post('/users/@me/channels', body));
    return id;
  }

  /** `ws://host:port` of a gateway instance. */
  gatewayUrl(instance = 'gateway-1'): string {
    const found = this.#fleet.instances().find(({ name }) => name === instance);
    if (found === undefined) throw new Error(`the fleet has no ${instance}`);
    return found.url.replace('http', 'ws');
  }

  /**
   * A raw session that has got READY and what belongs to it: of bots, every GUILD_CREATE. With all
   * intents unless told.
   */
  async connect(account: Account, options: ConnectOptions = {}): Promise<TestGatewayClient> {
    const { gateway, ...others } = options;
    const url = this.gatewayUrl(gateway);
    const client = await TestGatewayClient.connect({ ...others, url });
    const { intents = ALL_INTENTS, timeoutMs = TIMEOUT_MS } = options;
    const ready = await client.identify({ ...others, intents, timeoutMs, token: account.token });
    const { guilds } = ready.d as { guilds: { unavailable?: boolean }[] };
    const guildsCount = guilds.filter(({ unavailable }) => unavailable === true).length;
    // One after the other: `next` gives each only once.
    for (let at = 0; at < guildsCount; at += 1) await client.next('GUILD_CREATE', { timeoutMs });
    return client;
  }
}

/** The body of an answer that says yes. Rejects with status and body of any other. */
export async function ok<T>(answer: Promise<ApiResponse<unknown>>): Promise<T> {
  const { status, body } = await answer;
  if (status < 200 || status > 299) throw new Error(`the API answered ${status}: ${shown(body)}`);
  return body as T;
}

/** A name that nobody in this process has had. */
export function unique(name: string): string {
  namesCount += 1;
  return `${name}_${namesCount}`;
}
