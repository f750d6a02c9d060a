import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { InteractionOriginSchema } from '@guildhall/contracts';
import {
  CreateResponseRequestSchema,
  DeleteResponseRequestSchema,
  EditResponseRequestSchema,
  GetResponseRequestSchema,
  TellInvokerRequestSchema,
  UserSchema,
} from '@guildhall/contracts';
import { Permission } from '@guildhall/permissions';
import {
  ANN,
  BEN,
  BOT,
  CATEGORY,
  eventData,
  EVERYONE,
  GUILD,
  MessageStage,
  person,
  SLOW,
  TEXT,
} from '../testing/message-stage.js';
import type { Changes } from './changes.js';
import { MessageFlag } from './message.js';
import {
  createResponse,
  deleteResponse,
  editResponse,
  responseJson,
  tellInvoker,
  type Response,
} from './response-decisions.js';
import { newRole } from './role.js';

const INTERACTION = 900n;
const encoder = new TextEncoder();
const bytes = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

type Origin = MessageInitShape<typeof InteractionOriginSchema>;
type Create = MessageInitShape<typeof CreateResponseRequestSchema>;
type Edit = MessageInitShape<typeof EditResponseRequestSchema>;
type Decided = Response & { changes: Changes };

let stage: MessageStage;

beforeEach(() => (stage = new MessageStage()));

const originOf = (more: Origin = {}): Origin => ({
  interactionId: INTERACTION,
  applicationId: BOT,
  type: 2,
  commandType: 1,
  name: 'ping',
  user: create(UserSchema, person(ANN)),
  ...more,
});

function respond(message: Create['message'], more: Create = {}): Decided {
  stage.clock.advance(1);
  const request = create(CreateResponseRequestSchema, {
    origin: originOf(),
    ...more,
    message: { channelId: TEXT, ...message } as never,
  } as Create);
  const { result, changes } = stage.act(BOT, (made) => createResponse(stage.guild, request, made));
  return { ...result, changes };
}

function edit(messageId: bigint, message: Edit['message'], more: Edit = {}): Decided {
  stage.clock.advance(1);
  const request = create(EditResponseRequestSchema, {
    origin: originOf(),
    ...more,
    message: { channelId: TEXT, messageId, ...message } as never,
  } as Edit);
  const { result, changes } = stage.act(BOT, (made) => editResponse(stage.guild, request, made));
  return { ...result, changes };
}

const everyone = (permissions: bigint): void =>
  stage.guild.putRole({ ...newRole(GUILD, '@everyone', permissions), position: 0 });
const refusal = (code: number): unknown =>
  expect.objectContaining({ refusal: expect.objectContaining({ discordCode: code }) });
const refusalOf = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe('A response', () => {
  it('is a message of the bot that says which command it answers', () => {
    const { json, messageId, document, changes } = respond({ content: 'pong' });
    expect(document).toBeUndefined();
    expect(json).toMatchObject({
      id: String(messageId),
      type: 20,
      content: 'pong',
      author: { id: String(BOT) },
      application_id: String(BOT),
      webhook_id: String(BOT),
      interaction: { id: '900', type: 2, name: 'ping', user: { id: String(ANN) } },
      interaction_metadata: {
        id: '900',
        type: 2,
        user: { id: String(ANN) },
        name: 'ping',
        command_type: 1,
        authorizing_integration_owners: { '0': String(GUILD) },
      },
    });
    const [event] = changes.events;
    expect(event).toMatchObject({ type: 'MESSAGE_CREATE', channelId: TEXT, authorId: BOT });
    expect(event!.onlyUserIds).toBeUndefined();
    expect(stage.guild.channel(TEXT)!.lastMessageId).toBe(messageId);
    expect(stage.row('messages', TEXT, messageId)).toMatchObject({
      type: 20,
      interaction: { id: '900' },
    });
  });

  it('may be given where the bot may not speak, see or hurry', () => {
    everyone(EVERYONE & ~(Permission.SEND_MESSAGES | Permission.VIEW_CHANNEL));
    expect(refusalOf(() => stage.send(BOT, { content: 'hi' }))).toEqual(refusal(50001));
    expect(respond({ content: 'pong', embedsJson: bytes([{ title: 'x' }]) }).messageId).not.toBe(
      0n,
    );
    everyone(EVERYONE);
    respond({ content: 'one', channelId: SLOW });
    expect(respond({ content: 'two', channelId: SLOW }).json).toMatchObject({ content: 'two' });
  });

  it('mentions no more than the bot may', () => {
    expect(respond({ content: '@everyone' }).json).toMatchObject({ mention_everyone: false });
    everyone(EVERYONE | Permission.MENTION_EVERYONE);
    expect(respond({ content: '@everyone' }).json).toMatchObject({ mention_everyone: true });
    expect(respond({ content: `<@${BEN}>` }).json).toMatchObject({ mentions: [{ id: '13' }] });
  });

  it('is refused where the bot is not, where there are no messages, and empty', () => {
    expect(refusalOf(() => respond({ content: '' }))).toEqual(refusal(50006));
    expect(refusalOf(() => respond({ content: 'x', channelId: CATEGORY }))).toEqual(refusal(50008));
    stage.guild.removeMember(BOT);
    expect(refusalOf(() => respond({ content: 'x' }))).toEqual(refusal(50001));
  });

  it('that follows is a reply to the first', () => {
    const first = respond({ content: 'first' });
    const origin = originOf({ originalResponseId: first.messageId });
    const { json } = respond(
      { content: 'more', referenceMessageId: first.messageId },
      { origin: origin as never, followUp: true },
    );
    expect(json).toMatchObject({
      type: 19,
      message_reference: { message_id: String(first.messageId) },
      referenced_message: { content: 'first' },
      interaction_metadata: { original_response_message_id: String(first.messageId) },
    });
  });

  it('that follows one which others do not see is like any message', () => {
    expect(respond({ content: 'more' }, { followUp: true }).json).toMatchObject({ type: 0 });
  });

  it('to a component or a modal says where it came from', () => {
    const origin = originOf({
      type: 5,
      commandType: 0,
      name: '',
      sourceMessageId: 70n,
      triggeringId: 800n,
      triggeringType: 3,
    });
    const { json } = respond({ content: 'thanks' }, { origin: origin as never });
    expect(json).toMatchObject({
      type: 0,
      interaction_metadata: {
        id: '900',
        type: 5,
        triggering_interaction_metadata: { id: '800', type: 3, interacted_message_id: '70' },
      },
    });
    expect(json).not.toHaveProperty('interaction');
  });

  it('may be awaited, and is not edited when it comes', () => {
    const waiting = respond({ content: '' }, { loading: true });
    expect(waiting.json).toMatchObject({ content: '', flags: MessageFlag.Loading });
    const done = edit(waiting.messageId, { content: `here, <@${BEN}>` });
    expect(done.json).toMatchObject({ flags: 0, edited_timestamp: null, mentions: [{ id: '13' }] });
    expect(eventData(done.changes, 'MESSAGE_UPDATE')[0]).toMatchObject({ flags: 0 });
    const again = edit(waiting.messageId, { content: 'there' });
    expect((again.json as { edited_timestamp: unknown }).edited_timestamp).not.toBeNull();
    expect(refusalOf(() => edit(waiting.messageId, { content: ' ' }))).toEqual(refusal(50006));
  });

  it('is the token’s own, or the message of the component: no other', () => {
    const { messageId } = respond({ content: 'pong' });
    const other = originOf({ interactionId: 901n }) as never;
    const others = refusalOf(() => edit(messageId, { content: 'x' }, { origin: other }));
    expect(others).toEqual(refusal(10008));
    const source = originOf({ interactionId: 901n, sourceMessageId: messageId }) as never;
    expect(edit(messageId, { content: 'pressed' }, { origin: source }).json).toMatchObject({
      content: 'pressed',
    });
    const { id } = stage.send(BEN, { content: 'mine' });
    const mine = originOf({ sourceMessageId: id }) as never;
    expect(refusalOf(() => edit(id, { content: 'x' }, { origin: mine }))).toEqual(refusal(10008));
  });

  it('can be read and deleted by its token alone', () => {
    everyone(EVERYONE & ~Permission.VIEW_CHANNEL);
    const { messageId } = respond({ content: 'pong' });
    const about = { channelId: TEXT, messageId, command: { actorId: BOT } };
    const read = (origin: Origin): object =>
      responseJson(
        stage.guild,
        create(GetResponseRequestSchema, { ...about, origin: origin as never }),
        stage.clock.nowMs(),
      );
    expect(read(originOf())).toMatchObject({ content: 'pong' });
    expect(refusalOf(() => read(originOf({ interactionId: 1n })))).toEqual(refusal(10008));
    const remove = (origin: Origin): Changes =>
      stage.act(BOT, (changes) =>
        deleteResponse(
          stage.guild,
          create(DeleteResponseRequestSchema, { ...about, origin: origin as never }),
          changes,
        ),
      ).changes;
    expect(refusalOf(() => remove(originOf({ interactionId: 1n })))).toEqual(refusal(10008));
    expect(remove(originOf()).events).toMatchObject([
      { type: 'MESSAGE_DELETE', channelId: TEXT, data: { id: String(messageId) } },
    ]);
    expect(stage.row('messages', TEXT, messageId)).toBeUndefined();
    expect(refusalOf(() => read(originOf()))).toEqual(refusal(10008));
  });
});

describe('An ephemeral response', () => {
  it('reaches only who asked, and leaves no trace', () => {
    const before = stage.guild.channel(TEXT)!.lastMessageId;
    const { json, document, messageId, changes } = respond(
      { content: `secret <@${BEN}>` },
      { ephemeral: true },
    );
    expect(changes.rows).toEqual([]);
    expect(changes.events).toMatchObject([
      { type: 'MESSAGE_CREATE', channelId: TEXT, onlyUserIds: [ANN] },
    ]);
    expect(json).toMatchObject({ flags: MessageFlag.Ephemeral, content: `secret <@${BEN}>` });
    expect(stage.guild.channel(TEXT)!.lastMessageId).toBe(before);
    expect(stage.guild.messages.get(TEXT, messageId)).toBeUndefined();
    expect(document).toMatchObject({ content: `secret <@${BEN}>`, flags: MessageFlag.Ephemeral });
  });

  it('is changed from its document, and told to who asked', () => {
    const waiting = respond({ content: '' }, { ephemeral: true, loading: true });
    const flags = MessageFlag.Ephemeral | MessageFlag.Loading;
    expect(waiting.json).toMatchObject({ flags });
    const done = edit(
      waiting.messageId,
      { content: 'between us' },
      { document: bytes(waiting.document) },
    );
    expect(done.changes.rows).toEqual([]);
    expect(done.changes.events).toMatchObject([{ type: 'MESSAGE_UPDATE', onlyUserIds: [ANN] }]);
    expect(done.json).toMatchObject({
      id: String(waiting.messageId),
      content: 'between us',
      flags: MessageFlag.Ephemeral,
      interaction_metadata: { id: '900' },
    });
    expect(done.document).toMatchObject({ content: 'between us' });
  });

  it('goes again from where it was shown', () => {
    const request = create(DeleteResponseRequestSchema, {
      channelId: TEXT,
      messageId: 77n,
      origin: originOf() as never,
      ephemeral: true,
    });
    const { changes } = stage.act(BOT, (made) => deleteResponse(stage.guild, request, made));
    expect(changes.rows).toEqual([]);
    expect(changes.events).toMatchObject([
      {
        type: 'MESSAGE_DELETE',
        onlyUserIds: [ANN],
        data: { id: '77', channel_id: String(TEXT), guild_id: String(GUILD) },
      },
    ]);
  });
});

describe('What a client is told of its interaction', () => {
  const tell = (transient: boolean): Changes =>
    stage.act(BOT, (changes) =>
      tellInvoker(
        stage.guild,
        create(TellInvokerRequestSchema, {
          channelId: TEXT,
          userId: ANN,
          type: 'INTERACTION_MODAL_CREATE',
          dataJson: bytes({ title: 'Form' }),
          transient,
        }),
        changes,
      ),
    ).changes;

  it('is its own, and kept only if it matters later', () => {
    const told = { type: 'INTERACTION_MODAL_CREATE', onlyUserIds: [ANN], data: { title: 'Form' } };
    expect(tell(false)).toMatchObject({ events: [told], ephemeral: [] });
    expect(tell(true)).toMatchObject({ events: [], ephemeral: [told] });
  });
});
