import { randomUUID } from 'node:crypto';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { callMethod } from '@guildhall/bus';
import {
  DeliverRequestSchema,
  Guilds,
  MEMBERS_SUBJECT,
  Messages,
  Signal,
  topicEvents,
  Topics,
  type UserGuildSettingsChangeSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import { partitionOf } from '@guildhall/snowflake';
import {
  eventually,
  removePostgres,
  SeededRandom,
  seedFromEnv,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { dataOf, GuildsFleet, userNumbered, type MadeGuild } from './testing/guilds-fleet.js';

const START_MS = 120_000;
const STORY_MS = 60_000;
/** The machine may be busy with other things. */
const SOON_MS = 20_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const random = new SeededRandom(seedFromEnv(process.env['SEED']));
let server: PostgresServer;
let fleet: GuildsFleet;

jest.setTimeout(STORY_MS);

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
}, START_MS);

afterAll(async () => {
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

function newFleet(maxPayloadBytes?: number): GuildsFleet {
  const schema = `guilds_${randomUUID().replaceAll('-', '')}`;
  return new GuildsFleet(server.url, schema, () => random.next(), maxPayloadBytes);
}

beforeEach(() => {
  fleet = newFleet();
});

afterEach(() => fleet.close(), STORY_MS);

const soon = <T extends object | boolean>(label: string, check: () => T | Promise<T> | false) =>
  eventually(check, { timeoutMs: SOON_MS, label });

/** What the Discord error code of a refusal is, or the code of the fault. */
const faultOf = (work: Promise<unknown>): Promise<string | number> =>
  work.then(
    () => 'none',
    (fault: { code: string; refusal?: { discordCode: number } }) =>
      fault.refusal?.discordCode ?? fault.code,
  );

describe('A guild', () => {
  it('is made, and its members’ own topics hear of it', async () => {
    await fleet.start();
    await fleet.start();
    const [owner, member] = [fleet.newId(), fleet.newId()];
    const ownersTopic = fleet.follow(owner);
    const guild = await fleet.createGuild(owner);
    expect((await fleet.attachUser(owner)).guildIds).toEqual([guild.id]);
    expect(ownersTopic.types).toEqual([Signal.GuildJoined]);
    expect(dataOf(ownersTopic.events[0]!)).toEqual({ guild_id: String(guild.id) });

    await fleet.addMember(guild.id, member);
    expect((await fleet.attachUser(member)).guildIds).toEqual([guild.id]);
    await fleet.ask(Guilds.method.removeMember, guild.id, {
      command: fleet.command(guild.id, member),
      userId: member,
    });
    expect((await fleet.attachUser(member)).guildIds).toEqual([]);
    expect(await fleet.outboxCount()).toBe(0);
    expect(await faultOf(fleet.attachTopic(guild.id, member))).toBe(50001);
  });

  it('is followed from a snapshot on, with messages that name their channel alone', async () => {
    await fleet.start();
    await fleet.start();
    const guild = await fleet.createGuild(fleet.newId());
    const { seq, json, audience } = await fleet.attachTopic(guild.id, guild.ownerId, 'gateway-1');
    const snapshot = JSON.parse(Buffer.from(json).toString()) as { id: string };
    expect(snapshot.id).toBe(String(guild.id));
    expect(audience!.channelIds).toContain(guild.channelId);

    const follower = fleet.follow(guild.id, seq);
    const { messageId, topicId } = await fleet.say(guild.channelId, guild.ownerId, 'hello');
    expect(topicId).toBe(guild.id);
    expect(partitionOf(messageId)).toBe(partitionOf(guild.id));
    expect(follower.types).toEqual(['MESSAGE_CREATE']);
    expect(follower.events[0]).toMatchObject({ seq: seq + 1n, channelId: guild.channelId });
    expect(dataOf(follower.events[0]!)).toMatchObject({ id: String(messageId), content: 'hello' });
    expect(await faultOf(fleet.say(fleet.newId(), guild.ownerId, 'nowhere'))).toBe(10003);
  });

  it('lets what was missed be fetched: from memory, from the table, until it is pruned', async () => {
    const one = await fleet.start({ tailMax: 16, recentEventsMax: 16 });
    const guild = await fleet.createGuild(fleet.newId());
    for (let count = 0; count < 40; count += 1) {
      await fleet.say(guild.channelId, guild.ownerId, `message ${count}`);
    }
    const seqsAfter = async (seq: bigint): Promise<bigint[]> =>
      (await fleet.fetch(guild.id, seq)).events.map((event) => event.seq);
    const upTo41 = (from: number): bigint[] =>
      Array.from({ length: 42 - from }, (_, at) => BigInt(from + at));
    expect(await seqsAfter(35n)).toEqual(upTo41(36));
    expect(await seqsAfter(0n)).toEqual(upTo41(1));
    expect((await fleet.fetch(guild.id, 3n, 2)).events.map(({ seq }) => seq)).toEqual([4n, 5n]);
    expect(await seqsAfter(41n)).toEqual([]);

    await fleet.database.query({ text: 'DELETE FROM events WHERE seq <= 20' });
    expect(await faultOf(fleet.fetch(guild.id, 0n))).toBe('not_found');
    await fleet.kill(one);
    await fleet.start({ tailMax: 16, recentEventsMax: 16 });
    expect(await seqsAfter(20n)).toEqual(upTo41(21));
    expect(await faultOf(fleet.fetch(guild.id, 10n))).toBe('not_found');
    expect(await faultOf(fleet.fetch(fleet.newId(), 0n))).toBe('not_found');
  });

  it('tells who follows how far it is, when the last event was lost or it was away', async () => {
    await fleet.start();
    const guild = await fleet.createGuild(fleet.newId());
    const { seq } = await fleet.attachTopic(guild.id, guild.ownerId);
    const follower = fleet.follow(guild.id, seq);
    const heal = fleet.hub.rule(({ subject }) =>
      subject === topicEvents(guild.id) ? 'drop' : undefined,
    );
    await fleet.say(guild.channelId, guild.ownerId, 'lost');
    heal();
    expect(follower.types).toEqual([]);
    await soon('the digest to be noticed', () => follower.position === seq + 1n);
    expect(follower.publishedCount).toBe(0);

    const { ahead } = await fleet.ask(Topics.method.follow, guild.id, {
      gatewayInstance: 'gateway-1',
      partition: partitionOf(guild.id),
      topics: [
        { topicId: guild.id, seq },
        { topicId: fleet.idIn(partitionOf(guild.id)), seq: 5n },
      ],
    });
    expect(ahead.map(({ topicId, seq: at }) => [topicId, at])).toEqual([[guild.id, seq + 1n]]);
  });

  it('ends with everything in it', async () => {
    await fleet.start();
    const guild = await fleet.createGuild(fleet.newId());
    await fleet.say(guild.channelId, guild.ownerId, 'last words');
    const command = fleet.command(guild.id, guild.ownerId);
    await fleet.ask(Guilds.method.deleteGuild, guild.id, { command });
    expect((await fleet.attachUser(guild.ownerId)).guildIds).toEqual([]);
    expect(await faultOf(fleet.say(guild.channelId, guild.ownerId, 'anybody?'))).toBe(10003);
    expect(await faultOf(fleet.attachTopic(guild.id, guild.ownerId))).toBe('not_found');
  });

  it('leaves an event that is too large for the bus to be fetched', async () => {
    await fleet.close();
    fleet = newFleet(64 * 1024);
    const one = await fleet.start();
    const guild = await fleet.createGuild(fleet.newId());
    const channelIds: bigint[] = [];
    for (let at = 0; at < 60; at += 1) {
      const { json } = await fleet.ask(Guilds.method.createChannel, guild.id, {
        command: fleet.command(guild.id, guild.ownerId),
        fields: { name: `channel-${at}`, type: 0 },
      });
      channelIds.push(BigInt((JSON.parse(Buffer.from(json).toString()) as { id: string }).id));
    }
    // An audience each: all of them are told what they see, in one event.
    const userIds = Array.from({ length: 150 }, () => fleet.newId());
    for (const [at, userId] of userIds.entries()) {
      await fleet.addMember(guild.id, userId);
      await fleet.ask(Guilds.method.putOverwrite, guild.id, {
        command: fleet.command(guild.id, guild.ownerId),
        channelId: channelIds[at % 3]!,
        overwrite: { id: userId, type: 1, allow: Permission.SEND_MESSAGES, deny: 0n },
      });
    }
    const permit = (permissions: bigint) =>
      fleet.ask(Guilds.method.modifyRole, guild.id, {
        command: fleet.command(guild.id, guild.ownerId),
        roleId: guild.id,
        fields: { permissions },
      });
    await permit(0n);
    const { seq } = await fleet.attachTopic(guild.id, guild.ownerId);
    const follower = fleet.follow(guild.id, seq);
    await permit(Permission.VIEW_CHANNEL);
    await soon('the event to be fetched', () => follower.position === seq + 1n);
    expect(follower.publishedCount).toBe(0);
    const { type, visibility } = follower.events[0]!;
    expect(type).toBe('GUILD_ROLE_UPDATE');
    expect(visibility!.audiences.length).toBe(150);
    await fleet.say(guild.channelId, guild.ownerId, 'still here');
    expect(follower.publishedCount).toBe(1);
    expect(one.telemetry.metrics.writeOpenMetrics()).toContain('guilds_events_too_large_total 1.0');
  });
});

describe('A user', () => {
  it('is told when its sessions are to end, also by the next owner', async () => {
    const one = await fleet.start();
    const userId = fleet.newId();
    const { seq } = await fleet.attachUser(userId);
    const follower = fleet.follow(userId, seq);
    const deaf = fleet.hub.rule(({ subject, to }) =>
      to === 'edge' && subject.startsWith('topics.v1.') ? 'drop' : undefined,
    );
    await fleet.ask(Topics.method.endSessions, userId, { command: fleet.command(userId, userId) });
    await fleet.kill(one);
    deaf();
    expect(follower.types).toEqual([]);
    await fleet.start();
    await soon('the next owner to say how far it is', () => follower.position === 1n);
    expect(follower.types).toEqual([Signal.SessionsEnded]);
  });

  it('has a new name everywhere', async () => {
    await fleet.start();
    await fleet.start();
    const [ann, ben] = [fleet.newId(), fleet.newId()];
    const guild = await fleet.createGuild(ann);
    const channelId = await openPrivateChannel(ann, ben);
    const guildFollower = fleet.follow(guild.id, (await fleet.attachTopic(guild.id, ann)).seq);
    const annsFollower = fleet.follow(ann, (await fleet.attachUser(ann)).seq);
    await fleet.ask(Topics.method.updateUser, ann, {
      command: fleet.command(ann, ann),
      user: { ...userNumbered(ann), username: 'renamed' },
      selfJson: Buffer.from('{"username":"renamed"}'),
    });
    await soon('guilds and private channels to be told', async () => {
      const { json } = await fleet.attachTopic(channelId, ben);
      const [of] = (await fleet.attachUser(ben)).privateChannels;
      return (
        guildFollower.types.join() === 'GUILD_MEMBER_UPDATE' &&
        Buffer.from(json).includes('renamed') &&
        Buffer.from(of!.json).includes('renamed')
      );
    });
    expect(annsFollower.types).toEqual(['USER_UPDATE']);
    expect(dataOf(guildFollower.events[0]!)).toMatchObject({ user: { username: 'renamed' } });
    await soon('the outbox to be empty', async () => (await fleet.outboxCount()) === 0);
  });
});

describe('What a user wants counted', () => {
  const change = async (
    userId: bigint,
    changes: MessageInitShape<typeof UserGuildSettingsChangeSchema>[],
  ): Promise<Record<string, unknown>[]> => {
    const { settingsJson } = await fleet.ask(Topics.method.updateUserGuildSettings, userId, {
      command: fleet.command(userId, userId),
      changes,
    });
    return settingsJson.map((each) => JSON.parse(Buffer.from(each).toString()) as object as never);
  };
  const count = async (userId: bigint, channelId: bigint): Promise<number> => {
    const command = { actorId: userId };
    const request = { command, channelId, position: 0n };
    return (await fleet.ask(Messages.method.countMentions, channelId, request)).mentionCount;
  };

  it('is what guilds and private channels count, once it is answered, also when it was away', async () => {
    const first = await fleet.start();
    await fleet.start();
    const [ann, ben] = [fleet.newId(), fleet.newId()];
    const guild = await fleet.createGuild(ann);
    await fleet.addMember(guild.id, ben);
    await soon('ben to be in', async () => (await fleet.attachUser(ben)).guildIds.length === 1);
    const channelId = await openPrivateChannel(ann, ben);
    await soon('it to be told', async () => (await fleet.attachUser(ben)).privateChannels[0]);
    for (const content of ['@everyone', `<@${ben}>`]) {
      await fleet.say(guild.channelId, ann, content);
      await fleet.say(channelId, ann, content);
    }
    expect([await count(ben, guild.channelId), await count(ben, channelId)]).toEqual([2, 2]);

    const follower = fleet.follow(ben, (await fleet.attachUser(ben)).seq);
    const guildFollower = fleet.follow(guild.id, (await fleet.attachTopic(guild.id, ben)).seq);
    const channelOverrides = [{ channelId, muted: true }];
    const changed = await change(ben, [
      { guildId: guild.id, suppressEveryone: true },
      { guildId: 0n, channelOverrides },
    ]);
    expect([await count(ben, guild.channelId), await count(ben, channelId)]).toEqual([1, 1]);
    expect(await count(ann, channelId)).toBe(0);
    const type = 'USER_GUILD_SETTINGS_UPDATE';
    await soon('sessions to be told', () => follower.types.join() === [type, type].join());
    expect(follower.events.map(dataOf)).toEqual(changed);

    await fleet.kill(first);
    expect([await count(ben, guild.channelId), await count(ben, channelId)]).toEqual([1, 1]);
    const { guildSettings, guildSettingsVersion } = await fleet.attachUser(ben);
    const told = guildSettings.map(
      ({ json }) => JSON.parse(Buffer.from(json).toString()) as unknown,
    );
    expect(new Set(told)).toEqual(new Set(changed));
    expect(guildSettingsVersion).toBe(2n);

    await fleet.ask(Guilds.method.removeMember, guild.id, {
      command: fleet.command(guild.id, ben),
      userId: ben,
    });
    await soon('ben to be out', async () => (await fleet.attachUser(ben)).guildIds.length === 0);
    const left = await fleet.attachUser(ben);
    expect([left.guildSettings.length, left.guildSettingsVersion]).toEqual([1, 2n]);
    await fleet.addMember(guild.id, ben);
    await soon('ben to be in', async () => (await fleet.attachUser(ben)).guildIds.length === 1);
    await soon('the guild to be told', async () => (await fleet.outboxCount()) === 0);
    await fleet.say(guild.channelId, ann, '@everyone');
    expect(await count(ben, guild.channelId)).toBe(0);
    const isNews = guildFollower.types.filter((each) => each === 'GUILD_MEMBER_UPDATE');
    expect(isNews).toEqual([]);
  });
});

async function openPrivateChannel(actorId: bigint, recipientId: bigint): Promise<bigint> {
  const topicId = actorId < recipientId ? actorId : recipientId;
  const { json } = await fleet.ask(Topics.method.openPrivateChannel, topicId, {
    command: fleet.command(topicId, actorId),
    actor: userNumbered(actorId),
    recipient: userNumbered(recipientId),
  });
  return BigInt((JSON.parse(Buffer.from(json).toString()) as { id: string }).id);
}

describe('A private channel', () => {
  it('is one and the same when both open it at once', async () => {
    await fleet.start();
    await fleet.start();
    const [ann, ben] = [fleet.newId(), fleet.newId()];
    const opened = await Promise.all([openPrivateChannel(ann, ben), openPrivateChannel(ben, ann)]);
    expect(new Set(opened).size).toBe(1);
    await soon('both to list it', async () => {
      const topics = [await fleet.attachUser(ann), await fleet.attachUser(ben)];
      const listed = topics.flatMap(({ privateChannels }) => privateChannels);
      return listed.length === 2 && listed.every(({ isClosed }) => !isClosed);
    });
    await fleet.say(opened[0], ben, 'hi');
    expect(await faultOf(fleet.say(opened[0], fleet.newId(), 'may I?'))).toBe(50001);
  });

  it('is closed by one of them, and listed again with the next message of either', async () => {
    await fleet.start();
    await fleet.start();
    const [ann, ben] = [fleet.newId(), fleet.newId()];
    const channelId = await openPrivateChannel(ann, ben);
    const isClosedFor = async (userId: bigint): Promise<boolean> => {
      const [channel] = (await fleet.attachUser(userId)).privateChannels;
      return channel!.isClosed;
    };
    const close = () =>
      fleet.ask(Guilds.method.deleteChannel, channelId, {
        command: { commandId: fleet.newCommandId(), actorId: ben },
        channelId,
      });
    await soon('ben to hear of it', async () => (await fleet.attachUser(ben)).seq > 0n);
    expect(await isClosedFor(ben)).toBe(true);
    await fleet.say(channelId, ann, 'hello');
    await soon('the first message to show it', async () => !(await isClosedFor(ben)));

    const follower = fleet.follow(ben, (await fleet.attachUser(ben)).seq);
    for (const writer of [ann, ben]) {
      await close();
      expect(await isClosedFor(ben)).toBe(true);
      await soon('the channel to be told', async () => (await fleet.outboxCount()) === 0);
      await fleet.say(channelId, writer, 'and again');
      await soon('it to be listed again', async () => !(await isClosedFor(ben)));
    }
    const seen = ['CHANNEL_DELETE', 'CHANNEL_CREATE'];
    expect(follower.types).toEqual([...seen, ...seen]);
    expect(await isClosedFor(ann)).toBe(false);
  });
});

describe('An errand', () => {
  it('is run again when nobody heard that it was done, and done once', async () => {
    await fleet.start();
    await fleet.start();
    const [owner, member] = [fleet.newId(), fleet.newId()];
    const guild = await fleet.createGuild(owner);
    const follower = fleet.follow(member);
    let deliveriesCount = 0;
    // Answers between the instances, all of which are about errands.
    const heal = fleet.hub.rule(({ from, to, subject }) => {
      if (subject.endsWith('.deliver')) deliveriesCount += 1;
      const isAnswer = subject.startsWith('_INBOX.');
      return isAnswer && from !== 'edge' && to !== 'edge' ? 'drop' : undefined;
    });
    const added = fleet.addMember(guild.id, member);
    await soon('the errand to be tried twice', () => deliveriesCount > 1);
    heal();
    await added;
    await soon('the outbox to be empty', async () => (await fleet.outboxCount()) === 0);
    expect((await fleet.attachUser(member)).guildIds).toEqual([guild.id]);
    expect(follower.types).toEqual([Signal.GuildJoined]);
  });

  it('keeps its place behind those before it, also when the process dies between them', async () => {
    const one = await fleet.start();
    const [owner, member] = [fleet.newId(), fleet.newId()];
    const guild = await fleet.createGuild(owner);
    const deaf = fleet.hub.rule(({ subject }) =>
      subject.endsWith('.deliver') ? 'drop' : undefined,
    );
    const give = { timeoutMs: 400, deadlineMs: 400 };
    const route = { partition: partitionOf(guild.id) };
    const add = {
      command: fleet.command(guild.id, 0n),
      user: userNumbered(member),
    };
    const leave = { command: fleet.command(guild.id, member), userId: member };
    await faultOf(callMethod(fleet.edge, Guilds.method.addMember, route, add, give));
    await faultOf(callMethod(fleet.edge, Guilds.method.removeMember, route, leave, give));
    expect(await fleet.outboxCount()).toBe(2);
    await fleet.kill(one);
    deaf();
    const follower = fleet.follow(member);
    await fleet.start();
    await soon('the outbox to be empty', async () => (await fleet.outboxCount()) === 0);
    expect((await fleet.attachUser(member)).guildIds).toEqual([]);
    expect(follower.types).toEqual([Signal.GuildJoined, Signal.GuildLeft]);
  });

  it('is over when there is nobody left to tell', async () => {
    await fleet.start();
    const ann = fleet.newId();
    const guild = await fleet.createGuild(ann);
    await fleet.database.query(
      {
        text: `INSERT INTO outbox SELECT $1, 5, $2, request FROM (VALUES ($3::bytea)) v(request)`,
      },
      [guild.id, fleet.newId(), userChanged(ann)],
    );
    await soon('it to be dropped', async () => (await fleet.outboxCount()) === 0);
  });
});

/** An errand to a topic there is not. */
function userChanged(userId: bigint): Buffer {
  const topicId = fleet.newId();
  const request = create(DeliverRequestSchema, {
    command: { commandId: 5n, topicId },
    action: { case: 'userChanged', value: { user: userNumbered(userId) } },
  });
  return Buffer.from(toBinary(DeliverRequestSchema, request));
}

describe('When an instance dies', () => {
  it('its guilds go on with the next, and nothing that was answered is lost', async () => {
    await fleet.start();
    await fleet.start();
    const guilds = await Promise.all(
      Array.from({ length: 12 }, () => fleet.createGuild(fleet.newId())),
    );
    const followers = guilds.map(({ id }) => fleet.follow(id));
    await Promise.all(followers.map((follower) => follower.repair()));
    for (const { channelId, ownerId } of guilds) await fleet.say(channelId, ownerId, 'before');
    const [dying] = fleet.running;
    const owners = await Promise.all(guilds.map(({ id }) => fleet.ownerOf(id)));
    const theirs = guilds.filter((_, at) => owners[at] === dying);
    expect(theirs.length).toBeGreaterThan(0);
    expect(theirs.length).toBeLessThan(guilds.length);

    await fleet.kill(dying!);
    const said = guilds.map(({ channelId, ownerId }) => fleet.say(channelId, ownerId, 'after'));
    await Promise.all(said);
    await soon('everybody to have everything', () =>
      followers.every(({ events }) => events.length === 3),
    );
    for (const [at, { events }] of followers.entries()) {
      const contents = events.slice(1).map((event) => dataOf(event)['content']);
      expect([at, contents]).toEqual([at, ['before', 'after']]);
    }
  });

  it('a command whose answer was lost is answered by the next, once and the same', async () => {
    const one = await fleet.start();
    const guild = await fleet.createGuild(fleet.newId());
    const follower = fleet.follow(guild.id);
    // Neither the answer nor the event leaves the process.
    const lose = fleet.hub.rule(({ to, subject }) =>
      to === 'edge' && (subject.startsWith('_INBOX.') || subject === topicEvents(guild.id))
        ? 'drop'
        : undefined,
    );
    const commandId = fleet.newCommandId();
    const answered = fleet.say(guild.channelId, guild.ownerId, 'once', commandId);
    await soon('it to be committed', async () => (await fleet.log(guild.id)).length === 2);
    await fleet.kill(one);
    lose();
    await fleet.start();
    const { messageId, json } = await answered;
    await soon('the next owner to tell of it', () => follower.events.length === 2);
    expect(dataOf(follower.events[1]!)).toMatchObject({ id: String(messageId), content: 'once' });
    const again = await fleet.say(guild.channelId, guild.ownerId, 'once', commandId);
    expect(Buffer.from(again.json).equals(Buffer.from(json))).toBe(true);
    expect(await fleet.log(guild.id)).toHaveLength(2);
  });

  it('what it committed and did not publish is told by the next', async () => {
    const one = await fleet.start();
    await fleet.start();
    const guild = await guildOwnedBy(one);
    const follower = fleet.follow(guild.id, 1n);
    const lose = fleet.hub.rule(({ from, subject }) =>
      from === one.name && subject.startsWith('topics.v1.') ? 'drop' : undefined,
    );
    await fleet.say(guild.channelId, guild.ownerId, 'unheard');
    await fleet.kill(one);
    lose();
    await soon('the next owner to say how far it is', () => follower.position === 2n);
    expect(follower.publishedCount).toBe(0);
  });

  it('drained, under load, nobody is told of an error and nothing is lost or doubled', async () => {
    const one = await fleet.start();
    const guilds = await Promise.all(
      Array.from({ length: 6 }, () => fleet.createGuild(fleet.newId())),
    );
    await fleet.start();
    let isOver = false;
    const write = async ({ channelId, ownerId }: MadeGuild): Promise<bigint[]> => {
      const ids: bigint[] = [];
      while (!isOver) ids.push((await fleet.say(channelId, ownerId, 'on and on')).messageId);
      return ids;
    };
    const writers = guilds.flatMap((guild) => [write(guild), write(guild), write(guild)]);
    await soon('messages to flow', async () => (await fleet.log(guilds[0]!.id)).length > 20);
    await fleet.drain(one);
    const drainedAt = await Promise.all(guilds.map(async ({ id }) => (await fleet.log(id)).length));
    await soon('messages to flow on', async () => {
      const now = await Promise.all(guilds.map(async ({ id }) => (await fleet.log(id)).length));
      return now.every((count, at) => count > drainedAt[at]! + 5);
    });
    isOver = true;
    const written = await Promise.all(writers);
    for (const [at, { id, channelId, ownerId }] of guilds.entries()) {
      const answered = written.slice(3 * at, 3 * at + 3).flat();
      const rows = await fleet.log(id);
      expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => BigInt(index + 1)));
      expect(rows).toHaveLength(answered.length + 1);
      const newest = answered.reduce((a, b) => (a > b ? a : b));
      const request = { command: { actorId: ownerId }, channelId, messageId: newest };
      await fleet.ask(Messages.method.getMessage, channelId, request);
    }
  });

  it('two that both believe they own a topic lose nothing and double nothing', async () => {
    fleet.hub.rule(({ from, to, subject }) =>
      subject === MEMBERS_SUBJECT && from !== to ? 'drop' : undefined,
    );
    // Neither knows of the other: requests go to both, in turn.
    const both = [await fleet.start(), await fleet.start()];
    const guild = await fleet.createGuild(fleet.newId());
    const follower = fleet.follow(guild.id);
    const ids: bigint[] = [];
    for (let round = 0; round < 15; round += 1) {
      const said = [1, 2, 3].map((part) =>
        fleet.say(guild.channelId, guild.ownerId, `${round}.${part}`),
      );
      ids.push(...(await Promise.all(said)).map(({ messageId }) => messageId));
    }
    expect(new Set(ids).size).toBe(45);
    const rows = await fleet.log(guild.id);
    expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => BigInt(index + 1)));
    expect(rows).toHaveLength(46);
    await follower.repair();
    const told = follower.events.slice(1).map((event) => BigInt(String(dataOf(event)['id'])));
    expect(new Set(told)).toEqual(new Set(ids));
    for (const { telemetry } of both) {
      const text = telemetry.metrics.writeOpenMetrics();
      expect(text).toContain('guilds_topics_lost_total{reason="wrong_owner"}');
    }
  });

  it('a partition that comes back is read again, whatever was held of it', async () => {
    const one = await fleet.start();
    const guild = await guildOwnedBy(one);
    const two = await fleet.start();
    await fleet.say(guild.channelId, guild.ownerId, 'first');
    one.bus.disconnect();
    await soon('the other to take it', async () => {
      await fleet.say(guild.channelId, guild.ownerId, 'second');
      return (await fleet.ownerOf(guild.id)) === two;
    });
    one.bus.reconnect();
    await fleet.drain(two);
    const { seq } = await fleet.attachTopic(guild.id, guild.ownerId);
    expect(seq).toBe(BigInt((await fleet.log(guild.id)).length));
  });

  it('its name may be taken: then it ends, and the one that has it goes on', async () => {
    const one = await fleet.start({ instance: 'guilds-a' });
    const guild = await fleet.createGuild(fleet.newId());
    await fleet.start({ instance: 'guilds-a' }, 'guilds-a anew');
    expect(one.replaced.count).toBe(1);
    await fleet.drain(one);
    await fleet.say(guild.channelId, guild.ownerId, 'here');
  });
});

/** A guild whose owner is this instance. */
async function guildOwnedBy(one: { readonly name: string }): Promise<MadeGuild> {
  for (;;) {
    const guild = await fleet.createGuild(fleet.newId());
    if ((await fleet.ownerOf(guild.id))?.name === one.name) return guild;
  }
}
