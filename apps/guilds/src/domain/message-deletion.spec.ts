import { create } from '@bufbuild/protobuf';
import {
  DeleteMessagesRequestSchema,
  PinRequestSchema,
  ReactionRequestSchema,
} from '@guildhall/contracts';
import type { Fault } from '@guildhall/fault';
import { snowflakeAt } from '@guildhall/snowflake';
import {
  ANN,
  BEN,
  eventData,
  GUILD,
  MessageStage,
  MOD,
  NEWS,
  PRIVATE,
  TEXT,
} from '../testing/message-stage.js';
import { deleteLoadedMessages, deleteMessages } from './message-deletion.js';
import type { MessageTopic } from './message-place.js';
import { putPin } from './pin-decisions.js';
import { putReaction } from './reaction-decisions.js';

let stage: MessageStage;
beforeEach(() => {
  stage = new MessageStage();
});

const DAY_MS = 24 * 60 * 60 * 1_000;

function erase(
  actorId: bigint,
  messageIds: bigint[],
  bulk = false,
  topic: MessageTopic = stage.guild,
  channelId = topic === stage.direct ? PRIVATE : TEXT,
) {
  const request = create(DeleteMessagesRequestSchema, { channelId, messageIds, bulk });
  const loaded = messageIds.flatMap((id) => topic.messages.get(channelId, id) ?? []);
  return stage.act(actorId, (changes) => deleteMessages(topic, request, loaded, changes)).changes;
}

function refusal(run: () => unknown): number | undefined {
  try {
    run();
  } catch (error) {
    return (error as Fault).refusal?.discordCode;
  }
  return undefined;
}

describe('deleteMessages', () => {
  it('deletes a message with its mentions and reactions', () => {
    const { id } = stage.send(ANN, { content: '<@13>' });
    const emoji = { id: 0n, name: '👍' };
    const reaction = create(ReactionRequestSchema, { channelId: TEXT, messageId: id, emoji });
    stage.act(BEN, (changes) => putReaction(stage.guild, reaction, changes));
    expect(stage.rows.size).toBe(3);
    const changes = erase(ANN, [id]);
    expect(stage.rows.size).toBe(0);
    expect(stage.guild.mentions.has(TEXT, id)).toBe(false);
    expect(changes.events).toMatchObject([{ type: 'MESSAGE_DELETE', channelId: TEXT }]);
    expect(eventData(changes, 'MESSAGE_DELETE')).toEqual([
      { id: String(id), channel_id: String(TEXT), guild_id: String(GUILD) },
    ]);
    expect(stage.guild.channel(TEXT)!.lastMessageId).toBe(id);
    expect(refusal(() => erase(ANN, [id]))).toBe(10008);
  });

  it("deletes others' messages for who may manage messages", () => {
    const { id } = stage.send(ANN, { content: 'x' });
    expect(refusal(() => erase(BEN, [id]))).toBe(50013);
    expect(erase(MOD, [id]).events).toHaveLength(1);
    const direct = stage.send(ANN, { content: 'x' }, stage.direct);
    expect(refusal(() => erase(BEN, [direct.id], false, stage.direct))).toBe(50003);
    const [event] = eventData(erase(ANN, [direct.id], false, stage.direct), 'MESSAGE_DELETE');
    expect(event).toEqual({ id: String(direct.id), channel_id: String(PRIVATE) });
    expect(stage.row('mentions', PRIVATE, direct.id)).toBeUndefined();
  });

  it('deletes many at once, passing over those that are not there', () => {
    const sent = [1, 2, 3].map(() => stage.send(ANN, { content: 'x' }).id);
    const other = stage.send(ANN, { channelId: NEWS, content: 'x' }).id;
    erase(ANN, [sent[1]!]);
    const changes = erase(MOD, [...sent, other, sent[2]! + 1n, sent[0]!], true);
    expect(eventData(changes, 'MESSAGE_DELETE_BULK')).toEqual([
      {
        ids: [String(sent[0]), String(sent[2])],
        channel_id: String(TEXT),
        guild_id: String(GUILD),
      },
    ]);
    expect(stage.row('messages', NEWS, other)).toBeDefined();
    expect(erase(MOD, sent, true).events).toEqual([]);
  });

  it('refuses bulk where it must', () => {
    const ids = [1, 2].map(() => stage.send(ANN, { content: 'x' }).id);
    expect(refusal(() => erase(ANN, ids, true))).toBe(50013);
    expect(refusal(() => erase(MOD, [ids[0]!], true))).toBe(50016);
    expect(
      refusal(() =>
        erase(
          MOD,
          Array.from({ length: 101 }, (_, i) => BigInt(i)),
          true,
        ),
      ),
    ).toBe(50016);
    const old = snowflakeAt(stage.clock.nowMs() - 14 * DAY_MS - 1);
    expect(refusal(() => erase(MOD, [...ids, old], true))).toBe(50034);
    expect(refusal(() => erase(ANN, ids, true, stage.direct))).toBe(50003);
  });

  it('counts pins that go', () => {
    const { id } = stage.send(ANN, { content: 'x' });
    stage.guild.messages.pinCounts.set(TEXT, 0);
    const pin = create(PinRequestSchema, { channelId: TEXT, messageId: id });
    stage.act(MOD, (changes) => putPin(stage.guild, pin, changes));
    expect(stage.guild.messages.pinCounts.get(TEXT)).toBe(1);
    const changes = erase(MOD, [id]);
    expect(stage.guild.messages.pinCounts.get(TEXT)).toBe(0);
    // As documented, there is no CHANNEL_PINS_UPDATE for it.
    expect(changes.events.map(({ type }) => type)).toEqual(['MESSAGE_DELETE']);
  });
});

describe('deleteLoadedMessages', () => {
  it('deletes in bulks of a hundred what is still there, with its reactions', () => {
    const ids = Array.from({ length: 103 }, () => stage.send(ANN, { content: '<@13>' }).id);
    const loaded = ids.map((id) => stage.guild.messages.get(TEXT, id)!);
    erase(ANN, [ids[0]!]);
    const emoji = { id: 0n, name: '👍' };
    const reaction = create(ReactionRequestSchema, { channelId: TEXT, messageId: ids[1]!, emoji });
    stage.act(BEN, (changes) => putReaction(stage.guild, reaction, changes));
    const { changes } = stage.act(MOD, (made) =>
      deleteLoadedMessages(stage.guild, TEXT, loaded, made),
    );
    const bulks = eventData(changes, 'MESSAGE_DELETE_BULK').map(
      ({ ids: each }) => each as string[],
    );
    expect(bulks.map((bulk) => bulk.length)).toEqual([100, 2]);
    expect(bulks.flat()).toEqual(ids.slice(1).map(String));
    expect(stage.rows.size).toBe(0);
  });
});
