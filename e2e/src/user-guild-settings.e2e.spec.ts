// What people do not want to be bothered with: set over HTTP, told to all their sessions, and
// counted by, in READY and after an ack, also when the process that knew it was killed.
import { eventually, type TestGatewayClient } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { badgeOf, readStateIn, readStateOf } from './harness/read-state.js';
import { ok, World } from './harness/world.js';
import type { Bot, Guild, Named, Person } from './harness/world.js';

const VERSIONED_READ_STATES = 1 << 2;
const VERSIONED_SETTINGS = 1 << 3;
const EVENT = 'USER_GUILD_SETTINGS_UPDATE';
/** A mute that is over before the story is. */
const SHORT_MS = 3_000;

interface Settings {
  readonly guild_id: string | null;
  readonly version: number;
  readonly [field: string]: unknown;
}

interface Versioned {
  readonly entries: readonly Settings[];
  readonly partial: boolean;
  readonly version: number;
}

const fleet = useFleet();
let world: World;
let alice: Person;
let bob: Person;
let bot: Bot;
let guild: Guild;
let role: Named;
let privateId: string;

beforeAll(async () => {
  world = new World(fleet());
  [alice, bob] = await Promise.all([world.register('alice'), world.register('bob')]);
  guild = await world.createGuild(alice);
  await world.join(guild, bob);
  role = await world.createRole(guild, '0', { mentionable: true });
  await world.giveRole(guild, bob, role);
  privateId = await world.openPrivateChannel(alice, bob);
  bot = await world.addBot(await world.createBot(bob), guild);
});

const patch = (where: string, body: object): Promise<Settings> =>
  ok(bob.api.patch(`/users/@me/guilds/${where}/settings`, body));

const mentions = async (channelId: string): Promise<number> =>
  badgeOf(await readStateOf(world, bob), channelId).mentions;

/** READY's user guild settings for a client that has kept a version, or -1. */
const settingsKnowing = async (known: number): Promise<Versioned> => {
  const more = { client_state: { guild_versions: {}, user_guild_settings_version: known } };
  const client = await world.connect(bob, { capabilities: VERSIONED_SETTINGS, more });
  const ready = await client.waitFor('READY');
  await client.close();
  return (ready.d as { user_guild_settings: Versioned }).user_guild_settings;
};

describe('what is suppressed in a guild', () => {
  let channel: Named;
  const sayAll = async (): Promise<string> => {
    const contents = ['@everyone', '@here', `<@&${role.id}>`, `<@${bob.id}>`];
    const ids: string[] = [];
    for (const content of contents) ids.push((await world.send(alice, channel.id, content)).id);
    return ids[0]!;
  };

  beforeAll(async () => {
    channel = await world.createChannel(guild);
    await sayAll();
  });

  it.each([
    [{ suppress_everyone: false, suppress_roles: false }, 4],
    [{ suppress_everyone: true }, 2],
    [{ suppress_roles: true }, 1],
    [{ suppress_everyone: false }, 3],
    // Of a guild that is muted mentions count all the same.
    [{ suppress_roles: false, muted: true, mute_config: null }, 4],
  ])('is not counted: with %j %d are', async (body, count) => {
    await patch(guild.id, body);
    expect(await mentions(channel.id)).toBe(count);
  });

  it('is not counted past an ack either', async () => {
    await patch(guild.id, { suppress_everyone: true, suppress_roles: true });
    const first = await sayAll();
    await ok(bob.api.post(`/channels/${channel.id}/messages/${first}/ack`, {}));
    expect(await mentions(channel.id)).toBe(1);
    const back = await world.connect(bob, { capabilities: VERSIONED_READ_STATES });
    const before = BigInt(first) - 1n;
    await ok(bob.api.post(`/channels/${channel.id}/messages/${before}/ack`, { manual: true }));
    expect((await back.next('MESSAGE_ACK')).d).toMatchObject({ mention_count: 1 });
    await back.close();
  });

  it('is not counted after a reply: that is by name', async () => {
    const fresh = await world.createChannel(guild);
    const { id } = await world.send(bob, fresh.id, 'hello');
    await world.send(alice, fresh.id, '@everyone yes?', { message_reference: { message_id: id } });
    await world.send(alice, fresh.id, '@everyone no?');
    expect(await mentions(fresh.id)).toBe(1);
  });

  it('holds again when somebody comes back', async () => {
    await ok(bob.api.delete(`/users/@me/guilds/${guild.id}`));
    const settings = await settingsKnowing(-1);
    expect(settings.entries.map(({ guild_id: id }) => id)).not.toContain(guild.id);
    const unknown = await bob.api.patch(`/users/@me/guilds/${guild.id}/settings`, {});
    expect([unknown.status, (unknown.body as { code: number }).code]).toEqual([404, 10004]);
    await world.join(guild, bob);
    await world.giveRole(guild, bob, role);
    const again = await settingsKnowing(settings.version);
    expect(again.entries).toMatchObject([{ guild_id: guild.id, suppress_everyone: true }]);
    await world.send(alice, channel.id, '@everyone');
    await world.send(alice, channel.id, `<@${bob.id}>`);
    expect(await mentions(channel.id)).toBe(1);
  });
});

describe('a private channel', () => {
  const mute = (more: object) => patch('@me', { channel_overrides: { [privateId]: more } });

  it('that is muted counts only what mentions by name', async () => {
    await world.send(alice, privateId, 'one');
    await world.send(alice, privateId, `two, <@${bob.id}>`);
    expect(await mentions(privateId)).toBe(2);
    const settings = await mute({ muted: true });
    expect(settings).toMatchObject({
      guild_id: null,
      channel_overrides: [{ channel_id: privateId, muted: true, mute_config: null }],
    });
    await world.send(alice, privateId, 'three');
    expect(await mentions(privateId)).toBe(1);
    await mute({ muted: false });
    expect(await mentions(privateId)).toBe(3);
  });

  it('that is muted for a while counts all again when that is over', async () => {
    const end_time = new Date(Date.now() + SHORT_MS).toISOString();
    await mute({ muted: true, mute_config: { selected_time_window: 3, end_time } });
    expect(await mentions(privateId)).toBe(1);
    await eventually(async () => (await mentions(privateId)) === 3, { label: 'all count again' });
  });
});

describe('sessions', () => {
  let sessions: TestGatewayClient[];
  let ofBot: TestGatewayClient;

  beforeAll(async () => {
    sessions = await Promise.all(
      ['gateway-1', 'gateway-2'].map((gateway) => world.connect(bob, { gateway })),
    );
    ofBot = await world.connect(bot);
  });

  afterAll(() => Promise.all([...sessions, ofBot].map((session) => session.terminate())));

  it('of the user are told what was changed, whole; nobody else is', async () => {
    const changed = await patch(guild.id, { mobile_push: false, flags: 5 });
    for (const session of sessions) expect((await session.next(EVENT)).d).toEqual(changed);
    const guilds = { '@me': { notify_highlights: 1 }, [guild.id]: { flags: 6 } };
    const all = await ok<Settings[]>(bob.api.patch('/users/@me/guilds/settings', { guilds }));
    expect(new Set(all.map(({ guild_id: id }) => id))).toEqual(new Set([null, guild.id]));
    for (const session of sessions) {
      expect([(await session.next(EVENT)).d, (await session.next(EVENT)).d]).toEqual(all);
    }
    await world.send(alice, guild.generalId, 'the end');
    await ofBot.waitFor(({ d }) => (d as { content?: string } | null)?.content === 'the end');
    expect(ofBot.dispatches(EVENT)).toEqual([]);
    const refused = await bot.api.patch(`/users/@me/guilds/${guild.id}/settings`, {});
    expect([refused.status, (refused.body as { code: number }).code]).toEqual([403, 20001]);
  });
});

describe('after a kill -9 of all that own it', () => {
  it('everything is as it was answered, and a client is told what it has missed', async () => {
    const channel = await world.createChannel(guild);
    for (const content of ['@everyone', `<@&${role.id}>`, `<@${bob.id}>`]) {
      await world.send(alice, channel.id, content);
    }
    await patch(guild.id, { suppress_everyone: true, suppress_roles: false });
    const known = await settingsKnowing(-1);
    expect(known.partial).toBe(false);
    const muted = await patch('@me', { channel_overrides: { [privateId]: { muted: true } } });
    await Promise.all(['guilds-1', 'guilds-2'].map((name) => fleet().kill(name)));
    await Promise.all(['guilds-1', 'guilds-2'].map((name) => fleet().restart(name)));

    const client = await world.connect(bob, {
      capabilities: VERSIONED_READ_STATES | VERSIONED_SETTINGS,
      more: {
        client_state: { guild_versions: {}, user_guild_settings_version: known.version },
      },
    });
    const ready = await client.waitFor('READY');
    await client.close();
    expect((ready.d as { user_guild_settings: Versioned }).user_guild_settings).toEqual({
      entries: [muted],
      partial: true,
      version: muted.version,
    });
    const state = readStateIn(ready);
    expect(badgeOf(state, channel.id).mentions).toBe(2);
    expect(badgeOf(state, privateId).mentions).toBe(1);
    const whole = await settingsKnowing(-1);
    expect(whole.entries).toContainEqual(muted);
    expect(whole.entries.map(({ guild_id: id }) => id)).toContain(guild.id);
    expect(await settingsKnowing(whole.version + 1)).toEqual(whole);
    expect(await settingsKnowing(whole.version)).toEqual({ ...whole, entries: [], partial: true });
  });
});
