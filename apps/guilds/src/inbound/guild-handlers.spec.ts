import { create, fromBinary, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import type { Call } from '@guildhall/bus';
import { ManualClock } from '@guildhall/clock';
import { Guilds, JsonReplySchema, type JsonReply, type User } from '@guildhall/contracts';
import { Fault } from '@guildhall/fault';
import { SnowflakeMint } from '@guildhall/snowflake';
import { migrate, openStore, type Store } from '@guildhall/store';
import { silentTelemetry } from '@guildhall/telemetry';
import {
  removePostgres,
  SeededRandom,
  startPostgres,
  tempDir,
  type PostgresServer,
} from '@guildhall/testkit';
import { messageDocument, newMessage } from '../domain/message.js';
import { TopicKind } from '../domain/topic-kind.js';
import { userDocument, userOf } from '../domain/user-document.js';
import { GroupCommit } from '../outbound/group-commit.js';
import { MessageStore } from '../outbound/message-store.js';
import { MIGRATIONS } from '../outbound/migrations.js';
import { TopicStore } from '../outbound/topic-store.js';
import { guildHandlers } from './guild-handlers.js';
import { TopicHost } from './topic-host.js';
import { TopicShelf, type Courier } from './topic-shelf.js';

const START_MS = 120_000;
const OWNER = 11n;
const ANN = 12n;
const dir = tempDir();
const databaseDir = `${dir.path}/postgres`;
const clock = new ManualClock();
const mint = new SnowflakeMint(clock);
const call: Call = { trace: undefined, arrivedAtMs: 0, span: undefined };
let server: PostgresServer;
let store: Store;
let lastCommandId = 1n;

beforeAll(async () => {
  server = await startPostgres({ dir: databaseDir, durable: false });
  store = openStore({
    databaseUrl: server.url,
    schema: 'guilds',
    connectionsMax: 8,
    applicationName: 'guild-handlers-spec',
  });
  await migrate(store, MIGRATIONS);
}, START_MS);

afterAll(async () => {
  await store?.close();
  await server?.stop();
  removePostgres(databaseDir);
  dir.remove();
}, START_MS);

const random = new SeededRandom(20_261_124);
const newId = (): bigint => mint.mintTopicId(() => random.next());

type Methods = (typeof Guilds)['method'];
type Init<K extends keyof Methods> = Omit<MessageInitShape<Methods[K]['input']>, '$typeName'>;
type AnyHandlers = Record<
  string,
  (request: unknown, call: Call) => Promise<Uint8Array | JsonReply>
>;
type Json = Record<string, unknown> & { id: string; code: string };

/** One guilds process. A second one takes its topics over. */
class Process {
  readonly published: string[] = [];
  readonly errands: bigint[] = [];
  readonly closed: bigint[] = [];
  readonly #handlers: AnyHandlers;

  constructor() {
    const commit = new GroupCommit({
      store,
      lanesCount: 2,
      batchMax: 100,
      waitingMax: 1_000,
      monotonicMs: () => 0,
      report: () => undefined,
    });
    const courier: Courier = {
      run: async (errands) => {
        this.errands.push(...errands.map(({ targetTopicId }) => targetTopicId));
      },
    };
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
        durable: (_, events) => this.published.push(...events.map(({ type }) => type)),
        ephemeral: () => undefined,
      },
      courier,
      clock,
      mint,
      random: () => random.next(),
      tracer: silentTelemetry().tracer,
      errandWaitMs: 1_000,
    });
    this.#handlers = guildHandlers({
      host,
      messages: new MessageStore(store),
      userTopics: {
        closePrivateChannel: async ({ channelId }) => {
          this.closed.push(channelId);
          return create(JsonReplySchema, { json: new TextEncoder().encode('{"type":1}') });
        },
      },
      clock,
    }) as unknown as AnyHandlers;
  }

  /** Asks as the edge does; the same `commandId` is the same request sent again. */
  async ask<K extends keyof Methods & string>(
    method: K,
    actorId: bigint,
    topicId: bigint,
    init: Init<K>,
    commandId = ++lastCommandId,
  ): Promise<Json> {
    const { input, output } = Guilds.method[method];
    const command = { commandId, topicId, actorId };
    const request = create<DescMessage>(input, { ...init, command } as Record<string, unknown>);
    const answer = await this.#handlers[method]!(request, call);
    if (output.typeName !== JsonReplySchema.typeName) return {} as Json;
    const { json } = answer instanceof Uint8Array ? fromBinary(JsonReplySchema, answer) : answer;
    return JSON.parse(new TextDecoder().decode(json)) as Json;
  }

  async codeOf(asked: Promise<Json>): Promise<number | undefined> {
    try {
      await asked;
      return undefined;
    } catch (error) {
      if (error instanceof Fault && error.refusal !== undefined) return error.refusal.discordCode;
      throw error;
    }
  }
}

const user = (id: bigint): User => ({ ...userOf({ id, username: `user${id}` }) }) as User;

/** A new guild of the owner's, in which Ann is a member. */
async function guildWithAnn(process: Process): Promise<{ id: bigint; textId: bigint }> {
  const id = newId();
  await process.ask('createGuild', OWNER, id, { name: 'The guild', owner: user(OWNER) });
  const channels = (await process.ask('listChannels', OWNER, id, {})) as unknown as Json[];
  const textId = BigInt(channels.find((channel) => channel['type'] === 0)!.id);
  const { code } = await process.ask('createInvite', OWNER, 0n, { channelId: textId });
  await process.ask('acceptInvite', ANN, id, { code, user: user(ANN) });
  return { id, textId };
}

describe('guildHandlers', () => {
  it('make a guild that the next owner knows, with who has joined it', async () => {
    const first = new Process();
    const { id, textId } = await guildWithAnn(first);
    expect(first.errands).toEqual([OWNER, ANN]);
    expect(first.published).toEqual([
      'guildhall.visibility_changed',
      'INVITE_CREATE',
      'GUILD_MEMBER_ADD',
    ]);
    const second = new Process();
    expect(await second.ask('getGuild', ANN, id, { withCounts: true })).toMatchObject({
      name: 'The guild',
      approximate_member_count: 2,
    });
    expect(await second.ask('getChannel', ANN, 0n, { channelId: textId })).toMatchObject({
      guild_id: String(id),
    });
    expect(await second.ask('getMember', OWNER, id, { userId: ANN })).toMatchObject({
      user: { username: 'user12' },
    });
  });

  it('do what is asked twice once, whoever is asked the second time', async () => {
    const first = new Process();
    const { id } = await guildWithAnn(first);
    const fields = { name: 'twice' };
    const role = await first.ask('createRole', OWNER, id, { fields }, 900n);
    expect(await first.ask('createRole', OWNER, id, { fields }, 900n)).toEqual(role);
    const second = new Process();
    expect(await second.ask('createRole', OWNER, id, { fields }, 900n)).toEqual(role);
    expect(await second.ask('listRoles', OWNER, id, {})).toHaveLength(2);
  });

  it('answer with Discord’s codes what is not there or not for all', async () => {
    const process = new Process();
    const { id } = await guildWithAnn(process);
    const unknown = newId();
    expect(await process.codeOf(process.ask('getGuild', ANN, unknown, {}))).toBe(10004);
    expect(await process.codeOf(process.ask('getGuild', 99n, id, {}))).toBe(50001);
    const channelId = unknown;
    expect(await process.codeOf(process.ask('getChannel', ANN, 0n, { channelId }))).toBe(10003);
    expect(await process.codeOf(process.ask('listInvites', ANN, 0n, { channelId }))).toBe(10003);
    const code = 'x'.repeat(16);
    expect(await process.codeOf(process.ask('getInvite', 0n, unknown, { code }))).toBe(10006);
    expect(await process.codeOf(process.ask('deleteGuild', ANN, id, {}))).toBe(50013);
  });

  it('delete what a banned user wrote lately, and nothing else', async () => {
    const first = new Process();
    const { id, textId } = await guildWithAnn(first);
    const write = async (authorId: bigint): Promise<bigint> => {
      const messageId = mint.mint(0);
      const author = userOf({ id: authorId, username: `user${authorId}` });
      const message = newMessage({ id: messageId, channelId: textId, author });
      await store.query({ text: 'INSERT INTO messages VALUES ($1, $2, $3, $4::jsonb)' }, [
        id,
        textId,
        messageId,
        JSON.stringify(messageDocument(message)),
      ]);
      return messageId;
    };
    const old = await write(ANN);
    clock.advance(3_600_000);
    const lately = await write(ANN);
    const owners = await write(OWNER);
    const request = { userId: ANN, deleteMessageSeconds: 1_800 };
    await first.ask('putBan', OWNER, id, request, 950n);
    expect(first.published.slice(-3)).toEqual([
      'GUILD_BAN_ADD',
      'GUILD_MEMBER_REMOVE',
      'MESSAGE_DELETE_BULK',
    ]);
    const left = await store.query<{ message_id: bigint }>(
      { text: 'SELECT message_id FROM messages WHERE topic_id = $1 ORDER BY message_id' },
      [id],
    );
    expect(left.rows.map((row) => row.message_id)).toEqual([old, owners]);
    expect(lately).toBeGreaterThan(old);
    // The same request again changes nothing more.
    const count = first.published.length;
    await first.ask('putBan', OWNER, id, request, 950n);
    expect(first.published).toHaveLength(count);
  });

  it('end a guild', async () => {
    const first = new Process();
    const { id } = await guildWithAnn(first);
    await first.ask('deleteGuild', OWNER, id, {});
    expect(first.published.at(-1)).toBe('GUILD_DELETE');
    expect(first.errands.slice(-2)).toEqual([OWNER, ANN]);
    expect(await first.codeOf(first.ask('getGuild', OWNER, id, {}))).toBe(10004);
  });

  it('take private channels where they have a meaning', async () => {
    const process = new Process();
    const topicId = newId();
    const recipients = [OWNER, ANN].map((id) => userDocument(userOf({ id })));
    await store.query({ text: `INSERT INTO topics VALUES ($1, $2, 0, 0, 'spec', $3::jsonb)` }, [
      topicId,
      TopicKind.PrivateChannel,
      JSON.stringify({ recipients }),
    ]);
    const channelId = topicId;
    expect(await process.ask('getChannel', ANN, 0n, { channelId })).toMatchObject({
      type: 1,
      recipients: [{ id: '11' }],
    });
    const ask = (method: 'getChannel' | 'modifyChannel' | 'deleteChannel', actorId: bigint) =>
      process.codeOf(process.ask(method, actorId, 0n, { channelId }));
    expect(await ask('getChannel', 99n)).toBe(50001);
    expect(await ask('modifyChannel', ANN)).toBe(50003);
    expect(await ask('deleteChannel', 99n)).toBe(50001);
    expect(await ask('deleteChannel', ANN)).toBeUndefined();
    expect(process.closed).toEqual([channelId]);
  });
});
