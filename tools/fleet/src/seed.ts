// The demo guild a newcomer finds: three people, a few channels, a bot that may do anything in it.
// Made through the HTTP API alone, as any client would, and safe to take up again where it broke
// off: people, guild and bot are looked for before they are made.

import type { FleetFile } from './fleet-file.js';
import { secretFor } from './state.js';
import type { FleetState } from './state.js';

/** Whom and what the demo consists of, with the tokens to be them. */
export type SeedResult = Pick<FleetFile, 'bots' | 'users' | 'guilds'>;

const GUILD_NAME = 'Guildhall demo';
const BOT_NAME = 'Demo bot';
const USER_NAMES = ['alice', 'bob', 'carol'] as const;
const CHANNEL_NAMES = ['general', 'bots', 'random'] as const;
const TEXT_CHANNEL = 0;
const ADMINISTRATOR = '8';
/** Presence, members and message content, each in its form for applications not yet verified. */
const PRIVILEGED_INTENTS = (1 << 13) | (1 << 15) | (1 << 19);
const REQUEST_TIMEOUT_MS = 15_000;
/** Answers of 429 and 503 are waited out this many times. */
const ATTEMPTS_MAX = 10;
const RETRY_AFTER_DEFAULT_MS = 250;

type Json = Record<string, unknown>;
interface Named {
  readonly id: string;
  readonly name: string;
}
interface Channel extends Named {
  readonly type: number;
}

/** Makes up the passwords of the demo's people; to be written before {@link seedDemo} uses them. */
export function makeSeedSecrets(state: FleetState): void {
  for (const name of USER_NAMES) secretFor(state, `demo:${name}`);
}

/**
 * Makes the demo on the API at `api` (up to and including `/api`). Passwords come from `state`.
 * Rejects with the API's own words.
 */
export async function seedDemo(api: string, state: FleetState): Promise<SeedResult> {
  const users = [];
  for (const name of USER_NAMES) users.push(await account(api, name, state));
  const alice = new Caller(api, users[0]!.token);
  const mine = await alice.get<Named[]>('/users/@me/guilds');
  const guild =
    mine.find(({ name }) => name === GUILD_NAME) ??
    (await alice.post<Named>('/guilds', { name: GUILD_NAME }));
  const channels = await ensureChannels(alice, guild.id);
  const { code } = await alice.post<{ code: string }>(`/channels/${channels[0]!.id}/invites`, {
    max_age: 0,
  });
  for (const user of users.slice(1)) await new Caller(api, user.token).post(`/invites/${code}`, {});
  const bot = await addBot(alice, guild.id);
  return { bots: [bot], users, guilds: [{ id: guild.id, name: guild.name, channels }] };
}

/** Registers somebody, or logs in as him when an earlier attempt already has. */
async function account(
  api: string,
  name: string,
  state: FleetState,
): Promise<SeedResult['users'][number]> {
  const anybody = new Caller(api);
  const email = `${name}@guildhall.example`;
  const password = secretFor(state, `demo:${name}`);
  const { token } = await anybody
    .post<{ token: string }>('/auth/register', {
      username: name,
      email,
      password,
      date_of_birth: '2000-01-01',
      consent: true,
    })
    .catch(async (refused: Error) => {
      const login = { login: email, password };
      return anybody.post<{ token: string }>('/auth/login', login).catch(() => {
        throw refused;
      });
    });
  const { id } = await new Caller(api, token).get<{ id: string }>('/users/@me');
  return { id, name, token, email, password };
}

async function ensureChannels(owner: Caller, guildId: string): Promise<Channel[]> {
  const existing = await owner.get<Channel[]>(`/guilds/${guildId}/channels`);
  const channels: Channel[] = [];
  for (const name of CHANNEL_NAMES) {
    const { id, type } =
      existing.find((channel) => channel.name === name && channel.type === TEXT_CHANNEL) ??
      (await owner.post<Channel>(`/guilds/${guildId}/channels`, { name, type: TEXT_CHANNEL }));
    channels.push({ id, name, type });
  }
  return channels;
}

async function addBot(owner: Caller, guildId: string): Promise<SeedResult['bots'][number]> {
  const mine = await owner.get<Named[]>('/applications');
  const { id } =
    mine.find(({ name }) => name === BOT_NAME) ??
    (await owner.post<Named>('/applications', { name: BOT_NAME }));
  await owner.patch(`/applications/${id}`, { flags: PRIVILEGED_INTENTS });
  const { token } = await owner.post<{ token: string }>(`/applications/${id}/bot/reset`, {});
  await owner.post(`/oauth2/authorize?client_id=${id}&scope=bot`, {
    authorize: true,
    guild_id: guildId,
    permissions: ADMINISTRATOR,
  });
  return { id, name: BOT_NAME, token };
}

/** Somebody who talks to the API. */
class Caller {
  readonly #base: string;
  readonly #token: string | undefined;

  constructor(api: string, token?: string) {
    this.#base = `${api}/v10`;
    this.#token = token;
  }

  get<T>(path: string): Promise<T> {
    return this.#call('GET', path);
  }

  post<T>(path: string, body: Json): Promise<T> {
    return this.#call('POST', path, body);
  }

  patch<T>(path: string, body: Json): Promise<T> {
    return this.#call('PATCH', path, body);
  }

  async #call<T>(method: string, path: string, body?: Json): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        headers: {
          ...(this.#token === undefined ? {} : { authorization: this.#token }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      const answer: unknown = text === '' ? undefined : JSON.parse(text);
      if (response.ok) return answer as T;
      // A fleet that has just come up may still be handing out its partitions.
      const isBusy = response.status === 429 || response.status === 503;
      if (!isBusy || attempt === ATTEMPTS_MAX) {
        throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`);
      }
      const { retry_after: retryAfter } = (answer ?? {}) as { retry_after?: number };
      const waitMs = retryAfter === undefined ? RETRY_AFTER_DEFAULT_MS : retryAfter * 1_000;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}
