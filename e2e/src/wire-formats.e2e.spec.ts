// Every form in which a gateway speaks: version, encoding and compression, to bots and to people.
// The client is the strict one of the testkit, which takes nothing for granted that a small client
// library would refuse.

import type { Encoding, TransportCompression } from '@guildhall/gateway-protocol';
import { TestGatewayClient } from '@guildhall/testkit';
import type { GatewayPayload } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { World } from './harness/world.js';
import type { Account, Bot, Guild, Person } from './harness/world.js';

const CONTENT = 'grüße, 世界 👋🏽 \u{1F468}\u200D\u{1F469}\u200D\u{1F467} "quoted" \\ \u2028 ½\nend';
/** Repeats itself, so that compression has something to refer back to. */
const LONG = 'ab ÿ 世界 '.repeat(180).trim();
const SESSION_TIMEOUT_MS = 15_000;

interface Form {
  readonly version: 9 | 10;
  readonly encoding: Encoding;
  readonly compression: TransportCompression;
  readonly who: 'bot' | 'person';
}

const FORMS: readonly Form[] = ([10, 9] as const).flatMap((version) =>
  (['json', 'etf'] as const).flatMap((encoding) =>
    (['none', 'zlib-stream', 'zstd-stream'] as const).flatMap((compression) =>
      (['bot', 'person'] as const).map((who) => ({ version, encoding, compression, who })),
    ),
  ),
);

describe('the forms of the gateway', () => {
  const fleet = useFleet();
  let world: World;
  let alice: Person;
  let bob: Person;
  let bot: Bot;
  let guild: Guild;

  beforeAll(async () => {
    world = new World(fleet());
    [alice, bob] = await Promise.all([world.register('alice'), world.register('bob')]);
    guild = await world.createGuild(alice, 'größte Gilde 🏰');
    await world.join(guild, bob);
    bot = await world.addBot(await world.createBot(alice), guild);
  });

  /** What is said, in the order of saying it, until it has come. */
  const say = async (client: TestGatewayClient, ...contents: string[]): Promise<void> => {
    for (const content of contents) {
      const message = await world.send(alice, guild.generalId, content);
      const { d } = await client.next('MESSAGE_CREATE');
      expect(d).toMatchObject({ ...message, content, guild_id: guild.id });
    }
  };

  it.each(FORMS)('v$version, $encoding, $compression, to a $who', async (form) => {
    const { who, ...address } = form;
    const account: Account = who === 'bot' ? bot : bob;
    const session = await (async () => {
      await using client = await world.connect(account, address);
      const ready = client.dispatches('READY')[0]!.d as Ready;
      expect(ready).toMatchObject({ v: form.version, user: { id: account.id } });
      expect(guildsOf(client, ready)).toMatchObject([{ id: guild.id, name: guild.name }]);
      await say(client, CONTENT, LONG);
      await client.heartbeat();
      expect(client.violation).toBeUndefined();
      return client.session!;
    })();

    const missed = ['missed: ' + CONTENT, 'missed as well'];
    for (const content of missed) await world.send(alice, guild.generalId, content);
    await using again = await TestGatewayClient.connect({ ...address, url: session.resumeUrl });
    await again.resume(session, SESSION_TIMEOUT_MS);
    expect(contents(again.dispatches('MESSAGE_CREATE'))).toEqual(missed);
    for (const _ of missed) await again.next('MESSAGE_CREATE');
    await say(again, CONTENT);
    expect(again.dispatches('READY')).toEqual([]);
    expect(again.violation).toBeUndefined();
    await again.close(1000);
  });

  it.each(['bot', 'person'] as const)('payloads compressed one by one, to a %s', async (who) => {
    const account = who === 'bot' ? bot : bob;
    await using client = await world.connect(account, { compress: true });
    await say(client, CONTENT, LONG);
    expect(client.violation).toBeUndefined();
    await client.close(1000);
  });

  it.each([
    { query: { v: '4' }, code: 4012 },
    { query: { encoding: 'xml' }, code: 4002 },
  ])('closes with $code when asked for $query', async ({ query, code }) => {
    await using client = await TestGatewayClient.connect({ url: world.gatewayUrl(), query });
    expect((await client.closed).code).toBe(code);
  });
});

interface Ready {
  readonly guilds: readonly object[];
}

/** People find their guilds in READY, bots are told of each after it. */
function guildsOf(client: TestGatewayClient, ready: Ready): unknown[] {
  const created = client.dispatches('GUILD_CREATE').map(({ d }) => d);
  return created.length > 0 ? created : [...ready.guilds];
}

function contents(payloads: readonly GatewayPayload[]): string[] {
  return payloads.map(({ d }) => (d as { content: string }).content);
}
