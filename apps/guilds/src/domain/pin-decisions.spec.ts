import { create } from '@bufbuild/protobuf';
import { PinRequestSchema } from '@guildhall/contracts';
import type { Fault } from '@guildhall/fault';
import {
  ANN,
  BEN,
  eventData,
  GUILD,
  MessageStage,
  MOD,
  PRIVATE,
  TEXT,
} from '../testing/message-stage.js';
import { MessageType } from './message.js';
import { deletePin, PINS_MAX, putPin } from './pin-decisions.js';

let stage: MessageStage;
let messageId: bigint;
beforeEach(() => {
  stage = new MessageStage();
  messageId = stage.send(ANN, { content: 'x' }).id;
  stage.guild.messages.pinCounts.set(TEXT, 0);
});

const request = (channelId: bigint, id: bigint) =>
  create(PinRequestSchema, { channelId, messageId: id });
const pin = (actorId: bigint, id = messageId) =>
  stage.act(actorId, (changes) => putPin(stage.guild, request(TEXT, id), changes)).changes;
const unpin = (actorId: bigint) =>
  stage.act(actorId, (changes) => deletePin(stage.guild, request(TEXT, messageId), changes))
    .changes;

function refusal(run: () => unknown): number | string | undefined {
  try {
    run();
  } catch (error) {
    const { refusal: refused, code } = error as Fault;
    return refused?.discordCode ?? code;
  }
  return undefined;
}

describe('putPin', () => {
  it('pins a message, and says so in the channel', () => {
    const changes = pin(MOD);
    expect(changes.events.map(({ type }) => type)).toEqual([
      'MESSAGE_UPDATE',
      'CHANNEL_PINS_UPDATE',
      'MESSAGE_CREATE',
    ]);
    expect(eventData(changes, 'MESSAGE_UPDATE')).toMatchObject([{ pinned: true }]);
    const at = '2026-01-01T00:00:00.001000+00:00';
    expect(eventData(changes, 'CHANNEL_PINS_UPDATE')).toEqual([
      { channel_id: String(TEXT), guild_id: String(GUILD), last_pin_timestamp: at },
    ]);
    expect(eventData(changes, 'MESSAGE_CREATE')).toMatchObject([
      {
        type: MessageType.PinnedMessage,
        content: '',
        author: { id: String(MOD) },
        message_reference: { message_id: String(messageId), channel_id: String(TEXT) },
      },
    ]);
    expect(stage.row('messages', TEXT, messageId)).toMatchObject({ pinned_at: at });
    expect(stage.row('channels', TEXT)).toMatchObject({ lastPinTimestampMs: 1_767_225_600_001 });
    expect(stage.guild.channel(TEXT)!.lastMessageId > messageId).toBe(true);
    expect(pin(MOD).events).toEqual([]);
  });

  it('keeps pins of one ms apart', () => {
    const second = stage.send(ANN, { content: 'y' }).id;
    pin(MOD);
    pin(MOD, second);
    const [first, other] = [messageId, second].map(
      (id) => stage.guild.messages.get(TEXT, id)!.message.pinnedAtMs,
    );
    expect(other! > first!).toBe(true);
  });

  it('refuses who may not, what nobody wrote, and one too many', () => {
    expect(refusal(() => pin(ANN))).toBe(50013);
    stage.guild.messages.pinCounts.set(TEXT, PINS_MAX);
    expect(refusal(() => pin(MOD))).toBe(30003);
    stage.guild.messages.pinCounts.set(TEXT, PINS_MAX - 1);
    expect(pin(MOD).events).toHaveLength(3);
    const systemId = stage.guild.channel(TEXT)!.lastMessageId;
    expect(refusal(() => pin(MOD, systemId))).toBe(50021);
    stage.guild.messages.pinCounts.clear();
    const other = stage.send(ANN, { content: 'y' }).id;
    expect(refusal(() => pin(MOD, other))).toBe('unavailable');
  });

  it('is for both people of a private channel', () => {
    const { id } = stage.send(ANN, { content: 'x' }, stage.direct);
    stage.direct.messages.pinCounts.set(PRIVATE, 0);
    const { changes } = stage.act(BEN, (made) => putPin(stage.direct, request(PRIVATE, id), made));
    expect(changes.events).toHaveLength(3);
    expect(changes.isTopicChanged).toBe(true);
    expect(stage.direct.lastPinTimestampMs).toBeGreaterThan(0);
  });
});

describe('deletePin', () => {
  it('unpins, once', () => {
    pin(MOD);
    expect(refusal(() => unpin(ANN))).toBe(50013);
    const changes = unpin(MOD);
    expect(changes.events.map(({ type }) => type)).toEqual([
      'MESSAGE_UPDATE',
      'CHANNEL_PINS_UPDATE',
    ]);
    expect(eventData(changes, 'MESSAGE_UPDATE')).toMatchObject([{ pinned: false }]);
    expect(stage.row('messages', TEXT, messageId)).not.toHaveProperty('pinned_at');
    expect(stage.guild.messages.pinCounts.get(TEXT)).toBe(0);
    expect(unpin(MOD).events).toEqual([]);
  });
});
