import { partitionOf, snowflakeAt } from '@guildhall/snowflake';
import { eventually } from '@guildhall/testkit';
import { refuse } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { makeGround, makeWorld, type Ground, type World } from '../api-world.conformance.js';

const CHANNEL = '817000000000000001';
const GUILD = '817000000000000002';
const MESSAGE = '817000000000000003';
const EPHEMERAL = 64;
const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
// Specs look into requests of every shape.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const parsed = (json: Uint8Array): any => JSON.parse(Buffer.from(json).toString());

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

type Person = { token: string; id: string };

let ground: Ground;
let world: World;
let alice: Person;
let bob: Person;
let bot: Person;
let commands: Record<string, { id: string; version: string; type: number }>;

beforeAll(async () => {
  ground = await makeGround();
  world = await makeWorld(ground);
  alice = await world.person('alice');
  bob = await world.person('bob');
  bot = await world.bot(alice.token, 'Helper');
  const made = await world.ask('PUT', `/applications/${bot.id}/commands`, {
    token: bot.token,
    body: [
      { name: 'ping', description: 'Answers' },
      {
        name: 'say',
        description: 'Says',
        default_member_permissions: '8192',
        nsfw: true,
        contexts: [0],
        options: [
          { type: 3, name: 'text', description: 'what', required: true },
          { type: 6, name: 'who', description: 'to whom' },
          { type: 11, name: 'file', description: 'with what' },
          { type: 3, name: 'city', description: 'where', autocomplete: true },
        ],
      },
      { name: 'Greet', type: 2 },
      { name: 'Quote', type: 3 },
    ],
  });
  commands = Object.fromEntries(made.json.map((each: { name: string }) => [each.name, each]));
}, 60_000);
beforeEach(() => world.owners.reset());
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await ground?.end();
});

const use = (name: string, data: object = {}, more: object = {}, token = alice.token) =>
  world.ask('POST', '/interactions', {
    token,
    body: {
      type: 2,
      application_id: bot.id,
      guild_id: GUILD,
      channel_id: CHANNEL,
      nonce: 'n1',
      data: { id: commands[name]!.id, name, type: commands[name]!.type, ...data },
      ...more,
    },
  });

interface Opened {
  readonly id: string;
  readonly token: string;
  readonly callback: (body: unknown, query?: string) => ReturnType<World['ask']>;
  readonly webhook: (method: string, path?: string, body?: unknown) => ReturnType<World['ask']>;
}

/** What the bot was told of last. */
function opened(): Opened {
  const { interactionId, token } = world.owners.of('createInteraction').at(-1);
  const id = String(interactionId);
  return {
    id,
    token,
    callback: (body, query = '') =>
      world.ask('POST', `/interactions/${id}/${token}/callback${query}`, { body }),
    webhook: (method, path = '', body = undefined) =>
      world.ask(method, `/webhooks/${bot.id}/${token}${path}`, { body }),
  };
}

async function ping(): Promise<Opened> {
  const answer = await use('ping');
  if (answer.status !== 204) throw new Error(answer.text);
  return opened();
}

const component = (more: object = {}, token = alice.token) =>
  world.ask('POST', '/interactions', {
    token,
    body: {
      type: 3,
      application_id: bot.id,
      channel_id: CHANNEL,
      message_id: MESSAGE,
      data: { component_type: 2, custom_id: 'yes' },
      ...more,
    },
  });

/** Owners that answer with messages of these ids, one after the other. */
function answerWith(...ids: readonly bigint[]): void {
  const left = [...ids];
  world.owners.on('createResponse', ({ message, ephemeral, loading }: never) => {
    const { content } = message as { content: string };
    const id = left.shift()!;
    const flags = (ephemeral ? EPHEMERAL : 0) | (loading ? 128 : 0);
    return {
      json: bytes({ id: String(id), content, flags, attachments: [] }),
      messageId: id,
      ...(ephemeral ? { document: bytes({ content, of: String(id) }) } : {}),
    };
  });
  world.owners.on('editResponse', ({ message, document }: never) => {
    const { content, messageId } = message as { content: string; messageId: bigint };
    const isEphemeral = (document as Uint8Array).length > 0;
    return {
      json: bytes({ id: String(messageId), content, attachments: [] }),
      messageId,
      ...(isEphemeral ? { document: bytes({ content, of: String(messageId) }) } : {}),
    };
  });
}

describe('A command that a person uses', () => {
  it('goes to the channel’s owner with a token that nobody else knows', async () => {
    expect((await use('ping', { version: commands['ping']!.version })).status).toBe(204);
    const [request] = world.owners.of('createInteraction');
    expect(request).toMatchObject({
      command: { actorId: BigInt(alice.id), topicId: 0n },
      channelId: BigInt(CHANNEL),
      type: 2,
      applicationId: BigInt(bot.id),
      user: { id: BigInt(alice.id), username: 'alice' },
      nonce: 'n1',
      notInGuilds: false,
      notInPrivateChannels: false,
      nsfw: false,
    });
    expect(request.requiredPermissions).toBeUndefined();
    expect(parsed(request.dataJson)).toEqual({
      id: commands['ping']!.id,
      name: 'ping',
      type: 1,
    });
    const { callback, webhook, token } = opened();
    await callback({ type: 6 });
    await callback({ type: 1 });
    await webhook('GET', '/messages/@original');
    const said = JSON.stringify([world.telemetry.logs(), world.telemetry.spans()], (_key, value) =>
      typeof value === 'bigint' ? String(value) : (value as unknown),
    );
    expect(said).toContain('/webhooks/:application_id/:interaction_token/messages/:message');
    expect(said).not.toContain(token);
  });

  it('brings its options, what they name, and who may use it', async () => {
    const form = new FormData();
    const options = [
      { type: 3, name: 'text', value: 'hi' },
      { type: 6, name: 'who', value: bob.id },
      { type: 11, name: 'file', value: 0 },
    ];
    const data = { id: commands['say']!.id, name: 'say', type: 1, options };
    const body = { type: 2, application_id: bot.id, channel_id: CHANNEL, data };
    form.set('payload_json', JSON.stringify(body));
    form.set('files[0]', new Blob(['abc'], { type: 'text/plain' }), 'a.txt');
    const answer = await world.ask('POST', '/interactions', { token: alice.token, body: form });
    expect([answer.status, answer.text]).toEqual([204, '']);
    const [request] = world.owners.of('createInteraction');
    expect(request).toMatchObject({
      userIds: [BigInt(bob.id)],
      requiredPermissions: 8192n,
      nsfw: true,
      notInGuilds: false,
      notInPrivateChannels: true,
      attachments: [{ filename: 'a.txt', sizeBytes: 3n }],
    });
    const fileId = String(request.attachments[0].id);
    expect(parsed(request.dataJson).options[2]).toEqual({ type: 11, name: 'file', value: fileId });
    const missing = await use('say', { options });
    expect(missing.json.errors.data.attachments._errors[0].code).toBe('ATTACHMENT_NOT_FOUND');
  });

  it('names the thing it is used on', async () => {
    await use('Greet', { target_id: bob.id });
    await use('Quote', { target_id: MESSAGE });
    const [greet, quote] = world.owners.of('createInteraction');
    expect(greet).toMatchObject({ userIds: [BigInt(bob.id)], targetMessageId: 0n });
    expect(quote).toMatchObject({ userIds: [], targetMessageId: BigInt(MESSAGE) });
    expect(parsed(quote.dataJson).target_id).toBe(MESSAGE);
    const errors = (await use('Quote')).json.errors.data.target_id._errors;
    expect(errors[0].code).toBe('BASE_TYPE_REQUIRED');
  });

  it('is one that there is, as it is now, with what it asks for', async () => {
    expect((await use('ping', { id: MESSAGE })).json.code).toBe(10063);
    expect((await use('ping', { name: 'pong' })).json.code).toBe(10063);
    expect((await use('ping', {}, { application_id: MESSAGE })).json.code).toBe(10063);
    const outdated = await use('ping', { version: MESSAGE });
    expect(outdated.json.errors.data.version._errors[0].message).toMatch(/outdated/);
    const bare = await use('say');
    expect(bare.json.errors.data.options.text._errors[0].code).toBe('BASE_TYPE_REQUIRED');
    expect((await use('ping', {}, {}, bot.token)).json.code).toBe(20001);
    expect((await use('ping', {}, { data: 'ping' })).json.errors.data._errors).toHaveLength(1);
    expect(world.owners.of('createInteraction')).toEqual([]);
  });

  it('of one guild is used in that guild', async () => {
    const [own, foreign] = [partitionOf(BigInt(CHANNEL)), partitionOf(BigInt(CHANNEL)) ^ 1].map(
      (partition, index) => String((BigInt(partition) << 12n) | (3n << 40n) | BigInt(index)),
    );
    for (const [guildId, status] of [
      [own!, 204],
      [foreign!, 404],
    ] as const) {
      const path = `/applications/${bot.id}/guilds/${guildId}/commands`;
      const body = { name: 'local', description: 'Here' };
      const { json } = await world.ask('POST', path, { token: alice.token, body });
      const data = { id: json.id, name: 'local', type: 1, guild_id: guildId };
      expect((await use('ping', data)).status).toBe(status);
    }
    const [request, ...others] = world.owners.of('createInteraction');
    expect(request.command.topicId).toBe(BigInt(own!));
    expect(others).toEqual([]);
  });

  it('cannot be answered if the bot was not told', async () => {
    world.owners.on('createInteraction', () => {
      throw refuse('MissingPermissions');
    });
    expect((await use('ping')).json.code).toBe(50013);
    expect((await opened().callback({ type: 4, data: { content: 'x' } })).json.code).toBe(10062);
  });
});

describe('An answer', () => {
  it('is a message of the bot, once', async () => {
    answerWith(11n);
    const { callback, id } = await ping();
    const answer = await callback({ type: 4, data: { content: 'pong', allowed_mentions: {} } });
    expect([answer.status, answer.text]).toEqual([204, '']);
    const [request] = world.owners.of('createResponse');
    expect(request).toMatchObject({
      message: {
        command: { actorId: BigInt(bot.id), actorIsBot: true },
        channelId: BigInt(CHANNEL),
        content: 'pong',
        applicationId: BigInt(bot.id),
      },
      origin: {
        interactionId: BigInt(id),
        applicationId: BigInt(bot.id),
        type: 2,
        name: 'ping',
        commandType: 1,
        user: { id: BigInt(alice.id) },
      },
      ephemeral: false,
      loading: false,
    });
    const again = await callback({ type: 4, data: { content: 'pong' } });
    expect([again.status, again.json]).toEqual([
      400,
      { message: 'Interaction has already been acknowledged.', code: 40060 },
    ]);
    expect(world.owners.of('createResponse')).toHaveLength(1);
    await eventually(() => world.owners.of('tellInvoker').length > 0, { label: 'the client told' });
    const [told] = world.owners.of('tellInvoker');
    expect(told).toMatchObject({ type: 'INTERACTION_SUCCESS', userId: BigInt(alice.id) });
    expect(parsed(told.dataJson)).toEqual({ id, nonce: 'n1' });
  });

  it('says what became of it, if asked', async () => {
    answerWith(12n);
    const { callback, id } = await ping();
    const body = { type: 4, data: { content: 'hush', flags: EPHEMERAL } };
    expect((await callback(body, '?with_response=true')).json).toEqual({
      interaction: {
        id,
        type: 2,
        response_message_id: '12',
        response_message_loading: false,
        response_message_ephemeral: true,
      },
      resource: {
        type: 4,
        message: { id: '12', content: 'hush', flags: EPHEMERAL, attachments: [] },
      },
    });
  });

  it('is tried under one id until it is done, and may be corrected when it was refused', async () => {
    const { callback } = await ping();
    world.owners.on('createResponse', () => {
      throw refuse('EmptyMessage');
    });
    expect((await callback({ type: 4, data: { content: 'x' } })).json.code).toBe(50006);
    expect((await callback({ type: 4, data: {} })).json.code).toBe(50006);
    world.owners.on('createResponse', () => {
      throw new Fault(FaultCode.Overloaded, 'full');
    });
    expect((await callback({ type: 4, data: { content: 'x' } })).status).toBe(503);
    answerWith(13n);
    expect((await callback({ type: 4, data: { content: 'x' } })).status).toBe(204);
    const ids = world.owners.of('createResponse').map(({ message }) => message.command.commandId);
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('comes in time, from who has the token', async () => {
    const first = await ping();
    const second = await ping();
    const body = { type: 4, data: { content: 'x' } };
    const path = `/interactions/${first.id}/${second.token}/callback`;
    expect((await world.ask('POST', path, { body })).json.code).toBe(10062);
    const forged = Buffer.from(`interaction:${first.id}:${'a'.repeat(43)}`).toString('base64url');
    const other = `/interactions/${first.id}/${forged}/callback`;
    expect((await world.ask('POST', other, { body })).json.code).toBe(10062);
    world.clock.advance(3_001);
    expect((await first.callback(body)).json.code).toBe(10062);
    expect(world.owners.of('createResponse')).toEqual([]);
  });

  it('is of a kind that fits', async () => {
    const { callback } = await ping();
    for (const type of [2, 6, 7, 8]) {
      const { json } = await callback({ type, data: { choices: [] } });
      expect(json.errors.type._errors[0].code).toBe('BASE_TYPE_CHOICES');
    }
    const modal = await callback({ type: 9, data: { title: 'x' } });
    expect(Object.keys(modal.json.errors.data)).toEqual(['custom_id', 'components']);
    const long = await callback({ type: 4, data: { content: 'x'.repeat(2001) } });
    expect(long.json.errors.data.content._errors[0].code).toBe('BASE_TYPE_MAX_LENGTH');
  });

  it('may bring files', async () => {
    answerWith(14n);
    const { id, token } = await ping();
    const form = new FormData();
    form.set('payload_json', JSON.stringify({ type: 4, data: { attachments: [{ id: 0 }] } }));
    form.set('files[0]', new Blob(['abc']), 'a.txt');
    const path = `/interactions/${id}/${token}/callback`;
    expect((await world.ask('POST', path, { body: form })).status).toBe(204);
    expect(world.owners.of('createResponse')[0].message.attachments).toMatchObject([
      { filename: 'a.txt', sizeBytes: 3n },
    ]);
  });
});

describe('An answer that is deferred', () => {
  it('is a message that is loading, whose place the first other takes', async () => {
    answerWith(21n, 22n);
    const { callback, webhook } = await ping();
    expect((await callback({ type: 5 })).status).toBe(204);
    expect(world.owners.of('createResponse')[0]).toMatchObject({ loading: true, ephemeral: false });
    const first = await webhook('POST', '', { content: 'here' });
    expect(first.json).toMatchObject({ id: '21', content: 'here' });
    const second = await webhook('POST', '', { content: 'more' });
    expect(second.json).toMatchObject({ id: '22', content: 'more' });
    expect(world.owners.of('createResponse')[1]).toMatchObject({
      message: { referenceMessageId: 21n },
      origin: { originalResponseId: 21n },
      loading: false,
    });
  });

  it('is still loading when what was to take its place was refused', async () => {
    answerWith(23n);
    const { callback, webhook } = await ping();
    await callback({ type: 5, data: { flags: EPHEMERAL } });
    world.owners.on('editResponse', () => {
      throw refuse('EmptyMessage');
    });
    expect((await webhook('POST', '', { content: 'x' })).json.code).toBe(50006);
    answerWith(24n);
    expect((await webhook('POST', '', { content: 'y' })).json.id).toBe('23');
    expect((await webhook('GET', '/messages/@original')).json).toMatchObject({ content: 'y' });
  });
});

describe('The messages of an interaction', () => {
  it('are read, changed and deleted by its token', async () => {
    answerWith(31n, 32n);
    const { callback, webhook, id } = await ping();
    await callback({ type: 4, data: { content: 'one' } });
    world.owners.on('getResponse', () => ({ json: bytes({ id: '31', content: 'one' }) }));
    expect((await webhook('GET', '/messages/@original')).json).toEqual({
      id: '31',
      content: 'one',
    });
    expect(world.owners.of('getResponse')[0]).toMatchObject({
      command: { actorId: BigInt(bot.id) },
      channelId: BigInt(CHANNEL),
      messageId: 31n,
      origin: { interactionId: BigInt(id) },
    });
    const changed = await webhook('PATCH', '/messages/@original', { content: 'two', embeds: [] });
    expect(changed.json.content).toBe('two');
    await webhook('POST', '?wait=true', { content: 'three' });
    expect((await webhook('PATCH', '/messages/32', { content: 'four' })).json.id).toBe('32');
    expect((await webhook('DELETE', '/messages/32')).status).toBe(204);
    expect((await webhook('DELETE', '/messages/@original')).status).toBe(204);
    expect(world.owners.of('deleteResponse').map(({ messageId }) => messageId)).toEqual([32n, 31n]);
  });

  it('that one person sees are kept here, and go with time', async () => {
    answerWith(33n, 34n);
    const { callback, webhook, id } = await ping();
    await callback({ type: 4, data: { content: 'hush', flags: EPHEMERAL } });
    expect((await webhook('GET', '/messages/@original')).json.content).toBe('hush');
    expect(world.owners.of('getResponse')).toEqual([]);
    const changed = await webhook('PATCH', '/messages/@original', { content: 'hush hush' });
    expect(changed.json.content).toBe('hush hush');
    expect(parsed(world.owners.of('editResponse')[0].document)).toEqual({
      content: 'hush',
      of: '33',
    });
    await webhook('PATCH', '/messages/33', { content: 'again' });
    expect(parsed(world.owners.of('editResponse')[1].document).content).toBe('hush hush');
    const follow = await webhook('POST', '', { content: 'psst', flags: EPHEMERAL });
    expect(follow.json.id).toBe('34');
    expect(world.owners.of('createResponse')[1].message.referenceMessageId).toBe(33n);
    const other = await ping();
    await other.callback({ type: 1 });
    expect((await other.webhook('GET', '/messages/33')).json.code).toBe(10008);
    expect((await webhook('DELETE', '/messages/@original')).status).toBe(204);
    expect(world.owners.of('deleteResponse')[0]).toMatchObject({
      ephemeral: true,
      origin: { interactionId: BigInt(id), user: { id: BigInt(alice.id) } },
    });
    expect((await webhook('GET', '/messages/@original')).json.code).toBe(10008);
  });

  it('do not tell everybody of those that one person sees', async () => {
    answerWith(37n, 38n, 39n);
    const { callback, webhook } = await ping();
    await callback({ type: 4, data: { content: 'hush', flags: EPHEMERAL } });
    await webhook('POST', '', { content: 'aloud' });
    await webhook('DELETE', '/messages/@original');
    await webhook('POST', '', { content: 'aloud again' });
    const [, ...follow] = world.owners.of('createResponse');
    for (const { message, origin, followUp } of follow) {
      expect(message.referenceMessageId).toBe(0n);
      expect([origin.originalResponseId, followUp]).toEqual([0n, true]);
    }
    answerWith(40n, 41n);
    await ping();
    await opened().callback({ type: 4, data: { content: 'sure?', flags: EPHEMERAL } });
    await component({ message_id: '40' });
    await opened().callback({ type: 4, data: { content: 'aloud' } });
    expect(world.owners.of('createResponse').at(-1)).toMatchObject({
      message: { referenceMessageId: 0n },
      origin: { sourceMessageId: 0n },
    });
  });

  it('lose no change when two are made at once', async () => {
    answerWith(35n);
    const { callback, webhook } = await ping();
    await callback({ type: 4, data: { content: '', flags: EPHEMERAL, embeds: [{ title: 'x' }] } });
    world.owners.on('editResponse', ({ message, document }: never) => {
      const before = parsed(document);
      const all = [before.content, (message as { content: string }).content].join('');
      return { json: bytes({ id: '35', content: all }), document: bytes({ content: all }) };
    });
    const letters = ['a', 'b', 'c'];
    await Promise.all(
      letters.map((content) => webhook('PATCH', '/messages/@original', { content })),
    );
    const { json } = await webhook('GET', '/messages/@original');
    expect([...json.content].sort()).toEqual(letters);
  });

  it('are for who has the token, once it was answered and as long as it lasts', async () => {
    answerWith(36n);
    const { callback, webhook, token } = await ping();
    expect((await webhook('POST', '', { content: 'x' })).json).toEqual({
      message: 'Unknown Webhook',
      code: 10015,
    });
    await callback({ type: 1 });
    expect((await webhook('GET', '/messages/@original')).json.code).toBe(10008);
    const elsewhere = await world.ask('POST', `/webhooks/${alice.id}/${token}`, {
      body: { content: 'x' },
    });
    expect([elsewhere.status, elsewhere.json.code]).toEqual([401, 50027]);
    expect((await webhook('POST', '', { content: 'x' })).json.id).toBe('36');
    world.clock.advance(900_001);
    expect((await webhook('POST', '', { content: 'x' })).json.code).toBe(50027);
  });
});

describe('A component that a person uses', () => {
  it('names its message, and what was chosen', async () => {
    expect((await component()).status).toBe(204);
    const data = { component_type: 7, custom_id: 'who', values: [bob.id] };
    expect((await component({ data })).status).toBe(204);
    const [pressed, chosen] = world.owners.of('createInteraction');
    expect(pressed).toMatchObject({
      type: 3,
      sourceMessageId: BigInt(MESSAGE),
      customId: 'yes',
      componentType: 2,
    });
    expect(pressed.sourceDocument).toHaveLength(0);
    expect(chosen.mentionableIds).toEqual([BigInt(bob.id)]);
    expect(parsed(chosen.dataJson)).toEqual(data);
    const nowhere = await component({ message_id: undefined });
    expect(nowhere.json.errors.message_id._errors[0].code).toBe('BASE_TYPE_REQUIRED');
    const odd = await component({ data: { ...data, values: ['me'] } });
    expect(odd.json.errors.data.values['0']._errors[0].code).toBe('NUMBER_TYPE_COERCE');
  });

  it('changes its message, at once or later', async () => {
    answerWith();
    await component();
    const now = opened();
    expect((await now.callback({ type: 7, data: { content: 'done' } })).status).toBe(204);
    await component();
    const later = opened();
    expect((await later.callback({ type: 6 })).status).toBe(204);
    await later.webhook('PATCH', '/messages/@original', { content: 'done' });
    const requests = world.owners.of('editResponse');
    expect(requests.map(({ message }) => message.messageId)).toEqual([
      BigInt(MESSAGE),
      BigInt(MESSAGE),
    ]);
    expect(requests[0].origin.sourceMessageId).toBe(BigInt(MESSAGE));
  });

  it('may be on a message that only this person has', async () => {
    answerWith(41n);
    const { callback } = await ping();
    await callback({ type: 4, data: { content: 'sure?', flags: EPHEMERAL } });
    expect((await component({ message_id: '41' }, bob.token)).json.code).toBe(10008);
    expect((await component({ message_id: '41' })).status).toBe(204);
    const request = world.owners.of('createInteraction').at(-1);
    expect(parsed(request.sourceDocument)).toEqual({ content: 'sure?', of: '41' });
    await opened().callback({ type: 7, data: { content: 'sure.' } });
    expect(world.owners.of('editResponse')[0].document.length).toBeGreaterThan(0);
  });
});

describe('What a person types', () => {
  it('is completed by the bot', async () => {
    const typed = { type: 3, name: 'city', value: 'Ber', focused: true };
    expect((await use('say', { options: [typed] }, { type: 4 })).status).toBe(204);
    const { callback } = opened();
    const choices = [{ name: 'Berlin', value: 'ber' }];
    expect((await callback({ type: 4, data: { content: 'x' } })).status).toBe(400);
    expect((await callback({ type: 8, data: { choices } })).status).toBe(204);
    const [told] = world.owners.of('tellInvoker');
    expect(told).toMatchObject({
      type: 'APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE',
      userId: BigInt(alice.id),
      transient: true,
    });
    expect(parsed(told.dataJson)).toEqual({ choices, nonce: 'n1' });
    const none = await use('say', { options: [] }, { type: 4 });
    expect(none.json.errors.data.options._errors[0].code).toBe('BASE_TYPE_REQUIRED');
  });
});

describe('A modal', () => {
  const row = { type: 1, components: [{ type: 4, custom_id: 'name', value: 'Al' }] };
  const submit = (id: string, more: object = {}, token = alice.token) =>
    world.ask('POST', '/interactions', {
      token,
      body: {
        type: 5,
        application_id: bot.id,
        channel_id: CHANNEL,
        data: { id, custom_id: 'form', components: [row] },
        ...more,
      },
    });
  const open = async (): Promise<Opened> => {
    await component();
    const pressed = opened();
    const data = { custom_id: 'form', title: 'Form', components: [row] };
    expect((await pressed.callback({ type: 9, data })).status).toBe(204);
    return pressed;
  };

  it('is shown to who asked, and handed in by it', async () => {
    const { id } = await open();
    const [told] = world.owners.of('tellInvoker');
    expect(told).toMatchObject({ type: 'INTERACTION_MODAL_CREATE', transient: false });
    expect(parsed(told.dataJson)).toMatchObject({
      id,
      custom_id: 'form',
      title: 'Form',
      components: [row],
      application: { id: bot.id, name: 'Helper' },
    });
    expect((await submit(id)).status).toBe(204);
    const request = world.owners.of('createInteraction').at(-1);
    expect(request).toMatchObject({ type: 5, sourceMessageId: BigInt(MESSAGE) });
    expect(parsed(request.dataJson)).toEqual({ custom_id: 'form', components: [row] });
    answerWith(51n);
    const submitted = opened();
    const again = { custom_id: 'form', title: 'Form', components: [row] };
    expect((await submitted.callback({ type: 9, data: again })).status).toBe(400);
    expect((await submitted.callback({ type: 4, data: { content: 'thanks' } })).status).toBe(204);
    expect(world.owners.of('createResponse')[0].origin).toMatchObject({
      type: 5,
      triggeringId: BigInt(id),
      triggeringType: 3,
    });
  });

  it('is handed in by nobody else, and nowhere else', async () => {
    const { id } = await open();
    expect((await submit(id, {}, bob.token)).json.code).toBe(10062);
    expect((await submit(id, { channel_id: GUILD })).json.code).toBe(10062);
    const data = { id, custom_id: 'other', components: [] };
    expect((await submit(id, { data })).json.code).toBe(10062);
    expect((await submit(MESSAGE)).json.code).toBe(10062);
    const { id: unanswered } = await ping();
    expect((await submit(unanswered)).json.code).toBe(10062);
    world.clock.advance(900_001);
    expect((await submit(id)).json.code).toBe(10062);
  });
});

describe('The commands that a client offers', () => {
  const bots = () =>
    world.owners.on('listApplications', () => ({
      bots: [
        { id: BigInt(bot.id), username: 'Helper', bot: true },
        { id: 5n, username: 'Mute' },
      ],
      guildId: BigInt(GUILD),
    }));

  it('are those of the bots that are here', async () => {
    bots();
    const { token } = alice;
    for (const path of [`/channels/${CHANNEL}`, `/guilds/${GUILD}`]) {
      const { json } = await world.ask('GET', `${path}/application-command-index`, { token });
      expect(json.applications).toMatchObject([{ id: bot.id, name: 'Helper' }]);
      expect(json.application_commands.map(({ name }: { name: string }) => name).sort()).toEqual([
        'Greet',
        'Quote',
        'ping',
        'say',
      ]);
    }
    const [channel, guild] = world.owners.of('listApplications');
    expect(channel.channelId).toBe(BigInt(CHANNEL));
    expect(guild.command.topicId).toBe(BigInt(GUILD));
  });

  it('can be searched', async () => {
    bots();
    const path = `/channels/${CHANNEL}/application-commands/search?type=1&query=P&limit=1`;
    const { json } = await world.ask('GET', path, { token: alice.token });
    expect(json.application_commands).toMatchObject([{ name: 'ping' }]);
  });
});

describe('Old interactions', () => {
  it('are swept, with what only one person saw', async () => {
    await using swept = await makeWorld(ground, { interactionSweepMs: 1_000 }, { schema: 'swept' });
    const { token } = await swept.person('carol');
    const own = await swept.bot(token, 'Sweeper');
    const body = { name: 'ping', description: 'Answers' };
    const path = `/applications/${own.id}/commands`;
    const { json: command } = await swept.ask('POST', path, { token: own.token, body });
    const old = snowflakeAt(swept.clock.nowMs());
    swept.owners.on('createResponse', () => ({
      json: bytes({ id: String(old), attachments: [{ id: '7' }] }),
      messageId: old,
      document: bytes({}),
    }));
    await swept.ask('POST', '/interactions', {
      token,
      body: {
        type: 2,
        application_id: own.id,
        channel_id: CHANNEL,
        data: { id: command.id, name: 'ping' },
      },
    });
    const { interactionId, token: secret } = swept.owners.of('createInteraction')[0];
    const callback = `/interactions/${interactionId}/${secret}/callback`;
    const answer = { type: 4, data: { content: 'x', flags: EPHEMERAL } };
    expect((await swept.ask('POST', callback, { body: answer })).status).toBe(204);
    expect((await swept.ask('POST', callback, { body: answer })).json.code).toBe(40060);
    const press = () =>
      swept.ask('POST', '/interactions', {
        token,
        body: {
          type: 3,
          application_id: own.id,
          channel_id: CHANNEL,
          message_id: String(old),
          data: { component_type: 2, custom_id: 'yes' },
        },
      });
    await press();
    expect(swept.owners.of('createInteraction').at(-1).sourceDocument.length).toBeGreaterThan(0);
    swept.clock.advance(86_390_000);
    await eventually(
      async () => {
        swept.clock.advance(2_000);
        await press();
        return swept.owners.of('createInteraction').at(-1).sourceDocument.length === 0;
      },
      { label: 'the message swept' },
    );
    expect((await swept.ask('POST', callback, { body: answer })).json.code).toBe(10062);
  });
});
