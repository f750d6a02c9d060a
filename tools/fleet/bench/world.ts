// Guilds to measure a fleet in, made through its API like anybody's.
import { ALL_INTENTS } from '@guildhall/gateway-protocol';
import { TestApi, TestGatewayClient } from '@guildhall/testkit';
import type { Fleet } from '../src/index.js';

/** Environments in which nobody is told to wait. */
export const UNHURRIED = {
  api: { GUILDHALL_RATE_LIMIT_FACTOR: '100000', INVALID_REQUESTS_MAX: '1000000' },
  gateway: { IDENTIFY_INTERVAL_MS: '0', MAX_CONCURRENCY: '16' },
};

/** Who is there to be measured with. */
export interface Made {
  readonly owner: TestApi;
  readonly bot: TestApi;
  readonly token: string;
  readonly channelIds: string[];
}

/** The body of an answer that is none of a failure; rejects with the API's own words. */
export async function ok<T>(answer: Promise<{ status: number; body: unknown }>): Promise<T> {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`);
  return body as T;
}

/** A bot in so many guilds, each with a text channel. */
export async function makeWorld(fleet: Fleet, guildsCount: number): Promise<Made> {
  const anybody = new TestApi({ baseUrl: `${fleet.api}/v10` });
  const { token: ownerToken } = await ok<{ token: string }>(
    anybody.post('/auth/register', {
      username: 'owner',
      email: 'owner@example.org',
      password: 'a password of length',
      date_of_birth: '2000-01-01',
      consent: true,
    }),
  );
  const owner = anybody.as(ownerToken, 'user');
  const application = await ok<{ id: string }>(owner.post('/applications', { name: 'bench' }));
  const flags = (1 << 13) | (1 << 15) | (1 << 19);
  await ok(owner.patch(`/applications/${application.id}`, { flags }));
  const reset = `/applications/${application.id}/bot/reset`;
  const { token } = await ok<{ token: string }>(owner.post(reset, {}));
  const channelIds: string[] = [];
  for (let index = 0; index < guildsCount; index += 1) {
    const guild = await ok<{ id: string }>(owner.post('/guilds', { name: `guild ${index}` }));
    await ok(
      owner.post(`/oauth2/authorize?client_id=${application.id}&scope=bot`, {
        guild_id: guild.id,
        permissions: '8',
        authorize: true,
      }),
    );
    const channels = await ok<{ id: string; type: number }[]>(
      owner.get(`/guilds/${guild.id}/channels`),
    );
    channelIds.push(channels.find(({ type }) => type === 0)!.id);
  }
  return { owner, bot: anybody.as(token, 'bot'), token, channelIds };
}

/** A session of the bot on the gateway with this number. */
export async function logIn(fleet: Fleet, token: string, gateway = 0): Promise<TestGatewayClient> {
  const gateways = fleet.instances().filter(({ app }) => app === 'gateway');
  const { port } = gateways[gateway % gateways.length]!;
  const client = await TestGatewayClient.connect({ url: `ws://127.0.0.1:${port}` });
  await client.identify({ token, intents: ALL_INTENTS });
  return client;
}
