import { randomUUID } from 'node:crypto';
import { Guilds, Signal, Topics } from '@guildhall/contracts';
import {
  eventually,
  removePostgres,
  SeededRandom,
  seedFromEnv,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { FakePresence } from '../testing/fake-presence.js';
import { dataOf, GuildsFleet, userNumbered, type MadeGuild } from '../testing/guilds-fleet.js';

const START_MS = 120_000;
const SOON_MS = 20_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const random = new SeededRandom(seedFromEnv(process.env['SEED']));
let server: PostgresServer;
let fleet: GuildsFleet;
let presence: FakePresence;
let guild: MadeGuild;
let [ann, ben, cat]: bigint[] = [];

jest.setTimeout(60_000);

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
}, START_MS);

afterAll(async () => {
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

beforeEach(async () => {
  const schema = `guilds_${randomUUID().replaceAll('-', '')}`;
  fleet = new GuildsFleet(server.url, schema, () => random.next());
  await fleet.start();
  presence = await FakePresence.start(fleet.hub.connect({ name: 'presence-1' }));
  [ann, ben, cat] = [fleet.newId(), fleet.newId(), fleet.newId()];
  guild = await fleet.createGuild(ann!);
  for (const userId of [ben!, cat!]) await fleet.addMember(guild.id, userId);
});

afterEach(async () => {
  await presence.stop();
  await fleet.close();
});

const soon = <T extends object | boolean>(label: string, check: () => T | Promise<T> | false) =>
  eventually(check, { timeoutMs: SOON_MS, label });

/** What a session that attaches now is told of who is online. */
async function shown(): Promise<Map<bigint, string>> {
  const { json } = await fleet.attachTopic(guild.id, guild.ownerId);
  const { presences } = JSON.parse(Buffer.from(json).toString()) as {
    presences: { user: { id: string }; status: string }[];
  };
  return new Map(presences.map(({ user, status }) => [BigInt(user.id), status]));
}

const isShown = (userId: bigint | undefined, status: string | undefined) =>
  soon(`${userId} to be ${status}`, async () => (await shown()).get(userId!) === status);

/** The guild has another owner, who has to ask. */
async function takeOver(): Promise<void> {
  const [before] = fleet.running;
  await fleet.start();
  await fleet.drain(before!);
}

describe('Presences in a guild', () => {
  it('are asked for when it is loaded, and heard from then on', async () => {
    presence.statuses.set(ben!, 'idle').set(cat!, 'invisible').set(fleet.newId(), 'online');
    await takeOver();
    await isShown(ben, 'idle');
    expect((await shown()).size).toBe(1);
    presence.say(guild.id, cat!, 'dnd');
    presence.say(guild.id, ben!, 'offline');
    presence.say(guild.id, fleet.newId(), 'online');
    await isShown(cat, 'dnd');
    expect((await shown()).size).toBe(1);
  });

  it('are asked for again when users have changed hands, and what was missed is told', async () => {
    for (const userId of [ann!, ben!, cat!]) {
      presence.statuses.set(userId, 'online');
      presence.say(guild.id, userId, 'online');
    }
    await isShown(cat, 'online');
    presence.statuses.set(ben!, 'dnd').delete(cat!);
    const follower = fleet.follow(guild.id);
    presence.take();
    await isShown(cat, undefined);
    await soon('followers to hear it', () => follower.ephemeral.length === 2);
    expect(follower.ephemeral.map(dataOf)).toMatchObject([
      { user: { id: String(ben) }, guild_id: String(guild.id), status: 'dnd', activities: [] },
      { user: { id: String(cat) }, guild_id: String(guild.id), status: 'offline' },
    ]);
    expect(follower.ephemeral[0]).toMatchObject({ seq: 0n, subjectUserId: ben, exceptUserId: ben });
    expect(await shown()).toEqual(
      new Map([
        [ann, 'online'],
        [ben, 'dnd'],
      ]),
    );
  });

  it('are not taken to have ended while an instance does not answer', async () => {
    presence.statuses.set(ben!, 'online');
    const other = await FakePresence.start(fleet.hub.connect({ name: 'presence-2' }));
    other.statuses.set(cat!, 'online');
    await takeOver();
    await isShown(cat, 'online');
    await isShown(ben, 'online');
    other.fallSilent();
    presence.statuses.set(ben!, 'idle');
    presence.take();
    await isShown(ben, 'idle');
    expect((await shown()).get(cat!)).toBe('online');
    await other.stop();
  });
});

async function enterVoice(userId: bigint | undefined): Promise<void> {
  const { json } = await fleet.attachTopic(guild.id, guild.ownerId);
  const { channels } = JSON.parse(Buffer.from(json).toString()) as {
    channels: { id: string; type: number }[];
  };
  await fleet.ask(Topics.method.updateVoiceState, guild.id, {
    command: fleet.command(guild.id, userId!),
    channelId: BigInt(channels.find(({ type }) => type === 2)!.id),
    sessionId: 'session',
  });
}

/** A member until it goes offline. */
async function visitor(): Promise<bigint> {
  const userId = fleet.newId();
  const { json } = await fleet.ask(Guilds.method.createInvite, guild.id, {
    command: fleet.command(guild.id, guild.ownerId),
    channelId: guild.channelId,
    temporary: true,
  });
  const { code } = JSON.parse(Buffer.from(json).toString()) as { code: string };
  await fleet.ask(Guilds.method.acceptInvite, guild.id, {
    command: fleet.command(guild.id, userId),
    code,
    user: userNumbered(userId),
  });
  return userId;
}

describe('A member whose last session has ended', () => {
  it('leaves voice, or the guild if it came for a visit', async () => {
    const guest = await visitor();
    await enterVoice(ben);
    await enterVoice(cat);
    const { seq } = await fleet.attachTopic(guild.id, guild.ownerId);
    const follower = fleet.follow(guild.id, seq);
    presence.sayGone(guild.id, [ben!, guest, ann!, fleet.newId()]);
    await soon('both to be told', () => follower.events.length === 2);
    expect(new Set(follower.types)).toEqual(new Set(['VOICE_STATE_UPDATE', 'GUILD_MEMBER_REMOVE']));
    const left = follower.events.find(({ type }) => type === 'VOICE_STATE_UPDATE')!;
    expect(dataOf(left)).toMatchObject({ user_id: String(ben), channel_id: null });
    await soon('the visitor to know', async () => {
      const { guildIds } = await fleet.attachUser(guest);
      return guildIds.length === 0;
    });
    const { guildIds } = await fleet.attachUser(cat!);
    expect(guildIds).toEqual([guild.id]);
  });

  it('is found out by a new owner that did not hear of it, but not who is merely unseen', async () => {
    const guest = await visitor();
    const seen = await visitor();
    for (const userId of [ann, ben, cat]) await enterVoice(userId);
    presence.statuses.set(ann!, 'invisible').set(cat!, 'online').set(seen, 'online');
    const { seq } = await fleet.attachTopic(guild.id, guild.ownerId);
    const follower = fleet.follow(guild.id, seq);
    presence.isSettling = true;
    await takeOver();
    await isShown(cat, 'online');
    const before = presence.asksCount;
    await soon('it to look again and again', () => presence.asksCount > before + 3);
    expect(follower.events).toEqual([]);
    presence.isSettling = false;
    await soon('both to be let go', () => follower.events.length === 2);
    expect(new Set(follower.types)).toEqual(new Set(['VOICE_STATE_UPDATE', 'GUILD_MEMBER_REMOVE']));
    const gone = follower.events.map((event) => dataOf(event));
    expect(JSON.stringify(gone)).toContain(String(ben));
    expect(JSON.stringify(gone)).toContain(String(guest));
    const calm = presence.asksCount;
    presence.take();
    await soon('all to be looked at', () => presence.asksCount > calm);
    expect(follower.events).toHaveLength(2);
  });

  it('is not gone if it is back within the grace', async () => {
    await enterVoice(ben);
    const { seq } = await fleet.attachTopic(guild.id, guild.ownerId);
    const follower = fleet.follow(guild.id, seq);
    const [before] = fleet.running;
    await fleet.start({ absentGraceMs: 1_000 });
    await fleet.drain(before!);
    await soon('it to be asked about', () => presence.asksCount > 0);
    const absent = presence.asksCount;
    presence.statuses.set(ben!, 'online');
    await soon('it to be asked about again', () => presence.asksCount > absent);
    await isShown(ben, 'online');
    expect(follower.types.filter((type) => type !== Signal.UsersGone)).toEqual([]);
  });
});
