// Guilds full of bots, made through the HTTP API like anybody's.
import { TestApi } from '@guildhall/testkit';

/** A guild in which the same bots are always logged in. */
export interface GuildWorld {
  readonly guildId: string;
  readonly channelId: string;
  /** A category that all of them see. */
  readonly categoryId: string;
  /** Tokens of its bots, without a scheme word. */
  readonly tokens: readonly string[];
}

/** Whose guilds they are, and who speaks in them. */
export interface Owner {
  readonly id: string;
  readonly username: string;
  readonly api: TestApi;
}

/** GUILD_MEMBERS, PRESENCES and MESSAGE_CONTENT, in their form for unverified applications. */
const PRIVILEGED_FLAGS = (1 << 13) | (1 << 15) | (1 << 19);
const REQUESTS_AT_ONCE = 12;
const TEXT_CHANNEL = 0;
const CATEGORY = 4;

/** Registers somebody. `api` is what a fleet says, up to and including `/api`. */
export async function makeOwner(api: string): Promise<Owner> {
  const anybody = new TestApi({ baseUrl: `${api}/v10` });
  const username = 'owner';
  const { token } = await ok<{ token: string }>(
    anybody.post('/auth/register', {
      username,
      email: 'owner@example.org',
      password: 'a password of length',
      date_of_birth: '2000-01-01',
      consent: true,
    }),
  );
  const mine = anybody.as(token, 'user');
  const { id } = await ok<{ id: string }>(mine.get('/users/@me'));
  return { id, username, api: mine };
}

/** Makes a guild with so many bots that may read everything in it. */
export async function makeGuild(owner: Owner, botsCount: number): Promise<GuildWorld> {
  const { api } = owner;
  const guild = await ok<{ id: string }>(api.post('/guilds', { name: 'fan-out' }));
  const channels = await ok<{ id: string; type: number }[]>(
    api.get(`/guilds/${guild.id}/channels`),
  );
  const category = await ok<{ id: string }>(
    api.post(`/guilds/${guild.id}/channels`, { name: 'a category', type: CATEGORY }),
  );
  const tokens: string[] = [];
  let started = 0;
  const worker = async (): Promise<void> => {
    while (started < botsCount) {
      started += 1;
      tokens.push(await addBot(owner, guild.id, `bot ${started}`));
    }
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
  const channelId = channels.find(({ type }) => type === TEXT_CHANNEL)!.id;
  return { guildId: guild.id, channelId, categoryId: category.id, tokens };
}

async function addBot({ api }: Owner, guildId: string, name: string): Promise<string> {
  const { id } = await ok<{ id: string }>(api.post('/applications', { name }));
  await ok(api.patch(`/applications/${id}`, { flags: PRIVILEGED_FLAGS }));
  const { token } = await ok<{ token: string }>(api.post(`/applications/${id}/bot/reset`, {}));
  // No permissions of its own, so no role: all bots are one audience, as members mostly are.
  const invitation = { guild_id: guildId, permissions: '0', authorize: true };
  await ok(api.post(`/oauth2/authorize?client_id=${id}&scope=bot`, invitation));
  return token;
}

/** The body of an answer that is none of a failure; rejects with the API's own words. */
export async function ok<T>(answer: Promise<{ status: number; body: unknown }>): Promise<T> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body as T;
}
