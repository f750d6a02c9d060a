// A long history of messages against the plainest model there is: an array, and for each message
// the set of people it mentions, worked out when it is written. After each step what memory, the
// stored rows and the mention log say of a channel is what the array says.
import { create } from '@bufbuild/protobuf';
import {
  ClearReactionsRequestSchema,
  DeleteMessagesRequestSchema,
  PinRequestSchema,
  ReactionRequestSchema,
} from '@guildhall/contracts';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import {
  ANN,
  BEN,
  MessageStage,
  MOD,
  NEWS,
  OWNER,
  person,
  PRIVATE,
  QUIET_ROLE,
  TEAM_ROLE,
  TEXT,
} from '../testing/message-stage.js';
import type { Changes } from './changes.js';
import { newMember } from './member.js';
import { MentionLog } from './mention-log.js';
import { deleteMessages } from './message-deletion.js';
import type { MessageTopic } from './message-place.js';
import { messageFromDocument } from './message.js';
import { countedUser } from './notification-rules.js';
import { deletePin, putPin } from './pin-decisions.js';
import { clearReactions, deleteReaction, putReaction } from './reaction-decisions.js';
import type { Document } from './tables.js';

const random = new SeededRandom(seedFromEnv(process.env['SEED']));
const STEPS = 1_000;
const LATE = 16n;
const PEOPLE = [OWNER, ANN, BEN, MOD, LATE];
const EMOJI = ['a', 'b', 'c'].map((name) => ({ id: 0n, name }));
/** Messages that are still acted on: all of them stay in the cache. */
const RECENT = 12;

interface ModelMessage {
  readonly id: bigint;
  readonly channelId: bigint;
  readonly authorId: bigint;
  content: string;
  mentioned: Set<bigint>;
  isEdited: boolean;
  isPinned: boolean;
  isSystem: boolean;
  readonly reactions: Map<string, Set<bigint>>;
}

class Model {
  readonly stage = new MessageStage();
  messages: ModelMessage[] = [];
  lateJoinedAtMs = Infinity;

  topicOf = (channelId: bigint): MessageTopic =>
    channelId === PRIVATE ? this.stage.direct : this.stage.guild;

  peopleOf = (channelId: bigint): bigint[] =>
    channelId === PRIVATE
      ? [ANN, BEN]
      : PEOPLE.filter((id) => id !== LATE || this.lateJoinedAtMs !== Infinity);

  /** What is named, and whom that mentions now. */
  say(channelId: bigint, authorId: bigint): { content: string; mentioned: Set<bigint> } {
    const mentioned = new Set<bigint>();
    const words = ['word'];
    const people = this.peopleOf(channelId);
    const mayAll = authorId === OWNER || authorId === MOD;
    const { guild } = this.stage;
    const holders = (roleId: bigint) =>
      people.filter((id) => guild.member(id)?.roleIds.includes(roleId));
    for (let index = random.int(3); index > 0; index -= 1) {
      const kind = random.int(5);
      if (kind === 0) words.push('`<@12> @everyone`');
      if (kind === 1) {
        const id = random.pick(PEOPLE);
        words.push(random.chance(0.5) ? `<@${id}>` : `<@!${id}>`);
        if (people.includes(id)) mentioned.add(id);
      }
      if (kind === 2) {
        words.push(random.pick(['@everyone', '@here']));
        if (mayAll && channelId !== PRIVATE) people.forEach((id) => mentioned.add(id));
      }
      if (kind >= 3) {
        const roleId = kind === 3 ? TEAM_ROLE : QUIET_ROLE;
        words.push(`<@&${roleId}>`);
        if ((mayAll || kind === 3) && channelId !== PRIVATE) {
          holders(roleId).forEach((id) => mentioned.add(id));
        }
      }
    }
    if (channelId === PRIVATE) people.forEach((id) => mentioned.add(id));
    return { content: random.shuffle(words).join(' '), mentioned };
  }

  count(channelId: bigint, userId: bigint, position: bigint): number {
    const joinedAtMs = channelId !== PRIVATE && userId === LATE ? this.lateJoinedAtMs : 0;
    return this.messages.filter(
      (message) =>
        message.channelId === channelId &&
        message.id > position &&
        message.authorId !== userId &&
        message.mentioned.has(userId) &&
        joinedAtMs !== Infinity,
    ).length;
  }
}

function counted(model: Model, channelId: bigint, userId: bigint, position: bigint): number {
  const topic = model.topicOf(channelId);
  const who = countedUser(topic, userId, model.stage.clock.nowMs());
  return topic.mentions.count({ ...who, channelId, position });
}

function step(model: Model): void {
  const { stage } = model;
  stage.clock.advance(random.int(3));
  const channelId = random.pick([TEXT, NEWS, PRIVATE]);
  const actorId = random.pick(model.peopleOf(channelId));
  const topic = model.topicOf(channelId);
  const recent = model.messages.slice(-RECENT).filter((each) => each.channelId === channelId);
  const target = recent.length === 0 ? undefined : random.pick(recent);
  const mayManage = channelId !== PRIVATE && (actorId === OWNER || actorId === MOD);
  const act = (decide: (changes: Changes) => void): void => void stage.act(actorId, decide);
  const kind = target === undefined ? 0 : random.int(12);
  if (kind <= 4) {
    const said = model.say(channelId, actorId);
    const repliedTo = kind === 1 && target?.isSystem === false ? target : undefined;
    const init = { channelId, content: said.content, referenceMessageId: repliedTo?.id ?? 0n };
    const { id } = stage.send(actorId, init, topic);
    if (repliedTo !== undefined && repliedTo.authorId !== actorId) {
      said.mentioned.add(repliedTo.authorId);
    }
    add(model, { id, channelId, authorId: actorId, ...said });
    return;
  }
  const { id: messageId } = target!;
  const emoji = random.pick(EMOJI);
  const reactors = target!.reactions.get(emoji.name) ?? new Set();
  switch (kind) {
    case 5:
    case 6: {
      if (target!.authorId !== actorId || target!.isSystem) return;
      // A reply would mention again whom it is to: left to the specs.
      if (stage.row('messages', channelId, messageId)?.['reference'] !== undefined) return;
      const said = model.say(channelId, actorId);
      stage.edit(actorId, { channelId, messageId, content: said.content }, topic);
      Object.assign(target!, said, { isEdited: true });
      return;
    }
    case 7: {
      const isMine = target!.authorId === actorId;
      if (!isMine && !mayManage) return;
      erase(model, actorId, channelId, [messageId], false);
      return;
    }
    case 8:
      if (!mayManage || recent.length < 2 || random.chance(0.7)) return;
      erase(
        model,
        actorId,
        channelId,
        recent.slice(0, 2).map(({ id }) => id),
        true,
      );
      return;
    case 9: {
      const init = { channelId, messageId, emoji, userId: actorId };
      act((changes) => putReaction(topic, create(ReactionRequestSchema, init), changes));
      target!.reactions.set(emoji.name, reactors.add(actorId));
      return;
    }
    case 10: {
      if (mayManage && random.chance(0.2)) {
        const init = { channelId, messageId };
        act((made) => clearReactions(topic, create(ClearReactionsRequestSchema, init), made));
        target!.reactions.clear();
        return;
      }
      const init = { channelId, messageId, emoji, userId: actorId };
      act((changes) => deleteReaction(topic, create(ReactionRequestSchema, init), changes));
      reactors.delete(actorId);
      if (reactors.size === 0) target!.reactions.delete(emoji.name);
      return;
    }
    case 11: {
      if (target!.isSystem || (!mayManage && channelId !== PRIVATE)) return;
      pin(model, actorId, target!);
    }
  }
}

function add(
  model: Model,
  message: Pick<ModelMessage, 'id' | 'channelId' | 'authorId' | 'content' | 'mentioned'>,
): void {
  const flags = { isEdited: false, isPinned: false, isSystem: false, reactions: new Map() };
  model.messages.push({ ...flags, ...message });
}

function erase(
  model: Model,
  actorId: bigint,
  channelId: bigint,
  messageIds: bigint[],
  bulk: boolean,
): void {
  const topic = model.topicOf(channelId);
  const request = create(DeleteMessagesRequestSchema, { channelId, messageIds, bulk });
  const loaded = messageIds.flatMap((id) => topic.messages.get(channelId, id) ?? []);
  model.stage.act(actorId, (changes) => deleteMessages(topic, request, loaded, changes));
  model.messages = model.messages.filter(({ id }) => !messageIds.includes(id));
}

function pin(model: Model, actorId: bigint, target: ModelMessage): void {
  const { channelId, id: messageId } = target;
  const topic = model.topicOf(channelId);
  const request = create(PinRequestSchema, { channelId, messageId });
  if (target.isPinned) {
    model.stage.act(actorId, (changes) => deletePin(topic, request, changes));
    target.isPinned = false;
    return;
  }
  const pins = model.messages.filter((each) => each.channelId === channelId && each.isPinned);
  if (!topic.messages.pinCounts.has(channelId)) {
    topic.messages.pinCounts.set(channelId, pins.length);
  }
  expect(topic.messages.pinCounts.get(channelId)).toBe(pins.length);
  const { changes } = model.stage.act(actorId, (made) => putPin(topic, request, made));
  target.isPinned = true;
  const row = changes.rows.findLast(({ table }) => table === 'messages')!;
  const mentioned = new Set(channelId === PRIVATE ? [ANN, BEN] : []);
  const id = row.key[1] as bigint;
  add(model, { id, channelId, authorId: actorId, content: '', mentioned });
  model.messages.at(-1)!.isSystem = true;
}

function rowsOf(model: Model, table: string): Map<string, Document> {
  const prefix = `${table}/`;
  const rows = [...model.stage.rows].filter(([key]) => key.startsWith(prefix));
  return new Map(rows.map(([key, document]) => [key.slice(prefix.length), document]));
}

/** Everything that is stored is what the array has. */
function compareAll(model: Model): void {
  const rows = rowsOf(model, 'messages');
  expect([...rows.keys()].sort()).toEqual(
    model.messages.map(({ id, channelId }) => `${channelId}/${id}`).sort(),
  );
  const reactions: string[] = [];
  for (const message of model.messages) {
    const { id, channelId } = message;
    const stored = messageFromDocument(id, channelId, rows.get(`${channelId}/${id}`)!);
    expect([stored.content, stored.author.id]).toEqual([message.content, message.authorId]);
    expect(stored.editedAtMs !== 0).toBe(message.isEdited);
    expect(stored.pinnedAtMs !== 0).toBe(message.isPinned);
    const cached = model.topicOf(channelId).messages.get(channelId, id);
    if (cached !== undefined) expect(cached.message).toEqual(stored);
    const held = [...(cached?.reactions.all() ?? [])].map(({ emoji, users }) => [
      emoji.name,
      [...users.keys()],
    ]);
    const expected = [...message.reactions].map(([name, users]) => [name, [...users]]);
    if (cached !== undefined) expect(held).toEqual(expected);
    for (const [name, users] of message.reactions) {
      for (const userId of users) reactions.push(`${id}/${name}/${userId}`);
    }
  }
  expect([...rowsOf(model, 'reactions').keys()].sort()).toEqual(reactions.sort());
}

/** Counts from a few positions, by memory and by what the next owner would read. */
function compareCounts(model: Model): void {
  for (const channelId of [TEXT, NEWS, PRIVATE]) {
    const next = new MentionLog();
    next.restore(
      [...rowsOf(model, 'mentions')]
        .map(([key, document]) => ({ key: key.split('/').map(BigInt), document }))
        .sort((a, b) => (a.key[1]! < b.key[1]! ? -1 : 1)),
    );
    for (const userId of model.peopleOf(channelId)) {
      const position = random.chance(0.3) ? 0n : (random.pick(model.messages)?.id ?? 0n);
      const expected = model.count(channelId, userId, position);
      expect(counted(model, channelId, userId, position)).toBe(expected);
      const who = countedUser(model.topicOf(channelId), userId, model.stage.clock.nowMs());
      expect(next.count({ ...who, channelId, position })).toBe(expected);
    }
  }
}

/** Roles come and go, and somebody joins: what was written before stays as it was meant. */
function shuffleRoles(model: Model): void {
  const { guild, clock } = model.stage;
  if (model.lateJoinedAtMs === Infinity && random.chance(0.3)) {
    clock.advance(1);
    model.lateJoinedAtMs = clock.nowMs();
    guild.putMember(newMember(person(LATE), model.lateJoinedAtMs));
  }
  const member = guild.member(random.pick(model.peopleOf(TEXT)))!;
  if (member.user.id !== MOD) {
    const roleIds = [TEAM_ROLE, QUIET_ROLE].filter(() => random.chance(0.5));
    guild.putMember({ ...member, roleIds });
  }
  guild.takeVisibility();
}

describe(`messages (${random})`, () => {
  it('are what a plain array says, in memory, in rows and in mention counts', () => {
    const model = new Model();
    for (let index = 0; index < STEPS; index += 1) {
      step(model);
      if (index % 20 === 0) shuffleRoles(model);
      if (model.messages.length > 0 && index % 20 === 0) compareCounts(model);
      if (index % 250 === 0) compareAll(model);
    }
    compareAll(model);
    expect(model.messages.length).toBeGreaterThan(STEPS / 5);
  });
});
