import { create, fromBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import type { Call } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import {
  CountMentionsReplySchema,
  CreateMessageReplySchema,
  JsonReplySchema,
  Messages,
} from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import { Permission } from '@guildhall/permissions';
import { SnowflakeMint } from '@guildhall/snowflake';
import { migrate, openStore, type Store } from '@guildhall/store';
import { silentTelemetry } from '@guildhall/telemetry';
import { removePostgres, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import { channelDocument } from '../domain/channel.js';
import { memberDocument } from '../domain/member.js';
import { mentionDocument, MENTIONS_PER_CHANNEL_MAX } from '../domain/mention-log.js';
import { CACHED_MAX } from '../domain/message-cache.js';
import { roleDocument } from '../domain/role.js';
import { TABLES, type Document } from '../domain/tables.js';
import { TopicKind } from '../domain/topic-kind.js';
import { GroupCommit } from '../outbound/group-commit.js';
import { MessageStore } from '../outbound/message-store.js';
import { MIGRATIONS } from '../outbound/migrations.js';
import { TopicStore } from '../outbound/topic-store.js';
import {
  ANN,
  BEN,
  CATEGORY,
  EVERYONE,
  GUILD,
  HIDDEN,
  MessageStage,
  MOD,
  PRIVATE,
  SLOW,
  TEXT,
} from '../testing/message-stage.js';
import { messageHandlers } from './message-handlers.js';
import { TopicHost } from './topic-host.js';
import { TopicShelf } from './topic-shelf.js';

const START_MS = 120_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const clock = new SystemClock();
const mint = new SnowflakeMint(clock);
const call: Call = { trace: undefined, arrivedAtMs: 0, span: undefined };
const ATTEMPTS_MAX = 10;
const THUMB = { id: 0n, name: '👍' };
let server: PostgresServer;
let store: Store;
let commandId = 1n;

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  store = openStore({
    databaseUrl: server.url,
    schema: 'guilds',
    connectionsMax: 8,
    applicationName: 'message-handlers-spec',
  });
  await migrate(store, MIGRATIONS);
}, START_MS);

afterAll(async () => {
  await store?.close();
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

beforeEach(async () => {
  const tables = ['topics', 'events', 'outbox', ...Object.keys(TABLES)];
  await store.query({ text: `TRUNCATE ${tables.join(', ')}` });
  const { guild, direct } = new MessageStage();
  await insertTopic(GUILD, TopicKind.Guild, { ...guild.toDocument(), name: 'spec' });
  await insertTopic(PRIVATE, TopicKind.PrivateChannel, direct.toDocument());
  for (const channel of guild.channels.values()) {
    await insert('channels', [channel.id], channelDocument(channel));
  }
  for (const role of guild.roles.values()) await insert('roles', [role.id], roleDocument(role));
  for (const member of guild.members.values()) {
    await insert('members', [member.user.id], memberDocument(member, undefined));
  }
});

async function insertTopic(id: bigint, kind: number, document: Document): Promise<void> {
  await store.query({ text: `INSERT INTO topics VALUES ($1, $2, 0, 0, 'spec', $3::jsonb)` }, [
    id,
    kind,
    JSON.stringify(document),
  ]);
}

async function insert(table: string, key: readonly bigint[], document: Document): Promise<void> {
  const values = [GUILD, ...key, JSON.stringify(document)];
  const places = values.map((_, index) => `$${index + 1}`).join(', ');
  await store.query({ text: `INSERT INTO ${table} VALUES (${places}::jsonb)` }, values);
}

type Methods = (typeof Messages)['method'];
type Init<K extends keyof Methods> = MessageInitShape<Methods[K]['input']>;

type AnyHandlers = Record<string, (request: unknown, call: Call) => unknown>;

/** One guilds process: asks of it are answered as over the bus. */
class Process {
  readonly events: string[] = [];
  readonly #handlers: AnyHandlers;

  constructor(messages = new MessageStore(store)) {
    const commit = new GroupCommit({
      store,
      lanesCount: 2,
      batchMax: 100,
      waitingMax: 10_000,
      monotonicMs: () => clock.monotonicMs(),
      report: () => undefined,
    });
    const courier = { run: async () => undefined };
    const shelf = new TopicShelf({
      store: new TopicStore({ store, instance: 'spec', recentEventsMax: 100, recentEventsMs: 0 }),
      courier,
      clock,
      ownsPartition: () => true,
      settled: () => commit.settled(),
      onLoaded: () => undefined,
      onLost: () => undefined,
      topicsMax: 10,
      tailMax: 100,
      tailBytesMax: 1_000_000,
      repliesMax: 100,
      replyKeepMs: 60_000,
    });
    const host = new TopicHost({
      shelf,
      commit,
      publisher: {
        durable: (_, events) => this.events.push(...events.map(({ type }) => type)),
        ephemeral: () => undefined,
      },
      courier,
      clock,
      mint,
      random: Math.random,
      tracer: silentTelemetry().tracer,
      errandWaitMs: 1_000,
    });
    this.#handlers = messageHandlers({ host, messages, clock }) as unknown as AnyHandlers;
  }

  async bytes<K extends keyof Methods & string>(
    method: K,
    actorId: bigint,
    init: Init<K>,
    id = ++commandId,
  ): Promise<Uint8Array> {
    const given = { channelId: TEXT, ...init, command: { commandId: id, actorId } };
    const input = Messages.method[method].input as DescMessage;
    const request = create(input, given as MessageInitShape<DescMessage>);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#handlers[method]!(request, call)) as Uint8Array;
      } catch (error) {
        // As every edge does, with the same command id.
        const isRetried = error instanceof Fault && error.code === FaultCode.Unavailable;
        if (!isRetried || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  /** The JSON that a method answers with. */
  async ask<K extends keyof Methods & string, T = Record<string, unknown>>(
    method: K,
    actorId: bigint,
    init: Init<K>,
  ): Promise<T> {
    const reply = fromBinary(JsonReplySchema, await this.bytes(method, actorId, init));
    return JSON.parse(new TextDecoder().decode(reply.json)) as T;
  }

  async send(actorId: bigint, init: Init<'createMessage'>): Promise<bigint> {
    const author = { id: actorId, username: 'author' };
    const request = { author, ...init } as Init<'createMessage'>;
    const reply = await this.bytes('createMessage', actorId, request);
    return fromBinary(CreateMessageReplySchema, reply).messageId;
  }

  list(actorId: bigint, init: Init<'listMessages'> = {}): Promise<Record<string, unknown>[]> {
    return this.ask('listMessages', actorId, { limit: 50, ...init });
  }

  async count(userId: bigint, position = 0n, channelId = TEXT): Promise<number> {
    const init = { channelId, position };
    const reply = await this.bytes('countMentions', userId, init);
    return fromBinary(CountMentionsReplySchema, reply).mentionCount;
  }
}

async function refusal(promise: Promise<unknown>): Promise<number | string> {
  return promise.then(
    () => 'not refused',
    (error: unknown) => {
      if (error instanceof Fault) return error.refusal?.discordCode ?? error.code;
      throw error;
    },
  );
}

const ids = (found: readonly Record<string, unknown>[]): bigint[] =>
  found.map(({ id }) => BigInt(id as string));

describe('the Messages service', () => {
  it('keeps what was answered, for the next owner as well', async () => {
    const first = new Process();
    const id = await first.send(ANN, { content: 'question' });
    const replyId = await first.send(BEN, { content: 'answer', referenceMessageId: id });
    await first.ask('editMessage', ANN, { messageId: id, content: 'better question' });
    await first.bytes('putReaction', BEN, { messageId: id, emoji: THUMB, userId: BEN });
    await first.bytes('putPin', MOD, { messageId: id });
    const before = await first.list(ANN);
    expect(before).toMatchObject([
      { type: 6, message_reference: { message_id: String(id) } },
      { id: String(replyId), referenced_message: { content: 'better question' } },
      {
        id: String(id),
        content: 'better question',
        pinned: true,
        reactions: [{ emoji: { name: '👍' }, count: 1, me: false }],
      },
    ]);
    const second = new Process();
    expect(await second.list(ANN)).toEqual(before);
    const [shown] = await second.list(BEN, { around: id, limit: 1 });
    expect(shown).toMatchObject({ reactions: [{ me: true }] });
    expect(await second.ask('getMessage', BEN, { messageId: id })).toEqual(shown);
  });

  it('finds what it has to load to decide', async () => {
    const id = await new Process().send(ANN, { content: 'a <@13>' });
    const second = new Process();
    const edited = await second.ask('editMessage', ANN, { messageId: id, content: 'b' });
    expect(edited).toMatchObject({ content: 'b', mentions: [] });
    expect(await second.count(BEN)).toBe(0);
    const third = new Process();
    await third.bytes('putReaction', BEN, { messageId: id, emoji: THUMB, userId: BEN });
    const fourth = new Process();
    await fourth.bytes('putReaction', BEN, { messageId: id, emoji: THUMB, userId: BEN });
    expect(fourth.events).toEqual([]);
    await fourth.bytes('deleteReaction', BEN, { messageId: id, emoji: THUMB, userId: BEN });
    await fourth.bytes('clearReactions', MOD, { messageId: id });
    expect(fourth.events).toEqual(['MESSAGE_REACTION_REMOVE']);
    const fifth = new Process();
    const replyId = await fifth.send(BEN, { content: 'r', referenceMessageId: id });
    expect(await fifth.list(ANN, { limit: 1 })).toMatchObject([
      { id: String(replyId), referenced_message: { id: String(id) }, mentions: [{ id: '12' }] },
    ]);
    const missing = { content: 'r', referenceMessageId: id + 1n, referenceMustExist: true };
    expect(await refusal(fifth.send(BEN, missing))).toBe(50035);
    const sixth = new Process();
    await sixth.bytes('deleteMessages', MOD, { messageIds: [id, replyId], bulk: true });
    expect(sixth.events).toEqual(['MESSAGE_DELETE_BULK']);
    expect(await sixth.list(ANN)).toEqual([]);
    expect(await refusal(sixth.ask('getMessage', ANN, { messageId: id }))).toBe(10008);
    const gone = { messageId: id, content: 'c' };
    expect(await refusal(new Process().ask('editMessage', ANN, gone))).toBe(10008);
  });

  it('does a command once', async () => {
    const process = new Process();
    const init = { content: 'x', author: { id: ANN } };
    const [one, two] = await Promise.all([
      process.bytes('createMessage', ANN, init, 77n),
      process.bytes('createMessage', ANN, init, 77n),
    ]);
    expect(two).toEqual(one);
    const restarted = new Process();
    expect(await restarted.bytes('createMessage', ANN, init, 77n)).toEqual(one);
    expect(await restarted.list(ANN)).toHaveLength(1);
  });

  it('shows nobody what it may not see', async () => {
    const process = new Process();
    const id = await process.send(MOD, { channelId: HIDDEN, content: 'x' });
    const there = { channelId: HIDDEN, messageId: id };
    expect(await refusal(process.list(BEN, { channelId: HIDDEN }))).toBe(50001);
    expect(await refusal(process.ask('getMessage', BEN, there))).toBe(50001);
    expect(await refusal(process.ask('listPins', BEN, { channelId: HIDDEN }))).toBe(50001);
    expect(await refusal(process.count(BEN, 0n, HIDDEN))).toBe(50001);
    expect(await refusal(process.list(ANN, { channelId: 999n }))).toBe(10003);
    expect(await refusal(process.list(ANN, { channelId: CATEGORY }))).toBe(50024);
    const direct = await process.send(ANN, { channelId: PRIVATE, content: 'x' });
    expect(ids(await process.list(BEN, { channelId: PRIVATE }))).toEqual([direct]);
    expect(await refusal(process.list(MOD, { channelId: PRIVATE }))).toBe(50001);
  });

  it('shows no history to who may not read it', async () => {
    const permissions = String(EVERYONE & ~Permission.READ_MESSAGE_HISTORY);
    await store.query(
      {
        text: `UPDATE roles SET document = jsonb_set(document, '{permissions}', to_jsonb($1::text))
               WHERE role_id = ${GUILD}`,
      },
      [permissions],
    );
    const process = new Process();
    const id = await process.send(ANN, { content: 'x' });
    expect(await process.list(ANN)).toEqual([]);
    expect(await process.ask('listPins', ANN, {})).toEqual({ items: [], has_more: false });
    expect(await refusal(process.ask('getMessage', ANN, { messageId: id }))).toBe(50013);
  });

  it('lists pins in both ways, and who reacted', async () => {
    const process = new Process();
    const sent = [];
    for (const content of ['a', 'b', 'c']) sent.push(await process.send(ANN, { content }));
    for (const messageId of sent) await process.bytes('putPin', MOD, { messageId });
    await process.bytes('deletePin', MOD, { messageId: sent[1]! });
    interface Pins {
      items: { pinned_at: string; message: Record<string, unknown> }[];
      has_more: boolean;
    }
    const pins = await process.ask<'listPins', Pins>('listPins', ANN, { limit: 1 });
    expect(ids(pins.items.map(({ message }) => message))).toEqual([sent[2]]);
    expect(pins.has_more).toBe(true);
    const beforeMs = BigInt(Date.parse(pins.items[0]!.pinned_at));
    const rest = await process.ask<'listPins', Pins>('listPins', ANN, { beforeMs });
    expect(ids(rest.items.map(({ message }) => message))).toEqual([sent[0]]);
    expect(rest.has_more).toBe(false);
    const legacy = await process.ask('listPins', ANN, { legacy: true });
    expect(ids(legacy as unknown as Record<string, unknown>[])).toEqual([sent[2], sent[0]]);

    const [messageId] = sent;
    for (const userId of [BEN, ANN]) {
      await process.bytes('putReaction', userId, { messageId: messageId!, emoji: THUMB, userId });
    }
    const about = { messageId: messageId!, emoji: THUMB, limit: 1 };
    expect(await process.ask('listReactions', MOD, about)).toMatchObject([{ id: String(ANN) }]);
    const after = { ...about, after: ANN };
    expect(await process.ask('listReactions', MOD, after)).toMatchObject([{ id: String(BEN) }]);
  });

  it('reads what is decided before it, committed or not yet', async () => {
    const process = new Process();
    const first = await process.send(ANN, { content: 'first' });
    const sending = Array.from({ length: 20 }, () => process.send(ANN, { content: 'x' }));
    await new Promise(setImmediate);
    const listed = process.list(BEN, { limit: 100 });
    const sent = await Promise.all(sending);
    expect(ids(await listed)).toEqual([...sent.toReversed(), first]);
  });

  it('changes a message that was evicted before its last change was committed', async () => {
    const process = new Process();
    const id = await process.send(ANN, { content: '<@13>' });
    const edits = [process.ask('editMessage', ANN, { messageId: id, content: 'first' })];
    const flood = Array.from({ length: CACHED_MAX + 10 }, (_, index) =>
      process.send(BEN, { content: `${index}` }),
    );
    await new Promise(setImmediate);
    edits.push(process.ask('editMessage', ANN, { messageId: id, flags: 4 }));
    await Promise.all([...edits, ...flood]);
    expect(await process.ask('getMessage', ANN, { messageId: id })).toMatchObject({
      content: 'first',
      flags: 4,
    });
  });

  it('lets many react at once to what nobody has loaded', async () => {
    const messageId = await new Process().send(ANN, { content: 'x' });
    const process = new Process();
    await Promise.all(
      [ANN, BEN, MOD].flatMap((userId) => [
        process.bytes('putReaction', userId, { messageId, emoji: THUMB, userId }),
        process.bytes('putReaction', userId, { messageId, emoji: THUMB, userId }),
        process.bytes('putReaction', userId, { messageId, emoji: { id: 9n, name: 'b' }, userId }),
      ]),
    );
    expect(process.events).toHaveLength(6);
    const [message] = await process.list(ANN, { limit: 1 });
    expect(message).toMatchObject({
      reactions: [
        { emoji: { name: '👍' }, count: 3, me: true },
        { emoji: { id: '9', name: 'b' }, count: 3, me: true },
      ],
    });
  });

  it('deletes a hundred messages with more reactions than it keeps', async () => {
    const process = new Process();
    const messageIds = await Promise.all(
      Array.from({ length: 100 }, () => process.send(ANN, { content: 'x' })),
    );
    await store.query({
      text: `INSERT INTO reactions
             SELECT topic_id, message_id, 'e' || n, ${BEN},
               jsonb_build_object('name', 'e' || n, 'at_ms', n)
             FROM messages, generate_series(1, 8) n`,
    });
    const restarted = new Process();
    await restarted.bytes('deleteMessages', MOD, { messageIds, bulk: true });
    const left = await store.query<{ count: bigint }>({
      text: 'SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM reactions) AS count',
    });
    expect(Number(left.rows[0]!.count)).toBe(0);
  });

  it('remembers slow mode over a change of owner', async () => {
    await new Process().send(ANN, { channelId: SLOW, content: 'x' });
    const process = new Process();
    expect(await refusal(process.send(ANN, { channelId: SLOW, content: 'y' }))).toBe(20016);
    expect(await refusal(process.send(BEN, { channelId: SLOW, content: 'y' }))).toBe('not refused');
    expect(await refusal(process.send(MOD, { channelId: SLOW, content: 'y' }))).toBe('not refused');
  });

  it('answers an enforced nonce with the first message', async () => {
    const process = new Process();
    const init = { content: 'x', nonce: 'n', enforceNonce: true };
    const [one, two] = await Promise.all([process.send(ANN, init), process.send(ANN, init)]);
    expect(two).toBe(one);
    expect(await process.list(ANN)).toHaveLength(1);
  });

  it('counts mentions past a position, in memory and further back', async () => {
    const process = new Process();
    const sent = [];
    for (const content of ['<@13>', 'x', '<@&103>'])
      sent.push(await process.send(MOD, { content }));
    expect(await process.count(BEN)).toBe(2);
    expect(await process.count(BEN, sent[0]!)).toBe(1);
    expect(await process.count(BEN, sent[2]!)).toBe(0);
    await process.bytes('deleteMessages', MOD, { messageIds: [sent[2]!] });
    expect(await process.count(BEN, sent[0]!)).toBe(0);
    const document = mentionDocument({
      messageId: 0n,
      authorId: ANN,
      everyone: true,
      roleIds: [],
      roleUserIds: [],
      userIds: [],
    });
    await store.query(
      {
        text: `INSERT INTO mentions
               SELECT ${GUILD}, ${TEXT}, ${sent[0]!} + n, $1::jsonb
               FROM generate_series(1, $2::int) n`,
      },
      [JSON.stringify(document), MENTIONS_PER_CHANNEL_MAX + 100],
    );
    const restarted = new Process();
    expect(await restarted.count(BEN)).toBe(MENTIONS_PER_CHANNEL_MAX + 101);
    expect(await restarted.count(BEN, sent[0]! + 60n)).toBe(MENTIONS_PER_CHANNEL_MAX + 40);
    expect(await restarted.count(ANN)).toBe(0);
    expect(await restarted.count(BEN, sent[0]! + 2_000n)).toBe(MENTIONS_PER_CHANNEL_MAX - 1_900);
  });

  it('counts what memory lets go of while it asks the table for the rest', async () => {
    const process = new Process();
    const first = await process.send(ANN, { content: `<@${BEN}>` });
    const document = { author_id: String(ANN), user_ids: [String(BEN)] };
    await store.query(
      {
        text: `INSERT INTO mentions
               SELECT ${GUILD}, ${TEXT}, ${first} + n, $1::jsonb
               FROM generate_series(1, $2::int) n`,
      },
      [JSON.stringify(document), MENTIONS_PER_CHANNEL_MAX],
    );
    const messages = new MessageStore(store);
    const ask = messages.mentionsBetween.bind(messages);
    const restarted = new Process(messages);
    let askedCount = 0;
    messages.mentionsBetween = async (range) => {
      askedCount += 1;
      await restarted.send(ANN, { content: `<@${MOD}>` });
      return ask(range);
    };
    expect(await restarted.count(BEN)).toBe(MENTIONS_PER_CHANNEL_MAX + 1);
    expect(askedCount).toBe(1);
  });

  it('counts every message of the other in a private channel', async () => {
    const process = new Process();
    const first = await process.send(ANN, { channelId: PRIVATE, content: 'a' });
    await process.send(ANN, { channelId: PRIVATE, content: 'b' });
    expect(await process.count(BEN, first, PRIVATE)).toBe(1);
    const restarted = new Process();
    expect(await restarted.count(BEN, 0n, PRIVATE)).toBe(2);
    expect(await restarted.count(ANN, 0n, PRIVATE)).toBe(0);
  });
});
