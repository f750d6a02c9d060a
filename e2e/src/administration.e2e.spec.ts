// What an administrator does before anybody else comes: a whole server, made through the API alone
// and read back from it; applications and their tokens; and how often all of that may be asked.

import { Intent } from '@guildhall/gateway-protocol';
import { Permission } from '@guildhall/permissions';
import { TestApi, TestGatewayClient } from '@guildhall/testkit';
import type { ApiResponse } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';
import { ok, unique, World } from './harness/world.js';
import type { Guild, Message, Named, Person } from './harness/world.js';

interface Channel extends Named {
  readonly type: number;
  readonly parent_id: string | null;
  readonly position: number;
  readonly topic: string | null;
  readonly permission_overwrites: readonly { id: string; allow: string; deny: string }[];
}

interface Role extends Named {
  readonly position: number;
  readonly permissions: string;
  readonly color: number;
  readonly hoist: boolean;
}

interface Attachment extends Named {
  readonly filename: string;
  readonly size: number;
  readonly url: string;
}

const TYPE = { text: 0, voice: 2, category: 4, announcement: 5 } as const;

describe('an administrator', () => {
  const fleet = useFleet();
  let world: World;
  let admin: Person;
  let guild: Guild;
  let channelId: string;

  beforeAll(async () => {
    world = new World(fleet());
    admin = await world.register('admin');
    guild = await world.createGuild(admin, 'A place');
    channelId = (await world.createChannel(guild)).id;
  });

  const post = <T>(path: string, body: unknown = {}): Promise<T> =>
    ok<T>(admin.api.post(path, body));
  const get = <T>(path: string, query = {}): Promise<T> => ok<T>(admin.api.get(path, { query }));
  const patch = <T>(path: string, body: unknown): Promise<T> => ok<T>(admin.api.patch(path, body));

  it('makes channels of all four types, in order, with overwrites of their category', async () => {
    const made = await world.createGuild(admin);
    const at = `/guilds/${made.id}`;
    const hidden = { id: made.id, type: 0, allow: '0', deny: String(Permission.VIEW_CHANNEL) };
    const category = await post<Channel>(`${at}/channels`, {
      name: 'Staff',
      type: TYPE.category,
      permission_overwrites: [hidden],
    });
    const types = Object.values(TYPE).filter((type) => type !== TYPE.category);
    const inside: Channel[] = [];
    for (const type of types) {
      const name = `kind-${type}`;
      inside.push(await post(`${at}/channels`, { name, type, parent_id: category.id }));
    }
    for (const channel of inside) {
      expect(channel.parent_id).toBe(category.id);
      expect(channel.permission_overwrites).toEqual(category.permission_overwrites);
    }
    const moves = inside.map(({ id }, index) => ({ id, position: inside.length - 1 - index }));
    await ok(admin.api.patch(`${at}/channels`, moves));
    await patch(`/channels/${inside[0]!.id}`, { topic: 'for staff', rate_limit_per_user: 5 });

    const channels = await get<Channel[]>(`${at}/channels`);
    const ordered = channels
      .filter(({ parent_id: parent }) => parent === category.id)
      .toSorted((a, b) => a.position - b.position);
    expect(ordered.map(({ id }) => id)).toEqual(inside.map(({ id }) => id).toReversed());
    expect(await get(`/channels/${inside[0]!.id}`)).toMatchObject({
      topic: 'for staff',
      rate_limit_per_user: 5,
    });

    await ok(admin.api.delete(`/channels/${category.id}`));
    const left = await get<Channel[]>(`${at}/channels`);
    const alone = left.filter(({ id }) => inside.some((each) => each.id === id));
    expect(alone.map(({ parent_id: parent }) => parent)).toEqual([null, null, null]);
  });

  it('makes roles, puts them in order, gives them and takes them', async () => {
    const at = `/guilds/${guild.id}/roles`;
    const permissions = String(Permission.KICK_MEMBERS);
    const names = ['first', 'second', 'third'];
    const roles: Role[] = [];
    for (const name of names) {
      roles.push(await post(at, { name, permissions, color: 0x336699, hoist: true }));
    }
    await patch(
      at,
      roles.map(({ id }, index) => ({ id, position: 3 - index })),
    );
    const changed = await patch<Role>(`${at}/${roles[2]!.id}`, { name: 'last', hoist: false });
    expect(changed).toMatchObject({ name: 'last', hoist: false, color: 0x336699, permissions });
    const all = await get<Role[]>(at);
    const ordered = all
      .filter(({ id }) => roles.some((role) => role.id === id))
      .toSorted((a, b) => b.position - a.position);
    expect(ordered.map(({ name }) => name)).toEqual(['first', 'second', 'last']);

    const member = await world.register('member');
    await world.join(guild, member);
    await world.giveRole(guild, member, roles[0]!);
    const path = `/guilds/${guild.id}/members/${member.id}`;
    expect(await get(path)).toMatchObject({ roles: [roles[0]!.id] });
    await ok(admin.api.delete(`${at}/${roles[0]!.id}`));
    expect(await get(path)).toMatchObject({ roles: [] });
  });

  it('puts overwrites, of a role and of a member, and takes them away', async () => {
    const { id } = await world.createChannel(guild);
    const allow = String(Permission.SEND_MESSAGES);
    const at = `/channels/${id}/permissions`;
    await ok(admin.api.put(`${at}/${guild.id}`, { type: 0, allow: '0', deny: allow }));
    await ok(admin.api.put(`${at}/${admin.id}`, { type: 1, allow, deny: '0' }));
    const both = (await get<Channel>(`/channels/${id}`)).permission_overwrites;
    expect(both).toEqual(
      expect.arrayContaining([
        { id: guild.id, type: 0, allow: '0', deny: allow },
        { id: admin.id, type: 1, allow, deny: '0' },
      ]),
    );
    await ok(admin.api.delete(`${at}/${guild.id}`));
    const one = (await get<Channel>(`/channels/${id}`)).permission_overwrites;
    expect(one.map((overwrite) => overwrite.id)).toEqual([admin.id]);
  });

  it('invites, counts who came, and takes invites back', async () => {
    const invite = await post<{ code: string }>(`/channels/${channelId}/invites`, {
      max_age: 3600,
      max_uses: 2,
      unique: true,
    });
    const [ann, ben, cat] = await Promise.all(
      ['ann', 'ben', 'cat'].map((one) => world.register(one)),
    );
    await ok(ann!.api.post(`/invites/${invite.code}`, {}));
    const known = await get<{ code: string; uses: number }[]>(`/guilds/${guild.id}/invites`);
    expect(known.find(({ code }) => code === invite.code)).toMatchObject({ uses: 1, max_uses: 2 });
    await ok(ben!.api.post(`/invites/${invite.code}`, {}));
    expect((await cat!.api.post(`/invites/${invite.code}`, {})).status).toBe(404);

    const code = await world.invite(guild);
    expect(await get(`/invites/${code}`)).toMatchObject({ code, guild: { id: guild.id } });
    await ok(admin.api.delete(`/invites/${code}`));
    expect(await cat!.api.post(`/invites/${code}`, {})).toMatchObject({ body: { code: 10006 } });
  });

  it('bans with a reason, deletes what was said, and forgives', async () => {
    const troll = await world.register('troll');
    await world.join(guild, troll);
    const said = await world.send(troll, channelId, 'rubbish');
    const at = `/guilds/${guild.id}/bans`;
    const headers = { 'x-audit-log-reason': encodeURIComponent('rubbish ✋') };
    await ok(admin.api.put(`${at}/${troll.id}`, { delete_message_seconds: 3600 }, { headers }));
    expect(await get(`${at}/${troll.id}`)).toMatchObject({
      reason: 'rubbish ✋',
      user: { id: troll.id },
    });
    const gone = await admin.api.get(`/channels/${channelId}/messages/${said.id}`);
    expect([gone.status, gone.body]).toMatchObject([404, { code: 10008 }]);
    await ok(admin.api.delete(`${at}/${troll.id}`));
    expect((await admin.api.get(`${at}/${troll.id}`)).body).toMatchObject({ code: 10026 });
    await world.join(guild, troll);
  });

  it('pins, and takes pins away', async () => {
    const first = await world.send(admin, channelId, 'rules');
    const second = await world.send(admin, channelId, 'more rules');
    for (const { id } of [first, second]) {
      await ok(admin.api.put(`/channels/${channelId}/messages/pins/${id}`));
    }
    const pins = await get<{ items: { message: Message }[] }>(
      `/channels/${channelId}/messages/pins`,
    );
    expect(pins.items.map(({ message }) => message.id)).toEqual([second.id, first.id]);
    await ok(admin.api.delete(`/channels/${channelId}/pins/${second.id}`));
    const older = await get<Message[]>(`/channels/${channelId}/pins`);
    expect(older.map(({ id }) => id)).toEqual([first.id]);
  });

  it('finds messages before, after and around others, and deletes many at once', async () => {
    const { id } = await world.createChannel(guild);
    const ids: string[] = [];
    for (let number = 0; number < 10; number++) {
      ids.push((await world.send(admin, id, `message ${number}`)).id);
    }
    const page = async (query: object): Promise<number[]> => {
      const found = await get<Message[]>(`/channels/${id}/messages`, query);
      return found.map((message) => ids.indexOf(message.id));
    };
    expect(await page({})).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await page({ limit: 3 })).toEqual([9, 8, 7]);
    expect(await page({ limit: 3, before: ids[4] })).toEqual([3, 2, 1]);
    expect(await page({ limit: 3, after: ids[4] })).toEqual([7, 6, 5]);
    expect(await page({ limit: 5, around: ids[4] })).toEqual([6, 5, 4, 3, 2]);
    await ok(admin.api.post(`/channels/${id}/messages/bulk-delete`, { messages: ids.slice(0, 8) }));
    expect(await page({})).toEqual([9, 8]);
  });

  it('sends files that can be fetched where the message says', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, at) => at % 251);
    const body = { content: 'see', attachments: [{ id: 0, description: 'a file' }] };
    const files = [
      { name: 'data.bin', bytes },
      { name: 'böse ../name.txt', bytes: 'words', contentType: 'text/plain' },
    ];
    const path = `/channels/${channelId}/messages`;
    type WithFiles = Message & { attachments: Attachment[] };
    const sent = await ok<WithFiles>(admin.api.post(path, body, { files }));
    const [data, text] = sent.attachments as [Attachment, Attachment];
    expect(data).toMatchObject({ filename: 'data.bin', size: bytes.length, description: 'a file' });
    expect(text.filename).not.toMatch(/[/\\]/);
    const fetched = await fetch(data.url);
    expect(fetched.status).toBe(200);
    expect(new Uint8Array(await fetched.arrayBuffer())).toEqual(bytes);
    expect(await (await fetch(text.url)).text()).toBe('words');
    const again = await get<WithFiles>(`${path}/${sent.id}`);
    expect(again.attachments).toEqual(sent.attachments);
    expect((await fetch(`${data.url}x`)).status).toBe(404);
  });

  it('embeds', async () => {
    const embed = {
      title: 'Title',
      description: 'Words',
      url: 'https://example.org/',
      color: 0xff0000,
      fields: [{ name: 'A', value: 'B', inline: true }],
      footer: { text: 'below' },
    };
    const sent = await world.send(admin, channelId, '', { embeds: [embed] });
    expect(sent).toMatchObject({ content: '', embeds: [{ type: 'rich', ...embed }] });
    expect(await get(`/channels/${channelId}/messages/${sent.id}`)).toMatchObject({
      embeds: [embed],
    });
  });

  it('says a thing once under an enforced nonce, and twice under one that is not', async () => {
    const nonce = unique('nonce');
    const once = { nonce, enforce_nonce: true };
    const said = await Promise.all([1, 2, 3].map(() => world.send(admin, channelId, 'once', once)));
    expect(new Set(said.map(({ id }) => id)).size).toBe(1);
    expect(said[0]).toMatchObject({ nonce });
    const twice = await Promise.all([1, 2].map(() => world.send(admin, channelId, 'x', { nonce })));
    expect(new Set(twice.map(({ id }) => id)).size).toBe(2);
  });

  it('makes applications, grants intents, resets a token and so ends its sessions', async () => {
    const bot = await world.addBot(await world.createBot(admin, { flags: 0 }), guild);
    const identify = async (token: string, intents: number): Promise<TestGatewayClient> => {
      const client = await TestGatewayClient.connect({ url: world.gatewayUrl('gateway-2') });
      await client.identify({ token, intents });
      return client;
    };
    const intents = Intent.Guilds | Intent.GuildMembers;
    await expect(identify(bot.token, intents)).rejects.toThrow('4014');
    await patch(`/applications/${bot.id}`, { flags: 1 << 15 });
    const client = await identify(bot.token, intents);
    expect(await ok(bot.api.get('/applications/@me'))).toMatchObject({ id: bot.id });

    const { token } = await post<{ token: string }>(`/applications/${bot.id}/bot/reset`);
    expect((await client.closed).code).toBe(4004);
    expect((await bot.api.get('/users/@me')).status).toBe(401);
    await expect(identify(bot.token, Intent.Guilds)).rejects.toThrow('4004');
    await (await identify(token, intents)).close();

    await patch(`/applications/${bot.id}`, { flags: 0 });
    await expect(identify(token, intents)).rejects.toThrow('4014');
  });

  it('changes and gives away the guild, and deletes it', async () => {
    const made = await world.createGuild(admin);
    const heir = await world.register('heir');
    await world.join(made, heir);
    const changed = await patch<object>(`/guilds/${made.id}`, { name: 'Another place' });
    expect(changed).toMatchObject({ name: 'Another place', owner_id: admin.id });
    await patch(`/guilds/${made.id}`, { owner_id: heir.id });
    expect((await admin.api.delete(`/guilds/${made.id}`)).status).toBe(403);
    await ok(heir.api.delete(`/guilds/${made.id}`));
    const gone = await heir.api.get(`/guilds/${made.id}`);
    expect(gone.status).toBeGreaterThanOrEqual(403);
  });

  describe('that is in a hurry', () => {
    /** At an api that keeps to the limits as they are. */
    let hurried: TestApi;

    beforeAll(async () => {
      const name = await fleet().add('api', { GUILDHALL_RATE_LIMIT_FACTOR: '1' });
      const { url } = fleet()
        .instances()
        .find((each) => each.name === name)!;
      const { token } = admin;
      hurried = new TestApi({ baseUrl: `${url}/api/v10`, token, tokenKind: 'user' });
    });

    const limitsOf = ({ headers }: ApiResponse) => ({
      limit: Number(headers.get('x-ratelimit-limit')),
      remaining: Number(headers.get('x-ratelimit-remaining')),
      resetS: Number(headers.get('x-ratelimit-reset')),
      resetAfterS: Number(headers.get('x-ratelimit-reset-after')),
      bucket: headers.get('x-ratelimit-bucket'),
      scope: headers.get('x-ratelimit-scope'),
      isGlobal: headers.get('x-ratelimit-global'),
      retryAfterS: Number(headers.get('retry-after')),
    });

    it('is told how much is left, and then to wait, and then goes on', async () => {
      const channel = await world.createChannel(guild);
      const other = await world.createChannel(guild);
      const send = (id = channel.id) => hurried.post(`/channels/${id}/messages`, { content: 'x' });
      const first = limitsOf(await send());
      expect(first).toMatchObject({ limit: 5, remaining: 4, bucket: expect.any(String) });
      expect(first.resetAfterS).toBeGreaterThan(0);
      expect(first.resetAfterS).toBeLessThanOrEqual(5);
      for (let remaining = 3; remaining >= 0; remaining--) {
        expect(limitsOf(await send())).toMatchObject({ remaining, bucket: first.bucket });
      }

      const refused = await send();
      const limits = limitsOf(refused);
      expect(refused.status).toBe(429);
      expect(limits).toMatchObject({ limit: 5, remaining: 0, bucket: first.bucket, scope: 'user' });
      expect(limits.isGlobal).toBeNull();
      const body = refused.body as { message: string; retry_after: number; global: boolean };
      expect(body).toMatchObject({ message: expect.any(String), global: false });
      expect(body.retry_after).toBeGreaterThan(0);
      expect(limits.retryAfterS).toBe(Math.ceil(body.retry_after));
      expect(Math.abs(limits.resetS - Date.now() / 1000 - limits.resetAfterS)).toBeLessThan(2);

      // Another channel is another count of the same bucket.
      expect(limitsOf(await send(other.id))).toMatchObject({ remaining: 4, bucket: first.bucket });
      // Who waits as it is told is let in.
      const path = `/channels/${channel.id}/messages`;
      const waited = await hurried.post(path, { content: 'x' }, { patient: true });
      expect([waited.status, limitsOf(waited).remaining]).toEqual([200, 4]);
    });

    it('asks 50 times a second of everything, and no more', async () => {
      const asks = Array.from({ length: 120 }, (_, at) =>
        // Many buckets, so that it is none of them that is full.
        hurried.get(`/channels/${BigInt(channelId) + BigInt(at)}`),
      );
      const refused = (await Promise.all(asks)).filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThan(0);
      for (const answer of refused) {
        expect(limitsOf(answer)).toMatchObject({ scope: 'global', isGlobal: 'true' });
        expect(answer.body).toMatchObject({ global: true, retry_after: expect.any(Number) });
      }
      const patient = await hurried.get('/users/@me', { patient: true });
      expect(patient.status).toBe(200);
    });

    it('is not kept waiting by what others ask', async () => {
      const [ann, ben] = await Promise.all([world.register('ann'), world.register('ben')]);
      const statuses = async ({ token }: Person) => {
        const api = hurried.as(token, 'user');
        const asks = Array.from({ length: 25 }, () => api.get('/users/@me'));
        return (await Promise.all(asks)).filter(({ status }) => status === 200).length;
      };
      const [anns, bens] = await Promise.all([statuses(ann), statuses(ben)]);
      expect(anns).toBeGreaterThanOrEqual(20);
      expect(bens).toBeGreaterThanOrEqual(20);
    });
  });
});
