// Guildhall's gateway in a full fleet: events are commands to the real owner of a guild, committed
// to PostgreSQL and published on NATS; recipients are bots that have identified. Filters, sequences
// and replay are on, since they cannot be turned off. Only the gateway's own CPU time counts.
import { callOwner, connectNats, type Bus } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { Guilds, inboxPrefix, Messages } from '@guildhall/contracts';
import { startFleet, type Fleet } from '@guildhall/fleet';
import { HEARTBEAT_INTERVAL_DEFAULT_MS, Intent } from '@guildhall/gateway-protocol';
import { partitionOf, SnowflakeMint } from '@guildhall/snowflake';
import { tempDir, type TempDir } from '@guildhall/testkit';
import { makeGuild, makeOwner, ok, type GuildWorld, type Owner } from './guild-world.js';
import type { SinkPlan } from './sink.js';
import type { Stage, Target } from './target.js';

/** How a lane's sessions are compressed. */
export type Compression = 'none' | 'zlib-stream' | 'zstd-stream';

/** Names of the targets, by compression. */
const LANES: Readonly<Record<Compression, string>> = {
  none: 'guildhall',
  'zlib-stream': 'guildhall zlib',
  'zstd-stream': 'guildhall zstd',
};
/** What `none` is measured by as well. */
export const POST_LANE = 'guildhall POST';

/** How a stage of sessions is laid out. */
export interface StageOptions {
  /** Of each compression. */
  readonly sessionsCount: number;
  readonly compressions: readonly Compression[];
  /** Of an event, as far as its name can be drawn out. */
  readonly payloadBytes: number;
  /** More sessions than this, and the rest is on the second gateway. */
  readonly perGatewayMax: number;
}

const INTENTS = Intent.Guilds | Intent.GuildMessages | Intent.MessageContent;
/** Smaller frames are answers to heartbeats: 36 bytes as JSON, about as many in shared pieces. */
const EVENT_BYTES_MIN = 120;
/** Characters of a message, drawn anew each time. */
const CONTENT_LENGTH = 40;
/** CHANNEL_UPDATE of a category without a name. */
const NAMELESS_EVENT_BYTES = 202;
const NAME_LENGTH_MAX = 100;
const MANY = '1000000';

/** A running fleet with guilds to measure in. */
export class GuildhallFleet {
  readonly #fleet: Fleet;
  readonly #folder: TempDir;
  readonly #bus: Bus;
  readonly #mint: SnowflakeMint;
  readonly #owner: Owner;
  readonly #sessionsPerBot: number;
  readonly #worlds = new Map<Compression, GuildWorld>();

  private constructor(
    fleet: Fleet,
    folder: TempDir,
    bus: Bus,
    owner: Owner,
    sessionsPerBot: number,
  ) {
    this.#fleet = fleet;
    this.#folder = folder;
    this.#bus = bus;
    this.#mint = new SnowflakeMint(bus.clock);
    this.#owner = owner;
    this.#sessionsPerBot = sessionsPerBot;
  }

  /** Starts a fleet with two gateways; `gatewayEnv` is added to what they are told. */
  static async start(
    sessionsPerBot: number,
    gatewayEnv: Readonly<Record<string, string>> = {},
  ): Promise<GuildhallFleet> {
    const folder = tempDir('guildhall-fan-out-');
    const fleet = await startFleet({
      dataDir: folder.path,
      seed: false,
      instances: { gateway: 2, guilds: 1 },
      env: { LOG_LEVEL: 'warn' },
      appEnv: {
        api: { GUILDHALL_RATE_LIMIT_FACTOR: '100000', INVALID_REQUESTS_MAX: MANY },
        gateway: {
          IDENTIFY_INTERVAL_MS: '0',
          MAX_CONCURRENCY: '16',
          SESSIONS_PER_USER_MAX: MANY,
          ...gatewayEnv,
        },
      },
    });
    try {
      const bus = await connectNats({
        clock: new SystemClock(),
        url: fleet.natsUrl(),
        name: 'fan-out',
        inboxPrefix: inboxPrefix('api'),
      });
      const owner = await makeOwner(fleet.api);
      return new GuildhallFleet(fleet, folder, bus, owner, sessionsPerBot);
    } catch (error) {
      await fleet.stop({ now: true });
      folder.remove();
      throw error;
    }
  }

  /** What the first gateway printed, so that a debugger may be found. */
  gatewayLines(): readonly string[] {
    return this.#fleet.logs('gateway-1');
  }

  /** New gateways, with no past to weigh. */
  async refresh(): Promise<void> {
    for (const { name } of this.#gateways()) await this.#fleet.restart(name);
  }

  /**
   * Bots enough for so many sessions, and where they connect. Each compression has two targets
   * that share its sessions: events of so many bytes, and whole messages, which are larger.
   * Its `stop` ends nothing.
   */
  async stage(options: StageOptions): Promise<Stage> {
    const botsCount = Math.ceil(options.sessionsCount / this.#sessionsPerBot);
    const targets: Target[] = [];
    for (const compression of options.compressions) {
      const world = await this.#world(compression, botsCount);
      const target = this.#target(compression, world, options);
      const name = `${target.name} message`;
      targets.push(target, { ...target, name, publish: (count) => this.#send(world, count) });
      if (compression === 'none') {
        targets.push({ ...target, name: POST_LANE, publish: (count) => this.#post(world, count) });
      }
    }
    return { targets, stop: () => Promise.resolve() };
  }

  /** Ends the fleet and removes what it kept. */
  async stop(): Promise<void> {
    await this.#bus.close();
    await this.#fleet.stop({ now: true });
    this.#folder.remove();
  }

  #gateways(): readonly { name: string; port: number; pid: number | undefined }[] {
    return this.#fleet.instances().filter(({ app }) => app === 'gateway');
  }

  async #world(compression: Compression, botsCount: number): Promise<GuildWorld> {
    const known = this.#worlds.get(compression);
    if (known !== undefined && known.tokens.length >= botsCount) return known;
    const world = await makeGuild(this.#owner, botsCount);
    this.#worlds.set(compression, world);
    return world;
  }

  #target(
    compression: Compression,
    world: GuildWorld,
    { sessionsCount, perGatewayMax, payloadBytes }: StageOptions,
  ): Target {
    const gateways = this.#gateways().slice(0, sessionsCount > perGatewayMax ? 2 : 1);
    const dialect = {
      name: 'guildhall' as const,
      compression,
      intents: INTENTS,
      heartbeatMs: HEARTBEAT_INTERVAL_DEFAULT_MS,
      eventBytesMin: EVENT_BYTES_MIN,
    };
    const sinks = gateways.map(({ port }, index): SinkPlan => {
      const before = index * perGatewayMax;
      const connectionsCount = Math.min(perGatewayMax, sessionsCount - before);
      return { dialect, port, connectionsCount, identities: world.tokens };
    });
    const pids = gateways.map(({ pid }) => pid!);
    const nameLength = Math.min(Math.max(payloadBytes - NAMELESS_EVENT_BYTES, 8), NAME_LENGTH_MAX);
    const publish = (count: number): Promise<void> => this.#rename(world, count, nameLength);
    return { name: LANES[compression], pids, sinks, publish };
  }

  /** A category gets a new name: the event whose size can be chosen. */
  #rename(world: GuildWorld, count: number, nameLength: number): Promise<void> {
    const channelId = BigInt(world.categoryId);
    return this.#commands(world, count, (command) =>
      callOwner(this.#bus, Guilds.method.modifyChannel, partitionOf(command.topicId), {
        command,
        channelId,
        fields: { name: randomText(nameLength) },
      }),
    );
  }

  #send(world: GuildWorld, count: number): Promise<void> {
    const { username } = this.#owner;
    const channelId = BigInt(world.channelId);
    return this.#commands(world, count, (command) =>
      callOwner(this.#bus, Messages.method.createMessage, partitionOf(command.topicId), {
        command,
        channelId,
        author: { id: command.actorId, username, discriminator: '0' },
        content: randomText(CONTENT_LENGTH),
      }),
    );
  }

  /** Commands that reach the owner together: it commits them, and publishes one batch of events. */
  async #commands(
    { guildId }: GuildWorld,
    count: number,
    send: (command: CommandOfOwner) => Promise<unknown>,
  ): Promise<void> {
    const topicId = BigInt(guildId);
    const actorId = BigInt(this.#owner.id);
    const partition = partitionOf(topicId);
    const sent = Array.from({ length: count }, () =>
      send({ commandId: this.#mint.mint(partition), topicId, actorId }),
    );
    await Promise.all(sent);
  }

  /** As people speak: over HTTP, one after the other. */
  async #post({ channelId }: GuildWorld, count: number): Promise<void> {
    const path = `/channels/${channelId}/messages`;
    for (let index = 0; index < count; index += 1) {
      await ok(this.#owner.api.post(path, { content: randomText(CONTENT_LENGTH) }));
    }
  }
}

interface CommandOfOwner {
  readonly commandId: bigint;
  readonly topicId: bigint;
  readonly actorId: bigint;
}

function randomText(length: number): string {
  let text = '';
  while (text.length < length) text += Math.random().toString(36).slice(2);
  return text.slice(0, length);
}
