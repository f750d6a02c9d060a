// Everything that can be read and marked as read, over HTTP and back by the gateway; what marks
// get that make no sense; and badges under a random history of messages, roles, comings, goings
// and acks, compared with a count from scratch.
import type { DispatchEvent } from '@guildhall/gateway-protocol';
import { SeededRandom, seedFromEnv, type TestGatewayClient } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { MentionHistory } from './harness/mention-history.js';
import { badgeOf, readStateOf } from './harness/read-state.js';
import { ok, World } from './harness/world.js';
import type { Guild, Named, Person } from './harness/world.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));

const VERSIONED = 1 << 2;
const NON_CHANNEL = 1 << 7;
const VIEW_CHANNEL = String(1 << 10);
const LARGEST = String(2n ** 64n - 1n);
/** The largest id there is. */
const FUTURE = String(2n ** 63n - 1n);

interface Entry {
  readonly id: string;
  readonly read_state_type?: number;
  readonly [field: string]: unknown;
}

const fleet = useFleet();
let world: World;
let alice: Person;
let bob: Person;
let guild: Guild;

beforeAll(async () => {
  world = new World(fleet());
  [alice, bob] = await Promise.all([world.register('alice'), world.register('bob')]);
  guild = await world.createGuild(alice);
  await world.join(guild, bob);
});

/** READY's read state as it came. */
const readyOf = async (
  person: Person,
  capabilities: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<unknown> => {
  const client = await world.connect(person, { capabilities, more });
  const ready = await client.waitFor('READY');
  await client.close();
  return (ready.d as { read_state: unknown }).read_state;
};

const entriesOf = async (person: Person): Promise<Entry[]> => {
  const state = await readyOf(person, VERSIONED | NON_CHANNEL);
  return (state as { entries: Entry[] }).entries;
};

describe('what can be marked as read', () => {
  let sessions: TestGatewayClient[];

  beforeAll(async () => {
    const gateways = ['gateway-1', 'gateway-2'];
    sessions = await Promise.all(gateways.map((gateway) => world.connect(bob, { gateway })));
  });

  afterAll(() => Promise.all(sessions.map((session) => session.terminate())));

  /** The next dispatch of a kind, the same in both sessions. */
  const heard = async (type: DispatchEvent): Promise<Record<string, unknown>> => {
    const [first, second] = await Promise.all(sessions.map((session) => session.next(type)));
    expect(second!.d).toEqual(first!.d);
    return first!.d as Record<string, unknown>;
  };

  it.each([1, 3, 4])('are features of a guild, of type %d', async (type) => {
    const { version } = await readStateOf(world, bob);
    const entity = String(1_000 + type);
    expect(await ok(bob.api.post(`/guilds/${guild.id}/ack/${type}/${entity}`, {}))).toEqual({
      token: null,
    });
    expect(await heard('GUILD_FEATURE_ACK')).toEqual({
      ack_type: type,
      resource_id: guild.id,
      entity_id: entity,
      version: version + 1,
    });
    const mark = { last_acked_id: entity, badge_count: 0 };
    expect(await entriesOf(bob)).toContainEqual({ id: guild.id, read_state_type: type, ...mark });
  });

  it.each([2, 5])('are things of the user itself, of type %d', async (type) => {
    const { version } = await readStateOf(world, bob);
    const entity = String(2_000 + type);
    await ok(bob.api.post(`/users/@me/${type}/${entity}/ack`, {}));
    expect(await heard('USER_NON_CHANNEL_ACK')).toEqual({
      ack_type: type,
      resource_id: bob.id,
      entity_id: entity,
      version: version + 1,
    });
    const mark = { last_acked_id: entity, badge_count: 0 };
    expect(await entriesOf(bob)).toContainEqual({ id: bob.id, read_state_type: type, ...mark });
  });

  it('are the pins of a channel', async () => {
    const { id } = await world.createChannel(guild);
    const { version } = await readStateOf(world, bob);
    const sinceMs = Date.now();
    await ok(bob.api.post(`/channels/${id}/pins/ack`, {}));
    const ack = await heard('CHANNEL_PINS_ACK');
    expect(ack).toEqual({
      channel_id: id,
      timestamp: expect.any(String) as string,
      version: version + 1,
    });
    expect(Date.parse(ack['timestamp'] as string)).toBeGreaterThanOrEqual(sinceMs);
    const entry = (await entriesOf(bob)).find((one) => one.id === id)!;
    expect(Date.parse(entry['last_pin_timestamp'] as string)).toBe(
      Date.parse(ack['timestamp'] as string),
    );
    expect(entry['last_message_id']).toBe('0');
  });

  it('are channels, with flags and the day they were looked at', async () => {
    const { id } = await world.createChannel(guild);
    const message = await world.send(alice, id, 'look');
    const more = { flags: 3, last_viewed: 3_600, token: 'of older days' };
    await ok(bob.api.post(`/channels/${id}/messages/${message.id}/ack`, more));
    expect(await heard('MESSAGE_ACK')).toMatchObject({
      channel_id: id,
      message_id: message.id,
      flags: 3,
      last_viewed: 3_600,
    });
    expect((await entriesOf(bob)).find((one) => one.id === id)).toMatchObject({
      last_message_id: message.id,
      flags: 3,
      last_viewed: 3_600,
    });
  });

  it('are many at once, of all types, with one dispatch and one version each', async () => {
    const channels = await Promise.all([1, 2, 3].map(() => world.createChannel(guild)));
    const { version } = await readStateOf(world, bob);
    const marks = [sessions[0]!.payloads.length, sessions[1]!.payloads.length];
    const read_states = [
      ...channels.map(({ id }) => ({ channel_id: id, message_id: '77' })),
      { channel_id: guild.id, message_id: '5001', read_state_type: 1 },
      { channel_id: bob.id, message_id: '5002', read_state_type: 2 },
    ];
    await ok(bob.api.post('/read-states/ack-bulk', { read_states }));
    for (const [at, session] of sessions.entries()) {
      const isAck = ({ t }: { t: string | null }): boolean => t?.endsWith('_ACK') === true;
      const since = () => session.payloads.slice(marks[at]).filter(isAck);
      await session.waitFor(() => since().length === 5, { from: marks[at]! });
      expect(
        since()
          .map(({ t }) => t)
          .sort(),
      ).toEqual([
        'GUILD_FEATURE_ACK',
        'MESSAGE_ACK',
        'MESSAGE_ACK',
        'MESSAGE_ACK',
        'USER_NON_CHANNEL_ACK',
      ]);
      const versions = since().map(({ d }) => (d as { version: number }).version);
      expect(versions.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5].map((one) => version + one));
    }
    expect((await readStateOf(world, bob)).version).toBe(version + 5);
  });

  it('are all channels of a guild', async () => {
    const channel = await world.createChannel(guild);
    const { id } = await world.send(alice, channel.id, '@everyone');
    expect(badgeOf(await readStateOf(world, bob), channel.id)).toEqual({
      isUnread: true,
      mentions: 1,
    });
    await ok(bob.api.post(`/guilds/${guild.id}/ack`, {}));
    const state = await readStateOf(world, bob);
    expect(state.entries.find((one) => one.id === channel.id)?.last_message_id).toBe(id);
    for (const { id: each } of [channel, { id: guild.generalId }]) {
      expect(badgeOf(state, each)).toEqual({ isUnread: false, mentions: 0 });
    }
  });

  it('are forgotten when they are deleted, and everything is unread again', async () => {
    const channel = await world.createChannel(guild);
    const { id } = await world.send(alice, channel.id, `<@${bob.id}>`);
    await ok(bob.api.post(`/channels/${channel.id}/messages/${id}/ack`, {}));
    const { version } = await readStateOf(world, bob);
    await ok(bob.api.delete(`/channels/${channel.id}/messages/ack`));
    const state = await readStateOf(world, bob);
    expect(state.version).toBeGreaterThan(version);
    expect(badgeOf(state, channel.id)).toEqual({ isUnread: true, mentions: 1 });
    // Again is no change; and a mark of another type is another mark.
    await ok(bob.api.delete(`/channels/${channel.id}/messages/ack`));
    const other = { read_state_type: 1 };
    await ok(bob.api.request('DELETE', `/channels/${guild.id}/messages/ack`, other));
    expect((await readStateOf(world, bob)).version).toBeGreaterThan(state.version);
    const kinds = (await entriesOf(bob)).map(({ read_state_type: type }) => type);
    expect([kinds.includes(1), kinds.includes(3)]).toEqual([false, true]);
  });

  it('are told as the client can read it', async () => {
    const plain = await readyOf(bob, 0);
    expect(plain).toEqual(expect.any(Array));
    expect((plain as Entry[]).every((one) => one.read_state_type === undefined)).toBe(true);
    expect(await readyOf(bob, VERSIONED)).toEqual({
      entries: plain,
      partial: false,
      version: (await readStateOf(world, bob)).version,
    });
  });

  /** READY's read state for a client that has kept what it was told. */
  const readyKnowing = async (known: number): Promise<Whole> => {
    const client_state = { guild_versions: {}, read_state_version: known };
    return (await readyOf(bob, VERSIONED, { client_state })) as Whole;
  };

  it('are told in part to who knows a version: what changed, and what is not all read', async () => {
    const [read, unread, said] = await Promise.all([
      world.createChannel(guild),
      world.createChannel(guild),
      world.createChannel(guild),
    ]);
    const mention = `<@${bob.id}>`;
    for (const { id } of [read, unread]) {
      const { id: messageId } = await world.send(alice, id, mention);
      await ok(bob.api.post(`/channels/${id}/messages/${messageId}/ack`, {}));
    }
    const first = await world.send(alice, said.id, mention);
    const before = (await readyOf(bob, VERSIONED)) as Whole;
    const { id: newId } = await world.send(alice, unread.id, mention);
    // A mention that the client has counted, where it has never acked anything, goes.
    await ok(alice.api.delete(`/channels/${said.id}/messages/${first.id}`));

    const whole = (await readyOf(bob, VERSIONED)) as Whole;
    const part = await readyKnowing(before.version);
    expect([part.partial, part.version]).toEqual([true, whole.version]);
    expect(part.entries.map(({ id }) => id)).not.toContain(read.id);
    expect(part.entries).toContainEqual(
      expect.objectContaining({ id: unread.id, mention_count: 1 }),
    );
    expect(part.entries).toContainEqual({ id: said.id, last_message_id: '0', mention_count: 0 });
    expect(merged(before, part)).toEqual(merged(whole));

    await ok(bob.api.post(`/channels/${unread.id}/messages/${newId}/ack`, {}));
    const acked = await readyKnowing(whole.version);
    expect(acked.partial).toBe(true);
    expect(merged(merge(before, part), acked)).toEqual(
      merged((await readyOf(bob, VERSIONED)) as Whole),
    );
  });

  it.each(['never', 'none', 'of before a deletion'])(
    'are all told to who has a version that is %s',
    async (which) => {
      const { version } = (await readyOf(bob, VERSIONED)) as Whole;
      const known = { never: version + 1_000_000, none: 0, 'of before a deletion': version }[
        which
      ]!;
      if (which === 'of before a deletion') {
        const channel = await world.createChannel(guild);
        const { id } = await world.send(alice, channel.id, 'read');
        await ok(bob.api.post(`/channels/${channel.id}/messages/${id}/ack`, {}));
        await ok(bob.api.delete(`/channels/${channel.id}/messages/ack`));
      }
      const told = await readyKnowing(known);
      expect(told).toEqual(await readyOf(bob, VERSIONED));
      expect(told.partial).toBe(false);
    },
  );
});

interface Whole {
  readonly entries: readonly Entry[];
  readonly partial: boolean;
  readonly version: number;
}

/** What a client makes of what it had and what it is told. */
function merge(before: Whole, told: Whole): Whole {
  const entries = new Map(before.entries.map((one) => [one.id, one]));
  for (const one of told.entries) entries.set(one.id, one);
  return { ...told, entries: [...entries.values()] };
}

/** By channel, what it shows; nothing where nothing was read and nothing is counted. */
function merged(before: Whole, told = before): Record<string, unknown> {
  const { entries } = merge(before, told);
  const shown = entries.filter(
    (one) => one['last_message_id'] !== '0' || one['mention_count'] !== 0,
  );
  return Object.fromEntries(
    shown.map((one) => [one.id, [one['last_message_id'], one['mention_count']]]),
  );
}

describe('a mark that makes no sense', () => {
  let channel: Named;

  beforeAll(async () => {
    channel = await world.createChannel(guild);
    await world.send(alice, channel.id, 'first');
  });

  const entry = async () =>
    (await readStateOf(world, bob)).entries.find(({ id }) => id === channel.id);

  it.each([
    ['POST', '/channels/0/messages/5/ack', 404, 10003],
    ['POST', `/channels/${FUTURE}/messages/5/ack`, 404, 10003],
    ['POST', `/channels/${LARGEST}/messages/5/ack`, 400, 50035],
    ['POST', '/channels/x/messages/5/ack', 400, 50035],
    ['POST', `/channels/:channel/messages/${LARGEST}/ack`, 400, 50035],
    ['POST', '/channels/:channel/messages/-1/ack', 400, 50035],
    ['POST', '/channels/0/pins/ack', 404, 10003],
    ['POST', '/guilds/0/ack/1/5', 404, 10004],
    ['POST', `/guilds/${FUTURE}/ack/1/5`, 404, 10004],
    ['POST', '/guilds/:guild/ack/0/5', 400, 50035],
    ['POST', '/guilds/:guild/ack/2/5', 400, 50035],
    ['POST', '/guilds/:guild/ack/6/5', 400, 50035],
    ['POST', '/users/@me/1/5/ack', 400, 50035],
    ['POST', `/users/@me/2/${LARGEST}/ack`, 400, 50035],
    ['POST', '/guilds/0/ack', 404, 10004],
    ['DELETE', `/channels/${LARGEST}/messages/ack`, 400, 50035],
  ])('is refused: %s %s is %d', async (method, pattern, status, code) => {
    const path = pattern.replace(':channel', channel.id).replace(':guild', guild.id);
    const { version } = await readStateOf(world, bob);
    const answer = await bob.api.request(method, path, {});
    expect([answer.status, (answer.body as { code: number }).code]).toEqual([status, code]);
    expect((await readStateOf(world, bob)).version).toBe(version);
  });

  it.each([
    ['101 at once', Array.from({ length: 101 }, () => ({ channel_id: '5', message_id: '5' }))],
    ['message 0', [{ channel_id: '5', message_id: '0' }]],
    ['message 2^64 - 1', [{ channel_id: '5', message_id: LARGEST }]],
    ['channel 2^64 - 1', [{ channel_id: LARGEST, message_id: '5' }]],
    ['a type that there is not', [{ channel_id: '5', message_id: '5', read_state_type: 6 }]],
    ['no channel', [{ message_id: '5' }]],
  ])('is refused in bulk, and the others with it: %s', async (_what, bad) => {
    const { version } = await readStateOf(world, bob);
    const good = bad.length > 100 ? [] : [{ channel_id: channel.id, message_id: FUTURE }];
    const answer = await bob.api.post('/read-states/ack-bulk', { read_states: [...good, ...bad] });
    expect([answer.status, (answer.body as { code: number }).code]).toEqual([400, 50035]);
    expect((await readStateOf(world, bob)).version).toBe(version);
  });

  it('is passed over in bulk where there is no such channel, or none to be seen', async () => {
    const hidden = await world.createChannel(guild, undefined, {
      permission_overwrites: [{ id: guild.id, type: 0, allow: '0', deny: VIEW_CHANNEL }],
    });
    const { version } = await readStateOf(world, bob);
    const marks = ['0', '5', FUTURE, hidden.id, channel.id].map((channel_id) => ({
      channel_id,
      message_id: '9',
    }));
    await ok(bob.api.post('/read-states/ack-bulk', { read_states: marks }));
    const state = await readStateOf(world, bob);
    expect(state.version).toBe(version + 1);
    expect(state.entries.map(({ id }) => id)).toContain(channel.id);
    expect(state.entries.map(({ id }) => id)).not.toContain(hidden.id);
    const alone = await bob.api.post(`/channels/${hidden.id}/messages/9/ack`, {});
    expect([alone.status, (alone.body as { code: number }).code]).toEqual([403, 50001]);
  });

  it('may lie before everything: nothing moves', async () => {
    const { version } = await readStateOf(world, bob);
    await ok(bob.api.post(`/channels/${channel.id}/messages/0/ack`, {}));
    expect((await readStateOf(world, bob)).version).toBe(version);
  });

  it('may lie in the future: all that will be said there has been read', async () => {
    await ok(bob.api.post(`/channels/${channel.id}/messages/${FUTURE}/ack`, {}));
    await world.send(alice, channel.id, `<@${bob.id}> heard?`);
    const state = await readStateOf(world, bob);
    expect((await entry())?.last_message_id).toBe(FUTURE);
    expect(badgeOf(state, channel.id)).toEqual({ isUnread: false, mentions: 0 });
    // Until it is taken back by hand.
    const back = { manual: true, mention_count: 4_294_967_295 };
    await ok(bob.api.post(`/channels/${channel.id}/messages/9/ack`, back));
    expect(await entry()).toMatchObject({ last_message_id: '9', mention_count: 4_294_967_295 });
  });

  it('is of no count unless it is by hand', async () => {
    const { id } = await world.createChannel(guild);
    const first = await world.send(alice, id, `<@${bob.id}>`);
    const path = `/channels/${id}/messages/${first.id}/ack`;
    await ok(bob.api.post(path, { mention_count: 7 }));
    expect(badgeOf(await readStateOf(world, bob), id)).toEqual({ isUnread: false, mentions: 0 });
    for (const body of [{ mention_count: -1 }, { flags: 2 ** 32 }, { manual: 'yes' }]) {
      const answer = await bob.api.post(path, { manual: true, ...body });
      expect([answer.status, (answer.body as { code: number }).code]).toEqual([400, 50035]);
    }
  });
});

describe(`badges under a random history (${random})`, () => {
  const STEPS = 160;
  const STEPS_PER_LOOK = 10;
  const BUDGET_MS = 30_000;

  it('are what counting from the start gives', async () => {
    const people = await Promise.all(
      ['olga', 'petra', 'quinn', 'rita'].map((name) => world.register(name)),
    );
    const theirs = await world.createGuild(people[0]!);
    await world.join(theirs, ...people.slice(1));
    const role = await world.createRole(theirs, '0', { mentionable: true });
    const secret = await world.createChannel(theirs, undefined, {
      permission_overwrites: [
        { id: theirs.id, type: 0, allow: '0', deny: VIEW_CHANNEL },
        { id: role.id, type: 0, allow: VIEW_CHANNEL, deny: '0' },
      ],
    });
    const channels = [await world.createChannel(theirs), await world.createChannel(theirs)];
    const privateId = await world.openPrivateChannel(people[0]!, people[1]!);
    const scene = { world, guild: theirs, people, channels, secret, role, privateId };
    const history = new MentionHistory(scene, random);
    const startedMs = performance.now();
    const counts: Record<string, number> = {};
    let step = 0;
    while (step < STEPS && performance.now() - startedMs < BUDGET_MS) {
      const kind = await history.step();
      counts[kind] = (counts[kind] ?? 0) + 1;
      step += 1;
      if (step % STEPS_PER_LOOK === 0) await history.compare();
    }
    await history.compare();
    process.stdout.write(`    ${step} steps of a random history: ${JSON.stringify(counts)}\n`);
  }, 120_000);
});
