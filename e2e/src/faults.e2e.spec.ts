// What can be killed while people talk, and what they notice of it: of a message that was answered
// with 200, nothing; of a process that died, a pause of at most 5 seconds.
//
// Numbers are printed, not demanded, but for those 5 seconds.

import { PlacementRing } from '@guildhall/placement-ring';
import { parseSnowflake, partitionOf } from '@guildhall/snowflake';
import { eventually, TestApi, TestGatewayClient } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { arrivalsOf, historyOf, MessageStream } from './harness/message-stream.js';
import { badgeOf, readStateOf } from './harness/read-state.js';
import { restartEverything } from './harness/whole-fleet.js';
import { ok, World } from './harness/world.js';
import type { Account, Bot, Guild, Named, Person } from './harness/world.js';

/** How long after a kill everything has to be as before. */
const RECOVERY_MAX_MS = 5_000;
const GUILDS_PER_OWNER = 2;
const OWNERS = ['guilds-1', 'guilds-2'] as const;

describe('a fleet whose processes are killed while people talk', () => {
  const fleet = useFleet({ instances: { api: 2 } });
  let world: World;
  let alice: Person;
  let bob: Person;
  let bot: Bot;
  /** As many of each process of `guilds`. */
  let guilds: Guild[];
  let sessions: Record<string, TestGatewayClient> = {};

  beforeAll(async () => {
    world = new World(fleet());
    [alice, bob] = await Promise.all([world.register('alice'), world.register('bob')]);
    bot = await world.createBot(alice);
    guilds = [];
    const isWanted = (guild: Guild): boolean =>
      guilds.filter((other) => ownerOf(other.id) === ownerOf(guild.id)).length < GUILDS_PER_OWNER;
    while (guilds.length < GUILDS_PER_OWNER * OWNERS.length) {
      const guild = await world.createGuild(alice);
      if (isWanted(guild)) guilds.push(guild);
    }
    for (const guild of guilds) {
      await world.join(guild, bob);
      await world.addBot(bot, guild);
    }
    sessions = await connectAll();
  }, 60_000);

  afterAll(async () => {
    await Promise.all(Object.values(sessions).map((session) => session.terminate()));
  });

  /** Sessions of people and of a bot, on both gateways. */
  const connectAll = async (): Promise<Record<string, TestGatewayClient>> => ({
    'bob on gateway-1': await world.connect(bob, { gateway: 'gateway-1' }),
    'bob on gateway-2': await world.connect(bob, { gateway: 'gateway-2' }),
    'the bot on gateway-1': await world.connect(bot, { gateway: 'gateway-1' }),
    'the bot on gateway-2': await world.connect(bot, { gateway: 'gateway-2' }),
  });

  /** In every guild a person and a bot talk, each through another api, in a channel that is new. */
  const startStream = async (): Promise<MessageStream> => {
    const lanes = guilds.map(async (guild) => {
      const { id: channelId } = await world.createChannel(guild);
      return [
        { channelId, api: through('api-1', alice) },
        { channelId, api: through('api-2', bot) },
      ];
    });
    const stream = new MessageStream((await Promise.all(lanes)).flat());
    await stream.flows();
    return stream;
  };

  const through = (instance: string, { token, kind }: Account): TestApi => {
    const { url } = fleet()
      .instances()
      .find(({ name }) => name === instance)!;
    const tokenKind = kind === 'bot' ? 'bot' : 'user';
    return new TestApi({ baseUrl: `${url}/api/v10`, token, tokenKind });
  };

  /** Stops the stream and holds the fleet to what it answered. */
  const expectAllDelivered = async (stream: MessageStream): Promise<void> => {
    await stream.stop();
    await stream.expectDelivered(alice.api, sessions);
  };

  /**
   * Checks that all channels are as before `RECOVERY_MAX_MS` after `atMs`; gives when, by channel.
   */
  const expectRecovered = (stream: MessageStream, atMs: number): Map<string, number> =>
    new Map(
      stream.channelIds.map((channelId) => {
        const first = stream.firstSaidSince(channelId, atMs)!;
        expect(first.answeredAtMs - atMs).toBeLessThan(RECOVERY_MAX_MS);
        const dueIds = stream.said
          .filter((one) => one.channelId === channelId && one.answeredAtMs <= first.answeredAtMs)
          .map(({ id }) => id);
        const arrivedAtMs = Object.values(sessions).map((session) => {
          const arrivals = arrivalsOf(session, channelId);
          return Math.max(...dueIds.map((id) => arrivals.get(id) ?? Infinity));
        });
        const recoveredMs = Math.max(first.answeredAtMs, ...arrivedAtMs) - atMs;
        expect(recoveredMs).toBeLessThan(RECOVERY_MAX_MS);
        return [channelId, recoveredMs];
      }),
    );

  it('goes on within 5 seconds after kill -9 of an owner, and loses and repeats nothing', async () => {
    const stream = await startStream();
    const killedAtMs = performance.now();
    await fleet().kill('guilds-1');
    await stream.flows();
    const backAtMs = performance.now();
    await fleet().restart('guilds-1');
    await stream.flows();
    await expectAllDelivered(stream);

    const recoveredMs = expectRecovered(stream, killedAtMs);
    const of = (owner: string): number[] =>
      [...recoveredMs].filter(([id]) => ownerOf(id) === owner).map(([, ms]) => ms);
    expect(of('guilds-1')).toHaveLength(GUILDS_PER_OWNER);
    print(`kill -9 of an owner: its channels went on after ${shownMs(of('guilds-1'))}`);
    print(`  those of the other one after ${shownMs(of('guilds-2'))}`);
    print(`  the longest pause when it came back: ${stream.longestPauseMs(backAtMs)} ms`);
    // Nobody was told of it: the api asked again until there was an owner.
    expect(stream.unsaid).toEqual([]);
  });

  it('answers no error and loses nothing while an owner is drained', async () => {
    const stream = await startStream();
    const drainedAtMs = performance.now();
    await fleet().drain('guilds-2');
    await stream.flows();
    const leftPauseMs = stream.longestPauseMs(drainedAtMs);
    const backAtMs = performance.now();
    await fleet().restart('guilds-2');
    await stream.flows();
    await expectAllDelivered(stream);
    print(`drain of an owner: the longest pause of a writer was ${leftPauseMs} ms`);
    print(`  and when it came back ${stream.longestPauseMs(backAtMs)} ms`);
    expect(stream.unsaid).toEqual([]);
  });

  it('shows again who is online after kill -9 of presence, and messages take no notice', async () => {
    const stream = await startStream();
    const crashedAtMs = performance.now();
    await fleet().crash('presence-1');
    await eventually(isReady('presence-1'), { label: 'presence is back', timeoutMs: 30_000 });
    const watcher = sessions['the bot on gateway-2']!;
    const from = watcher.payloads.length;
    const status = { since: null, activities: [], afk: false };
    sessions['bob on gateway-1']!.send(3, { ...status, status: 'dnd' });
    sessions['bob on gateway-2']!.send(3, { ...status, status: 'dnd' });
    const isSeen = ({ t, d }: { t: string | null; d: unknown }): boolean => {
      const { user, status: shown } = d as { user?: Named; status?: string };
      return t === 'PRESENCE_UPDATE' && user?.id === bob.id && shown === 'dnd';
    };
    await watcher.waitFor(isSeen, { from, timeoutMs: 15_000 });
    print(`kill -9 of presence: seen again after ${since(crashedAtMs)}`);
    await expectAllDelivered(stream);
    expect(stream.unsaid).toEqual([]);
    print(`  the longest pause of a writer: ${stream.longestPauseMs(crashedAtMs)} ms`);
  });

  it('keeps what was read after kill -9 of read-states', async () => {
    const channel = await world.createChannel(guilds[0]!);
    const stream = await startStream();
    const message = await world.send(alice, channel.id, `<@${bob.id}> read this`);
    const read = (id: string): Promise<unknown> =>
      ok(bob.api.post(`/channels/${channel.id}/messages/${id}/ack`, {}));
    await read(message.id);
    const crashedAtMs = performance.now();
    await fleet().crash('read-states-1');
    // Asked at once, and again if there was nobody to answer for too long, as clients do.
    const state = await eventually(() => readStateOf(world, bob), {
      label: 'a READY with counts',
      timeoutMs: 30_000,
    });
    expect(badgeOf(state, channel.id)).toEqual({ isUnread: false, mentions: 0 });
    print(`kill -9 of read-states: a READY with counts after ${since(crashedAtMs)}`);
    const next = await world.send(alice, channel.id, `<@${bob.id}> and this`);
    expect(badgeOf(await readStateOf(world, bob), channel.id).mentions).toBe(1);
    await read(next.id);
    await stream.flows();
    await expectAllDelivered(stream);
    expect(stream.unsaid).toEqual([]);
    print(`  the longest pause of a writer: ${stream.longestPauseMs(crashedAtMs)} ms`);
  });

  it('misses nothing when NATS is killed and comes back, and no session ends', async () => {
    const stream = await startStream();
    const killedAtMs = performance.now();
    await fleet().kill('nats');
    await fleet().restart('nats');
    await stream.flows();
    print(`kill -9 of NATS: every channel goes on after ${since(killedAtMs)}`);
    await expectAllDelivered(stream);
    print(`  ${stream.said.length} messages said, ${stream.unsaid.length} refused`);
    expect(stream.unsaid.filter(({ status }) => status < 500)).toEqual([]);
  });

  it('has every message it answered for after kill -9 of PostgreSQL', async () => {
    const stream = await startStream();
    const killedAtMs = performance.now();
    await fleet().kill('postgres');
    await fleet().restart('postgres');
    const upMs = performance.now() - killedAtMs;
    await stream.flows();
    print(`kill -9 of PostgreSQL: every channel goes on after ${since(killedAtMs)}`);
    print(`  it was away for ${Math.round(upMs)} ms`);
    await expectAllDelivered(stream);
    print(`  ${stream.said.length} messages said, ${stream.unsaid.length} refused`);
    expect(stream.unsaid.filter(({ status }) => status < 500)).toEqual([]);
  });

  it('lets the clients of a killed gateway start anew elsewhere, and there when it is back', async () => {
    const stream = await startStream();
    const lost = ['bob on gateway-1', 'the bot on gateway-1'];
    const before = lost.map((name) => sessions[name]!);
    await fleet().kill('gateway-1');
    const killedAtMs = performance.now();
    expect(await Promise.all(before.map(({ closed }) => closed))).toEqual(
      before.map(() => expect.objectContaining({ code: 1006 })),
    );

    // Nobody else has the session, so there is nothing to resume: op 9, and then a new one.
    const elsewhere = await TestGatewayClient.connect({ url: world.gatewayUrl('gateway-2') });
    await expect(elsewhere.resume(before[0]!.session!, 15_000)).rejects.toThrow('resumable: false');
    const { token } = bob;
    await elsewhere.identify({ token, timeoutMs: 15_000 });
    print(
      `kill -9 of a gateway: READY elsewhere after ${since(killedAtMs)}, 1 to 5 s of it by rule`,
    );
    await fleet().restart('gateway-1');
    for (const name of lost) delete sessions[name];
    sessions = {
      ...sessions,
      'bob, who came elsewhere': elsewhere,
      'bob on gateway-1, back': await world.connect(bob, { gateway: 'gateway-1' }),
      'the bot on gateway-1, back': await world.connect(bot, { gateway: 'gateway-1' }),
    };
    await stream.flows();
    await expectAllDelivered(stream);
    expect(stream.unsaid).toEqual([]);
  });

  it('has every message it answered for after every process was killed at once', async () => {
    const stream = await startStream();
    const killedAtMs = performance.now();
    await fleet().killAll({ servers: true });
    await stream.stop();
    await restartEverything(fleet());
    print(`kill -9 of everything: all processes are ready again after ${since(killedAtMs)}`);

    await stream.expectDelivered(alice.api, {});
    print(`  ${stream.said.length} messages said, all there; ${stream.unsaid.length} refused`);
    sessions = await connectAll();
    const again = await startStream();
    print(`  every channel goes on after ${since(killedAtMs)}`);
    await expectAllDelivered(again);
    for (const channelId of stream.channelIds) {
      const { id } = await world.send(alice, channelId, 'as if nothing had been');
      expect((await historyOf(bob.api, channelId)).at(-1)).toBe(id);
    }
  }, 120_000);

  const isReady = (instance: string) => async (): Promise<boolean> => {
    const { health, phase } = fleet()
      .instances()
      .find(({ name }) => name === instance)!;
    return phase === 'ready' && (await fetch(health)).ok;
  };
});

/** Whose a guild or channel is while both owners live. */
function ownerOf(id: string): string | undefined {
  return new PlacementRing([...OWNERS]).ownerOf(partitionOf(parseSnowflake(id)!));
}

const since = (atMs: number): string => `${Math.round(performance.now() - atMs)} ms`;
const shownMs = (values: readonly number[]): string =>
  values.map((value) => `${Math.round(value)} ms`).join(' and ');

/** Past jest, which would put five lines around each. */
function print(line: string): void {
  process.stdout.write(`    ${line}\n`);
}
