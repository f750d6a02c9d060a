import { randomUUID } from 'node:crypto';
import { Interactions, Messages } from '@guildhall/contracts';
import {
  removePostgres,
  SeededRandom,
  seedFromEnv,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { dataOf, GuildsFleet, userNumbered, type MadeGuild } from '../testing/guilds-fleet.js';

const START_MS = 120_000;
const STORY_MS = 60_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const random = new SeededRandom(seedFromEnv(process.env['SEED']));
let server: PostgresServer;
let fleet: GuildsFleet;
let guild: MadeGuild;
let botId: bigint;

jest.setTimeout(STORY_MS);

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
  guild = await fleet.createGuild(fleet.newId());
  botId = fleet.newId();
  await fleet.addMember(guild.id, botId, true);
});

afterEach(() => fleet.close(), STORY_MS);

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const parsed = (json: Uint8Array): Record<string, unknown> =>
  JSON.parse(Buffer.from(json).toString()) as Record<string, unknown>;
const codeOf = (work: Promise<unknown>): Promise<number | undefined> =>
  work.then(
    () => undefined,
    (fault: { refusal?: { discordCode: number } }) => fault.refusal?.discordCode,
  );

const originOf = (interactionId: bigint) => ({
  interactionId,
  applicationId: botId,
  type: 2,
  name: 'ping',
  commandType: 1,
  user: userNumbered(guild.ownerId),
});

function respond(interactionId: bigint, content: string, more: { ephemeral?: boolean } = {}) {
  return fleet.ask(Interactions.method.createResponse, guild.channelId, {
    message: {
      // One answer to an interaction is one command, however often it is sent.
      command: { commandId: interactionId, actorId: botId, actorIsBot: true },
      channelId: guild.channelId,
      content,
      applicationId: botId,
    },
    origin: originOf(interactionId),
    ...more,
  });
}

/** The owner is killed, and another takes the guild from the database. */
async function takeOver(): Promise<void> {
  const owner = await fleet.ownerOf(guild.id);
  await fleet.start();
  await fleet.kill(owner!);
}

describe('An interaction', () => {
  it('is published for the bot alone, with the message that it is about', async () => {
    const { messageId } = await fleet.say(guild.channelId, guild.ownerId, 'about this');
    await takeOver();
    const { seq } = await fleet.attachTopic(guild.id, botId);
    const follower = fleet.follow(guild.id, seq);
    const interact = (targetMessageId: bigint) =>
      fleet.ask(Interactions.method.createInteraction, guild.channelId, {
        command: { commandId: fleet.newCommandId(), actorId: guild.ownerId },
        channelId: guild.channelId,
        interactionId: 900n,
        token: 'secret',
        type: 2,
        applicationId: botId,
        user: userNumbered(guild.ownerId),
        dataJson: bytes({ id: '7', name: 'Quote', type: 3, target_id: String(messageId) }),
        targetMessageId,
      });
    expect(await codeOf(interact(messageId + 1n))).toBe(10008);
    await interact(messageId);
    const [event, ...others] = follower.events.filter((one) => one.seq > 0n);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ type: 'INTERACTION_CREATE', onlyUserIds: [botId] });
    expect(dataOf(event!)).toMatchObject({
      token: 'secret',
      data: { resolved: { messages: { [String(messageId)]: { content: 'about this' } } } },
    });
  });

  it('is answered once, whoever owns the guild by then', async () => {
    const first = await respond(901n, 'pong');
    await takeOver();
    expect((await respond(901n, 'something else')).messageId).toBe(first.messageId);
    const { json } = await fleet.ask(Messages.method.listMessages, guild.channelId, {
      command: { actorId: guild.ownerId },
      channelId: guild.channelId,
      limit: 10,
    });
    const messages = parsed(json) as unknown as { content: string; type: number }[];
    expect(messages.filter(({ type }) => type === 20)).toMatchObject([
      { content: 'pong', interaction_metadata: { id: '901', name: 'ping' } },
    ]);
  });

  it('has answers that its token reads, changes and deletes, also from the database', async () => {
    const { messageId } = await respond(902n, 'pong');
    await takeOver();
    const about = { channelId: guild.channelId, messageId, origin: originOf(902n) };
    const read = (interactionId = 902n) =>
      fleet.ask(Interactions.method.getResponse, guild.channelId, {
        ...about,
        command: { actorId: botId },
        origin: originOf(interactionId),
      });
    expect(parsed((await read()).json)).toMatchObject({ content: 'pong', type: 20 });
    expect(await codeOf(read(1n))).toBe(10008);
    await takeOver();
    const { json } = await fleet.ask(Interactions.method.editResponse, guild.channelId, {
      message: {
        command: { commandId: fleet.newCommandId(), actorId: botId },
        channelId: guild.channelId,
        messageId,
        content: 'pong!',
      },
      origin: originOf(902n),
    });
    expect(parsed(json)).toMatchObject({ content: 'pong!' });
    await takeOver();
    await fleet.ask(Interactions.method.deleteResponse, guild.channelId, {
      ...about,
      command: { commandId: fleet.newCommandId(), actorId: botId },
    });
    expect(await codeOf(read())).toBe(10008);
  });

  it('has answers that are nowhere but with who asked, and made once all the same', async () => {
    const { seq } = await fleet.attachTopic(guild.id, guild.ownerId);
    const follower = fleet.follow(guild.id, seq);
    const first = await respond(903n, 'hush', { ephemeral: true });
    await takeOver();
    const again = await respond(903n, 'hush', { ephemeral: true });
    expect([again.messageId, again.document]).toEqual([first.messageId, first.document]);
    expect(follower.events).toMatchObject([
      { type: 'MESSAGE_CREATE', onlyUserIds: [guild.ownerId], channelId: guild.channelId },
    ]);
    const { rows } = await fleet.database.query({
      text: `SELECT 1 FROM messages WHERE message_id = ${first.messageId}`,
    });
    expect(rows).toEqual([]);
  });

  it('is found by the bots that are in the guild', async () => {
    const listed = await fleet.ask(Interactions.method.listApplications, guild.channelId, {
      command: { actorId: guild.ownerId },
      channelId: guild.channelId,
    });
    expect(listed).toMatchObject({ guildId: guild.id, bots: [{ id: botId, bot: true }] });
  });
});
