// Guildhall's gateway in a full fleet: events are commands to the real owner of a guild, committed
// to PostgreSQL and published on NATS; recipients are bots that have identified. Filters, sequences
// and replay are on, since they cannot be turned off. Only the gateway's own CPU time counts.
import { callOwner, connectNats, type Bus } from '@guildhall/bus';
import { SystemClock } from '@guildhall/clock';
import { inboxPrefix, Messages } from '@guildhall/contracts';
import { startFleet, type Fleet } from '@guildhall/fleet';
import { HEARTBEAT_INTERVAL_DEFAULT_MS, Intent } from '@guildhall/gateway-protocol';
import { partitionOf, SnowflakeMint } from '@guildhall/snowflake';
import { tempDir, type TempDir } from '@guildhall/testkit';
import { makeGuild, makeOwner, ok, type GuildWorld, type Owner } from './guild-world.js';
import type { SinkPlan } from './sink.js';
import type { Stage, Target } from './target.js';

/** How a lane's sessions are compressed. */
export type Compression = 'none' | 'zlib-stream' | 'zstd-stream';

/** Names of the targets, by compression; the first is published by POST as well. */
export const LANES: Readonly<Record<Compression, string>> = {
  none: 'guildhall',
  'zlib-stream': 'guildhall zlib',
  'zstd-stream': 'guildhall zstd',
};
export const POST_LANE = 'guildhall POST';

/** How a stage of sessions is laid out. */
export interface StageOptions {
  /** Of each compression. */
  readonly sessionsCount: number;
  readonly compressions: readonly Compression[];
  /** More sessions than this, and the rest is on the second gateway. */
  readonly perGatewayMax: number;
}

const INTENTS = Intent.Guilds | Intent.GuildMessages | Intent.MessageContent;
/**
 * Smaller frames are answers to heartbeats: 36 bytes as JSON, about as many in a shared zlib piece.
 * A context of zstd knows both by heart, and makes some 60 bytes of a message.
 */
const EVENT_BYTES_MIN: Readonly<Record<Compression, number>> = {
  none: 120,
  'zlib-stream': 120,
  'zstd-stream': 32,
};
/** Characters of a message, drawn anew each time: a context would know the same one by heart. */
const CONTENT_LENGTH = 40;
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

  /** New gateways, with no past to weigh; not while sessions are to be kept. */
  async refresh(): Promise<void> {
    for (const { name } of this.#gateways()) await this.#fleet.restart(name);
  }

  /**
   * Bots enough for so many sessions, and where they connect. Sessions of the first gateway that
   * are full there are those of the stage before (`first`). Its `stop` ends nothing.
   */
  async stage(options: StageOptions, first?: SinkPlan): Promise<Stage> {
    const botsCount = Math.ceil(options.sessionsCount / this.#sessionsPerBot);
    const targets: Target[] = [];
    for (const compression of options.compressions) {
      // Sessions that stay are in the guild they are in, however many bots it has.
      const world = await this.#world(compression, first === undefined ? botsCount : 0);
      const target = this.#target(compression, world, options, first);
      targets.push(target);
      if (compression === 'none') {
        const publish = (count: number): Promise<void> => this.#post(world, count);
        targets.push({ ...target, name: POST_LANE, publish });
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

  #content(): string {
    let text = '';
    while (text.length < CONTENT_LENGTH) text += Math.random().toString(36).slice(2);
    return text.slice(0, CONTENT_LENGTH);
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
    { sessionsCount, perGatewayMax }: StageOptions,
    first: SinkPlan | undefined,
  ): Target {
    const gateways = this.#gateways().slice(0, sessionsCount > perGatewayMax ? 2 : 1);
    const dialect = {
      name: 'guildhall' as const,
      compression,
      intents: INTENTS,
      heartbeatMs: HEARTBEAT_INTERVAL_DEFAULT_MS,
      eventBytesMin: EVENT_BYTES_MIN[compression],
    };
    const sinks = gateways.map(({ port }, index): SinkPlan => {
      if (index === 0 && first?.port === port) return first;
      const before = index * perGatewayMax;
      const connectionsCount = Math.min(perGatewayMax, sessionsCount - before);
      return { dialect, port, connectionsCount, identities: world.tokens };
    });
    const pids = gateways.map(({ pid }) => pid!);
    const publish = (count: number): Promise<void> => this.#command(world, count);
    return { name: LANES[compression], pids, sinks, publish };
  }

  /** Commands that reach the owner together: it commits them, and publishes one batch of events. */
  async #command({ guildId, channelId }: GuildWorld, count: number): Promise<void> {
    const topicId = BigInt(guildId);
    const partition = partitionOf(topicId);
    const { id, username } = this.#owner;
    const actorId = BigInt(id);
    await Promise.all(
      Array.from({ length: count }, () =>
        callOwner(this.#bus, Messages.method.createMessage, partition, {
          command: { commandId: this.#mint.mint(partition), topicId, actorId },
          channelId: BigInt(channelId),
          author: { id: actorId, username, discriminator: '0' },
          content: this.#content(),
        }),
      ),
    );
  }

  /** As people speak: over HTTP, one after the other. */
  async #post({ channelId }: GuildWorld, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      await ok(
        this.#owner.api.post(`/channels/${channelId}/messages`, { content: this.#content() }),
      );
    }
  }
}
