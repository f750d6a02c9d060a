import { readdir } from 'node:fs/promises';
import { refuse } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { makeGround, makeWorld, type Ground, type World } from '../api-world.conformance.js';

const CHANNEL = '817000000000000001';
const GUILD = '817000000000000002';
const MESSAGE = '817000000000000003';
const json = (value: unknown): { json: Uint8Array } => ({
  json: Buffer.from(JSON.stringify(value)),
});

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

let ground: Ground;
let world: World;
let alice: { token: string; id: string; email: string; password: string };
let bot: { token: string; id: string };

beforeAll(async () => {
  ground = await makeGround();
  world = await makeWorld(ground);
  alice = await world.person('alice');
  bot = await world.bot(alice.token, 'Helper');
}, 60_000);
beforeEach(() => world.owners.reset());
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await ground?.end();
});

describe('Messages', () => {
  const path = `/channels/${CHANNEL}/messages`;

  it('lets who sends too much send it, so that the answer is heard', async () => {
    const body = { content: 'x'.repeat(8 * 1024 * 1024) };
    for (let at = 0; at < 20; at++) {
      const answer = await world.ask('POST', path, { token: bot.token, body });
      expect([answer.status, answer.json.code]).toEqual([413, 40005]);
      expect(answer.headers.get('connection')).not.toBe('close');
    }
  });

  it('sends what was said, and passes the owner’s JSON through untouched', async () => {
    const odd = `{"id":"${MESSAGE}",  "content":"hi"}`;
    world.owners.on('createMessage', () => ({ json: Buffer.from(odd), messageId: 9n }));
    const answer = await world.ask('POST', path, {
      token: bot.token,
      body: {
        content: 'hi',
        nonce: 1234,
        enforce_nonce: true,
        messageReference: 'stray',
        message_reference: { message_id: MESSAGE, fail_if_not_exists: false },
        allowed_mentions: { parse: ['roles', 'users'] },
        embeds: [{ title: 'T', color: 255, timestamp: '2026-01-02T03:04:05.678Z' }],
      },
    });
    expect(answer.text).toBe(odd);
    const [request] = world.owners.of('createMessage');
    expect(request).toMatchObject({
      channelId: BigInt(CHANNEL),
      content: 'hi',
      nonce: '1234',
      nonceIsNumber: true,
      enforceNonce: true,
      referenceMessageId: BigInt(MESSAGE),
      referenceMustExist: false,
      applicationId: BigInt(bot.id),
      author: { id: BigInt(bot.id), bot: true },
      allowedMentions: { parse: ['roles', 'users'], repliedUser: false },
    });
    expect(JSON.parse(Buffer.from(request.embedsJson).toString())).toEqual([
      {
        type: 'rich',
        title: 'T',
        color: 255,
        timestamp: '2026-01-02T03:04:05.678000+00:00',
        fields: [],
      },
    ]);
    expect(world.owners.of('ack')).toHaveLength(0);
  });

  it('repeats a command under one id while its partition moves', async () => {
    let tries = 0;
    world.owners.on('createMessage', () => {
      if (++tries < 3) throw new Fault(FaultCode.WrongOwner, 'moved');
      return { json: Buffer.from('{}'), messageId: 9n };
    });
    const answer = await world.ask('POST', path, { token: bot.token, body: { content: 'hi' } });
    expect([answer.status, tries]).toEqual([200, 3]);
    const ids = world.owners.of('createMessage').map(({ command }) => command.commandId);
    expect(new Set(ids).size).toBe(1);
  });

  it('acks a person’s own message, silently, and stands by the message if that fails', async () => {
    world.owners.on('createMessage', () => ({ json: Buffer.from('{"id":"9"}'), messageId: 9n }));
    await world.ask('POST', path, { token: alice.token, body: { content: 'hi' } });
    expect(world.owners.of('ack')[0]).toMatchObject({
      userId: BigInt(alice.id),
      silent: true,
      acks: [{ channelId: BigInt(CHANNEL), messageId: 9n }],
    });
    world.owners.on('ack', () => {
      throw new Fault(FaultCode.Overloaded, 'full');
    });
    const answer = await world.ask('POST', path, { token: alice.token, body: { content: 'hi' } });
    expect([answer.status, answer.json]).toEqual([200, { id: '9' }]);
  });

  it('refuses an empty message, and what is too long or wrong, by its path', async () => {
    const post = (body: unknown) => world.ask('POST', path, { token: bot.token, body });
    expect((await post({})).json.code).toBe(50006);
    expect((await post({ content: '  ' })).json.code).toBe(50006);
    const long = await post({ content: 'x'.repeat(2001) });
    expect(long.json.errors.content._errors).toEqual([
      { code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' },
    ]);
    const embed = await post({ embeds: [{}, { fields: [{ name: 'n' }] }] });
    expect(embed.json.errors.embeds['1'].fields['0'].value._errors[0].code).toBe(
      'BASE_TYPE_REQUIRED',
    );
    const wrong = await post({ content: {}, tts: 'maybe', embeds: {}, allowed_mentions: [] });
    expect(Object.keys(wrong.json.errors)).toEqual([
      'content',
      'tts',
      'embeds',
      'allowed_mentions',
    ]);
    expect(world.owners.of('createMessage')).toHaveLength(0);
  });

  it('edits just what was said', async () => {
    world.owners.on('editMessage', () => json({}));
    await world.ask('PATCH', `${path}/${MESSAGE}`, { token: bot.token, body: { content: null } });
    await world.ask('PATCH', `${path}/${MESSAGE}`, {
      token: bot.token,
      body: { embeds: [], attachments: [{ id: MESSAGE }], flags: 4 },
    });
    const [first, second] = world.owners.of('editMessage');
    expect(first.content).toBe('');
    expect([first.embedsJson, first.keepAttachments, first.flags]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(second.content).toBeUndefined();
    expect(Buffer.from(second.embedsJson).toString()).toBe('[]');
    expect(second.keepAttachments.ids).toEqual([BigInt(MESSAGE)]);
    expect(second.flags).toBe(4);
  });

  it('lists by limit and one anchor', async () => {
    world.owners.on('listMessages', () => json([]));
    await world.ask('GET', path, { token: bot.token });
    await world.ask('GET', `${path}?limit=100&before=5`, { token: bot.token });
    await world.ask('GET', `${path}?after=0`, { token: bot.token });
    const [first, second, oldest] = world.owners.of('listMessages');
    expect([first.limit, first.before, first.after, first.around]).toEqual([50, 0n, 0n, 0n]);
    expect([second.limit, second.before]).toEqual([100, 5n]);
    // To owners 0 is none at all, and the page would be the latest.
    expect(oldest.after).toBe(1n);
    const wrong = await world.ask('GET', `${path}?limit=101`, { token: bot.token });
    expect(wrong.json.errors.limit._errors[0]).toEqual({
      code: 'NUMBER_TYPE_MAX',
      message: 'int value should be less than or equal to 100.',
    });
  });

  it('deletes one, or many, and says how many are too few', async () => {
    expect((await world.ask('DELETE', `${path}/${MESSAGE}?`, { token: bot.token })).status).toBe(
      204,
    );
    const bulk = (messages: string[]) =>
      world.ask('POST', `${path}/bulk-delete`, { token: bot.token, body: { messages } });
    expect((await bulk([MESSAGE])).json.code).toBe(50016);
    expect((await bulk([MESSAGE, MESSAGE])).json.code).toBe(50016);
    expect((await bulk([MESSAGE, CHANNEL])).status).toBe(204);
    expect(world.owners.of('deleteMessages').map(({ bulk: isBulk }) => isBulk)).toEqual([
      false,
      true,
    ]);
  });

  it('types, crossposts, pins under both addresses', async () => {
    world.owners.on('crosspostMessage', () => json({}));
    world.owners.on('listPins', () => json([]));
    const ask = (method: string, rest: string) =>
      world.ask(method, `/channels/${CHANNEL}${rest}`, { token: bot.token });
    expect((await ask('POST', '/typing')).status).toBe(204);
    expect((await ask('POST', `/messages/${MESSAGE}/crosspost`)).status).toBe(200);
    expect((await ask('PUT', `/messages/pins/${MESSAGE}`)).status).toBe(204);
    expect((await ask('DELETE', `/pins/${MESSAGE}`)).status).toBe(204);
    expect((await ask('GET', '/pins')).status).toBe(200);
    expect((await ask('GET', '/messages/pins?before=2026-01-01T00:00:00Z&limit=5')).status).toBe(
      200,
    );
    const [old, now] = world.owners.of('listPins');
    expect([old.legacy, now.legacy, now.limit]).toEqual([true, false, 5]);
    expect(now.beforeMs).toBe(BigInt(Date.UTC(2026, 0, 1)));
  });

  it('reads the emoji of a reaction in every spelling', async () => {
    const put = (emoji: string) =>
      world.ask('PUT', `${path}/${MESSAGE}/reactions/${emoji}/@me`, { token: bot.token });
    expect((await put(encodeURIComponent('👍🏽'))).status).toBe(204);
    expect((await put('blob:817000000000000009')).status).toBe(204);
    expect((await put(encodeURIComponent('👩‍❤️‍💋‍👨'))).status).toBe(204);
    const unknown = await put('notanemoji');
    expect([unknown.status, unknown.json.code]).toEqual([400, 10014]);
    expect(world.owners.of('putReaction').map(({ emoji }) => [emoji.id, emoji.name])).toEqual([
      [0n, '👍🏽'],
      [817000000000000009n, 'blob'],
      [0n, '👩‍❤️‍💋‍👨'],
    ]);
    const other = `${path}/${MESSAGE}/reactions/%F0%9F%91%8D/${alice.id}`;
    expect((await world.ask('DELETE', other, { token: bot.token })).status).toBe(204);
    expect(world.owners.of('deleteReaction')[0].userId).toBe(BigInt(alice.id));
    world.owners.on('listReactions', () => json([]));
    const list = `${path}/${MESSAGE}/reactions/%F0%9F%91%8D?limit=2`;
    expect((await world.ask('GET', list, { token: bot.token })).json).toEqual([]);
    await world.ask('DELETE', `${path}/${MESSAGE}/reactions/%F0%9F%91%8D`, { token: bot.token });
    await world.ask('DELETE', `${path}/${MESSAGE}/reactions`, { token: bot.token });
    expect(world.owners.of('clearReactions').map(({ emoji }) => emoji?.name)).toEqual([
      '👍',
      undefined,
    ]);
  });
});

describe('Files', () => {
  const path = `/channels/${CHANNEL}/messages`;
  const form = (parts: Record<string, string | Blob>, name = 'cat.png'): FormData => {
    const data = new FormData();
    for (const [key, value] of Object.entries(parts)) {
      if (typeof value === 'string') data.append(key, value);
      else data.append(key, value, name);
    }
    return data;
  };

  beforeEach(() => {
    world.owners.on('createMessage', () => ({ json: Buffer.from('{"id":"9"}'), messageId: 9n }));
  });

  it('takes payload_json with files, keeps them, and serves them', async () => {
    const bytes = Buffer.from('not really a cat');
    const payload = { content: 'look', attachments: [{ id: '0', description: 'a cat' }] };
    const body = form({
      payload_json: JSON.stringify(payload),
      'files[0]': new Blob([bytes], { type: 'image/png' }),
    });
    expect((await world.ask('POST', path, { token: bot.token, body })).status).toBe(200);
    const [request] = world.owners.of('createMessage');
    const [attachment] = request.attachments;
    expect(request.content).toBe('look');
    expect(attachment).toMatchObject({
      filename: 'cat.png',
      description: 'a cat',
      contentType: 'image/png',
      sizeBytes: BigInt(bytes.length),
      url: `http://files.example/attachments/${CHANNEL}/${attachment.id}/cat.png`,
    });
    const address = new URL(attachment.url).pathname;
    const served = await fetch(world.url + address);
    expect(Buffer.from(await served.arrayBuffer())).toEqual(bytes);
    expect(served.headers.get('content-type')).toBe('image/png');
    expect(served.headers.get('content-disposition')).toBe('inline; filename="cat.png"');
    expect(served.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('says how large a picture is, and what a file is', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000140000000f008060000', 'hex');
    const body = form({ 'files[0]': new Blob([png]), 'files[1]': new Blob(['x']) }, 'a.txt');
    await world.ask('POST', path, { token: bot.token, body });
    const [request] = world.owners.of('createMessage');
    expect(request.attachments).toMatchObject([
      { width: 320, height: 240, contentType: 'text/plain; charset=utf-8' },
      { width: 0, height: 0 },
    ]);
  });

  it('takes one part per key as well', async () => {
    const body = form(
      {
        content: '123',
        tts: 'true',
        allowed_mentions: '{"parse":["users"]}',
        file: new Blob(['x'], { type: 'text/html' }),
      },
      'page.html',
    );
    expect((await world.ask('POST', path, { token: bot.token, body })).status).toBe(200);
    const [request] = world.owners.of('createMessage');
    expect(request).toMatchObject({
      content: '123',
      tts: true,
      allowedMentions: { parse: ['users'] },
    });
    // What could run as a page is saved and not shown.
    const served = await fetch(world.url + new URL(request.attachments[0].url).pathname);
    expect(served.headers.get('content-type')).toBe('application/octet-stream');
    expect(served.headers.get('content-disposition')).toMatch(/^attachment;/);
    await served.arrayBuffer();
  });

  it('gives no path away', async () => {
    const body = form({ 'files[0]': new Blob(['x']) }, '../../../etc/passwd');
    await world.ask('POST', path, { token: bot.token, body });
    const [request] = world.owners.of('createMessage');
    expect(request.attachments[0].filename).toBe('passwd');
    for (const address of [
      `/attachments/${CHANNEL}/1/..%2F..%2Fpasswd`,
      '/attachments/..%2F..%2Fetc/1/passwd',
      `/attachments/${CHANNEL}/${request.attachments[0].id}/.`,
      `/avatars/${alice.id}/..%2F..%2Fx.png`,
      `/avatars/..%2Ftemp/${'0'.repeat(32)}.png`,
    ]) {
      expect((await fetch(world.url + address)).status).toBe(404);
    }
  });

  it('refuses files that are too many or too large, and leaves nothing of them', async () => {
    await using small = await makeWorld(ground, {
      fileBytesMax: 1000,
      uploadBytesMax: 1500,
      filesMax: 2,
    });
    small.owners.on('createMessage', () => ({ json: Buffer.from('{"id":"9"}'), messageId: 9n }));
    const post = (parts: Record<string, Blob>) =>
      small.ask('POST', path, { token: bot.token, body: form(parts) });
    const blob = (bytes: number) => new Blob([Buffer.alloc(bytes)]);
    const many = { 'files[0]': blob(1), 'files[1]': blob(1), 'files[2]': blob(1) };
    for (const parts of [{ 'files[0]': blob(1001) }, { a: blob(900), b: blob(900) }, many]) {
      const answer = await post(parts);
      expect([answer.status, answer.json]).toEqual([
        413,
        { message: 'Request entity too large', code: 40005 },
      ]);
    }
    expect((await post({ 'files[0]': blob(1000) })).status).toBe(200);
    expect(await readdir(`${small.config.filesDir}/temp`)).toEqual([]);
  });

  it('drops the file of a message that is refused', async () => {
    let id = 0n;
    world.owners.on('createMessage', ({ attachments }: { attachments: { id: bigint }[] }) => {
      id = attachments[0]!.id;
      throw refuse('MissingPermissions');
    });
    const body = form({ 'files[0]': new Blob(['x']) });
    expect((await world.ask('POST', path, { token: bot.token, body })).json.code).toBe(50013);
    expect((await fetch(`${world.url}/attachments/${CHANNEL}/${id}/cat.png`)).status).toBe(404);
  });

  it('survives forms that are none', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x' };
    for (const body of [
      '',
      '--x',
      '--x\r\n\r\n',
      '--x--',
      '--x\r\nContent-Disposition: form-data\r\n\r\na',
    ]) {
      const answer = await world.ask('POST', path, { token: bot.token, body, headers });
      expect(answer.status).toBe(400);
    }
    const none = { 'content-type': 'multipart/form-data' };
    const answer = await world.ask('POST', path, { token: bot.token, body: 'x', headers: none });
    expect(answer.status).toBe(400);
  });
});

describe('Read states', () => {
  it('asks how many mentions lie past the message, then moves the mark', async () => {
    world.owners.on('countMentions', () => ({
      mentionCount: 3,
      lastMessageId: 99n,
      isGuildChannel: true,
    }));
    const path = `/channels/${CHANNEL}/messages/${MESSAGE}/ack`;
    const answer = await world.ask('POST', path, { token: alice.token, body: { token: null } });
    expect([answer.status, answer.json]).toEqual([200, { token: null }]);
    expect(world.owners.asked.map(({ method }) => method)).toEqual(['countMentions', 'ack']);
    expect(world.owners.of('countMentions')[0].position).toBe(BigInt(MESSAGE));
    expect(world.owners.of('ack')[0]).toMatchObject({
      userId: BigInt(alice.id),
      silent: false,
      acks: [{ mentionCount: 3, channelLastMessageId: 99n, flags: 1, manual: false }],
    });
    const body = { manual: true, mention_count: 7, flags: 2 };
    await world.ask('POST', path, { token: alice.token, body });
    expect(world.owners.of('ack')[1].acks[0]).toMatchObject({
      manual: true,
      mentionCount: 7,
      flags: 2,
      channelLastMessageId: 99n,
    });
    // By hand without a count: the mark moves back, and what lies past it is counted as ever.
    await world.ask('POST', path, { token: alice.token, body: { manual: true } });
    expect(world.owners.of('ack')[2].acks[0]).toMatchObject({
      manual: true,
      mentionCount: 3,
      channelLastMessageId: 0n,
    });
  });

  it('sends many acks of one request in one message', async () => {
    const read_states = Array.from({ length: 100 }, (_, at) => ({
      channel_id: String(1_000 + at),
      message_id: '5',
      read_state_type: 1,
    }));
    const body = { read_states };
    const answer = await world.ask('POST', '/read-states/ack-bulk', { token: alice.token, body });
    expect(answer.status).toBe(204);
    expect(world.owners.of('ack')).toHaveLength(100);
    expect(world.owners.batchesCount).toBe(1);
  });

  it('is for people who may see the channel', async () => {
    const path = `/channels/${CHANNEL}/messages/${MESSAGE}/ack`;
    expect((await world.ask('POST', path, { token: bot.token })).json.code).toBe(20001);
    world.owners.on('countMentions', () => {
      throw refuse('MissingAccess');
    });
    expect((await world.ask('POST', path, { token: alice.token })).json.code).toBe(50001);
    expect(world.owners.of('ack')).toHaveLength(0);
  });

  it('acks many at once and passes over what is hidden', async () => {
    world.owners.on('countMentions', ({ channelId }: { channelId: bigint }) => {
      if (channelId === 2n) throw refuse('UnknownChannel');
      return { mentionCount: 0, lastMessageId: 9n };
    });
    const read_states = [
      { channel_id: '1', message_id: '5' },
      { channel_id: '2', message_id: '5' },
      { channel_id: '3', message_id: '5', read_state_type: 1 },
    ];
    const answer = await world.ask('POST', '/read-states/ack-bulk', {
      token: alice.token,
      body: { read_states },
    });
    expect(answer.status).toBe(204);
    const acks = world.owners.of('ack').flatMap((request) => request.acks);
    expect(acks.map(({ channelId, type }) => [channelId, type])).toEqual([
      [1n, 0],
      [3n, 1],
    ]);
    const many = Array.from({ length: 101 }, () => read_states[0]);
    const tooMany = await world.ask('POST', '/read-states/ack-bulk', {
      token: alice.token,
      body: { read_states: many },
    });
    expect(tooMany.status).toBe(400);
  });

  it('knows the other kinds', async () => {
    const ask = (method: string, path: string) => world.ask(method, path, { token: alice.token });
    expect((await ask('POST', `/channels/${CHANNEL}/pins/ack`)).status).toBe(204);
    expect((await ask('POST', `/guilds/${GUILD}/ack/1/${MESSAGE}`)).status).toBe(200);
    expect((await ask('POST', `/guilds/${GUILD}/ack/9/${MESSAGE}`)).status).toBe(400);
    expect((await ask('POST', `/users/@me/2/${MESSAGE}/ack`)).status).toBe(200);
    expect((await ask('DELETE', `/channels/${CHANNEL}/messages/ack`)).status).toBe(204);
    world.owners.on('listChannels', () => json([{ id: '1', last_message_id: '7' }, { id: '2' }]));
    expect((await ask('POST', `/guilds/${GUILD}/ack`)).status).toBe(204);
    expect(world.owners.asked.map(({ method }) => method)).toEqual([
      'countMentions',
      'ackPins',
      'getUserGuild',
      'ack',
      'ack',
      'delete',
      'listChannels',
      'ack',
    ]);
    expect(world.owners.of('ack')[2].acks).toHaveLength(1);
  });
});
