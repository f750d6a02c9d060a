// Every knob of this app: its name in the environment, unit, default and limits. The table in the
// README is this list.
import { EnvReader, knob, type Env, type KnobValues } from '@guildhall/service';
import { readTelemetryEnv, type TelemetryKnobs } from '@guildhall/telemetry';

const MIB = 1024 * 1024;
const DAY_S = 24 * 60 * 60;

/** Numbers, by the name they have in the code. Units are in the names. */
export const KNOBS = {
  port: knob('PORT', 3011, 0, 65_535),
  /** Topics in memory. Followed and busy ones stay even above it. */
  topicsMax: knob('TOPICS_MAX', 10_000, 1, 10_000_000),
  /** Events per topic kept in memory for followers that missed some. */
  tailMax: knob('TAIL_EVENTS_MAX', 512, 16, 100_000),
  /** And their bytes: a change of who sees what may have megabytes. */
  tailBytesMax: knob('TAIL_BYTES_MAX', 16 * MIB, 65_536, 1_024 * MIB),
  /** Answers per topic kept for commands that come twice. */
  repliesMax: knob('REPLIES_MAX', 16_384, 16, 1_000_000),
  /** How long they are kept: longer than a caller tries. */
  replyKeepMs: knob('REPLY_KEEP_MS', 15_000, 1_000, 600_000),
  /** Events per topic that are read when it is loaded, with those of the last REPLY_KEEP_MS. */
  recentEventsMax: knob('RECENT_EVENTS_MAX', 256, 16, 10_000),
  /** Events older than this are deleted from the log. */
  eventRetentionS: knob('EVENT_RETENTION_S', 900, 60, 30 * DAY_S),
  sweepIntervalMs: knob('SWEEP_INTERVAL_MS', 5_000, 100, DAY_S * 1_000),
  /** Rows of one kind deleted in one sweep. */
  sweepBatchMax: knob('SWEEP_BATCH_MAX', 10_000, 1, 1_000_000),
  /** Transactions under way at once; topics are spread over them. */
  commitLanesCount: knob('COMMIT_LANES', 4, 1, 64),
  commitBatchMax: knob('COMMIT_BATCH_MAX', 256, 1, 10_000),
  /** Commands decided and not yet committed; past it they are refused as overloaded. */
  commitWaitingMax: knob('COMMIT_WAITING_MAX', 8_192, 1, 1_000_000),
  connectionsMax: knob('DATABASE_CONNECTIONS_MAX', 12, 2, 1_000),
  errandConcurrencyMax: knob('ERRAND_CONCURRENCY_MAX', 64, 1, 10_000),
  errandsWaitingMax: knob('ERRANDS_WAITING_MAX', 100_000, 1, 10_000_000),
  errandSweepMs: knob('ERRAND_SWEEP_MS', 5_000, 100, 600_000),
  /** How long an answer waits for other topics to be told, where it waits at all. */
  errandWaitMs: knob('ERRAND_WAIT_MS', 3_000, 10, 60_000),
  digestIntervalMs: knob('DIGEST_INTERVAL_MS', 1_000, 50, 60_000),
  /** How long after its last event a topic is named in digests. */
  digestWindowMs: knob('DIGEST_WINDOW_MS', 5_000, 100, 600_000),
  /** A gateway that has not said for this long that it relays a topic is not counted. */
  followerLeaseMs: knob('FOLLOWER_LEASE_MS', 15_000, 100, 600_000),
  /** After users changed hands: how long gateways have to put their sessions again. */
  presenceSettleMs: knob('PRESENCE_SETTLE_MS', 3_000, 10, 60_000),
  presenceTimeoutMs: knob('PRESENCE_TIMEOUT_MS', 1_000, 10, 60_000),
  /** How long a member without sessions may take to come back, if nobody said that it is gone. */
  absentGraceMs: knob('ABSENT_GRACE_MS', 15_000, 10, 600_000),
  beatMs: knob('BEAT_MS', 500, 10, 60_000),
  leaseMs: knob('LEASE_MS', 2_000, 50, 600_000),
  drainMs: knob('DRAIN_MS', 10_000, 0, 600_000),
} as const;

/** What one process runs with; frozen and complete. */
export interface Config extends KnobValues<typeof KNOBS> {
  /** May hold credentials, as `databaseUrl` does: never logged. */
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly host: string;
  /** Tells this process from its siblings, in placement, logs and tables. */
  readonly instance: string;
  readonly telemetry: TelemetryKnobs;
}

/** Reads the environment. Throws one Error that names everything that is wrong with it. */
export function readConfig(env: Env): Config {
  const reader = new EnvReader(env);
  const numbers = reader.numbers(KNOBS);
  const telemetry = readTelemetryEnv(env);
  reader.add(telemetry.problems);
  const config = {
    ...numbers,
    natsUrl: reader.required('NATS_URL'),
    databaseUrl: reader.required('DATABASE_URL'),
    host: reader.text('HOST') ?? '127.0.0.1',
    instance: reader.text('INSTANCE') ?? `guilds-${numbers.port}`,
    telemetry: telemetry.values,
  };
  reader.check();
  return Object.freeze(config);
}
