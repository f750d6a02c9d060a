import { refuse } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { snowflakeAt } from '@guildhall/snowflake';
import { eventually } from '@guildhall/testkit';
import { makeGround, makeWorld, type Ground } from '../api-world.conformance.js';
import {
  bytes,
  CHANNEL,
  EPHEMERAL,
  InteractionScene,
  parsed,
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

describe('An answer', () => {
  it('is a message of the bot, once', async () => {
    scene.answerWith(11n);
    const { callback, id } = await scene.ping();
    const answer = await callback({ type: 4, data: { content: 'pong', allowed_mentions: {} } });
    expect([answer.status, answer.text]).toEqual([204, '']);
    const [request] = scene.world.owners.of('createResponse');
    expect(request).toMatchObject({
      message: {
        command: { actorId: BigInt(scene.bot.id), actorIsBot: true },
        channelId: BigInt(CHANNEL),
        content: 'pong',
        applicationId: BigInt(scene.bot.id),
      },
      origin: {
        interactionId: BigInt(id),
        applicationId: BigInt(scene.bot.id),
        type: 2,
        name: 'ping',
        commandType: 1,
        user: { id: BigInt(scene.alice.id) },
      },
      ephemeral: false,
      loading: false,
    });
    const again = await callback({ type: 4, data: { content: 'pong' } });
    expect([again.status, again.json]).toEqual([
      400,
      { message: 'Interaction has already been acknowledged.', code: 40060 },
    ]);
    expect(scene.world.owners.of('createResponse')).toHaveLength(1);
    await eventually(() => scene.world.owners.of('tellInvoker').length > 0, {
      label: 'the client told',
    });
    const [told] = scene.world.owners.of('tellInvoker');
    expect(told).toMatchObject({ type: 'INTERACTION_SUCCESS', userId: BigInt(scene.alice.id) });
    expect(parsed(told.dataJson)).toEqual({ id, nonce: 'n1' });
  });

  it('says what became of it, if asked', async () => {
    scene.answerWith(12n);
    const { callback, id } = await scene.ping();
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
    const { callback } = await scene.ping();
    scene.world.owners.on('createResponse', () => {
      throw refuse('EmptyMessage');
    });
    expect((await callback({ type: 4, data: { content: 'x' } })).json.code).toBe(50006);
    expect((await callback({ type: 4, data: {} })).json.code).toBe(50006);
    scene.world.owners.on('createResponse', () => {
      throw new Fault(FaultCode.Overloaded, 'full');
    });
    expect((await callback({ type: 4, data: { content: 'x' } })).status).toBe(503);
    scene.answerWith(13n);
    expect((await callback({ type: 4, data: { content: 'x' } })).status).toBe(204);
    const ids = scene.world.owners
      .of('createResponse')
      .map(({ message }) => message.command.commandId);
    expect(ids.length).toBeGreaterThan(2);
    expect(new Set(ids).size).toBe(1);
  });

  it('comes in time, from who has the token', async () => {
    const first = await scene.ping();
    const second = await scene.ping();
    const body = { type: 4, data: { content: 'x' } };
    const path = `/interactions/${first.id}/${second.token}/callback`;
    expect((await scene.world.ask('POST', path, { body })).json.code).toBe(10062);
    const forged = Buffer.from(`interaction:${first.id}:${'a'.repeat(43)}`).toString('base64url');
    const other = `/interactions/${first.id}/${forged}/callback`;
    expect((await scene.world.ask('POST', other, { body })).json.code).toBe(10062);
    scene.world.clock.advance(3_001);
    expect((await first.callback(body)).json.code).toBe(10062);
    expect(scene.world.owners.of('createResponse')).toEqual([]);
  });

  it('is of a kind that fits', async () => {
    const { callback } = await scene.ping();
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
    scene.answerWith(14n);
    const { id, token } = await scene.ping();
    const form = new FormData();
    form.set('payload_json', JSON.stringify({ type: 4, data: { attachments: [{ id: 0 }] } }));
    form.set('files[0]', new Blob(['abc']), 'a.txt');
    const path = `/interactions/${id}/${token}/callback`;
    expect((await scene.world.ask('POST', path, { body: form })).status).toBe(204);
    expect(scene.world.owners.of('createResponse')[0].message.attachments).toMatchObject([
      { filename: 'a.txt', sizeBytes: 3n },
    ]);
  });
});

describe('An answer that is deferred', () => {
  it('is a message that is loading, whose place the first other takes', async () => {
    scene.answerWith(21n, 22n);
    const { callback, webhook } = await scene.ping();
    expect((await callback({ type: 5 })).status).toBe(204);
    expect(scene.world.owners.of('createResponse')[0]).toMatchObject({
      loading: true,
      ephemeral: false,
    });
    const first = await webhook('POST', '', { content: 'here' });
    expect(first.json).toMatchObject({ id: '21', content: 'here' });
    const second = await webhook('POST', '', { content: 'more' });
    expect(second.json).toMatchObject({ id: '22', content: 'more' });
    expect(scene.world.owners.of('createResponse')[1]).toMatchObject({
      message: { referenceMessageId: 21n },
      origin: { originalResponseId: 21n },
      loading: false,
    });
  });

  it('is still loading when what was to take its place was refused', async () => {
    scene.answerWith(23n);
    const { callback, webhook } = await scene.ping();
    await callback({ type: 5, data: { flags: EPHEMERAL } });
    scene.world.owners.on('editResponse', () => {
      throw refuse('EmptyMessage');
    });
    expect((await webhook('POST', '', { content: 'x' })).json.code).toBe(50006);
    scene.answerWith(24n);
    expect((await webhook('POST', '', { content: 'y' })).json.id).toBe('23');
    expect((await webhook('GET', '/messages/@original')).json).toMatchObject({ content: 'y' });
  });
});

describe('The messages of an interaction', () => {
  it('are read, changed and deleted by its token', async () => {
    scene.answerWith(31n, 32n);
    const { callback, webhook, id } = await scene.ping();
    await callback({ type: 4, data: { content: 'one' } });
    scene.world.owners.on('getResponse', () => ({ json: bytes({ id: '31', content: 'one' }) }));
    expect((await webhook('GET', '/messages/@original')).json).toEqual({
      id: '31',
      content: 'one',
    });
    expect(scene.world.owners.of('getResponse')[0]).toMatchObject({
      command: { actorId: BigInt(scene.bot.id) },
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
    expect(scene.world.owners.of('deleteResponse').map(({ messageId }) => messageId)).toEqual([
      32n,
      31n,
    ]);
  });

  it('that one person sees are kept here, and go with time', async () => {
    scene.answerWith(33n, 34n);
    const { callback, webhook, id } = await scene.ping();
    await callback({ type: 4, data: { content: 'hush', flags: EPHEMERAL } });
    expect((await webhook('GET', '/messages/@original')).json.content).toBe('hush');
    expect(scene.world.owners.of('getResponse')).toEqual([]);
    const changed = await webhook('PATCH', '/messages/@original', { content: 'hush hush' });
    expect(changed.json.content).toBe('hush hush');
    expect(parsed(scene.world.owners.of('editResponse')[0].document)).toEqual({
      content: 'hush',
      of: '33',
    });
    await webhook('PATCH', '/messages/33', { content: 'again' });
    expect(parsed(scene.world.owners.of('editResponse')[1].document).content).toBe('hush hush');
    const follow = await webhook('POST', '', { content: 'psst', flags: EPHEMERAL });
    expect(follow.json.id).toBe('34');
    expect(scene.world.owners.of('createResponse')[1].message.referenceMessageId).toBe(33n);
    const other = await scene.ping();
    await other.callback({ type: 1 });
    expect((await other.webhook('GET', '/messages/33')).json.code).toBe(10008);
    expect((await webhook('DELETE', '/messages/@original')).status).toBe(204);
    expect(scene.world.owners.of('deleteResponse')[0]).toMatchObject({
      ephemeral: true,
      origin: { interactionId: BigInt(id), user: { id: BigInt(scene.alice.id) } },
    });
    expect((await webhook('GET', '/messages/@original')).json.code).toBe(10008);
  });

  it('do not tell everybody of those that one person sees', async () => {
    scene.answerWith(37n, 38n, 39n);
    const { callback, webhook } = await scene.ping();
    await callback({ type: 4, data: { content: 'hush', flags: EPHEMERAL } });
    await webhook('POST', '', { content: 'aloud' });
    await webhook('DELETE', '/messages/@original');
    await webhook('POST', '', { content: 'aloud again' });
    const [, ...follow] = scene.world.owners.of('createResponse');
    for (const { message, origin, followUp } of follow) {
      expect(message.referenceMessageId).toBe(0n);
      expect([origin.originalResponseId, followUp]).toEqual([0n, true]);
    }
    scene.answerWith(40n, 41n);
    await scene.ping();
    await scene.opened().callback({ type: 4, data: { content: 'sure?', flags: EPHEMERAL } });
    await scene.press({ message_id: '40' });
    await scene.opened().callback({ type: 4, data: { content: 'aloud' } });
    expect(scene.world.owners.of('createResponse').at(-1)).toMatchObject({
      message: { referenceMessageId: 0n },
      origin: { sourceMessageId: 0n },
    });
  });

  it('lose no change when two are made at once', async () => {
    scene.answerWith(35n);
    const { callback, webhook } = await scene.ping();
    await callback({ type: 4, data: { content: '', flags: EPHEMERAL, embeds: [{ title: 'x' }] } });
    scene.world.owners.on('editResponse', ({ message, document }: never) => {
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
    scene.answerWith(36n);
    const { callback, webhook, token } = await scene.ping();
    expect((await webhook('POST', '', { content: 'x' })).json).toEqual({
      message: 'Unknown Webhook',
      code: 10015,
    });
    await callback({ type: 1 });
    expect((await webhook('GET', '/messages/@original')).json.code).toBe(10008);
    const elsewhere = await scene.world.ask('POST', `/webhooks/${scene.alice.id}/${token}`, {
      body: { content: 'x' },
    });
    expect([elsewhere.status, elsewhere.json.code]).toEqual([401, 50027]);
    expect((await webhook('POST', '', { content: 'x' })).json.id).toBe('36');
    scene.world.clock.advance(900_001);
    expect((await webhook('POST', '', { content: 'x' })).json.code).toBe(50027);
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
