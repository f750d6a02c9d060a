// Every knob of this app: its name in the environment, unit, default and limits. The table in the
// README is this list.
import { EnvReader, knob, type Env, type KnobValues } from '@guildhall/service';
import { readTelemetryEnv, type TelemetryKnobs } from '@guildhall/telemetry';

/** Numbers, by the name they have in the code. Units are in the names. */
export const KNOBS = {
  port: knob('PORT', 3012, 0, 65_535),
  /** How long changes are collected before they are said. */
  windowMs: knob('PRESENCE_WINDOW_MS', 100, 1, 60_000),
  /** Events said at the end of one window; the rest waits for the next. */
  eventsPerWindowMax: knob('EVENTS_PER_WINDOW_MAX', 4_000, 1, 10_000_000),
  /**
   * Of those after them, events that only repeat what is so, after a takeover. 0: nothing is
   * repeated: the owners of guilds ask anew after a takeover and tell their guilds what is
   * different, which is little, while this repeats everybody in every guild. With it, a user's own
   * other sessions hear anew as well.
   */
  repeatedPerWindowMax: knob('REPEATED_PER_WINDOW_MAX', 0, 0, 10_000_000),
  /** Sessions not renewed for so long have ended. Gateways renew every 10 s. */
  sessionLeaseMs: knob('SESSION_LEASE_MS', 30_000, 100, 3_600_000),
  /** The same once their gateway is gone: time for its clients to be back on another. */
  orphanLeaseMs: knob('ORPHAN_LEASE_MS', 10_000, 100, 3_600_000),
  /** Sessions ended four times a second because their leases have run out; the rest follows. */
  expiredPerStepMax: knob('EXPIRED_PER_STEP_MAX', 2_000, 1, 10_000_000),
  /** After partitions were taken: how long gateways have to put their sessions again. */
  settleMs: knob('PRESENCE_SETTLE_MS', 3_000, 10, 60_000),
  /** Sessions held here; more are refused, and asked about again at each renewal. */
  sessionsMax: knob('SESSIONS_MAX', 2_000_000, 1, 100_000_000),
  /** Activities of one session as JSON; beyond it they are left out. */
  activitiesBytesMax: knob('ACTIVITIES_BYTES_MAX', 16_384, 2, 1_000_000),
  beatMs: knob('BEAT_MS', 500, 10, 60_000),
  leaseMs: knob('LEASE_MS', 2_000, 50, 600_000),
  drainMs: knob('DRAIN_MS', 10_000, 0, 600_000),
} as const;

/** What one process runs with; frozen and complete. */
export interface Config extends KnobValues<typeof KNOBS> {
  /** May hold credentials: never logged. */
  readonly natsUrl: string;
  readonly host: string;
  /** Tells this process from its siblings, in placement and logs. */
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
    host: reader.text('HOST') ?? '127.0.0.1',
    instance: reader.text('INSTANCE') ?? `presence-${numbers.port}`,
    telemetry: telemetry.values,
  };
  reader.check();
  return Object.freeze(config);
}
