// Two sessions of one person, on two gateways: what is unread, how often one was mentioned, and
// that both know. Counts are asked for as clients learn them, from READY, and must be the same
// after every process has been killed.

import type { TestGatewayClient } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { badgeOf, readStateOf } from './harness/read-state.js';
import { restartEverything } from './harness/whole-fleet.js';
import { ok, World } from './harness/world.js';
import type { Guild, Message, Named, Person } from './harness/world.js';

interface Ack {
  readonly channel_id: string;
  readonly message_id: string;
  readonly version: number;
  readonly manual?: boolean;
  readonly mention_count?: number;
}

const READ = { isUnread: false, mentions: 0 };
const unread = (mentions: number) => ({ isUnread: true, mentions });

describe('a person with two sessions', () => {
  const fleet = useFleet();
  let world: World;
  let alice: Person;
  let bob: Person;
  let guild: Guild;
  let role: Named;
  /** Bob's, on one gateway each. */
  let sessions: TestGatewayClient[] = [];
  /** A channel for each case, so that they do not count each other's messages. */
  let channel: Named;

  beforeAll(async () => {
    world = new World(fleet());
    [alice, bob] = await Promise.all([world.register('alice'), world.register('bob')]);
    guild = await world.createGuild(alice);
    await world.join(guild, bob);
    role = await world.createRole(guild, '0', { mentionable: true });
    await world.giveRole(guild, bob, role);
    sessions = await connectBoth();
  });

  afterAll(async () => {
    await Promise.all(sessions.map((session) => session.terminate()));
  });

  beforeEach(async () => {
    channel = await world.createChannel(guild);
  });

  const connectBoth = () =>
    Promise.all(['gateway-1', 'gateway-2'].map((gateway) => world.connect(bob, { gateway })));

  const say = (content: string, more?: object, where: Named = channel): Promise<Message> =>
    world.send(alice, where.id, content, more);

  /** What bob's next client will show at the channel. */
  const badge = async (channelId = channel.id) => badgeOf(await readStateOf(world, bob), channelId);

  const ack = (message: Message, more: object = {}): Promise<unknown> =>
    ok(bob.api.post(`/channels/${message.channel_id}/messages/${message.id}/ack`, more));

  /** MESSAGE_ACK of a message as each session got it: the same, or this fails. */
  const heardByBoth = async (message: Pick<Message, 'id' | 'channel_id'>, from = [0, 0]) => {
    const [first, second] = await Promise.all(
      sessions.map(async (session, at) => {
        const isIt = ({ t, d }: { t: string | null; d: unknown }): boolean =>
          t === 'MESSAGE_ACK' &&
          (d as Ack).message_id === message.id &&
          (d as Ack).channel_id === message.channel_id;
        return (await session.waitFor(isIt, { from: from[at]! })).d as Ack;
      }),
    );
    expect(second).toEqual(first);
    return first!;
  };

  /** Where the records of both sessions are now, to look only at what comes later. */
  const marks = () => sessions.map((session) => session.payloads.length);

  it('has nothing unread where nothing was said', async () => {
    expect(await badge()).toEqual(READ);
  });

  it('counts mentions by name, of everyone and of a role, and no other messages', async () => {
    await say('good morning');
    expect(await badge()).toEqual(unread(0));
    await say(`<@${bob.id}> are you there?`);
    expect(await badge()).toEqual(unread(1));
    await say('@everyone: lunch');
    expect(await badge()).toEqual(unread(2));
    await say(`<@&${role.id}> to the front`);
    expect(await badge()).toEqual(unread(3));
    await say(`<@${bob.id}> <@&${role.id}> @everyone in one message are one`);
    expect(await badge()).toEqual(unread(4));
    await say(`<@${bob.id}> @everyone, quietly`, { allowed_mentions: { parse: [] } });
    await say(`<@${alice.id}> I talk to myself`);
    expect(await badge()).toEqual(unread(4));
    expect(badgeOf(await readStateOf(world, alice), channel.id)).toEqual(READ);
  });

  it('counts a reply to its own message, unless the reply does not ping', async () => {
    const { id } = await world.send(bob, channel.id, 'who has the key?');
    expect(await badge()).toEqual(READ);
    await say('I have', { message_reference: { message_id: id } });
    expect(await badge()).toEqual(unread(1));
    const quiet = { parse: ['users'], replied_user: false };
    await say('in the drawer', { message_reference: { message_id: id }, allowed_mentions: quiet });
    expect(await badge()).toEqual(unread(1));
  });

  it('counts every message of a private channel', async () => {
    const channelId = await world.openPrivateChannel(alice, bob);
    for (const content of ['psst', 'hey', 'well']) await world.send(alice, channelId, content);
    expect(await badge(channelId)).toEqual(unread(3));
    const answer = await world.send(bob, channelId, 'what?');
    expect(await badge(channelId)).toEqual(READ);
    expect(badgeOf(await readStateOf(world, alice), channelId)).toEqual(unread(1));
    expect(BigInt(answer.id)).toBeGreaterThan(0n);
  });

  it('learns in one session what it has read in the other, with a version that counts up', async () => {
    const first = await say(`<@${bob.id}> one`);
    const second = await say(`<@${bob.id}> two`);
    const third = await say('three');

    expect(await ack(first)).toEqual({ token: null });
    const early = await heardByBoth(first);
    expect(early.mention_count).toBe(1);
    expect(await badge()).toEqual(unread(1));

    await ack(third);
    const late = await heardByBoth(third);
    expect(late.mention_count ?? 0).toBe(0);
    expect(late.version).toBe(early.version + 1);
    expect(late.manual).toBeUndefined();
    expect(await badge()).toEqual(READ);
    expect((await readStateOf(world, bob)).version).toBe(late.version);

    // What is behind is behind: the mark stays, and nobody is told anything.
    const from = marks();
    await ack(second);
    expect(await badge()).toEqual(READ);
    expect((await readStateOf(world, bob)).version).toBe(late.version);
    await Promise.all(sessions.map((session) => session.heartbeat()));
    for (const [at, session] of sessions.entries()) {
      const since = session.payloads.slice(from[at]!);
      expect(since.filter(({ t }) => t === 'MESSAGE_ACK')).toEqual([]);
    }
  });

  it('marks as unread by hand, with the count it says, and goes on counting from there', async () => {
    const first = await say('before');
    await say(`<@${bob.id}> one`);
    await say(`<@${bob.id}> two`);
    const last = await say(`<@${bob.id}> three`);
    await ack(last);
    const from = marks();
    await ack(first, { manual: true, mention_count: 2 });
    expect(await heardByBoth(first, from)).toMatchObject({ manual: true, mention_count: 2 });
    expect(await badge()).toEqual(unread(2));
    await say(`<@${bob.id}> four`);
    expect(await badge()).toEqual(unread(3));
    await ack(last);
    expect(await badge()).toEqual(unread(1));
  });

  it('reads several channels at once', async () => {
    const other = await world.createChannel(guild);
    await say(`<@${bob.id}> here`);
    const newest = [await say('@everyone here'), await say('@everyone there', {}, other)];
    expect([await badge(channel.id), await badge(other.id)]).toEqual([unread(2), unread(1)]);
    await ok(
      bob.api.post('/read-states/ack-bulk', {
        read_states: newest.map(({ id, channel_id }) => ({
          channel_id,
          message_id: id,
          read_state_type: 0,
        })),
      }),
    );
    for (const message of newest) await heardByBoth(message);
    expect([await badge(channel.id), await badge(other.id)]).toEqual([READ, READ]);
  });

  it('has read what stands above its own message', async () => {
    await say(`<@${bob.id}> look`);
    expect(await badge()).toEqual(unread(1));
    await world.send(bob, channel.id, 'I see');
    expect(await badge()).toEqual(READ);
    await say(`<@${bob.id}> and now?`);
    expect(await badge()).toEqual(unread(1));
  });

  it('is not mentioned any more by a message that is gone or says otherwise now', async () => {
    const gone = await say(`<@${bob.id}> forget it`);
    const changed = await say(`<@${bob.id}> or not`);
    await say('@everyone stays');
    expect(await badge()).toEqual(unread(3));
    await ok(alice.api.delete(`/channels/${channel.id}/messages/${gone.id}`));
    expect(await badge()).toEqual(unread(2));
    await ok(
      alice.api.patch(`/channels/${channel.id}/messages/${changed.id}`, { content: 'or not' }),
    );
    expect(await badge()).toEqual(unread(1));
  });

  it('is not mentioned by what was said before it joined', async () => {
    await say('@everyone who is here');
    const carol = await world.register('carol');
    await world.join(guild, carol);
    expect(badgeOf(await readStateOf(world, carol), channel.id).mentions).toBe(0);
    await say('@everyone who is here now');
    expect(badgeOf(await readStateOf(world, carol), channel.id).mentions).toBe(1);
  });

  it('finds the same counts after every process was killed at once', async () => {
    const byHand = await say('unread again');
    await ack(await say('and again'));
    await ack(byHand, { manual: true, mention_count: 7 });
    const before = await readStateOf(world, bob);
    // The cases above have left some of each: read, unread, mentioned, set by hand.
    const mentions = before.entries.map(({ mention_count: count }) => count);
    expect(mentions).toEqual(expect.arrayContaining([0, 1, 2, 4, 7]));
    const alices = await readStateOf(world, alice);

    await fleet().killAll({ servers: true });
    await Promise.all(sessions.map((session) => session.closed));
    console.log(`everything again after ${Math.round(await restartEverything(fleet()))} ms`);

    expect(await readStateOf(world, bob, 'gateway-1')).toEqual(before);
    expect(await readStateOf(world, bob, 'gateway-2')).toEqual(before);
    expect(await readStateOf(world, alice)).toEqual(alices);

    // And it goes on: the next ack is the next version, for both sessions.
    sessions = await connectBoth();
    const message = await say(`<@${bob.id}> still there?`);
    expect(await badge()).toEqual(unread(7 + 1));
    await ack(message);
    expect((await heardByBoth(message)).version).toBe(before.version + 1);
    expect(await badge()).toEqual(READ);
  }, 120_000);
});
