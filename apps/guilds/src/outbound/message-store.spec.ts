import { migrate, openStore, type Store } from '@guildhall/store';
import { removePostgres, startPostgres, tempDir, type PostgresServer } from '@guildhall/testkit';
import { isoTime } from '../domain/iso-time.js';
import { mentionDocument, MENTIONS_PER_CHANNEL_MAX, MentionLog } from '../domain/mention-log.js';
import { messageDocument, newMessage, type Message } from '../domain/message.js';
import { emojiKey, reactionDocument, type Emoji } from '../domain/reactions.js';
import type { Document } from '../domain/tables.js';
import { counted, person } from '../testing/message-stage.js';
import { MessageStore, newestMentions } from './message-store.js';
import { MIGRATIONS } from './migrations.js';

const START_MS = 120_000;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
let server: PostgresServer;
let store: Store;
let messages: MessageStore;

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  store = openStore({
    databaseUrl: server.url,
    schema: 'guilds',
    connectionsMax: 4,
    applicationName: 'message-store-spec',
  });
  await migrate(store, MIGRATIONS);
  messages = new MessageStore(store);
}, START_MS);

afterAll(async () => {
  await store?.close();
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

const CHANNEL = 7n;
const OTHER_CHANNEL = 8n;
const ANN = 21n;
const BEN = 22n;
const THUMB = { id: 0n, name: '👍' };
const BLOB = { id: 99n, name: 'blob' };

let topicId = 0n;
beforeEach(() => {
  topicId += 1n;
});

async function put(id: bigint, more: Partial<Message> = {}): Promise<void> {
  const message = newMessage({ id, channelId: CHANNEL, author: person(ANN), ...more });
  const document = JSON.stringify(messageDocument(message));
  await store.query({ text: 'INSERT INTO messages VALUES ($1, $2, $3, $4::jsonb)' }, [
    topicId,
    message.channelId,
    id,
    document,
  ]);
}

async function react(messageId: bigint, emoji: Emoji, userId: bigint, atMs: number): Promise<void> {
  const user = userId === BEN ? undefined : person(userId);
  const document = JSON.stringify(reactionDocument(emoji, atMs, user));
  await store.query({ text: 'INSERT INTO reactions VALUES ($1, $2, $3, $4, $5::jsonb)' }, [
    topicId,
    messageId,
    emojiKey(emoji),
    userId,
    document,
  ]);
}

async function mention(channelId: bigint, id: bigint, document: Document): Promise<void> {
  await store.query({ text: 'INSERT INTO mentions VALUES ($1, $2, $3, $4::jsonb)' }, [
    topicId,
    channelId,
    id,
    JSON.stringify(document),
  ]);
}

const idsOf = (found: readonly Message[]): number[] => found.map(({ id }) => Number(id));

describe('MessageStore.page', () => {
  const page = async (query: object, limit = 4): Promise<number[]> =>
    idsOf(
      await messages.page(topicId, CHANNEL, { limit, before: 0n, after: 0n, around: 0n, ...query }),
    );

  beforeEach(async () => {
    for (let id = 10n; id <= 100n; id += 10n) await put(id);
    await put(55n, { channelId: OTHER_CHANNEL });
  });

  it('has the newest, newest first', async () => {
    expect(await page({})).toEqual([100, 90, 80, 70]);
    expect(await page({}, 100)).toHaveLength(10);
  });

  it('has those before one, which need not exist', async () => {
    expect(await page({ before: 50n })).toEqual([40, 30, 20, 10]);
    expect(await page({ before: 51n })).toEqual([50, 40, 30, 20]);
    expect(await page({ before: 10n })).toEqual([]);
    expect(await page({ before: 1_000n }, 2)).toEqual([100, 90]);
  });

  it('has the nearest after one, newest first all the same', async () => {
    expect(await page({ after: 50n })).toEqual([90, 80, 70, 60]);
    expect(await page({ after: 49n })).toEqual([80, 70, 60, 50]);
    expect(await page({ after: 80n })).toEqual([100, 90]);
    expect(await page({ after: 100n })).toEqual([]);
    expect(await page({ after: 1n })).toEqual([40, 30, 20, 10]);
  });

  it('has both sides of one, and the one', async () => {
    expect(await page({ around: 50n }, 5)).toEqual([70, 60, 50, 40, 30]);
    expect(await page({ around: 50n }, 4)).toEqual([70, 60, 50, 40]);
    expect(await page({ around: 50n }, 1)).toEqual([50]);
    expect(await page({ around: 55n }, 4)).toEqual([70, 60, 50, 40]);
    expect(await page({ around: 100n }, 4)).toEqual([100, 90]);
    expect(await page({ around: 10n }, 4)).toEqual([30, 20, 10]);
    expect(await page({ around: 1_000n }, 4)).toEqual([100, 90]);
  });
});

describe('MessageStore', () => {
  it('reads a message with all its reactions', async () => {
    await put(10n, { content: 'hi', mentions: [person(BEN)], pinnedAtMs: 1_700_000_000_123 });
    await react(10n, BLOB, ANN, 2);
    await react(10n, THUMB, BEN, 3);
    await react(10n, THUMB, ANN, 1);
    const found = await messages.message(topicId, CHANNEL, 10n);
    expect(found?.message).toMatchObject({ content: 'hi', pinnedAtMs: 1_700_000_000_123 });
    expect(found?.reactions.json(BEN)).toMatchObject([
      { emoji: { name: '👍' }, count: 2, me: true },
      { emoji: { id: '99', name: 'blob' }, count: 1, me: false },
    ]);
    expect(await messages.message(topicId, OTHER_CHANNEL, 10n)).toBeUndefined();
    expect(await messages.message(topicId + 1n, CHANNEL, 10n)).toBeUndefined();
    expect(await messages.messages(topicId, CHANNEL, [])).toEqual([]);
  });

  it('counts reactions of a page in one query, in the order in which they came', async () => {
    await react(10n, THUMB, ANN, 5);
    await react(10n, BLOB, ANN, 3);
    await react(10n, THUMB, BEN, 9);
    await react(20n, THUMB, BEN, 1);
    await react(30n, THUMB, BEN, 1);
    const counts = await messages.reactionCounts(topicId, [10n, 20n], ANN);
    expect(counts).toEqual(
      new Map([
        [
          10n,
          [
            { emoji: BLOB, count: 1, isMine: true },
            { emoji: THUMB, count: 2, isMine: true },
          ],
        ],
        [20n, [{ emoji: THUMB, count: 1, isMine: false }]],
      ]),
    );
    expect(await messages.reactionCounts(topicId, [], ANN)).toEqual(new Map());
  });

  it('lists who reacted, by id, in pages', async () => {
    for (const [index, userId] of [BEN, ANN, 30n].entries()) await react(10n, BLOB, userId, index);
    const ids = async (after: bigint, limit: number) =>
      (await messages.reactors(topicId, 10n, emojiKey(BLOB), after, limit)).map(
        (each) => each.userId,
      );
    expect(await ids(0n, 2)).toEqual([ANN, BEN]);
    expect(await ids(BEN, 2)).toEqual([30n]);
    const [ann, ben] = await messages.reactors(topicId, 10n, emojiKey(BLOB), 0n, 2);
    expect(ann?.user).toEqual(person(ANN));
    expect(ben?.user).toBeUndefined();
  });

  it('has pins, the latest first, in pages', async () => {
    const atMs = 1_700_000_000_000;
    await put(10n, { pinnedAtMs: atMs + 2 });
    await put(20n, { pinnedAtMs: atMs + 1 });
    await put(30n);
    await put(40n, { pinnedAtMs: atMs + 3 });
    expect(await messages.pinsCount(topicId, CHANNEL)).toBe(3);
    expect(idsOf(await messages.pins(topicId, CHANNEL, 2, undefined))).toEqual([40, 10]);
    const before = isoTime(atMs + 2);
    expect(idsOf(await messages.pins(topicId, CHANNEL, 5, before))).toEqual([20]);
    expect(await messages.pinsCount(topicId, OTHER_CHANNEL)).toBe(0);
  });

  it('finds what somebody wrote', async () => {
    await put(10n);
    await put(20n, { author: person(BEN) });
    await put(30n);
    await put(40n, { channelId: OTHER_CHANNEL });
    await react(30n, THUMB, BEN, 1);
    expect(await messages.lastOfAuthor(topicId, CHANNEL, ANN, 0n)).toBe(30n);
    expect(await messages.lastOfAuthor(topicId, CHANNEL, ANN, 30n)).toBeUndefined();
    const found = await messages.messagesOf(topicId, [CHANNEL, OTHER_CHANNEL, 9n], ANN, 10n);
    expect([...found.keys()].sort()).toEqual([CHANNEL, OTHER_CHANNEL]);
    expect(found.get(CHANNEL)!.map(({ message }) => message.id)).toEqual([30n]);
    expect(found.get(CHANNEL)![0]!.reactions.size).toBe(1);
    expect((await messages.messagesOf(topicId, [], ANN, 0n)).size).toBe(0);
  });
});

function combinations<A, B, C, D>(
  as: readonly A[],
  bs: readonly B[],
  cs: readonly C[],
  ds: readonly D[],
): [A, B, C, D][] {
  return as.flatMap((a) =>
    bs.flatMap((b) => cs.flatMap((c) => ds.map((d): [A, B, C, D] => [a, b, c, d]))),
  );
}

describe('the mention log', () => {
  it('is counted from its rows as from memory', async () => {
    const log = new MentionLog();
    const nobody = { roleIds: [], userIds: [], roleUserIds: [] };
    const base = { authorId: ANN, everyone: false, ...nobody };
    const records = [
      { ...base, messageId: 1n, userIds: [BEN] },
      { ...base, messageId: 2n, everyone: true },
      { ...base, messageId: 3n, roleIds: [50n] },
      { ...base, messageId: 4n, userIds: [ANN] },
      { ...base, messageId: 5n, authorId: BEN, everyone: true },
      { ...base, messageId: 6n, roleIds: [51n], userIds: [BEN, 30n] },
      { ...base, messageId: 7n, everyone: true, roleIds: [50n] },
      { ...base, messageId: 8n, roleUserIds: [BEN, 30n] },
      { ...base, messageId: 9n, everyone: true, roleUserIds: [30n], userIds: [BEN] },
    ];
    for (const record of records) {
      log.put(CHANNEL, record);
      await mention(CHANNEL, record.messageId, mentionDocument(record));
    }
    const either = [false, true];
    for (const [userId, roleIds, suppressEveryone, suppressRoles] of combinations(
      [ANN, BEN, 30n],
      [[], [50n], [50n, 51n]],
      either,
      either,
    )) {
      const who = { userId, roleIds, suppressEveryone, suppressRoles };
      for (let position = 0n; position <= 9n; position += 1n) {
        const asked = { channelId: CHANNEL, ...who };
        const range = { ...asked, topicId, since: 0n, after: position, until: 100n };
        const found = [who, position, await messages.mentionsBetween(range)];
        expect(found).toEqual([who, position, log.count({ ...asked, joinedAtMs: 0, position })]);
      }
    }
    const ben = { topicId, channelId: CHANNEL, ...counted(BEN) };
    expect(await messages.mentionsBetween({ ...ben, since: 0n, after: 0n, until: 1n })).toBe(1);
    expect(await messages.mentionsBetween({ ...ben, since: 2n, after: 0n, until: 6n })).toBe(2);
  });

  it('is loaded with the newest of each channel', async () => {
    const document = mentionDocument({
      messageId: 0n,
      authorId: ANN,
      everyone: true,
      roleIds: [],
      userIds: [],
      roleUserIds: [],
    });
    for (let id = 1n; id <= 5n; id += 1n) await mention(CHANNEL, id, document);
    await mention(OTHER_CHANNEL, 9n, document);
    const rows = await newestMentions(store, topicId, 3);
    expect(rows.map(({ key }) => key)).toEqual([
      [CHANNEL, 3n],
      [CHANNEL, 4n],
      [CHANNEL, 5n],
      [OTHER_CHANNEL, 9n],
    ]);
    const log = new MentionLog();
    log.restore(await newestMentions(store, topicId, MENTIONS_PER_CHANNEL_MAX));
    const asked = { channelId: CHANNEL, ...counted(BEN), position: 2n };
    expect(log.count(asked)).toBe(3);
    expect(await newestMentions(store, topicId + 1_000n, 3)).toEqual([]);
  });
});
