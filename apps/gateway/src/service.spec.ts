import { Signal } from '@guildhall/contracts';
import { ALL_INTENTS, CloseCode, Intent } from '@guildhall/gateway-protocol';
import { eventually, TestGatewayClient, type GatewayPayload } from '@guildhall/testkit';
import { fakeId, idIn } from './testing/fake-fleet.js';
import { runGateway, type RunningGateway } from './testing/running-gateway.js';

type Json = Record<string, unknown>;
const data = (payload: GatewayPayload): Json => payload.d as Json;

/** One bot in one guild with one channel, logged in. */
async function loggedIn(gateway: RunningGateway, intents: number = ALL_INTENTS, token = 'token') {
  const botId = gateway.fleet.user(token);
  const channelId = fakeId();
  const guild = gateway.fleet.guild([botId], [channelId]);
  const client = await TestGatewayClient.connect({ url: gateway.url });
  const ready = await client.identify({ token, intents });
  if ((intents & Intent.Guilds) !== 0) await client.next('GUILD_CREATE');
  await eventually(() => gateway.service.relays.followersCount >= 2, { label: 'attached' });
  return { botId, channelId, guild, client, ready };
}

describe('a gateway', () => {
  let gateway: RunningGateway;

  afterEach(() => gateway[Symbol.asyncDispose]());

  describe('to a bot', () => {
    it('gives READY, then each guild, then what happens', async () => {
      gateway = await runGateway();
      const { botId, channelId, guild, client, ready } = await loggedIn(gateway);
      expect(data(ready)).toMatchObject({
        v: 10,
        user: { id: String(botId), bot: true, email: null, verified: true },
        guilds: [{ id: String(guild.id), unavailable: true }],
        private_channels: [],
        application: { id: String(botId) },
        resume_gateway_url: gateway.url,
      });
      expect(client.dispatches('GUILD_CREATE')[0]!.d).toMatchObject({
        id: String(guild.id),
        unavailable: false,
      });
      gateway.fleet.message(guild, channelId, 'hello');
      expect(data(await client.next('MESSAGE_CREATE'))['content']).toBe('hello');
      await client.close();
    });
  });
});
