// Every knob of this app: its name in the environment, unit, default and limits. The table in the
// README is this list.
import {
  GUILDS_PER_SHARD_MAX,
  HEARTBEAT_INTERVAL_DEFAULT_MS,
  IDENTIFY_INTERVAL_MS,
  SENDS_MAX,
  SENDS_WINDOW_MS,
} from '@guildhall/gateway-protocol';
import { defaultsOf, EnvReader, knob, type Env, type KnobValues } from '@guildhall/service';
import { readTelemetryEnv, type TelemetryKnobs } from '@guildhall/telemetry';

const MEBIBYTE = 1024 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Numbers, by the name they have in the code. Units are in the names. */
export const NUMBER_KNOBS = {
  port: knob('PORT', 3001, 0, 65_535),
  /** What clients are told in HELLO. */
  heartbeatIntervalMs: knob('HEARTBEAT_INTERVAL_MS', HEARTBEAT_INTERVAL_DEFAULT_MS, 100, DAY_MS),
  /** Silence after which a socket is closed (4009), resumable. 0: one interval and a half. */
  heartbeatTimeoutMs: knob('HEARTBEAT_TIMEOUT_MS', 0, 0, DAY_MS),
  /** A socket without a session is closed (4003) after this. */
  identifyTimeoutMs: knob('IDENTIFY_TIMEOUT_MS', 30_000, 100, DAY_MS),
  /** How long a session without a socket may be resumed. */
  resumeWindowMs: knob('RESUME_WINDOW_MS', 180_000, 0, DAY_MS),
  /** How long it is still shown online. */
  presenceGraceMs: knob('PRESENCE_GRACE_MS', 10_000, 0, DAY_MS),
  replayEventsMax: knob('REPLAY_EVENTS_MAX', 4_096, 16, 1_000_000),
  /** Of payloads made for one session (READY, GUILD_CREATE), until a heartbeat confirms them. */
  replayOwnBytesMax: knob('REPLAY_OWN_BYTES_MAX', 64 * MEBIBYTE, 65_536, 1024 * MEBIBYTE),
  /** Dispatches kept although a heartbeat confirmed them. */
  replayConfirmedMax: knob('REPLAY_CONFIRMED_MAX', 256, 0, 1_000_000),
  /** Shared dispatches kept once for all sessions, while one may be resumed: bytes, and number. */
  replayLogBytesMax: knob('REPLAY_LOG_BYTES_MAX', 256 * MEBIBYTE, 65_536, 16_384 * MEBIBYTE),
  replayLogEventsMax: knob('REPLAY_LOG_EVENTS_MAX', 262_144, 16, 16_777_216),
  /** Events that may wait for a session's READY. */
  heldEventsMax: knob('HELD_EVENTS_MAX', 4_096, 16, 1_000_000),
  recentEventsMax: knob('RECENT_EVENTS_MAX', 32, 0, 100_000),
  recentEventsAttachingMax: knob('RECENT_EVENTS_ATTACHING_MAX', 4_096, 16, 1_000_000),
  earlyEventsMax: knob('EARLY_EVENTS_MAX', 1_024, 16, 100_000),
  /** Deliveries (an event to a session) that may wait in one topic; see the deliverer. */
  fanOutBacklogMax: knob('FAN_OUT_BACKLOG_MAX', 1_000_000, 1_000, 100_000_000),
  /** Bytes that may wait for a client that reads slowly; then its socket is cut off, resumable. */
  socketBufferBytesMax: knob('SOCKET_BUFFER_BYTES_MAX', 4 * MEBIBYTE, 65_536, 1024 * MEBIBYTE),
  /** The same for all sockets together; those for which the most waits are cut off first. */
  socketBuffersBytesMax: knob(
    'SOCKET_BUFFERS_BYTES_MAX',
    1024 * MEBIBYTE,
    MEBIBYTE,
    65_536 * MEBIBYTE,
  ),
  /** 0: `zlib-stream` from pieces compressed once for all; else what a message refers back to. */
  zlibHistoryBytes: knob('ZLIB_HISTORY_BYTES', 0, 0, 32_768),
  /** 0: `zstd-stream` from pieces compressed once for all, but for ETF; 1: a context per socket. */
  zstdContexts: knob('ZSTD_CONTEXTS', 0, 0, 1),
  sessionsMax: knob('SESSIONS_MAX', 100_000, 1, 10_000_000),
  socketsMax: knob('SOCKETS_MAX', 120_000, 1, 10_000_000),
  sessionsPerUserMax: knob('SESSIONS_PER_USER_MAX', 1_000, 1, 10_000_000),
  maxConcurrency: knob('MAX_CONCURRENCY', 1, 1, 1_000),
  identifyIntervalMs: knob('IDENTIFY_INTERVAL_MS', IDENTIFY_INTERVAL_MS, 0, DAY_MS),
  guildsPerShardMax: knob('GUILDS_PER_SHARD_MAX', GUILDS_PER_SHARD_MAX, 1, 1_000_000),
  sendsMax: knob('SENDS_MAX', SENDS_MAX, 1, 1_000_000),
  sendsWindowMs: knob('SENDS_WINDOW_MS', SENDS_WINDOW_MS, 1, DAY_MS),
  /** op 9 is answered after a while between these two, lest libraries identify in a hot loop. */
  invalidSessionDelayMinMs: knob('INVALID_SESSION_DELAY_MIN_MS', 1_000, 0, DAY_MS),
  invalidSessionDelayMaxMs: knob('INVALID_SESSION_DELAY_MAX_MS', 5_000, 0, DAY_MS),
  /** How long a guild's owner may take before READY goes out without it. */
  attachTimeoutMs: knob('ATTACH_TIMEOUT_MS', 5_000, 10, 60_000),
  attachesInFlightMax: knob('ATTACHES_IN_FLIGHT_MAX', 256, 1, 16_384),
  /** First wait before an unavailable guild is asked again; doubles up to a minute. */
  attachRetryMs: knob('ATTACH_RETRY_MS', 1_000, 10, 60_000),
  callTimeoutMs: knob('CALL_TIMEOUT_MS', 2_000, 10, 60_000),
  requestDeadlineMs: knob('REQUEST_DEADLINE_MS', 8_000, 10, 60_000),
  followIntervalMs: knob('FOLLOW_INTERVAL_MS', 5_000, 50, DAY_MS),
  leaseRenewalMs: knob('LEASE_RENEWAL_MS', 10_000, 50, DAY_MS),
  presenceFlushMs: knob('PRESENCE_FLUSH_MS', 20, 1, 60_000),
  drainBatchSize: knob('DRAIN_BATCH_SIZE', 500, 1, 1_000_000),
  drainBatchIntervalMs: knob('DRAIN_BATCH_INTERVAL_MS', 100, 1, 60_000),
  drainMs: knob('DRAIN_MS', 20_000, 0, DAY_MS),
};

type Numbers = KnobValues<typeof NUMBER_KNOBS>;

/** What one process runs with; frozen and complete. */
export interface Config extends Numbers {
  /** May hold credentials: never logged. */
  readonly natsUrl: string;
  readonly host: string;
  /** Tells this process from its siblings; in placement, in logs, in `_trace`. */
  readonly instance: string;
  /** Where clients are told to resume; absent: `ws://HOST:<the port that was bound>`. */
  readonly advertisedUrl: string | undefined;
  readonly telemetry: TelemetryKnobs;
}

/** Reads the environment. Throws one Error that names everything that is wrong with it. */
export function readConfig(env: Env): Config {
  const reader = new EnvReader(env);
  const numbers = reader.numbers(NUMBER_KNOBS);
  const natsUrl = reader.required('NATS_URL');
  const host = reader.text('HOST') ?? '127.0.0.1';
  // Libraries append `?v=...` to it as it stands.
  const advertisedUrl = reader.url('GUILDHALL_GATEWAY_URL', ['ws:', 'wss:']);
  const telemetry = readTelemetryEnv(env);
  reader.add(telemetry.problems);
  if (numbers.invalidSessionDelayMinMs > numbers.invalidSessionDelayMaxMs) {
    reader.add(['INVALID_SESSION_DELAY_MIN_MS must not be above INVALID_SESSION_DELAY_MAX_MS']);
  }
  reader.check();
  const instance = reader.text('INSTANCE') ?? `gateway-${numbers.port}`;
  const { values } = telemetry;
  return toConfig({ ...numbers, natsUrl, host, instance, advertisedUrl, telemetry: values });
}

/** Completes a configuration with the defaults, and freezes it. */
export function toConfig(given: Partial<Config>): Config {
  const config = {
    ...defaultsOf(NUMBER_KNOBS),
    natsUrl: '',
    host: '127.0.0.1',
    instance: 'gateway-1',
    advertisedUrl: undefined,
    telemetry: readTelemetryEnv({}).values,
    ...given,
  };
  const heartbeatTimeoutMs = config.heartbeatTimeoutMs || config.heartbeatIntervalMs * 1.5;
  return Object.freeze({ ...config, heartbeatTimeoutMs });
}
