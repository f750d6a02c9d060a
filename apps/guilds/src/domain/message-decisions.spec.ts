import { create } from '@bufbuild/protobuf';
import { GetMessageRequestSchema, StartTypingRequestSchema } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import {
  ANN,
  BEN,
  BOT,
  CATEGORY,
  eventData,
  EVERYONE,
  GUILD,
  HIDDEN,
  MessageStage,
  MOD,
  NEWS,
  OWNER,
  person,
  PRIVATE,
  QUIET_ROLE,
  SLOW,
  STRANGER,
  TEAM_ROLE,
  TEXT,
  VOICE,
} from '../testing/message-stage.js';
import { chatIdOf } from './audiences.js';
import { createSystemMessage, crosspostMessage, startTyping } from './message-decisions.js';
import { MessageFlag, MessageType } from './message.js';
import { newRole } from './role.js';

let stage: MessageStage;
beforeEach(() => {
  stage = new MessageStage();
});

/** The Discord code that something is refused with. */
function refusal(run: () => unknown): number | string {
  try {
    run();
  } catch (error) {
    if (error instanceof Fault) return error.refusal?.discordCode ?? error.code;
    throw error;
  }
  return 'not refused';
}

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const setEveryone = (permissions: bigint): void =>
  stage.guild.putRole({ ...newRole(GUILD, '@everyone', permissions), position: 0 });
const timeOut = (userId: bigint): void =>
  stage.guild.putMember({
    ...stage.guild.member(userId)!,
    communicationDisabledUntilMs: stage.clock.nowMs() + 60_000,
  });

describe('createMessage', () => {
  it('answers with the message, and publishes it with what else a client needs', () => {
    const { id, json, changes } = stage.send(ANN, { content: 'hi <@13>' });
    expect(json).toMatchObject({
      id: String(id),
      channel_id: String(TEXT),
      type: 0,
      author: { id: String(ANN), username: 'user12' },
      content: 'hi <@13>',
      timestamp: '2026-01-01T00:00:00.001000+00:00',
      edited_timestamp: null,
      tts: false,
      mention_everyone: false,
      mention_roles: [],
      attachments: [],
      embeds: [],
      components: [],
      pinned: false,
      flags: 0,
    });
    expect((json['mentions'] as object[])[0]).not.toHaveProperty('member');
    for (const key of ['guild_id', 'member', 'nonce', 'reactions', 'referenced_message']) {
      expect(json).not.toHaveProperty(key);
    }
    expect(changes.events).toMatchObject([
      { type: 'MESSAGE_CREATE', channelId: TEXT, authorId: ANN, mentionedUserIds: [BEN] },
    ]);
    expect(changes.events[0]!.hasContent).toBe(true);
    const [data] = eventData(changes, 'MESSAGE_CREATE');
    expect(data).toMatchObject({
      guild_id: String(GUILD),
      channel_type: 0,
      member: { roles: [String(TEAM_ROLE)] },
      mentions: [{ id: String(BEN), member: { roles: [String(QUIET_ROLE)] } }],
    });
    expect(data!['member']).not.toHaveProperty('user');
  });

  it('mints ids that grow, writes the row, and moves the last message of the channel', () => {
    stage.guild.channel(TEXT)!.lastMessageId = 1n << 62n;
    const first = stage.send(ANN, { content: 'a' });
    const second = stage.send(BEN, { content: 'b' });
    expect(first.id > 1n << 62n && second.id > first.id).toBe(true);
    expect(stage.guild.channel(TEXT)!.lastMessageId).toBe(second.id);
    expect(first.changes.rows.map(({ table }) => table)).toEqual(['messages']);
    expect(stage.row('messages', TEXT, first.id)).toMatchObject({
      content: 'a',
      author: { id: '12' },
    });
  });

  it('shows a member as the guild knows it, and anybody else as the request says', () => {
    const request = { content: 'x', author: person(ANN, { username: 'stale' }) };
    expect(stage.send(ANN, request).json).toMatchObject({ author: { username: 'user12' } });
    const fleet = { content: 'x', author: person(99n, { username: 'system' }) };
    expect(stage.send(0n, fleet).json).toMatchObject({ author: { username: 'system' } });
  });

  it('refuses where one may not write', () => {
    const say = (channelId: bigint, actor: bigint) => () =>
      stage.send(actor, { channelId, content: 'x' });
    expect(refusal(say(999n, ANN))).toBe(10003);
    expect(refusal(say(HIDDEN, BEN))).toBe(50001);
    expect(refusal(say(TEXT, STRANGER))).toBe(50001);
    expect(refusal(say(CATEGORY, ANN))).toBe(50008);
    expect(refusal(say(VOICE, ANN))).toBe('not refused');
    timeOut(ANN);
    expect(refusal(say(TEXT, ANN))).toBe(50013);
    setEveryone(EVERYONE & ~Permission.SEND_MESSAGES);
    expect(refusal(say(TEXT, BEN))).toBe(50013);
    expect(refusal(say(TEXT, OWNER))).toBe('not refused');
    setEveryone(EVERYONE & ~Permission.CONNECT);
    expect(refusal(say(VOICE, BEN))).toBe(50001);
  });

  it('is heard in a voice channel by who hears its chat', () => {
    const { changes } = stage.send(ANN, { channelId: VOICE, content: 'hi' });
    const chatId = chatIdOf(stage.guild.channel(VOICE)!);
    expect(changes.events).toMatchObject([{ type: 'MESSAGE_CREATE', channelId: chatId }]);
    expect(eventData(changes, 'MESSAGE_CREATE')).toMatchObject([{ channel_id: String(VOICE) }]);
  });

  it('touches nothing when it refuses', () => {
    const before = stage.guild.channel(TEXT)!.lastMessageId;
    expect(refusal(() => stage.send(ANN, { content: ' \n' }))).toBe(50006);
    expect(stage.guild.messages.weight).toBe(0);
    expect(stage.guild.channel(TEXT)!.lastMessageId).toBe(before);
    expect(stage.rows.size).toBe(0);
  });

  it('takes embeds, attachments, stickers and components for something said', () => {
    const attachment = { id: 7n, filename: 'a.png', sizeBytes: 3n, url: 'http://x/a.png' };
    const { json } = stage.send(ANN, {
      embedsJson: bytes([{ title: 'T' }]),
      attachments: [{ ...attachment, contentType: 'image/png', width: 2, height: 4 }],
      componentsJson: bytes([{ type: 1 }]),
      stickerIdsJson: bytes(['5']),
    });
    expect(json).toMatchObject({
      embeds: [{ title: 'T', type: 'rich' }],
      attachments: [{ id: '7', size: 3, content_type: 'image/png', width: 2, height: 4 }],
      components: [{ type: 1 }],
      sticker_items: [{ id: '5' }],
    });
    expect(refusal(() => stage.send(ANN, { stickerIdsJson: bytes(['5']) }))).toBe('not refused');
  });

  it('takes permissions for embeds, files and speech', () => {
    setEveryone(EVERYONE & ~Permission.EMBED_LINKS);
    expect(refusal(() => stage.send(ANN, { embedsJson: bytes([{}]) }))).toBe(50013);
    setEveryone(EVERYONE & ~Permission.ATTACH_FILES);
    expect(refusal(() => stage.send(ANN, { attachments: [{ id: 1n }] }))).toBe(50013);
    expect(stage.send(ANN, { content: 'x', tts: true }).json).toMatchObject({ tts: false });
    expect(stage.send(OWNER, { content: 'x', tts: true }).json).toMatchObject({ tts: true });
  });

  it('keeps of the flags those that may be set', () => {
    expect(stage.send(ANN, { content: 'x', flags: 0xffff }).json).toMatchObject({
      flags: MessageFlag.SuppressEmbeds | MessageFlag.SuppressNotifications,
    });
  });

  it('gives the nonce back as what it was', () => {
    const text = stage.send(ANN, { content: 'x', nonce: '12' });
    expect(text.json).toMatchObject({ nonce: '12' });
    expect(eventData(text.changes, 'MESSAGE_CREATE')).toMatchObject([{ nonce: '12' }]);
    const number = stage.send(ANN, { content: 'x', nonce: '12', nonceIsNumber: true });
    expect(number.json).toMatchObject({ nonce: 12 });
  });

  it('answers an enforced nonce with the message it was sent with', () => {
    const first = stage.send(ANN, { content: 'x', nonce: 'n', enforceNonce: true });
    const again = stage.send(ANN, { content: 'y', nonce: 'n', enforceNonce: true });
    expect(again.id).toBe(first.id);
    expect(again.json).toEqual(first.json);
    expect(again.changes.events.length + again.changes.rows.length).toBe(0);
    expect(stage.send(BEN, { content: 'y', nonce: 'n', enforceNonce: true }).id).not.toBe(first.id);
    expect(stage.send(ANN, { content: 'y', nonce: 'n' }).id).not.toBe(first.id);
    stage.clock.advance(5 * 60_000);
    expect(stage.send(ANN, { content: 'z', nonce: 'n', enforceNonce: true }).id).not.toBe(first.id);
  });

  it('replies, and mentions who is replied to', () => {
    const first = stage.send(ANN, { content: 'question' });
    const reply = stage.send(BEN, { content: 'answer', referenceMessageId: first.id });
    expect(reply.json).toMatchObject({
      type: MessageType.Reply,
      message_reference: {
        type: 0,
        message_id: String(first.id),
        channel_id: String(TEXT),
        guild_id: String(GUILD),
      },
      referenced_message: { id: String(first.id), content: 'question' },
      mentions: [{ id: String(ANN) }],
    });
    const silent = stage.send(BEN, {
      content: 'answer',
      referenceMessageId: first.id,
      allowedMentions: { parse: ['users'] },
    });
    expect(silent.json).toMatchObject({ mentions: [] });
    expect(stage.send(ANN, { content: 'a', referenceMessageId: first.id }).json).toMatchObject({
      mentions: [],
    });
  });

  it('refuses a reply to what is not there, unless that is allowed', () => {
    stage.guild.messages.install(TEXT, 5n, undefined);
    const reply = { content: 'x', referenceMessageId: 5n };
    expect(refusal(() => stage.send(ANN, { ...reply, referenceMustExist: true }))).toBe(50035);
    expect(stage.send(ANN, reply).json).toMatchObject({ type: MessageType.Default });
    expect(refusal(() => stage.send(ANN, { ...reply, referenceMessageId: 6n }))).toBe(
      'unavailable',
    );
    const author = person(ANN);
    stage.act(0n, (made) =>
      createSystemMessage(
        stage.guild,
        { channelId: TEXT, type: MessageType.UserJoin, author },
        made,
      ),
    );
    const { lastMessageId } = stage.guild.channel(TEXT)!;
    const toSystem = { content: 'x', referenceMessageId: lastMessageId };
    expect(refusal(() => stage.send(BEN, toSystem))).toBe(50035);
    setEveryone(EVERYONE & ~Permission.READ_MESSAGE_HISTORY);
    expect(refusal(() => stage.send(ANN, reply))).toBe(160002);
  });

  it('holds slow mode for who is not exempt, by the time of the last message', () => {
    const say = (actor: bigint) => () => stage.send(actor, { channelId: SLOW, content: 'x' });
    expect(refusal(say(ANN))).toBe('unavailable');
    stage.guild.messages.sendTimes.note(SLOW, ANN, 0);
    expect(refusal(say(ANN))).toBe('not refused');
    stage.clock.advance(3_999);
    let errors = '';
    try {
      say(ANN)();
    } catch (error) {
      expect((error as Fault).refusal).toMatchObject({ discordCode: 20016, httpStatus: 429 });
      errors = (error as Fault).refusal?.errorsJson ?? '';
    }
    expect(JSON.parse(errors)).toEqual({ retry_after: 6 });
    expect(refusal(say(MOD))).toBe('not refused');
    expect(refusal(say(OWNER))).toBe('not refused');
    stage.clock.advance(6_000);
    expect(refusal(say(ANN))).toBe('not refused');
    expect(refusal(say(ANN))).toBe(20016);
  });

  it('tells both of a quiet private channel, once', () => {
    const first = stage.send(ANN, { content: 'hello' }, stage.direct);
    expect(first.json).not.toHaveProperty('guild_id');
    expect(eventData(first.changes, 'MESSAGE_CREATE')).toMatchObject([{ channel_type: 1 }]);
    expect(first.changes.events[0]).toMatchObject({ channelId: PRIVATE });
    const action = { case: 'privateChannelActive', value: { topicId: PRIVATE } };
    const told = [ANN, BEN].map((topicId) => ({ topicId, action }));
    expect(first.changes.errands).toEqual(told);
    expect(first.changes.isTopicChanged).toBe(true);
    const second = stage.send(BEN, { content: 'hello @everyone <@12>' }, stage.direct);
    expect(second.changes.errands).toEqual([]);
    expect(second.json).toMatchObject({ mention_everyone: false, mentions: [{ id: '12' }] });
    expect(stage.direct.lastMessageId).toBe(second.id);
    expect(refusal(() => stage.send(MOD, { content: 'x' }, stage.direct))).toBe(50001);
    expect(refusal(() => stage.send(ANN, { content: 'x', channelId: 1n }, stage.direct))).toBe(
      10003,
    );
  });

  it('has no bots write to each other', () => {
    stage.direct.recipients.set(BOT, person(BOT, { bot: true }));
    expect(refusal(() => stage.send(BOT, { content: 'x' }, stage.direct))).toBe('not refused');
    for (const id of [ANN, BEN]) stage.direct.recipients.set(id, person(id, { bot: true }));
    expect(refusal(() => stage.send(BOT, { content: 'x' }, stage.direct))).toBe(50007);
  });
});

describe('editMessage', () => {
  it('changes what the author says, and whom it mentions', () => {
    const { id } = stage.send(ANN, { content: 'to <@13>' });
    expect(stage.row('mentions', TEXT, id)).toMatchObject({ user_ids: ['13'] });
    const { json, changes } = stage.edit(ANN, { messageId: id, content: 'to <@14>' });
    expect(json).toMatchObject({
      content: 'to <@14>',
      edited_timestamp: '2026-01-01T00:00:00.002000+00:00',
      mentions: [{ id: String(MOD) }],
    });
    expect(changes.events).toMatchObject([
      { type: 'MESSAGE_UPDATE', authorId: ANN, mentionedUserIds: [MOD], hasContent: true },
    ]);
    expect(eventData(changes, 'MESSAGE_UPDATE')).toMatchObject([
      { guild_id: String(GUILD), channel_type: 0, author: { id: '12' }, member: {} },
    ]);
    expect(stage.row('mentions', TEXT, id)).toMatchObject({ user_ids: ['14'] });
    stage.edit(ANN, { messageId: id, content: 'to nobody' });
    expect(stage.row('mentions', TEXT, id)).toBeUndefined();
    expect(stage.guild.mentions.has(TEXT, id)).toBe(false);
  });

  it('leaves what is not named as it is', () => {
    const { id } = stage.send(ANN, {
      content: '<@13>',
      attachments: [
        { id: 71n, filename: 'a' },
        { id: 72n, filename: 'b' },
      ],
    });
    const embedded = stage.edit(ANN, { messageId: id, embedsJson: bytes([{ title: 't' }]) });
    expect(embedded.json).toMatchObject({
      content: '<@13>',
      mentions: [{ id: '13' }],
      attachments: [{ id: '71' }, { id: '72' }],
      embeds: [{ title: 't' }],
    });
    const { json } = stage.edit(ANN, {
      messageId: id,
      embedsJson: bytes([]),
      keepAttachments: { ids: [72n] },
      attachments: [{ id: 73n, filename: 'c' }],
    });
    expect(json).toMatchObject({ embeds: [], attachments: [{ id: '72' }, { id: '73' }] });
    const empty = { messageId: id, content: '', keepAttachments: { ids: [] } };
    expect(refusal(() => stage.edit(ANN, empty))).toBe(50006);
  });

  it('lets others only hide embeds, if they may manage messages', () => {
    const { id } = stage.send(ANN, { content: 'x' });
    const hide = { messageId: id, flags: MessageFlag.SuppressEmbeds };
    expect(refusal(() => stage.edit(BEN, { messageId: id, content: 'y' }))).toBe(50005);
    expect(refusal(() => stage.edit(BEN, hide))).toBe(50013);
    expect(refusal(() => stage.edit(MOD, { ...hide, content: 'y' }))).toBe(50005);
    const { json } = stage.edit(MOD, hide);
    expect(json).toMatchObject({ flags: MessageFlag.SuppressEmbeds, edited_timestamp: null });
    expect(stage.edit(MOD, hide).changes.events).toEqual([]);
  });

  it('refuses what is not there, not seen, or nobody wrote', () => {
    stage.guild.messages.install(TEXT, 5n, undefined);
    expect(refusal(() => stage.edit(ANN, { messageId: 5n, content: 'y' }))).toBe(10008);
    expect(refusal(() => stage.edit(ANN, { messageId: 6n, content: 'y' }))).toBe('unavailable');
    const { id } = stage.send(ANN, { content: 'x' });
    expect(refusal(() => stage.edit(STRANGER, { messageId: id, content: 'y' }))).toBe(50001);
    expect(refusal(() => stage.edit(ANN, { messageId: id, channelId: NEWS, content: 'y' }))).toBe(
      10008,
    );
    const author = person(ANN);
    stage.act(0n, (made) =>
      createSystemMessage(
        stage.guild,
        { channelId: TEXT, type: MessageType.UserJoin, author },
        made,
      ),
    );
    const systemId = stage.guild.channel(TEXT)!.lastMessageId;
    expect(refusal(() => stage.edit(ANN, { messageId: systemId, content: 'y' }))).toBe(50021);
  });

  it('still shows what a reply is to', () => {
    const first = stage.send(ANN, { content: 'question' });
    const { id } = stage.send(BEN, { content: 'answer', referenceMessageId: first.id });
    const { json, changes } = stage.edit(BEN, { messageId: id, content: 'better' });
    expect(json).toMatchObject({
      referenced_message: { id: String(first.id) },
      mentions: [{ id: String(ANN) }],
    });
    expect(eventData(changes, 'MESSAGE_UPDATE')).toMatchObject([
      { referenced_message: { id: String(first.id) } },
    ]);
  });
});

describe('crosspostMessage', () => {
  const publish = (actor: bigint, channelId: bigint, messageId: bigint) => {
    const request = create(GetMessageRequestSchema, { channelId, messageId });
    return stage.act(actor, (changes) => crosspostMessage(stage.guild, request, changes));
  };

  it('publishes a message of an announcement channel, once', () => {
    const { id } = stage.send(ANN, { channelId: NEWS, content: 'x' });
    expect(refusal(() => publish(BEN, NEWS, id))).toBe(50013);
    const { result, changes } = publish(ANN, NEWS, id);
    expect(result).toMatchObject({ flags: MessageFlag.Crossposted });
    expect(eventData(changes, 'MESSAGE_UPDATE')).toMatchObject([{ flags: 1, channel_type: 5 }]);
    expect(stage.row('messages', NEWS, id)).toMatchObject({ flags: 1 });
    expect(refusal(() => publish(MOD, NEWS, id))).toBe(40033);
    const text = stage.send(ANN, { content: 'x' });
    expect(refusal(() => publish(ANN, TEXT, text.id))).toBe(50024);
  });
});

describe('startTyping', () => {
  const type = (
    actor: bigint,
    channelId: bigint,
    topic: MessageStage['guild'] | MessageStage['direct'],
  ) => {
    const request = create(StartTypingRequestSchema, { channelId });
    return stage.act(actor, (changes) => startTyping(topic, request, changes)).changes;
  };

  it('whispers to who sees the channel', () => {
    const changes = type(ANN, TEXT, stage.guild);
    expect(changes.events).toEqual([]);
    expect(changes.ephemeral).toMatchObject([
      {
        type: 'TYPING_START',
        channelId: TEXT,
        data: {
          channel_id: String(TEXT),
          guild_id: String(GUILD),
          user_id: String(ANN),
          timestamp: 1_767_225_600,
          member: { user: { id: String(ANN) } },
        },
      },
    ]);
    const [direct] = type(ANN, PRIVATE, stage.direct).ephemeral;
    expect(direct!.data).not.toHaveProperty('member');
  });

  it('refuses who may not write', () => {
    timeOut(ANN);
    expect(refusal(() => type(ANN, TEXT, stage.guild))).toBe(50013);
    expect(refusal(() => type(BEN, CATEGORY, stage.guild))).toBe(50008);
  });
});
