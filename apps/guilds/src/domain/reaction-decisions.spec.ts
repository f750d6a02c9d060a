import { create } from '@bufbuild/protobuf';
import { ClearReactionsRequestSchema, ReactionRequestSchema } from '@guildhall/contracts';
import type { Fault } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import {
  ANN,
  BEN,
  eventData,
  EVERYONE,
  GUILD,
  HIDDEN,
  MessageStage,
  MOD,
  OWNER,
  PRIVATE,
  TEXT,
} from '../testing/message-stage.js';
import { clearReactions, deleteReaction, EMOJI_MAX, putReaction } from './reaction-decisions.js';
import { newRole } from './role.js';

const THUMB = { id: 0n, name: '👍' };
const BLOB = { id: 77n, name: 'blob' };

let stage: MessageStage;
let messageId: bigint;
beforeEach(() => {
  stage = new MessageStage();
  messageId = stage.send(ANN, { content: 'x' }).id;
});

const react = (actorId: bigint, emoji = THUMB, id = messageId, channelId = TEXT) =>
  stage.act(actorId, (changes) =>
    putReaction(
      channelId === PRIVATE ? stage.direct : stage.guild,
      create(ReactionRequestSchema, { channelId, messageId: id, emoji, userId: actorId }),
      changes,
    ),
  ).changes;
const unreact = (actorId: bigint, userId: bigint, emoji = THUMB, channelId = TEXT) =>
  stage.act(actorId, (changes) =>
    deleteReaction(
      channelId === PRIVATE ? stage.direct : stage.guild,
      create(ReactionRequestSchema, { channelId, messageId, emoji, userId }),
      changes,
    ),
  ).changes;
const clear = (actorId: bigint, emoji?: typeof THUMB) =>
  stage.act(actorId, (changes) => {
    const init = { channelId: TEXT, messageId, ...(emoji === undefined ? {} : { emoji }) };
    clearReactions(stage.guild, create(ClearReactionsRequestSchema, init), changes);
  }).changes;
const setEveryone = (permissions: bigint): void =>
  stage.guild.putRole({ ...newRole(GUILD, '@everyone', permissions), position: 0 });

function refusal(run: () => unknown): number | undefined {
  try {
    run();
  } catch (error) {
    return (error as Fault).refusal?.discordCode;
  }
  return undefined;
}

describe('putReaction', () => {
  it('adds a reaction, once', () => {
    const changes = react(BEN, BLOB);
    expect(eventData(changes, 'MESSAGE_REACTION_ADD')).toEqual([
      {
        user_id: String(BEN),
        message_id: String(messageId),
        channel_id: String(TEXT),
        guild_id: String(GUILD),
        member: expect.objectContaining({ user: expect.objectContaining({ id: String(BEN) }) }),
        emoji: { id: '77', name: 'blob' },
        message_author_id: String(ANN),
        burst: false,
        burst_colors: [],
        type: 0,
      },
    ]);
    expect(changes.events[0]!.channelId).toBe(TEXT);
    expect(stage.row('reactions', messageId, ':77', BEN)).toMatchObject({
      name: 'blob',
      emoji_id: '77',
      user: { id: String(BEN) },
    });
    const again = react(BEN, { ...BLOB, name: 'renamed' });
    expect(again.events.length + again.rows.length).toBe(0);
    expect(
      eventData(react(ANN, { ...BLOB, name: 'renamed' }), 'MESSAGE_REACTION_ADD'),
    ).toMatchObject([{ emoji: { name: 'blob' } }]);
  });

  it('takes ADD_REACTIONS for a new emoji only, and history for any', () => {
    react(ANN);
    setEveryone(EVERYONE & ~Permission.ADD_REACTIONS);
    expect(refusal(() => react(BEN, BLOB))).toBe(50013);
    expect(react(BEN, THUMB).events).toHaveLength(1);
    setEveryone(EVERYONE & ~Permission.READ_MESSAGE_HISTORY);
    expect(refusal(() => react(MOD, THUMB))).toBe(50013);
    expect(refusal(() => react(BEN, THUMB, messageId, HIDDEN))).toBe(50001);
  });

  it('refuses in a timeout, an emoji that is none, and one too many', () => {
    const ben = stage.guild.member(BEN)!;
    react(ANN);
    stage.guild.putMember({ ...ben, communicationDisabledUntilMs: stage.clock.nowMs() + 1 });
    expect(refusal(() => react(BEN))).toBe(50013);
    expect(refusal(() => react(ANN, { id: 0n, name: '' }))).toBe(10014);
    for (let index = 1; index < EMOJI_MAX; index += 1) {
      react(ANN, { id: BigInt(index + 100), name: 'e' });
    }
    expect(refusal(() => react(ANN, { id: 999n, name: 'e' }))).toBe(30010);
    expect(react(OWNER, THUMB).events).toHaveLength(1);
    stage.guild.messages.install(TEXT, 5n, undefined);
    expect(refusal(() => react(ANN, THUMB, 5n))).toBe(10008);
  });
});

describe('deleteReaction', () => {
  it("takes back one's own, or another's with MANAGE_MESSAGES", () => {
    react(ANN);
    react(BEN);
    const own = unreact(ANN, ANN);
    expect(eventData(own, 'MESSAGE_REACTION_REMOVE')).toEqual([
      {
        user_id: String(ANN),
        message_id: String(messageId),
        channel_id: String(TEXT),
        guild_id: String(GUILD),
        emoji: { id: null, name: '👍' },
        burst: false,
        type: 0,
      },
    ]);
    expect(stage.row('reactions', messageId, '👍', ANN)).toBeUndefined();
    expect(unreact(ANN, ANN).events).toEqual([]);
    expect(unreact(ANN, ANN, BLOB).events).toEqual([]);
    expect(refusal(() => unreact(ANN, BEN))).toBe(50013);
    expect(unreact(MOD, BEN).events).toHaveLength(1);
  });

  it('is about nobody else in a private channel', () => {
    messageId = stage.send(ANN, { content: 'x' }, stage.direct).id;
    const [data] = eventData(react(BEN, THUMB, messageId, PRIVATE), 'MESSAGE_REACTION_ADD');
    expect(data).not.toHaveProperty('member');
    expect(data).not.toHaveProperty('guild_id');
    expect(refusal(() => unreact(ANN, BEN, THUMB, PRIVATE))).toBe(50003);
    expect(unreact(BEN, BEN, THUMB, PRIVATE).events).toHaveLength(1);
  });
});

describe('clearReactions', () => {
  it('removes all, or all with one emoji', () => {
    for (const id of [ANN, BEN]) for (const emoji of [THUMB, BLOB]) react(id, emoji);
    expect(refusal(() => clear(ANN))).toBe(50013);
    const where = {
      message_id: String(messageId),
      channel_id: String(TEXT),
      guild_id: String(GUILD),
    };
    expect(eventData(clear(MOD, BLOB), 'MESSAGE_REACTION_REMOVE_EMOJI')).toEqual([
      { ...where, emoji: { id: '77', name: 'blob' } },
    ]);
    expect(clear(MOD, BLOB).events).toEqual([]);
    expect([...stage.rows.keys()].filter((key) => key.startsWith('reactions'))).toHaveLength(2);
    expect(eventData(clear(MOD), 'MESSAGE_REACTION_REMOVE_ALL')).toEqual([where]);
    expect(clear(MOD).events).toEqual([]);
    expect([...stage.rows.keys()].filter((key) => key.startsWith('reactions'))).toEqual([]);
  });
});
