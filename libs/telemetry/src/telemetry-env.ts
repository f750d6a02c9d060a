import { LOG_LEVELS, type LogLevel } from './logger.js';

/** The knobs of telemetry, as the environment sets them. */
export interface TelemetryKnobs {
  readonly logLevel: LogLevel;
  /** Base address of an OTLP/HTTP collector; absent: no traces. */
  readonly otlpEndpoint?: string;
  /** Share of new traces that is kept, 0..1. */
  readonly traceRatio: number;
  /** Above this many spans a second, fewer new traces are kept. */
  readonly spansPerSecondMax: number;
}

/** What was read, complete with defaults, and everything that was wrong with it. */
export interface TelemetryEnv {
  readonly values: TelemetryKnobs;
  /** One sentence per problem; the values then hold the default in its place. */
  readonly problems: readonly string[];
}

const DEFAULTS = { logLevel: 'info', traceRatio: 0.01, spansPerSecondMax: 500 } as const;

/** Reads the knobs from environment variables. Never throws. */
export function readTelemetryEnv(env: Readonly<Record<string, string | undefined>>): TelemetryEnv {
  const problems: string[] = [];
  const otlpEndpoint = readEndpoint(env['OTEL_EXPORTER_OTLP_ENDPOINT'], problems);
  return {
    values: {
      logLevel: readLevel(env['LOG_LEVEL'], problems),
      ...(otlpEndpoint === undefined ? {} : { otlpEndpoint }),
      traceRatio: readNumber(env, 'GUILDHALL_TRACE_RATIO', DEFAULTS.traceRatio, 1, problems),
      spansPerSecondMax: readNumber(
        env,
        'GUILDHALL_TRACE_SPANS_PER_SECOND',
        DEFAULTS.spansPerSecondMax,
        Infinity,
        problems,
      ),
    },
    problems,
  };
}

function readLevel(text: string | undefined, problems: string[]): LogLevel {
  if (text === undefined || text === '') return DEFAULTS.logLevel;
  const level = LOG_LEVELS.find((known) => known === text.toLowerCase());
  if (level === undefined) problems.push(`LOG_LEVEL must be one of ${LOG_LEVELS.join(', ')}`);
  return level ?? DEFAULTS.logLevel;
}

function readEndpoint(text: string | undefined, problems: string[]): string | undefined {
  if (text === undefined || text === '') return undefined;
  const protocol = URL.parse(text)?.protocol;
  if (protocol === 'http:' || protocol === 'https:') return text;
  problems.push('OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https address');
  return undefined;
}

function readNumber(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  byDefault: number,
  max: number,
  problems: string[],
): number {
  const text = env[name]?.trim();
  if (text === undefined || text === '') return byDefault;
  const value = Number(text);
  if (value >= 0 && value <= max) return value;
  const bound = max === Infinity ? 'a number from 0 up, or Infinity' : `a number from 0 to ${max}`;
  problems.push(`${name} must be ${bound}`);
  return byDefault;
}
