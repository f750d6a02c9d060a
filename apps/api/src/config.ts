// Every knob of this app: its name in the environment, unit, default and limits. The table in the
// README is this list.
import { defaultsOf, EnvReader, knob, type Env, type KnobValues } from '@guildhall/service';
import { readTelemetryEnv, type TelemetryKnobs } from '@guildhall/telemetry';

const MEBIBYTE = 1024 * 1024;

/** Numbers, by the name they have in the code. Units are in the names. */
export const KNOBS = {
  port: knob('PORT', 3000, 0, 65_535),
  connectionsMax: knob('DATABASE_CONNECTIONS_MAX', 10, 1, 1_000),
  /** How many shards of one bot may identify at once; must be what the gateways have. */
  maxConcurrency: knob('MAX_CONCURRENCY', 1, 1, 1_000),
  rateLimitKeysMax: knob('RATE_LIMIT_KEYS_MAX', 200_000, 100, 100_000_000),
  /**
   * Answers 401, 403 and 429 to one address in ten minutes; then it is shut out for the rest of
   * them.
   */
  invalidRequestsMax: knob('INVALID_REQUESTS_MAX', 10_000, 1, 1_000_000_000),
  /** How long a token may still be believed here after it died on another instance. */
  tokenCacheMs: knob('TOKEN_CACHE_MS', 2_000, 0, 5_000),
  tokenCacheMax: knob('TOKEN_CACHE_MAX', 50_000, 1, 10_000_000),
  bodyBytesMax: knob('BODY_BYTES_MAX', MEBIBYTE, 16_384, 64 * MEBIBYTE),
  fileBytesMax: knob('FILE_BYTES_MAX', 25 * MEBIBYTE, 1, 4_096 * MEBIBYTE),
  /** All files of one message together. */
  uploadBytesMax: knob('UPLOAD_BYTES_MAX', 25 * MEBIBYTE, 1, 4_096 * MEBIBYTE),
  filesMax: knob('FILES_MAX', 10, 0, 10),
  /** log2 of scrypt's N: each step doubles the time and memory of a login. */
  passwordCost: knob('PASSWORD_COST', 15, 4, 20),
  passwordsAtOnceMax: knob('PASSWORDS_AT_ONCE_MAX', 2, 1, 64),
  passwordsWaitingMax: knob('PASSWORDS_WAITING_MAX', 32, 0, 10_000),
  requestTimeoutMs: knob('REQUEST_TIMEOUT_MS', 60_000, 1_000, 3_600_000),
  /** How long the owner of a partition is asked before a request is answered 503. */
  ownerDeadlineMs: knob('OWNER_DEADLINE_MS', 8_000, 10, 60_000),
  /** Read state operations in one message; no more than their owners take (`OPERATIONS_MAX`). */
  readStateBatchMax: knob('READ_STATE_BATCH_MAX', 1_024, 1, 8_192),
  /** Read state operations that wait for one owner, and all that are not answered yet. */
  readStatesWaitingPerOwnerMax: knob('READ_STATES_WAITING_PER_OWNER_MAX', 8_192, 1, 1_000_000),
  readStatesWaitingMax: knob('READ_STATES_WAITING_MAX', 16_384, 1, 1_000_000),
  /** How long a bot has for its first answer to an interaction. */
  interactionAnswerMs: knob('INTERACTION_ANSWER_MS', 3_000, 100, 900_000),
  /** How long an interaction that was answered can be followed up. */
  interactionTtlMs: knob('INTERACTION_TTL_MS', 900_000, 1_000, 86_400_000),
  /** How long a message that only one person sees can be changed, or its buttons pressed. */
  ephemeralTtlMs: knob('EPHEMERAL_TTL_MS', 86_400_000, 1_000, 30 * 86_400_000),
  interactionSweepMs: knob('INTERACTION_SWEEP_MS', 30_000, 100, 3_600_000),
  interactionSweepBatchMax: knob('INTERACTION_SWEEP_BATCH_MAX', 5_000, 1, 1_000_000),
  drainMs: knob('DRAIN_MS', 10_000, 0, 600_000),
} as const;

/** What one process runs with; frozen and complete. */
export interface Config extends KnobValues<typeof KNOBS> {
  /** May hold credentials, as `databaseUrl` does: never logged. */
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly host: string;
  /** Tells this process from its siblings, in logs and traces. */
  readonly instance: string;
  /** Where sessions connect: what `/gateway` answers. */
  readonly gatewayUrl: string;
  /** Where this api is found from outside, for the addresses of files; no slash at the end. */
  readonly publicUrl: string;
  readonly filesDir: string;
  /** Multiplies every rate limit. */
  readonly rateLimitFactor: number;
  /** Proxies whose `X-Forwarded-For` is believed, addresses or ranges; empty: none. */
  readonly trustedProxies: readonly string[];
  readonly telemetry: TelemetryKnobs;
}

/** Reads the environment. Throws one Error that names everything that is wrong with it. */
export function readConfig(env: Env): Config {
  const reader = new EnvReader(env);
  const numbers = reader.numbers(KNOBS);
  const telemetry = readTelemetryEnv(env);
  reader.add(telemetry.problems);
  const host = reader.text('HOST') ?? '127.0.0.1';
  const config = {
    ...numbers,
    natsUrl: reader.required('NATS_URL'),
    databaseUrl: reader.required('DATABASE_URL'),
    host,
    instance: reader.text('INSTANCE') ?? `api-${numbers.port}`,
    gatewayUrl: reader.url('GUILDHALL_GATEWAY_URL', ['ws:', 'wss:']) ?? 'ws://127.0.0.1:3001',
    publicUrl: withoutSlash(
      reader.url('GUILDHALL_PUBLIC_URL', ['http:', 'https:']) ?? `http://${host}:${numbers.port}`,
    ),
    filesDir: reader.text('GUILDHALL_FILES_DIR') ?? 'files',
    rateLimitFactor: readFactor(reader),
    trustedProxies: (reader.text('TRUSTED_PROXIES') ?? '').split(',').filter((one) => one !== ''),
    telemetry: telemetry.values,
  };
  reader.check();
  return Object.freeze(config);
}

/** A configuration for specs and for embedding: the defaults, and what is given. */
export function toConfig(given: Partial<Config>): Config {
  return Object.freeze({
    ...defaultsOf(KNOBS),
    natsUrl: '',
    databaseUrl: '',
    host: '127.0.0.1',
    instance: 'api-1',
    gatewayUrl: 'ws://127.0.0.1:3001',
    publicUrl: 'http://127.0.0.1:3000',
    filesDir: 'files',
    rateLimitFactor: 1,
    trustedProxies: [],
    telemetry: readTelemetryEnv({}).values,
    ...given,
  });
}

function readFactor(reader: EnvReader): number {
  const text = reader.text('GUILDHALL_RATE_LIMIT_FACTOR');
  if (text === undefined) return 1;
  const factor = Number(text);
  if (factor > 0 && factor <= 1_000_000) return factor;
  reader.add(['GUILDHALL_RATE_LIMIT_FACTOR must be a number above 0, at most 1000000']);
  return 1;
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
