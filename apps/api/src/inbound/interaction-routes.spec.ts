import { refuse } from '@guildhall/contracts';
import { partitionOf } from '@guildhall/snowflake';
import { makeGround, type Ground } from '../api-world.conformance.js';
import {
  CHANNEL,
  EPHEMERAL,
  GUILD,
  InteractionScene,
  MESSAGE,
  parsed,
  type Opened,
} from '../interaction-scene.conformance.js';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let ground: Ground;
let scene: InteractionScene;

beforeAll(async () => {
  ground = await makeGround();
  scene = await InteractionScene.make(ground);
}, 60_000);
beforeEach(() => scene.world.owners.reset());
afterAll(async () => {
  await scene?.world[Symbol.asyncDispose]();
  await ground?.end();
});

describe('A command that a person uses', () => {
  it('goes to the channel’s owner with a token that nobody else knows', async () => {
    expect((await scene.use('ping', { version: scene.commands['ping']!.version })).status).toBe(
      204,
    );
    const [request] = scene.world.owners.of('createInteraction');
    expect(request).toMatchObject({
      command: { actorId: BigInt(scene.alice.id), topicId: 0n },
      channelId: BigInt(CHANNEL),
      type: 2,
      applicationId: BigInt(scene.bot.id),
      user: { id: BigInt(scene.alice.id), username: 'alice' },
      nonce: 'n1',
      notInGuilds: false,
      notInPrivateChannels: false,
      nsfw: false,
    });
    expect(request.requiredPermissions).toBeUndefined();
    expect(parsed(request.dataJson)).toEqual({
      id: scene.commands['ping']!.id,
      name: 'ping',
      type: 1,
    });
    const { callback, webhook, token } = scene.opened();
    await callback({ type: 6 });
    await callback({ type: 1 });
    await webhook('GET', '/messages/@original');
    const said = JSON.stringify(
      [scene.world.telemetry.logs(), scene.world.telemetry.spans()],
      (_key, value) => (typeof value === 'bigint' ? String(value) : (value as unknown)),
    );
    expect(said).toContain('/webhooks/:application_id/:interaction_token/messages/:message');
    expect(said).not.toContain(token);
  });

  it('brings its options, what they name, and who may use it', async () => {
    const form = new FormData();
    const options = [
      { type: 3, name: 'text', value: 'hi' },
      { type: 6, name: 'who', value: scene.bob.id },
      { type: 11, name: 'file', value: 0 },
    ];
    const data = { id: scene.commands['say']!.id, name: 'say', type: 1, options };
    const body = { type: 2, application_id: scene.bot.id, channel_id: CHANNEL, data };
    form.set('payload_json', JSON.stringify(body));
    form.set('files[0]', new Blob(['abc'], { type: 'text/plain' }), 'a.txt');
    const answer = await scene.world.ask('POST', '/interactions', {
      token: scene.alice.token,
      body: form,
    });
    expect([answer.status, answer.text]).toEqual([204, '']);
    const [request] = scene.world.owners.of('createInteraction');
    expect(request).toMatchObject({
      userIds: [BigInt(scene.bob.id)],
      requiredPermissions: 8192n,
      nsfw: true,
      notInGuilds: false,
      notInPrivateChannels: true,
      attachments: [{ filename: 'a.txt', sizeBytes: 3n }],
    });
    const fileId = String(request.attachments[0].id);
    expect(parsed(request.dataJson).options[2]).toEqual({ type: 11, name: 'file', value: fileId });
    const missing = await scene.use('say', { options });
    expect(missing.json.errors.data.attachments._errors[0].code).toBe('ATTACHMENT_NOT_FOUND');
  });

  it('names the thing it is used on', async () => {
    await scene.use('Greet', { target_id: scene.bob.id });
    await scene.use('Quote', { target_id: MESSAGE });
    const [greet, quote] = scene.world.owners.of('createInteraction');
    expect(greet).toMatchObject({ userIds: [BigInt(scene.bob.id)], targetMessageId: 0n });
    expect(quote).toMatchObject({ userIds: [], targetMessageId: BigInt(MESSAGE) });
    expect(parsed(quote.dataJson).target_id).toBe(MESSAGE);
    const errors = (await scene.use('Quote')).json.errors.data.target_id._errors;
    expect(errors[0].code).toBe('BASE_TYPE_REQUIRED');
  });

  it('is one that there is, as it is now, with what it asks for', async () => {
    expect((await scene.use('ping', { id: MESSAGE })).json.code).toBe(10063);
    expect((await scene.use('ping', { name: 'pong' })).json.code).toBe(10063);
    expect((await scene.use('ping', {}, { application_id: MESSAGE })).json.code).toBe(10063);
    const outdated = await scene.use('ping', { version: MESSAGE });
    expect(outdated.json.errors.data.version._errors[0].message).toMatch(/outdated/);
    const bare = await scene.use('say');
    expect(bare.json.errors.data.options.text._errors[0].code).toBe('BASE_TYPE_REQUIRED');
    expect((await scene.use('ping', {}, {}, scene.bot.token)).json.code).toBe(20001);
    expect((await scene.use('ping', {}, { data: 'ping' })).json.errors.data._errors).toHaveLength(
      1,
    );
    expect(scene.world.owners.of('createInteraction')).toEqual([]);
  });

  it('of one guild is used in that guild', async () => {
    const [own, foreign] = [partitionOf(BigInt(CHANNEL)), partitionOf(BigInt(CHANNEL)) ^ 1].map(
      (partition, index) => String((BigInt(partition) << 12n) | (3n << 40n) | BigInt(index)),
    );
    for (const [guildId, status] of [
      [own!, 204],
      [foreign!, 404],
    ] as const) {
      const path = `/applications/${scene.bot.id}/guilds/${guildId}/commands`;
      const body = { name: 'local', description: 'Here' };
      const { json } = await scene.world.ask('POST', path, { token: scene.alice.token, body });
      const data = { id: json.id, name: 'local', type: 1, guild_id: guildId };
      expect((await scene.use('ping', data)).status).toBe(status);
    }
    const [request, ...others] = scene.world.owners.of('createInteraction');
    expect(request.command.topicId).toBe(BigInt(own!));
    expect(others).toEqual([]);
  });

  it('cannot be answered if the bot was not told', async () => {
    scene.world.owners.on('createInteraction', () => {
      throw refuse('MissingPermissions');
    });
    expect((await scene.use('ping')).json.code).toBe(50013);
    expect((await scene.opened().callback({ type: 4, data: { content: 'x' } })).json.code).toBe(
      10062,
    );
  });
});

describe('A component that a person uses', () => {
  it('names its message, and what was chosen', async () => {
    expect((await scene.press()).status).toBe(204);
    const data = { component_type: 7, custom_id: 'who', values: [scene.bob.id] };
    expect((await scene.press({ data })).status).toBe(204);
    const [pressed, chosen] = scene.world.owners.of('createInteraction');
    expect(pressed).toMatchObject({
      type: 3,
      sourceMessageId: BigInt(MESSAGE),
      customId: 'yes',
      componentType: 2,
    });
    expect(pressed.sourceDocument).toHaveLength(0);
    expect(chosen.mentionableIds).toEqual([BigInt(scene.bob.id)]);
    expect(parsed(chosen.dataJson)).toEqual(data);
    const nowhere = await scene.press({ message_id: undefined });
    expect(nowhere.json.errors.message_id._errors[0].code).toBe('BASE_TYPE_REQUIRED');
    const odd = await scene.press({ data: { ...data, values: ['me'] } });
    expect(odd.json.errors.data.values['0']._errors[0].code).toBe('NUMBER_TYPE_COERCE');
  });

  it('changes its message, at once or later', async () => {
    scene.answerWith();
    await scene.press();
    const now = scene.opened();
    expect((await now.callback({ type: 7, data: { content: 'done' } })).status).toBe(204);
    await scene.press();
    const later = scene.opened();
    expect((await later.callback({ type: 6 })).status).toBe(204);
    await later.webhook('PATCH', '/messages/@original', { content: 'done' });
    const requests = scene.world.owners.of('editResponse');
    expect(requests.map(({ message }) => message.messageId)).toEqual([
      BigInt(MESSAGE),
      BigInt(MESSAGE),
    ]);
    expect(requests[0].origin.sourceMessageId).toBe(BigInt(MESSAGE));
  });

  it('may be on a message that only this person has', async () => {
    scene.answerWith(41n);
    const { callback } = await scene.ping();
    await callback({ type: 4, data: { content: 'sure?', flags: EPHEMERAL } });
    expect((await scene.press({ message_id: '41' }, scene.bob.token)).json.code).toBe(10008);
    expect((await scene.press({ message_id: '41' })).status).toBe(204);
    const request = scene.world.owners.of('createInteraction').at(-1);
    expect(parsed(request.sourceDocument)).toEqual({ content: 'sure?', of: '41' });
    await scene.opened().callback({ type: 7, data: { content: 'sure.' } });
    expect(scene.world.owners.of('editResponse')[0].document.length).toBeGreaterThan(0);
  });
});

describe('What a person types', () => {
  it('is completed by the bot', async () => {
    const typed = { type: 3, name: 'city', value: 'Ber', focused: true };
    expect((await scene.use('say', { options: [typed] }, { type: 4 })).status).toBe(204);
    const { callback } = scene.opened();
    const choices = [{ name: 'Berlin', value: 'ber' }];
    expect((await callback({ type: 4, data: { content: 'x' } })).status).toBe(400);
    expect((await callback({ type: 8, data: { choices } })).status).toBe(204);
    const [told] = scene.world.owners.of('tellInvoker');
    expect(told).toMatchObject({
      type: 'APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE',
      userId: BigInt(scene.alice.id),
      transient: true,
    });
    expect(parsed(told.dataJson)).toEqual({ choices, nonce: 'n1' });
    const none = await scene.use('say', { options: [] }, { type: 4 });
    expect(none.json.errors.data.options._errors[0].code).toBe('BASE_TYPE_REQUIRED');
  });
});

describe('A modal', () => {
  const row = { type: 1, components: [{ type: 4, custom_id: 'name', value: 'Al' }] };
  const submit = (id: string, more: object = {}, token = scene.alice.token) =>
    scene.world.ask('POST', '/interactions', {
      token,
      body: {
        type: 5,
        application_id: scene.bot.id,
        channel_id: CHANNEL,
        data: { id, custom_id: 'form', components: [row] },
        ...more,
      },
    });
  const open = async (): Promise<Opened> => {
    await scene.press();
    const pressed = scene.opened();
    const data = { custom_id: 'form', title: 'Form', components: [row] };
    expect((await pressed.callback({ type: 9, data })).status).toBe(204);
    return pressed;
  };

  it('is shown to who asked, and handed in by it', async () => {
    const { id } = await open();
    const [told] = scene.world.owners.of('tellInvoker');
    expect(told).toMatchObject({ type: 'INTERACTION_MODAL_CREATE', transient: false });
    expect(parsed(told.dataJson)).toMatchObject({
      id,
      custom_id: 'form',
      title: 'Form',
      components: [row],
      application: { id: scene.bot.id, name: 'Helper' },
    });
    expect((await submit(id)).status).toBe(204);
    const request = scene.world.owners.of('createInteraction').at(-1);
    expect(request).toMatchObject({ type: 5, sourceMessageId: BigInt(MESSAGE) });
    expect(parsed(request.dataJson)).toEqual({ custom_id: 'form', components: [row] });
    scene.answerWith(51n);
    const submitted = scene.opened();
    const again = { custom_id: 'form', title: 'Form', components: [row] };
    expect((await submitted.callback({ type: 9, data: again })).status).toBe(400);
    expect((await submitted.callback({ type: 4, data: { content: 'thanks' } })).status).toBe(204);
    expect(scene.world.owners.of('createResponse')[0].origin).toMatchObject({
      type: 5,
      triggeringId: BigInt(id),
      triggeringType: 3,
    });
  });

  it('is handed in by nobody else, and nowhere else', async () => {
    const { id } = await open();
    expect((await submit(id, {}, scene.bob.token)).json.code).toBe(10062);
    expect((await submit(id, { channel_id: GUILD })).json.code).toBe(10062);
    const data = { id, custom_id: 'other', components: [] };
    expect((await submit(id, { data })).json.code).toBe(10062);
    expect((await submit(MESSAGE)).json.code).toBe(10062);
    const { id: unanswered } = await scene.ping();
    expect((await submit(unanswered)).json.code).toBe(10062);
    scene.world.clock.advance(900_001);
    expect((await submit(id)).json.code).toBe(10062);
  });
});

describe('The commands that a client offers', () => {
  const bots = () =>
    scene.world.owners.on('listApplications', () => ({
      bots: [
        { id: BigInt(scene.bot.id), username: 'Helper', bot: true },
        { id: 5n, username: 'Mute' },
      ],
      guildId: BigInt(GUILD),
    }));

  it('are those of the bots that are here', async () => {
    bots();
    const { token } = scene.alice;
    for (const path of [`/channels/${CHANNEL}`, `/guilds/${GUILD}`]) {
      const { json } = await scene.world.ask('GET', `${path}/application-command-index`, { token });
      expect(json.applications).toMatchObject([{ id: scene.bot.id, name: 'Helper' }]);
      expect(json.application_commands.map(({ name }: { name: string }) => name).sort()).toEqual([
        'Greet',
        'Quote',
        'ping',
        'say',
      ]);
    }
    const [channel, guild] = scene.world.owners.of('listApplications');
    expect(channel.channelId).toBe(BigInt(CHANNEL));
    expect(guild.command.topicId).toBe(BigInt(GUILD));
  });

  it('can be searched', async () => {
    bots();
    const path = `/channels/${CHANNEL}/application-commands/search?type=1&query=P&limit=1`;
    const { json } = await scene.world.ask('GET', path, { token: scene.alice.token });
    expect(json.application_commands).toMatchObject([{ name: 'ping' }]);
  });
});
