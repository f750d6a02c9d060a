// Logs: one JSON line per event, with the trace it belongs to. Apps do not log free-hand; each has
// an `events.ts` with one function per reported event, and those call this.

import { destination as openDestination, pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger as Pino } from 'pino';

import { redactedFields, redactedText } from './redaction.js';
import type { TraceContext } from './trace-context.js';

/** From most to least said; `silent` says nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Writes events. Fields are redacted and copied; a level that is off costs one comparison. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
  fatal(message: string, fields?: object): void;
  /** The same logger saying which trace its lines belong to; itself when there is none. */
  with(context: TraceContext | undefined): Logger;
  /** The same logger with these fields on every line. */
  child(fields: object): Logger;
  isEnabled(level: LogLevel): boolean;
}

/** Who writes the log, from which level up, and where to. */
export interface LoggerConfig {
  readonly service: string;
  readonly instance: string;
  readonly level: LogLevel;
  /** Receives whole lines; standard output, written asynchronously, when absent. */
  readonly destination?: { write(line: string): void };
}

/** A logger and the way to empty its buffer before the process ends. */
export interface OpenLogger {
  readonly logger: Logger;
  /** Writes what is buffered. May be called often. Never throws. */
  flush(): void;
}

/** What is kept while the reader of standard output stalls; lines beyond it are dropped. */
const BUFFER_BYTES_MAX = 4 * 1024 * 1024;

/** Opens the process's log. */
export function openLogger(config: LoggerConfig): OpenLogger {
  const stdout =
    config.destination === undefined
      ? openDestination({ dest: 1, sync: false, maxLength: BUFFER_BYTES_MAX })
      : undefined;
  const stream: DestinationStream = config.destination ?? stdout!;
  const root = pino(
    {
      level: config.level,
      base: { service: config.service, instance: config.instance },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
    },
    stream,
  );
  return { logger: new PinoLogger(root), flush: () => flushQuietly(stdout) };
}

/** Opens a log and returns only the logger, for processes that need no flush at the end. */
export function createLogger(config: LoggerConfig): Logger {
  return openLogger(config).logger;
}

class PinoLogger implements Logger {
  readonly #pino: Pino;

  constructor(pinoLogger: Pino) {
    this.#pino = pinoLogger;
  }

  debug(message: string, fields?: object): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: object): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: object): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: object): void {
    this.#write('error', message, fields);
  }

  fatal(message: string, fields?: object): void {
    this.#write('fatal', message, fields);
  }

  with(context: TraceContext | undefined): Logger {
    if (context === undefined) return this;
    const { traceId, spanId } = context;
    return new PinoLogger(this.#pino.child({ trace_id: traceId, span_id: spanId }));
  }

  child(fields: object): Logger {
    return new PinoLogger(this.#pino.child(redactedFields(fields)));
  }

  isEnabled(level: LogLevel): boolean {
    return level !== 'silent' && this.#pino.isLevelEnabled(level);
  }

  #write(level: Exclude<LogLevel, 'silent'>, message: string, fields: object | undefined): void {
    if (!this.#pino.isLevelEnabled(level)) return;
    this.#pino[level](fields === undefined ? {} : redactedFields(fields), redactedText(message));
  }
}

function flushQuietly(stdout: { flushSync(): void } | undefined): void {
  try {
    stdout?.flushSync();
  } catch {
    // The stream may not be open yet, or its reader may be gone; neither may stop a shutdown.
  }
}
