// Instances of the whole app on one memory bus and one schema, and an edge that asks them; for
// specs.
import { randomBytes } from 'node:crypto';
import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import { callOwner, createMemoryBus, type MemoryBus, type MemoryHub } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import {
  Guilds,
  Messages,
  Topics,
  type AttachTopicReply,
  type AttachUserReply,
  type CommandSchema,
  type CreateMessageReply,
  type FetchEventsReply,
  type TopicEvent,
} from '@guildhall/contracts';
import { defaultsOf, ServiceLife } from '@guildhall/service';
import { partitionOf, SnowflakeMint } from '@guildhall/snowflake';
import { openStore, type Store } from '@guildhall/store';
import { fakeTelemetry, type FakeTelemetry } from '@guildhall/telemetry';
import { KNOBS, type Config } from '../config.js';
import { TopicFollower } from './topic-follower.js';
import { assembleService } from '../service.js';
import { CutStore } from './cut-store.js';

/** One instance of the app. */
export interface Running {
  readonly name: string;
  readonly life: ServiceLife;
  readonly bus: MemoryBus;
  readonly store: CutStore;
  readonly telemetry: FakeTelemetry;
  /** How often it was told that another process has its name. */
  readonly replaced: { count: number };
}

type CommandInit = MessageInitShape<typeof CommandSchema>;

/** How long one try may take: short, since stories lose answers. */
const TRY_MS = 400;
const DEADLINE_MS = 20_000;

/** See the top of the file. */
export class GuildsFleet {
  readonly clock = new SystemClock();
  readonly hub: MemoryHub;
  readonly edge: MemoryBus;
  readonly database: Store;
  readonly running = new Set<Running>();
  readonly #databaseUrl: string;
  readonly #schema: string;
  readonly #mint = new SnowflakeMint(this.clock);
  readonly #random: () => number;
  readonly #stores: Store[] = [];
  #startedCount = 0;

  constructor(databaseUrl: string, schema: string, random: () => number, maxPayloadBytes?: number) {
    this.#databaseUrl = databaseUrl;
    this.#schema = schema;
    this.#random = random;
    this.hub = createMemoryBus(
      this.clock,
      maxPayloadBytes === undefined ? {} : { maxPayloadBytes },
    );
    this.edge = this.hub.connect({ name: 'edge' });
    this.database = this.#open('spec');
  }

  /** Resolves when it is ready, and owns its share. */
  async start(knobs: Partial<Config> = {}, busName?: string): Promise<Running> {
    this.#startedCount += 1;
    const name = knobs.instance ?? `guilds-${this.#startedCount}`;
    const bus = this.hub.connect({ name: busName ?? name });
    const store = new CutStore(this.#open(name));
    const telemetry = fakeTelemetry({ service: 'guilds' });
    const replaced = { count: 0 };
    const { rooms } = assembleService({
      config: {
        ...defaultsOf(KNOBS),
        beatMs: 40,
        leaseMs: 400,
        digestIntervalMs: 100,
        errandSweepMs: 200,
        presenceSettleMs: 100,
        absentGraceMs: 100,
        connectionsMax: 8,
        natsUrl: '',
        databaseUrl: '',
        host: '127.0.0.1',
        port: 0,
        instance: name,
        telemetry: {} as Config['telemetry'],
        ...knobs,
      },
      bus,
      store,
      clock: this.clock,
      telemetry,
      random: this.#random,
      phase: () => life.phase,
      onReplaced: () => (replaced.count += 1),
    });
    const life: ServiceLife = new ServiceLife({
      name,
      rooms: rooms.filter((room) => room.name !== 'http'),
      clock: this.clock,
      logger: telemetry.logger,
    });
    const one: Running = { name, life, bus, store, telemetry, replaced };
    this.running.add(one);
    await life.start();
    return one;
  }

  /** `kill -9`: nothing is said, nothing is written, nothing is heard. */
  async kill(one: Running): Promise<void> {
    one.store.cut();
    one.bus.disconnect();
    this.running.delete(one);
    await one.life.stop();
    await one.bus.close();
  }

  async drain(one: Running): Promise<void> {
    await one.life.drain();
    this.running.delete(one);
    await one.life.stop();
  }

  async close(): Promise<void> {
    for (const one of [...this.running]) await this.kill(one);
    await this.edge.close();
    await Promise.all(this.#stores.map((store) => store.close()));
  }

  /** A new id in a partition of chance: of a user, or for a guild. */
  newId(): bigint {
    return this.#mint.mintTopicId(this.#random);
  }

  /** A new id in this partition. */
  idIn(partition: number): bigint {
    return this.#mint.mint(partition);
  }

  newCommandId(): bigint {
    return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
  }

  /** What a request about a topic begins with. */
  command(topicId: bigint, actorId: bigint, commandId = this.newCommandId()): CommandInit {
    return { commandId, topicId, actorId };
  }

  /** Asks as the edge does: again and again while the topic changes hands. */
  ask<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    id: bigint,
    request: MessageInitShape<I>,
  ) {
    return callOwner(this.edge, method, partitionOf(id), request, {
      timeoutMs: TRY_MS,
      deadlineMs: DEADLINE_MS,
    });
  }

  /** Makes a guild, and says what is in it. */
  async createGuild(ownerId: bigint, guildId = this.newId()): Promise<MadeGuild> {
    const { json } = await this.ask(Guilds.method.createGuild, guildId, {
      command: this.command(guildId, ownerId),
      name: 'The guild',
      owner: userNumbered(ownerId),
    });
    const guild = JSON.parse(Buffer.from(json).toString()) as { system_channel_id: string };
    return { id: guildId, channelId: BigInt(guild.system_channel_id), ownerId };
  }

  addMember(guildId: bigint, userId: bigint, bot = false): Promise<unknown> {
    return this.ask(Guilds.method.addMember, guildId, {
      command: this.command(guildId, 0n),
      user: { ...userNumbered(userId), bot },
    });
  }

  /** Says something; the guild is known by its channel alone. */
  say(
    channelId: bigint,
    actorId: bigint,
    content: string,
    commandId = this.newCommandId(),
  ): Promise<CreateMessageReply> {
    return this.ask(Messages.method.createMessage, channelId, {
      command: { commandId, actorId },
      channelId,
      author: userNumbered(actorId),
      content,
    });
  }

  attachUser(userId: bigint, gatewayInstance = ''): Promise<AttachUserReply> {
    const command = this.command(userId, userId, 0n);
    return this.ask(Topics.method.attachUser, userId, { command, gatewayInstance });
  }

  attachTopic(topicId: bigint, userId: bigint, gatewayInstance = ''): Promise<AttachTopicReply> {
    const command = this.command(topicId, userId, 0n);
    const request = { command, gatewayInstance, wantsPresences: true };
    return this.ask(Topics.method.attachTopic, topicId, request);
  }

  fetch(topicId: bigint, afterSeq: bigint, limit = 1_000): Promise<FetchEventsReply> {
    return this.ask(Topics.method.fetchEvents, topicId, { topicId, afterSeq, limit });
  }

  /** Follows a topic from here on, as a relay does. */
  follow(topicId: bigint, position = 0n): TopicFollower {
    return new TopicFollower(this.edge, topicId, position, (afterSeq) =>
      this.fetch(topicId, afterSeq),
    );
  }

  /** The log of a topic as it is in the database. */
  async log(topicId: bigint): Promise<LoggedRow[]> {
    const { rows } = await this.database.query<LoggedRow>(
      { text: 'SELECT seq, command_id, event, reply FROM events WHERE topic_id = $1 ORDER BY seq' },
      [topicId],
    );
    return rows;
  }

  async outboxCount(): Promise<number> {
    const { rows } = await this.database.query<{ count: bigint }>({
      text: 'SELECT count(*) FROM outbox',
    });
    return Number(rows[0]!.count);
  }

  /** The instance that has taken a topic last. */
  async ownerOf(topicId: bigint): Promise<Running | undefined> {
    const { rows } = await this.database.query<{ owner: string }>(
      { text: 'SELECT owner FROM topics WHERE topic_id = $1' },
      [topicId],
    );
    return [...this.running].find(({ name }) => name === rows[0]?.owner);
  }

  #open(applicationName: string): Store {
    const store = openStore({
      databaseUrl: this.#databaseUrl,
      schema: this.#schema,
      connectionsMax: 8,
      applicationName,
    });
    this.#stores.push(store);
    return store;
  }
}

export interface MadeGuild {
  readonly id: bigint;
  readonly channelId: bigint;
  readonly ownerId: bigint;
}

export interface LoggedRow {
  readonly seq: bigint;
  readonly command_id: bigint;
  readonly event: Buffer;
  readonly reply: Buffer | null;
}

/** A user by its id. */
export function userNumbered(id: bigint) {
  return { id, username: `user-${id}`, discriminator: '0' };
}

/** The `d` of an event. */
export function dataOf(event: Pick<TopicEvent, 'data'>): Record<string, unknown> {
  return JSON.parse(Buffer.from(event.data).toString()) as Record<string, unknown>;
}
