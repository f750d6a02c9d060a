// One operation is one trace, across every process it touches: complete, with nothing beside it.
// And whoever does not sample pays nothing: no span, no header on the bus.

import type { AppName } from '@guildhall/contracts';
import { startOtlpCollector } from '@guildhall/telemetry/testing';
import type { CollectedSpan, OtlpCollector } from '@guildhall/telemetry/testing';
import { eventually } from '@guildhall/testkit';
import type { TestGatewayClient } from '@guildhall/testkit';

import { tapBus } from './harness/bus-tap.js';
import { useFleet } from './harness/fleet-for-spec.js';
import { expectTracesWhole, sumOf, traceOfShape } from './harness/traces.js';
import { World } from './harness/world.js';
import type { Bot, Guild, Named, Person } from './harness/world.js';

const VIEW_CHANNEL = String(1 << 10);
const ROLE_OVERWRITE = 0;
const REQUEST_GUILD_MEMBERS = 8;

const MESSAGE_SHAPE = `
api: POST /channels/:channel_id/messages SERVER
  api: guilds/CreateMessage CLIENT
    guilds: guilds/CreateMessage SERVER
      guilds: publish topics.{topic_id}.events PRODUCER
        gateway: process topics.{topic_id}.events CONSUMER
          gateway: deliver PRODUCER
        gateway: process topics.{topic_id}.events CONSUMER
          gateway: deliver PRODUCER
          gateway: deliver PRODUCER
      guilds: store commit INTERNAL
  api: read-states/Batch CLIENT
    read-states: read-states/Batch SERVER
      read-states: store commit INTERNAL
`.trim();

const IDENTIFY_SHAPE = `
gateway: gateway/identify SERVER
  gateway: accounts/Authenticate CLIENT
    api: accounts/Authenticate SERVER
  gateway: guilds/AttachTopic CLIENT
    guilds: guilds/AttachTopic SERVER
  gateway: guilds/AttachUser CLIENT
    guilds: guilds/AttachUser SERVER
  gateway: presence/GetUser CLIENT
    presence: presence/GetUser SERVER
  gateway: read-states/Load CLIENT
    read-states: read-states/Load SERVER
`.trim();

const MEMBERS_SHAPE = `
gateway: gateway/request_guild_members SERVER
  gateway: guilds/QueryMembers CLIENT
    guilds: guilds/QueryMembers SERVER
`.trim();

const ROLE_SHAPE = `
api: PUT /guilds/:guild_id/members/:user_id/roles/:role_id SERVER
  api: guilds/PutMemberRole CLIENT
    guilds: guilds/PutMemberRole SERVER
      guilds: publish topics.{topic_id}.events PRODUCER
        gateway: process topics.{topic_id}.events CONSUMER
          gateway: deliver PRODUCER
          gateway: deliver PRODUCER
        gateway: process topics.{topic_id}.events CONSUMER
          gateway: deliver PRODUCER
          gateway: deliver PRODUCER
      guilds: store commit INTERNAL
`.trim();

describe('a fleet that is watched', () => {
  let collector: OtlpCollector;
  const fleet = useFleet(async () => {
    collector = await startOtlpCollector();
    return {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        GUILDHALL_TRACE_RATIO: '1',
        GUILDHALL_TRACE_SPANS_PER_SECOND: '100000',
        LOG_LEVEL: 'debug',
      },
    };
  });
  let world: World;
  let alice: Person;
  let bob: Person;
  let carol: Person;
  let bot: Bot;
  let guild: Guild;
  /** Whoever has it sees the channel. */
  let insiders: Named;
  let channel: Named;
  /** Of bob and the bot on one gateway, of bob and carol on the other. */
  let sessions: TestGatewayClient[] = [];

  beforeAll(async () => {
    world = new World(fleet());
    [alice, bob, carol] = (await Promise.all(
      ['alice', 'bob', 'carol'].map((name) => world.register(name)),
    )) as [Person, Person, Person];
    guild = await world.createGuild(alice);
    await world.join(guild, bob, carol);
    bot = await world.addBot(await world.createBot(alice), guild);
    insiders = await world.createRole(guild, '0');
    await world.giveRole(guild, bob, insiders);
    channel = await world.createChannel(guild, 'inside', {
      permission_overwrites: [
        { id: guild.id, type: ROLE_OVERWRITE, allow: '0', deny: VIEW_CHANNEL },
        { id: insiders.id, type: ROLE_OVERWRITE, allow: VIEW_CHANNEL, deny: '0' },
      ],
    });
    sessions = await connectAll();
  }, 60_000);

  afterAll(async () => {
    await Promise.all(sessions.map((session) => session.terminate()));
    await collector.close();
  });

  const connectAll = () =>
    Promise.all([
      world.connect(bob, { gateway: 'gateway-1' }),
      world.connect(bot, { gateway: 'gateway-1' }),
      world.connect(bob, { gateway: 'gateway-2' }),
      world.connect(carol, { gateway: 'gateway-2' }),
    ]);

  const instancesOf = (trace: readonly CollectedSpan[], kind: string): string[] =>
    trace.filter((span) => span.kind === kind).map(({ instance }) => instance);

  /** Log lines of all processes of an app that name the trace. */
  const linesOf = (traceId: string, app: AppName): readonly string[] =>
    fleet()
      .instances()
      .filter((instance) => instance.app === app)
      .flatMap(({ name }) => fleet().logs(name))
      .filter((line) => line.includes(traceId));

  it('shows a message from its request to the last socket, and every log line names the trace', async () => {
    const sinceMs = Date.now();
    const { id } = await world.send(alice, channel.id, 'seen by whoever may');
    const isIt = ({ t, d }: { t: string | null; d: unknown }): boolean =>
      t === 'MESSAGE_CREATE' && (d as Named).id === id;
    await Promise.all(sessions.slice(0, 3).map((session) => session.waitFor(isIt)));

    const trace = await traceOfShape(
      collector,
      { name: 'POST /channels/:channel_id/messages', sinceMs },
      MESSAGE_SHAPE,
    );
    expect(instancesOf(trace, 'CONSUMER').toSorted()).toEqual(['gateway-1', 'gateway-2']);
    expect(sumOf(trace, 'guildhall.fanout.gateways')).toBe(2);
    // Three may see it, and Carol may not.
    expect(sumOf(trace, 'guildhall.fanout.sockets')).toBe(3);
    expect(sumOf(trace, 'guildhall.fanout.filtered')).toBe(1);
    const [{ traceId }] = trace as [CollectedSpan];
    for (const app of ['api', 'guilds', 'gateway', 'read-states'] as const) {
      const label = `${app} says something about ${traceId}`;
      await eventually(() => linesOf(traceId, app).length > 0, { label });
    }
    expect(linesOf(traceId, 'gateway')).toHaveLength(2);
  });

  it('shows an IDENTIFY', async () => {
    const sinceMs = Date.now();
    await using _session = await world.connect(bob, { gateway: 'gateway-2' });
    await traceOfShape(collector, { name: 'gateway/identify', sinceMs }, IDENTIFY_SHAPE);
  });

  it('shows a request for members', async () => {
    const sinceMs = Date.now();
    const [session] = sessions as [TestGatewayClient];
    session.send(REQUEST_GUILD_MEMBERS, { guild_id: guild.id, query: '', limit: 0 });
    await session.next('GUILD_MEMBERS_CHUNK');
    await traceOfShape(
      collector,
      { name: 'gateway/request_guild_members', sinceMs },
      MEMBERS_SHAPE,
    );
  });

  it('shows a change of roles, to whoever it concerns', async () => {
    const sinceMs = Date.now();
    await world.giveRole(guild, alice, insiders);
    const trace = await traceOfShape(
      collector,
      { name: 'PUT /guilds/:guild_id/members/:user_id/roles/:role_id', sinceMs },
      ROLE_SHAPE,
    );
    expect(sumOf(trace, 'guildhall.fanout.sockets')).toBe(sessions.length);
  });

  it('leaves no other trace incomplete', async () => {
    const sinceMs = Date.now();
    const code = await world.invite(guild);
    expect(code).not.toBe('');
    const channelId = await world.openPrivateChannel(alice, bob);
    await world.send(alice, channelId, 'psst');
    await Promise.all([
      world.createGuild(carol),
      world.createChannel(guild),
      world.createRole(guild, VIEW_CHANNEL),
    ]);
    await expectTracesWhole(collector, sinceMs, [
      'POST /channels/:channel_id/invites',
      'POST /users/@me/channels',
      'POST /channels/:channel_id/messages',
      'POST /guilds',
      'POST /guilds/:guild_id/channels',
      'POST /guilds/:guild_id/roles',
    ]);
    expect(collector.malformedCount()).toBe(0);
  });

  it('makes no span and sends no header when it samples nothing', async () => {
    const talk = async (): Promise<void> => {
      const { id } = await world.send(alice, channel.id, 'between ourselves');
      const isIt = ({ t, d }: { t: string | null; d: unknown }): boolean =>
        t === 'MESSAGE_CREATE' && (d as Named).id === id;
      await Promise.all(sessions.slice(0, 3).map((session) => session.waitFor(isIt)));
      await world.takeRole(guild, alice, insiders);
      await world.giveRole(guild, alice, insiders);
    };
    // With sampling the tap does see headers.
    const sampled = await tapBus(fleet());
    await talk();
    await eventually(() => sampled.headers.has('traceparent'), { label: 'a header' });
    await sampled.close();

    await Promise.all(sessions.map((session) => session.close()));
    const unsampled = { GUILDHALL_TRACE_RATIO: '0' };
    const names = fleet()
      .instances()
      .map(({ name }) => name);
    await Promise.all(names.map((name) => fleet().restart(name, unsampled)));
    collector.clear();
    const tap = await tapBus(fleet());
    sessions = await connectAll();
    await talk();
    const seen = tap.messagesCount;
    expect(seen).toBeGreaterThan(20);
    expect(Object.fromEntries(tap.headers)).toEqual({});
    await tap.close();
    // A process that ends in order sends what spans it has first.
    await Promise.all(names.map((name) => fleet().drain(name)));
    expect(collector.spans()).toEqual([]);
    console.log(`${seen} messages on the bus, none with a header`);
  });
});
