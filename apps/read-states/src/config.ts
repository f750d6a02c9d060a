// Every knob of this app: its name in the environment, unit, default and limits. The table in the
// README is this list.
import { BYTES_MAX, BYTES_MIN, ENTRIES_MAX } from '@guildhall/read-state-table';
import { EnvReader, knob, type Env, type KnobValues } from '@guildhall/service';
import { readTelemetryEnv, type TelemetryKnobs } from '@guildhall/telemetry';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Numbers, by the name they have in the code. Units are in the names. */
export const KNOBS = {
  port: knob('PORT', 3013, 0, 65_535),
  /** All memory of users in memory: past it those unused for longest go. */
  tableBytesMax: knob('TABLE_BYTES_MAX', 2 ** 30, BYTES_MIN, BYTES_MAX),
  entriesPerUserMax: knob('ENTRIES_PER_USER_MAX', 100_000, 1, ENTRIES_MAX),
  acksPerRequestMax: knob('ACKS_PER_REQUEST_MAX', 1_000, 1, 100_000),
  /** Operations in one batch; results are counted in 16 bits. */
  operationsMax: knob('OPERATIONS_MAX', 8_192, 1, 65_535),
  /** Requests in hand, and operations in them; past it they are refused as overloaded. */
  waitingMax: knob('WAITING_MAX', 16_384, 1, 10_000_000),
  operationsWaitingMax: knob('OPERATIONS_WAITING_MAX', 131_072, 1, 100_000_000),
  /** Transactions under way at once; partitions are spread over them. */
  commitLanesCount: knob('COMMIT_LANES', 2, 1, 64),
  foldIntervalMs: knob('FOLD_INTERVAL_MS', 1_000, 10, DAY_MS),
  /** Rows in one statement of a fold or a replay, about: all of a user go together. */
  foldWriteMax: knob('FOLD_WRITE_MAX', 256, 1, 100_000),
  /** Rows a second of a fold while the log is short. */
  foldRowsPerSecond: knob('FOLD_ROWS_PER_SECOND', 5_000, 1, 10_000_000),
  /** Records in the logs that may not be in the rows: what a takeover has to replay at most. */
  logRecordsMax: knob('LOG_RECORDS_MAX', 4_000_000, 1, 1_000_000_000),
  /** Users that wait to be loaded, queries that load them under way at once, and users in one. */
  loadsWaitingMax: knob('LOADS_WAITING_MAX', 100_000, 1, 10_000_000),
  loadsAtOnceMax: knob('LOADS_AT_ONCE_MAX', 4, 1, 1_000),
  loadBatchMax: knob('LOAD_BATCH_MAX', 64, 1, 10_000),
  sweepIntervalMs: knob('SWEEP_INTERVAL_MS', 60_000, 100, DAY_MS),
  connectionsMax: knob('DATABASE_CONNECTIONS_MAX', 12, 2, 1_000),
  beatMs: knob('BEAT_MS', 500, 10, 60_000),
  leaseMs: knob('LEASE_MS', 2_000, 50, 600_000),
  drainMs: knob('DRAIN_MS', 10_000, 0, 600_000),
} as const;

/** What the app itself is set by, wherever it runs. */
export type ReadStatesKnobs = KnobValues<typeof KNOBS>;

/** What one process runs with; frozen and complete. */
export interface Config extends ReadStatesKnobs {
  /** May hold credentials, as `databaseUrl` does: never logged. */
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly host: string;
  /** Tells this process from its siblings, in placement, logs and tables. */
  readonly instance: string;
  readonly version: string;
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
    instance: reader.text('INSTANCE') ?? `read-states-${numbers.port}`,
    version: reader.text('VERSION') ?? '0.1.0',
    telemetry: telemetry.values,
  };
  reader.check();
  return Object.freeze(config);
}
