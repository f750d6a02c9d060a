// Client libraries as they come from npm, each with two bots, one on either gateway: they log in,
// see what the other does, write to people, and miss nothing when their network fails.

import { eventually } from '@guildhall/testkit';
import type { TestGatewayClient } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { connectDiscordJs } from './harness/libraries/discord-js.js';
import { connectEris } from './harness/libraries/eris.js';
import type {
  ConnectLibrary,
  LibraryClient,
  LibraryOptions,
  Seen,
} from './harness/libraries/library-client.js';
import { connectOceanic } from './harness/libraries/oceanic.js';
import { NetworkLink } from './harness/network-link.js';
import { World } from './harness/world.js';
import type { Bot, Guild, Person } from './harness/world.js';

/** Of what a library does by itself, such as coming back. */
const PATIENCE_MS = 20_000;
const MISSED_COUNT = 25;

interface Library {
  readonly title: string;
  readonly connect: ConnectLibrary;
  readonly compression?: LibraryOptions['compression'];
}

// `zlib-stream` as far as they speak it without a native add-on (zlib-sync for discord.js); ETF
// they all leave to one (erlpack). wire-formats.e2e.spec.ts has every form.
const LIBRARIES: readonly Library[] = [
  { title: 'discord.js', connect: connectDiscordJs },
  { title: 'eris', connect: connectEris },
  { title: 'oceanic.js', connect: connectOceanic },
  { title: 'oceanic.js with zlib-stream', connect: connectOceanic, compression: 'zlib-stream' },
  { title: 'oceanic.js with zstd-stream', connect: connectOceanic, compression: 'zstd-stream' },
];

describe('client libraries, unmodified', () => {
  const fleet = useFleet({ instances: { api: 1, gateway: 2, guilds: 2 } });
  const links: NetworkLink[] = [];
  let origins: string[];
  let world: World;
  let alice: Person;
  let carol: Person;

  // Each gateway is reached by a network of its own, and each api sends its clients to one of them.
  beforeAll(async () => {
    const gateways = fleet()
      .instances()
      .filter(({ app }) => app === 'gateway');
    for (const { port } of gateways) {
      const link = await NetworkLink.open();
      link.leadTo(port);
      links.push(link);
    }
    const leadsTo = (at: number) => ({ GUILDHALL_GATEWAY_URL: links[at]!.url });
    await Promise.all([
      fleet().restart('gateway-1', leadsTo(0)),
      fleet().restart('gateway-2', leadsTo(1)),
      fleet().restart('api-1', leadsTo(0)),
      fleet().add('api', leadsTo(1)),
    ]);
    origins = fleet()
      .instances()
      .filter(({ app }) => app === 'api')
      .map(({ url }) => url);
    world = new World(fleet());
    alice = await world.register('alice');
    carol = await world.register('carol');
  }, 120_000);

  afterAll(async () => {
    await Promise.all(links.map((link) => link.close()));
  });

  describe.each(LIBRARIES)('$title', ({ connect, compression }) => {
    let guild: Guild;
    let other: Guild;
    let bots: Bot[];
    /** `here` is on the first gateway, `there` on the second. */
    let here: LibraryClient;
    let there: LibraryClient;

    beforeAll(async () => {
      [guild, other] = await Promise.all([world.createGuild(alice), world.createGuild(alice)]);
      await world.join(guild, carol);
      bots = await Promise.all([world.createBot(alice), world.createBot(alice)]);
      for (const bot of bots) {
        await world.addBot(bot, guild);
        await world.addBot(bot, other);
      }
      const clients = bots.map(({ token }, at) =>
        connect({
          origin: origins[at]!,
          token,
          ...(compression === undefined ? {} : { compression }),
        }),
      );
      [here, there] = (await Promise.all(clients)) as [LibraryClient, LibraryClient];
    });

    afterAll(async () => {
      await Promise.all([here?.close(), there?.close()]);
    });

    /** Both have been told of it. */
    const bothSee = (wanted: Partial<Seen>) =>
      Promise.all([here, there].map((client) => sees(client, wanted)));

    it('is ready with its guilds cached', () => {
      expect([here.userId, there.userId]).toEqual(bots.map(({ id }) => id));
      for (const client of [here, there]) {
        const { name, memberCount, channelIds } = client.cachedGuild(guild.id)!;
        expect({ name, memberCount }).toEqual({ name: guild.name, memberCount: 4 });
        expect(channelIds).toContain(guild.generalId);
        expect(client.cachedGuild(other.id)).toMatchObject({ name: other.name, memberCount: 3 });
      }
    });

    it('sends, edits and deletes messages, and sees those of others', async () => {
      const content = 'grüße, 世界 👋🏽';
      const id = await here.send(guild.generalId, content);
      await bothSee({ kind: 'message', id, content, authorId: here.userId });
      await here.edit(guild.generalId, id, 'changed');
      await bothSee({ kind: 'edit', id, content: 'changed' });
      await here.delete(guild.generalId, id);
      await bothSee({ kind: 'delete', id });
      const answerId = await there.send(guild.generalId, 'answered');
      await bothSee({ kind: 'message', id: answerId, authorId: there.userId });
      const { id: ofPersonId } = await world.send(carol, guild.generalId, 'I am here too');
      await bothSee({ kind: 'message', id: ofPersonId, authorId: carol.id });
      for (const client of [here, there]) {
        expect(client.seen.filter((one) => 'id' in one && one.id === id)).toHaveLength(3);
      }
    });

    it('reacts, and sees reactions', async () => {
      const messageId = await there.send(guild.generalId, 'do you like it?');
      await bothSee({ kind: 'message', id: messageId });
      await here.react(guild.generalId, messageId, '👍');
      const reaction = { messageId, userId: here.userId, emoji: '👍' };
      await bothSee({ kind: 'reaction', ...reaction });
      await here.takeReaction(guild.generalId, messageId, '👍');
      await bothSee({ kind: 'reaction removed', ...reaction });
    });

    it('sees who is typing, and who is there', async () => {
      await here.startTyping(guild.generalId);
      await sees(there, { kind: 'typing', channelId: guild.generalId, userId: here.userId });
      await here.setStatus('dnd');
      await sees(there, { kind: 'presence', userId: here.userId, status: 'dnd' });
      await there.setStatus('idle');
      await sees(here, { kind: 'presence', userId: there.userId, status: 'idle' });
    });

    it('asks for members and for history', async () => {
      const ids = [alice.id, carol.id, here.userId, there.userId].sort();
      expect((await here.requestMembers(guild.id)).sort()).toEqual(ids);
      expect((await there.requestMembers(guild.id)).sort()).toEqual(ids);
      const { id: channelId } = await world.createChannel(guild);
      for (const number of [1, 2, 3, 4]) await world.send(carol, channelId, `number ${number}`);
      // It asks of a channel that it has been told of.
      await sees(there, { kind: 'message', channelId, content: 'number 4' });
      expect(await there.history(channelId, 3)).toEqual(['number 2', 'number 3', 'number 4']);
    });

    it('writes to a person and is answered', async () => {
      await using person: TestGatewayClient = await world.connect(carol, { gateway: 'gateway-2' });
      const id = await here.sendPrivately(carol.id, 'psst');
      const got = await person.waitFor(({ t, d }) => t === 'MESSAGE_CREATE' && idOf(d) === id);
      expect(got.d).toMatchObject({ content: 'psst', author: { id: here.userId } });
      const channelId = (got.d as { channel_id: string }).channel_id;
      await world.send(carol, channelId, 'what is it?');
      await sees(here, { kind: 'message', channelId, content: 'what is it?', authorId: carol.id });
    });

    it('misses nothing when its network fails, and sees nothing twice', async () => {
      const { id: channelId } = await world.createChannel(guild);
      const say = async (prefix: string) => {
        const said = [];
        for (let number = 0; number < MISSED_COUNT; number += 1) {
          said.push(await world.send(carol, channelId, `${prefix} ${number}`));
        }
        return said.map(({ content }) => content);
      };
      const before = await say('before');
      await sees(here, { kind: 'message', channelId, content: before.at(-1)! });
      links[0]!.cut();
      const meanwhile = await say('meanwhile');
      const { id: lostId } = await world.send(carol, channelId, 'written to be deleted');
      await carol.api.delete(`/channels/${channelId}/messages/${lostId}`);
      // It has come back by itself, and is kept waiting.
      await eventually(() => links[0]!.waitingCount > 0, {
        label: 'another try',
        timeoutMs: PATIENCE_MS,
      });
      expect(contents(here, channelId)).toEqual(before);
      links[0]!.mend();
      await sees(here, { kind: 'resumed' });
      const after = await say('after');
      const all = [...before, ...meanwhile, 'written to be deleted', ...after];
      await bothSee({ kind: 'message', channelId, content: after.at(-1)! });
      expect(contents(here, channelId)).toEqual(all);
      expect(contents(there, channelId)).toEqual(all);
      await bothSee({ kind: 'delete', id: lostId });
      expect(sessionsOf(here)).toEqual(['READY', 'RESUMED']);
      expect(sessionsOf(there)).toEqual(['READY']);
      for (const client of [here, there]) {
        // Not even the library was told twice of a message, and its own counting is right.
        const ids = client.dispatches
          .filter(({ t }) => t === 'MESSAGE_CREATE')
          .map(({ d }) => idOf(d));
        expect(new Set(ids).size).toBe(ids.length);
        expect(client.dispatches.map(({ s }) => s)).toEqual(
          client.dispatches.map((_, index) => index + 1),
        );
      }
      expect(there.complaints).toEqual([]);
      // They warn of a hole in the sequence, which would be ours.
      expect(here.complaints.filter((words) => /sequence/i.test(words))).toEqual([]);
    });
  });
});

function sees(client: LibraryClient, wanted: Partial<Seen>): Promise<Seen> {
  const isIt = (one: Seen) =>
    Object.entries(wanted).every(([key, value]) => one[key as keyof Seen] === value);
  const label = `a bot to be told of ${JSON.stringify(wanted)}`;
  return eventually(() => client.seen.find(isIt), { label, timeoutMs: PATIENCE_MS });
}

function contents(client: LibraryClient, channelId: string): string[] {
  return client.seen.flatMap((one) =>
    one.kind === 'message' && one.channelId === channelId ? [one.content] : [],
  );
}

/** How its sessions began and went on. */
function sessionsOf(client: LibraryClient): string[] {
  return client.dispatches.map(({ t }) => t).filter((t) => t === 'READY' || t === 'RESUMED');
}

function idOf(d: unknown): string {
  return (d as { id: string }).id;
}
